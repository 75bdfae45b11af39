// Blocks: the newest ones, and one with its header in words, its signers and its transactions.

import { agencyLink, blockLink, column, hexText, moment, section, shortHex, table } from "./parts.js";
import { askJson } from "./node.js";
import { blockClaim, proofPanel } from "./proof.js";
import { button, facts } from "../page/parts.js";
import { count, say } from "../page/language.js";
import { make } from "../page/dom.js";
import { membersIn, partIn } from "./signatures.js";

const PAGE_BLOCKS = 20;
const PAGE_TRANSACTIONS = 50;

export const blockList = {
  title: () => say("blocks"),

  async load(_route, _before, { pages = 1 } = {}) {
    const { height, base_height: base } = await askJson("/v1/status");
    const after = Math.max(base - 1, 0, height - pages * PAGE_BLOCKS);
    const blocks = [];
    for (let from = after; from < height; from += PAGE_BLOCKS) {
      blocks.push(...(await askJson(`/v1/blocks?after=${from}&limit=${Math.min(PAGE_BLOCKS, height - from)}`)).blocks);
    }
    return { blocks: blocks.reverse(), hasMore: after > Math.max(base - 1, 0) };
  },

  render({ blocks, hasMore }, { agencies }) {
    return [
      make("h1", { tabindex: "-1" }, say("blocks")),
      make("p", {}, say("blocksIntro")),
      blocks.length ? blockTable(blocks, agencies) : make("p", { class: "empty" }, say("noBlocks")),
      hasMore && make("p", {}, button("more", say("moreBlocks"))),
    ];
  },
};

function blockTable(blocks, agencies) {
  const head = [
    column(say("height"), "number"),
    column(say("time")),
    column(say("transactions"), "number"),
    column(say("proposer")),
    column(say("signers"), "number"),
    column(say("round"), "number"),
  ];
  const rows = blocks.map((block) =>
    make(
      "tr",
      { "data-key": `b${block.height}` },
      make("th", { scope: "row", class: "number" }, blockLink(block.height)),
      make("td", {}, moment(block.time_ms, { seconds: true })),
      make("td", { class: "number" }, count(block.transactions)),
      make("td", {}, agencyLink(agencies, block.agencies.proposer)),
      make("td", { class: "number" }, signatureCount(block.agencies)),
      make("td", { class: "number" }, count(block.round)),
    ),
  );
  return table(say("newestBlocks"), head, rows);
}

export const blockView = {
  title: ({ block }) => say("blockNumbered", count(block.height)),

  claim: ({ block }) => blockClaim(block),

  async load({ height }) {
    const [block, { blocks }, status] = await Promise.all([
      askJson(`/v1/blocks/${height}`),
      askJson(`/v1/blocks?after=${height - 1}&limit=1`),
      askJson("/v1/status"),
    ]);
    return { block, summary: blocks[0], status };
  },

  actions: {
    show(ui) {
      ui.pages = (ui.pages ?? 1) + 1;
    },
  },

  render({ block, summary, status }, { agencies, ui }) {
    return [
      make("h1", { tabindex: "-1" }, say("blockNumbered", count(block.height))),
      neighbours(block.height, status),
      make(
        "p",
        {},
        say(
          "blockInWords",
          count(block.transactions.length),
          count(summary.agencies.committed.length),
          count(summary.agencies.members.length),
        ),
      ),
      facts(
        [say("time"), moment(block.time_ms, { seconds: true })],
        [say("proposer"), agencyLink(agencies, summary.agencies.proposer)],
        [say("round"), roundWords(summary.round)],
        [say("transactions"), count(block.transactions.length)],
      ),
      proofPanel(blockClaim(block), ui, agencies),
      section(say("whoSigned"), signerTable(summary, agencies)),
      section(say("transactions"), transactionList(block.transactions, ui.pages ?? 1)),
      headerFields(block),
    ];
  },
};

function signatureCount({ committed, members }) {
  return `${count(committed.length)} / ${count(members.length)}`;
}

function roundWords(round) {
  return round === 0 ? say("firstRound") : say("laterRound", count(round + 1));
}

function neighbours(height, status) {
  return make(
    "nav",
    { class: "choices", "aria-label": say("neighbourBlocks") },
    height > Math.max(1, status.base_height) && make("a", { href: `#/blocks/${height - 1}` }, say("previousBlock")),
    height < status.height && make("a", { href: `#/blocks/${height + 1}` }, say("nextBlock")),
  );
}

function signerTable(summary, agencies) {
  const rows = membersIn([summary], agencies).map(({ number }) => {
    const part = partIn(summary, number);
    return make(
      "tr",
      { "data-key": `a${number}` },
      make("th", { scope: "row" }, agencyLink(agencies, number)),
      make("td", { class: `part-${part}` }, say(`part_${part}`)),
    );
  });
  return [
    table(say("whoSigned"), [column(say("agency")), column(say("signature"))], rows),
    make("p", { class: "hint" }, say("absentHint")),
  ];
}

function transactionList(hashes, pages) {
  if (!hashes.length) return make("p", { class: "empty" }, say("noTransactions"));
  const shown = hashes.slice(0, pages * PAGE_TRANSACTIONS);
  return [
    make("p", {}, say("transactionsIntro")),
    make(
      "ol",
      { class: "hashes" },
      shown.map((hash) =>
        make("li", { "data-key": hash }, make("a", { href: `#/transactions/${hash}` }, shortHex(hash))),
      ),
    ),
    shown.length < hashes.length &&
      make("p", {}, button("show", say("moreTransactions", count(hashes.length - shown.length)))),
  ];
}

/** What the header commits to, in words, with the values for those who compare. */
function headerFields(block) {
  const names = [
    "hash",
    "last_block_hash",
    "data_hash",
    "last_results_hash",
    "app_hash",
    "validators_hash",
    "proposer",
  ];
  const pairs = names.map((name) => [say(`field_${name}`), block[name] ? hexText(block[name]) : "–"]);
  return make(
    "details",
    {},
    make("summary", {}, say("headerFields")),
    facts([say("chainId"), hexText(block.chain_id)], ...pairs),
  );
}
