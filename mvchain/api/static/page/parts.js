// What views of both pages are made of; page.css dresses it.

import { choose, language } from "./language.js";
import { make, unspoken } from "./dom.js";

const VERDICT_SIGNS = { good: "✓", bad: "✕", warning: "!", info: "i", open: "–" };

// Marks that turn the writing around, so that a text looks like another one: "\u202egnp.exe" reads "exe.png".
const TURNING_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text of the chain, fenced off from what stands around it; marks that turn the writing around are spelled out. */
export function chainText(texts) {
  const { text, lang } = choose(texts);
  const isNamed = lang !== language() && /^[a-z]{2,3}$/.test(lang) && lang !== "und";
  return fenced(text, { lang: isNamed && lang });
}

/** Any text of somebody else, shown so. */
export function fenced(text, attributes = {}) {
  const spelled = (mark) => `[U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  return make("bdi", attributes, text.replace(TURNING_MARKS, spelled));
}

/** A button; what it does is the page's action of this name. */
export function button(action, label, attributes = {}) {
  return make("button", { type: "button", "data-action": action, ...attributes }, label);
}

/** A sign that repeats what is said beside it; its class is `style` and `style-kind`. */
export function sign(kind, style) {
  return unspoken(make("span", { class: `${style} ${style}-${kind}` }, VERDICT_SIGNS[kind]));
}

/** Something that everybody should see, with a sign of its own. */
export function notice(kind, ...children) {
  return make("div", { class: `notice notice-${kind}` }, sign(kind, "notice-sign"), make("div", {}, children));
}

/** Pairs of name and value; a pair of null is left out. */
export function facts(...pairs) {
  const rows = pairs.filter((pair) => pair !== null);
  return make(
    "dl",
    { class: "facts" },
    rows.map(([name, ...value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
  );
}
