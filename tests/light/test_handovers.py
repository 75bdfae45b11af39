"""From the validators of genesis to those that signed a receipt or proof (ledger L10)."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.limits import MAX_HANDOVERS, MAX_RECEIPT_BYTES
from mvchain.light.blocks import LightBlock
from mvchain.light.handovers import Handover, way_from_genesis
from mvchain.light.proofs import Acceptance, PollProof, Superseded, decode_proof
from mvchain.light.receipts import decode_receipt
from mvchain.light.verify import verify, verify_proof, verify_receipt
from mvchain.light.words import in_words
from tests.light.forgeries import Forgery
from tests.light.handed_over import (
    GENESIS,
    HALF,
    HISTORIES,
    ONE_BY_ONE,
    SIGNED,
    HandedOver,
    handed_over,
    handover_forgeries,
    sets_from,
)
from tests.light.helpers import code_of, make_chain, seeded
from tests.light.light_chain import KEYS, LightChain, Signers, extend, in_order, longest_light_block, set_of
from tests.light.test_receipts import longest


def blocks_on_the_way(history: str) -> list[int]:
    return [one.header.height for one in handed_over(history).receipt().handovers]


def test_which_blocks_are_on_the_way() -> None:
    """Counted by hand: of four, three must stay for a block to be skipped to; of the receipt's own set, none need."""
    assert {history: blocks_on_the_way(history) for history in HISTORIES} == {
        "one joined": [10],
        "one joined, another left": [20],  # signed by four of five, all of them of genesis
        "one key replaced": [10],
        "two keys replaced": [11],
        # Block 14 is signed by three of genesis; block 15 by two of them, but its set is the one that 14 names.
        "all keys replaced, one by one": [14, 15, 39],
        "half replaced at once": [10],
        "all replaced at once": [10],
        "seven members, five of them new": [19],
        "changed in the block before": [SIGNED - 1],
        "back to genesis, then one replaced": [29],
        "back to an earlier set": [7],
        "back to an earlier set, and on": [7, 23],
    }


@pytest.mark.parametrize("history", HISTORIES)
def test_a_receipt_after_changes_verifies_against_genesis(history: str) -> None:
    receipt = handed_over(history).receipt()
    assert decode_receipt(receipt.encode()) == receipt
    verified = verify_receipt(receipt.encode(), GENESIS)
    keys = handed_over(history).keys
    signed = {keys[i].public for i in range(len(keys) * 2 // 3 + 1)}
    vouchers = verified.vouchers
    assert vouchers.agencies == len(keys)
    assert {agency.validator_key for agency in vouchers.vouching} == signed & {key.public for key in KEYS}
    assert set(vouchers.later) == signed - {key.public for key in KEYS}


def test_a_receipt_of_before_the_changes_has_no_handovers() -> None:
    """So files that were made before stay as they are, byte for byte, and valid for ever."""
    before = HandedOver(LightChain(GENESIS, ()), lambda _: KEYS).receipt()
    assert before.handovers == ()
    assert "handovers" not in json.loads(before.encode())
    assert verify_receipt(before.encode(), GENESIS).vouchers.later == ()


@pytest.mark.parametrize("forgery", handover_forgeries(), ids=lambda forgery: forgery.name)
def test_forged_handovers(forgery: Forgery) -> None:
    assert code_of(verify, forgery.data, GENESIS) == forgery.cause.code


def test_there_are_many_of_them() -> None:
    assert len({forgery.data for forgery in handover_forgeries()}) == len(handover_forgeries()) > 70


def members(pool: list[int], size: int, seed: int) -> Signers:
    """Some of twelve keys, four of which are those of genesis."""
    everyone = [*KEYS, *(seeded(f"later validator {i}") for i in range(8))]
    drawn = sorted(pool, key=lambda at: sha256(b"%d %d" % (seed, at)).digest())[:size]
    return in_order(everyone[at] for at in drawn)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(4, 8), st.integers(0, 99)), max_size=8), st.data())
