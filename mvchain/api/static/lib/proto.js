// The protobuf subset of the bytes that are hashed and signed: canonical writers (C11 to C14, C16).

import { concat } from "./bytes.js";
import { timestampNanos, timestampSeconds } from "./timestamps.js";

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;

/** uv of C11: `value` mod 2^64 as an unsigned LEB128; a negative one takes 10 bytes. */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

function fieldTag(number, wireType) {
  return varint((number << 3) | wireType);
}

/** var of C12: an integer or enum; left out when zero. */
export function varintField(number, value) {
  return value ? concat(fieldTag(number, WIRE_VARINT), varint(value)) : new Uint8Array();
}

/** byt of C12: bytes or UTF-8; left out when empty. */
export function bytesField(number, bytes) {
  return bytes.length ? messageField(number, bytes) : bytes;
}

/** msg of C12: an embedded message; never left out (C13). */
export function messageField(number, message) {
  return concat(fieldTag(number, WIRE_BYTES), delimited(message));
}

/** sfix of C12: 8 bytes, the lowest first, signed; left out when zero. */
export function sfixed64Field(number, value) {
  if (!value) return new Uint8Array();
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return concat(fieldTag(number, WIRE_FIXED64), bytes);
}

/** dlm of C14: the message after its length. */
export function delimited(message) {
  return concat(varint(message.length), message);
}

/** google.protobuf.Timestamp (C16) of a BigInt of nanoseconds; the epoch itself encodes to nothing (C17). */
export function encodeTimestamp(timeNs) {
  return concat(varintField(1, timestampSeconds(timeNs)), varintField(2, timestampNanos(timeNs)));
}
