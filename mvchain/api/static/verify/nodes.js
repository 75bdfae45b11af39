// Questions to nodes: public data, read only, each answer bounded in size and time. Nobody else is ever asked: the
// page's policy would not let it.

import { IS_FILE, PAGE_DATA } from "./page-data.js";

const DEADLINE_MS = 6_000;
const MOST_ASKED = 4;
const BUSY_MS = 1_000;

/** Addresses of nodes of other agencies, each a candidate to ask. */
export const OTHER_NODES = PAGE_DATA.nodes.others;

/** The node that this page came from: "" is the one that serves it; null if a saved page knows none. */
export const OWN_NODE = IS_FILE ? PAGE_DATA.nodes.url || null : "";

/** A question without an answer: `status` is that of HTTP, 0 if none came; `code` that of the problem document. */
export class NoAnswer extends Error {
  constructor(status, code = "") {
    super(code || `status ${status}`);
    this.status = status;
    this.code = code;
  }

  /** Whether the node is there and has no room right now. */
  get isBusy() {
    return this.status === 503 || this.status === 429;
  }
}

/** The bytes of a node's answer. Throws NoAnswer. */
export async function ask(node, path, maxBytes) {
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const response = await fetch(node + path, { cache: "no-cache", credentials: "omit", redirect: "error", signal });
    const bytes = await readBounded(response, maxBytes);
    if (response.ok) return bytes;
    throw new NoAnswer(response.status, codeOf(bytes));
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    throw new NoAnswer(0); // no connection, too late, or too long
  }
}

/** The JSON of a node's answer, which is not to be believed. Throws NoAnswer. */
export async function askJson(node, path, maxBytes) {
  const bytes = await ask(node, path, maxBytes);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new NoAnswer(0);
  }
}

/** What `question()` gives, asked once more a moment later where a node had no room for it. Throws NoAnswer. */
export async function askPatiently(question) {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof NoAnswer && error.isBusy)) throw error;
    await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
    return question();
  }
}

/**
 * What `question(node)` gives for the first node that answers: the page's own, then others. So a node that is down, or
 * that keeps something back, hides nothing. Throws the first NoAnswer that says why, if none of them answers.
 */
export function askInTurn(question) {
  return askPatiently(() => askOneRound(question));
}

async function askOneRound(question) {
  const nodes = [OWN_NODE, ...someOf(OTHER_NODES, MOST_ASKED)].filter((node) => node !== null);
  const failures = [];
  for (const node of nodes) {
    try {
      return await question(node);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      failures.push(error);
    }
  }
  throw failures.find(({ status }) => status !== 0) ?? new NoAnswer(0);
}

/** Up to `most` of the items, whichever they are, in any order: so that not all pages ask the same nodes. */
export function someOf(items, most) {
  const drawn = items.map((item) => [Math.random(), item]).sort(([left], [right]) => left - right);
  return drawn.slice(0, most).map(([, item]) => item);
}

async function readBounded(response, maxBytes) {
  const pieces = [];
  let size = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new NoAnswer(0);
    }
    pieces.push(value);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

function codeOf(bytes) {
  const [code] = /MV-\d{4}/.exec(new TextDecoder().decode(bytes)) ?? [""];
  return code;
}
