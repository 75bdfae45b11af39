"""Events of new blocks and their transactions, for those who subscribed to them (C138, LIM11, H30).

One task follows the chain block by block and writes to all subscribers. What it does is charged as reading (N10), in
parts between which the node gets on with its work; so under load events come later, and none is left out. What a
subscriber has not taken yet waits in its connection's buffer. Who lets too much wait there loses its subscriptions, is
told so, and finds the blocks in between by their heights.
"""

import asyncio
import logging
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mvchain.api import rpc_json
from mvchain.api.budget import ReadBudget
from mvchain.api.chain_view import ChainView, CommittedTx
from mvchain.api.rpc import Id, encode, failure
from mvchain.api.rpc_json import JsonObject
from mvchain.api.rpc_params import RpcError, failed
from mvchain.core import codes
from mvchain.core.types import Height

_log = logging.getLogger(__name__)

MAX_SUBSCRIBERS: Final = 100
MAX_SUBSCRIPTIONS: Final = 5
"""Connections with subscriptions, and subscriptions of each (LIM11)."""
MAX_QUERY_CHARS: Final = 512
MAX_UNSENT_BYTES: Final = 1024 * 1024
"""A connection that has more waiting when the next event comes is too slow."""
PART: Final = 64
PART_BYTES: Final = 1024 * 1024
"""Transactions whose events are made in one go, and bytes that are sent in one go; a block of 5,000 ballots takes
0.8 MB as JSON, the largest ones 6 MB."""

Asking: TypeAlias = "Sequence[tuple[Subscriber, Subscription]]"
Tags: TypeAlias = Mapping[str, Sequence[str]]
"""What an event can be found by (C138): names and their values."""

EVENTS: Final = ("NewBlock", "NewBlockHeader", "Tx")

