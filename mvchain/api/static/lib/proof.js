// A proof about a poll as it is read, nothing of it verified (ledger L10). The counterpart of mvchain/light/proofs.py,
// which describes its members and its seven claims. A completed receipt is such a proof, with the claim `counted`.

import { BadProof, CODES } from "./errors.js";
import { DocumentKind, MAX_DOCUMENT_NUMBER } from "./documents.js";
import { commitToJson, headerToJson, pathToJson, readCommit, readHeader, readPath } from "./documents.js";
import { MAX_BALLOT_NUMBER, MAX_BLOCK_UNITS, MAX_CHAIN_ID_CHARS } from "./receipt.js";
import { equalBytes, toBase64, toHex } from "./bytes.js";
import { readSigners, signersToJson } from "./handovers.js";

export const POLL_PROOF_FORMAT = "mvchain proof 1";
export const MAX_PROOF_BYTES = 48 * 1024 * 1024; // of a result; all others have some kilobytes

const PROOF_MAX_ROLL_SIZE = 2 ** 26;
const PROOF_MAX_RECORD_BYTES = 128 * 1024;
const PROOF_MAX_DEFINITION_BYTES = 64 * 1024;
const PROOF_MAX_TALLY_BYTES = 2 * 16 * 1024 * 1024;
const PROOF_MAX_STORES = 16;
const PROOF_MAX_NODES = 100;
const PROOF_MAX_WEIGHT = 2 ** 16;
const PROOF_KEY_SCHEME = 1; // Ed25519 (L2)

const POLL_PROOF = new DocumentKind("the proof", MAX_PROOF_BYTES, CODES.MALFORMED_PROOF);

/**
 * Reads a proof file, `json` as parsed from `bytes`: {chainId, header, commit, signers, poll, record, recordPath,
 * storePath, claim: {type, ...}}. Throws BadProof if it is none, or not in its one form.
 */
export function readPollProof(json, bytes) {
  const top = POLL_PROOF.open(json, bytes);
  const form = top.get("format").text(64);
  if (form !== POLL_PROOF_FORMAT) throw new BadProof(CODES.UNKNOWN_RECEIPT_FORMAT, { form, known: POLL_PROOF_FORMAT });
  const chainId = top.get("chain_id").text(MAX_CHAIN_ID_CHARS);
  const [poll, claim] = [top.get("poll"), top.get("claim")];
  const type = claim.get("type").text(64);
  if (!CLAIMS.has(type)) throw claim.get("type").malformed(`it is none of ${[...CLAIMS.keys()].join(", ")}`);
  const proof = {
    chainId,
    header: readHeader(top.get("header"), chainId),
    commit: readCommit(top.get("commit")),
    signers: readSigners(top, chainId),
    poll: poll.get("number").integer(1, MAX_DOCUMENT_NUMBER),
    record: poll.get("record").hexBlob(PROOF_MAX_RECORD_BYTES),
    recordPath: readPath(poll.get("record_path"), MAX_DOCUMENT_NUMBER + 1),
    storePath: readPath(poll.get("store_path"), PROOF_MAX_STORES),
    claim: { type, ...CLAIMS.get(type).read(claim, chainId) },
  };
  POLL_PROOF.requireCanonical(pollProofToJson(proof), bytes);
  if (namesItsSignersTwice(proof)) throw new BadProof(CODES.NOT_CANONICAL, { what: POLL_PROOF.what });
  return proof;
}

/** The set of the proof, as one of the acceptance's own. */
function namesItsSignersTwice({ claim, signers }) {
  const own = claim.accepted?.signers?.validators;
  const { validators } = signers;
  return own?.length === validators.length && own.every((key, at) => equalBytes(key, validators[at]));
}

function pollProofToJson(proof) {
  const { claim } = proof;
  return {
    format: POLL_PROOF_FORMAT,
    chain_id: proof.chainId,
    header: headerToJson(proof.header),
    commit: commitToJson(proof.commit),
    ...signersToJson(proof.signers),
    poll: {
      number: proof.poll,
      record: toHex(proof.record),
      record_path: pathToJson(proof.recordPath),
      store_path: pathToJson(proof.storePath),
    },
    claim: { type: claim.type, ...CLAIMS.get(claim.type).toJson(claim) },
  };
}

// --- the seven claims, each with its reader and its writer ---

