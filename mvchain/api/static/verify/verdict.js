// A result, as a voter reads it: the verdict in words, what is recorded, unchanged and counted, who vouches, what other
// nodes say, and behind a fold what experts compare.

import { IS_FILE, PAGE_DATA } from "./page-data.js";
import { OTHER_NODES } from "./nodes.js";
import { agencyName, copied, moment, timeText } from "./parts.js";
import { button, chainText, facts, notice, sign } from "../page/parts.js";
import { basisLine } from "./genesis-view.js";
import { count, say } from "../page/language.js";
import { isContradicted } from "./witnesses.js";
import { make } from "../page/dom.js";
import { numberOf } from "./checks.js";
import { toHex } from "../lib/bytes.js";
import { witnessPart } from "./witness-view.js";

const MOST_PAGES = 3;
const GAPS_OF_VERDICT = {
  not_counted: ({ poll }) => [count(poll)],
  on_roll: ({ poll }) => [count(poll)],
  recorded: ({ poll, size }) => [count(poll), count(size)],
  question: ({ poll }) => [count(poll)],
  result: ({ poll }) => [count(poll)],
};

/** What matters of a result, to be said in one go. */
export function resultInWords({ claims, failure, witnesses }) {
  if (failure) return say(`bad_${failure.kind}`);
  if (isContradicted({ witnesses })) return `${say("othersDiffer")} ${say("othersDifferTodo")}`;
  return [verdictOf(claims), ...caveatsOf(claims)].join(" ");
}

/** The first line for a result that holds. */
function verdictOf(claims) {
  return say(`verdict_${claims.type}`, ...(GAPS_OF_VERDICT[claims.type]?.(claims) ?? []));
}

/** What is odd about the poll (mvchain/light/claim_words.py). */
function caveatsOf({ record }) {
  return [record?.disputed && say("pollDisputed"), record?.state === "void" && say("pollVoid")].filter(Boolean);
}

/** What becomes of a result on the page; `at` is its place among several. `genesis` is what it rests on. */
export function resultView(result, at, genesis) {
  return result.claims ? goodView(result, at, genesis) : badView(result, at, genesis);
}

function goodView(result, at, genesis) {
  const { claims, definition } = result;
  const isAlarm = isContradicted(result);
  return make(
    "section",
    {
      class: `verdict verdict-${isAlarm ? "bad" : "good"}`,
      "aria-labelledby": `verdict-${at}`,
      "data-key": `result-${at}`,
    },
    isAlarm ? alarm(result, at, genesis) : proven(claims, at),
    basisLine(genesis),
    ["question", "result"].includes(claims.type) && asked(claims),
    claims.ballot && aboutBallot(claims, definition),
    result.completing && completingNotice(result.completing),
    make(
      "div",
      { class: "actions" },
      claims.type === "accepted" &&
        button("complete", say("complete"), {
          class: "primary",
          "data-at": at,
          "aria-disabled": result.completing === "working" && "true",
        }),
      button("save", say(claims.ballot ? "saveReceipt" : "saveProof"), { "data-at": at }),
      claims.ballot &&
        !IS_FILE &&
        make("a", { class: "button", href: `/receipts/${numberOf(claims.ballot)}` }, say("saveReceiptPage")),
      button("print", say("print"), { class: "quiet" }),
    ),
    vouchers(claims),
    witnessPart(result, at),
    details(result),
  );
}

function head(kind, at, words) {
  return make(
    "div",
    { class: "verdict-head" },
    sign(kind, "verdict-sign"),
    make("h2", { id: `verdict-${at}`, tabindex: "-1" }, words),
  );
}

function proven(claims, at) {
  return [
    head("good", at, verdictOf(claims)),
    caveatsOf(claims).map((caveat) => notice("bad", make("p", {}, caveat))),
    claims.ballot ? ballotClaims(claims) : provenFacts(claims),
  ];
}

/** Two signed blocks of one height, the gravest thing that this page can find: what is claimed has to wait. */
function alarm(result, at, genesis) {
  return [
    make(
      "div",
      { role: "alert" },
      head("bad", at, say("othersDiffer")),
      make("p", {}, make("strong", {}, say("othersDifferTodo"))),
    ),
    reportPart(result, at, genesis),
  ];
}

