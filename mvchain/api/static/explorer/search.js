// What somebody types into the search box, and where it leads.

import { askJson } from "./node.js";
import { chainText, notice } from "../page/parts.js";
import { count, say } from "../page/language.js";
import { make } from "../page/dom.js";
import { stateBadge } from "./parts.js";

const RECEIPT_NUMBER = /^[2-9A-HJ-NP-Z]{13}$/;

/** Where a text leads: a hash of this page or a path; null if it is nothing that can be looked up. */
export function destination(text) {
  const typed = text.normalize("NFKC").trim();
  const digits = typed.replace(/^#/, "").replaceAll(",", "");
  if (/^[1-9]\d{0,14}$/.test(digits) && digits.length < 13) return `#/search/${digits}`;
  const hash = typed.toLowerCase().replace(/^0x/, "");
  if (/^[0-9a-f]{64}$/.test(hash)) return `#/transactions/${hash}`;
  const receipt = typed.toUpperCase().replace(/[\s\-‐-―−]/g, "");
  if (RECEIPT_NUMBER.test(receipt)) return `/verify#${receipt.match(/.{1,4}/g).join("-")}`;
  return null;
}

/** A bare number may be that of a poll or of a block. */
export const numberView = {
  title: ({ number }) => say("searchFor", count(number)),

  async load({ number }) {
    const status = await askJson("/v1/status");
    const isPoll = number <= status.polls;
    const isBlock = number >= status.base_height && number <= status.height;
    const poll = isPoll ? (await askJson(`/v1/polls?after=${number - 1}&limit=1`)).polls[0] : null;
    return { number, poll, isBlock };
  },

  render({ number, poll, isBlock }) {
    const found = [
      poll &&
        make(
          "li",
          {},
          make("a", { href: `#/polls/${number}` }, say("pollNumbered", number), ": ", chainText(poll.title)),
          " ",
          stateBadge(poll.state),
        ),
      isBlock && make("li", {}, make("a", { href: `#/blocks/${number}` }, say("blockNumbered", count(number)))),
    ].filter(Boolean);
    return [
      make("h1", { tabindex: "-1" }, say("searchFor", count(number))),
      found.length ? make("ul", { class: "found" }, found) : notice("info", make("p", {}, say("nothingFound"))),
    ];
  },
};
