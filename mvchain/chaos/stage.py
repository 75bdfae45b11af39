"""One network with a poll that is open and ballots that come in: where faults strike, and the check of what is left."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mvchain.api.client import Client
from mvchain.chaos import check
from mvchain.chaos.asking import Asker
from mvchain.chaos.blocks import Validators, read_block
from mvchain.chaos.check import Survey
from mvchain.chaos.cluster import Cluster, Launch
from mvchain.chaos.load import Load
from mvchain.chaos.recount import PollFacts, recount
from mvchain.chaos.watch import Watch
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.demo import elections
from mvchain.demo.elections import POLL
from mvchain.demo.holding import close_poll, open_poll
from mvchain.demo.preparation import SignedBallot, SigningTask, sign_all
from mvchain.demo.progress import Narrator
from mvchain.ledger.polls import PollDefinition, definition_hash, encode_definition

READY_S: Final = 180.0
"""How long a node may take to be as it has to be before it is given up; on a busy machine a start alone takes 20 s."""
RECOVERY_S: Final = 20.0
"""How long after a fault every node has made five more heights (BEST1)."""
GIVE_UP_S: Final = 240.0
"""After which a network that does not recover is given up."""
HEIGHTS: Final = 5
TURNS: Final = 3
"""How often each validator's turn to propose comes in the blocks that are looked at for who takes part."""
LOOK_AGAIN_S: Final = 0.1
LEAST_BALLOTS: Final = 10_000
"""There must be some left when the last fault is over: blocks are made of them."""


