"""mvchain.interop.nil_precommitter: nil for every proposal, once, signed by the guard of the node whose part it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest_asyncio

from mvchain.core.types import Height, Round
from mvchain.interop.nil_precommitter import precommitting_nil
from mvchain.ledger.endorsements import NO_ROUND, Endorsement, Kind, Proposal
from mvchain.localnet import Localnet, make_localnet
from mvchain.node.config import load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.handshake import Local
from mvchain.node.peer import Peer
from mvchain.node.transport import Transport
from mvchain.node.wire import CompactProposal, Endorsements, Message
from tests.ledger.chain_helpers import BLOCK, NOW

PLAYED = 4


class OtherNode:
    """A node that takes one peer and notes what it says."""

    def __init__(self) -> None:
        self.peer: Peer | None = None
        self.there = asyncio.Event()
        self.messages: asyncio.Queue[Message] = asyncio.Queue()

    def on_connect(self, peer: Peer) -> None:
        self.peer = peer
        self.there.set()

    def on_disconnect(self, _peer: Peer) -> None:
        self.peer = None

    def on_message(self, _peer: Peer, message: Message) -> None:
        self.messages.put_nowait(message)

    async def propose(self, height: int, round_: int) -> None:
        """What the played node does not look at is empty."""
        proposal = Proposal(Height(height), Round(round_), NO_ROUND, BLOCK, NOW, bytes(64))  # type: ignore[arg-type]
        await self.there.wait()
        assert self.peer is not None
        assert self.peer.send(CompactProposal(proposal.encode(), b"", (), (), b""))

    async def precommit(self) -> Endorsement:
        message = await self.messages.get()
        assert isinstance(message, Endorsements)
        (item,) = message.items
        return Endorsement.decode(item)


@asynccontextmanager
async def running(network: Localnet, number: int) -> AsyncIterator[OtherNode]:
    genesis = network.genesis
    names = {agency.node_key: agency.name_en for agency in genesis.agencies}
    local = Local(network.key(number, "node"), genesis.hash)
    transport = Transport(lambda: local, (), names.get)
    address = load_settings(network.home(number).settings).p2p.listen
    await transport.listen(address.host, address.port)
    node = OtherNode()
    task = asyncio.create_task(transport.run(node))
    yield node
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture
async def network(tmp_path: Path) -> Localnet:
    make_localnet(tmp_path, 4)
    return Localnet(tmp_path)


async def test_every_proposal_gets_one_nil_precommit(network: Localnet) -> None:
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(running(network, number)) for number in (1, 2, 3)]
        await stack.enter_async_context(precommitting_nil(network, PLAYED))
        index = {validator.public_key: i for i, validator in enumerate(network.genesis.validators())}
        key = network.key(PLAYED, "validator").public
        for height, round_ in ((5, 0), (5, 1), (7, 0)):
            await others[0].propose(height, round_)
            for other in others:
                precommit = await other.precommit()
                assert (precommit.kind, precommit.height, precommit.round) == (Kind.PRECOMMIT, height, round_)
                assert precommit.block_id.is_nil
                assert precommit.index == index[key]
                assert precommit.is_signed_by(key, network.genesis.chain_id)
                assert precommit.time_ns > NOW


async def test_what_lies_behind_is_not_signed(network: Localnet) -> None:
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(running(network, number)) for number in (1, 2, 3)]
        await stack.enter_async_context(precommitting_nil(network, PLAYED))
        await others[0].propose(5, 0)
        await others[0].propose(4, 0)
        await others[0].propose(6, 0)
        assert [(await others[1].precommit()).height for _ in range(2)] == [5, 6]


async def test_the_node_finds_what_was_signed_in_its_guard(network: Localnet) -> None:
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(running(network, number)) for number in (1, 2, 3)]
        await stack.enter_async_context(precommitting_nil(network, PLAYED))
        await others[2].propose(5, 2)
        await others[0].precommit()
    home = network.home(PLAYED)
    guard = SignGuard(home.guard, network.key(PLAYED, "validator"), network.genesis.chain_id, LocalDisk())
    assert guard.position is not None
    assert guard.position[:2] == (5, 2)
    guard.close()
