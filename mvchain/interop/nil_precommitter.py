"""A validator that precommits nil whatever is proposed: the part of a stopped node, played with its keys (C49, C169).

No honest node does so while the others agree, and a chain without such precommits shows no client's code for them.
What it signs goes through the sign guard of the node's home, so the node itself can go on later as if it had signed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.endorsements import Kind, Proposal
from mvchain.ledger.validators import ValidatorSet
from mvchain.localnet import READY_S, Localnet
from mvchain.node.config import load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.handshake import Local
from mvchain.node.message import Message
from mvchain.node.peer import Peer
from mvchain.node.ports import GuardRefusal
from mvchain.node.runtime import now_ns
from mvchain.node.transport import PeerAddress, Transport
from mvchain.node.wire import CompactProposal, Endorsements


class NilPrecommitter:
    """Answers every proposal with a nil precommit to all peers (a `PeerHandler`).

    Args:
        expected: how many peers there are to connect.
    """

    def __init__(self, guard: SignGuard, validators: ValidatorSet, expected: int) -> None:
        found = validators.by_address(guard.address)
        assert found is not None, "the guard is a validator's"
        self._index = found[0]
        self._guard = guard
        self._expected = expected
        self._peers: set[Peer] = set()
        self.connected = asyncio.Event()
        """Set once all expected peers were there."""

    def on_connect(self, peer: Peer) -> None:
        """Remember whom to send to."""
        self._peers.add(peer)
        if len(self._peers) == self._expected:
            self.connected.set()

    def on_disconnect(self, peer: Peer) -> None:
        """Forget it."""
        self._peers.discard(peer)

    def on_message(self, _peer: Peer, message: Message) -> None:
        """Precommit nil in the height and round of a proposal; everything else is for others."""
        if not isinstance(message, CompactProposal):
            return
        proposal = Proposal.decode(message.proposal)
        # Later than the proposed block, as of any honest precommit (C77).
        time_ns = TimeNs(max(now_ns(), proposal.time_ns + NS_PER_MS))
        try:
            precommit = self._guard.sign_endorsement(
                Kind.PRECOMMIT, proposal.height, proposal.round, NIL_BLOCK_ID, time_ns, self._index
            )
        except GuardRefusal:
            return  # a proposal that came late
        for peer in self._peers:
            peer.send(Endorsements((precommit.encode(),)))


@asynccontextmanager
async def precommitting_nil(network: Localnet, number: int) -> AsyncIterator[None]:
    """Inside, the stopped node of this number seems to run and precommits nil.

    Raises:
        TimeoutError: the other nodes did not connect.
    """
    home = network.home(number)
    genesis = network.genesis
    names = {agency.node_key: agency.name_en for agency in genesis.agencies}
    peers = load_settings(home.settings).p2p.peers
    dial = [PeerAddress(peer.address.host, peer.address.port, peer.key) for peer in peers]
    guard = SignGuard(home.guard, network.key(number, "validator"), genesis.chain_id, LocalDisk())
    handler = NilPrecommitter(guard, genesis.validators(), len(dial))
    local = Local(network.key(number, "node"), genesis.hash)
    transport = Transport(lambda: local, dial, names.get)
    running = asyncio.create_task(transport.run(handler))
    try:
        await asyncio.wait_for(handler.connected.wait(), READY_S)
        yield
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        guard.close()
