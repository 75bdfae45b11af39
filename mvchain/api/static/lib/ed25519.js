// Ed25519 by the one rule of this system: what libsodium accepts, and nothing else (security ED01 to ED12).
//
// Browsers accept more than libsodium does (ED09): keys and R of small order, for one. So what libsodium refuses by its
// bytes is refused here first; then WebCrypto is asked. Where a browser has no Ed25519, the equation is computed below:
//
//     encode(S B - h A) = R, byte for byte,   h = SHA-512(R || A || message) mod L
//
// without the cofactor, as libsodium does. It works on public values only, so its time may depend on them.

import { equalBytes, concat, fromHex, fromLittleEndian, toHex } from "./bytes.js";
import { sha512, webCrypto } from "./hashing.js";

const ED_P = 2n ** 255n - 19n;
const ED_L = 2n ** 252n + 27742317777372353535851937790883648493n; // order of the main subgroup
const ED_SIGN_BIT = 1n << 255n;

/** All encodings of the points of small order, canonical or not (security section 7). */
const SMALL_ORDER_ENCODINGS = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]);

// RFC 8032 section 7.1, test 2: tells whether this browser knows Ed25519.
const RFC8032_KEY = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const RFC8032_SIGNATURE = fromHex(
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
);

let chosenEngine = null; // a promise of "webcrypto" or "fallback", once asked for

/** Which of the two computes here: "webcrypto" or "fallback". Throws NoCrypto where there is neither. */
export async function ed25519Engine() {
  webCrypto();
  chosenEngine ??= askWebCrypto(RFC8032_KEY, Uint8Array.of(0x72), RFC8032_SIGNATURE).then(
    (verifies) => (verifies ? "webcrypto" : "fallback"),
    () => "fallback", // NotSupportedError
  );
  return chosenEngine;
}

/** Whether `signature` is the key's over the message, by the rule above; false for whatever is wrong. */
export async function verifySignature(key, message, signature) {
  if (!isWellFormed(key, signature)) return false;
  if ((await ed25519Engine()) === "webcrypto") {
    try {
      return await askWebCrypto(key, message, signature);
    } catch {
      // A browser may refuse to take a key that is no point; the equation gives the verdict.
    }
  }
  return verifyByEquation(key, message, signature);
}

/** What libsodium refuses by the bytes: lengths, small order, y of key or R not below p, S not below L (ED02, ED05). */
export function isWellFormed(key, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const points = [key, signature.subarray(0, 32)];
  return points.every(hasSoundBytes) && fromLittleEndian(signature.subarray(32)) < ED_L;
}

/** Whether 32 bytes may name a point here: y below p, and none of the encodings of small order. */
export function hasSoundBytes(bytes) {
  return !SMALL_ORDER_ENCODINGS.has(toHex(bytes)) && fromLittleEndian(bytes) % ED_SIGN_BIT < ED_P;
}

/** The browser's verdict; for inputs that are well formed only. */
export async function askWebCrypto(key, message, signature) {
  const imported = await webCrypto().importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return webCrypto().verify({ name: "Ed25519" }, imported, signature, message);
}

/** The verdict of the equation; for inputs that are well formed only. */
export async function verifyByEquation(key, message, signature) {
  const a = decodePoint(key);
  if (a === null) return false;
  const h = fromLittleEndian(await sha512(concat(signature.subarray(0, 32), key, message))) % ED_L;
  const s = fromLittleEndian(signature.subarray(32));
  return equalBytes(encodePoint(sumOfMultiples(s, ED_BASE, h, negated(a))), signature.subarray(0, 32));
}

// --- the curve -x^2 + y^2 = 1 + d x^2 y^2 over the integers mod p (RFC 8032 section 5.1) ---
//
// A point is [X, Y, Z, T] with x = X/Z, y = Y/Z, xy = T/Z.

const ED_D = modP(-121665n * inverse(121666n));
const ED_SQRT_OF_MINUS_1 = power(2n, (ED_P - 1n) / 4n);
const ED_IDENTITY = [0n, 1n, 1n, 0n];
const ED_BASE = decodePoint(fromHex(`58${"66".repeat(31)}`)); // y = 4/5

function modP(value) {
  const rest = value % ED_P;
  return rest < 0n ? rest + ED_P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % ED_P;
    if (bit === "1") result = (result * base) % ED_P;
  }
  return result;
}

function inverse(value) {
  return power(modP(value), ED_P - 2n);
}

/** The point that 32 bytes name, y below p; null if there is none (section 5.1.3). */
function decodePoint(bytes) {
  const encoded = fromLittleEndian(bytes);
  const y = encoded % ED_SIGN_BIT;
  const u = modP(y * y - 1n);
  const v = modP(ED_D * y * y + 1n);
  // x = (u / v)^((p + 3) / 8), or that times the root of -1, if u / v is a square at all.
  const v3 = modP(v * v * v);
  let x = modP(u * v3 * power(modP(u * v3 * v3 * v), (ED_P - 5n) / 8n));
  const found = modP(v * x * x);
  if (found !== u) {
    if (found !== modP(-u)) return null;
    x = modP(x * ED_SQRT_OF_MINUS_1);
  }
  if ((x & 1n) !== encoded >> 255n) x = modP(-x);
  return [x, y, 1n, modP(x * y)];
}

function encodePoint([X, Y, Z]) {
  const zInverse = inverse(Z);
  const encoded = modP(Y * zInverse) | ((modP(X * zInverse) & 1n) << 255n);
  return fromHex(encoded.toString(16).padStart(64, "0")).reverse();
}

function negated([X, Y, Z, T]) {
  return [modP(-X), Y, Z, modP(-T)];
}

/** Complete addition (section 5.1.4). */
function sumOfPoints([X1, Y1, Z1, T1], [X2, Y2, Z2, T2]) {
  const a = modP((Y1 - X1) * (Y2 - X2));
  const b = modP((Y1 + X1) * (Y2 + X2));
  const c = modP(2n * ED_D * T1 * T2);
  const d = modP(2n * Z1 * Z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [modP(e * f), modP(g * h), modP(f * g), modP(e * h)];
}

function doubled([X, Y, Z]) {
  const a = modP(X * X);
  const b = modP(Y * Y);
  const h = a + b;
  const e = h - modP((X + Y) * (X + Y));
  const g = a - b;
  const f = modP(2n * Z * Z) + g;
  return [modP(e * f), modP(g * h), modP(f * g), modP(e * h)];
}

/** m P + n Q, bit by bit for both at once. */
function sumOfMultiples(m, P, n, Q) {
  const both = sumOfPoints(P, Q);
  let sum = ED_IDENTITY;
  for (let bit = 252n; bit >= 0n; bit--) {
    sum = doubled(sum);
    const [ofP, ofQ] = [(m >> bit) & 1n, (n >> bit) & 1n];
    if (ofP || ofQ) sum = sumOfPoints(sum, ofP && ofQ ? both : ofP ? P : Q);
  }
  return sum;
}
