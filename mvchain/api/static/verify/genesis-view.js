// What everything is checked against, in a form that can be compared with what agencies print or read aloud.

import { count, say } from "../page/language.js";
import { facts } from "../page/parts.js";
import { filePicker } from "./forms.js";
import { IS_FILE } from "./page-data.js";
import { hashWords } from "../lib/genesis.js";
import { make, unspoken } from "../page/dom.js";

const FIRST_WORDS = 4;

/** In one line, what a result rests on; the section below has all of it. */
export function basisLine(genesis) {
  const first = hashWords(genesis.hash).slice(0, FIRST_WORDS);
  return make(
    "p",
    { class: "basis" },
    `${say("basis")}: ${genesis.chainName}, ${say("genesisHash")} `,
    make("bdi", { lang: "en" }, first.map(({ word }) => word).join(" ")),
    " … – ",
    make("a", { href: "#genesis-heading", "data-action": "genesis" }, say("basisCompare")),
    IS_FILE && [" ", make("strong", {}, say("basisOfFile"))],
  );
}

/** The section about the genesis document; `error` is what is wrong with a file, as [name, ...gaps], or null. */
export function genesisView({ genesis, isFromFile, error }) {
  const groups = hashWords(genesis.hash);
  return make(
    "section",
    { "aria-labelledby": "genesis-heading", "data-key": "genesis" },
    make("h2", { id: "genesis-heading", tabindex: "-1" }, say("genesisTitle")),
    make("p", {}, say("genesisWhat", genesis.chainName, count(genesis.agencies.length))),
    facts(
      [say("genesisHash"), make("code", { class: "hex groups" }, groups.map(({ digits }) => digits).join(" "))],
      [say("genesisWords"), make("bdi", { class: "groups", lang: "en" }, groups.map(({ word }) => word).join(" "))],
    ),
    make("p", { class: "hint" }, say(isFromFile ? "genesisFromFile" : "genesisFromPage")),
    error && make("p", { class: "is-wrong", role: "alert" }, unspoken("! "), say(...error)),
    filePicker("genesis-file", say("genesisPick"), ".json,application/json", "genesis-hint"),
    make("p", { id: "genesis-hint", class: "hint" }, say("genesisPickHint")),
  );
}
