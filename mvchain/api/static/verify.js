// The page where voters check their ballots: what it knows, and what follows from what they do. The browser itself
// verifies; nodes are asked for data and never for a verdict (security V10 to V12).

import { BadGenesis, BadReceiptNumber } from "./lib/errors.js";
import { IS_DAMAGED, IS_FILE, PAGE_DATA } from "./verify/page-data.js";
import { LANGUAGES, language, otherLanguage, say, speak, useWords } from "./page/language.js";
import { OWN_NODE } from "./verify/nodes.js";
import {
  checkCompleted,
  checkFile,
  checkNumber,
  checkReceipts,
  contentOf,
  definitionOf,
  genesisOfPage,
  numberInLink,
  numberOf,
  readGenesis,
  troubleOf,
} from "./verify/checks.js";
import { WORDS } from "./verify/words.js";
import { askWitnesses, isContradicted } from "./verify/witnesses.js";
import { button, fenced, notice } from "./page/parts.js";
import { codesInPicture, watchCamera } from "./verify/scan.js";
import { formView, numberErrorOf } from "./verify/forms.js";
import { genesisView } from "./verify/genesis-view.js";
import { make, showIn } from "./page/dom.js";
import { parseReceiptNumber } from "./lib/receipt-number.js";
import { reportOf } from "./verify/report.js";
import { resultInWords, resultView } from "./verify/verdict.js";
import { save } from "./verify/parts.js";
import { utf8 } from "./lib/bytes.js";

const IS_RECEIPT = Boolean(PAGE_DATA.receipts);

/**
 * What the page knows. `question` is what was asked last: {find, number, fileName}, find(genesis) giving the results,
 * the others null but where they were given. `asked` counts the questions, so that what comes late is recognised.
 */
const page = {
  genesis: null,
  genesisIsFromFile: false,
  genesisError: null,
  question: null,
  asked: 0,
  results: [],
  trouble: null,
  isWorking: false,
  form: { numberError: null, scanError: null, isScanning: false },
  stopScanning: null,
};

const at = (id) => document.getElementById(id);

useWords(WORDS);

// --- checking ---

/** Puts away what was asked before and came out of it: a new question begins, even if it is refused. */
function putAway() {
  page.asked += 1;
  Object.assign(page, { question: null, results: [], trouble: null, isWorking: false });
  Object.assign(page.form, { numberError: null, scanError: null });
  announce("");
}

/** Shows what the question finds, and then what others say of it. */
async function examine(question, { isFirst = false } = {}) {
  putAway();
  const mine = page.asked;
  const isStale = () => mine !== page.asked;
  Object.assign(page, { question, isWorking: true });
  show();
  try {
    page.genesis ??= await genesisOfPage();
    const results = await question.find(page.genesis);
    if (isStale()) return;
    page.results = results;
  } catch (error) {
    if (isStale()) return;
    page.trouble = troubleOf(error);
  }
  page.isWorking = false;
  show();
  announce(outcomeInWords());
  if (!isFirst) focusOn("verdict-0");
  await Promise.all(page.results.filter(({ claims }) => claims).map(lookFurther));
}

/** What its poll is called, and what nodes of other agencies have. */
async function lookFurther(result) {
  const { claims } = result;
  const { genesis } = page;
  const tell = (change) => {
    Object.assign(result, change);
    if (!page.results.includes(result)) return;
    show();
    if (isContradicted(result)) announce(outcomeInWords());
  };
  await Promise.all([
    askWitnesses(claims.signed, genesis, (witnesses) => tell({ witnesses })),
    claims.ballot && definitionOf(claims.poll, genesis).then((definition) => tell({ definition })),
  ]);
}

function examineNumber(number, options) {
  const find = (genesis) => checkNumber(number.text, genesis);
  return examine({ find, number: number.text, fileName: null }, options);
}

function examineFile(file) {
  return examine({ find: (genesis) => checkFile(file, genesis), number: null, fileName: file.name });
}

function examineOwnReceipts(options) {
  const { receipts, number } = PAGE_DATA;
  const find = (genesis) => checkReceipts(receipts.map(utf8), number, genesis);
  return examine({ find, number, fileName: null }, options);
}

/** A saved page whose data cannot be read: there is nothing to check, nor to check it against. */
function showDamage() {
  const bytes = utf8(at("page-data")?.textContent ?? "");
  page.results = [{ bytes, failure: { kind: "forged", code: "", reason: "" } }];
  show();
  announce(outcomeInWords());
}

/** Asks the same question again, on the ground of this genesis document. */
async function useGenesis(file) {
  try {
    page.genesis = await readGenesis(await contentOf(file));
    Object.assign(page, { genesisIsFromFile: true, genesisError: null });
  } catch (error) {
    page.genesisError = error instanceof BadGenesis ? ["genesisWrong", error.code] : nameOf(troubleOf(error));
    show();
    return;
  }
  if (page.question) await examine(page.question);
}

