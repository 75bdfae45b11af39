// What the explorer says, in the language that was chosen on this device, and how it writes shares and lengths of time.

import { LANGUAGES, say, speak, useWords } from "../page/language.js";
import { WORDS } from "./words.js";

const LANGUAGE_KEY = "mvchain.language";
const SECOND_MS = 1_000;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

useWords(WORDS);
speak(storedLanguage());

/** Speaks another language from now on, on this device. */
export function chooseLanguage(chosen) {
  speak(chosen);
  try {
    localStorage.setItem(LANGUAGE_KEY, chosen);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function storedLanguage() {
  try {
    const stored = localStorage.getItem(LANGUAGE_KEY);
    return LANGUAGES.includes(stored) ? stored : LANGUAGES[0];
  } catch {
    return LANGUAGES[0];
  }
}

/** 12.3 %, of a whole that may be 0. */
export function percent(part, whole) {
  return `${(whole ? (100 * part) / whole : 0).toFixed(1)}%`;
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