def test_any_history(changes: list[tuple[int, int, int]], data: st.DataObject) -> None:
    """Whatever the changes and whoever is absent: the way that a node makes verifies, and without any of it nothing."""
    height, sets = 1, []
    for gap, size, seed in changes:
        height += gap
        sets.append((height, members(list(range(12)), size, seed)))
    keys_at = sets_from(*sets)
    chain = extend(LightChain(GENESIS, ()), SIGNED - 1, keys_at)
    receipt = HandedOver(chain, keys_at).receipt()
    verify_receipt(receipt.encode(), GENESIS)
    assert len(receipt.handovers) <= len(changes)
    if receipt.handovers:
        left_out = data.draw(st.integers(0, len(receipt.handovers) - 1))
        way = receipt.handovers[:left_out] + receipt.handovers[left_out + 1 :]
        assert code_of(verify_receipt, replace(receipt, handovers=way).encode(), GENESIS) in {
            codes.RECEIPT_VALIDATORS.code,
            codes.HANDOVER_NOT_TRUSTED.code,
            codes.RECEIPT_TOO_MANY_SIGNERS.code,  # of a set that was trusted by its name, two thirds of one were not
        }


def test_a_hundred_rotations_among_forty_need_a_few_blocks() -> None:
    """Each covers the change of 13 of 40, as 27 must have stayed."""
    everyone = [seeded(f"pilot validator {number}") for number in range(1, 41)]
    replaced = [seeded(f"replaced {number}") for number in range(100)]
    genesis = make_chain(40).genesis
    sets = [in_order([*everyone, *replaced][n : n + 40]) for n in range(101)]
    chain = extend(LightChain(genesis, ()), 101, lambda height: sets[min(height - 1, 100)])
    read: list[int] = []

    def block_at(height: int) -> LightBlock:
        read.append(height)
        return chain[height]

    sets_below = {block.height: block.validators for block in chain.blocks[:-1]}
    way = way_from_genesis(genesis, chain[101].header, sets_below, block_at)
    assert [one.header.height for one in way] == [14, 27, 40, 53, 66, 79, 92, 100]
    # Of the others none is read: a node must not read all that ever changed for each document that it makes.
    assert read == [14, 27, 40, 53, 66, 79, 92, 100]


def test_the_longest_way_fits_the_bound() -> None:
    block = longest_light_block()
    handover = Handover(
        replace(block.header, chain_id="c" * 50),
        longest().commit,
        tuple(one.public_key for one in block.validators),
    )
    receipt = replace(longest(), handovers=(handover,) * MAX_HANDOVERS)
    file = receipt.encode()
    assert len(file) < MAX_RECEIPT_BYTES
    assert decode_receipt(file) == receipt


@pytest.mark.parametrize("history", HISTORIES)
def test_a_proof_about_a_poll(history: str) -> None:
    """The acceptance of a superseded ballot has signers of its own, unless they are those of the proof."""
    made = handed_over(history)
    proof = made.proof()
    assert decode_proof(proof.encode()) == proof
    assert verify_proof(proof.encode(), GENESIS).vouchers.agencies == len(made.keys)
    assert isinstance(proof.claim, Superseded)
    accepted = proof.claim.accepted
    assert (accepted.validators == ()) == (set_of(made.keys_at(21)) == set_of(made.keys))
    twice = replace(accepted, validators=proof.validators, handovers=proof.handovers)
    assert code_of(decode_proof, with_acceptance(proof, twice)) == codes.NOT_CANONICAL.code
    of_genesis = replace(accepted, validators=tuple(key.public for key in KEYS), handovers=())
    if set_of(made.keys_at(21)) != set_of(KEYS):
        assert code_of(verify, with_acceptance(proof, of_genesis), GENESIS) == codes.RECEIPT_VALIDATORS.code
    if accepted.validators:
        without = replace(accepted, validators=(), handovers=())
        assert code_of(verify, with_acceptance(proof, without), GENESIS) == codes.RECEIPT_VALIDATORS.code


def with_acceptance(proof: PollProof, accepted: Acceptance) -> bytes:
    assert isinstance(proof.claim, Superseded)
    return replace(proof, claim=replace(proof.claim, accepted=accepted)).encode()


def test_words_say_whose_name_nothing_proves() -> None:
    told = in_words(verify_receipt(HALF.receipt().encode(), GENESIS))
    unfolded = " ".join(told.split())
    keys = [key.public.hex() for key in HALF.keys[:3] if key not in KEYS]
    assert f"나중에 참여했거나 서명 키를 바꾼 기관 {len(keys)}곳" in unfolded
    assert "3 of 4 agencies vouch for this record: " in unfolded
    assert f"and {len(keys)} that joined later or replaced the key of the genesis file" in unfolded
    assert [line.split()[-1] for line in told.splitlines() if "later key:" in line] == keys
    nobody_known = in_words(verify_receipt(ONE_BY_ONE.receipt().encode(), GENESIS))
    assert "보증한 기관: 나중에" in " ".join(nobody_known.split())
