// The open receipt as it is read, nothing of it verified (ledger L11). The counterpart of mvchain/light/receipts.py,
// which describes its members. It holds the hash of the ballot, not the ballot.

import { BadProof, CODES } from "./errors.js";
import { DocumentKind, MAX_DOCUMENT_NUMBER } from "./documents.js";
import { commitToJson, headerToJson, pathToJson, readCommit, readHeader, readPath } from "./documents.js";
import { readSigners, signersToJson } from "./handovers.js";
import { toHex } from "./bytes.js";

const OPEN_RECEIPT_FORMAT = "mvchain open receipt 1";
export const MAX_CHAIN_ID_CHARS = 50;
export const MAX_BALLOT_NUMBER = 2 ** 26 * 16 - 1; // a roll of 2^26 voters, 16 ballots each
export const MAX_BLOCK_UNITS = 5_000; // and so many transactions at most: each takes a unit (N2)

const RECEIPT_MAX_BYTES = 16 * 1024 * 1024;
const OPEN_RECEIPT = new DocumentKind("the receipt", RECEIPT_MAX_BYTES, CODES.MALFORMED_RECEIPT);

/**
 * Reads a receipt file, `json` as parsed from `bytes`: {chainId, ballot, header, nextHeader, included, accepted,
 * result: {poll, number, voter, units}, commit, signers}. Throws BadProof if it is no open receipt, or not in its
 * one form.
 */
export function readOpenReceipt(json, bytes) {
  const top = OPEN_RECEIPT.open(json, bytes);
  const form = top.get("format").text(64);
  if (form !== OPEN_RECEIPT_FORMAT) {
    throw new BadProof(CODES.UNKNOWN_RECEIPT_FORMAT, { form, known: OPEN_RECEIPT_FORMAT });
  }
  const chainId = top.get("chain_id").text(MAX_CHAIN_ID_CHARS);
  const accepted = readPath(top.get("accepted"), MAX_BLOCK_UNITS);
  const result = top.get("accepted").get("result");
  const receipt = {
    chainId,
    ballot: top.get("ballot").hash(),
    header: readHeader(top.get("header"), chainId),
    nextHeader: readHeader(top.get("next_header"), chainId),
    included: readPath(top.get("included"), MAX_BLOCK_UNITS),
    accepted,
    result: {
      poll: result.get("poll").integer(1, MAX_DOCUMENT_NUMBER),
      number: result.get("number").integer(0, MAX_BALLOT_NUMBER),
      voter: result.get("voter").bytes(33),
      units: result.get("units").integer(1, MAX_BLOCK_UNITS),
    },
    commit: readCommit(top.get("commit")),
    signers: readSigners(top, chainId),
  };
  OPEN_RECEIPT.requireCanonical(openReceiptToJson(receipt), bytes);
  return receipt;
}

function openReceiptToJson(receipt) {
  return {
    format: OPEN_RECEIPT_FORMAT,
    chain_id: receipt.chainId,
    ballot: toHex(receipt.ballot),
    header: headerToJson(receipt.header),
    next_header: headerToJson(receipt.nextHeader),
    included: pathToJson(receipt.included),
    accepted: { ...pathToJson(receipt.accepted), result: { ...receipt.result, voter: toHex(receipt.result.voter) } },
    commit: commitToJson(receipt.commit),
    ...signersToJson(receipt.signers),
  };
}
