// The page where voters check their ballots: what it knows, and what follows from what they do. The browser itself
// verifies; nodes are asked for data and never for a verdict (security V10 to V12).

import { BadGenesis, BadReceiptNumber } from "./lib/errors.js";
import { IS_FILE, PAGE_DATA } from "./verify/page-data.js";
import { LANGUAGES, language, otherLanguage, say, speak, useWords } from "./page/language.js";
import { MAX_PROOF_BYTES } from "./lib/proof.js";
import { OWN_NODE } from "./verify/nodes.js";
import {
  Trouble,
  checkBytes,
  checkCompleted,
  checkNumber,
  definitionOf,
  genesisOfPage,
  numberInLink,
  numberOf,
  readGenesis,
  receiptsIn,
} from "./verify/checks.js";
import { WORDS } from "./verify/words.js";
import { askWitnesses } from "./verify/witnesses.js";
import { button, notice } from "./page/parts.js";
import { codesInPicture, watchCamera } from "./verify/scan.js";
import { formView, numberErrorOf } from "./verify/forms.js";
import { genesisView } from "./verify/genesis-view.js";
import { make, showIn } from "./page/dom.js";
import { parseReceiptNumber } from "./lib/receipt-number.js";
import { reportOf } from "./verify/report.js";
import { resultView, verdictOf } from "./verify/verdict.js";
import { save } from "./verify/parts.js";
import { utf8 } from "./lib/bytes.js";

const MIB = 1024 * 1024;
const IS_RECEIPT = Boolean(PAGE_DATA.receipts);

/** What the page knows. `examined` counts what was begun, so that what comes late is recognised. */
const page = {
  genesis: null,
  genesisIsFromFile: false,
  genesisError: "",
  number: null,
  results: [],
  trouble: null,
  isWorking: false,
  examined: 0,
  tryAgain: null,
  form: { numberError: null, fileError: null, scanError: null, isScanning: false },
  stopScanning: null,
};

const at = (id) => document.getElementById(id);

useWords(WORDS);

// --- checking ---

/** Shows what `find` finds, and then what others say of it. */
async function examine(find, { isFirst = false } = {}) {
  const mine = ++page.examined;
  const isStale = () => mine !== page.examined;
  Object.assign(page, { results: [], trouble: null, isWorking: true, tryAgain: () => examine(find) });
  show();
  try {
    page.genesis ??= await genesisOfPage();
    const results = await find(page.genesis);
    if (isStale()) return;
    page.results = results;
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    if (isStale()) return;
    page.trouble = error.reason;
  } finally {
    if (!isStale()) page.isWorking = false;
  }
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
    if (page.results.includes(result)) show();
  };
  await Promise.all([
    askWitnesses(claims.signed, genesis, (witnesses) => tell({ witnesses })),
    claims.ballot && definitionOf(claims.poll, genesis).then((definition) => tell({ definition })),
  ]);
}

function examineNumber(number, options) {
  page.number = number.text;
  return examine((genesis) => checkNumber(number, genesis), options);
}

async function examineFile(file) {
  Object.assign(page.form, { numberError: null, fileError: null, scanError: null });
  page.number = null;
  const bytes = file.size > MAX_PROOF_BYTES ? null : await contentOf(file);
  if (bytes === null) {
    page.form.fileError =
      file.size > MAX_PROOF_BYTES ? ["fileTooLarge", `${MAX_PROOF_BYTES / MIB} MiB`] : ["fileUnreadable"];
    show();
    return;
  }
  await examine((genesis) => Promise.all(receiptsIn(bytes).map((one) => checkBytes(one, genesis))));
}

async function examineOwnReceipts(options) {
  page.number = PAGE_DATA.number;
  const isMine = ({ ballot }) => ballot && numberOf(ballot) === PAGE_DATA.number;
  await examine(
    (genesis) => Promise.all(PAGE_DATA.receipts.map((text) => checkBytes(utf8(text), genesis, isMine))),
    options,
  );
}

