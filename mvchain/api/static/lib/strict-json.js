// JSON without its traps (security H10), and one canonical form of it: the rules of mvchain/core/strict_json.py.
//
// Refused: names twice in one object, fractions, exponents, NaN, Infinity, integers beyond 2^53 - 1, more than 32
// levels, and text that is not UTF-8, lone surrogates in escapes included. `JSON.parse` lets all of these through.
//
// The values are Map (for an object: "__proto__" is a name like any other), Array, string, number, boolean and null.

import { CODES } from "./errors.js";
import { fromUtf8 } from "./bytes.js";

const JSON_MAX_LEVELS = 32;
const JSON_MAX_INTEGER_CHARS = 17; // sign and digits of the largest
const JSON_MAX_RECURSION = 900; // about where the Python reader gives up; beyond, the rest is not read
const JSON_ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const JSON_LITERALS = new Map([["null", null], ["true", true], ["false", false]]);

/**
 * The one value in `bytes`. Refusals are of the class `ErrorClass`; `what` names the document in them.
 *
 * Where a document has several faults, the one that is named is the one that the Python reader names: what cannot be
 * read, first come first named; then lone surrogates; then depth.
 */
export function parseStrictJson(bytes, what, maxBytes, ErrorClass) {
  if (bytes.length > maxBytes) {
    throw new ErrorClass(CODES.TOO_LARGE, { what, size: bytes.length, limit: maxBytes });
  }
  const text = fromUtf8(bytes);
  if (text === null) throw new ErrorClass(CODES.NOT_UTF8, { what });
  return new StrictJsonReader(text, what, ErrorClass).document();
}

class StrictJsonReader {
  constructor(text, what, ErrorClass) {
    this.text = text;
    this.what = what;
    this.ErrorClass = ErrorClass;
    this.at = 0;
    this.levels = 0; // of the value being read
    this.deepest = 0;
    this.loneSurrogate = false;
  }

  document() {
    this.skipSpace();
    const value = this.value();
    this.skipSpace();
    if (this.at < this.text.length) this.malformed("there is more behind its end");
    if (this.loneSurrogate) this.refuse(CODES.NOT_UTF8);
    if (this.deepest > JSON_MAX_LEVELS) this.refuse(CODES.TOO_DEEP, { limit: JSON_MAX_LEVELS });
    return value;
  }

  value() {
    switch (this.text[this.at]) {
      case "{":
        return this.nested(() => this.object());
      case "[":
        return this.nested(() => this.array());
      case '"':
        return this.string();
      default:
        return this.scalar();
    }
  }

  nested(read) {
    this.levels += 1;
    if (this.levels > JSON_MAX_RECURSION) this.refuse(CODES.TOO_DEEP, { limit: JSON_MAX_LEVELS });
    this.deepest = Math.max(this.deepest, this.levels);
    this.at += 1;
    this.skipSpace();
    const found = read();
    this.levels -= 1;
    return found;
  }

  object() {
    const found = new Map();
    let twice = null;
    if (this.takes("}")) return found;
    do {
      this.skipSpace();
      if (this.text[this.at] !== '"') this.malformed("a name in quotes is missing");
      const name = this.string();
      this.skipSpace();
      if (!this.takes(":")) this.malformed("a colon is missing");
      this.skipSpace();
      if (found.has(name)) twice ??= name;
      found.set(name, this.value());
      this.skipSpace();
    } while (this.takes(","));
    if (!this.takes("}")) this.malformed("an object does not end");
    if (twice !== null) this.refuse(CODES.DUPLICATE_NAME, { name: twice.slice(0, 40) });
    return found;
  }

  array() {
    const found = [];
    if (this.takes("]")) return found;
    do {
      this.skipSpace();
      found.push(this.value());
      this.skipSpace();
    } while (this.takes(","));
    if (!this.takes("]")) this.malformed("an array does not end");
    return found;
  }

  string() {
    let found = "";
    this.at += 1;
    for (;;) {
      const [plain] = this.match(/[^"\\\u0000-\u001f]*/y);
      found += plain;
      if (this.takes('"')) break;
      if (!this.takes("\\")) this.malformed("a text does not end, or holds a control character");
      const escape = this.text[this.at];
      if (escape in JSON_ESCAPES) {
        found += JSON_ESCAPES[escape];
        this.at += 1;
      } else {
        const unit = this.match(/u([0-9a-fA-F]{4})/y) ?? this.malformed("an escape is none that JSON knows");
        found += String.fromCharCode(Number.parseInt(unit[1], 16));
      }
    }
    if (/\p{Surrogate}/u.test(found)) this.loneSurrogate = true;
    return found;
  }

  scalar() {
    const number = this.match(/(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y);
    if (number) return this.integer(...number);
    const constant = this.match(/NaN|-?Infinity/y);
    if (constant) this.badNumber(constant[0]);
    const literal = this.match(/null|true|false/y) ?? this.malformed("a value is missing");
    return JSON_LITERALS.get(literal[0]);
  }

  integer(whole, digits, fraction, exponent) {
    const value = Number(digits);
    const exact = fraction === undefined && exponent === undefined;
    if (!exact || digits.length > JSON_MAX_INTEGER_CHARS || !Number.isSafeInteger(value)) this.badNumber(whole);
    return value || 0; // no -0
  }

  skipSpace() {
    this.match(/[ \t\n\r]*/y);
  }

  takes(char) {
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  /** The match of a sticky expression at the present place, which moves behind it; or null. */
  match(sticky) {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (found) this.at = sticky.lastIndex;
    return found;
  }

  badNumber(literal) {
    this.refuse(CODES.BAD_NUMBER, { number: literal.slice(0, 40) });
  }

  malformed(why) {
    this.refuse(CODES.MALFORMED, { why: `it is not JSON (${why} at character ${this.at + 1})` });
  }

  refuse(code, data = {}) {
    throw new this.ErrorClass(code, { what: this.what, ...data });
  }
}

/** The canonical form as text: names sorted by code point, no spaces, no needless escapes. Takes plain objects too. */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = value instanceof Map ? [...value] : Object.entries(value);
  members.sort(([left], [right]) => compareCodePoints(left, right));
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`).join(",")}}`;
}

/** By code point, as Python sorts; `<` would sort by UTF-16 unit, which puts U+FF01 behind U+1F5F3. */
function compareCodePoints(left, right) {
  const [a, b] = [Array.from(left), Array.from(right)];
  const at = a.findIndex((char, index) => char !== b[index]);
  if (at < 0) return a.length - b.length;
  return at < b.length ? a[at].codePointAt(0) - b[at].codePointAt(0) : 1;
}
