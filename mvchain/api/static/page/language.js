// Which language a page speaks, and how it writes numbers and times. Korean comes first.

export const LANGUAGES = ["ko", "en"];
const LOCALES = { ko: "ko-KR", en: "en-GB" };

let current = LANGUAGES[0];
let words = {};

/** Has the page say these: name to [Korean, English], texts or functions that fill the gaps of a sentence. */
export function useWords(table) {
  words = table;
}

/** "ko" or "en". */
export function language() {
  return current;
}

/** The language that the switch leads to. */
export function otherLanguage() {
  return LANGUAGES.find((one) => one !== current);
}

/** Speaks this language from now on. */
export function speak(chosen) {
  current = chosen;
}

/** The word or sentence of this name in the page's language; sentences with gaps take what fills them. */
export function say(name, ...values) {
  const word = words[name][LANGUAGES.indexOf(current)];
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
