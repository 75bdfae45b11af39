// Points in time, as BigInt nanoseconds since the Unix epoch (mvchain/core/timestamps.py; C16, C17, C105).

const NANOSECONDS = 1_000_000_000n;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;

/** Of a time in UTC with `Z` and at most nine digits of fraction; null for any other text. */
export function parseRfc3339(text) {
  const match = RFC3339.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || year < 1 || hour > 23 || minute > 59 || second > 59) return null;
  const seconds = date.getTime() / 1000 + 3600 * hour + 60 * minute + second;
  return BigInt(seconds) * NANOSECONDS + BigInt((match[7] ?? "").padEnd(9, "0"));
}

/** `2026-03-09T01:02:03.5Z`: UTC, the fraction only as long as it needs to be (C105). */
export function formatRfc3339(timeNs) {
  const nanos = timestampNanos(timeNs);
  const whole = new Date(Number((timeNs - nanos) / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = nanos ? `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}` : "";
  return `${whole}${fraction}Z`;
}

/** The nanoseconds beyond the last whole second, 0 to 999,999,999, before 1970 too. */
export function timestampNanos(timeNs) {
  return ((timeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
}

/** The whole seconds, rounded down. */
export function timestampSeconds(timeNs) {
  return (timeNs - timestampNanos(timeNs)) / NANOSECONDS;
}
