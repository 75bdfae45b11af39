"""The state tree: the spec's example, updates by path against rebuilt trees, proofs that hold and that do not."""

import base64
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BadProof
from mvchain.core.merkle import Proof, leaf_hash, root
from mvchain.ledger.state_tree import STORES, ProofOp, StateTree, pair_item, record_key, verify_state_proof

RECORDS = {"agencies": [b"a1", b"a2"], "chain": [b"c"], "polls": [b"p1", b"p2", b"p3"], "tallies": [b"", b"t", b""]}


def rebuilt_app_hash(records: dict[str, list[bytes]]) -> bytes:
    """C141 and C142 spelled out, over all records at once."""

    def item(key: bytes, value: bytes) -> bytes:
        return bytes([len(key)]) + key + bytes([32]) + sha256(value).digest()

    names = ["agencies", "chain", "evidence", "governance", "polls", "rolls", "tallies"]
    upper = []
    for name in names:
        pairs = [(n.to_bytes(8, "big"), value) for n, value in enumerate(records.get(name, []), 1)]
        upper.append(item(name.encode(), root([item(*pair) for pair in pairs])))
    return root(upper)


def test_the_example_of_the_specification(shared_dir: Path) -> None:
    vector = json.loads((shared_dir / "vectors/cometbft/abci_query_proof_derived.json").read_text())
    key, value = bytes.fromhex(vector["key"]), bytes.fromhex(vector["value"])
    ops = []
    for op in vector["proofOps"]["ops"]:
        assert op["type"] == "simple:v"
        data = base64.b64decode(op["data"])
        decoded = ProofOp.decode_data(base64.b64decode(op["key"]), data)
        assert decoded.encode_data() == data
        ops.append(decoded)
    app_hash = bytes.fromhex(vector["app_hash"])
    assert verify_state_proof(app_hash, "votes", key, value, ops)
    assert not verify_state_proof(app_hash, "votes", key, b"A", ops)
    assert ops[0].proof.leaf_hash == leaf_hash(pair_item(key, value))
    items = [pair_item(k.encode(), v.encode()) for k, v in vector["kv"].items()]
    assert root(items).hex() == vector["store_root"]


def test_stores_are_in_the_order_of_their_names() -> None:
    assert list(STORES) == sorted(STORES)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["agencies", "polls", "rolls"]),
            st.tuples(st.sets(st.integers(0, 30)), st.integers(0, 3)),
        ),
        max_size=8,
    )
)
def test_updating_by_path_equals_rebuilding(blocks: list[dict[str, tuple[set[int], int]]]) -> None:
    records: dict[str, list[bytes]] = {}
    tree = StateTree({})
    assert tree.app_hash == rebuilt_app_hash({})
    for number, changes in enumerate(blocks):
        update: dict[str, dict[int, bytes]] = {}
        for store, (touched, added) in changes.items():
            values = records.setdefault(store, [])
            numbers = {n % len(values) for n in touched} if values else set()
            values += [b""] * added
            numbers |= set(range(len(values) - added, len(values)))
            for index in numbers:
                values[index] = b"%d/%d" % (number, index)
            update[store] = {index + 1: values[index] for index in numbers}
        before = tree.app_hash
        changed = tree.changed(update)
        assert tree.app_hash == before
        tree = changed
        assert tree.app_hash == rebuilt_app_hash(records)
    assert StateTree(records).app_hash == tree.app_hash


def test_nothing_changed_is_the_same_app_hash() -> None:
    tree = StateTree(RECORDS)
    assert tree.changed({}).app_hash == tree.app_hash
    assert tree.changed({"polls": {2: b"p2"}}).app_hash == tree.app_hash
    assert tree.changed({"polls": {2: b"p!"}}).app_hash != tree.app_hash


def test_numbers_leave_no_gap() -> None:
    with pytest.raises(AssertionError):
        StateTree(RECORDS).changed({"polls": {5: b"p5"}})


def test_every_record_is_proved() -> None:
    tree = StateTree(RECORDS)
    for store, values in RECORDS.items():
        for n, value in enumerate(values, 1):
            ops = tree.prove(store, n)
            assert verify_state_proof(tree.app_hash, store, record_key(n), value, ops)
            sent = [ProofOp.decode_data(op.key, op.encode_data()) for op in ops]
            assert verify_state_proof(tree.app_hash, store, record_key(n), value, sent)


def _mutations(proof: Proof) -> list[Proof]:
    flipped = bytes([proof.leaf_hash[0] ^ 1]) + proof.leaf_hash[1:]
    return [
        replace(proof, leaf_hash=flipped),
        replace(proof, leaf_hash=b""),
        replace(proof, index=proof.index + 1),
        replace(proof, index=-1),
        replace(proof, total=0),
        replace(proof, total=proof.total * 4),
        replace(proof, aunts=proof.aunts[1:]),
        replace(proof, aunts=(*proof.aunts, bytes(32))),
        replace(proof, aunts=tuple(reversed(proof.aunts)), index=proof.index ^ 1),
    ]


def test_altered_proofs_do_not_hold() -> None:
    tree = StateTree(RECORDS)
    key, value = record_key(2), b"p2"
    lower, upper = tree.prove("polls", 2)

    def holds(*ops: ProofOp, store: str = "polls", key: bytes = key, value: bytes = value) -> bool:
        return verify_state_proof(tree.app_hash, store, key, value, ops)

    assert holds(lower, upper)
    assert not any(holds(replace(lower, proof=p), upper) for p in _mutations(lower.proof))
    assert not any(holds(lower, replace(upper, proof=p)) for p in _mutations(upper.proof))
    assert not holds(lower, upper, value=b"p3")
    assert not holds(lower, upper, key=record_key(3))
    assert not holds(replace(lower, key=record_key(3)), upper, key=record_key(3))
    assert not holds(lower, upper, store="rolls")
    assert not holds(lower, replace(upper, key=b"rolls"), store="rolls")
    assert not holds(lower)
    assert not holds(upper, lower)
    assert not holds()
    assert not holds(lower, upper, upper)
    assert not verify_state_proof(bytes(32), "polls", key, value, (lower, upper))
    # A record of one store is none of another, even with the same number and value.
    tallies = tree.prove("tallies", 2)
    assert not holds(tallies[0], upper, value=b"t")


def test_a_proof_with_two_different_keys_is_malformed() -> None:
    lower, _ = StateTree(RECORDS).prove("polls", 2)
    with pytest.raises(BadProof):
        ProofOp.decode_data(record_key(3), lower.encode_data())


@given(st.binary(max_size=200), st.binary(max_size=10))
def test_decoding_gives_a_value_or_our_error(data: bytes, key: bytes) -> None:
    try:
        op = ProofOp.decode_data(key, data)
    except BadProof:
        return
    assert op.encode_data() == data
