// What a voter can give this page: a receipt number, a file, a QR code.

import { CAN_SCAN, HAS_CAMERA } from "./scan.js";
import { CODES } from "../lib/errors.js";
import { button, sign } from "../page/parts.js";
import { make } from "../page/dom.js";
import { say } from "../page/language.js";

/** `state` has {numberError, scanError, isScanning}, texts of errors as [name, ...gaps] or null. */
export function formView(state, heading) {
  return make(
    "section",
    { class: "ways", "aria-labelledby": "ways-heading", "data-key": "ways" },
    make("h2", { id: "ways-heading" }, heading),
    numberForm(state.numberError),
    make("div", { class: "other-ways" }, filePart(), scanPart(state)),
  );
}

/** What is wrong with a number that was typed: the text and what fills it. */
export function numberErrorOf({ code, data }) {
  switch (code) {
    case CODES.RECEIPT_NUMBER_LENGTH:
      return data.have === 0 ? ["numberMissing"] : ["numberLength", data.have];
    case CODES.RECEIPT_NUMBER_CHARACTER:
      return ["numberCharacter", data.char];
    default:
      return ["numberCheck"];
  }
}

function numberForm(error) {
  return make(
    "form",
    { class: "row-form", "data-form": "number", novalidate: true },
    make("h3", {}, say("formTitle")),
    make("label", { for: "number" }, say("numberLabel")),
    make(
      "div",
      { class: "input-row" },
      make("input", {
        id: "number",
        class: "number",
        type: "text",
        autocomplete: "off",
        autocapitalize: "characters",
        spellcheck: "false",
        maxlength: "60",
        "aria-describedby": error ? "number-error number-hint" : "number-hint",
        "aria-invalid": error && "true",
      }),
      make("button", { type: "submit", class: "primary" }, say("check")),
    ),
    error && errorText("number-error", error),
    make("p", { id: "number-hint", class: "hint" }, say("numberHint")),
  );
}

function filePart() {
  return make(
    "div",
    { class: "way drop", "data-drop": true },
    make("h3", {}, say("fileTitle")),
    filePicker("file", say("fileLabel"), ".json,.html,.htm,application/json,text/html", "file-hint"),
    make("p", { id: "file-hint", class: "hint" }, say("fileHint")),
  );
}

function scanPart({ scanError, isScanning }) {
  return make(
    "div",
    { class: "way" },
    make("h3", {}, say("scanTitle")),
    scanError && errorText("scan-error", scanError),
    isScanning && make("p", { role: "status" }, say("scanning")),
    isScanning &&
      make("video", {
        id: "camera",
        "data-key": "camera",
        muted: true,
        playsinline: true,
        "aria-label": say("scanning"),
      }),
    CAN_SCAN &&
      make(
        "div",
        { class: "actions" },
        isScanning && button("stopScan", say("scanStop")),
        HAS_CAMERA && !isScanning && button("scan", say("scanCamera")),
        filePicker("picture", say("scanPicture"), "image/*", "scan-hint"),
      ),
    make("p", { id: "scan-hint", class: "hint" }, say("scanUnsupported")),
  );
}

/** A button that opens the file dialogue: the input itself, with a label that is dressed as one. */
export function filePicker(id, label, accept, hint) {
  return make(
    "div",
    { class: "file-picker" },
    make("input", { id, type: "file", accept, "aria-describedby": hint }),
    make("label", { for: id, class: "button-like" }, label),
  );
}

function errorText(id, [name, ...gaps]) {
  return make("p", { id, class: "is-wrong", role: "alert" }, sign("warning", "error-sign"), " ", say(name, ...gaps));
}
