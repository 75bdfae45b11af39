// The explorer: one document, whose address after the # says what it shows. All it knows are the answers of this node.

import { NodeFailure, askJson } from "./explorer/node.js";
import { agencyList, agencyView } from "./explorer/agencies.js";
import { blockList, blockView } from "./explorer/blocks.js";
import { button, notice } from "./page/parts.js";
import { chooseLanguage } from "./explorer/language.js";
import { count, language, otherLanguage, say } from "./page/language.js";
import { destination, numberView } from "./explorer/search.js";
import { make, showIn } from "./page/dom.js";
import { overview } from "./explorer/overview.js";
import { pollList } from "./explorer/polls.js";
import { pollView } from "./explorer/poll.js";
import { prove } from "./explorer/proof.js";
import { transactionView } from "./explorer/transaction.js";

const REFRESH_MS = 4_000;
const LONGEST_REFRESH_MS = 60_000;
const ANNOUNCE_MS = 30_000;

const ROUTES = [
  [/^(?:#\/?)?$/, overview, () => ({ tab: "overview" })],
  [/^#\/polls$/, pollList, () => ({ tab: "polls", kind: "all" })],
  [/^#\/polls\/running$/, pollList, () => ({ tab: "polls", kind: "running" })],
  [/^#\/polls\/([1-9]\d{0,9})$/, pollView, (number) => ({ tab: "polls", number: Number(number) })],
  [/^#\/blocks$/, blockList, () => ({ tab: "blocks" })],
  [/^#\/blocks\/([1-9]\d{0,14})$/, blockView, (height) => ({ tab: "blocks", height: Number(height) })],
  [/^#\/agencies$/, agencyList, () => ({ tab: "agencies" })],
  [/^#\/agencies\/([1-9]\d{0,2})$/, agencyView, (number) => ({ tab: "agencies", number: Number(number) })],
  [/^#\/transactions\/([0-9a-f]{64})$/, transactionView, (hash) => ({ tab: "", hash })],
  [/^#\/search\/([1-9]\d{0,14})$/, numberView, (number) => ({ tab: "", number: Number(number) })],
];

const TABS = [
  ["overview", "#/"],
  ["polls", "#/polls"],
  ["blocks", "#/blocks"],
  ["agencies", "#/agencies"],
];

/** What the page knows and shows; `data` belongs to `shown`, the address that it was loaded for. */
const page = {
  chain: null,
  view: overview,
  route: { tab: "overview" },
  data: null,
  ui: {},
  failure: null,
  failures: 0,
  isPaused: false,
  isSearchWrong: false,
  isLoading: false,
  timer: 0,
  announcedAt: -Infinity,
};

const at = (id) => document.getElementById(id);

// --- loading ---

/** Goes where the address leads; focus goes to the new heading, as a browser does with a new page. */
async function go({ isFirst = false } = {}) {
  const match = ROUTES.map(([pattern, view, read]) => [pattern.exec(location.hash), view, read]).find(
    ([found]) => found,
  );
  const [found, view, read] = match ?? [[], null, () => ({ tab: "" })];
  Object.assign(page, { view, route: read(found[1]), data: null, ui: {}, failure: null, isSearchWrong: false });
  await load({ isFresh: true });
  if (isFirst) return;
  scrollTo(0, 0);
  at("main").querySelector("h1")?.focus({ preventScroll: true });
}

async function load({ isFresh = false } = {}) {
  const { view, route } = page;
  clearTimeout(page.timer);
  page.isLoading = true;
  if (isFresh) show();
  try {
    page.chain ??= await loadChain();
    const data = view && (await view.load(route, page.data, page.ui));
    if (page.route !== route) return;
    Object.assign(page, { data, failure: null, failures: 0 });
  } catch (error) {
    if (!(error instanceof NodeFailure)) throw error;
    if (page.route !== route) return;
    Object.assign(page, { failure: error, failures: page.failures + 1 });
  } finally {
    if (page.route === route) page.isLoading = false;
  }
  show();
  schedule();
}

/** Who the chain is: the agencies by number, with their names and keys; those that left as well. */
async function loadChain() {
  const [genesis, { agencies }] = await Promise.all([askJson("/v1/genesis"), askJson("/v1/agencies")]);
  return {
    name: genesis.chain_name,
    id: genesis.chain_id,
    agencies: agencies.map((agency) => ({
      number: agency.agency,
      nameKo: agency.name_ko,
      nameEn: agency.name_en,
      approvals: agency.approvals,
      keys: { agency: agency.agency_key, validator: agency.validator_key, node: agency.node_key },
      tenures: agency.tenures.map(({ validator_key: key, from_height: from, until_height: until }) => ({
        key,
        from,
        until,
      })),
    })),
  };
}

/** Looks again after a while: later and later while the node does not answer, and when it asks for that. */
function schedule() {
  if (document.hidden || !isToRefresh()) return;
  const backedOff = Math.min(REFRESH_MS * 2 ** page.failures, LONGEST_REFRESH_MS);
  page.timer = setTimeout(load, Math.max(backedOff, (page.failure?.retryAfterS ?? 0) * 1_000));
}

function isToRefresh() {
  return page.failure ? !page.failure.isFinal : page.view?.isLive && !page.isPaused;
}

// --- showing ---

function show() {
  document.documentElement.lang = language();
  document.title = [titleOfView(), page.chain?.name, say("explorer")].filter(Boolean).join(" · ");
  showIn(at("banner"), banner());
  showIn(at("main"), content());
  at("main").setAttribute("aria-busy", String(page.isLoading && !page.data));
  showIn(at("footer"), footer());
  announce();
}

function titleOfView() {
  if (!page.view) return say("notFound");
  return page.data ? page.view.title(page.data, page.chain) : "";
}

function banner() {
  return [
    make("a", { class: "skip-link", href: "#main", "data-action": "skip" }, say("skipToContent")),
    make(
      "div",
      { class: "banner-row" },
      make(
        "p",
        { class: "brand" },
        make(
          "a",
          { href: "#/" },
          page.chain?.name ?? "mvchain",
          make("span", { class: "brand-more" }, ` ${say("explorer")}`),
        ),
      ),
      make("p", {}, button("language", say("otherLanguage"), { lang: otherLanguage(), class: "quiet" })),
    ),
    make(
      "div",
      { class: "banner-row" },
      make(
        "nav",
        { "aria-label": say("sections") },
        make(
          "ul",
          {},
          TABS.map(([name, href]) =>
            make("li", {}, make("a", { href, "aria-current": page.route.tab === name && "page" }, say(name))),
          ),
          make("li", {}, make("a", { href: "/verify" }, say("verifyBallot"))),
        ),
      ),
      searchForm(),
    ),
  ];
}

function searchForm() {
  return make(
    "form",
    { id: "search", role: "search" },
    make("label", { for: "search-text" }, say("searchLabel")),
    make(
      "div",
      { class: "search-row" },
      make("input", {
        id: "search-text",
        type: "text",
        autocomplete: "off",
        spellcheck: "false",
        maxlength: "100",
        "aria-describedby": "search-hint",
      }),
      make("button", { type: "submit", class: "primary" }, say("search")),
    ),
    make(
      "p",
      { id: "search-hint", class: page.isSearchWrong ? "hint is-wrong" : "hint", role: page.isSearchWrong && "alert" },
      say(page.isSearchWrong ? "searchWrong" : "searchHint"),
    ),
  );
}

function content() {
  if (!page.view)
    return [
      make("h1", { tabindex: "-1" }, say("notFound")),
      make("p", {}, say("notFoundMore"), " ", make("a", { href: "#/" }, say("overview"))),
    ];
  const failure = page.failure && failureNotice(page.failure);
  if (page.data)
    return [failure, page.view.render(page.data, { ...page.chain, ui: page.ui, route: page.route, nowMs: Date.now() })];
  if (failure) return [make("h1", { tabindex: "-1" }, say(page.failure.isFinal ? "notFound" : "cannotShow")), failure];
  return make("p", { class: "loading" }, say("loading"));
}

function failureNotice(failure) {
  const { isFinal } = failure;
  const reason = isFinal ? "nodeKnowsNothing" : failure.isBusy ? "nodeBusy" : "nodeUnreachable";
  return notice(
    isFinal ? "info" : "warning",
    make("p", { role: "alert" }, say(reason), failure.code && ` (${failure.code})`),
    !isFinal && make("p", {}, button("retry", say("retryNow"))),
  );
}

function footer() {
  return [
    page.view?.isLive &&
      !page.failure?.isFinal &&
      make(
        "p",
        {},
        say(page.isPaused ? "refreshOff" : "refreshOn", REFRESH_MS / 1_000),
        " ",
        button("pause", say(page.isPaused ? "resumeRefresh" : "pauseRefresh")),
      ),
    make("p", {}, say("aboutNode")),
    page.chain && make("p", {}, say("chainId"), ": ", make("code", { class: "hex" }, page.chain.id)),
    make(
      "p",
      {},
      make("a", { href: "/verify" }, say("verifyBallot")),
      " · ",
      make("a", { href: "/v1/openapi.json" }, say("api")),
    ),
  ];
}

/** The height, to those who hear the page: on arrival, and now and then. */
function announce() {
  const height = page.data?.status?.height;
  if (page.view !== overview || height === undefined || performance.now() - page.announcedAt < ANNOUNCE_MS) return;
  page.announcedAt = performance.now();
  showIn(at("announcement"), say("heightAnnouncement", count(height)));
}

// --- what the reader does ---

const ACTIONS = {
  language() {
    chooseLanguage(otherLanguage());
  },
  async pause() {
    page.isPaused = !page.isPaused;
    clearTimeout(page.timer);
    if (!page.isPaused) await load();
  },
  retry: () => load(),
  async more() {
    page.ui.pages = (page.ui.pages ?? 1) + 1;
    await load();
  },
  async prove() {
    const { ui, view, data } = page;
    if (ui.proof?.stage === "working") return;
    ui.proof = { stage: "working" };
    show();
    ui.proof = await prove(view.claim(data));
  },
  skip() {
    const heading = at("main").querySelector("h1");
    (heading ?? at("main")).focus();
  },
};

document.addEventListener("click", async (event) => {
  const pressed = event.target.closest?.("[data-action]");
  if (!pressed) return;
  event.preventDefault();
  const { action, value } = pressed.dataset;
  const own = page.view?.actions?.[action];
  if (own) own(page.ui, value);
  else await ACTIONS[action]();
  show();
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const target = destination(at("search-text").value);
  page.isSearchWrong = target === null;
  if (target === null) {
    show();
    at("search-text").focus();
  } else if (target.startsWith("#")) {
    location.hash = target;
  } else {
    location.assign(target);
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(page.timer);
  else if (isToRefresh() && !page.isLoading) load();
});

window.addEventListener("hashchange", () => go());

go({ isFirst: true });
