// Which agencies' keys signed two different messages, and whether the chain has forked.

import { agencyLink, agencyName, blockLink, column, section, table } from "./parts.js";
import { count, say } from "../page/language.js";
import { make } from "../page/dom.js";
import { notice } from "../page/parts.js";

const SHOWN = 100;

/** What to ask the node for. */
export const EVIDENCE_PATH = `/v1/evidence?limit=${SHOWN}`;

/** What everybody has to see first; null as long as the chain is one. */
export function forkNotice({ evidence }) {
  if (!evidence.forks) return null;
  return notice("bad", make("p", {}, make("strong", {}, say("forked"))), make("p", {}, say("forkedMore")));
}

/** Double signings that the chain holds evidence of, and those whose evidence waits for a block. */
export function evidenceSection({ counts, committed, pending, duplicate_proposals: proposals, forks }, agencies) {
  const signed = [...committed, ...pending];
  const twice = signed.length ? [doubleSignings(signed, agencies)] : [make("p", {}, say("nobodyTwice"))];
  const more = counts.committed + counts.pending - signed.length;
  return section(
    say("signedTwice"),
    forks.map((fork) => forkDetail(fork, agencies)),
    make("p", {}, say("signedTwiceMore")),
    twice,
    more > 0 && make("p", {}, say("moreDoubleSignings", count(more))),
    proposals.length > 0 &&
      make("p", {}, say("twoProposals", count(counts.duplicate_proposals), namesOf(proposals, agencies))),
  );
}

function doubleSignings(signed, agencies) {
  const head = [
    column(say("agency")),
    column(say("signedWhat")),
    column(say("block"), "number"),
    column(say("round"), "number"),
    column(say("heldBy"), "number"),
  ];
  const rows = signed.map((one) =>
    make(
      "tr",
      { "data-key": one.hash },
      make("th", { scope: "row" }, agencyLink(agencies, one.agency.number)),
      make("td", {}, say(`twice_${one.kind}`)),
      make("td", { class: "number" }, blockLink(one.height)),
      make("td", { class: "number" }, count(one.round)),
      make("td", { class: "number" }, one.block_height === null ? say("notInBlockYet") : blockLink(one.block_height)),
    ),
  );
  return table(say("doubleSignings"), head, rows);
}

function forkDetail({ height, signed_both: both }, agencies) {
  const names = namesOf(both.map((agency) => ({ agency })), agencies);
  return notice("bad", make("p", {}, say("forkedAt", count(height), names)));
}

function namesOf(items, agencies) {
  return [...new Set(items.map(({ agency }) => agencyName(agencies, agency.number)))].join(", ");
}
