// The record of a poll in the state tree (ledger L6, L9; mvchain/ledger/records.py): where the poll stands, and the
// roots and hashes that claims about it lead to.

import { MsgpackFields, decodeMsgpack } from "./msgpack.js";

const RECORD_WHAT = "the record of a poll";
const RECORD_MAX_BYTES = 128 * 1024;
const RECORD_MAX_NUMBER = 2 ** 32 - 1;
const RECORD_MAX_TIME_MS = 253_402_300_799_000;
const RECORD_MAX_GRACE_MS = 3_600_000;
const RECORD_MAX_AGENCY = 1000;
const RECORD_MAX_ACTIONS = 8; // that wait for approvals
const POLL_STATES = ["registered", "open", "paused", "counting", "final", "void"];

/** Throws BadProof. Times are block times in ms; `openedAtMs` and `closedAtMs` are 0 until it happens. */
export function decodePollRecord(bytes) {
  const fields = new MsgpackFields(decodeMsgpack(bytes, RECORD_WHAT, RECORD_MAX_BYTES), 18, RECORD_WHAT);
  fields.array(17, "pending", RECORD_MAX_ACTIONS);
  return {
    agency: fields.integer(0, "agency", 1, RECORD_MAX_AGENCY),
    definitionHash: fields.bytes(1, "definition_hash", 32),
    state: POLL_STATES[fields.integer(2, "state", 0, POLL_STATES.length - 1)],
    opensAtMs: fields.integer(3, "opens_at_ms", 0, RECORD_MAX_TIME_MS),
    closesAtMs: fields.integer(4, "closes_at_ms", 0, RECORD_MAX_TIME_MS),
    graceMs: fields.integer(5, "grace_ms", 0, RECORD_MAX_GRACE_MS),
    openedAtMs: fields.integer(6, "opened_at_ms", 0, RECORD_MAX_TIME_MS),
    closedAtMs: fields.integer(7, "closed_at_ms", 0, RECORD_MAX_TIME_MS),
    roll: fields.integer(8, "roll", 1, RECORD_MAX_NUMBER),
    rollRoot: fields.bytes(9, "roll_root", 32),
    rollSize: fields.integer(10, "roll_size", 0, RECORD_MAX_NUMBER),
    ballotsRoot: fields.bytes(11, "ballots_root", 32),
    ballotsSize: fields.integer(12, "ballots_size", 0, RECORD_MAX_NUMBER),
    countedRoot: fields.blob(13, "counted_root", 32),
    countedSize: fields.integer(14, "counted_size", 0, RECORD_MAX_NUMBER),
    tallyHash: fields.blob(15, "tally_hash", 32),
    disputed: fields.boolean(16, "disputed"),
  };
}
