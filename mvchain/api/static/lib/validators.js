// The validator set of a height: who may sign, in which order, and how many are enough (C32 to C37, N1).

import { bytesField, messageField, varintField } from "./proto.js";
import { compareBytes, concat, toHex } from "./bytes.js";
import { merkleRoot } from "./merkle.js";
import { sha256 } from "./hashing.js";

const VALIDATOR_POWER = 10; // of each, on this chain

/**
 * The set of these Ed25519 keys: {keys, addresses, hash, has(key)}. Powers are equal, so the order is that of the
 * addresses (C35), each the first 20 bytes of SHA-256 of its key (C32).
 */
export async function makeValidatorSet(publicKeys) {
  const validators = await Promise.all(
    publicKeys.map(async (key) => ({ key, address: (await sha256(key)).subarray(0, 20) })),
  );
  validators.sort((left, right) => compareBytes(left.address, right.address));
  const members = new Set(publicKeys.map(toHex));
  return {
    has: (key) => members.has(toHex(key)),
    keys: validators.map(({ key }) => key),
    addresses: validators.map(({ address }) => address),
    hash: await merkleRoot(validators.map(({ key }) => simpleValidator(key))),
  };
}

/** SimpleValidator, the leaf of the set's hash (C33, C34): key and power. */
function simpleValidator(key) {
  return concat(messageField(1, bytesField(1, key)), varintField(2, VALIDATOR_POWER));
}

/** Whether so many signers are strictly more than two thirds of the set (N1, C87). */
export function isQuorum(signers, validators) {
  return 3 * signers > 2 * validators.keys.length;
}
