"""RFC 6962 trees against the vectors of others and against a recursive twin."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BadProof, BrokenStorage
from mvchain.core.limits import MAX_AUNTS
from mvchain.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    Proof,
    Tree,
    consistency_proof,
    inclusion_proof,
    inner_hash,
    leaf_hash,
    prove,
    root,
    root_from,
    root_in,
    root_of_leaf_hashes,
    verify_consistency,
    verify_inclusion,
)
from mvchain.core.proto import bytes_field, message_field, varint, varint_field
from mvchain.core.types import Hash
from tests.core.helpers import sha, slow_aunts, slow_consistency, slow_root, slow_root_from

SIZES = [*range(34), 63, 64, 65, 100]
LEAVES = [leaf_hash(bytes([n])) for n in range(100)]


def vectors(shared_dir: Path, name: str) -> Any:
    return json.loads((shared_dir / "vectors" / name).read_text())


# --- vectors ---


def test_roots_of_rfc_6962(shared_dir: Path) -> None:
    found = vectors(shared_dir, "rfc6962/rfc6962_roots.json")
    leaves = [bytes.fromhex(leaf) for leaf in found["leaf_inputs_hex"]]
    roots = found["root_hash_hex_by_tree_size"]
    assert len(roots) == 9
    for size in range(9):
        assert root(leaves[:size]).hex() == roots[size]


def test_roots_of_cometbft(shared_dir: Path) -> None:
    found = vectors(shared_dir, "cometbft/merkle.json")
    assert len(found["roots"]) == 7
    for case in found["roots"]:
        leaves = [bytes.fromhex(leaf) for leaf in case["leaves"]]
        assert root(leaves).hex() == case["root"]
    for case in found["inner"]:
        assert inner_hash(bytes.fromhex(case["left"]), bytes.fromhex(case["right"])).hex() == case["hash"]


def hashes(encoded: list[str] | None) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(item) for item in encoded or ())


def test_inclusion_cases(shared_dir: Path) -> None:
    cases = vectors(shared_dir, "rfc6962/inclusion.json")
    assert (len(cases), sum(not case["wantErr"] for case in cases)) == (98, 6)
    for case in cases:
        leaf, wanted = hashes([case["leafHash"], case["root"]])
        found = root_from(Proof(case["treeSize"], case["leafIdx"], leaf, hashes(case["proof"])))
        assert (found is None or found != wanted) is case["wantErr"], case["file"]


def test_consistency_cases(shared_dir: Path) -> None:
    cases = vectors(shared_dir, "rfc6962/consistency.json")
    assert (len(cases), sum(not case["wantErr"] for case in cases)) == (98, 6)
    for case in cases:
        root1, root2 = hashes([case["root1"], case["root2"]])
        good = verify_consistency(case["size1"], case["size2"], root1, root2, hashes(case["proof"]))
        assert good is not case["wantErr"], case["file"]


def test_the_trees_of_c149(shared_dir: Path) -> None:
    case = vectors(shared_dir, "cometbft/abci_query_proof_derived.json")

    def item(key: bytes, value: bytes) -> bytes:  # C142
        return varint(len(key)) + key + varint(32) + sha(value)

    store = sorted(case["kv"].items())
    items = [item(key.encode(), value.encode()) for key, value in store]
    upper = [item(b"validators", sha(b"x")), item(b"votes", bytes.fromhex(case["store_root"]))]
    assert root(items).hex() == case["store_root"]
    assert root(upper).hex() == case["app_hash"]

    key = bytes.fromhex(case["key"])
    index = [name.encode() for name, _ in store].index(key)
    proofs = ((key, prove(items, index)), (b"votes", prove(upper, 1)))
    for (name, proof), op in zip(proofs, case["proofOps"]["ops"], strict=True):
        assert base64.b64decode(op["key"]) == name
        assert base64.b64decode(op["data"]) == bytes_field(1, name) + message_field(2, proof.encode())  # C143
        assert Proof.decode(proof.encode()) == proof


# --- against the twin ---


@pytest.mark.parametrize("size", SIZES)
def test_roots_and_proofs_of_all_leaves(size: int) -> None:
    leaves = LEAVES[:size]
    wanted = slow_root(leaves)
    items = [bytes([n]) for n in range(size)]
    assert root(items) == root(iter(items)) == root_of_leaf_hashes(leaves) == Tree(leaves).root() == wanted
    for index in range(size):
        proof = prove(items, index)
        assert proof == Proof(size, index, leaves[index], tuple(slow_aunts(leaves, index)))
        assert proof == inclusion_proof(root_in(leaves), index, size) == Tree(leaves).prove(index)
        assert verify_inclusion(proof, wanted, items[index])
        assert Proof.decode(proof.encode()) == proof


@given(st.integers(-2, 40), st.integers(-2, 40), st.integers(0, 7))
def test_the_root_of_a_proof_of_any_shape(index: int, total: int, aunts: int) -> None:
    proof = Proof(total, index, LEAVES[0], tuple(LEAVES[1 : 1 + aunts]))
    assert root_from(proof) == slow_root_from(index, total, LEAVES[0], proof.aunts)


@pytest.mark.parametrize("size2", range(1, 20))
def test_consistency_of_all_prefixes(size2: int) -> None:
    leaves = LEAVES[:size2]
    root2 = slow_root(leaves)
    for size1 in range(1, size2 + 1):
        root1 = slow_root(leaves[:size1])
        proof = consistency_proof(root_in(LEAVES), size1, size2)
        assert list(proof) == slow_consistency(leaves, size1)
        assert verify_consistency(size1, size2, root1, root2, proof)
        assert not verify_consistency(size1, size2, root2, root2, proof) or size1 == size2
        assert not verify_consistency(size1, size2, root1, LEAVES[99], proof)
        assert not verify_consistency(size1, size2, root1, root2, (*proof, LEAVES[99]))
        for at in range(len(proof)):
            damaged = (*proof[:at], LEAVES[99], *proof[at + 1 :])
            assert not verify_consistency(size1, size2, root1, root2, damaged)
            assert not verify_consistency(size1, size2, root1, root2, proof[:at] + proof[at + 1 :])
            assert not verify_consistency(size1, size2, root1, root2, (*proof[:at], proof[at][:31], *proof[at + 1 :]))


def test_an_empty_old_tree_proves_nothing() -> None:
    assert not verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())
    assert not verify_consistency(0, 1, EMPTY_ROOT, LEAVES[0], ())
    assert not verify_consistency(2, 1, LEAVES[0], LEAVES[0], ())
    assert verify_consistency(1, 1, LEAVES[0], LEAVES[0], ())


# --- proofs from outside (C20) ---


def test_a_proof_binds_item_root_index_and_aunts() -> None:
    items = [bytes([n]) for n in range(7)]
    top = root(items)
    proof = prove(items, 4)
    assert verify_inclusion(proof, top, items[4])
    assert not verify_inclusion(proof, top, items[5])
    assert not verify_inclusion(proof, EMPTY_ROOT, items[4])
    for index in range(-1, 8):
        assert verify_inclusion(Proof(7, index, proof.leaf_hash, proof.aunts), top, items[4]) is (index == 4)


def test_a_missing_root_is_refused() -> None:
    assert not verify_inclusion(Proof(0, 0, leaf_hash(b""), ()), b"", b"")
    assert not verify_inclusion(Proof(2, 0, leaf_hash(b""), ()), b"", b"")


@pytest.mark.parametrize(
    "proof",
    [
        Proof(0, 0, LEAVES[0], ()),
        Proof(1, 1, LEAVES[0], ()),
        Proof(1, -1, LEAVES[0], ()),
        Proof(-1, 0, LEAVES[0], ()),
        Proof(1, 0, LEAVES[0][:31], ()),
        Proof(1, 0, LEAVES[0] + b"\x00", ()),
        Proof(1, 0, b"", ()),
        Proof(1, 0, LEAVES[0], (LEAVES[1],)),
        Proof(2, 0, LEAVES[0], ()),
        Proof(2, 0, LEAVES[0], (LEAVES[1][:31],)),
        Proof(2, 0, LEAVES[0], (LEAVES[1], LEAVES[2])),
        Proof(2**101, 0, LEAVES[0], (LEAVES[1],) * (MAX_AUNTS + 1)),
    ],
)
def test_a_proof_of_wrong_shape_leads_to_no_root(proof: Proof) -> None:
    assert root_from(proof) is None


def test_the_deepest_tree_that_fits_the_wire() -> None:
    proof = Proof(2**63 - 1, 2**63 - 2, LEAVES[0], tuple(LEAVES[:62]))
    assert Proof.decode(proof.encode()) == proof
    assert root_from(proof) is not None


def test_too_many_aunts_do_not_decode() -> None:
    data = Proof(7, 0, LEAVES[0], (LEAVES[1],) * MAX_AUNTS).encode()
    assert len(Proof.decode(data).aunts) == MAX_AUNTS
    with pytest.raises(BadProof):
        Proof.decode(data + message_field(4, LEAVES[1]))


def test_a_proof_on_the_wire_is_c21() -> None:
    proof = Proof(3, 1, LEAVES[0], (LEAVES[1], b""))
    wanted = varint_field(1, 3) + varint_field(2, 1) + bytes_field(3, LEAVES[0])
    assert proof.encode() == wanted + message_field(4, LEAVES[1]) + b"\x22\x00"


@given(st.binary(max_size=80))
def test_any_bytes_give_a_proof_or_our_error(data: bytes) -> None:
    try:
        proof = Proof.decode(data)
    except BadProof:
        return
    assert proof.encode() == data
    root_from(proof)
    assert not verify_inclusion(proof, EMPTY_ROOT, data)


# --- compact range ---


def test_a_log_has_the_root_of_its_leaves_at_every_size() -> None:
    log = CompactRange()
    for size, leaf in enumerate(LEAVES):
        assert (log.size, log.root()) == (size, slow_root(LEAVES[:size]))
        again = CompactRange.decode(log.encode())
        assert (again.size, again.root(), again.encode()) == (size, log.root(), log.encode())
        log = again
        log.append(leaf)


def test_a_log_tells_which_groups_are_full() -> None:
    """Of 64 leaves, and of 64 times 64: 4,100 leaves fill 64 of the former and one of the latter."""
    log = CompactRange()
    leaves = [leaf_hash(b"%d" % n) for n in range(4100)]
    for leaf in leaves:
        log.append(leaf)
    groups = [root_of_leaf_hashes(leaves[at : at + 64]) for at in range(0, 4096, 64)]
    wanted = [(6, index, group) for index, group in enumerate(groups)]
    assert log.take_finished() == [*wanted, (12, 0, root_of_leaf_hashes(leaves[:4096]))]
    assert log.take_finished() == []


def test_a_copy_grows_by_itself() -> None:
    log = CompactRange()
    log.append(LEAVES[0])
    log.append(LEAVES[1])
    copy = log.copy()
    copy.append(LEAVES[2])
    assert (log.size, log.root()) == (2, slow_root(LEAVES[:2]))
    assert (copy.size, copy.root()) == (3, slow_root(LEAVES[:3]))


@given(st.binary(max_size=50))
def test_any_bytes_give_a_log_or_our_error(data: bytes) -> None:
    try:
        log = CompactRange.decode(data)
    except BrokenStorage:
        return
    assert log.encode() == data


@pytest.mark.parametrize(
    "data",
    [
        b"\x92\x01\xc4\x00",
        b"\x92\x00\xc4\x20" + bytes(32),
        b"\x92\x03\xc4\x20" + bytes(32),
        b"\x92\xff\xc4\x00",
        b"\x91\x00",
    ],
)
def test_a_log_has_one_peak_for_each_bit_of_its_size(data: bytes) -> None:
    with pytest.raises(BrokenStorage):
        CompactRange.decode(data)


# --- trees that change ---

changes = st.lists(
    st.tuples(st.sampled_from(["replace", "append", "shorten"]), st.integers(0, 40), st.integers(0, 99)), max_size=12
)


@given(st.integers(0, 40), changes)
def test_a_tree_is_after_each_change_what_its_leaves_say(size: int, steps: list[tuple[str, int, int]]) -> None:
    leaves = LEAVES[:size]
    tree = Tree(leaves)
    for kind, place, n in steps:
        before = tree, tree.root()
        if kind == "append":
            tree, leaves = tree.appended(LEAVES[n]), [*leaves, LEAVES[n]]
        elif leaves and kind == "shorten":
            tree, leaves = tree.shortened(), leaves[:-1]
        elif leaves:
            index = place % len(leaves)
            tree = tree.replaced(index, LEAVES[n])
            leaves = [*leaves[:index], LEAVES[n], *leaves[index + 1 :]]
        assert before[0].root() == before[1]
        assert (tree.size, tree.root()) == (len(leaves), slow_root(leaves))
        for index, leaf in enumerate(leaves):
            assert tree.prove(index) == Proof(len(leaves), index, leaf, tuple(slow_aunts(leaves, index)))


def test_a_tree_grows_and_shrinks_leaf_by_leaf() -> None:
    tree = Tree()
    assert tree.root() == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES[:40], 1):
        tree = tree.appended(leaf)
        assert tree.root() == slow_root(LEAVES[:size])
    for size in range(39, -1, -1):
        tree = tree.shortened()
        assert (tree.size, tree.root()) == (size, slow_root(LEAVES[:size]))


def test_a_change_costs_one_path(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Tree(LEAVES[:64])
    hashed = []

    def counting(left: bytes, right: bytes) -> Hash:
        hashed.append(left)
        return inner_hash(left, right)

    monkeypatch.setattr("mvchain.core.merkle.inner_hash", counting)
    longer = tree.replaced(17, LEAVES[99])
    assert len(hashed) == 6
    longer = longer.appended(LEAVES[70])
    assert len(hashed) == 7
    assert longer.shortened().root() == tree.replaced(17, LEAVES[99]).root()
    assert len(hashed) == 13


def test_leaves_that_are_not_there() -> None:
    tree = Tree(LEAVES[:3])
    for index in (-1, 3):
        for use in (tree.prove, lambda i: tree.replaced(i, LEAVES[0])):
            with pytest.raises(IndexError):
                use(index)
    with pytest.raises(IndexError):
        Tree().shortened()
    with pytest.raises(AssertionError):
        prove([], 0)


def test_the_tree_does_not_share_the_list_it_came_from() -> None:
    leaves = LEAVES[:3]
    tree = Tree(leaves)
    leaves[0] = LEAVES[9]
    assert tree.root() == slow_root(LEAVES[:3])
