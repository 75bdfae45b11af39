"""RFC 6962 Merkle trees, as CometBFT uses them: roots, proofs, logs and trees that change (C18 to C21).

A tree of n > 1 leaves splits at the largest power of two below n. Seen from below: pair the nodes of a level
from the left, and let an odd last one move up as it is. All code here works that way, level by level.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from mvchain.core import codec
from mvchain.core.errors import BadProof, BrokenStorage, MvchainError
from mvchain.core.hashing import EMPTY_HASH
from mvchain.core.limits import MAX_AUNTS
from mvchain.core.proto import Reader, bytes_field, message_field, varint_field
from mvchain.core.types import Hash

EMPTY_ROOT = EMPTY_HASH
"""Root of the tree without leaves (C18)."""

_HASH_BYTES = 32
_MAX_PEAKS = 63


def leaf_hash(item: bytes) -> Hash:
    """Hash of a leaf: H(00 || item) (C18)."""
    return Hash(sha256(b"\x00" + item).digest())


def inner_hash(left: bytes, right: bytes) -> Hash:
    """Hash of an inner node: H(01 || left || right) (C18)."""
    return Hash(sha256(b"\x01" + left + right).digest())


def root(items: Iterable[bytes]) -> Hash:
    """Root over the items (RFC 6962 §2.1)."""
    sha = sha256
    return root_of_leaf_hashes([Hash(sha(b"\x00" + item).digest()) for item in items])


def root_of_leaf_hashes(hashes: Sequence[Hash]) -> Hash:
    """Root of a tree whose leaves are already hashed."""
    if not hashes:
        return EMPTY_ROOT
    level = hashes
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def _level_above(level: Sequence[Hash]) -> list[Hash]:
    sha = sha256
    nodes = iter(level)
    above = [Hash(sha(b"\x01" + left + right).digest()) for left, right in zip(nodes, nodes, strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


# --- inclusion ---


@dataclass(frozen=True, slots=True)
class Proof:
    """Inclusion of one leaf (C19). The root is not part of it, and does not bind `total` by itself."""

    total: int
    index: int
    leaf_hash: bytes
    aunts: tuple[bytes, ...]
    """From the leaf's sibling up to the child of the root."""

    def encode(self) -> bytes:
        """Protobuf (C21)."""
        head = varint_field(1, self.total) + varint_field(2, self.index) + bytes_field(3, self.leaf_hash)
        return head + b"".join([message_field(4, aunt) for aunt in self.aunts])

    @classmethod
    def decode(cls, data: bytes, what: str = "the proof", error: type[MvchainError] = BadProof) -> Self:
        """The reverse of `encode`, strict (C15); raises `error`. Its values are checked on use (C20)."""
        reader = Reader(data, what, error)
        proof = cls(reader.int64(1), reader.int64(2), reader.bytes(3), reader.messages(4, MAX_AUNTS))
        reader.end()
        return proof


def prove(items: Sequence[bytes], index: int) -> Proof:
    """Proof that `items[index]` is in the tree over `items`."""
    return prove_leaf_hashes([leaf_hash(item) for item in items], index)


def prove_leaf_hashes(hashes: Sequence[Hash], index: int) -> Proof:
    """The same for leaves that are already hashed. Hashes the whole tree; `Tree.prove` does not."""
    return Tree(hashes).prove(index)


def root_from(proof: Proof) -> Hash | None:
    """The root that the proof leads to; None if its shape or sizes are wrong (C19, C20)."""
    index, last = proof.index, proof.total - 1
    if not 0 <= index <= last or len(proof.aunts) > MAX_AUNTS:
        return None
    if len(proof.leaf_hash) != _HASH_BYTES or any(len(aunt) != _HASH_BYTES for aunt in proof.aunts):
        return None
    node = Hash(proof.leaf_hash)
    aunts = iter(proof.aunts)
    while last:
        if index % 2 or index < last:
            aunt = next(aunts, None)
            if aunt is None:
                return None
            node = inner_hash(aunt, node) if index % 2 else inner_hash(node, aunt)
        index >>= 1
        last >>= 1
    return node if next(aunts, None) is None else None


def verify_inclusion(proof: Proof, root: bytes, item: bytes) -> bool:
    """Whether the proof shows `item` in the tree with this root (C19). Never raises.

    An empty root shows nothing (advisory VSA-2022-100).
    """
    return proof.leaf_hash == leaf_hash(item) and root_from(proof) == root


# --- append-only logs ---


class CompactRange:
    """A log that only grows, as the roots of its perfect subtrees: O(log n) memory, O(1) hashes an append."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[Hash] = []

    def append(self, leaf_hash: Hash) -> None:
        """Adds one leaf, already hashed."""
        sha, peaks = sha256, self._peaks
        node: bytes = leaf_hash
        size = self.size
        while size & 1:
            node = sha(b"\x01" + peaks.pop() + node).digest()
            size >>= 1
        peaks.append(Hash(node))
        self.size += 1

    def root(self) -> Hash:
        """Root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        *rest, node = self._peaks
        for peak in reversed(rest):
            node = inner_hash(peak, node)
        return node

    def copy(self) -> "CompactRange":
        """Another one with the same leaves, which grows by itself."""
        twin = CompactRange()
        twin.size = self.size
        twin._peaks = self._peaks.copy()
        return twin

    def encode(self) -> bytes:
        """Canonical msgpack: [size, peaks one after the other]."""
        return codec.encode((self.size, b"".join(self._peaks)))

    @classmethod
    def decode(
        cls, data: bytes, what: str = "the record of a log", error: type[MvchainError] = BrokenStorage
    ) -> "CompactRange":
        """The reverse of `encode`; raises `error`."""
        value = codec.decode(data, what, max_bytes=16 + _MAX_PEAKS * _HASH_BYTES, error=error)
        fields = codec.Fields(value, 2, what, error)
        found = cls()
        found.size = fields.int(0, "size", 0, (1 << _MAX_PEAKS) - 1)
        peaks = fields.bytes(1, "peaks", found.size.bit_count() * _HASH_BYTES)
        found._peaks = [Hash(peaks[at : at + _HASH_BYTES]) for at in range(0, len(peaks), _HASH_BYTES)]
        return found


