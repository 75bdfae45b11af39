// The network at a glance: how high, how fast, who signed, what is being asked and what came out.

import { age, duration, percent } from "./language.js";
import { askJson } from "./node.js";
import { bar, section } from "./parts.js";
import { forkNotice } from "./evidence.js";
import { chainText } from "../page/parts.js";
import { count, say } from "../page/language.js";
import { make } from "../page/dom.js";
import { meanMark, rankOptions } from "./results.js";
import { pollCards } from "./polls.js";
import { signatureGrid } from "./signatures.js";

const RECENT_BLOCKS = 20;
const RUNNING_POLLS = 30;
const NEWEST_POLLS = 12;
const SHOWN_RESULTS = 4;
const SHOWN_LEADERS = 3;
const STATE_ORDER = ["open", "paused", "counting", "registered"];

export const overview = {
  isLive: true,

  title: () => say("overview"),

  /** `before` is what was loaded last: where the height is the same nothing else is asked for. */
  async load(_route, before) {
    const status = await askJson("/v1/status");
    if (before?.status.height === status.height) return { ...before, status };
    const [blocks, running] = await Promise.all([
      recentBlocks(status.height, before?.blocks ?? []),
      askJson(`/v1/polls?running&limit=${RUNNING_POLLS}`),
    ]);
    const runningNumbers = running.polls.map(({ poll }) => poll).join();
    const areEndedKnown = before?.runningNumbers === runningNumbers && before.status.polls === status.polls;
    const ended = areEndedKnown ? before.ended : await endedPolls(status.polls);
    return { status, blocks, running, runningNumbers, ended };
  },

  render({ status, blocks, running, ended }, { agencies, nowMs }) {
    return [
      make("h1", { tabindex: "-1" }, say("overviewHeading")),
      forkNotice(status),
      tiles({ status, blocks, running, nowMs }),
      section(say("runningPolls"), runningPolls(running, agencies)),
      section(
        say("endedPolls"),
        endedPollCards(ended, agencies),
        make("p", {}, make("a", { href: "#/polls" }, say("allPolls"))),
      ),
      section(
        say("agenciesAndBlocks"),
        signatureGrid(agencies, blocks),
        make("p", {}, make("a", { href: "#/blocks" }, say("allBlocks"))),
      ),
    ];
  },
};

/** The newest blocks, ascending. The last one that is known is asked for again: late signatures may have joined it. */
export async function recentBlocks(height, known) {
  const after = Math.max(height - RECENT_BLOCKS, (known.at(-1)?.height ?? 0) - 1, 0);
  const { blocks } = await askJson(`/v1/blocks?after=${after}&limit=${RECENT_BLOCKS}`);
  return [...known.filter((block) => block.height <= after), ...blocks].slice(-RECENT_BLOCKS);
}

/** The newest polls that have ended, newest first, those with a result in full. A final poll is asked for once. */
async function endedPolls(polls) {
  const newest = await askJson(`/v1/polls?after=${Math.max(0, polls - NEWEST_POLLS)}&limit=${NEWEST_POLLS}`);
  const final = newest.polls.filter(({ state }) => state === "final").reverse();
  return Promise.all(final.slice(0, SHOWN_RESULTS).map(({ poll }) => askJson(`/v1/polls/${poll}`)));
}

function tiles({ status, blocks, running, nowMs }) {
  const { committed, members } = blocks.at(-1)?.agencies ?? { committed: [], members: [] };
  const open = running.polls.filter(({ state }) => state === "open").length;
  return make(
    "ul",
    { class: "tiles" },
    tile(say("newestHeight"), count(status.height), status.catching_up ? say("catchingUp") : say("upToDate")),
    tile(say("newestBlock"), age(status.block_time_ms, nowMs), say("blockInterval", blockInterval(blocks))),
    tile(
      say("signedLast"),
      `${count(committed.length)} / ${count(members.length)}`,
      say("quorumNeeded", quorum(members.length)),
    ),
    tile(
      say("openPolls"),
      running.next === null ? count(open) : say("orMore", count(open)),
      say("pollsSoFar", count(status.polls)),
    ),
  );
}

function tile(name, value, more) {
  return make(
    "li",
    { class: "tile" },
    make("p", { class: "tile-name" }, name),
    make("p", { class: "tile-value" }, value),
    make("p", { class: "tile-more" }, more),
  );
}

function blockInterval(blocks) {
  if (blocks.length < 2) return "–";
  return duration((blocks.at(-1).time_ms - blocks[0].time_ms) / (blocks.length - 1));
}

/** Agencies whose signatures make a commit: strictly more than two thirds. */
function quorum(agencies) {
  return Math.floor((2 * agencies) / 3) + 1;
}

function runningPolls(running, agencies) {
  if (!running.polls.length) return make("p", { class: "empty" }, say("noRunningPolls"));
  const sorted = [...running.polls].sort(
    (left, right) =>
      STATE_ORDER.indexOf(left.state) - STATE_ORDER.indexOf(right.state) || left.closes_at_ms - right.closes_at_ms,
  );
  return [
    pollCards(sorted, agencies),
    running.next !== null && make("p", {}, make("a", { href: "#/polls/running" }, say("moreRunning"))),
  ];
}

function endedPollCards(polls, agencies) {
  if (!polls.length) return make("p", { class: "empty" }, say("noEndedPolls"));
  return pollCards(polls, agencies, (poll) => {
    const { questions } = poll.definition;
    const others = questions.length - 1;
    return [
      make(
        "p",
        { class: "card-question" },
        chainText(questions[0].title),
        others > 0 && ` ${say("andMoreQuestions", others)}`,
      ),
      leaders(questions[0], poll.tally.questions[0], poll.tally.weight),
    ];
  });
}

/** The first options of a question with their numbers. */
function leaders(question, tally, weight) {
  const rows = rankOptions(question, tally, weight).slice(0, SHOWN_LEADERS);
  return make(
    "ol",
    { class: "leaders" },
    rows.map((row) =>
      make(
        "li",
        {},
        make(
          "p",
          { class: "leader" },
          chainText(row.option.title),
          make("span", { class: "leader-number" }, leaderNumber(question, row, weight)),
        ),
        bar(row.part, row.whole),
      ),
    ),
  );
}

function leaderNumber(question, row, weight) {
  switch (question.type) {
    case "score":
      return say("meanOf", meanMark(row), question.rule.max_mark);
    case "single":
    case "approval":
      return say("ballotsAndShare", count(row.total), percent(row.total, weight));
    default:
      return say("pointsShort", count(row.total));
  }
}
