// One poll: what is asked, of whom, when; who took part; what came out; and the proof.

import { agencyLink, chainParagraph, hexText, moment, section, stateBadge, turnout } from "./parts.js";
import { askJson } from "./node.js";
import { chainText, facts, notice } from "../page/parts.js";
import { count, say } from "../page/language.js";
import { make } from "../page/dom.js";
import { optionTable, positionTable, resultTable } from "./results.js";
import { pollClaim, proofPanel } from "./proof.js";

const ENDED = ["final", "void"];

export const pollView = {
  isLive: true,

  title: ({ poll }) => say("pollNumbered", poll.poll),

  claim: ({ poll }) => pollClaim(poll),

  async load({ number }, before) {
    if (before && ENDED.includes(before.poll.state)) return before;
    return { poll: await askJson(`/v1/polls/${number}`) };
  },

  render({ poll }, { agencies, ui }) {
    const { definition } = poll;
    return [
      make("p", { class: "above-heading" }, stateBadge(poll.state), " ", say("pollNumbered", poll.poll)),
      make("h1", { tabindex: "-1" }, chainText(definition.title)),
      chainParagraph(definition.description),
      warnings(poll),
      turnout(poll),
      facts(...pollFacts(poll, agencies)),
      proofPanel(pollClaim(poll), ui, agencies),
      pendingActions(poll.pending),
      definition.questions.map((question, at) => questionSection(poll, question, at, ui)),
      fingerprints(poll),
    ];
  },

  actions: {
    toggleOptions(ui, place) {
      ui.open ??= new Set();
      if (!ui.open.delete(place)) ui.open.add(place);
    },
  },
};

/** What nobody should miss before reading numbers. */
function warnings(poll) {
  const { definition, tally } = poll;
  const isFinal = poll.state === "final";
  return [
    poll.disputed &&
      notice("bad", make("p", {}, make("strong", {}, say("disputed"))), make("p", {}, say("disputedMore"))),
    poll.state === "void" && notice("warning", make("p", {}, say("voidMore"))),
    isFinal &&
      poll.turnout.voters < definition.min_turnout &&
      notice("warning", make("p", {}, say("belowMinimum", count(definition.min_turnout)))),
    !isFinal && tally && notice("info", make("p", {}, say("interim"))),
    !isFinal && poll.state !== "void" && !tally && notice("info", make("p", {}, say("notReleased"))),
  ];
}

function pollFacts(poll, agencies) {
  const { definition } = poll;
  return [
    [say("opensAt"), moment(poll.opens_at_ms)],
    [say("closesAt"), moment(poll.closes_at_ms)],
    poll.closed_at_ms && [say("closedAt"), moment(poll.closed_at_ms, { seconds: true })],
    [say("agency"), agencyLink(agencies, poll.agency)],
    [say("roll"), say("rollOf", poll.roll.number, count(poll.roll.size))],
    [say("ballotsRecorded"), say("ballotsSoFar", count(poll.ballots.size))],
    poll.tally &&
      poll.tally.weight !== poll.tally.ballots && [say("weight"), say("weightOf", count(poll.tally.weight))],
    [say("release"), say(`release_${definition.release}`)],
    [say("revote"), say(definition.revote ? "revoteAllowed" : "revoteForbidden")],
    definition.min_turnout > 0 && [say("minTurnout"), say("voterCount", count(definition.min_turnout))],
    [say("tieRule"), say(`tie_${definition.tie_rule}`)],
    [say("approvals"), say("approvalsNeeded", count(definition.approvals))],
  ].map((pair) => pair || null);
}

function pendingActions(pending) {
  if (!pending.length) return null;
  const items = pending.map((action) =>
    make(
      "li",
      { "data-key": action.hash },
      say("pendingAction", say(`action_${action.kind}`), count(action.approvals.length)),
      action.closes_at_ms && [" ", say("newClosing"), " ", moment(action.closes_at_ms)],
    ),
  );
  return notice("info", make("p", {}, say("pendingHeading")), make("ul", {}, items));
}

function questionSection(poll, question, at, ui) {
  const { questions } = poll.definition;
  const heading = [questions.length > 1 && `${say("questionNumbered", at + 1)} `, chainText(question.title)];
  const place = String(at);
  const caption = say(poll.tally ? "resultCaption" : "optionsCaption", at + 1);
  const options = { caption, place, isAllShown: ui.open?.has(place) ?? false };
  return section(
    heading,
    chainParagraph(question.description),
    make(
      "p",
      { class: "rule" },
      say(`rule_${question.type}`, question.rule),
      question.rule.max_cost > 0 && ` ${say("costCap", count(question.rule.max_cost))}`,
      question.blank_allowed && ` ${say("blankAllowed")}`,
    ),
    question.rule.quotas?.length > 0 && quotas(question.rule.quotas),
    poll.tally ? questionResult(poll.tally, question, at, options) : optionTable(question, options),
  );
}

function questionResult(tally, question, at, options) {
  const numbers = tally.questions[at];
  const recounted = tally.recounted?.questions[at] ?? null;
  return [
    resultTable(question, numbers, recounted, tally.weight, options),
    question.type === "ranked" && positionTable(question, numbers, say("positionsCaption", at + 1)),
  ];
}

function quotas(list) {
  const items = list.map((quota) =>
    make("li", {}, make("bdi", {}, quota.group), ": ", say("quota", quota.min, quota.max)),
  );
  return make("ul", { class: "quotas" }, items);
}

/** What binds this poll in the ledger, for those who compare. */
function fingerprints(poll) {
  const pairs = [
    [say("definitionHash"), hexText(poll.definition_hash)],
    [say("rollRoot"), hexText(poll.roll.root)],
    [say("ballotsRoot"), hexText(poll.ballots.root)],
    poll.counted.root && [say("countedRoot"), hexText(poll.counted.root)],
    poll.tally_hash && [say("tallyHash"), hexText(poll.tally_hash)],
  ];
  return make("details", {}, make("summary", {}, say("fingerprints")), facts(...pairs.map((pair) => pair || null)));
}
