"""RFC 6962 Merkle trees, as CometBFT uses them: roots, proofs, logs and trees that change (C18 to C21).

A tree of n > 1 leaves splits at the largest power of two below n. Seen from below: pair the nodes of a level
from the left, and let an odd last one move up as it is. All code here works that way, level by level.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, Self, TypeAlias

from mvchain.core import codec
from mvchain.core.errors import BadProof, BrokenStorage, MvchainError
from mvchain.core.hashing import EMPTY_HASH
from mvchain.core.limits import MAX_AUNTS
from mvchain.core.proto import Reader, bytes_field, message_field, varint_field
from mvchain.core.types import Hash

EMPTY_ROOT = EMPTY_HASH
"""Root of the tree without leaves (C18)."""

GROUP_LEVELS = 6
"""Levels of a group. The roots of perfect subtrees of 64, 64^2, 64^3... leaves are what is stored of a long log: a
proof then reads a few groups instead of the whole log (performance P3), at half a byte a leaf."""
GROUP = 1 << GROUP_LEVELS

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


SubtreeRoot: TypeAlias = Callable[[int, int], Hash]
"""The root over the leaves from one index to before another, where these are a subtree (`_split`)."""


def _split(size: int) -> int:
    """Leaves of the left subtree: the largest power of two below `size` (C18)."""
    return 1 << (size - 1).bit_length() - 1


def root_in(leaf_hashes: Sequence[Hash]) -> SubtreeRoot:
    """The roots of subtrees of a tree whose leaves are all at hand."""
    return lambda start, stop: root_of_leaf_hashes(leaf_hashes[start:stop])


def inclusion_proof(root_of: SubtreeRoot, index: int, size: int) -> Proof:
    """Proof of leaf `index` in the tree of the first `size` leaves (RFC 6962 §2.1.1)."""
    assert 0 <= index < size, (index, size)
    aunts: list[Hash] = []
    start, stop = 0, size
    while stop - start > 1:
        split = start + _split(stop - start)
        if index < split:
            aunts.append(root_of(split, stop))
            stop = split
        else:
            aunts.append(root_of(start, split))
            start = split
    return Proof(size, index, root_of(start, stop), tuple(reversed(aunts)))


def prove(items: Sequence[bytes], index: int) -> Proof:
    """Proof that `items[index]` is in the tree over `items`."""
    return inclusion_proof(root_in([leaf_hash(item) for item in items]), index, len(items))


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

    __slots__ = ("_finished", "_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[Hash] = []
        self._finished: list[tuple[int, int, Hash]] = []

    def append(self, leaf_hash: Hash) -> None:
        """Adds one leaf, already hashed."""
        sha, peaks = sha256, self._peaks
        node: bytes = leaf_hash
        index, level = self.size, 0
        while index & 1:
            node = sha(b"\x01" + peaks.pop() + node).digest()
            index >>= 1
            level += 1
            if level % GROUP_LEVELS == 0:
                self._finished.append((level, index, Hash(node)))
        peaks.append(Hash(node))
        self.size += 1

    def take_finished(self) -> list[tuple[int, int, Hash]]:
        """Level, index and root of the subtrees of 64, 64^2... leaves that became full since the last call."""
        finished, self._finished = self._finished, []
        return finished

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


def consistency_proof(root_of: SubtreeRoot, size1: int, size2: int) -> tuple[Hash, ...]:
    """Proof that the first `size1` leaves are the beginning of the first `size2` (RFC 6962 §2.1.2)."""
    assert 0 < size1 <= size2, (size1, size2)
    proof: list[Hash] = []
    start, stop = 0, size2
    whole = True
    # Down from the root of the new tree to the subtree that ends where the old tree ends.
    while size1 < stop:
        split = start + _split(stop - start)
        if size1 <= split:
            proof.append(root_of(split, stop))
            stop = split
        else:
            proof.append(root_of(start, split))
            start = split
            whole = False
    if not whole:
        proof.append(root_of(start, stop))
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


class _Node(NamedTuple):
    hash: Hash
    left: "_Node | None" = None
    right: "_Node | None" = None

    def children(self) -> "tuple[_Node, _Node]":
        assert self.left is not None
        assert self.right is not None
        return self.left, self.right


class Tree:
    """An immutable tree in memory. A changed one shares with it all nodes but one path, so old ones cost little."""

    __slots__ = ("_top", "size")

    def __init__(self, leaf_hashes: Iterable[Hash] = ()) -> None:
        nodes = [_Node(leaf) for leaf in leaf_hashes]
        self.size = len(nodes)
        while len(nodes) > 1:
            pairs = iter(nodes)
            above = [_parent(left, right) for left, right in zip(pairs, pairs, strict=False)]
            nodes = above + nodes[-1:] if len(nodes) % 2 else above
        self._top = nodes[0] if nodes else _Node(EMPTY_ROOT)

    def root(self) -> Hash:
        """Root over all leaves."""
        return self._top.hash

    def prove(self, index: int) -> Proof:
        """Proof that leaf `index`, from 0, is in the tree."""
        self._check(index)
        aunts: list[Hash] = []
        node, place, size = self._top, index, self.size
        while size > 1:
            left, right = node.children()
            split = _split(size)
            if place < split:
                aunts.append(right.hash)
                node, size = left, split
            else:
                aunts.append(left.hash)
                node, place, size = right, place - split, size - split
        return Proof(self.size, index, node.hash, tuple(reversed(aunts)))

    def replaced(self, index: int, leaf_hash: Hash) -> "Tree":
        """The tree with another leaf at `index`."""
        self._check(index)
        return self._with(_replaced(self._top, self.size, index, leaf_hash), self.size)

    def appended(self, leaf_hash: Hash) -> "Tree":
        """The tree with one more leaf at the end."""
        top = _appended(self._top, self.size, leaf_hash) if self.size else _Node(leaf_hash)
        return self._with(top, self.size + 1)

    def shortened(self) -> "Tree":
        """The tree without its last leaf."""
        self._check(0)
        top = _shortened(self._top, self.size) if self.size > 1 else _Node(EMPTY_ROOT)
        return self._with(top, self.size - 1)

    def _with(self, top: _Node, size: int) -> "Tree":
        tree = Tree()
        tree._top, tree.size = top, size
        return tree

    def _check(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} of {self.size}")


def _parent(left: _Node, right: _Node) -> _Node:
    return _Node(inner_hash(left.hash, right.hash), left, right)


def _replaced(node: _Node, size: int, index: int, leaf_hash: Hash) -> _Node:
    if size == 1:
        return _Node(leaf_hash)
    left, right = node.children()
    split = _split(size)
    if index < split:
        return _parent(_replaced(left, split, index, leaf_hash), right)
    return _parent(left, _replaced(right, size - split, index - split, leaf_hash))


def _appended(node: _Node, size: int, leaf_hash: Hash) -> _Node:
    if size & (size - 1) == 0:  # a perfect tree: it becomes the left half
        return _parent(node, _Node(leaf_hash))
    left, right = node.children()
    return _parent(left, _appended(right, size - _split(size), leaf_hash))


def _shortened(node: _Node, size: int) -> _Node:
    left, right = node.children()
    split = _split(size)
    return left if size - 1 == split else _parent(left, _shortened(right, size - split))
