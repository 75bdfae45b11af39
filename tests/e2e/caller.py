"""The peers' door of the bad-input test: a connection to a node that is free to do anything."""

import asyncio
import contextlib
import random
from typing import Self

from mvchain.core.errors import BadPeer
from mvchain.core.keys import SigningKey
from mvchain.core.types import Hash, PublicKey
from mvchain.node import wire
from mvchain.node.handshake import Dialler, Local, SecureChannel
from mvchain.node.wire import Goodbye, Message
from tests.e2e.stage import DEADLINE_S, Answer, Stage


class Caller:
    """A connection to the target's peer port, free to do anything."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.channel: SecureChannel | None = None

    @classmethod
    async def open(cls, stage: Stage) -> Self:
        """Connected, and nothing said yet."""
        return cls(*await stage.call())

    @classmethod
    async def peer(cls, stage: Stage, key: SigningKey) -> Self:
        """Connected, with the handshake done, as the node with this key."""
        caller = await cls.open(stage)
        dialler = dialler_to(stage, key)
        caller.frame(dialler.start())
        while dialler.result is None:
            if reply := dialler.receive(await caller.read_frame()):
                caller.frame(reply)
        caller.channel = dialler.result[1]
        return caller

    def write(self, data: bytes) -> None:
        """Any bytes."""
        self._writer.write(data)

    def frame(self, data: bytes) -> None:
        """A frame as it goes over the wire."""
        self.write(len(data).to_bytes(4, "big") + data)

    def sealed(self, data: bytes) -> None:
        """The next frame of the channel."""
        assert self.channel is not None
        self.frame(self.channel.seal(data))

    async def read_frame(self) -> bytes:
        """The next frame."""
        async with asyncio.timeout(DEADLINE_S):
            size = int.from_bytes(await self._reader.readexactly(4), "big")
            return await self._reader.readexactly(size)

    async def read(self) -> Message:
        """The next message: in the clear until the handshake is done."""
        data = await self.read_frame()
        return wire.decode(data if self.channel is None else self.channel.open(data))

    async def farewell(self, stage: Stage) -> Answer:
        """Why the connection is ended."""
        while not isinstance(message := await self.read(), Goodbye):
            pass
        return await self.ended(stage, message.code, message.reason)

    async def ended(self, stage: Stage, code: str, reason: str) -> Answer:
        """The reason, once the other side has hung up; the remedy is on the page that every code has."""
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(ConnectionError):
                while await self._reader.read(65536):
                    pass
        self.close()
        return await with_remedy(stage, code, reason)

    async def until_closed(self) -> None:
        """Wait until the other side hangs up."""
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(ConnectionError):
                await self._reader.read()
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def dialler_to(
    stage: Stage, key: SigningKey, genesis_hash: Hash | None = None, wanted: PublicKey | None = None
) -> Dialler:
    """This side of a handshake with the target."""
    local = Local(key, genesis_hash or stage.genesis.hash)
    return Dialler(local, random.randbytes(32), wanted or stage.node_key(stage.target))


async def told(stage: Stage, caller: Caller, dialler: Dialler) -> Answer:
    """The Goodbye in place of the listener's proof."""
    try:
        dialler.receive(await caller.read_frame())
    except BadPeer as error:
        return await caller.ended(stage, str(error.data["code"]), str(error.data["reason"]))
    raise AssertionError("it was let in")


async def with_remedy(stage: Stage, code: str, reason: str) -> Answer:
    """A reason that came without its remedy."""
    request = f"GET /v1/errors/{code} HTTP/1.1\r\nHost: node\r\n\r\n".encode()
    status, _, page = await stage.exchange(request)
    assert status == 200, page
    assert page["code"] == code
    return Answer(code, f"{reason} {page['remedy']}")
