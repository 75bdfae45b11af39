// Canonical msgpack: arrays, integers, byte strings, texts, booleans and nil, each in its shortest form (ledger L1).
// The counterpart of mvchain/core/codec.py: what it refuses is refused here, with the same code.
//
// Integers beyond 2^53 - 1 are decoded as BigInt, so that no bound that is asked with numbers lets one pass.

import { BadProof, CODES } from "./errors.js";
import { bigEndian, concat, fromBigEndian, fromUtf8, utf8 } from "./bytes.js";

const MSGPACK_MAX_ITEMS = 8192;
const MSGPACK_MAX_LEVELS = 32;
const MSGPACK_MAX_RECURSION = 1024; // where the Python reader gives up

/** The one value that the bytes are the canonical encoding of; throws BadProof. */
export function decodeMsgpack(bytes, what, maxBytes) {
  if (bytes.length > maxBytes) throw new BadProof(CODES.TOO_LARGE, { what, size: bytes.length, limit: maxBytes });
  return new MsgpackReader(bytes, what).document();
}

class MsgpackReader {
  constructor(bytes, what) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.what = what;
    this.at = 0;
    this.levels = 0;
    this.deepest = 0;
    this.shortest = true; // whether every value so far has its shortest form
    this.floats = false;
  }

  document() {
    const value = this.value();
    if (this.at < this.bytes.length) this.malformed("there is more behind its end");
    if (!this.shortest) throw new BadProof(CODES.NOT_CANONICAL, { what: this.what });
    if (this.deepest > MSGPACK_MAX_LEVELS) throw new BadProof(CODES.TOO_DEEP, { what: this.what });
    if (this.floats) this.malformed("it holds a floating-point number");
    return value;
  }

  value() {
    const head = this.bytes[this.skip(1)];
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head >= 0xa0 && head < 0xc0) return this.text(head - 0xa0);
    if (head >= 0x90 && head < 0xa0) return this.array(head - 0x90);
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.take(this.length(1, 0));
      case 0xc5:
        return this.take(this.length(2, 0x100));
      case 0xc6:
        return this.take(this.length(4, 0x10000));
      case 0xca:
        return this.float(4);
      case 0xcb:
        return this.float(8);
      case 0xcc:
        return this.length(1, 0x80);
      case 0xcd:
        return this.length(2, 0x100);
      case 0xce:
        return this.length(4, 0x10000);
      case 0xcf:
        return this.unsigned64();
      case 0xd0:
        return this.negative(1, -0x20n);
      case 0xd1:
        return this.negative(2, -0x80n);
      case 0xd2:
        return this.negative(4, -0x8000n);
      case 0xd3:
        return this.negative(8, -0x80000000n);
      case 0xd9:
        return this.text(this.length(1, 0x20));
      case 0xda:
        return this.text(this.length(2, 0x100));
      case 0xdb:
        return this.text(this.length(4, 0x10000));
      case 0xdc:
        return this.array(this.length(2, 0x10));
      case 0xdd:
        return this.array(this.length(4, 0x10000));
      default:
        return this.malformed("it holds a map or an extension type");
    }
  }

  /** An unsigned number of 1, 2 or 4 bytes, which the shortest form writes so from `least` on. */
  length(size, least) {
    const at = this.skip(size);
    const found = size === 1 ? this.view.getUint8(at) : size === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
    if (found < least) this.shortest = false;
    return found;
  }

  unsigned64() {
    const found = this.view.getBigUint64(this.skip(8));
    if (found < 1n << 32n) this.shortest = false;
    return plainInteger(found);
  }

  /** A signed number of `size` bytes, which the shortest form writes so below `above` only. */
  negative(size, above) {
    const found = BigInt.asIntN(8 * size, fromBigEndian(this.take(size)));
    if (found >= above) this.shortest = false;
    return plainInteger(found);
  }

  /** Refused in any case; the wider one as not canonical, as the Python reader does. */
  float(size) {
    this.take(size);
    if (size === 8) this.shortest = false;
    this.floats = true;
    return null;
  }

  text(size) {
    return fromUtf8(this.take(size)) ?? this.malformed("a text is not UTF-8");
  }

  array(count) {
    if (count > Math.min(this.bytes.length, MSGPACK_MAX_ITEMS)) this.malformed("an array is too long");
    this.levels += 1;
    if (this.levels > MSGPACK_MAX_RECURSION) this.malformed("it is nested too deep to be read");
    this.deepest = Math.max(this.deepest, this.levels);
    const items = [];
    for (let at = 0; at < count; at++) items.push(this.value());
    this.levels -= 1;
    return items;
  }

  take(size) {
    const start = this.skip(size);
    return this.bytes.subarray(start, start + size);
  }

  /** Moves on by `size` bytes; gives where they begin. */
  skip(size) {
    if (size > this.bytes.length - this.at) this.malformed("it ends too early");
    this.at += size;
    return this.at - size;
  }

  malformed(why) {
    throw new BadProof(CODES.MALFORMED, { what: this.what, why: `it is not plain msgpack (${why})` });
  }
}

function plainInteger(big) {
  const number = Number(big);
  return Number.isSafeInteger(number) ? number : big;
}

/** Typed access to the items of a decoded array of a known length; throws BadProof on a misfit. Bounds are included. */
export class MsgpackFields {
  constructor(value, count, what) {
    this.items = value;
    this.what = what;
    if (!Array.isArray(value) || value.length !== count) this.misfit("it", `not an array of ${count}`);
  }

  integer(at, name, low, high) {
    const value = this.items[at];
    if (typeof value !== "number" || value < low || value > high) this.misfit(name, `not from ${low} to ${high}`);
    return value;
  }

  bytes(at, name, size) {
    const value = this.items[at];
    if (!(value instanceof Uint8Array) || value.length !== size) this.misfit(name, `not ${size} bytes`);
    return value;
  }

  blob(at, name, maxBytes) {
    const value = this.items[at];
    if (!(value instanceof Uint8Array) || value.length > maxBytes) this.misfit(name, `not at most ${maxBytes} bytes`);
    return value;
  }

  text(at, name, maxBytes) {
    const value = this.items[at];
    if (typeof value !== "string" || utf8(value).length > maxBytes) {
      this.misfit(name, `not a text of at most ${maxBytes} bytes`);
    }
    return value;
  }

  boolean(at, name) {
    const value = this.items[at];
    if (typeof value !== "boolean") this.misfit(name, "not true or false");
    return value;
  }

  array(at, name, maxItems) {
    const value = this.items[at];
    if (!Array.isArray(value) || value.length > maxItems) this.misfit(name, `not an array of at most ${maxItems}`);
    return value;
  }

  misfit(name, why) {
    throw new BadProof(CODES.MALFORMED, { what: this.what, why: `${name} is ${why}` });
  }
}

// --- encoding, of what is hashed again here ---

/** Canonical bytes of a number from 0 to 2^53 - 1. */
export function msgpackInteger(value) {
  if (value < 0x80) return Uint8Array.of(value);
  const [head, size] =
    value < 2 ** 8 ? [0xcc, 1] : value < 2 ** 16 ? [0xcd, 2] : value < 2 ** 32 ? [0xce, 4] : [0xcf, 8];
  return concat(Uint8Array.of(head), bigEndian(value, size));
}

/** Canonical bytes of at most 255 bytes. */
export function msgpackBytes(bytes) {
  return concat(Uint8Array.of(0xc4, bytes.length), bytes);
}

/** Canonical bytes of an array of at most 15 encoded items. */
export function msgpackArray(...items) {
  return concat(Uint8Array.of(0x90 + items.length), ...items);
}
