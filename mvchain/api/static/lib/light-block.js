// A light block: a header and who signed it, as any node gives it for any height (C85 to C87; mvchain/light/blocks.py),
// with the handovers that lead to its set where that is not the one of genesis. So a page can ask nodes of other
// agencies whether they have the same block at a height.

import { BadProof, CODES } from "./errors.js";
import { DocumentKind, commitToJson, headerToJson, readCommit, readHeader } from "./documents.js";
import { MAX_CHAIN_ID_CHARS } from "./receipt.js";
import { followHandovers, readSigners, signersToJson, verifyHandovers, vouchersOf } from "./handovers.js";
import { headerHash } from "./headers.js";
import { isQuorum } from "./validators.js";
import { parseStrictJson } from "./strict-json.js";
import { toHex } from "./bytes.js";
import { verifyPrecommits } from "./commits.js";

const LIGHT_BLOCK_FORMAT = "mvchain light block 1";
export const LIGHT_BLOCK_MAX_BYTES = 16 * 1024 * 1024; // with all handovers that there may be
const LIGHT_BLOCK = new DocumentKind("the light block", LIGHT_BLOCK_MAX_BYTES, CODES.MALFORMED_LIGHT_BLOCK);

/**
 * Verifies that more than two thirds of the agencies of the genesis document, or of those that it was handed over to,
 * signed the block. Gives {height, hash, appHash, timeNs, vouching, later, agencies}, hashes as hex, the last three as
 * `verify` has them, but of all whose precommits are there. Throws BadProof.
 */
export async function verifyLightBlock(bytes, genesis) {
  const { chainId, header, commit, signers } = readLightBlock(bytes);
  const { height } = header;
  let previous = -1;
  for (const { index } of commit.signatures) {
    const isNext = previous < index && index < signers.validators.length;
    if (!isNext) throw new BadProof(CODES.LIGHT_BLOCK_SIGNERS, { height });
    previous = index;
  }
  if (chainId !== genesis.chainId) {
    throw new BadProof(CODES.LIGHT_BLOCK_CHAIN, { height, chain: chainId, trusted: genesis.chainId });
  }
  const { validators, signed } = await followHandovers(header, signers, genesis);
  await verifyHandovers(signed);
  await verifyPrecommits(header, commit, validators);
  if (!isQuorum(commit.signatures.length, validators)) {
    throw new BadProof(CODES.COMMIT_POWER, { height, have: commit.signatures.length, of: validators.keys.length });
  }
  return {
    height,
    hash: toHex(await headerHash(header)),
    appHash: toHex(header.appHash),
    timeNs: header.timeNs,
    ...vouchersOf(commit, validators, genesis),
  };
}

function readLightBlock(bytes) {
  const json = parseStrictJson(bytes, LIGHT_BLOCK.what, LIGHT_BLOCK_MAX_BYTES, BadProof);
  const top = LIGHT_BLOCK.open(json, bytes);
  const form = top.get("format").text(64);
  if (form !== LIGHT_BLOCK_FORMAT) {
    throw new BadProof(CODES.UNKNOWN_LIGHT_FORMAT, { form, known: LIGHT_BLOCK_FORMAT });
  }
  const chainId = top.get("chain_id").text(MAX_CHAIN_ID_CHARS);
  const header = readHeader(top.get("header"), chainId);
  const signers = readSigners(top, chainId);
  const commit = readCommit(top.get("commit"));
  const understood = {
    format: LIGHT_BLOCK_FORMAT,
    chain_id: chainId,
    header: headerToJson(header),
    commit: commitToJson(commit),
    ...signersToJson(signers),
  };
  LIGHT_BLOCK.requireCanonical(understood, bytes);
  return { chainId, header, commit, signers };
}
