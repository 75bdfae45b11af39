// The result of a poll, in the bytes that its hash names (ledger L8; mvchain/ledger/records.py and tally.py).

import { BadProof, CODES } from "./errors.js";
import { MsgpackFields, decodeMsgpack } from "./msgpack.js";
import { taggedHash } from "./hashing.js";

const TALLY_MAX_BYTES = 16 * 1024 * 1024;
const TALLY_MAX_QUESTIONS = 64;
const TALLY_MAX_OPTIONS = 1_000;
const TALLY_MAX_MATRIX_OPTIONS = 100;
const TALLY_TYPES = ["single", "approval", "ranked", "points", "score"];

/** Name of the tally with these canonical bytes. */
export function tallyHash(bytes) {
  return taggedHash("mvchain.tally.v1", bytes);
}

/**
 * {kept, recounted}: totals kept while ballots arrived, and those of the recount where they differ (a disputed poll),
 * else null. Totals are {ballots, weight, questions: [{type, blanks, totals, counts, positions}]}, per option in the
 * order of the definition; `counts` and `positions` are empty where the type has none. Throws BadProof.
 */
export function decodeTally(bytes) {
  const what = "the tally of a poll";
  const value = decodeMsgpack(bytes, what, 2 * TALLY_MAX_BYTES);
  const count = Array.isArray(value) && value.length === 2 ? 2 : 1;
  const fields = new MsgpackFields(value, count, what);
  const [kept, recounted = null] = value.map((_, at) => decodeTotals(fields.blob(at, "result", TALLY_MAX_BYTES)));
  return { kept, recounted };
}

function decodeTotals(bytes) {
  const fields = new MsgpackFields(decodeMsgpack(bytes, "tally", TALLY_MAX_BYTES), 3, "tally");
  return {
    ballots: fields.integer(0, "ballots", 0, Number.MAX_SAFE_INTEGER),
    weight: fields.integer(1, "weight", 0, Number.MAX_SAFE_INTEGER),
    questions: fields.array(2, "questions", TALLY_MAX_QUESTIONS).map(readQuestionTotals),
  };
}

function readQuestionTotals(value) {
  const what = "tally of a question";
  const fields = new MsgpackFields(value, 5, what);
  const found = {
    type: TALLY_TYPES[fields.integer(0, "type", 0, TALLY_TYPES.length - 1)],
    blanks: fields.integer(1, "blanks", 0, Number.MAX_SAFE_INTEGER),
    totals: readNumbers(fields.array(2, "totals", TALLY_MAX_OPTIONS)),
    counts: readNumbers(fields.array(3, "counts", TALLY_MAX_OPTIONS)),
    positions: fields.array(4, "positions", TALLY_MAX_MATRIX_OPTIONS).map(readNumbers),
  };
  const fits = [found.counts.length, found.positions.length].every((n) => n === 0 || n === found.totals.length);
  if (!fits) throw new BadProof(CODES.MALFORMED, { what, why: "its arrays differ in length" });
  return found;
}

function readNumbers(value) {
  const count = Array.isArray(value) ? value.length : 0;
  const fields = new MsgpackFields(value, count, "numbers of a tally");
  return fields.items.map((_, at) => fields.integer(at, "a number", 0, Number.MAX_SAFE_INTEGER));
}
