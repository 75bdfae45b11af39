// What a poll asks, in the bytes that its hash names (ledger L6; mvchain/ledger/polls.py has the whole format).
//
// The chain checked that a definition fits together before it took it. Here its bytes are shown to people only once
// their hash is proved to be the one on record, so this reader asks for form and size alone.

import { BadProof, CODES } from "./errors.js";
import { MsgpackFields, decodeMsgpack } from "./msgpack.js";
import { taggedHash } from "./hashing.js";

const DEFINITION_MAX_BYTES = 64 * 1024;
const DEFINITION_VERSION = 1;
const DEFINITION_MAX_NUMBER = 2 ** 32 - 1;
const DEFINITION_MAX_TIME_MS = 253_402_300_799_000;
const DEFINITION_MAX_GRACE_MS = 3_600_000;
const DEFINITION_MAX_APPROVALS = 16;
const DEFINITION_MAX_ROLL_SIZE = 2 ** 26;
const DEFINITION_MAX_COST = 2 ** 43;
const DEFINITION_MAX_QUESTIONS = 64;
const DEFINITION_MAX_OPTIONS = 1_000;
const DEFINITION_MAX_LANGUAGES = 16;
const DEFINITION_MAX_TEXT_BYTES = 16 * 1024;
const DEFINITION_MAX_ID_BYTES = 32;
const QUESTION_TYPES = ["single", "approval", "ranked", "points", "score"];
const RELEASES = ["live", "after_closing"];
const TIE_RULES = ["equal_rank", "by_lot", "earlier_option_first"];

/** Name of the definition with these canonical bytes. */
export function definitionHash(bytes) {
  return taggedHash("mvchain.poll.v1", bytes);
}

/**
 * {agency, title, description, questions, opensAtMs, closesAtMs, graceMs, roll, revote, release, approvals, tieRule,
 * minTurnout}, a question {type, title, description, options, rule, blankAllowed}, an option {id, title, description,
 * cost, group, imageHash}. Texts are objects from language to text, as {en, ko}. `rule` is the array of the type.
 * Throws BadProof.
 */
export function decodeDefinition(bytes) {
  const value = decodeMsgpack(bytes, "poll definition", DEFINITION_MAX_BYTES);
  if (Array.isArray(value) && typeof value[0] === "number" && value[0] !== DEFINITION_VERSION) {
    throw new BadProof(CODES.UNKNOWN_DEFINITION_VERSION, { version: value[0] });
  }
  const fields = new MsgpackFields(value, 14, "poll definition");
  fields.integer(0, "version", DEFINITION_VERSION, DEFINITION_VERSION);
  return {
    agency: fields.integer(1, "agency", 1, DEFINITION_MAX_NUMBER),
    title: readTexts(fields, 2, "title"),
    description: readTexts(fields, 3, "description"),
    questions: fields.array(4, "questions", DEFINITION_MAX_QUESTIONS).map(readQuestion),
    opensAtMs: fields.integer(5, "opens_at_ms", 0, DEFINITION_MAX_TIME_MS),
    closesAtMs: fields.integer(6, "closes_at_ms", 0, DEFINITION_MAX_TIME_MS),
    graceMs: fields.integer(7, "grace_ms", 0, DEFINITION_MAX_GRACE_MS),
    roll: fields.integer(8, "roll", 1, DEFINITION_MAX_NUMBER),
    revote: fields.boolean(9, "revote"),
    release: RELEASES[fields.integer(10, "release", 0, RELEASES.length - 1)],
    approvals: fields.integer(11, "approvals", 1, DEFINITION_MAX_APPROVALS),
    tieRule: TIE_RULES[fields.integer(12, "tie_rule", 0, TIE_RULES.length - 1)],
    minTurnout: fields.integer(13, "min_turnout", 0, DEFINITION_MAX_ROLL_SIZE),
  };
}

function readQuestion(value) {
  const fields = new MsgpackFields(value, 6, "question");
  return {
    type: QUESTION_TYPES[fields.integer(0, "type", 0, QUESTION_TYPES.length - 1)],
    title: readTexts(fields, 1, "title"),
    description: readTexts(fields, 2, "description"),
    options: fields.array(3, "options", DEFINITION_MAX_OPTIONS).map(readOption),
    rule: fields.array(4, "rule", 4),
    blankAllowed: fields.boolean(5, "blank_allowed"),
  };
}

function readOption(value) {
  const fields = new MsgpackFields(value, 6, "option");
  return {
    id: fields.text(0, "id", DEFINITION_MAX_ID_BYTES),
    title: readTexts(fields, 1, "title"),
    description: readTexts(fields, 2, "description"),
    cost: fields.integer(3, "cost", 0, DEFINITION_MAX_COST),
    group: fields.text(4, "group", DEFINITION_MAX_ID_BYTES),
    imageHash: fields.blob(5, "image_hash", 32),
  };
}

/** Languages are lower-case letters and hyphens, so that none is a name that every object has. */
function readTexts(fields, at, name) {
  const pairs = fields.array(at, name, DEFINITION_MAX_LANGUAGES).map((value) => {
    const pair = new MsgpackFields(value, 2, name);
    const language = pair.text(0, "language", 8);
    if (!/^[a-z-]{2,8}$/.test(language)) pair.misfit("language", "not lower-case letters and hyphens");
    return [language, pair.text(1, "text", DEFINITION_MAX_TEXT_BYTES)];
  });
  return Object.fromEntries(pairs);
}
