// Which language the page speaks, and how it writes numbers and times. Korean comes first.

import { WORDS } from "./words.js";

const LANGUAGES = ["ko", "en"];
const LANGUAGE_KEY = "mvchain.language";
const LOCALES = { ko: "ko-KR", en: "en-GB" };
const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

let current = storedLanguage();

/** "ko" or "en". */
export function language() {
  return current;
}

/** The language that the switch leads to. */
export function otherLanguage() {
  return current === "ko" ? "en" : "ko";
}

/** Speaks another language from now on, on this device. */
export function chooseLanguage(chosen) {
  current = chosen;
  try {
    localStorage.setItem(LANGUAGE_KEY, chosen);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function storedLanguage() {
  try {
    const stored = localStorage.getItem(LANGUAGE_KEY);
    return LANGUAGES.includes(stored) ? stored : "ko";
  } catch {
    return "ko";
  }
}

/** The word or sentence of this name in the page's language; sentences with gaps take what fills them. */
export function say(name, ...values) {
  const word = WORDS[name][LANGUAGES.indexOf(current)];
  return typeof word === "function" ? word(...values) : word;
}

/** Of a text of the chain in several languages, the one for this page: {text, lang}. */
export function choose(texts) {
  for (const lang of [current, ...LANGUAGES, ...Object.keys(texts)]) {
    if (Object.hasOwn(texts, lang)) return { text: texts[lang], lang };
  }
  return { text: "", lang: current };
}

/** 12,345 */
export function count(value) {
  return new Intl.NumberFormat(LOCALES[current], { maximumFractionDigits: 2 }).format(value);
}

/** 12.3 %, of a whole that may be 0. */
export function percent(part, whole) {
  return `${(whole ? (100 * part) / whole : 0).toFixed(1)}%`;
}

/** Korean time, as domain 9 writes it: 2025. 8. 22.(금) 09:00. Null where it has not come. */
export function dateTime(timeMs, { seconds = false } = {}) {
  if (timeMs === null) return null;
  const options = {
    timeZone: "Asia/Seoul",
    year: "numeric",
    month: current === "ko" ? "numeric" : "short",
    day: "numeric",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  };
  const parts = new Intl.DateTimeFormat(LOCALES[current], options).formatToParts(timeMs);
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  const time = `${part.hour}:${part.minute}${seconds ? `:${part.second}` : ""}`;
  if (current === "ko") return `${part.year}. ${part.month}. ${part.day}.(${part.weekday}) ${time}`;
  return `${part.weekday} ${part.day} ${part.month} ${part.year}, ${time} KST`;
}

/** How long ago: 8초 전. */
export function age(timeMs, nowMs) {
  const seconds = Math.max(0, Math.floor((nowMs - timeMs) / SECOND_MS));
  if (seconds < MINUTE_S) return say("secondsAgo", seconds);
  if (seconds < HOUR_S) return say("minutesAgo", Math.floor(seconds / MINUTE_S));
  if (seconds < DAY_S) return say("hoursAgo", Math.floor(seconds / HOUR_S));
  return say("daysAgo", Math.floor(seconds / DAY_S));
}

/** A length of time: 1.2초. */
export function duration(timeMs) {
  const seconds = timeMs / SECOND_MS;
  if (seconds < MINUTE_S) return say("seconds", seconds < 10 ? seconds.toFixed(1) : Math.round(seconds));
  return say("minutes", Math.round(seconds / MINUTE_S));
}
