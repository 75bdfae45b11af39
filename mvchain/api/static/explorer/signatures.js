// Who signed the last blocks: agencies down, blocks across. Signs differ in shape, each has its words.

import { agencyLink, blockLink, column, table } from "./parts.js";
import { count, say } from "../page/language.js";
import { make, spoken, unspoken } from "../page/dom.js";

const SIGNS = { proposed: "◆", signed: "●", nil: "○", absent: "·", outside: "–" };

/** What an agency did for a block: "proposed" (and signed), "signed", "nil" or "absent"; "outside" if it was none of
 *  those who could. */
export function partIn(block, number) {
  const { proposer, members, committed, nil } = block.agencies;
  if (!members.includes(number)) return "outside";
  if (committed.includes(number)) return proposer === number ? "proposed" : "signed";
  return nil.includes(number) ? "nil" : "absent";
}

/** How many of these blocks an agency signed, of those that it could have signed: {signed, of}. */
export function signedCount(blocks, number) {
  const own = blocks.filter((block) => block.agencies.members.includes(number));
  return { signed: own.filter((block) => block.agencies.committed.includes(number)).length, of: own.length };
}

/** The agencies that could sign at least one of these blocks. */
export function membersIn(blocks, agencies) {
  return agencies.filter(({ number }) => blocks.some((block) => block.agencies.members.includes(number)));
}

/** The grid for blocks in ascending order. */
export function signatureGrid(agencies, blocks) {
  const head = [
    column(say("agency")),
    column(say("signedBlocks"), "number"),
    blocks.map((block) =>
      make("th", { scope: "col", class: "grid-height", "data-key": `b${block.height}` }, blockLink(block.height)),
    ),
  ];
  const rows = membersIn(blocks, agencies).map(({ number }) =>
    make(
      "tr",
      { "data-key": `a${number}` },
      make("th", { scope: "row" }, agencyLink(agencies, number)),
      signedCell(signedCount(blocks, number)),
      blocks.map((block) => gridCell(block, partIn(block, number))),
    ),
  );
  return [table(say("signatureTable", count(blocks.length)), head, rows, "signature-grid"), legend()];
}

function signedCell({ signed, of }) {
  const isSilent = signed === 0 && of > 0;
  return make(
    "td",
    { class: `number ${isSilent ? "is-silent" : ""}` },
    `${count(signed)} / ${count(of)}`,
    isSilent && [" ", unspoken("!"), spoken(say("silent"))],
  );
}

function gridCell(block, part) {
  return make(
    "td",
    { class: `grid-cell part-${part}`, "data-key": `b${block.height}` },
    unspoken(SIGNS[part]),
    spoken(say(`part_${part}`)),
  );
}

function legend() {
  const entries = Object.entries(SIGNS).map(([part, sign]) =>
    make("li", {}, unspoken(make("span", { class: `part-${part}` }, sign), " "), say(`part_${part}`)),
  );
  return [make("ul", { class: "legend" }, entries), make("p", { class: "hint" }, say("absentHint"))];
}
