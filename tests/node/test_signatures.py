"""Verifying transaction signatures: on threads, and only once for each context."""

from collections.abc import Iterator

import pytest

from mvchain.core.errors import BadTransaction
from mvchain.core.keys import Purpose
from mvchain.core.types import Hash
from mvchain.ledger.transactions import Transaction, decode_transaction
from mvchain.node.signatures import CHUNK, CheckedSignatures, SignaturePool, Signed
from mvchain.sim.node import PlainChecker
from tests.ledger.state_helpers import key_of
from tests.node.cluster import Cluster, Election


@pytest.fixture
def pool() -> Iterator[SignaturePool]:
    pool = SignaturePool(threads=2)
    yield pool
    pool.close()


def signed(count: int, wrong: set[int]) -> list[Signed]:
    key = key_of("signer")
    items = []
    for i in range(count):
        message = i.to_bytes(4, "big")
        signature = key.sign(Purpose.TRANSACTION, message)
        items.append((key.tagged, message + b"x" if i in wrong else message, signature))
    return items


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
async def test_there_is_one_verdict_for_each_in_order(pool: SignaturePool, count: int) -> None:
    wrong = {0, CHUNK - 1, CHUNK, count - 1}
    items = signed(count, wrong)
    expected = [i not in wrong for i in range(count)]
    assert pool.check(items) == expected
    assert await pool.check_off_loop(items) == expected


async def test_garbage_is_a_no_and_never_an_error(pool: SignaturePool) -> None:
    items = [(b"", b"", b""), (bytes(33), b"m", bytes(64)), (b"\x01" * 40, b"m", b"s")]
    assert pool.check(items) == [False] * 3
    assert await pool.check_off_loop(items) == [False] * 3


class Ledger:
    """A chain with an open poll."""

    def __init__(self) -> None:
        cluster = Cluster(1).boot()
        self.election = Election(cluster.genesis)
        cluster.nodes[0].submit(*self.election.set_up)
        self.state = cluster.nodes[0].replica.state
        self.ballots = [decode_transaction(self.election.ballot(i)) for i in range(3)]


def test_what_is_remembered_is_not_verified_again() -> None:
    ledger, checker = Ledger(), PlainChecker()
    checked = CheckedSignatures(checker)
    checked.remember(ledger.ballots[0].hash, ledger.election.context)
    checked.check(ledger.state, ledger.ballots)
    assert checker.count == 2
    checked.check(ledger.state, ledger.ballots)
    assert checker.count == 4, "a block leaves nothing behind: only what the pool holds is remembered"
    checked.forget([ledger.ballots[0].hash, ledger.ballots[1].hash])
    assert len(checked) == 0
    checked.check(ledger.state, ledger.ballots)
    assert checker.count == 7


def test_a_verdict_under_another_context_does_not_count() -> None:
    """N3: by (hash, context), never by hash alone; else a replaced definition would keep old ballots valid."""
    ledger, checker = Ledger(), PlainChecker()
    checked = CheckedSignatures(checker)
    foreign = decode_transaction(
        ledger.election.signed(ledger.ballots[0].payload, ledger.election.voters[0], Hash(b"o" * 32))
    )
    checked.remember(foreign.hash, Hash(b"o" * 32))
    with pytest.raises(BadTransaction):
        checked.check(ledger.state, [foreign])
    assert checker.count == 1


def test_a_ballot_for_no_poll_is_refused() -> None:
    ledger = Ledger()
    stray: Transaction = decode_transaction(Election(Cluster(1).genesis).ballot(0))
    empty = Cluster(1).boot().nodes[0].replica.state
    with pytest.raises(BadTransaction):
        CheckedSignatures(PlainChecker()).check(empty, [stray])
    CheckedSignatures(PlainChecker()).check(ledger.state, [stray])
