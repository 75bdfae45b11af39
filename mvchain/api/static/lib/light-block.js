// A light block: a header and who signed it, as any node gives it for any height (C85 to C87; mvchain/light/blocks.py).
// So a page can ask nodes of other agencies whether they have the same block at a height.

import { BadProof, CODES } from "./errors.js";
import { DocumentKind, MAX_DOCUMENT_VALIDATORS } from "./documents.js";
import { commitToJson, headerToJson, readCommit, readHeader } from "./documents.js";
import { MAX_CHAIN_ID_CHARS } from "./receipt.js";
import { headerHash } from "./headers.js";
import { isGenesisSet, signingAgencies, verifyPrecommits } from "./commits.js";
import { isQuorum } from "./validators.js";
import { parseStrictJson } from "./strict-json.js";
import { toHex } from "./bytes.js";

const LIGHT_BLOCK_FORMAT = "mvchain light block 1";
const LIGHT_BLOCK_MAX_BYTES = 64 * 1024;
const LIGHT_BLOCK = new DocumentKind("the light block", LIGHT_BLOCK_MAX_BYTES, CODES.MALFORMED_LIGHT_BLOCK);

/**
 * Verifies that more than two thirds of the agencies of the genesis document signed the block. Gives {height, hash,
 * appHash, timeNs, signing}, hashes as hex, `signing` the agencies {number, nameKo, nameEn} whose precommits are there.
 * Throws BadProof.
 */
export async function verifyLightBlock(bytes, genesis) {
  const { chainId, header, commit, validators } = readLightBlock(bytes);
  const { height } = header;
  let previous = -1;
  for (const { index } of commit.signatures) {
    if (!(previous < index && index < validators.length)) throw new BadProof(CODES.LIGHT_BLOCK_SIGNERS, { height });
    previous = index;
  }
  if (chainId !== genesis.chainId) {
    throw new BadProof(CODES.LIGHT_BLOCK_CHAIN, { height, chain: chainId, trusted: genesis.chainId });
  }
  if (!isGenesisSet(validators, header, genesis)) throw new BadProof(CODES.RECEIPT_VALIDATORS, { height });
  await verifyPrecommits(commit, header, genesis);
  if (!isQuorum(commit.signatures.length, genesis.validators)) {
    throw new BadProof(CODES.COMMIT_POWER, { height, have: commit.signatures.length, of: validators.length });
  }
  return {
    height,
    hash: toHex(await headerHash(header)),
    appHash: toHex(header.appHash),
    timeNs: header.timeNs,
    signing: signingAgencies(commit, genesis),
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
  const validators = top.get("validators").array(MAX_DOCUMENT_VALIDATORS, (key) => key.bytes(32));
  const commit = readCommit(top.get("commit"));
  const understood = {
    format: LIGHT_BLOCK_FORMAT,
    chain_id: chainId,
    header: headerToJson(header),
    commit: commitToJson(commit),
    validators: validators.map(toHex),
  };
  LIGHT_BLOCK.requireCanonical(understood, bytes);
  return { chainId, header, commit, validators };
}
