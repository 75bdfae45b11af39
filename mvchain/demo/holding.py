"""Holding the election on a running network: roll, poll, ballots, closing, result, receipts.

Everything goes through the public API, and nothing that a node says is believed where it can be checked.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from mvchain.api.client import ApiError, Client
from mvchain.api.operator import Operator, await_receipt
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadProof, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, TaggedKey
from mvchain.demo.casting import Caster, may_pass
from mvchain.demo.elections import AGENCY, POLL, ROLL, Totals
from mvchain.demo.preparation import SignedBallot
from mvchain.demo.progress import Narrator
from mvchain.ledger.polls import PollDefinition
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import Role
from mvchain.light.proofs import Counted
from mvchain.light.verify import verify_proof, verify_receipt
from mvchain.localnet import Localnet

T = TypeVar("T")

RECEIPTS: Final = 20
"""How many voters' receipts are checked."""
DEAD_S: Final = 5.0
"""How long a killed node stays away."""
LOOK_AGAIN_S: Final = 0.1
STANDSTILL_S: Final = 60.0
"""How long nothing may change while something is waited for."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was seen on the network."""

    totals: Totals
    blanks: Sequence[int]
    """Of each question."""
    height: int
    app_hashes: Mapping[int, str]
    """By node, all at `height`."""
    receipts_valid: int
    receipts_checked: int
    stranger: str | None
    """What a node says when asked for the receipt of a ballot nobody cast; None if it gives one."""
    casting_s: float
    """From the first ballot sent to the last one in a block."""
    max_resident_bytes: int | None
    store_bytes_before: int
    """Of the store of the first node when the poll was open."""


class Holding:
    """One election on one network."""

    def __init__(
        self, network: Localnet, definition: PollDefinition, ballots: Sequence[SignedBallot], narrator: Narrator
    ) -> None:
        self._network = network
        self._definition = definition
        self._ballots = ballots
        self._narrator = narrator

    async def hold(self, *, kill_one: bool) -> Findings:
        """The whole election.

        Raises:
            MvchainError: it could not be finished.
        """
        network, narrator = self._network, self._narrator
        async with AsyncExitStack() as stack:
            clients = {
                number: await stack.enter_async_context(Client(network.api_url(number))) for number in network.numbers
            }
            voters = [ballot.voter for ballot in self._ballots]
            await open_poll(network, clients[1], self._definition, voters, narrator)
            store_bytes_before = directory_bytes(network.home(1).store)
            started = time.monotonic()
            await self._cast(clients[1], kill_one=kill_one)
            casting_s = time.monotonic() - started
            narrator.say("closing the poll and counting")
            questions = await close_poll(network, clients[1])
            height, app_hashes = await settled(network, clients)
            narrator.say("checking receipts")
            valid, checked = await self._check_receipts(clients)
            return Findings(
                totals=tuple({option["id"]: option["total"] for option in one["options"]} for one in questions),
                blanks=[one["blanks"] for one in questions],
                height=height,
                app_hashes=app_hashes,
                receipts_valid=valid,
                receipts_checked=checked,
                stranger=await _ask_as_stranger(clients[1]),
                casting_s=casting_s,
                max_resident_bytes=max_resident_bytes(network),
                store_bytes_before=store_bytes_before,
            )

    async def _cast(self, client: Client, *, kill_one: bool) -> None:
        """Return once every ballot is in a block."""
        count = len(self._ballots)
        with self._narrator.bar("casting ballots", count) as advance:
            caster = Caster(self._network, [ballot.raw for ballot in self._ballots], advance)
            killing = asyncio.create_task(self._kill_one(caster)) if kill_one else None
            try:
                await caster.cast_all()
                if killing is not None:
                    await killing
            finally:
                if killing is not None:
                    killing.cancel()
        await poll_until(
            self._network, client, "all ballots are in blocks", lambda shown: shown["ballots"]["size"] == count
        )

    async def _kill_one(self, caster: Caster) -> None:
        await caster.half_way()
        victim = self._network.numbers[-1]
        self._narrator.say(f"killing node {victim}")
        await self._network.kill(victim)
        await asyncio.sleep(DEAD_S)
        self._narrator.say(f"starting node {victim} again")
        await self._network.restart(victim)

    async def _check_receipts(self, clients: Mapping[int, Client]) -> tuple[int, int]:
        """How many receipts of voters chosen at random verify, and of how many; each from another node in turn."""
        chosen = random.sample(self._ballots, min(RECEIPTS, len(self._ballots)))
        valid = 0
        for place, ballot in enumerate(chosen):
            client = clients[self._network.numbers[place % len(clients)]]
            tx_hash = sha256(ballot.raw)
            opened = await client.receipt(tx_hash, "open")
            completed = await await_receipt(client, tx_hash)
            with contextlib.suppress(BadProof):
                accepted = verify_receipt(opened, self._network.genesis)
                counted = verify_proof(completed, self._network.genesis)
                claim = counted.claim
                assert isinstance(claim, Counted), "every voter of the demo casts one ballot"
                found = (accepted.ballot, accepted.accepted.poll, accepted.accepted.voter)
                valid += found == (claim.ballot, counted.poll, claim.voter) == (tx_hash, POLL, ballot.voter)
        return valid, len(chosen)


