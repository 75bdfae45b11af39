// What receipts, proofs and light blocks have in common: JSON of headers, commits and paths (ledger L11). The
// counterpart of mvchain/light/documents.py.
//
// A reader takes the members that it knows. What else stands there, and another way to write the same, is refused by
// encoding what was understood and comparing: each document has one form.

import { BadProof, CODES } from "./errors.js";
import { NIL_BLOCK_ID } from "./headers.js";
import { canonicalJson } from "./strict-json.js";
import { equalBytes, fromBase64, fromHex, toHex, utf8 } from "./bytes.js";
import { formatRfc3339, parseRfc3339 } from "./timestamps.js";

export const MAX_DOCUMENT_NUMBER = 2 ** 32 - 1; // numbers of polls, sizes of rolls
export const MAX_DOCUMENT_VALIDATORS = 100;
const MAX_DOCUMENT_AUNTS = 100;
const MAX_DOCUMENT_ROUND = 1_000_000;
const MAX_DOCUMENT_PARTS = 64; // of 64 KiB, in a block of 4 MiB
const MAX_DOCUMENT_TIME_CHARS = "2026-03-09T01:02:03.123456789Z".length;

/** How errors name a document, how long it may be, and which code refuses a value of the wrong kind. */
export class DocumentKind {
  constructor(what, maxBytes, malformed) {
    this.what = what;
    this.maxBytes = maxBytes;
    this.malformed = malformed;
  }

  /** The document with this JSON, read from `bytes`. */
  open(json, bytes) {
    if (bytes.length > this.maxBytes) {
      throw new BadProof(CODES.TOO_LARGE, { what: this.what, size: bytes.length, limit: this.maxBytes });
    }
    return new DocumentValue(json, this);
  }

  /** Refuses bytes that are not the one form of what was understood of them. */
  requireCanonical(understood, bytes) {
    const isOneForm = equalBytes(utf8(canonicalJson(understood)), bytes);
    if (!isOneForm) throw new BadProof(CODES.NOT_CANONICAL, { what: this.what });
  }
}

/** One value in a document, and where it stands. Every reader throws BadProof on a misfit. */
class DocumentValue {
  constructor(json, kind, where = "") {
    this.json = json;
    this.kind = kind;
    this.where = where;
  }

  /** The member of this name. */
  get(name) {
    if (!(this.json instanceof Map)) throw this.malformed("it is not an object");
    const member = new DocumentValue(this.json.get(name), this.kind, this.where ? `${this.where}.${name}` : name);
    if (!this.json.has(name)) throw member.malformed("it is missing");
    return member;
  }

  /** Whether it has a member of this name; which few documents leave open. */
  has(name) {
    return this.json instanceof Map && this.json.has(name);
  }

  integer(low, high) {
    if (typeof this.json !== "number" || !(low <= this.json && this.json <= high)) {
      throw this.malformed(`it is not an integer from ${low} to ${high}`);
    }
    return this.json;
  }

  text(maxChars) {
    if (!this.isTextWithin(maxChars)) throw this.malformed(`it is not a text of at most ${maxChars} characters`);
    return this.json;
  }

  /** Exactly `size` bytes in hex. */
  bytes(size) {
    const bytes = typeof this.json === "string" && this.json.length === 2 * size ? looseHex(this.json) : null;
    if (bytes === null) throw this.malformed(`it is not ${size} bytes in hex`);
    return bytes;
  }

  /** At most `most` bytes in hex. */
  hexBlob(most) {
    const bytes = looseHex(this.text(2 * most));
    if (bytes === null) throw this.malformed("it is not hex");
    return bytes;
  }

  /** At most `most` bytes in base64. */
  base64(most) {
    const bytes = fromBase64(this.text(Math.floor((most + 2) / 3) * 4));
    if (bytes === null) throw this.malformed("it is not base64");
    return bytes;
  }

  hash() {
    return this.bytes(32);
  }

  /** A point in time, in BigInt nanoseconds. */
  time() {
    if (!this.isTextWithin(MAX_DOCUMENT_TIME_CHARS)) throw this.malformed("it is not a time");
    const timeNs = parseRfc3339(this.json);
    if (timeNs !== null) return timeNs;
    throw new BadProof(CODES.MALFORMED, { what: `${this.kind.what} at ${this.where}`, why: "it is no time" });
  }

  /** At most `most` values, each read by `read`. */
  array(most, read) {
    if (!Array.isArray(this.json) || this.json.length > most) {
      throw this.malformed(`it is not an array of at most ${most}`);
    }
    return this.json.map((item, at) => read(new DocumentValue(item, this.kind, `${this.where}[${at}]`)));
  }

