// Lists of polls: all of them, newest first; those that have not ended; those of one agency.

import { agencyName, period, stateBadge, turnout } from "./parts.js";
import { askJson } from "./node.js";
import { button, chainText, facts } from "../page/parts.js";
import { make } from "../page/dom.js";
import { say } from "../page/language.js";

const PAGE_POLLS = 20;

export const pollList = {
  title: () => say("polls"),

  load({ kind }, _before, { pages = 1 }) {
    return kind === "running" ? loadUpwards("running", pages) : loadDownwards(pages);
  },

  render({ polls, hasMore }, { agencies, route }) {
    const isRunning = route.kind === "running";
    return [
      make("h1", { tabindex: "-1" }, say(isRunning ? "runningPolls" : "polls")),
      make(
        "p",
        { class: "choices" },
        make("a", { href: "#/polls", "aria-current": !isRunning && "page" }, say("allPolls")),
        make("a", { href: "#/polls/running", "aria-current": isRunning && "page" }, say("runningPolls")),
      ),
      make("h2", { class: "visually-hidden" }, say(isRunning ? "runningPolls" : "newestPolls")),
      pollCards(polls, agencies),
      hasMore && make("p", {}, button("more", say("morePolls"))),
    ];
  },
};

/** Pages from the newest poll down, to the first. */
async function loadDownwards(pages) {
  const { polls: newest } = await askJson("/v1/status");
  const from = Math.max(0, newest - pages * PAGE_POLLS);
  const found = [];
  for (let after = from; after < newest; after += PAGE_POLLS) {
    const page = await askJson(`/v1/polls?after=${after}&limit=${Math.min(PAGE_POLLS, newest - after)}`);
    found.push(...page.polls);
  }
  return { polls: found.reverse(), hasMore: from > 0 };
}

/** Pages of polls of one kind ("running", "agency=2"), from the lowest number up. */
export async function loadUpwards(filter, pages) {
  const found = [];
  let next = 0;
  for (let page = 0; page < pages && next !== null; page += 1) {
    const answer = await askJson(`/v1/polls?${filter}&after=${next}&limit=${PAGE_POLLS}`);
    found.push(...answer.polls);
    next = answer.next;
  }
  return { polls: found, hasMore: next !== null };
}

/** Polls side by side; `more` adds to what stands on each. */
export function pollCards(polls, agencies, more = () => null) {
  if (!polls.length) return make("p", { class: "empty" }, say("noPolls"));
  return make(
    "ul",
    { class: "cards" },
    polls.map((poll) => pollCard(poll, agencies, more(poll))),
  );
}

function pollCard(poll, agencies, more) {
  return make(
    "li",
    { class: "card", "data-key": `p${poll.poll}` },
    make(
      "p",
      { class: "card-top" },
      stateBadge(poll.state),
      make("span", { class: "card-number" }, say("pollNumbered", poll.poll)),
    ),
    make("h3", {}, make("a", { href: `#/polls/${poll.poll}` }, chainText(poll.title))),
    poll.disputed && make("p", { class: "inline-warning" }, say("disputedShort")),
    facts([say("agency"), agencyName(agencies, poll.agency)], [say("period"), period(poll)]),
    more,
    turnout(poll),
  );
}
