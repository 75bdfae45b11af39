"""Casting: ballots by the batch to all nodes at once, until each is acknowledged with a promise that holds (N6)."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Final

from mvchain.api.client import ApiError, Client, ItemResult, Submitted
from mvchain.api.limits import RETRY_AFTER_S
from mvchain.core import codes
from mvchain.core.errors import BadRequest, MvchainError
from mvchain.core.hashing import sha256
from mvchain.demo.progress import Advance
from mvchain.ledger.genesis import Genesis, GenesisAgency
from mvchain.localnet import Localnet

MAX_BATCH: Final = 500
MAX_BATCH_BYTES: Final = 900_000
"""Below what the API takes in one body (LIM01)."""
LANES: Final = 3
"""Requests in flight to one node: one under way, one being judged, one being answered."""
BATCHES_PER_LANE: Final = 2
"""At least this many where there are so few ballots, so that every node gets some."""


class Caster:
    """Hands in ballots; a node that is not there or has no room is asked again later, others go on meanwhile."""

    def __init__(self, network: Localnet, ballots: Sequence[bytes], advance: Advance) -> None:
        self._network = network
        self._genesis: Genesis = network.genesis
        self._count = len(ballots)
        self._acknowledged = 0
        self._advance = advance
        self._half_way = asyncio.Event()
        self._batches: asyncio.Queue[list[bytes]] = asyncio.Queue()
        for batch in _batches(ballots, len(network.numbers) * LANES * BATCHES_PER_LANE):
            self._batches.put_nowait(batch)

    async def cast_all(self) -> None:
        """Return once every ballot was acknowledged.

        Raises:
            BadRequest: a node refused a ballot for good, or gave a promise that does not hold.
        """
        async with AsyncExitStack() as stack:
            lanes = []
            for agency in self._genesis.agencies:
                client = await stack.enter_async_context(Client(self._network.api_url(agency.number)))
                lanes += [asyncio.create_task(self._lane(agency, client)) for _ in range(LANES)]
            done = asyncio.create_task(self._batches.join())
            try:
                await asyncio.wait((done, *lanes), return_when=asyncio.FIRST_COMPLETED)
                for lane in lanes:
                    if lane.done():
                        lane.result()
            finally:
                for task in (done, *lanes):
                    task.cancel()
                await asyncio.gather(done, *lanes, return_exceptions=True)

    async def half_way(self) -> None:
        """Return once half of the ballots were acknowledged."""
        await self._half_way.wait()

    async def _lane(self, agency: GenesisAgency, client: Client) -> None:
        """Takes the next batch whenever the one before was answered."""
        while True:
            batch = await self._batches.get()
            left = await self._hand_in(agency, client, batch)
            self._acknowledged += len(batch) - len(left)
            self._advance(self._acknowledged)
            if 2 * self._acknowledged >= self._count:
                self._half_way.set()
            if left:
                self._batches.put_nowait(left)
            self._batches.task_done()
            if left:
                await asyncio.sleep(RETRY_AFTER_S)

    async def _hand_in(self, agency: GenesisAgency, client: Client, batch: list[bytes]) -> list[bytes]:
        """The ballots of the batch that have to be sent again, to this node or another."""
        try:
            submitted = await client.submit(batch)
        except MvchainError as error:
            if not may_pass(error):
                raise _refused(agency, error) from error
            return batch
        self._check_promise(agency, batch, submitted)
        return [raw for raw, item in zip(batch, submitted.items, strict=True) if _is_left(agency, item)]

    def _check_promise(self, agency: GenesisAgency, batch: Sequence[bytes], submitted: Submitted) -> None:
        """Every ballot that is said to be received is under a promise that the key in genesis signed."""
        received = [sha256(raw) for raw, item in zip(batch, submitted.items, strict=True) if item.status == 202]
        promise = submitted.acknowledgement
        if not received:
            return
        if (
            promise is None
            or promise.agency != agency.number
            or list(promise.hashes) != received
            or not promise.verify(self._genesis.hash, agency.node_key)
        ):
            raise BadRequest(codes.DEMO_BAD_PROMISE, number=agency.number)


def _is_left(agency: GenesisAgency, item: ItemResult) -> bool:
    if item.error is not None and not may_pass(item.error):
        raise _refused(agency, item.error)
    return item.error is not None


def may_pass(error: MvchainError) -> bool:
    """Whether the same request may succeed later: the node is away, busy, or has no room."""
    return error.retryable if isinstance(error, ApiError) else error.cause is codes.SERVER_UNREACHABLE


def _refused(agency: GenesisAgency, error: MvchainError) -> BadRequest:
    return BadRequest(codes.DEMO_REFUSED, number=agency.number, why=str(error))


def _batches(ballots: Sequence[bytes], least: int) -> Iterator[list[bytes]]:
    """The ballots in order, at most MAX_BATCH and MAX_BATCH_BYTES together, in `least` batches if there are enough."""
    most = min(MAX_BATCH, -(-len(ballots) // least))
    batch: list[bytes] = []
    size = 0
    for raw in ballots:
        if batch and (len(batch) == most or size + len(raw) > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(raw)
        size += len(raw)
    if batch:
        yield batch
