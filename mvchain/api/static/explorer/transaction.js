// What became of one transaction. It shows neither the voter's choice nor the voter.

import { askIfThere } from "./node.js";
import { ballotClaim, proofPanel } from "./proof.js";
import { blockLink, hexText, moment } from "./parts.js";
import { count, say } from "../page/language.js";
import { facts, notice } from "../page/parts.js";
import { make } from "../page/dom.js";

export const transactionView = {
  title: () => say("transaction"),

  claim: ({ hash, transaction }) => ballotClaim(hash, transaction),

  async load({ hash }) {
    return { hash, transaction: await askIfThere(`/v1/transactions/${hash}`) };
  },

  render({ hash, transaction }, { agencies, ui }) {
    const heading = make("h1", { tabindex: "-1" }, say("transaction"));
    if (transaction === null) return [heading, hexText(hash), notice("info", make("p", {}, say("transactionUnknown")))];
    const isBallot = transaction.poll !== undefined;
    return [
      heading,
      make("p", {}, hexText(hash)),
      facts(
        [say("state"), say(`transaction_${transaction.state}`)],
        transaction.error
          ? [say("reason"), make("span", { lang: "en" }, `${transaction.error.code}: ${transaction.error.detail}`)]
          : null,
        transaction.height ? [say("block"), blockLink(transaction.height)] : null,
        transaction.height ? [say("time"), moment(transaction.time_ms, { seconds: true })] : null,
        isBallot
          ? [say("poll"), make("a", { href: `#/polls/${transaction.poll}` }, say("pollNumbered", transaction.poll))]
          : null,
        isBallot ? [say("ballotNumber"), say("ballotNumbered", count(transaction.number + 1))] : null,
      ),
      isBallot && make("p", { class: "hint" }, say("choiceNotShown")),
      isBallot && proofPanel(ballotClaim(hash, transaction), ui, agencies),
    ];
  },
};