// --- recorded, unchanged, counted ---

function ballotClaims(claims) {
  const own = count(claims.number + 1);
  const recorded =
    claims.type === "accepted" ? say("claimRecordedWhen", timeText(claims.timeNs), own) : say("claimRecordedAs", own);
  return [
    make(
      "ul",
      { class: "claims" },
      claim("good", say("claimRecorded"), recorded),
      claim(
        "good",
        say("claimUnchanged"),
        say("claimUnchangedWhy", count(claims.agencies), count(signersOf(claims))),
      ),
      countedClaim(claims),
    ),
    make("p", { class: "hint" }, say("noChoice")),
  ];
}

function countedClaim(claims) {
  switch (claims.type) {
    case "counted":
      return claim("good", say("claimCounted"), say("claimCountedWhy", count(claims.record.countedSize)));
    case "superseded":
      return claim("open", say("claimSuperseded"), say("claimSupersededWhy", count(claims.countedNumber + 1)));
    default:
      return claim("open", say("claimNotYet"), say("claimNotYetWhy"));
  }
}

function claim(kind, name, why) {
  return make("li", {}, sign(kind, "claim-sign"), make("div", {}, make("strong", {}, name), make("p", {}, why)));
}

function completingNotice(state) {
  if (state === "working") return make("p", { role: "status" }, say("completing"));
  return make(
    "div",
    { role: "alert" },
    notice("warning", make("p", {}, say(state === "notFinal" ? "completeNotFinal" : "completeNoAnswer"))),
  );
}

// --- which ballot it is ---

function aboutBallot(claims, definition) {
  const number = numberOf(claims.ballot);
  return [
    facts(
      [say("numberLabel"), make("strong", { class: "number" }, number)],
      [
        say("poll"),
        definition
          ? [chainText(definition.title), ` (${say("pollNumbered", claims.poll)})`]
          : say("pollNumbered", claims.poll),
      ],
      claims.type === "accepted" ? [say("recordedAt"), moment(claims.timeNs)] : null,
    ),
    PAGE_DATA.qr && PAGE_DATA.number === number && qrCode(),
  ];
}

function qrCode() {
  return make(
    "figure",
    { class: "qr" },
    make("img", { src: PAGE_DATA.qr, alt: say("qrAlternative", PAGE_DATA.link) }),
    make(
      "figcaption",
      {},
      make("strong", {}, say("qrTitle")),
      make("p", { class: "hint" }, say("qrMeaning")),
      make("code", { class: "hex" }, PAGE_DATA.link),
    ),
  );
}

// --- proofs about a poll ---

function provenFacts(claims) {
  const { record, size, weight } = claims;
  const sentences = {
    not_counted: () => say("provenNotCounted", count(record.countedSize)),
    on_roll: () => say("provenOnRoll", count(record.rollSize), count(weight)),
    recorded: () => say("provenRecorded", count(record.ballotsSize), count(size)),
  };
  return sentences[claims.type] && make("p", {}, sentences[claims.type]());
}

function asked({ definition, tally }) {
  const totals = tally?.kept.questions ?? [];
  return [
    tally?.recounted && notice("bad", make("p", {}, say("disputed"))),
    make("h3", {}, chainText(definition.title)),
    make(
      "ol",
      { class: "asked" },
      definition.questions.map((question, at) =>
        make("li", {}, chainText(question.title), make("ul", {}, optionLines(question, totals[at]))),
      ),
    ),
  ];
}

function optionLines(question, totals) {
  const unit = ["single", "approval"].includes(question.type) ? "optionTotal" : "optionPoints";
  const lines = question.options.map(({ title }, at) =>
    make("li", {}, chainText(title), totals && `: ${say(unit, count(totals.totals[at]))}`),
  );
  const blanks =
    totals && question.blankAllowed && make("li", {}, `${say("blanks")}: ${say("optionTotal", count(totals.blanks))}`);
  return [lines, blanks];
}

// --- who vouches ---

