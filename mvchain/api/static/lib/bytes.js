// Byte strings: hex, base64, UTF-8, joining and comparing. Everything else here is built on Uint8Array.

const UTF8_ENCODER = new TextEncoder();
const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // a byte-order mark stays in

/** Lower-case hex. */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of a text of lower-case hex digits; null for any other text. */
export function fromHex(text) {
  if (text.length % 2 || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/** Base64 with padding. */
export function toBase64(bytes) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 0x8000) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(pieces.join(""));
}

/** The bytes of a text in base64 with padding; null for any other text. Unused bits of the last digit are dropped. */
export function fromBase64(text) {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** UTF-8 of a text without lone surrogates. */
export function utf8(text) {
  return UTF8_ENCODER.encode(text);
}

/** The text of strict UTF-8; null if it is not that. */
export function fromUtf8(bytes) {
  try {
    return UTF8_DECODER.decode(bytes);
  } catch {
    return null;
  }
}

/** One byte string after the other. */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether two byte strings are equal. Nothing here is secret, so time may depend on them. */
export function equalBytes(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** Below, at or above 0 as `left` sorts before, with or after `right`, byte by byte. */
export function compareBytes(left, right) {
  const shorter = Math.min(left.length, right.length);
  for (let at = 0; at < shorter; at++) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

/** A number or BigInt from 0 on as `size` bytes, the highest first. */
export function bigEndian(value, size) {
  const bytes = new Uint8Array(size);
  let rest = BigInt(value);
  for (let at = size - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The BigInt that the bytes write, the highest first. */
export function fromBigEndian(bytes) {
  return bytes.length ? BigInt(`0x${toHex(bytes)}`) : 0n;
}

/** The BigInt that the bytes write, the lowest first. */
export function fromLittleEndian(bytes) {
  return fromBigEndian(bytes.slice().reverse());
}
