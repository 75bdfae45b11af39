// What several views are made of.

import { choose, language, say } from "./language.js";
import { make, unspoken } from "../explorer/dom.js";

const SIGNS = { good: "✓", bad: "✕", warning: "!", info: "i", open: "–" };

// Marks that turn the writing around, so that a text looks like another one: "\u202egnp.exe" reads "exe.png".
const TURNING_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A button; what it does is the action of this name, with `value` where there is one. */
export function button(action, label, attributes = {}) {
  return make("button", { type: "button", "data-action": action, ...attributes }, label);
}

/** A sign that repeats what is said beside it. */
export function sign(kind, style) {
  return unspoken(make("span", { class: `${style} ${style}-${kind}` }, SIGNS[kind]));
}

/** Something that everybody should see. */
export function notice(kind, ...children) {
  return make("div", { class: `notice notice-${kind}` }, sign(kind, "notice-sign"), make("div", {}, children));
}

/** Pairs of name and value; a pair of null is left out. */
export function facts(...pairs) {
  const rows = pairs.filter((pair) => pair !== null);
  return make("dl", { class: "facts" }, rows.map(([name, ...value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** A hash or key with a button that copies it. */
export function copied(name, hex) {
  const canCopy = Boolean(navigator.clipboard);
  return [
    make("code", { class: "hex" }, hex),
    canCopy && [" ", button("copy", say("copy"), { class: "quiet small", "data-value": hex, "aria-label": say("copyOf", name) })],
  ];
}

/** A text of the chain, fenced off from what stands around it; marks that turn the writing around are spelled out. */
export function chainText(texts) {
  const { text: given, lang } = choose(texts);
  const text = given.replace(TURNING_MARKS, (mark) => `[U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
  return make("bdi", { lang: lang !== language() && lang }, text);
}

/** Gives the browser a file to save. */
export function save(name, type, ...parts) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
