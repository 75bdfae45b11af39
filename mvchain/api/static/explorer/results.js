// The totals of a question as a table with bars: the table is the result, the bars repeat it (KWCAG 1.1.1).

import { bar, column, table } from "./parts.js";
import { button, chainText } from "../page/parts.js";
import { count, say } from "../page/language.js";
import { make } from "../page/dom.js";
import { percent } from "./language.js";

const SHOWN_OPTIONS = 20;

/**
 * The options of a question with their numbers: [{option, total, count, positions, rank, part, whole}], those with the
 * most first; marks stay in the order of the question, which compares nothing. `part` of `whole` is the bar.
 */
export function rankOptions(question, tally, weight) {
  const most = Math.max(...tally.options.map(({ total }) => total));
  const rows = question.options.map((option, at) => {
    const numbers = tally.options[at];
    const rank = 1 + tally.options.filter(({ total }) => total > numbers.total).length;
    return { option, ...numbers, rank, ...barOf(question, numbers, weight, most) };
  });
  return question.type === "score" ? rows : rows.sort((left, right) => left.rank - right.rank);
}

function barOf(question, { total, count: counted }, weight, most) {
  if (question.type === "single" || question.type === "approval") return { part: total, whole: weight };
  if (question.type === "score") return { part: counted ? total / counted : 0, whole: question.rule.max_mark };
  return { part: total, whole: most };
}

/** Mean of the marks that an option got; a dash if it got none. */
export function meanMark({ total, count: counted }) {
  return counted ? (total / counted).toFixed(2) : "–";
}

/** The result of one question of a poll; `ui` remembers whether all options are shown. */
export function resultTable(question, tally, recounted, weight, { caption, place, isAllShown }) {
  const ranked = rankOptions(question, tally, weight);
  const shown = isAllShown ? ranked : ranked.slice(0, SHOWN_OPTIONS);
  const columns = columnsOf(question, recounted, weight);
  let costSoFar = 0;
  const rows = shown.map((row) => {
    costSoFar += row.option.cost;
    const cells = columns.map((each) => each.cell(row, costSoFar));
    const kind = row.rank === 1 && row.total > 0 && question.type !== "score" ? "is-first" : "";
    return make("tr", { class: kind, "data-key": row.option.id }, cells);
  });
  return [
    table(
      caption,
      columns.map(({ name, kind }) => column(name, kind)),
      rows,
      "results",
    ),
    ranked.length > SHOWN_OPTIONS && allButton(place, ranked.length, isAllShown),
    make(
      "p",
      { class: "hint" },
      say("blanks", count(tally.blanks)),
      " ",
      say(`countingRule_${question.type}`, question.rule),
    ),
  ];
}

/** Shows all of a long list, or its beginning again. */
export function allButton(place, options, isAllShown) {
  const label = isAllShown ? say("showFewer", count(SHOWN_OPTIONS)) : say("showAll", count(options));
  return make("p", {}, button("toggleOptions", label, { "data-value": place, "aria-expanded": String(isAllShown) }));
}

/** The options of a question without numbers: what is asked. */
export function optionTable(question, { caption, place, isAllShown }) {
  const { options } = question;
  const shown = isAllShown ? options : options.slice(0, SHOWN_OPTIONS);
  const columns = [numberColumn(question), ...describing(question)];
  const rows = shown.map((option) =>
    make(
      "tr",
      { "data-key": option.id },
      columns.map((each) => each.cell({ option })),
    ),
  );
  return [
    table(
      caption,
      columns.map(({ name, kind }) => column(name, kind)),
      rows,
      "options",
    ),
    options.length > SHOWN_OPTIONS && allButton(place, options.length, isAllShown),
  ];
}

function columnsOf(question, recounted, weight) {
  const isCompared = question.type !== "score";
  return [
    isCompared && { name: say("rank"), kind: "number", cell: (row) => numberCell(count(row.rank)) },
    ...describing(question),
    { name: totalName(question), kind: "number", cell: (row) => numberCell(count(row.total)) },
    recounted && {
      name: say("recountedTotal"),
      kind: "number",
      cell: (row) => recountedCell(row, question, recounted),
    },
    ...extraColumns(question, weight),
    isCompared &&
      hasCosts(question) && { name: say("costSoFar"), kind: "number", cell: (_, soFar) => numberCell(count(soFar)) },
  ].filter(Boolean);
}

function totalName(question) {
  return say(`total_${question.type}`);
}

function extraColumns(question, weight) {
  if (question.type === "single" || question.type === "approval") {
    return [{ name: say("share"), kind: "number", cell: (row) => numberCell(percent(row.total, weight)) }];
  }
  return [
    question.type === "score" && {
      name: say("mean", question.rule.max_mark),
      kind: "number",
      cell: (row) => numberCell(meanMark(row)),
    },
    { name: say(`count_${question.type}`), kind: "number", cell: (row) => numberCell(count(row.count)) },
  ];
}

function describing(question) {
  const groups = question.options.some(({ group }) => group);
  return [
    { name: say("option"), kind: "", cell: optionCell },
    groups && { name: say("group"), kind: "", cell: ({ option }) => make("td", {}, make("bdi", {}, option.group)) },
    hasCosts(question) && { name: say("cost"), kind: "number", cell: ({ option }) => numberCell(count(option.cost)) },
  ].filter(Boolean);
}

/** What an option is called and says, and where it has numbers, their bar. */
function optionCell({ option, part, whole }) {
  const isDescribed = Object.keys(option.description).length > 0;
  return make(
    "th",
    { scope: "row", class: "option" },
    chainText(option.title),
    isDescribed && make("span", { class: "option-description" }, chainText(option.description)),
    whole !== undefined && bar(part, whole),
  );
}

function numberColumn(question) {
  return {
    name: say("optionNumber"),
    kind: "number",
    cell: ({ option }) => numberCell(count(question.options.indexOf(option) + 1)),
  };
}

function hasCosts(question) {
  return question.options.some(({ cost }) => cost > 0);
}

function recountedCell(row, question, recounted) {
  const { total } = recounted.options[question.options.indexOf(row.option)];
  return make("td", { class: `number ${total === row.total ? "" : "is-wrong"}` }, count(total));
}

function numberCell(text) {
  return make("td", { class: "number" }, text);
}

/** How often each option of a ranked question stood at each place; null where the poll keeps no such matrix. */
export function positionTable(question, tally, caption) {
  const places = tally.options[0].positions;
  if (!places) return null;
  const head = [column(say("option")), places.map((_, place) => column(say("place", place + 1), "number"))];
  const rows = question.options.map((option, at) =>
    make(
      "tr",
      { "data-key": option.id },
      make("th", { scope: "row" }, chainText(option.title)),
      tally.options[at].positions.map((times) => numberCell(count(times))),
    ),
  );
  return make("details", {}, make("summary", {}, say("positions")), table(caption, head, rows));
}
