"""Rejections are remembered, also after a restart, and so many and no more (N6, I7)."""

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from mvchain.node import rejections
from mvchain.node.memory import MemoryDisk, MemoryStore
from mvchain.node.rejections import Rejections

ERROR = BadTransaction(codes.POLL_HAS_CLOSED, poll=1)


def tx(n: int) -> Hash:
    return sha256(b"%d" % n)


def test_the_oldest_give_way_in_memory_and_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejections, "MAX_REMEMBERED_REJECTIONS", 3)
    store = MemoryStore(MemoryDisk())
    found = Rejections(store)
    for n in range(10):
        found.add(tx(n), ERROR)
    assert len(found) == 3
    assert [found.get(tx(n)) for n in range(10)] == [None] * 7 + [ERROR] * 3
    assert dict(store.rejections()) == {tx(n): ERROR.code for n in (7, 8, 9)}


def test_after_a_restart_the_codes_are_known_and_the_bound_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore(MemoryDisk())
    for n in range(5):
        Rejections(store).add(tx(n), ERROR)
    again = Rejections(store)
    error = again.get(tx(4))
    assert error is not None
    assert error.code == ERROR.code
    monkeypatch.setattr(rejections, "MAX_REMEMBERED_REJECTIONS", 2)
    assert len(Rejections(store)) == 2
    assert len(dict(store.rejections())) == 2


def test_what_is_received_anew_is_rejected_no_more() -> None:
    store = MemoryStore(MemoryDisk())
    found = Rejections(store)
    found.add(tx(1), ERROR)
    found.forget(tx(1))
    found.forget(tx(2))
    assert found.get(tx(1)) is None
    assert not list(store.rejections())
