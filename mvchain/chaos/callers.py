"""R11: callers of a node's peer port that are no nodes, or not of this chain, or not honest, many at a time."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from mvchain.chaos.stage import HEIGHTS, Stage
from mvchain.core.errors import BadPeer
from mvchain.core.keys import SigningKey
from mvchain.core.types import Hash, PublicKey
from mvchain.localnet import HOST
from mvchain.node.config import load_settings
from mvchain.node.handshake import PROTOCOL_VERSION, Dialler, Local
from mvchain.node.peer import MAX_FRAME_BYTES

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CALLERS: Final = 40
"""That call at the same time, each again as soon as it is turned away: more than an address has places for."""
HALF_OPEN: Final = 2_000
"""Connections that say nothing, from so many addresses that each has places."""
PER_SOURCE: Final = 30
ENDED_S: Final = 15.0
"""Within which a node has hung up on whoever does not shake hands: above its deadline of 5 s."""
LENGTH_BYTES: Final = 4


class Target:
    """The node that is called, and who calls it."""

    def __init__(self, stage: Stage, number: int) -> None:
        cluster = stage.cluster
        self.port = load_settings(cluster.homes[number].settings).p2p.listen.port
        self.genesis_hash = cluster.network.genesis.hash
        self.node_key = PublicKey(cluster.network.genesis.agencies[number - 1].node_key)
        self.own_key = cluster.network.key(number, "node")
        self.observer = cluster.observer
        self.calls = 0

    @asynccontextmanager
    async def call(self, source: str = HOST) -> AsyncIterator[Streams]:
        """A connection from this address."""
        self.calls += 1
        streams = await asyncio.open_connection(HOST, self.port, local_addr=(source, 0))
        try:
            yield streams
        finally:
            streams[1].transport.abort()

    def dialler(self, key: SigningKey, genesis_hash: Hash | None = None) -> Dialler:
        """This side of a handshake with the node."""
        return Dialler(Local(key, genesis_hash or self.genesis_hash), random.randbytes(32), self.node_key)


async def _until_closed(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(ENDED_S):
        while await reader.read(65_536):
            pass


async def _says(target: Target, data: bytes) -> None:
    """The same bytes, and then wait until the node hangs up."""
    async with target.call() as (reader, writer):
        writer.write(data)
        await _until_closed(reader)


async def _random_bytes(target: Target) -> None:
    await _says(target, random.randbytes(random.randrange(1, 4_096)))


async def _giant_length(target: Target) -> None:
    await _says(target, b"\xff" * LENGTH_BYTES + random.randbytes(1_000))


def _hello(genesis_hash: bytes, ephemeral: bytes) -> bytes:
    body = b"\xf0" + PROTOCOL_VERSION.to_bytes(2, "big") + genesis_hash + ephemeral
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


async def _weak_key(target: Target) -> None:
    await _says(target, _hello(target.genesis_hash, random.choice((bytes(32), b"\x01" + bytes(31)))))


async def _wrong_chain(target: Target) -> None:
    await _shakes_hands(target, target.dialler(SigningKey.generate(), Hash(random.randbytes(32))))


async def _unknown_key(target: Target) -> None:
    await _shakes_hands(target, target.dialler(SigningKey.generate()))


async def _itself(target: Target) -> None:
    await _shakes_hands(target, target.dialler(target.own_key))


async def _too_long_a_frame(target: Target) -> None:
    """From an observer that may connect: a frame of one byte more than the longest."""
    async with target.call() as streams:
        with contextlib.suppress(BadPeer):
            await _shake(target.dialler(target.observer), streams)
            streams[1].write((MAX_FRAME_BYTES + 1).to_bytes(LENGTH_BYTES, "big"))
        await _until_closed(streams[0])


async def _shakes_hands(target: Target, dialler: Dialler) -> None:
    async with target.call() as streams:
        with contextlib.suppress(BadPeer):
            await _shake(dialler, streams)
        await _until_closed(streams[0])


async def _shake(dialler: Dialler, streams: Streams) -> None:
    reader, writer = streams
    reply = dialler.start()
    while dialler.result is None:
        if reply:
            writer.write(len(reply).to_bytes(LENGTH_BYTES, "big") + reply)
        size = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        reply = dialler.receive(await reader.readexactly(size))


async def _byte_by_byte(target: Target) -> None:
    """A handshake at one byte a second, from one of several addresses so that it gets a place."""
    async with target.call(_source()) as (reader, writer):
        for byte in _hello(target.genesis_hash, random.randbytes(32)):
            writer.write(bytes((byte,)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), 1.0)
                return


async def _connects_and_goes(target: Target) -> None:
    async with target.call(_source()):
        pass


def _source() -> str:
    """An address of this machine; nodes count connections by address."""
    return f"127.0.0.{random.randrange(2, 250)}"


Attack = Callable[[Target], Awaitable[None]]
ATTACKS: Final[Mapping[str, Attack]] = {
    "random bytes": _random_bytes,
    "a length of 2^32 - 1": _giant_length,
    "a frame of one byte too many": _too_long_a_frame,
    "one byte a second": _byte_by_byte,
    "connects and goes": _connects_and_goes,
    "another chain": _wrong_chain,
    "an unknown key": _unknown_key,
    "the node's own key": _itself,
    "a weak key": _weak_key,
}


async def harass(stage: Stage, seconds: float) -> None:
    """R11: each attack for so many seconds; honest nodes stay connected and blocks go on."""
    number = stage.some_node()
    target = Target(stage, number)
    for name, attack in ATTACKS.items():
        before, target.calls = await stage.top(), 0
        await _many(target, attack, seconds)
        await _unharmed(stage, number, before)
        stage.note(f"{name}: some {round(target.calls, -len(str(target.calls)) + 2):,} calls")
    before = await stage.top()
    held = await _half_open(target, seconds)
    await _unharmed(stage, number, before)
    stage.note(f"half-open: {HALF_OPEN:,} connections, of which it held at most {held}")


async def _unharmed(stage: Stage, number: int, before: int) -> None:
    peers = int((await stage.askers[number].rpc("net_info"))["n_peers"])
    wanted = len(stage.numbers) - 1
    stage.expect(peers >= wanted, f"I7: node {number} has {peers} peers left and not {wanted}")
    await stage.reach(before + HEIGHTS, stage.numbers)


async def _many(target: Target, attack: Attack, seconds: float) -> None:
    """Let CALLERS attack again and again."""

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError, EOFError):
                await attack(target)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(one()) for _ in range(CALLERS)]
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _half_open(target: Target, seconds: float) -> int:
    """Connect and say nothing; how many connections the node held at the same time."""
    streams: list[Streams] = []
    most = 0
    try:
        for place in range(HALF_OPEN):
            source = f"127.0.1.{1 + place // PER_SOURCE}"
            with contextlib.suppress(OSError):
                streams.append(await asyncio.open_connection(HOST, target.port, local_addr=(source, 0)))
            most = max(most, sum(not reader.at_eof() for reader, _ in streams[-2_000:]))
        await asyncio.sleep(seconds)
    finally:
        for _, writer in streams:
            writer.transport.abort()
    return most
