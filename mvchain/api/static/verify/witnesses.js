// What nodes of other agencies have at the height that vouches for a receipt. Signatures of more than two thirds stand
// under one block of a height only; so an honest node has the same one, and a node that has another one, signed as
// well, proves that agencies signed twice.

import { BadProof } from "../lib/errors.js";
import { NoAnswer, OTHER_NODES, ask, askJson, askPatiently, someOf } from "./nodes.js";
import { PAGE_DATA } from "./page-data.js";
import { toBase64 } from "../lib/bytes.js";
import { LIGHT_BLOCK_MAX_BYTES, verifyLightBlock } from "../lib/light-block.js";

const MOST_WITNESSES = 5;
const ABOUT_NODE_BYTES = 64 * 1024;

/**
 * Asks some nodes for the block {height, hash} that was signed. `tell` gets the list whenever something is known:
 * {url, agency, state}, agency being null until its node says whose it is, state one of asking, agrees, silent, behind
 * (does not have the block), broken (its answer does not hold), differs; the last one with its answer as `evidence`.
 */
export async function askWitnesses(signed, genesis, tell) {
  const witnesses = someOf(OTHER_NODES, MOST_WITNESSES).map((url) => ({ url, agency: null, state: "asking" }));
  tell(witnesses);
  await Promise.all(
    witnesses.map(async (witness) => {
      const [found, agency] = await Promise.all([
        askWitness(witness.url, signed, genesis),
        agencyOf(witness.url, genesis),
      ]);
      Object.assign(witness, found, { agency });
      tell(witnesses);
    }),
  );
}

/** Whether a witness has another record, signed as well: then two truths are signed. */
export function isContradicted({ witnesses = [] }) {
  return witnesses.some(({ state }) => state === "differs");
}

/**
 * One witness of each other agency: further nodes of one agency, or of the one whose page this is, add nothing. Only a
 * contradiction counts whoever gives it.
 */
export function onePerAgency(witnesses) {
  const heard = new Set([PAGE_DATA.nodes.agency]);
  return witnesses.filter(({ agency, state }) => {
    const isHeard = heard.has(agency?.number);
    if (agency) heard.add(agency.number);
    return !isHeard || state === "differs";
  });
}

async function askWitness(url, signed, genesis) {
  try {
    const path = `/v1/light_blocks/${signed.height}?from=genesis`;
    const bytes = await askPatiently(() => ask(url, path, LIGHT_BLOCK_MAX_BYTES));
    const block = await verifyLightBlock(bytes, genesis);
    if (block.height !== signed.height) return { state: "broken" };
    return block.hash === signed.hash ? { state: "agrees" } : { state: "differs", evidence: toBase64(bytes) };
  } catch (error) {
    if (error instanceof NoAnswer) return { state: error.status === 404 ? "behind" : "silent" };
    if (error instanceof BadProof) return { state: "broken" };
    throw error;
  }
}

/** Whose node it says it is; its name is shown beside its address, and nothing rests on it. */
async function agencyOf(url, genesis) {
  try {
    const about = await askJson(url, "/v1/nodes", ABOUT_NODE_BYTES);
    return genesis.agencies.find(({ number }) => number === about?.agency) ?? null;
  } catch (error) {
    if (error instanceof NoAnswer) return null;
    throw error;
  }
}
