// The genesis document: which agencies started the chain, with which keys (L1, L4, KEY09).
//
//     genesis hash = SHA-256("mvchain.genesis-document.v1" || 00 || canonical JSON without the member chain_id)
//     chain_id     = chain_name || "-" || first 32 hex digits of the genesis hash
//
// Everything that a page proves, it proves to someone who trusts this document. Whether it is the right one, no program
// can tell: a person compares its hash, or the 16 words for it, with what the agencies print. That the agencies signed
// their entries is asked by the nodes, before a chain starts; here the signatures are covered by the hash.

import { BadGenesis, CODES } from "./errors.js";
import { canonicalJson, parseStrictJson } from "./strict-json.js";
import { fromHex, toHex, utf8 } from "./bytes.js";
import { hasSoundBytes } from "./ed25519.js";
import { makeValidatorSet } from "./validators.js";
import { taggedHash } from "./hashing.js";

const GENESIS_TAG = "mvchain.genesis-document.v1";
const GENESIS_WHAT = "the genesis document";
const GENESIS_MAX_BYTES = 1024 * 1024;
const GENESIS_MAX_AGENCIES = 100;
const GENESIS_MAX_NAME_BYTES = 200;
const GENESIS_KEY_SCHEME = 1; // Ed25519 (L2)
const GENESIS_MAX_TIME_MS = 253_402_300_799_000;
const GENESIS_MEMBERS = ["chain_id", "chain_name", "genesis_time_ms", "app_version", "params", "agencies"];
const GENESIS_PARAMS = [
  "max_bytes",
  "max_units",
  "propose_timeout_ms",
  "propose_timeout_delta_ms",
  "step_timeout_ms",
  "step_timeout_delta_ms",
  "min_block_interval_ms",
  "heartbeat_ms",
];
const AGENCY_MEMBERS = [
  "number",
  "name_ko",
  "name_en",
  "agency_key",
  "validator_key",
  "node_key",
  "proofs",
  "approvals",
];
const AGENCY_ROLES = ["agency", "validator", "node"];

/**
 * Reads a genesis document: {hash, chainId, chainName, genesisTimeMs, agencies: [{number, nameKo, nameEn,
 * validatorKey}], validators}, with `validators` as `makeValidatorSet` gives them. Throws BadGenesis.
 */
export async function parseGenesis(bytes) {
  const top = parseStrictJson(bytes, GENESIS_WHAT, GENESIS_MAX_BYTES, BadGenesis);
  requireMembers(top, GENESIS_WHAT, GENESIS_MEMBERS);
  const params = top.get("params");
  requireMembers(params, "params", GENESIS_PARAMS);
  const chainName = genesisText(top, "chain_name", GENESIS_WHAT);
  const genesisTimeMs = genesisInteger(top, "genesis_time_ms", GENESIS_WHAT);
  if (!Array.isArray(top.get("agencies"))) throw wrongMember("agencies", GENESIS_WHAT, "an array");
  const agencies = top.get("agencies").map((entry, at) => readAgency(entry, `agency ${at + 1}`));
  for (const name of GENESIS_PARAMS) genesisInteger(params, name, "params");
  genesisInteger(top, "app_version", GENESIS_WHAT);

  const hash = await genesisHash(top);
  const chainId = `${chainName}-${toHex(hash).slice(0, 32)}`;
  checkChain(chainName, genesisTimeMs, genesisText(top, "chain_id", GENESIS_WHAT), chainId);
  checkAgencies(agencies);
  const validators = await makeValidatorSet(agencies.map((agency) => agency.validatorKey));
  return {
    hash,
    chainId,
    chainName,
    genesisTimeMs,
    agencies: agencies.map(({ number, nameKo, nameEn, validatorKey }) => ({ number, nameKo, nameEn, validatorKey })),
    validators,
  };
}

/** Of the document as read: everything but the chain id, which is made of it. */
function genesisHash(top) {
  const content = new Map([...top].filter(([name]) => name !== "chain_id"));
  return taggedHash(GENESIS_TAG, utf8(canonicalJson(content)));
}

/**
 * A hash as 16 groups {digits, word}: four hex digits, and a word of five letters to say instead. The words are
 * proquints (arXiv:0901.4016), the same that `mvchain genesis show` prints.
 */
export function hashWords(hash) {
  const consonants = "bdfghjklmnprstvz"; // 4 bits each
  const vowels = "aiou"; // 2 bits each
  return Array.from({ length: hash.length / 2 }, (_, at) => {
    const n = hash[2 * at] * 256 + hash[2 * at + 1];
    const word =
      consonants[n >> 12] +
      vowels[(n >> 10) & 3] +
      consonants[(n >> 6) & 15] +
      vowels[(n >> 4) & 3] +
      consonants[n & 15];
    return { digits: toHex(hash.subarray(2 * at, 2 * at + 2)), word };
  });
}

