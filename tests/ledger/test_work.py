"""What runs beside a poll's record: there and back, copies, damaged bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BrokenStorage
from mvchain.core.hashing import sha256
from mvchain.core.merkle import leaf_hash
from mvchain.ledger.polls import SingleRule
from mvchain.ledger.work import PollWork
from tests.ledger.document_helpers import make_poll, make_question

DEFINITION = make_poll(make_question(SingleRule(), 3))


def _work(ballots: int) -> PollWork:
    work = PollWork.start(DEFINITION)
    for n in range(ballots):
        work.ballots.append(leaf_hash(sha256(b"%d" % n)))
        work.tally.add(DEFINITION, (n % 3,), 2)
    return work


def test_there_and_back() -> None:
    for ballots in (0, 1, 5):
        work = _work(ballots)
        again = PollWork.decode(work.encode())
        assert again.encode() == work.encode()
        assert (again.ballots.root(), again.tally.result()) == (work.ballots.root(), work.tally.result())


def test_a_copy_grows_by_itself() -> None:
    work = _work(3)
    before = work.encode()
    twin = work.copy()
    twin.ballots.append(leaf_hash(sha256(b"more")))
    twin.tally.add(DEFINITION, (0,), 1)
    assert work.encode() == before != twin.encode()


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_damage_is_ours_to_report(position: int, flip: int) -> None:
    raw = bytearray(_work(5).encode())
    raw[position % len(raw)] ^= flip
    try:
        PollWork.decode(bytes(raw))
    except BrokenStorage:
        return


def test_foreign_bytes() -> None:
    for raw in (b"", b"\x90", b"\xc0", b"\x95\x01\x01\x01\x01\x01"):
        with pytest.raises(BrokenStorage):
            PollWork.decode(raw)
