"""The chain that the verifiers get: an election with a node that is there, gone, precommitting nil, and there again.

| while node 4 | its entry in commits | what is cast |
|---|---|---|
| runs | for the block | single ballots, then whole batches in one block |
| is stopped | absent | single ballots |
| is played by the nil precommitter | nil | single ballots, then whole batches |
| runs again | as it catches up: absent, then for the block | single ballots of a changed chain; the end of the poll |

The changed chain: a fifth agency joins, which never signs, and leaves; and there are other parameters from then on.

Whenever node 4 would propose and does not, a later round decides: such commits come by themselves.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import islice
from typing import Final

from mvchain.api.client import Client
from mvchain.api.operator import Operator, await_committed, submit_in_order
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber
from mvchain.demo import elections
from mvchain.demo.elections import POLL
from mvchain.demo.holding import close_poll, open_poll, settled
from mvchain.demo.preparation import SignedBallot, SigningTask, sign_part
from mvchain.demo.progress import Narrator
from mvchain.interop.nil_precommitter import precommitting_nil
from mvchain.interop.survey import Survey, survey
from mvchain.ledger.genesis import make_entry
from mvchain.ledger.governance import quorum_of
from mvchain.ledger.polls import definition_hash, encode_definition
from mvchain.ledger.proposals import AddAgency, GovernanceAction, RemoveAgency, SetParams
from mvchain.localnet import Localnet

NODES: Final = 4
ABSENTEE: Final = 4
"""The node that is stopped and played."""
SINGLES: Final = 6
"""Ballots of one phase that get a block each: more than NODES, so that everybody is to propose."""
BATCH: Final = 1_000
"""Ballots handed in at once, some 130 kB: they fit a block, and make one of several parts."""
BATCHES: Final = 2
"""Of one phase: the first may be cut in two by a block that is just being made."""
PHASES: Final = 4
VOTERS: Final = PHASES * SINGLES + 2 * BATCHES * BATCH


class Scenario:
    """Makes the chain on a running network."""

    def __init__(self, network: Localnet, clients: Mapping[int, Client], narrator: Narrator) -> None:
        self._network = network
        self._clients = clients
        self._narrator = narrator

    async def play(self) -> Survey:
        """The whole chain; all nodes are at one height afterwards, and no work waits.

        Raises:
            BadConfiguration: the chain has not what it should have.
            MvchainError: it could not be made.
        """
        network, say = self._network, self._narrator.say
        definition = elections.shipped().at(network.genesis.genesis_time_ms)
        context = definition_hash(encode_definition(definition))
        answers = elections.shipped().answers
        task = SigningTask(POLL, network.genesis.hash, context, [answers[i % len(answers)] for i in range(VOTERS)])
        ballots = sign_part(task)
        await open_poll(network, self._clients[1], definition, [ballot.voter for ballot in ballots], self._narrator)
        left = iter(ballots)

        say("all nodes run: single ballots, then batches")
        await self._singles(list(islice(left, SINGLES)))
        await self._batches(list(islice(left, BATCHES * BATCH)))
        say(f"node {ABSENTEE} is stopped: single ballots")
        await network.kill(ABSENTEE)
        await self._singles(list(islice(left, SINGLES)))
        say(f"node {ABSENTEE} precommits nil: single ballots, then batches")
        async with precommitting_nil(network, ABSENTEE):
            await self._singles(list(islice(left, SINGLES)))
            await self._batches(list(islice(left, BATCHES * BATCH)))
        say(f"node {ABSENTEE} runs again; closing the poll")
        await network.restart(ABSENTEE)
        await network.wait_ready()
        await self._change(list(islice(left, SINGLES)))
        await close_poll(network, self._clients[1])
        return await self._survey()

    async def _change(self, ballots: Sequence[SignedBallot]) -> None:
        """Another set of validators for a while, in which all four others must sign, and other parameters."""
        genesis, say = self._network.genesis, self._narrator.say
        number = AgencyNumber(NODES + 1)
        say(f"agency {number} joins, and no node signs for it: single ballots")
        entry = make_entry(
            genesis.chain_name,
            number,
            ("종로구", "Jongno District"),
            agency_key=SigningKey.generate(),
            validator_key=SigningKey.generate(),
            node_key=SigningKey.generate(),
        )
        await self._decide(AddAgency(entry), NODES)
        await self._singles(ballots)
        say(f"agency {number} leaves, and the parameters change")
        await self._decide(RemoveAgency(number), NODES + 1)
        await self._decide(SetParams(replace(genesis.params, max_units=genesis.params.max_units - 1)), NODES)

    async def _decide(self, action: GovernanceAction, agencies: int) -> None:
        """Proposed and agreed to by just enough agencies of so many in force, each at its own node."""
        network = self._network
        first, *others = [
            Operator(self._clients[number], network.key(number, "agency"), network.genesis)
            for number in network.numbers[: quorum_of(agencies)]
        ]
        proposal = await first.propose(action)
        for other in others:
            await other.agree(proposal)

    async def _singles(self, ballots: Sequence[SignedBallot]) -> None:
        for ballot in ballots:
            await self._cast([ballot])

    async def _batches(self, ballots: Sequence[SignedBallot]) -> None:
        for start in range(0, len(ballots), BATCH):
            await self._cast(ballots[start : start + BATCH])

    async def _cast(self, ballots: Sequence[SignedBallot]) -> None:
        """Return once all are in blocks."""
        client = self._clients[1]
        await submit_in_order(client, [ballot.raw for ballot in ballots])
        for ballot in ballots:
            await await_committed(client, sha256(ballot.raw))

    async def _survey(self) -> Survey:
        height, _ = await settled(self._network, self._clients)
        found = survey([(await self._clients[1].block_bytes(h))[0] for h in range(1, height + 1)])
        if lacking := found.lacking():
            raise BadConfiguration(codes.INTEROP_CHAIN, lacking=", ".join(lacking))
        return found


async def play(network: Localnet, narrator: Narrator) -> Survey:
    """See `Scenario.play`."""
    async with AsyncExitStack() as stack:
        clients = {
            number: await stack.enter_async_context(Client(network.api_url(number))) for number in network.numbers
        }
        return await Scenario(network, clients, narrator).play()
