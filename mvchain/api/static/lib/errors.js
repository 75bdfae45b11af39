// What verification refuses, as values: a stable code and the offending values by name.
//
// The codes are those of mvchain/core/codes.py, under the same names: the page, the command line and the API refuse the
// same bytes with the same code. Words for people belong to the page, not here.

export const CODES = Object.freeze({
  MALFORMED: "MV-1001",
  TOO_LARGE: "MV-1002",
  NOT_CANONICAL: "MV-1003",
  NOT_UTF8: "MV-1004",
  TOO_DEEP: "MV-1005",
  DUPLICATE_NAME: "MV-1006",
  BAD_NUMBER: "MV-1007",
  UNKNOWN_DEFINITION_VERSION: "MV-1120",
  COMMIT_SIGNATURE: "MV-2024",
  COMMIT_POWER: "MV-2025",
  GENESIS_CHAIN_NAME: "MV-2041",
  GENESIS_CHAIN_ID: "MV-2042",
  GENESIS_VALUE: "MV-2043",
  GENESIS_AGENCY_COUNT: "MV-2044",
  GENESIS_AGENCY_NUMBER: "MV-2045",
  GENESIS_AGENCY_NAME: "MV-2046",
  GENESIS_KEY_UNSOUND: "MV-2047",
  GENESIS_KEY_SHARED: "MV-2048",
  GENESIS_MEMBER_UNKNOWN: "MV-2050",
  GENESIS_MEMBER_MISSING: "MV-2051",
  GENESIS_MEMBER_WRONG: "MV-2052",
  MALFORMED_RECEIPT: "MV-5001",
  UNKNOWN_RECEIPT_FORMAT: "MV-5002",
  RECEIPT_OF_ANOTHER_CHAIN: "MV-5003",
  RECEIPT_VALIDATORS: "MV-5004",
  RECEIPT_SIGNERS: "MV-5005",
  RECEIPT_NO_QUORUM: "MV-5006",
  RECEIPT_HEADERS: "MV-5007",
  RECEIPT_NOT_INCLUDED: "MV-5008",
  RECEIPT_NOT_ACCEPTED: "MV-5009",
  RECEIPT_OTHER_PLACE: "MV-5010",
  RECEIPT_TOO_MANY_SIGNERS: "MV-5011",
  RECEIPT_TIMES: "MV-5012",
  MALFORMED_PROOF: "MV-5020",
  PROOF_RECORD: "MV-5021",
  PROOF_QUESTION: "MV-5022",
  PROOF_ON_ROLL: "MV-5023",
  PROOF_RECORDED: "MV-5024",
  PROOF_NOT_FINAL: "MV-5025",
  PROOF_BALLOT: "MV-5026",
  PROOF_COUNTED: "MV-5027",
  PROOF_SUPERSEDED: "MV-5028",
  PROOF_ACCEPTED: "MV-5029",
  PROOF_NEIGHBOURS: "MV-5030",
  PROOF_RESULT: "MV-5031",
  MALFORMED_LIGHT_BLOCK: "MV-5100",
  UNKNOWN_LIGHT_FORMAT: "MV-5101",
  LIGHT_BLOCK_SIGNERS: "MV-5102",
  LIGHT_BLOCK_CHAIN: "MV-5104",
  HANDOVER_VALIDATORS: "MV-5150",
  HANDOVER_ORDER: "MV-5151",
  HANDOVER_TO_NOBODY: "MV-5152",
  HANDOVER_NOT_TRUSTED: "MV-5153",
  HANDOVER_SUPERFLUOUS: "MV-5154",
  RECEIPT_NUMBER_CHARACTER: "MV-6080",
  RECEIPT_NUMBER_LENGTH: "MV-6081",
  RECEIPT_NUMBER_CHECK: "MV-6082",
});

/** Root of all refusals; `code` is one of CODES, `data` holds the offending values by name. */
export class VerificationError extends Error {
  constructor(code, data = {}) {
    super(code);
    this.name = new.target.name;
    this.code = code;
    this.data = data;
  }
}

/** A receipt, header, commit or proof does not hold. */
export class BadProof extends VerificationError {}

/** The genesis document cannot be relied on. */
export class BadGenesis extends VerificationError {}

/** A receipt number was typed wrongly. */
export class BadReceiptNumber extends VerificationError {}

/**
 * This page cannot compute a hash at all: browsers give `crypto.subtle` to secure contexts alone (https, localhost or
 * a file), so over plain http nothing can be verified. Says nothing about the receipt.
 */
export class NoCrypto extends VerificationError {
  constructor() {
    super("NO-WEBCRYPTO");
  }
}
