// What nodes of other agencies say about a result, in words, and the way to their own pages.

import { agencyName } from "./parts.js";
import { notice, sign } from "../page/parts.js";
import { count, say } from "../page/language.js";
import { make } from "../page/dom.js";
import { numberOf } from "./checks.js";
import { onePerAgency } from "./witnesses.js";

const SIGN_OF_STATE = {
  asking: "open",
  agrees: "good",
  silent: "open",
  behind: "open",
  broken: "warning",
  differs: "bad",
};

/** The part of a result that says what others have. */
export function witnessPart({ claims, witnesses: asked = [], addressError }, at) {
  const witnesses = onePerAgency(asked);
  return [
    make("h3", {}, say("othersTitle")),
    make("div", { role: "status" }, summary(witnesses)),
    make(
      "ul",
      { class: "nodes" },
      witnesses.map((witness) => make("li", { "data-key": witness.url }, witnessLine(witness, claims))),
    ),
    claims.ballot && ownAddress(at, addressError),
  ];
}

function summary(witnesses) {
  const inState = (state) => witnesses.filter((one) => one.state === state).length;
  const [agreeing, broken, of] = [inState("agrees"), inState("broken"), witnesses.length];
  if (of === 0) return make("p", {}, say("othersUnknown"));
  if (inState("asking") > 0) return make("p", {}, say("othersAsking"));
  if (inState("differs") > 0) return null; // the head of the result says it
  return [
    make("p", {}, agreement(agreeing, of)),
    broken > 0 && notice("warning", make("p", {}, say("othersBroken", count(broken)))),
  ];
}

function agreement(agreeing, of) {
  if (agreeing === 0) return say("othersNone");
  if (agreeing < of) return say("othersSome", count(agreeing), count(of));
  return agreeing === 1 ? say("othersOne") : say("othersAgree", count(agreeing));
}

function witnessLine({ url, agency, state }, { ballot }) {
  const { host } = new URL(url);
  const name = agency ? say("agencyAt", agencyName(agency), host) : host;
  return [
    sign(SIGN_OF_STATE[state], "node-sign"),
    make(
      "div",
      {},
      make("span", {}, name, ": "),
      make("strong", { class: `node-${state}` }, say(`node_${state}`)),
      ballot &&
        make(
          "p",
          {},
          make(
            "a",
            { href: `${url}/verify#${numberOf(ballot)}`, target: "_blank", rel: "noreferrer" },
            say("nodePage", agency ? agencyName(agency) : host),
          ),
        ),
    ),
  ];
}

/** The page may ask nobody but the nodes it knows; so an address that the voter knows is opened, not asked. */
function ownAddress(at, addressError) {
  const [id, hint] = [`address-${at}`, `address-hint-${at}`];
  return make(
    "details",
    {},
    make("summary", {}, say("ownAddressTitle")),
    make(
      "form",
      { class: "row-form", "data-form": "address", "data-at": at, novalidate: true },
      make("label", { for: id }, say("ownAddressLabel")),
      make(
        "div",
        { class: "input-row" },
        make("input", {
          id,
          type: "url",
          inputmode: "url",
          autocomplete: "url",
          spellcheck: "false",
          "aria-describedby": hint,
          "aria-invalid": addressError && "true",
        }),
        make("button", { type: "submit" }, say("ownAddressOpen")),
      ),
      make(
        "p",
        { id: hint, class: addressError ? "hint is-wrong" : "hint", role: addressError && "alert" },
        say(addressError ? "ownAddressWrong" : "ownAddressHint"),
      ),
    ),
  );
}
