// What is hashed and signed of a block, byte for byte that of CometBFT 0.38 (C22 to C26, C39 to C41).
//
// A header here is {appVersion, chainId, height, timeNs, lastBlockId, lastCommitHash, dataHash, validatorsHash,
// nextValidatorsHash, consensusHash, appHash, lastResultsHash, evidenceHash, proposer}; a block id is {hash, parts:
// {total, hash}}, nil without bytes and with total 0.

import { bytesField, delimited, encodeTimestamp, messageField, sfixed64Field, varintField } from "./proto.js";
import { concat, utf8 } from "./bytes.js";
import { merkleRoot } from "./merkle.js";

const BLOCK_PROTOCOL = 11; // C3
export const PRECOMMIT = 2; // C39

export const NIL_BLOCK_ID = Object.freeze({ hash: new Uint8Array(), parts: { total: 0, hash: new Uint8Array() } });

/** BlockID (C22, C23). */
export function encodeBlockId({ hash, parts }) {
  const encodedParts = concat(varintField(1, parts.total), bytesField(2, parts.hash));
  return concat(bytesField(1, hash), messageField(2, encodedParts));
}

/** The 14 leaves in the order of C25; an empty value is an empty leaf, not a missing one (C26). */
export function headerLeaves(header) {
  return [
    concat(varintField(1, BLOCK_PROTOCOL), varintField(2, header.appVersion)),
    bytesField(1, utf8(header.chainId)),
    varintField(1, header.height),
    encodeTimestamp(header.timeNs),
    encodeBlockId(header.lastBlockId),
    bytesField(1, header.lastCommitHash),
    bytesField(1, header.dataHash),
    bytesField(1, header.validatorsHash),
    bytesField(1, header.nextValidatorsHash),
    bytesField(1, header.consensusHash),
    bytesField(1, header.appHash),
    bytesField(1, header.lastResultsHash),
    bytesField(1, header.evidenceHash),
    bytesField(1, header.proposer),
  ];
}

/** Root over the leaves (C25): the block's hash. */
export function headerHash(header) {
  return merkleRoot(headerLeaves(header));
}

/** What a prevote or precommit signs (C40): CanonicalVote, length-delimited. A nil block id is left out. */
export function endorsementSignBytes(kind, height, round, blockId, timeNs, chainId) {
  const isNil = !blockId.hash.length && !blockId.parts.total && !blockId.parts.hash.length;
  return delimited(
    concat(
      varintField(1, kind),
      sfixed64Field(2, height),
      sfixed64Field(3, round),
      isNil ? new Uint8Array() : messageField(4, encodeBlockId(blockId)),
      messageField(5, encodeTimestamp(timeNs)),
      bytesField(6, utf8(chainId)),
    ),
  );
}