_CONDITION = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=\s*(?:'([^']*)'|([0-9]+))\s*", re.ASCII)
_AND = re.compile(r"\bAND\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Query:
    """Equalities that all have to hold."""

    conditions: tuple[tuple[str, str], ...]

    def matches(self, tags: Tags) -> bool:
        """Whether an event with these tags is asked for."""
        return all(value in tags.get(name, ()) for name, value in self.conditions)

    def value_of(self, name: str) -> str | None:
        """The value that this tag has to have; None if any will do."""
        return dict(self.conditions).get(name)


def parse_query(text: str) -> Query:
    """`tm.event = 'Tx' AND tx.hash = '…'`; raises RpcError."""
    if len(text) > MAX_QUERY_CHARS:
        raise failed("maximum query length exceeded")
    matches = [_CONDITION.fullmatch(part) for part in _AND.split(text)]
    conditions = [(match[1], match[2] if match[3] is None else match[3]) for match in matches if match is not None]
    if len(conditions) < len(matches):
        raise failed("failed to parse query: it is not made of NAME = 'VALUE', joined by AND")
    query = Query(tuple(conditions))
    if query.value_of("tm.event") not in (None, *EVENTS):
        raise failed(f"failed to parse query: the events here are {', '.join(EVENTS)}")
    return query


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is wanted, and what each of its messages begins with."""

    text: str
    query: Query
    id: Id
    head: bytes
    since: Height
    """The newest block when it began; later ones are told."""


@dataclass(eq=False, slots=True)
class Subscriber:
    """A connection: its transport takes whole frames, between those that aiohttp writes."""

    transport: asyncio.WriteTransport
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """By the text of the query."""
    frames: list[bytes] = field(default_factory=list)
    """What the part of an event that is being made has for it."""

    def has(self, subscription: Subscription) -> bool:
        """Whether it still wants this, and not the same anew."""
        return self.subscriptions.get(subscription.text) is subscription


def text_frame(payload: bytes) -> bytes:
    """One unmasked text message (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class EventFeed:
    """All subscriptions of one server."""

    def __init__(self, chain: ChainView, budget: ReadBudget) -> None:
        self._chain = chain
        self._budget = budget
        self._subscribers: set[Subscriber] = set()
        self._task: asyncio.Task[None] | None = None

    # --- subscriptions ---

    def subscribe(self, subscriber: Subscriber, text: str, request_id: Id) -> None:
        """From the next block on; raises RpcError."""
        query = parse_query(text)
        if text in subscriber.subscriptions:
            raise failed("already subscribed")
        if subscriber not in self._subscribers and len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise failed(f"max_subscription_clients {MAX_SUBSCRIBERS} reached")
        if len(subscriber.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise failed(f"max_subscriptions_per_client {MAX_SUBSCRIPTIONS} reached")
        head = b'{"jsonrpc":"2.0","id":%s,"result":{"query":%s,"data":' % (encode(request_id), encode(text))
        subscriber.subscriptions[text] = Subscription(text, query, request_id, head, self._chain.height)
        self._subscribers.add(subscriber)

    def unsubscribe(self, subscriber: Subscriber, text: str) -> None:
        """Ends one; raises RpcError."""
        parse_query(text)
        if subscriber.subscriptions.pop(text, None) is None:
            raise failed("subscription not found")
        if not subscriber.subscriptions:
            self.leave(subscriber)

    def unsubscribe_all(self, subscriber: Subscriber) -> None:
        """Ends all of a connection; raises RpcError."""
        if not subscriber.subscriptions:
            raise failed("subscription not found")
        self.leave(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Forgets a connection."""
        subscriber.subscriptions.clear()
        subscriber.frames.clear()
        self._subscribers.discard(subscriber)

    def _cancel(self, subscriber: Subscriber, reason: str) -> None:
        error = RpcError(codes.RPC_CANCELLED, text=f"subscription was canceled (reason: {reason})")
        frames = [text_frame(failure(subscription.id, error)) for subscription in subscriber.subscriptions.values()]
        self.leave(subscriber)
        subscriber.transport.write(b"".join(frames))

    # --- following the chain ---

    def start(self) -> None:
        """Follows the chain from now on."""
        self._task = asyncio.create_task(self._follow())

    def stop(self) -> None:
        """Ends it."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(self) -> None:
        done = self._chain.height
        while True:
            await self._chain.wait_block(done)
            if not self._subscribers:
                done = self._chain.height
                continue
            try:
                await self._publish(Height(done + 1))
            except Exception:
                _log.exception("the events of block %d could not be made", done + 1)
                for subscriber in tuple(self._subscribers):
                    self._cancel(subscriber, "internal error")
            done = Height(done + 1)

    async def _publish(self, height: Height) -> None:
        await self._budget.run(self._sent_events(height), patient=True)

    def _sent_events(self, height: Height) -> Generator[None, None, None]:
        for _ in self._events(height):
            self._flush()
            yield
        self._flush()

    def _flush(self) -> None:
        for subscriber in tuple(self._subscribers):
            if not subscriber.frames:
                continue
            frames, subscriber.frames = subscriber.frames, []
            if subscriber.transport.is_closing():
                self.leave(subscriber)
            elif subscriber.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                self._cancel(subscriber, "client is not pulling messages fast enough")
            else:
                subscriber.transport.write(b"".join(frames))

    # --- events ---

    def _events(self, height: Height) -> Iterator[None]:
        """Queues frames for all events of a block; yields after each part."""
        wanted = [
            (subscriber, subscription)
            for subscriber in self._subscribers
            for subscription in subscriber.subscriptions.values()
            if subscription.since < height
        ]
        for name, make in (("NewBlock", self._new_block), ("NewBlockHeader", self._new_block_header)):
            tags = {"tm.event": (name,)}
            asking = [each for each in wanted if each[1].query.matches(tags)]
            if asking:
                yield from _queue(asking, _event(name, make(height), tags))
            yield
        yield from self._transaction_events(height, wanted)

    def _new_block(self, height: Height) -> JsonObject:
        return {
            "block": rpc_json.block(self._chain.block(height)),
            "block_id": rpc_json.block_id(self._chain.block_id(height)),
            "result_finalize_block": {
                "validator_updates": [],
                "app_hash": rpc_json.base64_text(self._chain.app_hash_after(height)),
            },
        }

    def _new_block_header(self, height: Height) -> JsonObject:
        return {"header": rpc_json.header(self._chain.header(height))}

    def _transaction_events(self, height: Height, wanted: Asking) -> Iterator[None]:
        asking = [each for each in wanted if each[1].query.value_of("tm.event") in (None, "Tx")]
        if not asking:
            return
        by_hash: dict[str | None, list[tuple[Subscriber, Subscription]]] = {}
        for each in asking:
            by_hash.setdefault(each[1].query.value_of("tx.hash"), []).append(each)
        for start in range(0, self._chain.transaction_count(height), PART):
            for tx in self._chain.transactions(height, start, start + PART):
                tags = _transaction_tags(tx)
                candidates = by_hash.get(None, []) + by_hash.get(rpc_json.hex_text(tx.hash), [])
                matching = [each for each in candidates if each[1].query.matches(tags)]
                if matching:
                    yield from _queue(matching, _event("Tx", _transaction_data(tx), tags))
            yield


def _transaction_tags(tx: CommittedTx) -> dict[str, Sequence[str]]:
    tags: dict[str, Sequence[str]] = {
        "tm.event": ("Tx",),
        "tx.hash": (rpc_json.hex_text(tx.hash),),
        "tx.height": (str(tx.height),),
    }
    ballot = rpc_json.ballot_event(tx.result.data)
    if ballot is not None:
        tags["ballot.poll"], tags["ballot.number"] = (ballot[0],), (ballot[1],)
    return tags


def _transaction_data(tx: CommittedTx) -> JsonObject:
    found: JsonObject = {"height": str(tx.height), "tx": rpc_json.base64_text(tx.raw)}
    if tx.index:
        found["index"] = tx.index
    return {"TxResult": {**found, "result": rpc_json.tx_result_brief(tx.result)}}


def _event(name: str, value: JsonObject, tags: Tags) -> bytes:
    """The members data and events of a message, without the brace that begins it."""
    data = encode({"type": f"tendermint/event/{name}", "value": value})
    return b'%s,"events":%s}}' % (data, encode({tag: list(values) for tag, values in tags.items()}))


def _queue(asking: Asking, event: bytes) -> Iterator[None]:
    """Adds the frames of an event; yields whenever they are PART_BYTES together."""
    size = 0
    for subscriber, subscription in asking:
        if not subscriber.has(subscription):
            continue  # unsubscribed, or cancelled, since the event was begun
        subscriber.frames.append(text_frame(subscription.head + event))
        size += len(event)
        if size >= PART_BYTES:
            size = 0
            yield
