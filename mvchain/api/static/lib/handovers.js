// How the validators of the genesis document handed the chain over to those who signed a header (ledger L10). The
// counterpart of mvchain/light/handovers.py, which states the rules.
//
// What a document says of its signers is {validators: keys, handovers: [{header, commit, validators}]}.

import { BadProof, CODES } from "./errors.js";
import { MAX_DOCUMENT_VALIDATORS, commitToJson, headerToJson, readCommit, readHeader } from "./documents.js";
import { checkSigners, verifyPrecommits } from "./commits.js";
import { equalBytes, toHex } from "./bytes.js";
import { isQuorum, makeValidatorSet } from "./validators.js";

const MAX_HANDOVERS = 512;

// --- reading ---

export function readSigners(value, chainId) {
  const validators = readKeys(value);
  if (!value.has("handovers")) return { validators, handovers: [] };
  const handovers = value.get("handovers").array(MAX_HANDOVERS, (one) => ({
    header: readHeader(one.get("header"), chainId),
    commit: readCommit(one.get("commit")),
    validators: readKeys(one),
  }));
  return { validators, handovers };
}

function readKeys(value) {
  return value.get("validators").array(MAX_DOCUMENT_VALIDATORS, (key) => key.bytes(32));
}

/** The members of a document that say who may sign. */
export function signersToJson({ validators, handovers }) {
  const members = { validators: validators.map(toHex) };
  if (handovers.length) members.handovers = handovers.map(handoverToJson);
  return members;
}

function handoverToJson({ header, commit, validators }) {
  return { header: headerToJson(header), commit: commitToJson(commit), validators: validators.map(toHex) };
}

// --- verifying ---

/**
 * A quorum of the set of the genesis document, or of one that it was handed over to, signed the header, and no
 * signature is there that is not needed. Gives who vouches, as `vouchersOf` has it. Signatures come last, since they
 * cost the most.
 */
export async function verifySigned(header, commit, signers, genesis) {
  const { validators, signed } = await followHandovers(header, signers, genesis);
  checkSigners(header, commit, validators);
  await verifyHandovers(signed);
  await verifyPrecommits(header, commit, validators);
  return vouchersOf(commit, validators, genesis);
}

/**
 * All but signatures of the way from genesis to the set that the header names: that set as `validators`, and what
 * `verifyHandovers` has to verify as `signed`.
 */
export async function followHandovers(header, signers, genesis) {
  const believed = [{ height: 0, validators: genesis.validators, nextHash: genesis.validators.hash }];
  const signed = [];
  for (const one of signers.handovers) {
    const validators = await setOf(one, one.header, CODES.HANDOVER_VALIDATORS);
    checkHandover(one, validators, believed);
    believed.push({ height: one.header.height, validators, nextHash: one.header.nextValidatorsHash });
    signed.push({ header: one.header, commit: one.commit, validators });
  }
  const validators = await setOf(signers, header, CODES.RECEIPT_VALIDATORS);
  checkEnd(header, believed);
  return { validators, signed };
}

export async function verifyHandovers(signed) {
  for (const { header, commit, validators } of signed) await verifyPrecommits(header, commit, validators);
}

/**
 * {vouching, later, agencies}: the agencies {number, nameKo, nameEn} whose signatures the commit holds, by number; the
 * keys, as hex, that signed and that the genesis document does not know; how many agencies there were.
 */
export function vouchersOf(commit, validators, genesis) {
  const signed = new Set(commit.signatures.map(({ index }) => toHex(validators.keys[index])));
  const known = genesis.agencies.filter(({ validatorKey }) => signed.has(toHex(validatorKey)));
  for (const { validatorKey } of known) signed.delete(toHex(validatorKey));
  return {
    vouching: known.map(({ number, nameKo, nameEn }) => ({ number, nameKo, nameEn })),
    later: [...signed],
    agencies: validators.keys.length,
  };
}

/** The set that the header names, listed once each in its order. */
async function setOf({ validators: listed }, header, wrong) {
  const validators = await makeValidatorSet(listed);
  const isInOrder = listed.every((key, at) => equalBytes(key, validators.keys[at]));
  const isOnceEach = new Set(listed.map(toHex)).size === listed.length;
  if (isInOrder && isOnceEach && equalBytes(header.validatorsHash, validators.hash)) return validators;
  throw new BadProof(wrong, { height: header.height });
}

function checkHandover({ header, commit }, validators, believed) {
  const last = believed.at(-1);
  requireLater(header, last);
  if (equalBytes(header.nextValidatorsHash, header.validatorsHash)) {
    throw new BadProof(CODES.HANDOVER_TO_NOBODY, { height: header.height });
  }
  checkSigners(header, commit, validators, namesSetOf(last, header) ? null : last.validators);
  requireNeeded(header, believed);
  const signing = commit.signatures.map(({ index }) => validators.keys[index]);
  if (believed.length > 1 && reaches(believed.at(-2), signing)) {
    throw new BadProof(CODES.HANDOVER_SUPERFLUOUS, { height: last.height, after: header.height });
  }
}

/** The way ends at the set that signed the header, and not before. */
function checkEnd(header, believed) {
  const last = believed.at(-1);
  if (!namesSetOf(last, header)) throw new BadProof(CODES.RECEIPT_VALIDATORS, { height: header.height });
  requireLater(header, last);
  requireNeeded(header, believed);
}

/** No block before the last one names the set that signed the header. */
function requireNeeded(header, believed) {
  if (believed.slice(0, -1).some((earlier) => namesSetOf(earlier, header))) {
    throw new BadProof(CODES.HANDOVER_SUPERFLUOUS, { height: believed.at(-1).height, after: header.height });
  }
}

function requireLater({ height }, last) {
  if (height <= last.height) throw new BadProof(CODES.HANDOVER_ORDER, { height, before: last.height });
}

/** Whether a believed block, or the genesis document, names the set that signs this header. */
function namesSetOf({ validators, nextHash }, { validatorsHash }) {
  return equalBytes(validatorsHash, validators.hash) || equalBytes(validatorsHash, nextHash);
}

/** Whether those with the keys `signing` are more than two thirds of a believed set (C87). */
function reaches({ validators }, signing) {
  return isQuorum(signing.filter((key) => validators.has(key)).length, validators);
}
