// Which language the page speaks, and how it writes numbers and times. Korean comes first. The page remembers the choice
// in its address, behind the #, and nowhere else.

import { WORDS } from "./words.js";

export const LANGUAGES = ["ko", "en"];
const LOCALES = { ko: "ko-KR", en: "en-GB" };
const NS_PER_MS = 1_000_000n;

let current = LANGUAGES[0];

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

/** The word or sentence of this name; sentences with gaps take what fills them. */
export function say(name, ...values) {
  const word = WORDS[name][LANGUAGES.indexOf(current)];
  return typeof word === "function" ? word(...values) : word;
}

/** Of a text of the chain in several languages, the one for this page: {text, lang}. */
export function choose(texts) {
  const lang = [current, ...LANGUAGES, ...Object.keys(texts)].find((one) => Object.hasOwn(texts, one));
  return { text: lang ? texts[lang] : "", lang: lang ?? current };
}

/** 12,345 */
export function count(value) {
  return new Intl.NumberFormat(LOCALES[current]).format(value);
}

/** An agency's name. */
export function agencyName({ nameKo, nameEn }) {
  return current === "ko" ? nameKo : nameEn;
}

/** Korean time, as domain 9 writes it: 2025. 8. 22.(금) 09:00. */
export function dateTime(timeNs, { seconds = false } = {}) {
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
  const parts = new Intl.DateTimeFormat(LOCALES[current], options).formatToParts(Number(timeNs / NS_PER_MS));
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  const time = `${part.hour}:${part.minute}${seconds ? `:${part.second}` : ""}`;
  if (current === "ko") return `${part.year}. ${part.month}. ${part.day}.(${part.weekday}) ${time}`;
  return `${part.weekday} ${part.day} ${part.month} ${part.year}, ${time} KST`;
}
