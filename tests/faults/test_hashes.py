"""What is hashed or signed is covered by its hash in whole (faults ATK14, ATK34, ATK35)."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import merkle
from mvchain.core.hashing import EMPTY_HASH, sha256
from mvchain.core.merkle import Proof
from mvchain.core.types import Hash
from mvchain.ledger import transactions
from mvchain.ledger.blocks import Commit, Header
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.genesis import Genesis, GenesisAgency
from mvchain.ledger.state_tree import ProofOp, StateTree, record_key, verify_state_proof
from mvchain.ledger.validators import ValidatorSet
from tests.faults.structures import changed, ledger_classes, make

KEPT_AT_HOME = frozenset({"BlockGroups", "PollWork"})
"""Written by a node for itself; no hash that anybody else checks is over them."""
HASHED = [cls for cls in ledger_classes() if hasattr(cls, "encode") and cls.__name__ not in KEPT_AT_HOME]


def name_of(value: type) -> str:
    return value.__name__


@pytest.mark.parametrize("cls", HASHED, ids=name_of)
def test_atk14_every_field_of_a_hashed_structure_changes_its_bytes(cls: type) -> None:
    """faults ATK14: a field that the writer skips lets two different things have one hash."""
    value = make(cls)
    seen = {value.encode()}
    others = list(changed(value))
    assert len(others) >= len(fields(cls)) - 3  # three at most are worked out from the rest
    for other in others:
        encoded = other.encode()
        assert encoded not in seen, other
        seen.add(encoded)


def test_atk14_the_structures_that_blocks_and_proofs_rest_on_are_among_them() -> None:
    """faults ATK14: the search for hashed structures finds the ones that everything rests on."""
    found = {cls.__name__ for cls in HASHED}
    assert found >= {"Header", "CommitSig", "TxResult", "Validator", "DuplicateEndorsementEvidence", "Genesis"}
    assert found >= {"Chain", "Agency", "Poll", "Roll", "Tally"}


@pytest.mark.parametrize("payload", get_args(transactions.Payload), ids=name_of)
def test_atk14_every_field_of_a_payload_changes_what_is_signed(payload: type) -> None:
    """faults ATK14: the same for what a voter, operator or agency signs."""
    value = make(payload)
    seen = {transactions.encode_payload(value)}
    for other in changed(value):
        encoded = transactions.encode_payload(other)
        assert encoded not in seen, other
        seen.add(encoded)


@pytest.mark.parametrize(
    ("cls", "unsigned"),
    [(Endorsement, {"address", "index", "signature"}), (Proposal, {"signature"}), (GenesisAgency, {"proofs"})],
)
def test_atk14_sign_bytes_leave_out_nothing_but_who_signs(cls: type, unsigned: set[str]) -> None:
    """faults ATK14: two messages with the same bytes to sign would share one signature."""
    value = make(cls)
    for other in changed(value):
        differing = {f.name for f in fields(cls) if getattr(value, f.name) != getattr(other, f.name)}
        same = other.sign_bytes("chain") == value.sign_bytes("chain")
        assert same == (differing <= unsigned), differing
    assert value.sign_bytes("chain") != value.sign_bytes("chaim")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.data())
def test_atk14_nothing_slides_between_the_parts_of_what_a_transaction_signs(
    genesis: bytes, context: bytes, payload: bytes, data: st.DataObject
) -> None:
    """faults ATK14: genesis, context and payload cannot lend each other bytes."""
    parts = [genesis, context, payload]
    at = data.draw(st.integers(0, 2))
    others = list(parts)
    others[at] = data.draw(
        st.binary(min_size=len(parts[at]), max_size=len(parts[at])).filter(lambda b: b != parts[at])
        if parts[at]
        else st.just(b"x")
    )
    assert transactions.sign_bytes(*map(Hash, parts)) != transactions.sign_bytes(*map(Hash, others))


@pytest.mark.parametrize("cls", [ValidatorSet, Genesis], ids=name_of)
def test_atk14_hashes_that_are_worked_out_once_cover_every_field(cls: type) -> None:
    """faults ATK14: the set hash and the genesis hash follow each change."""
    value = make(cls)
    for other in changed(value):
        if other != value:  # a set in another order is the same set
            assert other.hash != value.hash, other


def test_atk14_every_field_of_a_header_and_of_a_commit_entry_changes_the_hash_that_is_signed() -> None:
    """faults ATK14: a block's hash is over leaves that are written apart from its bytes."""
    header: Header = make(Header)
    seen = {header.hash()}
    for other in changed(header):
        assert other.hash() not in seen, other
        seen.add(other.hash())
    commit: Commit = make(Commit)
    for entries in changed(commit.signatures):
        assert replace(commit, signatures=entries).hash() != commit.hash()


Leaves = st.lists(st.binary(max_size=3), min_size=1, max_size=12)


@given(Leaves, st.data())
def test_atk14_a_root_changes_with_each_leaf_with_their_order_and_their_number(
    leaves: list[bytes], data: st.DataObject
) -> None:
    """faults ATK14: no leaf is skipped, none counts for two, as the last one does in some trees."""
    root = merkle.root(leaves)
    at = data.draw(st.integers(0, len(leaves) - 1))
    others: list[Sequence[bytes]] = [
        [*leaves[:at], leaves[at] + b"x", *leaves[at + 1 :]],
        [*leaves[:at], *leaves[at + 1 :]],
        [*leaves, leaves[-1]],
        [*leaves, b""],
        [*leaves[:at], leaves[at], leaves[at], *leaves[at + 1 :]],
    ]
    others += [list(reversed(leaves))] if leaves != leaves[::-1] else []
    assert all(merkle.root(other) != root for other in others)


