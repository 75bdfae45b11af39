// What a file proves to someone who trusts the genesis document alone (ledger L10). The counterpart of
// mvchain/light/verify.py: for the same bytes the same claims, or the same code.
//
// For pages (nothing in lib/ touches the page, the network or a clock):
//
//   genesis.js         parseGenesis(bytes) -> genesis              throws BadGenesis
//                      hashWords(genesis.hash) -> [{digits, word}]
//   verify.js          verify(bytes, genesis) -> claims            throws BadProof {code, data}
//   light-block.js     verifyLightBlock(bytes, genesis) -> block   throws BadProof: what another node has at a height
//   receipt-number.js  receiptNumber(hash) -> text
//                      parseReceiptNumber(text) -> {text, low, high}   throws BadReceiptNumber
//   ed25519.js         ed25519Engine() -> "webcrypto" | "fallback"
//   errors.js          CODES, VerificationError and its kinds BadProof, BadGenesis, BadReceiptNumber, NoCrypto
//
// All of them but the two of receipt-number.js and hashWords are async, and throw NoCrypto in an insecure context.
//
// Claims, with hashes and keys as lower-case hex, times as BigInt nanoseconds since 1970, and ballot numbers from 0:
//
//   all       {type, chainId, poll, height, timeNs, vouching, later, agencies, signed, engine}; `vouching` are the
//             agencies {number, nameKo, nameEn} whose signatures the file holds, just enough for a quorum; `later` are
//             keys that signed as well and that the genesis document does not know, so that nothing proves a name;
//             `agencies` how many there were; `signed` is the block {height, hash} that they signed, to compare with
//             other nodes' blocks
//   accepted  (an open receipt) ballot, number, voter, units; height and time are those of the ballot's block
//   all the others also have `record`, as poll-record.js gives it, with its hashes as bytes
//   question  definition, as poll-definition.js gives it
//   result    definition; tally, as tally.js gives it
//   on_roll   voter, weight
//   recorded  size, root
//   counted   (a completed receipt) ballot, number, voter
//   superseded  ballot, number, voter, countedNumber
//   not_counted voter

import { BadProof, CODES } from "./errors.js";
import { MAX_PROOF_BYTES, POLL_PROOF_FORMAT, readPollProof } from "./proof.js";
import { ed25519Engine } from "./ed25519.js";
import { equalBytes, toHex } from "./bytes.js";
import { headerHash } from "./headers.js";
import { parseStrictJson } from "./strict-json.js";
import { readOpenReceipt } from "./receipt.js";
import { acceptedBallot, verifyClaim, verifyRecord } from "./claims.js";
import { verifyInclusion } from "./merkle.js";
import { verifySigned } from "./handovers.js";

/** Verifies a receipt or a proof, whichever the file is, against a genesis document that `parseGenesis` read. */
export async function verify(bytes, genesis) {
  const json = parseStrictJson(bytes, "the file", MAX_PROOF_BYTES, BadProof);
  const isProof = json instanceof Map && json.get("format") === POLL_PROOF_FORMAT;
  if (isProof) return verifyPollProof(readPollProof(json, bytes), genesis);
  return verifyReceipt(readOpenReceipt(json, bytes), genesis);
}

/** Signatures come last, since they cost the most. */
async function verifyReceipt(receipt, genesis) {
  requireChain(receipt.chainId, genesis);
  await verifyFollowing(receipt);
  await verifyPlace(receipt);
  const vouchers = await verifySigned(receipt.nextHeader, receipt.commit, receipt.signers, genesis);
  return {
    type: "accepted",
    ...receipt.result,
    voter: toHex(receipt.result.voter),
    ballot: toHex(receipt.ballot),
    ...(await claimedBy(vouchers, receipt.nextHeader)),
    height: receipt.header.height,
    timeNs: receipt.header.timeNs,
  };
}

async function verifyPollProof(proof, genesis) {
  requireChain(proof.chainId, genesis);
  const record = await verifyRecord(proof);
  const shown = await verifyClaim(proof, record, genesis);
  const vouchers = await verifySigned(proof.header, proof.commit, proof.signers, genesis);
  return {
    type: proof.claim.type,
    ...shown,
    poll: proof.poll,
    record,
    ...(await claimedBy(vouchers, proof.header)),
    height: proof.header.height,
    timeNs: proof.header.timeNs,
  };
}

function requireChain(chainId, genesis) {
  if (chainId !== genesis.chainId) {
    throw new BadProof(CODES.RECEIPT_OF_ANOTHER_CHAIN, { chain: chainId, trusted: genesis.chainId });
  }
}

async function claimedBy(vouchers, signedHeader) {
  return {
    chainId: signedHeader.chainId,
    ...vouchers,
    signed: { height: signedHeader.height, hash: toHex(await headerHash(signedHeader)) },
    engine: await ed25519Engine(),
  };
}

/** The next header names the one that holds the ballot, so that whoever signs the next vouches for both. */
async function verifyFollowing({ header, nextHeader }) {
  const heights = { height: header.height, following: nextHeader.height };
  const isNamed = equalBytes(nextHeader.lastBlockId.hash, await headerHash(header));
  if (nextHeader.height !== header.height + 1 || !isNamed) throw new BadProof(CODES.RECEIPT_HEADERS, heights);
  if (nextHeader.timeNs <= header.timeNs) throw new BadProof(CODES.RECEIPT_TIMES, heights);
}

/**
 * Included and accepted, at the same index of the same total. A block has as many results as transactions, so paths of
 * equal index and total end at the same leaf of both trees, even if both are lies: a root does not bind them (C19).
 */
async function verifyPlace({ ballot, header, nextHeader, included, accepted, result }) {
  const data = { ballot: toHex(ballot), height: header.height };
  if (included.index !== accepted.index || included.total !== accepted.total) {
    throw new BadProof(CODES.RECEIPT_OTHER_PLACE, data);
  }
  if (!(await verifyInclusion(included, ballot, header.dataHash))) {
    throw new BadProof(CODES.RECEIPT_NOT_INCLUDED, data);
  }
  if (!(await verifyInclusion(accepted, acceptedBallot(result), nextHeader.lastResultsHash))) {
    throw new BadProof(CODES.RECEIPT_NOT_ACCEPTED, data);
  }
}
