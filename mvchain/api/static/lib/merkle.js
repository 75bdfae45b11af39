// RFC 6962 Merkle trees, as CometBFT uses them: roots, inclusion and consistency (C18 to C20).
//
// Seen from below: pair the nodes of a level from the left, and let an odd last one move up as it is.

import { concat, equalBytes } from "./bytes.js";
import { sha256 } from "./hashing.js";

const MERKLE_MAX_AUNTS = 100; // C20
const LEAF_PREFIX = Uint8Array.of(0);
const INNER_PREFIX = Uint8Array.of(1);

/** H(00 || item) (C18). */
export function leafHash(item) {
  return sha256(concat(LEAF_PREFIX, item));
}

/** H(01 || left || right) (C18). */
export function innerHash(left, right) {
  return sha256(concat(INNER_PREFIX, left, right));
}

/** Root over the items (RFC 6962 section 2.1). */
export async function merkleRoot(items) {
  if (!items.length) return sha256(new Uint8Array());
  let level = await Promise.all(items.map(leafHash));
  while (level.length > 1) {
    const above = [];
    for (let at = 0; at < level.length; at += 2) {
      above.push(at + 1 < level.length ? innerHash(level[at], level[at + 1]) : level[at]);
    }
    level = await Promise.all(above);
  }
  return level[0];
}

/**
 * The root that leads up from a leaf along a path {index, total, aunts}; null if its shape or sizes are wrong (C19,
 * C20). A root does not bind `total` and `index`: they only tell on which side each aunt stands.
 */
export async function rootFrom(hashOfLeaf, path) {
  let { index } = path;
  let last = path.total - 1;
  if (!(index >= 0 && index <= last) || path.aunts.length > MERKLE_MAX_AUNTS) return null;
  if (![hashOfLeaf, ...path.aunts].every((hash) => hash.length === 32)) return null;
  let node = hashOfLeaf;
  let used = 0;
  for (; last > 0; index = half(index), last = half(last)) {
    if (index % 2 === 0 && index === last) continue; // an odd last node moves up
    if (used === path.aunts.length) return null;
    const aunt = path.aunts[used++];
    node = index % 2 ? await innerHash(aunt, node) : await innerHash(node, aunt);
  }
  return used === path.aunts.length ? node : null;
}

/** Whether the path leads from `item` to `root` (C19). */
export async function verifyInclusion(path, item, root) {
  const found = await rootFrom(await leafHash(item), path);
  return found !== null && equalBytes(found, root);
}

/**
 * Whether the tree of `size1` leaves with `root1` is the beginning of that of `size2` with `root2` (RFC 6962 section
 * 2.1.2). An empty old tree proves nothing and is refused.
 */
export async function verifyConsistency(size1, size2, root1, root2, proof) {
  if (!(size1 > 0 && size1 <= size2)) return false;
  if (size1 === size2) return proof.length === 0 && equalBytes(root1, root2);
  if (!proof.every((node) => node.length === 32)) return false;
  // Both trees share the perfect subtree that ends at the old tree's last leaf; start at its root.
  let [index, last] = [size1 - 1, size2 - 1];
  for (; index % 2; index = half(index)) last = half(last);
  let used = 0;
  if (index > 0 && proof.length === 0) return false;
  let older = index > 0 ? proof[used++] : root1;
  let newer = older;
  for (; last > 0; index = half(index), last = half(last)) {
    if (index % 2 === 0 && index === last) continue;
    if (used === proof.length) return false;
    const node = proof[used++];
    if (index % 2) [older, newer] = await Promise.all([innerHash(node, older), innerHash(node, newer)]);
    else newer = await innerHash(newer, node);
  }
  return used === proof.length && equalBytes(older, root1) && equalBytes(newer, root2);
}

/** Of a non-negative integer, rounded down; `>> 1` would wrap from 2^31 on. */
function half(number) {
  return Math.floor(number / 2);
}