async function complete(place) {
  const result = page.results[place];
  if (result.completing === "working") return;
  result.completing = "working";
  show();
  try {
    const { number, definition } = result;
    const completed = { ...(await checkCompleted(result.claims, page.genesis)), number, definition };
    const now = page.results.indexOf(result);
    if (now < 0) return;
    result.completing = null;
    // The open receipt still holds if a node makes a false one of it.
    page.results.splice(now, completed.claims ? 1 : 0, completed);
    show();
    announce(outcomeInWords());
    focusOn(`verdict-${now}`);
    if (completed.claims) await lookFurther(completed);
  } catch (error) {
    result.completing = troubleOf(error).reason;
    show();
  }
}

// --- the address: #NUMBER, #en, #NUMBER&en ---

function addressParts() {
  const parts = location.hash.slice(1).split("&").map(decoded);
  return {
    lang: parts.find((part) => LANGUAGES.includes(part)) ?? LANGUAGES[0],
    typed: parts.find((part) => part && !LANGUAGES.includes(part)) ?? "",
  };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Does what the address says; `isFirst` as the page opens, when focus stays where the browser puts it. */
async function follow({ isFirst = false } = {}) {
  const { lang, typed } = addressParts();
  speak(lang);
  const isNew = typed !== "" && typed !== page.followed;
  page.followed = typed;
  if (isNew) {
    at("number").value = typed;
    await submitNumber(typed, { isFirst });
  } else if (isFirst && IS_DAMAGED) {
    showDamage();
  } else if (isFirst && IS_RECEIPT) {
    await examineOwnReceipts({ isFirst });
  } else {
    show();
  }
}

async function submitNumber(typed, options) {
  putAway();
  try {
    const number = parseReceiptNumber(typed);
    at("number").value = number.text;
    await examineNumber(number, options);
  } catch (error) {
    if (!(error instanceof BadReceiptNumber)) throw error;
    page.form.numberError = numberErrorOf(error);
    show();
    at("number").focus();
  }
}

// --- showing ---

function show() {
  document.documentElement.lang = language();
  document.title = [outcomeTitle(), say(IS_RECEIPT ? "receiptTitle" : "pageTitle"), say("product")]
    .filter(Boolean)
    .join(" · ");
  showIn(at("banner"), banner());
  showIn(at("main"), content());
  at("main").setAttribute("aria-busy", String(page.isWorking));
  showIn(at("footer"), footer());
}

function outcomeTitle() {
  if (page.results.some(({ failure }) => failure)) return say("title_bad");
  if (page.results.some(isContradicted)) return say("title_differ");
  if (page.results.length) return say("title_good");
  return page.trouble && say("title_unknown");
}

function outcomeInWords() {
  if (page.trouble) return `${say("unknown")} ${say(...nameOf(page.trouble))}`;
  const worst = page.results.find(({ failure }) => failure) ?? page.results.find(isContradicted) ?? page.results[0];
  return resultInWords(worst);
}

/** The name of the sentence for a trouble, and what fills it. */
function nameOf({ reason, gaps }) {
  return [`unknown_${reason}`, ...gaps];
}

function banner() {
  return [
    make("a", { class: "skip-link", href: "#main", "data-action": "skip" }, say("skipToContent")),
    make(
      "div",
      { class: "banner-row" },
      make("p", { class: "brand" }, say("product"), make("span", { class: "brand-more" }, ` ${say("productMore")}`)),
      make("p", {}, button("language", say("otherLanguage"), { lang: otherLanguage(), class: "quiet" })),
    ),
    OWN_NODE !== null &&
      make(
        "nav",
        { "aria-label": say("sections") },
        make(
          "ul",
          {},
          make(
            "li",
            {},
            make("a", { href: `${OWN_NODE}/verify`, "aria-current": !IS_FILE && "page" }, say("navVerify")),
          ),
          make("li", {}, make("a", { href: `${OWN_NODE}/` }, say("navExplorer"))),
        ),
      ),
  ];
}

function content() {
  const isAsked = IS_RECEIPT || page.isWorking || page.trouble !== null || page.results.length > 0;
  const ways = formView(page.form, say(IS_RECEIPT || page.results.length > 0 ? "otherForm" : "waysTitle"));
  const fileName = page.question?.fileName;
  const outcome = [
    page.isWorking && make("p", { class: "working", "data-key": "working" }, say("working")),
    page.trouble && troubleView(),
    fileName && make("p", { "data-key": "file" }, `${say("fileExamined")}: `, fenced(fileName)),
    page.results.length > 1 &&
      page.results.every(({ claims }) => claims) &&
      make("p", { "data-key": "several" }, say("severalFound", page.results.length)),
    page.results.map((result, place) => resultView(result, place, page.genesis)),
  ];
  const genesis =
    page.genesis &&
    genesisView({ genesis: page.genesis, isFromFile: page.genesisIsFromFile, error: page.genesisError });
  return [
    make("h1", { tabindex: "-1" }, say(IS_RECEIPT ? "receiptTitle" : "pageTitle")),
    (IS_RECEIPT || !isAsked) && make("p", { class: "intro" }, say(IS_RECEIPT ? "receiptIntro" : "intro")),
    isAsked ? [outcome, page.results.length > 0 && genesis, ways] : ways,
  ];
}

function troubleView() {
  const isLasting = ["noCrypto", "badGenesis", "fileTooLarge"].includes(page.trouble.reason);
  const number = page.question?.number;
  return make(
    "section",
    { class: "verdict verdict-unknown", "aria-labelledby": "verdict-0", "data-key": "trouble" },
    notice(
      "warning",
      make("h2", { id: "verdict-0", tabindex: "-1" }, say("unknown")),
      make("p", { role: "alert" }, say(...nameOf(page.trouble))),
    ),
    !isLasting && make("div", { class: "actions" }, button("again", say("tryAgain"))),
    page.trouble.reason === "noCrypto" &&
      number &&
      make(
        "div",
        { class: "actions" },
        make("a", { class: "button", href: `/receipts/${number}` }, say("saveReceiptPage")),
      ),
  );
}

function footer() {
  return [
    make("p", {}, say("aboutPage")),
    make("p", {}, say("aboutDevice")),
    make("p", {}, say("pageVersion", PAGE_DATA.version)),
  ];
}

function announce(text) {
  at("announcement").textContent = text;
}

function focusOn(id) {
  at(id)?.focus();
  at(id)?.scrollIntoView({ block: "start" });
}

// --- what voters do ---

const ACTIONS = {
  skip: () => at("main").focus(),
  genesis: () => focusOn("genesis-heading"),
  language() {
    announce("");
    const parts = [addressParts().typed, otherLanguage() !== LANGUAGES[0] && otherLanguage()];
    location.replace(`#${parts.filter(Boolean).join("&")}`); // follow() does the rest
  },
  again: () => examine(page.question),
  complete: ({ at: place }) => complete(Number(place)),
  save({ at: place }) {
    const { bytes, claims } = page.results[Number(place)];
    const name = claims.ballot
      ? `${numberOf(claims.ballot)}.mvreceipt.json`
      : `poll-${claims.poll}.${claims.type}.json`;
    save(name, "application/json", bytes);
  },
  report({ at: place }) {
    const [now, result] = [new Date(), page.results[Number(place)]];
    result.savedReport = `mvchain-report-${now.toISOString().slice(0, 19).replaceAll(":", "")}.json`;
    save(result.savedReport, "application/json", reportOf(result, page.genesis, now));
    show();
    announce(say("reportSaved", result.savedReport));
  },
  async copy({ value }) {
    await navigator.clipboard.writeText(value);
    announce(say("copied"));
  },
  print: () => print(),
  async scan() {
    page.stopScanning = new AbortController();
    page.form.isScanning = true;
    show();
    const isAllowed = await watchCamera(at("camera"), acceptCodes, page.stopScanning.signal);
    page.form.isScanning = false;
    if (isAllowed === null) page.form.scanError = ["scanRefused"];
    show();
  },
  stopScan: () => page.stopScanning.abort(),
};

/** Whether one of the codes is a receipt number: then it is looked up. */
function acceptCodes(texts) {
  const number = texts.map(numberInLink).find(Boolean);
  if (number) submitNumber(number.text);
  return Boolean(number);
}

const PICKERS = {
  file: examineFile,
  "genesis-file": useGenesis,
  async picture(file) {
    putAway();
    page.form.scanError = acceptCodes(await codesInPicture(file)) ? null : ["scanNothing"];
    show();
  },
};

const FORMS = {
  number: (form) => submitNumber(form.querySelector("input").value),
  address(form) {
    const result = page.results[Number(form.dataset.at)];
    const origin = originOf(form.querySelector("input").value.trim());
    result.addressError = origin === null;
    show();
    if (origin === null) form.querySelector("input").focus();
    else open(`${origin}/verify#${numberOf(result.claims.ballot)}`, "_blank", "noreferrer");
  },
};

function originOf(text) {
  try {
    const url = new URL(text);
    return /^https?:$/.test(url.protocol) ? url.origin : null;
  } catch {
    return null;
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest?.("[data-action]");
  if (!pressed) return;
  event.preventDefault();
  ACTIONS[pressed.dataset.action](pressed.dataset);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  FORMS[event.target.dataset.form](event.target);
});

document.addEventListener("change", (event) => {
  const [file] = event.target.files ?? [];
  if (!file) return;
  PICKERS[event.target.id](file);
  event.target.value = ""; // so that the same file can be chosen again
});

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault(); // else the browser leaves this page to show the file
    document.body.classList.toggle("is-dragging", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files[0]) examineFile(event.dataTransfer.files[0]);
  });
}

window.addEventListener("hashchange", () => follow());

show();
follow({ isFirst: true });
