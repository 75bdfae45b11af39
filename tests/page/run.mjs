// Runs the page's modules on cases from the tests: an array of {"do": name, ...} on standard input, in JSON with byte
// strings as {"base64": text}; one verdict for each on standard output, {"gives": value} or {"refuses": code}.

import { readFileSync } from "node:fs";

const LIB = new URL("../../mvchain/api/static/lib/", import.meta.url);
const load = (name) => import(new URL(name, LIB));

const { BadProof, VerificationError } = await load("errors.js");
const { canonicalJson, parseStrictJson } = await load("strict-json.js");
const { askWebCrypto, isWellFormed, verifyByEquation } = await load("ed25519.js");
const { decodeDefinition } = await load("poll-definition.js");
const { decodeMsgpack, msgpackArray, msgpackBytes, msgpackInteger } = await load("msgpack.js");
const { decodePollRecord } = await load("poll-record.js");
const { decodeTally } = await load("tally.js");
const { encodeBlockId, endorsementSignBytes, headerHash, headerLeaves } = await load("headers.js");
const { formatRfc3339, parseRfc3339 } = await load("timestamps.js");
const { fromBase64, toBase64, utf8 } = await load("bytes.js");
const { hashWords, parseGenesis } = await load("genesis.js");
const { innerHash, merkleRoot, rootFrom, verifyConsistency } = await load("merkle.js");
const { makeValidatorSet } = await load("validators.js");
const { parseReceiptNumber, receiptNumber } = await load("receipt-number.js");
const { verify } = await load("verify.js");
const { verifyLightBlock } = await load("light-block.js");

const genesisOf = new Map(); // read once for all cases that trust it

function genesisIn(bytes) {
  const name = toBase64(bytes);
  if (!genesisOf.has(name)) genesisOf.set(name, parseGenesis(bytes));
  return genesisOf.get(name);
}

const ACTIONS = {
  verify: async ({ file, genesis }) => verify(file, await genesisIn(genesis)),
  "verify light block": async ({ file, genesis }) => verifyLightBlock(file, await genesisIn(genesis)),
  "read genesis": async ({ file }) => {
    const genesis = await parseGenesis(file);
    return { ...genesis, words: hashWords(genesis.hash) };
  },
  "read JSON": ({ file }) => utf8(canonicalJson(parseStrictJson(file, "the file", 64 * 1024, BadProof))),
  "read msgpack": ({ file }) => decodeMsgpack(file, "the value", 64 * 1024),
  "write msgpack": ({ number, bytes }) => msgpackArray(msgpackInteger(number), msgpackBytes(bytes)),
  "read definition": ({ file }) => decodeDefinition(file),
  "read record": ({ file }) => decodePollRecord(file),
  "read tally": ({ file }) => decodeTally(file),
  "read time": ({ text }) => parseRfc3339(text),
  "write time": ({ timeNs }) => formatRfc3339(BigInt(timeNs)),
  "read receipt number": ({ text }) => parseReceiptNumber(text),
  "write receipt number": ({ hash }) => receiptNumber(hash),
  ed25519: async ({ key, message, signature }) => {
    const asked = [askWebCrypto, verifyByEquation].map(async (verifies) => {
      return isWellFormed(key, signature) && verifies(key, message, signature);
    });
    return Promise.all(asked);
  },
  "hash header": async ({ header }) => {
    const read = { ...header, timeNs: BigInt(header.timeNs) };
    return { leaves: headerLeaves(read), hash: await headerHash(read) };
  },
  "sign bytes": ({ kind, height, round, blockId, timeNs, chainId }) => {
    return endorsementSignBytes(kind, height, round, blockId, BigInt(timeNs), chainId);
  },
  "block id": ({ blockId }) => encodeBlockId(blockId),
  "validator set": ({ keys }) => makeValidatorSet(keys),
  root: ({ items }) => merkleRoot(items),
  inner: ({ left, right }) => innerHash(left, right),
  "root above": ({ leaf, path }) => rootFrom(leaf, path),
  consistency: ({ sizes, roots, proof }) => verifyConsistency(...sizes, ...roots, proof),
};

async function verdictOf({ do: action, ...given }) {
  try {
    return { gives: await ACTIONS[action](given) };
  } catch (error) {
    if (error instanceof VerificationError) return { refuses: error.code };
    throw error;
  }
}

const cases = JSON.parse(readFileSync(0, "utf8"), (_, value) => {
  const isBytes = value !== null && typeof value === "object" && Object.keys(value).join() === "base64";
  return isBytes ? fromBase64(value.base64) : value;
});
const verdicts = [];
for (const one of cases) verdicts.push(await verdictOf(one));
process.stdout.write(
  JSON.stringify(verdicts, (_, value) => {
    if (typeof value === "bigint") return { integer: String(value) };
    return value instanceof Uint8Array ? { base64: toBase64(value) } : value;
  }),
);