const CLAIMS = new Map([
  ["question", { read: readQuestionClaim, toJson: questionClaimToJson }],
  ["on_roll", { read: readOnRoll, toJson: onRollToJson }],
  ["recorded", { read: readRecorded, toJson: recordedToJson }],
  ["counted", { read: readCounted, toJson: countedToJson }],
  ["superseded", { read: readSuperseded, toJson: supersededToJson }],
  ["not_counted", { read: readNotCounted, toJson: notCountedToJson }],
  ["result", { read: readResult, toJson: resultToJson }],
]);

function readQuestionClaim(value) {
  return { definition: value.get("definition").base64(PROOF_MAX_DEFINITION_BYTES) };
}

function questionClaimToJson({ definition }) {
  return { definition: toBase64(definition) };
}

function readOnRoll(value) {
  return {
    weight: value.get("weight").integer(1, PROOF_MAX_WEIGHT),
    voter: readVoter(value),
    path: readPath(value.get("path"), PROOF_MAX_ROLL_SIZE),
  };
}

function onRollToJson({ voter, weight, path }) {
  return { voter: toHex(voter), weight, path: pathToJson(path) };
}

function readRecorded(value) {
  return {
    size: value.get("size").integer(1, MAX_BALLOT_NUMBER + 1),
    proof: value.get("proof").array(PROOF_MAX_NODES, (node) => node.hash()),
    root: value.get("root").hash(),
  };
}

function recordedToJson({ size, root, proof }) {
  return { size, root: toHex(root), proof: proof.map(toHex) };
}

function readCounted(value) {
  return {
    ballot: value.get("ballot").hash(),
    number: readBallotNumber(value.get("number")),
    voter: readVoter(value),
    ballotPath: readPath(value.get("ballot_path"), MAX_BALLOT_NUMBER + 1),
    countedPath: readPath(value.get("counted_path"), PROOF_MAX_ROLL_SIZE),
  };
}

function countedToJson(claim) {
  return {
    ballot: toHex(claim.ballot),
    number: claim.number,
    voter: toHex(claim.voter),
    ballot_path: pathToJson(claim.ballotPath),
    counted_path: pathToJson(claim.countedPath),
  };
}

function readSuperseded(value, chainId) {
  const superseded = readCounted(value);
  const accepted = value.get("accepted");
  return {
    ...superseded,
    accepted: {
      path: readPath(accepted, MAX_BLOCK_UNITS),
      units: accepted.get("units").integer(1, MAX_BLOCK_UNITS),
      header: readHeader(accepted.get("header"), chainId),
      commit: readCommit(accepted.get("commit")),
      signers: accepted.has("validators") ? readSigners(accepted, chainId) : null, // null: those of the proof
    },
    countedNumber: readBallotNumber(value.get("counted_number")),
  };
}

function supersededToJson(claim) {
  const { path, units, header, commit, signers } = claim.accepted;
  return {
    ...countedToJson(claim),
    counted_number: claim.countedNumber,
    accepted: {
      ...pathToJson(path),
      units,
      header: headerToJson(header),
      commit: commitToJson(commit),
      ...(signers && signersToJson(signers)),
    },
  };
}

function readNotCounted(value) {
  return {
    voter: readVoter(value),
    before: readNeighbour(value.get("before")),
    after: readNeighbour(value.get("after")),
  };
}

function notCountedToJson({ voter, before, after }) {
  return { voter: toHex(voter), before: neighbourToJson(before), after: neighbourToJson(after) };
}

function readNeighbour(value) {
  if (value.json === null) return null;
  const path = readPath(value.get("path"), PROOF_MAX_ROLL_SIZE);
  return { path, voter: readVoter(value), number: readBallotNumber(value.get("number")) };
}

function neighbourToJson(neighbour) {
  if (neighbour === null) return null;
  return { voter: toHex(neighbour.voter), number: neighbour.number, path: pathToJson(neighbour.path) };
}

function readResult(value) {
  return { ...readQuestionClaim(value), tally: value.get("tally").base64(PROOF_MAX_TALLY_BYTES) };
}

function resultToJson(claim) {
  return { ...questionClaimToJson(claim), tally: toBase64(claim.tally) };
}

function readVoter(value) {
  const voter = value.get("voter");
  const key = voter.bytes(33); // with its scheme byte
  if (key[0] !== PROOF_KEY_SCHEME) throw voter.malformed("it is not a key of a known scheme");
  return key;
}

function readBallotNumber(value) {
  return value.integer(0, MAX_BALLOT_NUMBER);
}
