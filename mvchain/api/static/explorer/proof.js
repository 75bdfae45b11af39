// The proof of what a page shows, one click away: the browser itself checks it, and that the page shows what it proves.

import { BadProof, NoCrypto, VerificationError } from "../lib/errors.js";
import { NodeFailure, askBytes } from "./node.js";
import { agencyName } from "./parts.js";
import { button, facts, notice } from "../page/parts.js";
import { count, say } from "../page/language.js";
import { hashWords, parseGenesis } from "../lib/genesis.js";
import { isProvenBallot, isProvenBlock, isProvenPoll } from "./shown.js";
import { make } from "../page/dom.js";
import { verify } from "../lib/verify.js";
import { verifyLightBlock } from "../lib/light-block.js";

/** The proof holds, and proves something else than what the page shows. */
class OtherThanShown extends Error {}

/** What the page of a poll claims: the result if it is final, else the question. */
export function pollClaim(poll) {
  const type = poll.state === "final" ? "result" : "question";
  return {
    type,
    path: `/v1/proofs/polls/${poll.poll}?claim=${type}`,
    file: `poll-${poll.poll}-${type}.mvproof.json`,
    verify,
    isShown: (proven) => isProvenPoll(poll, proven),
  };
}

/** What the page of a block claims: its header, and who signed it. */
export function blockClaim(block) {
  return {
    type: "block",
    path: `/v1/light_blocks/${block.height}?from=genesis`,
    file: `block-${block.height}.json`,
    isShown: (proven, bytes) => isProvenBlock(block, proven, bytes),
    verify: verifyBlock,
  };
}

/** What the page of a ballot claims: that it is recorded, as which number of its poll. */
export function ballotClaim(hash, transaction) {
  return {
    type: "ballot",
    path: `/v1/proofs/ballots/${hash}`,
    file: `${hash.slice(0, 16)}.mvreceipt.json`,
    verify,
    isShown: (proven) => isProvenBallot(hash, transaction, proven),
  };
}

/** A light block holds all signatures there are, where other proofs stop at a quorum. */
async function verifyBlock(bytes, genesis) {
  return { ...(await verifyLightBlock(bytes, genesis)), type: "block" };
}

/** Fetches the proof of a claim and checks it: what to tell, as `proofPanel` shows it. Throws nothing. */
export async function prove(claim) {
  try {
    const genesis = await parseGenesis(await askBytes("/v1/genesis"));
    const bytes = await askBytes(claim.path);
    const proven = await claim.verify(bytes, genesis);
    if (!(await claim.isShown(proven, bytes))) throw new OtherThanShown();
    return { stage: "good", proven, fingerprint: hashWords(genesis.hash) };
  } catch (error) {
    if (error instanceof NoCrypto) return { stage: "unable", reason: "noCrypto" };
    if (error instanceof NodeFailure)
      return { stage: "unable", reason: error.status === 404 ? "notYetProvable" : "noAnswer" };
    if (error instanceof OtherThanShown) return { stage: "bad", code: "", reason: "otherThanShown" };
    if (error instanceof VerificationError)
      return { stage: "bad", code: error.code, reason: error instanceof BadProof ? "badProof" : "badGenesis" };
    throw error;
  }
}

/** The proof of a claim: what it says, a button to check it here, the file to check it elsewhere, and what came out. */
export function proofPanel(claim, ui, agencies) {
  const isWorking = ui.proof?.stage === "working";
  return make(
    "section",
    { class: "proof", "aria-labelledby": "proof-heading" },
    make("h2", { id: "proof-heading" }, say(`proofHeading_${claim.type}`)),
    make("p", {}, say(`proofMeaning_${claim.type}`)),
    make(
      "p",
      { class: "actions" },
      button("prove", say("proveHere"), { class: "primary", "aria-disabled": isWorking && "true" }),
      make("a", { href: claim.path, download: claim.file, class: "button" }, say("downloadProof")),
    ),
    make("div", { role: "status" }, ui.proof && outcome(claim, ui.proof, agencies)),
  );
}

function outcome(claim, proof, agencies) {
  switch (proof.stage) {
    case "working":
      return make("p", {}, say("proving"));
    case "good":
      return goodNews(claim, proof, agencies);
    case "bad":
      return notice(
        "bad",
        make("p", {}, make("strong", {}, say("proofWrong"))),
        make("p", {}, say(proof.reason)),
        proof.code && make("p", {}, say("errorCode", proof.code)),
        make("p", {}, say("reportIt")),
      );
    default:
      return notice("warning", make("p", {}, make("strong", {}, say("proofUnable"))), make("p", {}, say(proof.reason)));
  }
}

/** Whose validator key this is, as the node says. */
function nameOfKey(agencies, key) {
  const agency = agencies.find(({ tenures }) => tenures.some((one) => one.key === key));
  return agency ? agencyName(agencies, agency.number) : key.slice(0, 8);
}

function goodNews(claim, { proven, fingerprint }, agencies) {
  const { vouching, later } = proven;
  const names = vouching.map(({ number }) => agencyName(agencies, number));
  names.push(...later.map((key) => say("vouchedLater", nameOfKey(agencies, key))));
  return [
    notice(
      "good",
      make("p", {}, make("strong", {}, say(`proven_${proven.type}`))),
      make("p", {}, say("vouched", count(proven.agencies), count(vouching.length + later.length), names.join(", "))),
    ),
    make(
      "details",
      {},
      make("summary", {}, say("trustedGenesis")),
      make("p", {}, say("trustedGenesisMore")),
      facts(
        [say("genesisWords"), make("bdi", { lang: "en" }, fingerprint.map(({ word }) => word).join(" "))],
        [say("genesisHash"), make("code", { class: "hex" }, fingerprint.map(({ digits }) => digits).join(" "))],
      ),
    ),
  ];
}