async function useGenesis(file) {
  try {
    page.genesis = await readGenesis((await contentOf(file)) ?? new Uint8Array());
    Object.assign(page, { genesisIsFromFile: true, genesisError: "" });
  } catch (error) {
    if (!(error instanceof BadGenesis)) throw error;
    page.genesisError = error.code;
    show();
    return;
  }
  const given = page.results.map(({ bytes }) => bytes);
  await examine((genesis) => Promise.all(given.map((bytes) => checkBytes(bytes, genesis))));
}

async function complete(place) {
  const result = page.results[place];
  if (result.completing === "working") return;
  result.completing = "working";
  show();
  try {
    const completed = await checkCompleted(result.claims, page.genesis);
    if (!page.results.includes(result)) return;
    result.completing = null;
    // The open receipt still holds if a node makes a false one of it.
    page.results.splice(place, completed.claims ? 1 : 0, { ...completed, definition: result.definition });
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    result.completing = error.reason;
    show();
    return;
  }
  show();
  announce(outcomeInWords());
  focusOn(`verdict-${place}`);
  if (page.results[place].claims) await lookFurther(page.results[place]);
}

async function contentOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    return null;
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
  } else if (isFirst && IS_RECEIPT) {
    await examineOwnReceipts({ isFirst });
  } else {
    show();
  }
}

async function submitNumber(typed, options) {
  Object.assign(page.form, { numberError: null, fileError: null, scanError: null });
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
  if (page.results.length) return say("title_good");
  return page.trouble && say("title_unknown");
}

function outcomeInWords() {
  if (page.trouble) return `${say("unknown")} ${say(`unknown_${page.trouble}`)}`;
  const [first] = page.results;
  return first.claims ? verdictOf(first.claims) : say(`bad_${first.failure.kind}`);
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
  const outcome = [
    page.isWorking && make("p", { class: "working", "data-key": "working" }, say("working")),
    page.trouble && troubleView(),
    page.results.length > 1 && make("p", { "data-key": "several" }, say("severalFound", page.results.length)),
    page.results.map(resultView),
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
  const isLasting = page.trouble === "noCrypto" || page.trouble === "badGenesis";
  return make(
    "section",
    { class: "verdict verdict-unknown", "aria-labelledby": "verdict-0", "data-key": "trouble" },
    notice(
      "warning",
      make("h2", { id: "verdict-0", tabindex: "-1" }, say("unknown")),
      make("p", { role: "alert" }, say(`unknown_${page.trouble}`)),
    ),
    !isLasting && make("div", { class: "actions" }, button("again", say("tryAgain"))),
    page.trouble === "noCrypto" &&
      page.number &&
      make(
        "div",
        { class: "actions" },
        make("a", { class: "button", href: `/receipts/${page.number}` }, say("saveReceiptPage")),
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
  language() {
    const parts = [addressParts().typed, otherLanguage() !== LANGUAGES[0] && otherLanguage()];
    location.replace(`#${parts.filter(Boolean).join("&")}`); // follow() does the rest
  },
  again: () => page.tryAgain(),
  complete: ({ at: place }) => complete(Number(place)),
  save({ at: place }) {
    const { bytes, claims } = page.results[Number(place)];
    const name = claims.ballot
      ? `${numberOf(claims.ballot)}.mvreceipt.json`
      : `poll-${claims.poll}.${claims.type}.json`;
    save(name, "application/json", bytes);
  },
  report({ at: place }) {
    const now = new Date();
    save(
      `mvchain-report-${now.toISOString().slice(0, 19).replaceAll(":", "")}.json`,
      "application/json",
      reportOf(page.results[Number(place)], page.genesis, now),
    );
    announce(say("reportSaved"));
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
  const url = URL.canParse(text) ? new URL(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url.origin : null;
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
