// What several views are made of.

import { chainText } from "../page/parts.js";
import { count, dateTime, language, say } from "../page/language.js";
import { make, spoken, unspoken } from "../page/dom.js";
import { percent } from "./language.js";

const STATE_SIGNS = { registered: "◷", open: "●", paused: "❚❚", counting: "…", final: "✓", void: "✕" };

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