  malformed(why) {
    return new BadProof(this.kind.malformed, { name: this.where || "its beginning", why });
  }

  /** Characters are code points, as in Python; a text of so few UTF-16 units has not more of them. */
  isTextWithin(maxChars) {
    if (typeof this.json !== "string") return false;
    return this.json.length <= maxChars || Array.from(this.json).length <= maxChars;
  }
}

/**
 * The bytes of what the Python reader takes for hex, upper-case digits and spaces between the bytes included; null for
 * any other text. The comparison with the one form refuses both, with the code for that.
 */
function looseHex(text) {
  const groups = text.toLowerCase().split(/[ \t\n\v\f\r]+/);
  return groups.some((group) => fromHex(group) === null) ? null : fromHex(groups.join(""));
}

// --- headers ---

export function readHeader(value, chainId) {
  const last = value.get("last_block_id");
  return {
    appVersion: value.get("app_version").integer(0, MAX_DOCUMENT_NUMBER),
    chainId,
    height: value.get("height").integer(1, Number.MAX_SAFE_INTEGER),
    timeNs: value.get("time").time(),
    lastBlockId:
      last.json === null ? NIL_BLOCK_ID : { hash: last.get("hash").hash(), parts: readParts(last.get("parts")) },
    lastCommitHash: value.get("last_commit_hash").hash(),
    dataHash: value.get("data_hash").hash(),
    validatorsHash: value.get("validators_hash").hash(),
    nextValidatorsHash: value.get("next_validators_hash").hash(),
    consensusHash: value.get("consensus_hash").hash(),
    appHash: value.get("app_hash").hash(),
    lastResultsHash: value.get("last_results_hash").hash(),
    evidenceHash: value.get("evidence_hash").hash(),
    proposer: value.get("proposer").bytes(20),
  };
}

/** All fields but the chain id, which the document says once. */
export function headerToJson(header) {
  const last = header.lastBlockId;
  return {
    app_version: header.appVersion,
    height: header.height,
    time: formatRfc3339(header.timeNs),
    last_block_id: last === NIL_BLOCK_ID ? null : { hash: toHex(last.hash), parts: partsToJson(last.parts) },
    last_commit_hash: toHex(header.lastCommitHash),
    data_hash: toHex(header.dataHash),
    validators_hash: toHex(header.validatorsHash),
    next_validators_hash: toHex(header.nextValidatorsHash),
    consensus_hash: toHex(header.consensusHash),
    app_hash: toHex(header.appHash),
    last_results_hash: toHex(header.lastResultsHash),
    evidence_hash: toHex(header.evidenceHash),
    proposer: toHex(header.proposer),
  };
}

// --- commits ---

/** {round, parts, signatures: [{index, timeNs, signature}]}: who signed the header that the document names. */
export function readCommit(value) {
  return {
    round: value.get("round").integer(0, MAX_DOCUMENT_ROUND),
    parts: readParts(value.get("parts")),
    signatures: value.get("signatures").array(MAX_DOCUMENT_VALIDATORS, readPrecommit),
  };
}

function readPrecommit(value) {
  const [index, time, signature] = Array.isArray(value.json) && value.json.length === 3 ? value.json : [null];
  if (typeof index !== "number" || index < 0 || index >= MAX_DOCUMENT_VALIDATORS) {
    throw value.malformed(`it is not [index below ${MAX_DOCUMENT_VALIDATORS}, time, signature]`);
  }
  return {
    index,
    timeNs: new DocumentValue(time, value.kind, value.where).time(),
    signature: new DocumentValue(signature, value.kind, value.where).bytes(64),
  };
}

export function commitToJson(commit) {
  return {
    round: commit.round,
    parts: partsToJson(commit.parts),
    signatures: commit.signatures.map((one) => [one.index, formatRfc3339(one.timeNs), toHex(one.signature)]),
  };
}

function readParts(value) {
  return { total: value.get("total").integer(1, MAX_DOCUMENT_PARTS), hash: value.get("hash").hash() };
}

function partsToJson(parts) {
  return { total: parts.total, hash: toHex(parts.hash) };
}

// --- paths ---

/** {index, total, aunts}, for a tree of at most `maxTotal` leaves; the index may be beyond the total. */
export function readPath(value, maxTotal) {
  return {
    index: value.get("index").integer(0, maxTotal - 1),
    total: value.get("total").integer(1, maxTotal),
    aunts: value.get("aunts").array(MAX_DOCUMENT_AUNTS, (aunt) => aunt.hash()),
  };
}

export function pathToJson(path) {
  return { index: path.index, total: path.total, aunts: path.aunts.map(toHex) };
}
