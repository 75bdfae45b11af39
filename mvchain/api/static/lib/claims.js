// What is claimed about a poll leads to a root or hash in its record, and the record to the app hash of a header
// (ledger L9, L10; C142 to C144).

import { BadProof, CODES } from "./errors.js";
import { bigEndian, compareBytes, concat, equalBytes, toHex, utf8 } from "./bytes.js";
import { bytesField, delimited, varintField } from "./proto.js";
import { decodeDefinition, definitionHash } from "./poll-definition.js";
import { decodePollRecord } from "./poll-record.js";
import { decodeTally, tallyHash } from "./tally.js";
import { leafHash, rootFrom, verifyConsistency, verifyInclusion } from "./merkle.js";
import { msgpackArray, msgpackBytes, msgpackInteger } from "./msgpack.js";
import { sha256 } from "./hashing.js";
import { verifySigned } from "./handovers.js";

const STATE_STORES = ["agencies", "chain", "evidence", "governance", "polls", "rolls", "tallies"]; // C141

// --- the record ---

/** The record is that of the poll's number in the store `polls` of the state; gives it decoded. */
export async function verifyRecord({ poll, record, recordPath, storePath, header }) {
  const item = await pairItem(bigEndian(poll, 8), record);
  const root = await rootFrom(await leafHash(item), recordPath);
  const holds =
    recordPath.index === poll - 1 &&
    storePath.index === STATE_STORES.indexOf("polls") &&
    storePath.total === STATE_STORES.length &&
    root !== null &&
    (await verifyInclusion(storePath, await pairItem(utf8("polls"), root), header.appHash));
  if (!holds) throw new BadProof(CODES.PROOF_RECORD, { poll, height: header.height });
  return decodePollRecord(record);
}

/** Leaf item of a key and value (C142). */
async function pairItem(key, value) {
  return concat(delimited(key), delimited(await sha256(value)));
}

// --- the claims ---

/** The claim leads to the record. Gives what it shows, for people. */
export async function verifyClaim(proof, record, genesis) {
  const { poll, claim } = proof;
  switch (claim.type) {
    case "question":
      return { definition: await verifiedDefinition(poll, record, claim.definition) };
    case "result":
      return verifyResult(poll, record, claim);
    case "on_roll":
      await verifyOnRoll(poll, record, claim);
      return { voter: toHex(claim.voter), weight: claim.weight };
    case "recorded":
      await verifyRecorded(poll, record, claim);
      return { size: claim.size, root: toHex(claim.root) };
    case "counted":
      await verifyCounted(poll, record, claim, claim.number);
      return shownBallot(claim);
    case "superseded":
      await verifyCounted(poll, record, claim, claim.countedNumber);
      await verifySuperseded(proof, genesis);
      return { ...shownBallot(claim), countedNumber: claim.countedNumber };
    case "not_counted":
      await verifyNotCounted(poll, record, claim);
      return { voter: toHex(claim.voter) };
  }
}

function shownBallot({ ballot, number, voter }) {
  return { ballot: toHex(ballot), number, voter: toHex(voter) };
}

async function verifiedDefinition(poll, record, bytes) {
  if (!equalBytes(await definitionHash(bytes), record.definitionHash)) {
    throw new BadProof(CODES.PROOF_QUESTION, { poll });
  }
  return decodeDefinition(bytes);
}

async function verifyResult(poll, record, { definition, tally }) {
  requireFinal(poll, record);
  if (!equalBytes(await tallyHash(tally), record.tallyHash)) throw new BadProof(CODES.PROOF_RESULT, { poll });
  return { definition: await verifiedDefinition(poll, record, definition), tally: decodeTally(tally) };
}

/** Leaf of a roll's tree: key, then weight in 3 bytes (L5). */
async function verifyOnRoll(poll, record, { voter, weight, path }) {
  const item = concat(voter, bigEndian(weight, 3));
  if (path.total !== record.rollSize || !(await verifyInclusion(path, item, record.rollRoot))) {
    throw new BadProof(CODES.PROOF_ON_ROLL, { poll, voter: toHex(voter), weight });
  }
}

async function verifyRecorded(poll, record, { size, root, proof }) {
  if (!(await verifyConsistency(size, record.ballotsSize, root, record.ballotsRoot, proof))) {
    throw new BadProof(CODES.PROOF_RECORDED, { poll, size, now: record.ballotsSize });
  }
}

/** The ballot has its number in the final log; ballot `counted` is the one of the voter that counts. */
async function verifyCounted(poll, record, { ballot, number, voter, ballotPath, countedPath }, counted) {
  requireFinal(poll, record);
  const isPlaced = ballotPath.index === number && ballotPath.total === record.ballotsSize;
  if (!isPlaced || !(await verifyInclusion(ballotPath, ballot, record.ballotsRoot))) {
    throw new BadProof(CODES.PROOF_BALLOT, { poll, ballot: toHex(ballot), number });
  }
  await verifyCounts(poll, record, voter, counted, countedPath);
}

/** Leaf of the tree over the ballots that count: key, then the ballot's number in 4 bytes (L9). */
async function verifyCounts(poll, record, voter, number, path) {
  const item = concat(voter, bigEndian(number, 4));
  if (path.total !== record.countedSize || !(await verifyInclusion(path, item, record.countedRoot))) {
    throw new BadProof(CODES.PROOF_COUNTED, { poll, voter: toHex(voter), number });
  }
}

/** The voter whose later ballot counts is the voter of this ballot: the log alone does not say whose a ballot is. */
async function verifySuperseded({ poll, claim, signers }, genesis) {
  const { number, voter, countedNumber, accepted } = claim;
  if (countedNumber <= number) throw new BadProof(CODES.PROOF_SUPERSEDED, { number, counted: countedNumber });
  const result = acceptedBallot({ poll, number, voter, units: accepted.units });
  if (!(await verifyInclusion(accepted.path, result, accepted.header.lastResultsHash))) {
    const data = { poll, height: accepted.header.height, number, voter: toHex(voter) };
    throw new BadProof(CODES.PROOF_ACCEPTED, data);
  }
  await verifySigned(accepted.header, accepted.commit, accepted.signers ?? signers, genesis);
}

/** Two keys stand side by side in the ascending list of those whose ballots count, and the voter's is between them. */
async function verifyNotCounted(poll, record, { voter, before, after }) {
  requireFinal(poll, record);
  const neighbours = [before, after].filter((one) => one !== null);
  for (const one of neighbours) await verifyCounts(poll, record, one.voter, one.number, one.path);
  const start = before === null ? 0 : before.path.index + 1;
  const end = after === null ? record.countedSize : after.path.index;
  const isBetween =
    (before === null || compareBytes(before.voter, voter) < 0) &&
    (after === null || compareBytes(voter, after.voter) < 0);
  const isEmptyTree = equalBytes(record.countedRoot, await sha256(new Uint8Array()));
  if (start !== end || !isBetween || (record.countedSize === 0 && !isEmptyTree)) {
    throw new BadProof(CODES.PROOF_NEIGHBOURS, { poll, voter: toHex(voter) });
  }
}

function requireFinal(poll, record) {
  if (record.state !== "final") throw new BadProof(CODES.PROOF_NOT_FINAL, { poll, state: record.state });
}

/** The result of an accepted ballot, a leaf of the results hash (L3, C70): which poll, which number there, whose. */
export function acceptedBallot({ poll, number, voter, units }) {
  const data = msgpackArray(msgpackInteger(poll), msgpackInteger(number), msgpackBytes(voter));
  return concat(bytesField(2, data), varintField(5, units), varintField(6, units));
}