@dataclass
class Stage:
    """What a fault gets: the nodes, the wires between them, and the load."""

    cluster: Cluster
    load: Load
    watch: Watch
    askers: dict[int, Asker]
    facts: PollFacts
    narrator: Narrator
    random: random.Random
    survey: Survey = field(default_factory=Survey)
    faults: list[str] = field(default_factory=list)
    """What is wrong, in words."""
    injected: set[str] = field(default_factory=set)
    """Addresses of validators that were made to sign twice."""
    notes: Counter[str] = field(default_factory=Counter)
    """What was seen and is not wrong, with how often."""
    spared: int | None = None
    """A node that no fault is to end."""
    newest: int = 0
    """The greatest height that was seen."""
    log_marks: dict[int, int] = field(default_factory=dict)
    """Up to where the logs have been looked at."""

    @property
    def validators(self) -> Validators:
        """Of the genesis file."""
        genesis = self.cluster.network.genesis
        return Validators.of(genesis.chain_id, [agency.validator_key for agency in genesis.agencies])

    @property
    def numbers(self) -> list[int]:
        """Of the nodes of the agencies."""
        return list(self.cluster.network.numbers)

    def some_node(self) -> int:
        """One at random, but the spared one."""
        return self.random.choice([number for number in self.numbers if number != self.spared])

    def expect(self, holds: bool, fault: str) -> None:
        """Keep the fault unless it holds."""
        if not holds:
            self.faults.append(fault)

    def note(self, text: str) -> None:
        """Keep what was seen for the report."""
        self.notes[text] += 1

    async def heights(self, numbers: Collection[int] | None = None) -> dict[int, int]:
        """Of the newest blocks of these nodes that answer, all if none are named."""
        asked = [self.askers[number] for number in (numbers or self.numbers)]
        found = await asyncio.gather(*(asker.height() for asker in asked))
        heights = {asker.number: height for asker, height in zip(asked, found, strict=True) if height is not None}
        self.newest = max(self.newest, *heights.values()) if heights else self.newest
        return heights

    async def top(self) -> int:
        """The newest height that any node has shown so far."""
        await self.heights()
        return self.newest

    async def reach(self, height: int, numbers: Collection[int], seconds: float = GIVE_UP_S) -> float:
        """How long it takes until all of these nodes have the height; `seconds` at most, raises beyond."""
        started = time.monotonic()
        while (passed := time.monotonic() - started) < seconds:
            found = await self.heights(numbers)
            if len(found) == len(numbers) and min(found.values()) >= height:
                return time.monotonic() - started
            await asyncio.sleep(LOOK_AGAIN_S)
        raise BadConfiguration(codes.CHAOS_STANDSTILL, what=f"height {height}, found {found}", seconds=round(passed))

    async def ready(self, number: int, seconds: float = READY_S) -> None:
        """Return once the node takes part and takes ballots. Raises BadConfiguration: it does not."""
        started = time.monotonic()
        while not await self.askers[number].ready():
            if number not in self.cluster.running:
                what = f"node {number} ready, it ended: {self.cluster.take_unexpected()}"
                raise BadConfiguration(codes.CHAOS_STANDSTILL, what=what, seconds=seconds)
            if time.monotonic() - started > seconds:
                raise BadConfiguration(codes.CHAOS_STANDSTILL, what=f"node {number} ready", seconds=seconds)
            await asyncio.sleep(LOOK_AGAIN_S)

    async def ails(self, number: int, check: str, seconds: float) -> None:
        """Return once the node says that this check of its health fails. Raises BadConfiguration: it does not."""
        started = time.monotonic()
        while not await self.askers[number].ails(check):
            if time.monotonic() - started > seconds:
                raise BadConfiguration(codes.CHAOS_STANDSTILL, what=f"node {number} ails: {check}", seconds=seconds)
            await asyncio.sleep(LOOK_AGAIN_S)

    async def ended(self, number: int, seconds: float) -> int:
        """The exit status of a node that has to end by itself. Raises BadConfiguration: it does not."""
        started = time.monotonic()
        while (status := self.cluster.take_end(number)) is None:
            if time.monotonic() - started > seconds:
                log = self.cluster.log_path(number)
                raise BadConfiguration(codes.CHAOS_NOT_ENDED, number=number, seconds=seconds, log=log)
            await asyncio.sleep(LOOK_AGAIN_S)
        return status

    async def recovery(self) -> float:
        """From now until every node has five heights more than the newest now, and is ready (I6)."""
        started = time.monotonic()
        self.expect(self.load.left > 0, "no ballots are left: there is no load, and blocks come once a minute")
        await self.reach(await self.top() + HEIGHTS, self.numbers)
        for number in self.numbers:
            await self.ready(number)
        return time.monotonic() - started

    async def restart(self, number: int, launch: Launch | None = None) -> None:
        """Kill a node and start it at once."""
        await self.cluster.kill(number)
        await self.cluster.start(number, launch)

    # --- the check ---

    async def check(self) -> None:
        """Look at everything that is new since the last check, with the load off, and keep what is wrong."""
        await self._take_turns()
        await self.load.pause()
        acknowledged = list(self.load.acknowledged)
        await self._settle()
        height = await self.top()
        askers = [self.askers[number] for number in self.numbers]
        await check.look(askers, height, self.survey)
        statuses = {asker.number: await asker.get("/v1/status") for asker in askers}
        if all(int(status["height"]) == height for status in statuses.values()):
            self.faults += check.status_faults(statuses, self.survey)
        self.faults += check.chain_faults(self.survey, self.validators)
        self.faults += check.ballot_faults(self.survey, acknowledged)
        self.faults += check.evidence_faults(self.survey.blocks, self.injected)
        self.faults += await check.read_back(askers, acknowledged)
        self.faults += [f"I3: {n} ballots were refused by {how}" for how, n in self.load.refused.items()]
        self.faults += self._of_processes()
        self.faults += self.watch.faults(height, len(acknowledged))

    async def count(self) -> None:
        """Close the poll and compare what every node publishes with a recount (I4)."""
        await self.load.pause()
        async with Client(self.cluster.api_url(1), READY_S) as client:
            await close_poll(self.cluster.network, client)
        shown = {}
        for number in self.numbers:
            await self.reach(await self.top(), [number])
            shown[number] = await self.askers[number].get(f"/v1/polls/{POLL}")
        await check.look(list(self.askers.values()), await self._common_height(), self.survey)
        txs = (raw for block in self.survey.blocks for raw in block.txs)
        self.faults += check.tally_faults(shown, recount(txs, self.facts))

    async def _take_turns(self) -> None:
        """With the load on: every validator proposes and signs some of the next blocks (BEST1)."""
        self.load.resume()
        window = TURNS * len(self.numbers)
        last = await self.top() + window
        await self.reach(last, self.numbers)
        asker = self.askers[1]
        blocks = [read_block(await asker.rpc("block", height=str(h))) for h in range(last - window + 1, last + 1)]
        commits = [block.last_commit for block in blocks]
        self.faults += check.absence_faults(blocks, commits, list(self.validators.keys))

    async def _settle(self) -> None:
        """Return once nothing waits for a block and all nodes have the same newest one."""
        started = time.monotonic()
        while time.monotonic() - started < GIVE_UP_S:
            statuses = [await self.askers[number].get("/v1/status") for number in self.numbers]
            if len({status["height"] for status in statuses}) == 1 and not any(s["pending"] for s in statuses):
                return
            await asyncio.sleep(LOOK_AGAIN_S)
        raise BadConfiguration(codes.CHAOS_STANDSTILL, what=f"one height, none pending: {statuses}", seconds=GIVE_UP_S)

    async def _common_height(self) -> int:
        return min((await self.heights()).values())

    def _of_processes(self) -> Iterator[str]:
        for line in self.cluster.take_unexpected():
            yield f"I7: {line}"
        for number in self.cluster.numbers:
            yield from check.log_faults(number, self.cluster.log_since(number, self.log_marks.get(number, 0)))
            self.log_marks[number] = self.cluster.log_size(number)


