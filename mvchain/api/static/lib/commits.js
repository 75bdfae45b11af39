// Whether the agencies of the genesis document signed a header (C35, C40, C87; ledger L10, L11).

import { BadProof, CODES } from "./errors.js";
import { equalBytes } from "./bytes.js";
import { PRECOMMIT, endorsementSignBytes, headerHash } from "./headers.js";
import { isQuorum } from "./validators.js";
import { verifySignature } from "./ed25519.js";

/**
 * A quorum of the genesis set signed the header, and the file lists that set (`listed`): each validator once, in the
 * order of the set, and none too many. Gives the agencies {number, nameKo, nameEn} that signed, by number.
 */
export async function verifySigned(header, commit, listed, genesis) {
  const { validators } = genesis;
  if (!isGenesisSet(listed, header, genesis)) throw new BadProof(CODES.RECEIPT_VALIDATORS, { height: header.height });
  const data = { height: header.height, have: commit.signatures.length, of: validators.keys.length };
  let previous = -1;
  commit.signatures.forEach(({ index }, earlier) => {
    if (!(previous < index && index < validators.keys.length)) throw new BadProof(CODES.RECEIPT_SIGNERS, data);
    if (isQuorum(earlier, validators)) throw new BadProof(CODES.RECEIPT_TOO_MANY_SIGNERS, data);
    previous = index;
  });
  if (!isQuorum(commit.signatures.length, validators)) throw new BadProof(CODES.RECEIPT_NO_QUORUM, data);
  await verifyPrecommits(commit, header, genesis);
  return signingAgencies(commit, genesis);
}

/** Whether a file lists the set of the genesis document, and the header names that set. */
export function isGenesisSet(listed, header, { validators }) {
  const { keys, hash } = validators;
  const isListed = listed.length === keys.length && listed.every((key, at) => equalBytes(key, keys[at]));
  return isListed && equalBytes(header.validatorsHash, hash);
}

/** Every signature is its validator's precommit for the header, in the parts that the commit names (C40). */
export async function verifyPrecommits(commit, header, genesis) {
  const blockId = { hash: await headerHash(header), parts: commit.parts };
  const verdicts = await Promise.all(
    commit.signatures.map(({ index, timeNs, signature }) => {
      const message = endorsementSignBytes(PRECOMMIT, header.height, commit.round, blockId, timeNs, genesis.chainId);
      return verifySignature(genesis.validators.keys[index], message, signature);
    }),
  );
  const bad = verdicts.indexOf(false);
  if (bad >= 0) {
    throw new BadProof(CODES.COMMIT_SIGNATURE, { index: commit.signatures[bad].index, height: header.height });
  }
}

/** The agencies whose signatures the commit holds, by number. */
export function signingAgencies(commit, genesis) {
  const signed = commit.signatures.map(({ index }) => genesis.validators.keys[index]);
  return genesis.agencies
    .filter((agency) => signed.some((key) => equalBytes(key, agency.validatorKey)))
    .map(({ number, nameKo, nameEn }) => ({ number, nameKo, nameEn }));
}
