// What several views are made of.

import { choose, count, dateTime, language, percent, say } from "./language.js";
import { make, spoken, unspoken } from "./dom.js";

const STATE_SIGNS = { registered: "◷", open: "●", paused: "❚❚", counting: "…", final: "✓", void: "✕" };

// Marks that turn the writing around, so that a text looks like another one: "\u202egnp.exe" reads "exe.png".
const TURNING_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text of the chain, fenced off from what stands around it; marks that turn the writing around are spelled out. */
export function chainText(texts) {
  const { text: given, lang } = choose(texts);
  const text = given.replace(
    TURNING_MARKS,
    (mark) => `[U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`,
  );
  const isNamed = lang !== language() && /^[a-z]{2,3}$/.test(lang) && lang !== "und";
  return make("bdi", { lang: isNamed && lang }, text);
}

/** A long text of the chain with its line ends; null if there is none. */
export function chainParagraph(texts) {
  return Object.keys(texts).length ? make("p", { class: "long-text" }, chainText(texts)) : null;
}

/** A hash or key. */
export function hexText(hex) {
  return make("code", { class: "hex" }, hex);
}

/** The beginning of a hash, where the whole is one click away. */
export function shortHex(hex) {
  return make("code", { class: "hex" }, `${hex.slice(0, 16)}…`);
}

/** A horizontal bar that repeats a number which stands beside it. */
export function bar(part, whole, kind = "") {
  const width = whole > 0 ? Math.min(100, (100 * part) / whole) : 0;
  return make(
    "svg",
    { class: `bar ${kind}`, "aria-hidden": "true", focusable: "false" },
    make("rect", { class: "bar-track", width: "100%", height: "100%" }),
    make("rect", { class: "bar-fill", width: `${width.toFixed(2)}%`, height: "100%" }),
  );
}

/** A poll's state as sign and word. */
export function stateBadge(state) {
  return make("span", { class: `badge state-${state}` }, unspoken(STATE_SIGNS[state], " "), say(`state_${state}`));
}

/** How many of the roll took part, as words and bar. */
export function turnout({ state, turnout: { voters, eligible } }) {
  if (state === "registered") return make("p", { class: "turnout" }, say("eligibleVoters", count(eligible)));
  if (voters === null) return make("p", { class: "turnout" }, say("turnoutVoid", count(eligible)));
  const words = say("turnoutOf", count(voters), count(eligible), percent(voters, eligible));
  return make("div", { class: "turnout" }, make("p", {}, words), bar(voters, eligible, "bar-turnout"));
}

/** A point in time as element; a dash where it has not come. */
export function moment(timeMs, options) {
  if (timeMs === null) return "–";
  return make("time", { datetime: new Date(timeMs).toISOString() }, dateTime(timeMs, options));
}

/** From when to when, in Korean time. */
export function period(poll) {
  return [moment(poll.opens_at_ms), " – ", moment(poll.closes_at_ms)];
}

/** Pairs of name and value; a pair of null is left out. */
export function facts(...pairs) {
  const rows = pairs.filter((pair) => pair !== null);
  return make(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
  );
}

/** A table that scrolls by itself where it is wider than the screen. */
export function table(caption, head, rows, kind = "") {
  return make(
    "div",
    { class: `table-frame ${kind}`, role: "region", "aria-label": caption, tabindex: "0" },
    make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)),
  );
}

/** The head of a column; numbers stand to the right. */
export function column(name, kind = "") {
  return make("th", { scope: "col", class: kind }, name);
}

/** A section with its heading. */
export function section(heading, ...children) {
  return make("section", {}, make("h2", {}, heading), children);
}

/** A button; what it does is the view's action of this name. */
export function button(action, label, attributes = {}) {
  return make("button", { type: "button", "data-action": action, ...attributes }, label);
}

/** Something that everybody should see, with a sign of its own. */
export function notice(kind, ...children) {
  const sign = { good: "✓", bad: "✕", warning: "!", info: "i" }[kind];
  return make(
    "div",
    { class: `notice notice-${kind}` },
    unspoken(make("span", { class: "notice-sign" }, sign)),
    make("div", {}, children),
  );
}

/** Who an agency is, as link to its page. */
export function agencyLink(agencies, number) {
  return make("a", { href: `#/agencies/${number}` }, agencyName(agencies, number));
}

/** An agency's name. */
export function agencyName(agencies, number) {
  const agency = agencies.find((one) => one.number === number);
  if (!agency) return say("agencyNumbered", number);
  return language() === "ko" ? agency.nameKo : agency.nameEn;
}

/** A block's height as link to its page. */
export function blockLink(height) {
  return make("a", { href: `#/blocks/${height}` }, spoken(say("block"), " "), count(height));
}
