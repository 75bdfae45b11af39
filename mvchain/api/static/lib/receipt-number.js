// Receipt numbers, `7K3Q-9FTX-HM4W-Q`: what a voter types or reads out to find a ballot (ledger L11, domain section 9).
// The rule of mvchain/light/receipt_number.py.
//
// Twelve digits to the base 31, then a check character. The digits write floor(v * 31^12 / 2^64), where v is the number
// that the first 64 bits of the ballot's hash write; so a number names a range of hashes, of 23 or 24 values of v. The
// check character writes the sum of i times digit i, i from 1 to 12, mod 31. Since 31 is prime, one wrong character or
// two swapped ones always change the sum.

import { BadReceiptNumber, CODES } from "./errors.js";
import { bigEndian, fromBigEndian } from "./bytes.js";

const RECEIPT_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"; // without 0 and O, 1, I and L, which look alike
const RECEIPT_DIGITS = 12;
const RECEIPT_NUMBERS = 31n ** 12n;
const RECEIPT_PREFIXES = 1n << 64n;

/** The receipt number of a ballot with this hash, as `7K3Q-9FTX-HM4W-Q`. */
export function receiptNumber(hash) {
  return shownReceiptNumber((fromBigEndian(hash.subarray(0, 8)) * RECEIPT_NUMBERS) / RECEIPT_PREFIXES);
}

/**
 * Reads a number as people type it: with or without hyphens and spaces, in lower case, in full-width characters. Gives
 * {text, low, high}: the number as it is shown, and the first and last 8 bytes with which a hash of that number begins.
 * Throws BadReceiptNumber.
 */
export function parseReceiptNumber(text) {
  const separators = /[\p{Zs}\p{Zl}\p{Zp}\p{Pd}\t\n\v\f\r\u2212]/gu;
  const typed = Array.from(text.slice(0, 200).normalize("NFKC").replace(separators, "").toUpperCase());
  if (typed.length !== RECEIPT_DIGITS + 1) {
    throw new BadReceiptNumber(CODES.RECEIPT_NUMBER_LENGTH, { length: RECEIPT_DIGITS + 1, have: typed.length });
  }
  const digits = typed.map((character) => RECEIPT_ALPHABET.indexOf(character));
  const stray = digits.indexOf(-1);
  if (stray >= 0) {
    throw new BadReceiptNumber(CODES.RECEIPT_NUMBER_CHARACTER, { char: typed[stray] });
  }
  const check = digits.pop();
  if (check !== receiptCheck(digits)) throw new BadReceiptNumber(CODES.RECEIPT_NUMBER_CHECK);
  const value = digits.reduce((sum, digit) => sum * 31n + BigInt(digit), 0n);
  return {
    text: shownReceiptNumber(value),
    low: bigEndian(firstReceiptPrefix(value), 8),
    high: bigEndian(firstReceiptPrefix(value + 1n) - 1n, 8),
  };
}

/** The least v of 64 bits that has this value, or more. */
function firstReceiptPrefix(value) {
  return (value * RECEIPT_PREFIXES + RECEIPT_NUMBERS - 1n) / RECEIPT_NUMBERS;
}

function shownReceiptNumber(value) {
  const digits = [];
  for (let rest = value; digits.length < RECEIPT_DIGITS; rest /= 31n) digits.unshift(Number(rest % 31n));
  const characters = [...digits, receiptCheck(digits)].map((digit) => RECEIPT_ALPHABET[digit]).join("");
  return characters.match(/.{1,4}/g).join("-");
}

function receiptCheck(digits) {
  return digits.reduce((sum, digit, at) => sum + (at + 1) * digit, 0) % 31;
}
