"""The stage of the bad-input test: a network with polls in every state, and the doors where bad input is handed in.

What is said at a door comes back as an `Answer`: a problem document, a line of the command line, a Goodbye.
"""

import asyncio
import contextlib
import io
import itertools
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from mvchain.api.client import Client
from mvchain.api.operator import await_committed, await_receipt, submit_in_order
from mvchain.cli.main import main
from mvchain.core import codec, merkle
from mvchain.core.errors import Cause
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber, Hash, PollNumber, PublicKey, RollNumber, Signature, TaggedKey, TimeMs
from mvchain.ledger.admission import AdminPayload
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.keyspace import roll_item
from mvchain.ledger.polls import (
    ApprovalRule,
    Option,
    PointsRule,
    PollDefinition,
    Question,
    Quota,
    RankedRule,
    Release,
    Rule,
    ScoreRule,
    SingleRule,
    TieRule,
    definition_hash,
    encode_definition,
)
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import (
    Ballot,
    OperatorRegister,
    OperatorRevoke,
    PollPause,
    PollRegister,
    PollVoid,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceAuthorise,
    make_transaction,
)
from mvchain.localnet import HOST, Localnet, make_localnet
from mvchain.node.config import load_settings

OPEN, REVOTE, PAUSED, VOID, LATE, EARLY = map(PollNumber, range(1, 7))
"""The polls, each with the roll of the same number. LATE is past its closing time and in its grace time."""
SPARE_ROLL, BEGUN_ROLL, EMPTY_ROLL = map(RollNumber, (7, 8, 9))
"""A sealed roll without a poll, one with a single key that is not sealed, and one without keys."""
VOTERS = 12
"""Keys on each roll; more on that of PAUSED."""
FULL_POOL = 100
"""Places of the smallest mempool that a node can be given."""
FIRST_VOTERS = 3
"""Voters of OPEN whose ballots are in a block."""
GOOD_ANSWERS: tuple[object, ...] = (0, (0,), (1, 0), ((0, 2),), (5, None, 0))
"""One that fits each question of OPEN."""
LATE_MS = 4_000
"""How long LATE takes ballots."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
DEADLINE_S = 30.0
"""For anything that the test waits for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said to bad input: its code, cause and remedy, and over HTTP the status."""

    code: str
    text: str
    """Cause and remedy, with a space between."""
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of bad input and what has to be said to it."""

    name: str
    cause: Cause
    send: Callable[["Stage"], Awaitable[Answer]]
    status: int | None = None

    def check(self, answer: Answer) -> None:
        """The code is the row's; cause and remedy are its sentences, every place in them filled."""
        assert (answer.code, answer.status) == (self.cause.code, self.status), answer
        assert "{" not in answer.text, answer
        template = re.escape(f"{self.cause.title} {self.cause.remedy}")
        sentences = re.sub(r"\\\{\w+(!r)?\\\}", ".+", template)
        assert re.fullmatch(sentences, answer.text, re.DOTALL), (answer, sentences)


# --- keys, questions, ballots ---


def voter(poll: int, number: int) -> SigningKey:
    """A voter of the roll with the poll's number."""
    return SigningKey.from_seed(sha256(b"voter %d of %d" % (number, poll)))


def question(rule: Rule, options: Sequence[Option]) -> Question:
    """A question in English without a blank."""
    return Question((("en", "Which?"),), (), tuple(options), rule, blank_allowed=False)


def option(name: str, group: str = "", cost: int = 0) -> Option:
    """An option with that id."""
    return Option(name, (("en", name.upper()),), cost=cost, group=group)


PLAIN = tuple(map(option, "abc"))
PLACES = (option("a", "north", 10), option("b", "north", 10), option("c", "south", 10), option("d", "south", 40))
QUESTIONS = (
    question(SingleRule(), PLAIN),
    question(ApprovalRule(1, 3, (Quota("north", 1, 1),), 50), PLACES),
    question(RankedRule(2, 3, (3, 2, 1)), PLAIN),
    question(PointsRule(5, 2, 8), PLAIN),
    question(ScoreRule(5), PLAIN),
)