@dataclass(frozen=True, slots=True)
class Setting:
    """How a stage is set."""

    nodes: int
    per_s: float
    """Ballots."""
    seconds: float
    """For which there are ballots."""
    seed: int
    namespaces: bool
    """Whether each node is in a network namespace of its own."""


@asynccontextmanager
async def on_stage(directory: Path, setting: Setting, narrator: Narrator) -> AsyncIterator[Stage]:
    """A stage with the load on; its nodes are gone afterwards, their files are not."""
    cluster = Cluster(directory, setting.nodes, namespaces=setting.namespaces)
    definition = elections.shipped().at(cluster.network.genesis.genesis_time_ms)
    ballots = _signed(cluster, definition, max(LEAST_BALLOTS, int(setting.per_s * setting.seconds)))
    facts = PollFacts(
        POLL,
        cluster.network.genesis.hash,
        definition_hash(encode_definition(definition)),
        frozenset(bytes(ballot.voter) for ballot in ballots),
        [[option.id for option in question.options] for question in definition.questions],
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(cluster)
        load = await stack.enter_async_context(Load(cluster, ballots, setting.per_s))
        watch = await stack.enter_async_context(Watch(cluster))
        askers: dict[int, Any] = {
            number: await stack.enter_async_context(Asker(number, cluster.api_url(number)))
            for number in cluster.numbers
        }
        rand = random.Random(setting.seed)
        stage = Stage(cluster, load, watch, askers, facts, narrator, rand)
        for number in cluster.numbers:
            await cluster.start(number)
        for number in cluster.numbers:
            await stage.ready(number)
        async with Client(cluster.api_url(1), READY_S) as client:
            await open_poll(cluster.network, client, definition, [ballot.voter for ballot in ballots], narrator)
        await stage.reach(await stage.top(), stage.numbers)  # the poll is open at all of them
        load.resume()
        yield stage


def _signed(cluster: Cluster, definition: PollDefinition, count: int) -> list[SignedBallot]:
    """Ballots of the demo's answers, over and over, each of a voter of its own."""
    answers = elections.shipped().answers
    context = definition_hash(encode_definition(definition))
    wanted = [answers[place % len(answers)] for place in range(count)]
    parts = sorted(sign_all(SigningTask(POLL, cluster.network.genesis.hash, context, wanted)))
    return [ballot for _, part in parts for ballot in part]
