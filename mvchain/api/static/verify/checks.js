// From bytes to what the page shows of them. A result is
//
//   {bytes, claims}    it holds: claims as lib/verify.js gives them
//   {bytes, failure}   it does not: {kind, code, reason}, kind being what the page says of it
//
// with the receipt number as `number` where one was looked up,
// and what cannot be looked at is a Trouble.

import { BadGenesis, BadProof, CODES, NoCrypto } from "../lib/errors.js";
import { MAX_PROOF_BYTES } from "../lib/proof.js";
import { NoAnswer, ask, askInTurn, askJson } from "./nodes.js";
import { PAGE_DATA, readPageData } from "./page-data.js";
import { fromHex, toHex, utf8 } from "../lib/bytes.js";
import { parseGenesis } from "../lib/genesis.js";
import { parseReceiptNumber, receiptNumber } from "../lib/receipt-number.js";
import { verify } from "../lib/verify.js";

const KINDS = { [CODES.RECEIPT_OF_ANOTHER_CHAIN]: "otherChain", [CODES.UNKNOWN_RECEIPT_FORMAT]: "unknownFormat" };
const NOT_YET = "MV-6024";
const NOT_FINAL = "MV-6034";
const SHORT_ANSWER_BYTES = 64 * 1024;

/** Why nothing can be said: `reason` is noAnswer, busy, notFound, notYet, notFinal, noCrypto or badGenesis. */
export class Trouble extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** The genesis document in these bytes. Throws BadGenesis, or Trouble where the browser cannot compute. */
export async function readGenesis(bytes) {
  try {
    return await parseGenesis(bytes);
  } catch (error) {
    throw error instanceof NoCrypto ? new Trouble("noCrypto") : error;
  }
}

/** The genesis document that came with this page. Throws Trouble. */
export async function genesisOfPage() {
  try {
    return await readGenesis(utf8(PAGE_DATA.genesis));
  } catch (error) {
    throw error instanceof BadGenesis ? new Trouble("badGenesis") : error;
  }
}

/**
 * The result for a file or an answer. With `wanted`, a test of the claims, what is of another ballot does not hold,
 * however well it is signed.
 */
export async function checkBytes(bytes, genesis, wanted = () => true) {
  try {
    const claims = await verify(bytes, genesis);
    return wanted(claims) ? { bytes, claims } : { bytes, failure: { kind: "otherBallot", code: "", reason: "" } };
  } catch (error) {
    if (!(error instanceof BadProof)) throw error;
    const { code, data } = error;
    return { bytes, failure: { kind: KINDS[code] ?? "forged", code, reason: reasonOf(code, data) } };
  }
}

/** What a code means, in the sentence that the command line prints too. */
function reasonOf(code, data) {
  return PAGE_DATA.causes[code].replace(/\{(\w+)(?:!r)?\}/g, (_, name) => data[name] ?? "?");
}

/** The results for a receipt number: of one ballot or, by a rare chance, of more. Throws Trouble. */
export async function checkNumber(number, genesis) {
  const { ballots } = await answered((node) => askJson(node, `/v1/receipts/${number.text}`, SHORT_ANSWER_BYTES));
  const hashes = (Array.isArray(ballots) ? ballots : []).filter((hash) => /^[0-9a-f]{64}$/.test(hash));
  if (hashes.length === 0) throw new Trouble("notFound");
  const results = [];
  for (const hash of hashes) {
    const bytes = await answered((node) => ask(node, `/v1/proofs/ballots/${hash}`, MAX_PROOF_BYTES));
    const isIt = ({ ballot }) => ballot && numberOf(ballot) === number.text;
    results.push({ ...(await checkBytes(bytes, genesis, isIt)), number: number.text });
  }
  return results;
}

/** The result for the completed receipt of a ballot, from any node. Throws Trouble. */
export async function checkCompleted({ ballot }, genesis) {
  const path = `/v1/proofs/ballots/${ballot}?form=completed`;
  const bytes = await answered((node) => ask(node, path, MAX_PROOF_BYTES));
  return checkBytes(bytes, genesis, (claims) => claims.ballot === ballot && claims.type !== "accepted");
}

/** What a poll asks, proved; null where no node says. From the file of a receipt it needs no node. */
export async function definitionOf(poll, genesis) {
  const isIt = (claims) => claims.type === "question" && claims.poll === poll;
  for (const text of PAGE_DATA.questions ?? []) {
    const { claims } = await checkBytes(utf8(text), genesis, isIt);
    if (claims) return claims.definition;
  }
  try {
    const bytes = await askInTurn((node) => ask(node, `/v1/proofs/polls/${poll}?claim=question`, MAX_PROOF_BYTES));
    return (await checkBytes(bytes, genesis, isIt)).claims?.definition ?? null;
  } catch (error) {
    if (error instanceof NoAnswer) return null;
    throw error;
  }
}

/** The receipts in a file: it is one itself, or a saved page that holds some. */
export function receiptsIn(bytes) {
  const text = new TextDecoder().decode(bytes);
  if (!/^\s*<!doctype html/i.test(text)) return [bytes];
  const data = readPageData(new DOMParser().parseFromString(text, "text/html"));
  const texts = Array.isArray(data?.receipts) ? data.receipts.filter((one) => typeof one === "string") : [];
  return texts.length ? texts.map(utf8) : [bytes];
}

/** The receipt number of a ballot, from the hex of its hash. */
export function numberOf(ballot) {
  return receiptNumber(fromHex(ballot));
}

/** The receipt number in a link of a QR code, or in what else a code holds; null if there is none. */
export function numberInLink(text) {
  try {
    return parseReceiptNumber(text.slice(text.indexOf("#") + 1).split("&")[0]);
  } catch {
    return null;
  }
}

/** The fingerprint of a genesis document. */
export function fingerprint(genesis) {
  return toHex(genesis.hash);
}

async function answered(question) {
  try {
    return await askInTurn(question);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const { status, code } = error;
    if (code === NOT_YET) throw new Trouble("notYet");
    if (code === NOT_FINAL) throw new Trouble("notFinal");
    if (status === 404) throw new Trouble("notFound");
    throw new Trouble(status === 503 || status === 429 ? "busy" : "noAnswer");
  }
}
