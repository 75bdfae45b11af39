"""The state tree and its proofs: CometBFT's two-level `simple` tree (ledger L9, C141 to C149).

Each store holds the records 1, 2, 3... under their numbers as 8 bytes big-endian, so the order of the keys is
that of the numbers: a changed record is a path update, a new one an append. The upper tree is over the names
of the stores and their roots.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from mvchain.core import codes
from mvchain.core.errors import BadProof, MvchainError
from mvchain.core.merkle import Proof, Tree, leaf_hash, root_from
from mvchain.core.proto import Reader, bytes_field, message_field, varint
from mvchain.core.types import Hash

STORES = ("agencies", "chain", "evidence", "governance", "polls", "rolls", "tallies")
"""In the order of the upper tree (C141)."""

PROOF_OP_TYPE = "simple:v"


def record_key(number: int) -> bytes:
    """Key of record `number` in its store; never begins with `x:` (C146)."""
    return number.to_bytes(8, "big")


def pair_item(key: bytes, value: bytes) -> bytes:
    """Leaf item of a key and value (C142)."""
    return varint(len(key)) + key + b"\x20" + sha256(value).digest()


@dataclass(frozen=True, slots=True)
class ProofOp:
    """One operator of a state proof, type `simple:v` (C143): the key and its inclusion in one tree."""

    key: bytes
    proof: Proof

    def encode_data(self) -> bytes:
        """The `data` of the operator: key and proof as protobuf (C143)."""
        return bytes_field(1, self.key) + message_field(2, self.proof.encode())

    @classmethod
    def decode_data(cls, key: bytes, data: bytes, error: type[MvchainError] = BadProof) -> "ProofOp":
        """An operator from its key and `data`, strict (C15); the two keys must agree. Raises `error`."""
        reader = Reader(data, "the state proof", error)
        inner_key = reader.bytes(1)
        proof = Proof.decode(reader.message(2), "the state proof", error)
        reader.end()
        # The verifier of C143 ignores the inner key; a field that nothing reads could be altered unseen.
        if inner_key != key:
            raise error(codes.MALFORMED, what="the state proof", why="its two keys differ")
        return cls(key, proof)


def verify_state_proof(app_hash: bytes, store: str, key: bytes, value: bytes, untrusted: Sequence[ProofOp]) -> bool:
    """Whether `value` is under `key` in the store of the state with this app hash (C144). Never raises.

    `app_hash` of header H + 1 is the state after block H (C148).
    """
    if [op.key for op in untrusted] != [key, store.encode()]:
        return False
    for op in untrusted:
        root = root_from(op.proof)
        if root is None or op.proof.leaf_hash != leaf_hash(pair_item(op.key, value)):
            return False
        value = root
    return value == app_hash


class StateTree:
    """The whole two-level tree in memory, immutable: one that a block changes shares with it what stays (`Tree`)."""

    __slots__ = ("_stores", "_upper")

    def __init__(self, records: Mapping[str, Iterable[bytes]]) -> None:
        """From the values of each store's records 1, 2, 3...; stores that are not named are empty."""
        assert set(records) <= set(STORES), records
        self._stores = {
            store: Tree(_record_leaf(n, value) for n, value in enumerate(records.get(store, ()), 1)) for store in STORES
        }
        self._upper = Tree(_store_leaf(store, self._stores[store].root()) for store in STORES)

    @property
    def app_hash(self) -> Hash:
        """Root of the upper tree (C141)."""
        return self._upper.root()

    def size(self, store: str) -> int:
        """How many records a store has."""
        return self._stores[store].size

    def changed(self, records: Mapping[str, Mapping[int, bytes | None]]) -> "StateTree":
        """The tree with these values, by store and number: replaced, added at the end, or (None) removed from there."""
        tree = StateTree.__new__(StateTree)
        tree._stores, tree._upper = dict(self._stores), self._upper
        for store, values in records.items():
            changed = self._stores[store]
            for number in sorted(number for number, value in values.items() if value is None)[::-1]:
                assert number == changed.size, (store, number)
                changed = changed.shortened()
            for number, value in sorted(values.items()):
                if value is None:
                    continue
                assert number <= changed.size + 1, (store, number)
                leaf = _record_leaf(number, value)
                changed = changed.replaced(number - 1, leaf) if number <= changed.size else changed.appended(leaf)
            tree._stores[store] = changed
            tree._upper = tree._upper.replaced(STORES.index(store), _store_leaf(store, changed.root()))
        return tree

    def prove(self, store: str, number: int) -> tuple[ProofOp, ProofOp]:
        """Proof of record `number`: its place in the store, the store's place in the state (C144)."""
        return (
            ProofOp(record_key(number), self._stores[store].prove(number - 1)),
            ProofOp(store.encode(), self._upper.prove(STORES.index(store))),
        )


def _record_leaf(number: int, value: bytes) -> Hash:
    return leaf_hash(pair_item(record_key(number), value))


def _store_leaf(store: str, root: Hash) -> Hash:
    return leaf_hash(pair_item(store.encode(), root))
