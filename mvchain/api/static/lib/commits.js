// Whether enough of a set of validators signed a header (C35, C40, C87; ledger L11).

import { BadProof, CODES } from "./errors.js";
import { PRECOMMIT, endorsementSignBytes, headerHash } from "./headers.js";
import { isQuorum } from "./validators.js";
import { verifySignature } from "./ed25519.js";

/**
 * A quorum of the set, and of `trusted` as well unless it is null: each validator once, in the order of the set, and
 * none that is not needed for either where it stands. Signatures are not verified.
 */
export function checkSigners(header, commit, validators, trusted = null) {
  const data = { height: header.height, have: commit.signatures.length, of: validators.keys.length };
  const tallies = [validators, trusted].filter((set) => set !== null).map((set) => ({ set, signed: 0 }));
  let previous = -1;
  for (const { index } of commit.signatures) {
    if (!(previous < index && index < validators.keys.length)) throw new BadProof(CODES.RECEIPT_SIGNERS, data);
    const needing = tallies.filter(({ set, signed }) => !isQuorum(signed, set) && set.has(validators.keys[index]));
    if (!needing.length) throw new BadProof(CODES.RECEIPT_TOO_MANY_SIGNERS, data);
    for (const tally of needing) tally.signed += 1;
    previous = index;
  }
  const lacking = tallies.find(({ set, signed }) => !isQuorum(signed, set));
  if (lacking) throw new BadProof(lacking === tallies[0] ? CODES.RECEIPT_NO_QUORUM : CODES.HANDOVER_NOT_TRUSTED, data);
}

/** Every signature is its validator's precommit for the header, in the parts that the commit names (C40). */
export async function verifyPrecommits(header, commit, validators) {
  const blockId = { hash: await headerHash(header), parts: commit.parts };
  const verdicts = await Promise.all(
    commit.signatures.map(({ index, timeNs, signature }) => {
      const message = endorsementSignBytes(PRECOMMIT, header.height, commit.round, blockId, timeNs, header.chainId);
      return verifySignature(validators.keys[index], message, signature);
    }),
  );
  const bad = verdicts.indexOf(false);
  if (bad >= 0) {
    throw new BadProof(CODES.COMMIT_SIGNATURE, { index: commit.signatures[bad].index, height: header.height });
  }
}
