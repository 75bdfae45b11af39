// Whether a page shows what a proof proves. A node could send a true proof and, beside it, other texts and numbers.

import { equalBytes, fromHex, fromUtf8, toHex } from "../lib/bytes.js";
import { merkleRoot } from "../lib/merkle.js";

/** The question, and of a final poll the result, as the node's API shows them, are those of the verified claims. */
export function isProvenPoll(poll, proven) {
  const isFinal = poll.state === "final";
  return (
    proven.type === (isFinal ? "result" : "question") &&
    proven.poll === poll.poll &&
    sameJson(shownDefinition(poll), provenDefinition(proven)) &&
    (!isFinal || sameJson(shownResult(poll), provenResult(proven)))
  );
}

/** The ballot is the one that the page is about, with the number that it shows. */
export function isProvenBallot(hash, transaction, proven) {
  return proven.ballot === hash && proven.poll === transaction.poll && proven.number === transaction.number;
}

/** Every value of the header that the page shows, and its transactions, are those of the verified light block. */
export async function isProvenBlock(block, proven, bytes) {
  const { header } = JSON.parse(fromUtf8(bytes)); // in these bytes, which were just verified
  const shown = {
    hash: block.hash,
    height: block.height,
    timeNs: block.time_ns,
    last: block.last_block_hash,
    data: block.data_hash,
    results: block.last_results_hash,
    app: block.app_hash,
    validators: block.validators_hash,
    proposer: block.proposer,
  };
  const signed = {
    hash: proven.hash,
    height: proven.height,
    timeNs: String(proven.timeNs),
    last: header.last_block_id?.hash ?? "",
    data: header.data_hash,
    results: header.last_results_hash,
    app: proven.appHash,
    validators: header.validators_hash,
    proposer: header.proposer,
  };
  return (
    sameJson(shown, signed) && equalBytes(await merkleRoot(block.transactions.map(fromHex)), fromHex(header.data_hash))
  );
}

function shownDefinition({ definition_hash, agency, roll, definition }) {
  return { hash: definition_hash, agency, rollSize: roll.size, rollRoot: roll.root, definition };
}

function provenDefinition({ definition, record }) {
  const { opensAtMs, closesAtMs, graceMs, tieRule, minTurnout, questions, ...same } = definition;
  const inApi = {
    ...same,
    opens_at_ms: opensAtMs,
    closes_at_ms: closesAtMs,
    grace_ms: graceMs,
    tie_rule: tieRule,
    min_turnout: minTurnout,
    questions: questions.map(questionInApi),
  };
  const { agency, rollSize } = record;
  return { hash: toHex(record.definitionHash), agency, rollSize, rollRoot: toHex(record.rollRoot), definition: inApi };
}

function questionInApi({ type, title, description, options, rule, blankAllowed }) {
  return {
    type,
    title,
    description,
    rule: ruleInApi(type, rule),
    blank_allowed: blankAllowed,
    options: options.map(({ imageHash, ...same }) => ({ ...same, image_hash: toHex(imageHash) })),
  };
}

/** The rule of a question, in the definition an array, with the names that the API gives its members. */
function ruleInApi(type, rule) {
  switch (type) {
    case "approval": {
      const [min, max, quotas, cap] = rule;
      return {
        min,
        max,
        quotas: quotas.map(([group, least, most]) => ({ group, min: least, max: most })),
        max_cost: cap,
      };
    }
    case "ranked":
      return { min: rule[0], max: rule[1], weights: rule[2] };
    case "points":
      return { option_cap: rule[0], min_sum: rule[1], max_sum: rule[2] };
    case "score":
      return { max_mark: rule[0] };
    default:
      return {};
  }
}

function shownResult({ state, disputed, turnout, ballots, counted, closes_at_ms, closed_at_ms, tally }) {
  return { state, disputed, voters: turnout.voters, ballots, counted, closes_at_ms, closed_at_ms, tally };
}

function provenResult({ record, tally, definition }) {
  return {
    state: record.state,
    disputed: record.disputed,
    voters: record.countedSize,
    ballots: { size: record.ballotsSize, root: toHex(record.ballotsRoot) },
    counted: { size: record.countedSize, root: toHex(record.countedRoot) },
    closes_at_ms: record.closesAtMs,
    closed_at_ms: record.closedAtMs,
    tally: {
      ...totalsInApi(tally.kept, definition),
      recounted: tally.recounted && totalsInApi(tally.recounted, definition),
    },
  };
}

function totalsInApi({ ballots, weight, questions }, definition) {
  return {
    ballots,
    weight,
    questions: questions.map(({ type, blanks, totals, counts, positions }, at) => ({
      type,
      blanks,
      options: totals.map((total, place) => ({
        id: definition.questions[at].options[place].id,
        total,
        ...(counts.length ? { count: counts[place] } : {}),
        ...(positions.length ? { positions: positions[place] } : {}),
      })),
    })),
  };
}

/** Whether two values are the same JSON; the order of members does not matter. */
export function sameJson(left, right) {
  if (left === null || right === null || typeof left !== "object" || typeof right !== "object") return left === right;
  const names = Object.keys(left);
  return (
    Array.isArray(left) === Array.isArray(right) &&
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && sameJson(left[name], right[name]))
  );
}