STORES = ("agencies", "chain", "polls")
Records = st.fixed_dictionaries({store: st.lists(st.binary(max_size=4), max_size=4) for store in STORES})


@given(Records, st.sampled_from(STORES), st.data())
def test_atk14_the_app_hash_changes_with_each_record(
    records: dict[str, list[bytes]], store: str, data: st.DataObject
) -> None:
    """faults ATK14: content, number and store of each record of the state are in the app hash."""
    app_hash = StateTree(records).app_hash
    for other in _other_records(records, store, data):
        assert StateTree(other).app_hash != app_hash


def _other_records(records: dict[str, list[bytes]], store: str, data: st.DataObject) -> list[dict[str, list[bytes]]]:
    held = records[store]
    found = [{**records, store: [*held, b""]}]
    if held:
        at = data.draw(st.integers(0, len(held) - 1))
        found.append({**records, store: [*held[:at], held[at] + b"x", *held[at + 1 :]]})
        found.append({**records, store: held[:-1]})
        other = STORES[STORES.index(store) - 1]
        found.append({**records, store: held[:-1], other: [*records[other], held[-1]]})
    return found


# --- empty trees ---


ITEM = b"ballot"
NO_ROOTS = (b"", EMPTY_HASH, merkle.leaf_hash(b""), bytes(32), sha256(b"\x00"))
"""What stands for nothing: no bytes, the root of no leaves, an empty leaf, zeros."""


@pytest.mark.parametrize("root", NO_ROOTS, ids=bytes.hex)
def test_atk34_an_empty_root_proves_nothing(root: bytes) -> None:
    """faults ATK34: a verifier that has no root yet must not find a proof that leads there."""
    for item in (ITEM, b""):
        if merkle.leaf_hash(item) == root:
            continue
        for leaf in (merkle.leaf_hash(item), b"", bytes(32), root):
            for aunts in ((), (b"",), (root,), (EMPTY_HASH,)):
                for total in (0, 1, 2):
                    assert not merkle.verify_inclusion(Proof(total, 0, leaf, aunts), root, item)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_atk34_hashes_of_another_length_lead_nowhere(size: int) -> None:
    """faults ATK34: a hash that is too short or too long is refused before it is hashed."""
    other = bytes(size)
    assert merkle.root_from(Proof(1, 0, other, ())) is None
    assert merkle.root_from(Proof(2, 0, bytes(32), (other,))) is None
    assert not merkle.verify_consistency(1, 2, bytes(32), merkle.inner_hash(bytes(32), other), (other,))


def test_atk34_consistency_from_size_0_is_refused() -> None:
    """faults ATK34: everything follows from nothing, so nothing is no beginning to prove."""
    root = merkle.root([ITEM])
    for first in NO_ROOTS:
        assert not merkle.verify_consistency(0, 1, first, root, ())
        assert not merkle.verify_consistency(0, 0, first, first, ())
        assert not merkle.verify_consistency(-1, 1, first, root, ())
    assert merkle.verify_consistency(1, 1, root, root, ())


def test_atk34_a_state_proof_against_an_empty_app_hash_is_refused() -> None:
    """faults ATK34: the same for records of the state."""
    tree = StateTree({"chain": [b"record"]})
    proof = tree.prove("chain", 1)
    assert verify_state_proof(tree.app_hash, "chain", record_key(1), b"record", proof)
    for root in NO_ROOTS:
        assert not verify_state_proof(root, "chain", record_key(1), b"record", proof)
        assert not verify_state_proof(root, "chain", record_key(1), b"record", ())


# --- proofs ---


def test_atk35_no_field_of_a_state_proof_goes_unhashed() -> None:
    """faults ATK35: in a forged range proof one field was never hashed, and it carried the lie."""
    tree = StateTree({"agencies": [b"a", b"b", b"c"], "chain": [b"chain"], "polls": [b"p", b"q"]})
    proof = tree.prove("agencies", 2)

    def good(ops: Sequence[ProofOp], number: int = 2, value: bytes = b"b", store: str = "agencies") -> bool:
        return verify_state_proof(tree.app_hash, store, record_key(number), value, ops)

    assert good(proof)
    assert not good(proof, value=b"a")
    assert not good(proof, number=1)
    assert not good(proof, store="polls")
    assert not good(proof[::-1])
    assert not good((*proof, proof[1]))
    for at, op in enumerate(proof):
        for other in changed(op):
            altered = (*proof[:at], other, *proof[at + 1 :])
            if _differs_in_total_alone(op, other):
                continue  # a root does not bind it (C19), and nothing reads it: the key says which record it is
            assert not good(altered), (at, other)


def _differs_in_total_alone(op: ProofOp, other: ProofOp) -> bool:
    return other == ProofOp(op.key, Proof(other.proof.total, op.proof.index, op.proof.leaf_hash, op.proof.aunts))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_atk04_a_proof_for_one_place_is_no_proof_for_another(size: int) -> None:
    """faults ATK04: the place in a proof is the place of the item, or a good part would pass as its neighbour."""
    items = [bytes((i,)) for i in range(size)]
    root = merkle.root(items)
    for index, item in enumerate(items):
        proof = merkle.prove(items, index)
        for claimed in range(-1, size + 1):
            moved = Proof(size, claimed, proof.leaf_hash, proof.aunts)
            assert merkle.verify_inclusion(moved, root, item) == (claimed == index)
    for one, two in pairwise(range(size)):
        assert not merkle.verify_inclusion(merkle.prove(items, one), root, items[two])