async def open_poll(
    network: Localnet, client: Client, definition: PollDefinition, voters: Sequence[TaggedKey], narrator: Narrator
) -> None:
    """The first operator, the first roll and the first poll of a new chain; returns once the poll is open."""
    genesis = network.genesis
    operator_key = network.key(AGENCY, "operator")
    proof = registration_proof(operator_key, genesis.hash, AGENCY, Role.OPERATOR)
    agency = Operator(client, network.key(AGENCY, "agency"), genesis)
    await agency.register_operator(operator_key.tagged, proof)
    operator = Operator(client, operator_key, genesis)
    entries = [(voter, 1) for voter in voters]
    with narrator.bar("putting the voters' keys on the roll", len(entries)) as advance:
        roll = await operator.create_roll("demo", entries, lambda done, _total: advance(done))
    poll = await operator.register_poll(definition)
    assert (roll, poll) == (ROLL, POLL), (roll, poll)
    await poll_until(network, client, "the poll is open", lambda shown: shown["state"] == "open")


async def close_poll(network: Localnet, client: Client) -> list[dict[str, Any]]:
    """Close it and wait for the result; the tally of each question."""
    operator = Operator(client, network.key(AGENCY, "operator"), network.genesis)
    await operator.close(POLL, "all ballots are in")
    shown = await poll_until(network, client, "the result is final", lambda shown: shown["state"] == "final")
    questions: list[dict[str, Any]] = shown["tally"]["questions"]
    return questions


async def settled(network: Localnet, clients: Mapping[int, Client]) -> tuple[int, dict[int, str]]:
    """Height and app hashes once the nodes of all clients stand at one height."""

    async def look() -> list[dict[str, Any]]:
        return [await client.status() for client in clients.values()]

    def at_one_height(statuses: Sequence[Mapping[str, Any]]) -> bool:
        return len({status["height"] for status in statuses}) == 1

    statuses = await wait_until("all nodes stand at one height", look, at_one_height, network)
    app_hashes = {number: status["app_hash"] for number, status in zip(clients, statuses, strict=True)}
    return statuses[0]["height"], app_hashes


async def poll_until(
    network: Localnet, client: Client, what: str, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The poll as the node shows it, once it is as wanted."""

    async def look() -> dict[str, Any]:
        return await client.poll(POLL)

    return await wait_until(what, look, wanted, network)


async def wait_until(what: str, look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], network: Localnet) -> T:
    """What `look` finds once it is as wanted; a node that does not answer or is busy is asked again.

    Raises:
        BadConfiguration: what it finds did not change for STANDSTILL_S.
    """
    last, changed_at = None, time.monotonic()
    while True:
        try:
            found = await look()
        except MvchainError as error:
            if not may_pass(error):
                raise
        else:
            if wanted(found):
                return found
            if found != last:
                last, changed_at = found, time.monotonic()
        if time.monotonic() - changed_at > STANDSTILL_S:
            raise BadConfiguration(
                codes.DEMO_STANDSTILL, seconds=STANDSTILL_S, what=what, path=network.home(1).path.parent
            )
        await asyncio.sleep(LOOK_AGAIN_S)


async def _ask_as_stranger(client: Client) -> str | None:
    """What the node says of a ballot that was never cast; None if it has a receipt for it."""
    try:
        await client.receipt(Hash(sha256(b"a ballot that nobody cast")))
    except ApiError as error:
        return f"{error.code}: {error.detail}"
    return None


def directory_bytes(directory: Path) -> int:
    """Of all files in the directory and below."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def max_resident_bytes(network: Localnet) -> int | None:
    """The most memory that any running node has used so far; None where the system does not tell."""
    found = []
    for number in network.numbers:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{network.pid(number)}/status").read_text().splitlines()
            found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return max(found, default=None)
