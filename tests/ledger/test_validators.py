"""Validator sets against CometBFT's vectors, and what they refuse (C32–C37, C80)."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BadProof
from mvchain.core.hashing import EMPTY_HASH
from mvchain.core.keys import SigningKey
from mvchain.core.types import Height, PublicKey, Round
from mvchain.ledger.validators import MAX_TOTAL_POWER, Validator, ValidatorSet, address_of
from tests.ledger.chain_helpers import make_keys, make_set


@pytest.fixture(scope="module")
def vectors(shared_dir: Path) -> dict:
    return json.loads((shared_dir / "vectors/cometbft/validator_set.json").read_text())


def key_of(item: dict) -> PublicKey:
    return PublicKey(bytes.fromhex(item["ed25519"]))


def test_set_hash_is_cometbfts(vectors: dict) -> None:
    for case in vectors["sets"]:
        found = ValidatorSet(tuple(Validator(key_of(item), item["power"]) for item in case["validators"]))
        assert found.hash.hex() == case["hash"], case["source"]


def test_addresses_are_cometbfts(vectors: dict) -> None:
    pairs = [(case["pubkey"], case["address"]) for case in vectors["addresses"] if case["type"] == "ed25519"]
    for case in vectors["sets"]:
        pairs += [(item["ed25519"], item.get("address", item.get("address_derived"))) for item in case["validators"]]
    assert len(pairs) == 5
    for public_key, address in pairs:
        assert address_of(PublicKey(bytes.fromhex(public_key))).hex() == address


def test_a_seed_gives_cometbfts_public_key(vectors: dict) -> None:
    for case in vectors["keys"]:
        assert SigningKey.from_seed(bytes.fromhex(case["seed"])).public.hex() == case["pubkey"]


def test_example_leaf_of_c38() -> None:
    key = "6cd3651a5b39476e700b749df3bdb417fdfeec8641857703db630d16d3e4fefd"
    leaf = Validator(PublicKey(bytes.fromhex(key))).encode()
    assert leaf.hex() == f"0a220a20{key}100a"


def test_proposers_of_equal_power_are_cometbfts(shared_dir: Path) -> None:
    vectors = json.loads((shared_dir / "vectors/cometbft/proposer.json").read_text())
    assert vectors["equal"]["rule"] == "sorted by address ascending, index (h-h0+r) mod n"
    for n in (1, 2, 3, 4, 5, 7, 10, 13):
        found = make_set(make_keys(n))
        by_address = sorted(found, key=lambda validator: validator.address)
        for first in (1, 5):
            for height in range(first, first + 2 * n + 1):
                for round_ in range(n + 2):
                    proposer = found.proposer(Height(height), Round(round_), Height(first))
                    assert proposer is by_address[(height - first + round_) % n]


def test_proposers_go_by_address_even_where_powers_differ() -> None:
    keys = make_keys(4)
    found = make_set(keys, [10, 30, 20, 40])
    turns = [found.proposer(Height(height), Round(0)).public_key for height in range(1, 5)]
    assert turns == [key.public for key in keys]
    assert [validator.power for validator in found] == [40, 30, 20, 10]


@given(st.permutations(range(7)))
def test_order_given_does_not_matter(order: list[int]) -> None:
    keys = make_keys(7)
    found = make_set([keys[i] for i in order])
    assert found == make_set(keys)
    assert found.hash == make_set(keys).hash
    assert [validator.address for validator in found] == sorted(address_of(key.public) for key in keys)


def test_by_address_gives_index_and_validator() -> None:
    keys = make_keys(5)
    found = make_set(keys[:4])
    for index, key in enumerate(keys[:4]):
        assert found.by_address(address_of(key.public)) == (index, found[index])
    assert found.by_address(address_of(keys[4].public)) is None


def test_the_power_of_those_who_are_in_another_set_too() -> None:
    one, two, three = (Validator(key.public, power) for key, power in zip(make_keys(3), (1, 20, 300), strict=True))
    members = ValidatorSet((one, two, three))
    assert members.power_within(members) == 321
    assert members.power_within(ValidatorSet((Validator(two.public_key, 5), one))) == 21
    assert members.power_within(ValidatorSet(())) == 0


@pytest.mark.parametrize("n", range(1, 101))
def test_quorum_is_strictly_more_than_two_thirds(n: int) -> None:
    """Against C87's arithmetic and the fault bound: any two quorums share more than f validators."""
    found = ValidatorSet(tuple(Validator(PublicKey(bytes([i]) * 32)) for i in range(n)))
    smallest = next(k for k in range(n + 1) if found.has_quorum(10 * k))
    assert 10 * smallest > 10 * n * 2 // 3
    assert not 10 * (smallest - 1) > 10 * n * 2 // 3
    assert 2 * smallest - n > (n - 1) // 3


def test_every_field_changes_the_hash() -> None:
    """ATK14: other keys, powers, members or numbers of them give other hashes."""
    keys = make_keys(6)
    sets = [make_set(keys[:n]) for n in range(7)]
    sets += [make_set(keys[:3], powers) for powers in ([10, 10, 11], [11, 10, 10], [1, 1, 1], [30, 30, 30])]
    sets.append(make_set([*keys[:3], keys[5]]))
    hashes = {found.hash for found in sets}
    assert len(hashes) == len(sets)
    assert sets[0].hash == EMPTY_HASH
    assert not sets[0].has_quorum(0)


def refusal(*validators: tuple[bytes, int]) -> str:
    with pytest.raises(BadProof) as caught:
        ValidatorSet(tuple(Validator(PublicKey(key), power) for key, power in validators))
    assert caught.value.detail
    return caught.value.code


def test_refused_sets() -> None:
    key, other = bytes([1]) * 32, bytes([2]) * 32
    assert refusal((key[:31], 10)) == refusal((key + b"x", 10)) == refusal((b"", 10)) == "MV-2001"
    for power in (-1, 0, MAX_TOTAL_POWER + 1, 1 << 63, 1 << 64):
        assert refusal((key, power)) == "MV-2002"
    assert refusal((key, MAX_TOTAL_POWER), (other, 1)) == "MV-2002"
    assert refusal((key, 10), (key, 10)) == refusal((key, 10), (other, 5), (key, 1)) == "MV-2003"
    assert refusal(*((bytes([i]) * 32, 10) for i in range(101))) == "MV-2004"


def test_the_largest_power_is_taken() -> None:
    found = ValidatorSet((Validator(PublicKey(bytes(32)), MAX_TOTAL_POWER),))
    assert found.total_power == 1152921504606846975
