// What several views are made of.

import { button } from "../page/parts.js";
import { dateTime, language, say } from "../page/language.js";
import { make } from "../page/dom.js";

const NS_PER_MS = 1_000_000n;
const DOWNLOAD_MS = 10_000;

/** A hash or key with a button that copies it. */
export function copied(name, hex) {
  const canCopy = Boolean(navigator.clipboard);
  const attributes = { class: "quiet small", "data-value": hex, "aria-label": say("copyOf", name) };
  return [make("code", { class: "hex" }, hex), canCopy && [" ", button("copy", say("copy"), attributes)]];
}

/** An agency's name. */
export function agencyName({ nameKo, nameEn }) {
  return language() === "ko" ? nameKo : nameEn;
}

/** A block's time, in words. */
export function timeText(timeNs, options) {
  return dateTime(Number(timeNs / NS_PER_MS), options);
}

/** The same as element. */
export function moment(timeNs, options) {
  return make("time", { datetime: new Date(Number(timeNs / NS_PER_MS)).toISOString() }, timeText(timeNs, options));
}

/** Gives the browser a file to save. */
export function save(name, type, ...parts) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_MS);
}
