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
import { MOST_BALLOTS, PAGE_DATA, readPageData } from "./page-data.js";
import { fromHex, toHex, utf8 } from "../lib/bytes.js";
import { parseGenesis } from "../lib/genesis.js";
import { parseReceiptNumber, receiptNumber } from "../lib/receipt-number.js";
import { verify } from "../lib/verify.js";

const KINDS = { [CODES.RECEIPT_OF_ANOTHER_CHAIN]: "otherChain", [CODES.UNKNOWN_RECEIPT_FORMAT]: "unknownFormat" };
const NOT_YET = "MV-6024";
const NOT_FINAL = "MV-6034";
const SHORT_ANSWER_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

/**
 * Why nothing can be said: `reason` is noAnswer, busy, notFound, notYet, notFinal, noCrypto, badGenesis, fileTooLarge,
 * fileUnreadable or unexpected; `gaps` fill the gaps of its sentence.
 */
export class Trouble extends Error {
  constructor(reason, ...gaps) {
    super(reason);
    this.reason = reason;
    this.gaps = gaps;
  }
}

/** The trouble that an error is; one that nobody foresaw stands in the console as well. */
export function troubleOf(error) {
  if (error instanceof Trouble) return error;
  console.error(error);
  return new Trouble("unexpected");
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
  return (PAGE_DATA.causes[code] ?? "").replace(/\{(\w+)(?:!r)?\}/g, (_, name) => data[name] ?? "?");
}

/**
 * The results for a receipt number, as text: of one ballot or, by a rare chance, of more. One node answers all of it:
 * if it has no receipt for what it lists, another is asked. Throws Trouble.
 */
export async function checkNumber(number, genesis) {
  const receipts = await answered(async (node) => {
    const hashes = await ballotsOf(number, node);
    return Promise.all(hashes.map((hash) => ask(node, `/v1/proofs/ballots/${hash}`, MAX_PROOF_BYTES)));
  });
  return checkReceipts(receipts, number, genesis);
}

/** The hashes of this number that a node lists. Throws NoAnswer if there are none: whatever else it says is none. */
async function ballotsOf(number, node) {
  const answer = await askJson(node, `/v1/receipts/${number}`, SHORT_ANSWER_BYTES);
  const listed = Array.isArray(answer?.ballots) ? answer.ballots : [];
  const isIts = (hash) => typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash) && numberOf(hash) === number;
  const hashes = [...new Set(listed.filter(isIts))].slice(0, MOST_BALLOTS);
  if (hashes.length === 0) throw new NoAnswer(0);
  return hashes;
}

/** The results for receipts that have to be of ballots with this number. */
export function checkReceipts(receipts, number, genesis) {
  const isIt = ({ ballot }) => ballot && numberOf(ballot) === number;
  return Promise.all(receipts.map(async (bytes) => ({ ...(await checkBytes(bytes, genesis, isIt)), number })));
}

/** The results for a file: it is a receipt or a proof itself, or a saved page that holds receipts. Throws Trouble. */
export async function checkFile(file, genesis) {
  const bytes = await contentOf(file);
  const text = new TextDecoder().decode(bytes);
  const saved = /^\s*<!doctype html/i.test(text) && readPageData(new DOMParser().parseFromString(text, "text/html"));
  if (!saved?.receipts) return [await checkBytes(bytes, genesis)];
  return checkReceipts(saved.receipts.map(utf8), saved.number, genesis);
}

/** What is in a file. Throws Trouble. */
export async function contentOf(file) {
  if (file.size > MAX_PROOF_BYTES) throw new Trouble("fileTooLarge", `${MAX_PROOF_BYTES / MIB} MiB`);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Trouble("fileUnreadable");
  }
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

/** The fingerprint of a genesis document; empty where there is none. */
export function fingerprint(genesis) {
  return genesis === null ? "" : toHex(genesis.hash);
}

async function answered(question) {
  try {
    return await askInTurn(question);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const { status, code, isBusy } = error;
    if (code === NOT_YET) throw new Trouble("notYet");
    if (code === NOT_FINAL) throw new Trouble("notFinal");
    if (status === 404) throw new Trouble("notFound");
    throw new Trouble(isBusy ? "busy" : "noAnswer");
  }
}
