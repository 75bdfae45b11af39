// SHA-256 and SHA-512 of the browser, and hashes with a domain tag (mvchain/core/hashing.py).

import { NoCrypto } from "./errors.js";
import { concat, utf8 } from "./bytes.js";

/** The browser's cryptography; throws NoCrypto where it is missing (an insecure context). */
export function webCrypto() {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) throw new NoCrypto();
  return subtle;
}

/** H of C10: 32 bytes. */
export async function sha256(bytes) {
  return new Uint8Array(await webCrypto().digest("SHA-256", bytes));
}

/** 64 bytes. */
export async function sha512(bytes) {
  return new Uint8Array(await webCrypto().digest("SHA-512", bytes));
}

/** SHA-256 of tag, zero byte and bytes: values of different kinds never share a hash. */
export function taggedHash(tag, bytes) {
  return sha256(concat(utf8(tag), Uint8Array.of(0), bytes));
}
