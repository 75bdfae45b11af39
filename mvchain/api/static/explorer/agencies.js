// The agencies that run the chain, and one with its keys and its polls.

import { agencyLink, agencyName, column, hexText, section, table } from "./parts.js";
import { EVIDENCE_PATH, evidenceSection } from "./evidence.js";
import { askJson } from "./node.js";
import { button, facts } from "../page/parts.js";
import { count, language, say } from "../page/language.js";
import { loadUpwards, pollCards } from "./polls.js";
import { make } from "../page/dom.js";
import { recentBlocks } from "./overview.js";
import { membersIn, signedCount } from "./signatures.js";

export const agencyList = {
  title: () => say("agencies"),

  async load() {
    const [{ height }, evidence] = await Promise.all([askJson("/v1/status"), askJson(EVIDENCE_PATH)]);
    return { blocks: await recentBlocks(height, []), evidence };
  },

  render({ blocks, evidence }, { agencies }) {
    const head = [
      column(say("number"), "number"),
      column(say("agency")),
      column(say("signedBlocks"), "number"),
      column(say("validatorKey")),
    ];
    const rows = agencies.map(({ number, keys }) =>
      make(
        "tr",
        { "data-key": `a${number}` },
        make("td", { class: "number" }, count(number)),
        make("th", { scope: "row" }, agencyLink(agencies, number)),
        make("td", { class: "number" }, signedShare(blocks, number)),
        make("td", {}, hexText(keys.validator)),
      ),
    );
    return [
      make("h1", { tabindex: "-1" }, say("agencies")),
      make("p", {}, say("agenciesIntro", count(membersIn(blocks.slice(-1), agencies).length))),
      table(say("agencyTable"), head, rows),
      evidenceSection(evidence, agencies),
    ];
  },
};

function signedShare(blocks, number) {
  const { signed, of } = signedCount(blocks, number);
  return of ? `${count(signed)} / ${count(of)}` : "–";
}

function memberSpan({ from, until }) {
  return say("memberSpan", count(from), until && count(until));
}

export const agencyView = {
  title: ({ number }, { agencies }) => agencyName(agencies, number),

  async load({ number }, _before, { pages = 1 } = {}) {
    const [list, status] = await Promise.all([loadUpwards(`agency=${number}`, pages), askJson("/v1/status")]);
    return { number, list, blocks: await recentBlocks(status.height, []) };
  },

  render({ number, list, blocks }, { agencies }) {
    const agency = agencies.find((one) => one.number === number);
    if (!agency)
      return [
        make("h1", { tabindex: "-1" }, say("noSuchAgency")),
        make("p", {}, make("a", { href: "#/agencies" }, say("agencies"))),
      ];
    const other = language() === "ko" ? { lang: "en", name: agency.nameEn } : { lang: "ko", name: agency.nameKo };
    return [
      make("h1", { tabindex: "-1" }, agencyName(agencies, number)),
      make("p", { lang: other.lang }, other.name),
      facts(
        [say("number"), count(number)],
        [say("signedBlocks"), signedShare(blocks, number)],
        [say("memberFrom"), make("ul", {}, agency.tenures.map((one) => make("li", {}, memberSpan(one))))],
        [say("approvals"), say("approvalsNeeded", count(agency.approvals))],
        [say("agencyKey"), hexText(agency.keys.agency)],
        [say("validatorKey"), hexText(agency.keys.validator)],
        [say("nodeKey"), hexText(agency.keys.node)],
      ),
      make("p", { class: "hint" }, say("keysHint")),
      section(
        say("pollsOfAgency"),
        pollCards(list.polls, agencies),
        list.hasMore && make("p", {}, button("more", say("morePolls"))),
      ),
    ];
  },
};