function vouchers(claims) {
  return [
    make("h3", {}, say("vouchTitle")),
    make(
      "ul",
      { class: "agencies" },
      claims.vouching.map((agency) => make("li", {}, sign("good", "agency-sign"), " ", agencyName(agency))),
      claims.later.map((key) => make("li", {}, sign("good", "agency-sign"), " ", laterName(key))),
    ),
    claims.later.length > 0 && make("p", { class: "hint" }, say("vouchLater", count(claims.later.length))),
    make(
      "p",
      { class: "hint" },
      say("vouchCount", count(claims.agencies), count(signersOf(claims))),
      " ",
      say("vouchEnough"),
    ),
  ];
}

/** The name that a node gave for a key of after genesis; nothing in the receipt proves it. */
function laterName(key) {
  const [nameKo, nameEn] = PAGE_DATA.later[key] ?? [];
  if (nameKo === undefined) return say("vouchUnnamed", key.slice(0, 8));
  return say("vouchNamed", agencyName({ nameKo, nameEn }));
}

function signersOf({ vouching, later }) {
  return vouching.length + later.length;
}

// --- for experts ---

function details({ bytes, claims }) {
  const { ballot, voter, root, signed } = claims;
  return make(
    "details",
    {},
    make("summary", {}, say("detailsTitle")),
    facts(
      ballot ? [say("fact_ballot"), copied(say("fact_ballot"), ballot)] : null,
      voter ? [say("fact_voter"), copied(say("fact_voter"), voter)] : null,
      root ? [say("fact_root"), copied(say("fact_root"), typeof root === "string" ? root : toHex(root))] : null,
      [say("fact_block"), count(claims.height)],
      [say("fact_time"), moment(claims.timeNs, { seconds: true })],
      [say("fact_signed"), `${count(signed.height)}: `, copied(say("fact_signed"), signed.hash)],
      ...claims.later.map((key) => [say("fact_later"), copied(say("fact_later"), key)]),
      [say("fact_chain"), make("code", { class: "hex" }, claims.chainId)],
      [say("fact_size"), say("bytes", count(bytes.length))],
      [say("fact_engine"), say(`engine_${claims.engine}`)],
    ),
  );
}

// --- what does not hold ---

function badView(result, at, genesis) {
  const { kind, code, reason } = result.failure;
  return make(
    "section",
    { class: "verdict verdict-bad", "aria-labelledby": `verdict-${at}`, "data-key": `result-${at}` },
    make(
      "div",
      { role: "alert" },
      head("bad", at, say(`bad_${kind}`)),
      make("p", {}, make("strong", {}, say(`badWhy_${kind}`))),
    ),
    make("h3", {}, say("badTodo")),
    make(
      "ol",
      {},
      make("li", {}, say("badTodoAgain"), result.number && otherPages(result.number)),
      make("li", {}, say("badTodoReport")),
    ),
    reportPart(result, at, genesis),
    code &&
      make(
        "details",
        {},
        make("summary", {}, say("detailsTitle")),
        facts(
          [say("code"), make("code", {}, code)],
          [say("reason"), make("span", { lang: "en" }, reason)],
          [say("fact_size"), say("bytes", count(result.bytes.length))],
        ),
      ),
  );
}

/** The pages of other agencies that look up the same number. */
function otherPages(number) {
  const pages = OTHER_NODES.slice(0, MOST_PAGES).map((url) => ({ url, host: new URL(url).host }));
  return make(
    "ul",
    {},
    pages.map(({ url, host }) =>
      make(
        "li",
        {},
        make("a", { href: `${url}/verify#${number}`, target: "_blank", rel: "noreferrer" }, say("nodePage", host)),
      ),
    ),
  );
}

/** The button that saves a report, whom to send it to, and what is in it. */
function reportPart({ savedReport }, at, genesis) {
  return [
    make("div", { class: "actions" }, button("report", say("saveReport"), { class: "primary", "data-at": at })),
    savedReport && make("p", {}, say("reportSaved", savedReport)),
    genesis && make("p", {}, `${say("reportTo")}: ${genesis.agencies.map(agencyName).join(", ")}`),
    make("p", { class: "hint" }, say("reportHolds")),
  ];
}
