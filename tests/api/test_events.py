"""Queries, frames, and subscribers that do not keep up (C138, H30)."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.api.budget import ReadBudget
from mvchain.api.events import MAX_UNSENT_BYTES, EventFeed, Subscriber, parse_query, text_frame
from mvchain.api.rpc_params import RpcError
from tests.api.chain_node import ChainNode


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("tm.event='Tx'", [("tm.event", "Tx")]),
        ("  tm.event   =   'Tx'  ", [("tm.event", "Tx")]),
        ("tx.height=5", [("tx.height", "5")]),
        ("tx.hash='AB' AND tx.height = 5", [("tx.hash", "AB"), ("tx.height", "5")]),
        ("ballot.poll=''", [("ballot.poll", "")]),
    ],
)
def test_queries(text: str, conditions: list[tuple[str, str]]) -> None:
    assert list(parse_query(text).conditions) == conditions


@given(st.text(max_size=600) | st.lists(st.sampled_from(["tm.event", "=", "'Tx'", "AND", " ", "5"])).map("".join))
def test_any_query_is_read_or_refused(text: str) -> None:
    try:
        query = parse_query(text)
    except RpcError:
        return
    assert query.conditions


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "8100"),
        (125, "817d"),
        (126, "817e007e"),
        (65_535, "817effff"),
        (65_536, "817f0000000000010000"),
    ],
)
def test_frames_have_the_shortest_length(size: int, head: str) -> None:
    """RFC 6455 §5.2: 7, 16 or 64 bits."""
    assert text_frame(b"x" * size) == bytes.fromhex(head) + b"x" * size


class Wire(asyncio.WriteTransport):
    """A connection whose client reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []
        self.unsent = 0
        self.closing = False

    def write(self, data: Any) -> None:
        self.frames.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closing


async def publish(chain: ChainNode, *subscribers: Subscriber) -> None:
    """A block with one ballot more, to subscribers of all blocks."""
    feed = EventFeed(chain.chain, ReadBudget(0.9, 0.0))
    for number, subscriber in enumerate(subscribers):
        feed.subscribe(subscriber, "tm.event='NewBlock'", number)
    before = chain.chain.height
    await chain.cast(3)
    await feed._publish(before + 1)  # type: ignore[arg-type]


async def test_who_does_not_keep_up_loses_the_subscription_and_is_told(voting: ChainNode) -> None:
    slow, quick = Subscriber(Wire()), Subscriber(Wire())
    slow.transport.unsent = MAX_UNSENT_BYTES + 1  # type: ignore[attr-defined]
    quick.transport.unsent = MAX_UNSENT_BYTES  # type: ignore[attr-defined]
    await publish(voting, slow, quick)
    (frame,) = slow.transport.frames  # type: ignore[attr-defined]
    error = json.loads(frame[frame.index(b"{") :])
    assert error["id"] == 0
    assert error["error"] == {
        "code": -32000,
        "message": "Server error",
        "data": "subscription was canceled (reason: client is not pulling messages fast enough)",
    }
    assert not slow.subscriptions
    (frame,) = quick.transport.frames  # type: ignore[attr-defined]
    assert json.loads(frame[frame.index(b"{") :])["id"] == 1
    assert quick.subscriptions


async def test_nothing_is_written_to_a_closing_connection(voting: ChainNode) -> None:
    leaving = Subscriber(Wire())
    leaving.transport.closing = True  # type: ignore[attr-defined]
    await publish(voting, leaving)
    assert leaving.transport.frames == []  # type: ignore[attr-defined]
    assert not leaving.subscriptions


async def test_many_copies_of_a_large_event_go_out_in_parts(voting: ChainNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.api.events.PART_BYTES", 1)
    subscribers = [Subscriber(Wire()) for _ in range(3)]
    feed = EventFeed(voting.chain, ReadBudget(0.9, 0.0))
    for subscriber in subscribers:
        feed.subscribe(subscriber, "tm.event='NewBlock'", 1)
    before = voting.chain.height
    await voting.cast(3)
    written = []
    for _ in feed._events(before + 1):  # type: ignore[arg-type]
        feed._flush()
        written.append(sum(len(each.transport.frames) for each in subscribers))  # type: ignore[attr-defined]
    assert written[:3] == [1, 2, 3]


async def test_what_ends_within_an_event_gets_no_more_of_it(voting: ChainNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.api.events.PART", 1)
    leaving, staying = Subscriber(Wire()), Subscriber(Wire())
    feed = EventFeed(voting.chain, ReadBudget(0.9, 0.0))
    for subscriber in (leaving, staying):
        feed.subscribe(subscriber, "tm.event='Tx'", 1)
    before = voting.chain.height
    await voting.cast(3, 4, 5)
    parts = feed._sent_events(before + 1)  # type: ignore[arg-type]
    while not leaving.transport.frames:  # type: ignore[attr-defined]
        next(parts)
    feed.unsubscribe(leaving, "tm.event='Tx'")
    feed.subscribe(leaving, "tm.event='Tx'", 2)
    list(parts)
    assert len(staying.transport.frames) == voting.chain.transaction_count(before + 1)  # type: ignore[attr-defined,arg-type]
    assert len(leaving.transport.frames) == 1  # type: ignore[attr-defined]


async def test_a_subscription_begins_with_the_next_block(voting: ChainNode) -> None:
    """Also when the feed is behind."""
    feed, late = EventFeed(voting.chain, ReadBudget(0.9, 0.0)), Subscriber(Wire())
    feed.subscribe(late, "tm.event='NewBlock'", 1)
    await feed._publish(voting.chain.height)
    assert late.transport.frames == []  # type: ignore[attr-defined]
