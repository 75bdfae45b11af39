"""Blocks of the past: only the one that the header above names, with its own results."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mvchain.core import codec, codes
from mvchain.core.errors import BadProof
from mvchain.core.limits import MAX_BLOCK_UNITS
from mvchain.core.merkle import root
from mvchain.core.types import Hash, Height, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.blocks import Block, Header, block_id_of, data_hash
from mvchain.ledger.past import PastBlock, decode_numbers, encode_numbers
from mvchain.ledger.results import accepted
from mvchain.ledger.units import transaction_units
from tests.ledger.chain_helpers import CHAIN_ID, HEIGHT, NOW, make_commit, make_keys
from tests.ledger.state_helpers import World

HASH = Hash(b"h" * 32)


def header_at(height: int, **changes: object) -> Header:
    base = Header(
        version_app=1,
        chain_id=CHAIN_ID,
        height=Height(height),
        time_ns=TimeNs(NOW + height),
        last_block_id=NIL_BLOCK_ID,
        last_commit_hash=HASH,
        data_hash=HASH,
        validators_hash=HASH,
        next_validators_hash=HASH,
        consensus_hash=HASH,
        app_hash=HASH,
        last_results_hash=HASH,
        evidence_hash=HASH,
        proposer_address=b"a" * 20,  # type: ignore[arg-type]
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def case() -> tuple[bytes, bytes, Header]:
    """A block of three ballots, numbers 0 to 2, and the header above it."""
    world = World(approvals=1)
    world.staff()
    poll = world.open_poll(["a", "b", "c"])
    txs = [world.ballot(poll, voter, 1) for voter in "abc"]
    commit = make_commit(make_keys(4), "cccc")
    header = header_at(HEIGHT + 1, data_hash=data_hash([tx.hash for tx in txs]), last_commit_hash=commit.hash())
    encoded = Block(header, tuple(tx.raw for tx in txs), (), commit).encode()
    results = root([accepted(tx, n, transaction_units(tx)).encode() for n, tx in enumerate(txs)])
    above = header_at(HEIGHT + 2, last_block_id=block_id_of(header, encoded), last_results_hash=results)
    return encoded, encode_numbers([0, 1, 2]), above


def test_the_block_that_was_decided(case: tuple[bytes, bytes, Header]) -> None:
    past = PastBlock.verify(*case)
    assert past.block.encode() == case[0]
    assert past.numbers == (0, 1, 2)
    assert [tx.raw for tx in past.transactions] == list(past.block.txs)


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ((0, 1, 3), "another hash"),
        ((1, 0, 2), "another hash"),
        ((0, 1, -1), "another hash"),
        ((0, 1), "2 results"),
        ((0, 1, 2, 3), "4 results"),
        ((), "0 results"),
    ],
)
def test_other_results_are_refused(case: tuple[bytes, bytes, Header], numbers: tuple[int, ...], why: str) -> None:
    with pytest.raises(BadProof, match=why):
        PastBlock.verify(case[0], encode_numbers(numbers), case[2])


def _without_a_ballot(block: Block) -> Block:
    return replace(block, txs=block.txs[:2])


def _other_round(block: Block) -> Block:
    """The header binds the entries of the last commit, but not its round (C53): the part set does."""
    return replace(block, last_commit=replace(block.last_commit, round=block.last_commit.round + 1))


def _later(block: Block) -> Block:
    return replace(block, header=replace(block.header, time_ns=TimeNs(block.header.time_ns + 1)))


@pytest.mark.parametrize("change", [_without_a_ballot, _other_round, _later])
def test_another_block_is_refused(case: tuple[bytes, bytes, Header], change: Callable[[Block], Block]) -> None:
    wrong = change(Block.decode(case[0])).encode()
    with pytest.raises(BadProof) as caught:
        PastBlock.verify(wrong, case[1], case[2])
    assert caught.value.cause is codes.PAST_BLOCK_WRONG


def test_junk_is_refused(case: tuple[bytes, bytes, Header]) -> None:
    for block, numbers in ((b"", case[1]), (b"junk", case[1]), (case[0], b""), (case[0], b"\xc1")):
        with pytest.raises(BadProof):
            PastBlock.verify(block, numbers, case[2])


@pytest.mark.parametrize("value", [5, (1, "2"), (1.5,), (-2,), (1 << 32,), (True,), (0,) * (MAX_BLOCK_UNITS + 1)])
def test_numbers_are_numbers(value: object) -> None:
    with pytest.raises(BadProof):
        decode_numbers(codec.encode(value))
    assert decode_numbers(encode_numbers([0, -1, (1 << 32) - 1])) == (0, -1, (1 << 32) - 1)