def definition(
    roll: RollNumber | PollNumber,
    opens_at_ms: int,
    closes_at_ms: int,
    questions: tuple[Question, ...] = QUESTIONS[:1],
    *,
    grace_ms: int = 60_000,
    revote: bool = False,
    approvals: int = 1,
) -> PollDefinition:
    """A poll of agency 1."""
    return PollDefinition(
        agency=AgencyNumber(1),
        title=(("en", "Poll"),),
        description=(),
        questions=questions,
        opens_at_ms=TimeMs(opens_at_ms),
        closes_at_ms=TimeMs(closes_at_ms),
        grace_ms=grace_ms,
        roll=RollNumber(roll),
        revote=revote,
        release=Release.AFTER_CLOSING,
        approvals=approvals,
        tie_rule=TieRule.EQUAL_RANK,
        min_turnout=0,
    )


# --- the stage ---


@dataclass
class Stage:
    """Four nodes, of which `target` is spoken to, and the keys of everybody."""

    network: Localnet
    client: Client
    directory: Path
    target: int
    impostor: int
    """The node in whose name the target is lied to."""
    small: int
    """The node whose mempool has FULL_POOL places."""
    observers: Iterator[SigningKey]
    """Take turns, since one that connects too often is sent away (MV-2137)."""
    second: SigningKey = field(default_factory=SigningKey.generate)
    """Another operator of agency 1."""
    service: SigningKey = field(default_factory=SigningKey.generate)
    """May create polls for agency 1."""
    clerk: SigningKey = field(default_factory=SigningKey.generate)
    """May manage rolls for agency 1."""
    leaver: SigningKey = field(default_factory=SigningKey.generate)
    """An operator of agency 1 whose right was taken away."""
    silent: Streams | None = None
    """Says nothing to the target's peer port from the beginning on."""
    accepted: list[bytes] = field(default_factory=list)
    """Ballots in OPEN that are in blocks."""
    waiting: int = 0
    """Ballots that nodes have received in PAUSED."""
    receipt: bytes = b""
    """Of the first of them."""
    definitions: dict[PollNumber, PollDefinition] = field(default_factory=dict)

    @property
    def observer(self) -> SigningKey:
        """May connect to the target, and belongs to no agency; each time another one."""
        return next(self.observers)

    @property
    def genesis(self) -> Genesis:
        """The chain's."""
        return self.network.genesis

    @property
    def agency(self) -> SigningKey:
        """Key of agency 1, which runs the polls."""
        return self.network.key(1, "agency")

    @property
    def operator(self) -> SigningKey:
        """First operator of agency 1."""
        return self.network.key(1, "operator")

    @property
    def outsider(self) -> SigningKey:
        """An operator of agency 2."""
        return self.network.key(2, "operator")

    def node_key(self, number: int) -> PublicKey:
        """Node key of an agency."""
        return self.genesis.agencies[number - 1].node_key

    def path(self, name: str, content: bytes = b"", mode: int = 0o600) -> Path:
        """A new file."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
        return path

    # --- transactions ---

    async def admin(self, key: SigningKey, kind: type[AdminPayload], *values: Any, ahead: int = 1) -> bytes:
        """Signed bytes with the key's next sequence, or one further `ahead`."""
        sequence = int(str((await self.client.signer(key.tagged))["sequence"])) + ahead
        payload = kind(sequence, *values)
        return make_transaction(payload, key, self.genesis.hash)

    def applies(self, key: SigningKey, role: Role = Role.OPERATOR, agency: int = 1) -> tuple[TaggedKey, Signature]:
        """A key that wants to be registered, and its proof."""
        return key.tagged, registration_proof(key, self.genesis.hash, AgencyNumber(agency), role)

    async def acts(self, key: SigningKey, *acts: tuple[Any, ...]) -> None:
        """Let acts take effect one after the other, each a kind and its values."""
        raws = [await self.admin(key, kind, *values, ahead=n) for n, (kind, *values) in enumerate(acts, 1)]
        await submit_in_order(self.client, raws)
        await await_committed(self.client, Hash(sha256(raws[-1])))

    def ballot(
        self,
        poll: PollNumber,
        number: int = VOTERS - 1,
        answers: tuple[object, ...] | None = None,
        revision: int = 0,
    ) -> bytes:
        """A ballot of a voter of that poll's roll; a good one unless said otherwise."""
        if answers is None:
            answers = GOOD_ANSWERS[: len(self.definitions[poll].questions)]
        context = definition_hash(encode_definition(self.definitions[poll]))
        return make_transaction(Ballot(poll, revision, answers), voter(poll, number), self.genesis.hash, context)

    async def commit(self, raw: bytes) -> dict[str, Any]:
        """What becomes of a transaction that is taken."""
        (item,) = (await self.client.submit([raw])).items
        assert item.error is None, item.error
        return await await_committed(self.client, item.txid)

    # --- the API's door ---

    async def submit(self, raw: bytes, number: int | None = None) -> Answer:
        """What a node says to one transaction."""
        return await self.post(codec.encode((raw,)), number=number)

    async def post(
        self, body: bytes, media_type: str = "application/msgpack", headers: str = "", number: int | None = None
    ) -> Answer:
        """What a node says to a body of transactions."""
        head = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{headers}"
        return await self.http("POST /v1/transactions", head, body, number)

    async def submit_to(self, number: int, raw: bytes) -> int:
        """The status that a node gives a transaction, taken or not."""
        status, _, _ = await self.exchange(_post(codec.encode((raw,))), number)
        return status

    async def post_batch(self, body: bytes) -> list[dict[str, Any]]:
        """The results of a batch."""
        status, _, document = await self.exchange(_post(body))
        assert status == 200, document
        results: list[dict[str, Any]] = document["results"]
        return results

    async def http(self, line: str, headers: str = "", body: bytes = b"", number: int | None = None) -> Answer:
        """What a node says to a request, which has to be a problem document."""
        request = f"{line} HTTP/1.1\r\nHost: node\r\n{headers}\r\n".encode() + body
        return await self.bytes_to_api(request, number)

    async def bytes_to_api(self, request: bytes, number: int | None = None) -> Answer:
        """What a node says to any bytes, which has to be a problem document."""
        status, headers, document = await self.exchange(request, number)
        assert headers["content-type"] == "application/problem+json", headers
        assert document["status"] == status, document
        assert document["type"] == f"/v1/errors/{document['code']}", document
        assert document["detail"], document
        assert document["remedy"], document
        assert document["retryable"] == ("retry-after" in headers) or status == 408, document
        return Answer(document["code"], f"{document['detail']} {document['remedy']}", status)

    async def exchange(self, request: bytes, number: int | None = None) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers in small letters and document of what a node says to any bytes."""
        port = int(self.network.api_url(number or self.target).rpartition(":")[2])
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            async with asyncio.timeout(DEADLINE_S):
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").lower().split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                document = json.loads(await reader.readexactly(int(headers["content-length"])))
        finally:
            writer.close()
        return int(head[0].split()[1]), headers, document

    async def call(self) -> Streams:
        """A connection to the target's peer port."""
        listening = load_settings(self.network.home(self.target).settings).p2p.listen
        return await asyncio.open_connection(listening.host, listening.port)

    # --- the doors for files ---

    async def cli(self, *arguments: object) -> Answer:
        """What the command line says, in one line to standard error."""
        code, out, err = await asyncio.to_thread(_run_main, list(map(str, arguments)))
        assert (code, out) == (1, ""), (code, out, err)
        return _from_line(err)

    async def process(self, *arguments: object) -> Answer:
        """The same of a process of its own, for commands that change the process: starting a node."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mvchain", *map(str, arguments)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 1, err
        lines = err.decode().splitlines()
        assert "Traceback" not in err.decode(), err
        return _from_line(lines[-1] + "\n")

    async def verify(self, receipt: bytes, genesis: bytes | None = None) -> Answer:
        """What is said to a receipt by whoever checks it."""
        paths = self.path("bad.mvreceipt.json", receipt), self.path("trusted.json", genesis or self.genesis.encode())
        arguments = ["verify", str(paths[0]), "--genesis", str(paths[1]), "--json"]
        code, out, err = await asyncio.to_thread(_run_main, arguments)
        assert code == 1, (out, err)
        if err:
            return _from_line(err)
        document = json.loads(out)
        assert document["valid"] is False, document
        return Answer(document["code"], f"{document['detail']} {document['remedy']}")


def _post(body: bytes) -> bytes:
    head = "POST /v1/transactions HTTP/1.1\r\nHost: node\r\nContent-Type: application/msgpack\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _run_main(arguments: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["mvchain", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ending:
            return int(ending.code or 0), out.getvalue(), err.getvalue()
    raise AssertionError("a command ends the process")


def _from_line(line: str) -> Answer:
    """One line as `MV-3001: what happened. What to do.`"""
    assert line.count("\n") == 1, line
    code, text = line.rstrip("\n").split(": ", 1)
    return Answer(code, text)


# --- setting up ---


@contextlib.asynccontextmanager
async def set_up(directory: Path) -> AsyncIterator[Stage]:
    """The network with its polls, running until the end."""
    make_localnet(directory / "net", 4)
    network = Localnet(directory / "net")
    observers = [SigningKey.generate() for _ in range(8)]
    # A connection of the node with the smaller key takes the place of the one that stands, whoever made that: so
    # the node with the smallest key can be impersonated at any other while it is connected there itself.
    by_key = sorted(network.numbers, key=lambda number: network.genesis.agencies[number - 1].node_key)
    impostor, small, target = by_key[0], by_key[1], by_key[3]
    named = json.dumps([key.public.hex() for key in observers])
    _change_settings(network, target, "[p2p]\n", f"[p2p]\nobservers = {named}\n")
    _change_settings(network, small, "[api]\n", f"[mempool]\nmax_transactions = {FULL_POOL}\n\n[api]\n")
    async with network:
        await network.wait_ready()
        async with Client(network.api_url(target)) as client:
            stage = Stage(network, client, directory, target, impostor, small, itertools.cycle(observers))
            stage.silent = await stage.call()
            await _register_staff(stage)
            await _make_rolls(stage)
            await _make_polls(stage)
            await _cast_first_ballots(stage)
            try:
                yield stage
            finally:
                stage.silent[1].close()


def _change_settings(network: Localnet, number: int, old: str, new: str) -> None:
    path = network.home(number).settings
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def _register_staff(stage: Stage) -> None:
    await stage.acts(
        stage.agency,
        *((OperatorRegister, *stage.applies(key)) for key in (stage.operator, stage.second, stage.leaver)),
        (OperatorRevoke, stage.leaver.tagged),
        (ServiceAuthorise, *stage.applies(stage.service, Role.SERVICE), Scope.POLLS),
        (ServiceAuthorise, *stage.applies(stage.clerk, Role.SERVICE), Scope.ROLLS),
    )
    await stage.acts(stage.network.key(2, "agency"), (OperatorRegister, *stage.applies(stage.outsider, agency=2)))


async def _make_rolls(stage: Stage) -> None:
    acts: list[tuple[Any, ...]] = []
    for roll in (*map(RollNumber, range(OPEN, EARLY + 1)), SPARE_ROLL):
        count = FULL_POOL + VOTERS if roll == RollNumber(PAUSED) else VOTERS
        keys = sorted(voter(roll, number).tagged for number in range(count))
        root = merkle.root([roll_item(key, 1) for key in keys])
        acts += [(RollCreate, f"roll {roll}"), (RollAppend, roll, b"".join(keys), ()), (RollSeal, roll, root, count)]
    acts += [(RollCreate, "begun"), (RollCreate, "empty"), (RollAppend, BEGUN_ROLL, voter(BEGUN_ROLL, 0).tagged, ())]
    await stage.acts(stage.operator, *acts)


async def _make_polls(stage: Stage) -> None:
    begun, now_ms = stage.genesis.genesis_time_ms, time.time_ns() // 1_000_000
    later = now_ms + 86_400_000
    stage.definitions = {
        OPEN: definition(OPEN, begun, later, QUESTIONS, approvals=2),
        REVOTE: definition(REVOTE, begun, later, revote=True),
        PAUSED: definition(PAUSED, begun, later),
        VOID: definition(VOID, begun, later),
        LATE: definition(LATE, begun, now_ms + LATE_MS, grace_ms=3_600_000),
        EARLY: definition(EARLY, later, later + 1),
    }
    await stage.acts(stage.service, *((PollRegister, 0, encode_definition(one)) for one in stage.definitions.values()))
    for number in (OPEN, REVOTE, PAUSED, VOID, LATE):
        await until(lambda number=number: _has_state(stage, number, "open"))  # type: ignore[misc]
    await stage.acts(stage.operator, (PollPause, PAUSED, "test"), (PollVoid, VOID, "test"))


async def _has_state(stage: Stage, poll: PollNumber, state: str) -> bool:
    return (await stage.client.poll(poll))["state"] == state


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Return once `look` finds it so."""
    async with asyncio.timeout(DEADLINE_S):
        while not await look():  # noqa: ASYNC110 - what is looked at is in another process
            await asyncio.sleep(0.02)


async def _cast_first_ballots(stage: Stage) -> None:
    stage.accepted = [stage.ballot(OPEN, number) for number in range(FIRST_VOTERS)]
    for raw in (*stage.accepted, stage.ballot(REVOTE, 0)):
        await stage.commit(raw)
    stage.receipt = await await_receipt(stage.client, Hash(sha256(stage.accepted[0])))