function readAgency(entry, where) {
  requireMembers(entry, where, AGENCY_MEMBERS);
  const proofs = entry.get("proofs");
  requireMembers(proofs, `proofs of ${where}`, AGENCY_ROLES);
  for (const role of AGENCY_ROLES) genesisBytes(proofs, role, `proofs of ${where}`, 64);
  genesisInteger(entry, "approvals", where);
  return {
    number: genesisInteger(entry, "number", where),
    nameKo: genesisText(entry, "name_ko", where),
    nameEn: genesisText(entry, "name_en", where),
    agencyKey: genesisBytes(entry, "agency_key", where, 33), // with its scheme byte
    validatorKey: genesisBytes(entry, "validator_key", where, 32),
    nodeKey: genesisBytes(entry, "node_key", where, 32),
  };
}

function checkChain(chainName, genesisTimeMs, statedChainId, chainId) {
  if (!/^[a-z0-9-]{1,17}$/.test(chainName)) {
    throw new BadGenesis(CODES.GENESIS_CHAIN_NAME, { name: chainName.slice(0, 100), limit: 17 });
  }
  if (statedChainId !== chainId) {
    throw new BadGenesis(CODES.GENESIS_CHAIN_ID, { stated: statedChainId.slice(0, 100), expected: chainId });
  }
  if (!(genesisTimeMs >= 1 && genesisTimeMs <= GENESIS_MAX_TIME_MS)) {
    throw new BadGenesis(CODES.GENESIS_VALUE, { field: "genesis_time_ms", value: genesisTimeMs });
  }
}

/** Numbers 1, 2, 3..., names that can be shown, and sound keys, none of them twice: an agency counts once. */
function checkAgencies(agencies) {
  if (!(agencies.length >= 1 && agencies.length <= GENESIS_MAX_AGENCIES)) {
    throw new BadGenesis(CODES.GENESIS_AGENCY_COUNT, { count: agencies.length, lo: 1, hi: GENESIS_MAX_AGENCIES });
  }
  const seen = new Set();
  agencies.forEach((agency, at) => {
    if (agency.number !== at + 1) {
      throw new BadGenesis(CODES.GENESIS_AGENCY_NUMBER, { expected: at + 1, number: agency.number });
    }
    if (agency.agencyKey[0] !== GENESIS_KEY_SCHEME) throw unsoundKey(agency);
    for (const key of [agency.agencyKey.subarray(1), agency.validatorKey, agency.nodeKey]) {
      if (!hasSoundBytes(key)) throw unsoundKey(agency);
      if (seen.has(toHex(key))) throw new BadGenesis(CODES.GENESIS_KEY_SHARED, { number: agency.number });
      seen.add(toHex(key));
    }
    for (const name of [agency.nameKo, agency.nameEn]) {
      // Control, format and line characters could make one agency look like another.
      const isShown = name !== "" && name === name.trim() && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name);
      if (!isShown || utf8(name).length > GENESIS_MAX_NAME_BYTES) {
        throw new BadGenesis(CODES.GENESIS_AGENCY_NAME, { number: agency.number, limit: GENESIS_MAX_NAME_BYTES });
      }
    }
  });
}

function unsoundKey({ number }) {
  return new BadGenesis(CODES.GENESIS_KEY_UNSOUND, { number });
}

// --- members ---

function requireMembers(value, where, names) {
  if (!(value instanceof Map)) throw new BadGenesis(CODES.MALFORMED, { what: where, why: "it is not a JSON object" });
  for (const member of value.keys()) {
    if (!names.includes(member)) throw new BadGenesis(CODES.GENESIS_MEMBER_UNKNOWN, { where, member });
  }
  for (const member of names) {
    if (!value.has(member)) throw new BadGenesis(CODES.GENESIS_MEMBER_MISSING, { where, member });
  }
}

function genesisText(members, name, where) {
  const value = members.get(name);
  if (typeof value !== "string") throw wrongMember(name, where, "a text");
  return value;
}

function genesisInteger(members, name, where) {
  const value = members.get(name);
  if (typeof value !== "number") throw wrongMember(name, where, "an integer");
  return value;
}

function genesisBytes(members, name, where, size) {
  const bytes = fromHex(genesisText(members, name, where));
  if (bytes?.length !== size) throw wrongMember(name, where, `${size} bytes in lower-case hex`);
  return bytes;
}

function wrongMember(member, where, expected) {
  return new BadGenesis(CODES.GENESIS_MEMBER_WRONG, { where, member, expected });
}