def consistency_proof(leaf_hashes: Sequence[Hash], size1: int, size2: int) -> tuple[Hash, ...]:
    """Proof that the first `size1` leaves are the beginning of the first `size2` (RFC 6962 §2.1.2)."""
    assert 0 < size1 <= size2 <= len(leaf_hashes), (size1, size2, len(leaf_hashes))
    proof: list[Hash] = []
    start, stop = 0, size2
    whole = True
    # Down from the root of the new tree to the subtree that ends where the old tree ends.
    while size1 < stop:
        split = start + (1 << (stop - start - 1).bit_length() - 1)
        if size1 <= split:
            proof.append(root_of_leaf_hashes(leaf_hashes[split:stop]))
            stop = split
        else:
            proof.append(root_of_leaf_hashes(leaf_hashes[start:split]))
            start = split
            whole = False
    if not whole:
        proof.append(root_of_leaf_hashes(leaf_hashes[start:stop]))
    return tuple(reversed(proof))


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `size1` leaves with `root1` is a prefix of that of `size2` with `root2`.

    Never raises. An empty old tree proves nothing and is refused.
    """
    if not 0 < size1 <= size2:
        return False
    if size1 == size2:
        return not proof and root1 == root2
    if any(len(node) != _HASH_BYTES for node in proof):
        return False
    nodes = iter(proof)
    # Both trees share the perfect subtree that ends at the old tree's last leaf; start at its root.
    shared_levels = (size1 & -size1).bit_length() - 1
    index, last = size1 - 1 >> shared_levels, size2 - 1 >> shared_levels
    first = next(nodes, None) if index else root1
    if first is None:
        return False
    old = new = first
    while last:
        if index % 2 or index < last:
            node = next(nodes, None)
            if node is None:
                return False
            if index % 2:
                old, new = inner_hash(node, old), inner_hash(node, new)
            else:
                new = inner_hash(new, node)
        index >>= 1
        last >>= 1
    return next(nodes, None) is None and old == root1 and new == root2


# --- trees that change ---


@dataclass(frozen=True, slots=True)
class TreeChange:
    """What a set of updates and appends makes of one tree: for `Tree.apply`."""

    root: Hash
    size: int
    root_before: Hash
    nodes: tuple[Mapping[int, Hash], ...]
    """New nodes by level, leaves first, and index."""


class Tree:
    """A whole tree in memory, level by level: 64 bytes a leaf; any change costs O(log n) hashes a leaf."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[Hash] = ()) -> None:
        self._levels: list[list[Hash]] = [list(leaf_hashes)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_level_above(self._levels[-1]))

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def root(self) -> Hash:
        """Root over all leaves."""
        return self._levels[-1][0] if self.size else EMPTY_ROOT

    def leaf(self, index: int) -> Hash:
        """Hash of leaf `index`, from 0."""
        return self._levels[0][self._checked(index)]

    def prove(self, index: int) -> Proof:
        """Proof that leaf `index` is in the tree."""
        leaf = self.leaf(index)
        aunts = []
        place = index
        for level in self._levels[:-1]:
            sibling = place ^ 1
            if sibling < len(level):
                aunts.append(level[sibling])
            place >>= 1
        return Proof(self.size, index, leaf, tuple(aunts))

    def update(self, index: int, leaf_hash: Hash) -> None:
        """Replaces leaf `index`."""
        self.apply(self.with_changes({index: leaf_hash}))

    def append(self, leaf_hash: Hash) -> None:
        """Adds a leaf at the end."""
        self.apply(self.with_changes({}, (leaf_hash,)))

    def with_changes(self, updates: Mapping[int, Hash], appended: Sequence[Hash] = ()) -> TreeChange:
        """What the tree would be with these leaves replaced and those added; it stays as it is itself."""
        changed = {self._checked(index): leaf for index, leaf in updates.items()}
        changed.update(enumerate(appended, self.size))
        size = width = self.size + len(appended)
        nodes = [changed]
        height = 0
        while width > 1 and changed:
            old = self._levels[height] if height < len(self._levels) else []
            above: dict[int, Hash] = {}
            for index in changed:
                parent = index >> 1
                if parent in above:
                    continue
                left = _node(changed, old, parent * 2)
                right = parent * 2 + 1
                above[parent] = inner_hash(left, _node(changed, old, right)) if right < width else left
            changed = above
            nodes.append(changed)
            width = width + 1 >> 1
            height += 1
        return TreeChange(changed.get(0, self.root()), size, self.root(), tuple(nodes))

    def apply(self, change: TreeChange) -> None:
        """Makes a change that was computed from the tree as it is now."""
        assert change.root_before == self.root(), "a change of another state of the tree"
        for height, nodes in enumerate(change.nodes):
            if height == len(self._levels):
                self._levels.append([])
            level = self._levels[height]
            for index in sorted(nodes):
                if index < len(level):
                    level[index] = nodes[index]
                else:
                    level.append(nodes[index])

    def _checked(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} of {self.size}")
        return index


def _node(changed: Mapping[int, Hash], old: Sequence[Hash], index: int) -> Hash:
    found = changed.get(index)
    return old[index] if found is None else found
