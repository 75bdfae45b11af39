"""A node in memory behind `NodeView`, a client that can break every rule of HTTP, and a schema checker."""

import asyncio
import contextlib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mvchain.api.acknowledgement import acknowledge
from mvchain.api.governance_view import ProposalView
from mvchain.api.server import ApiServer
from mvchain.api.views import (
    BlockSummary,
    BlockView,
    Check,
    EvidenceCounts,
    EvidenceView,
    NodesView,
    PollView,
    ReceiptView,
    RollView,
    SignerView,
    StatusView,
    Submission,
    SubmitOutcome,
    TxState,
    TxStatus,
)
from mvchain.core import codec, codes, merkle, strict_json
from mvchain.core.errors import BadRequest, BadTransaction, MvchainError
from mvchain.core.hashing import EMPTY_HASH, sha256
from mvchain.core.keys import SigningKey
from mvchain.core.limits import MAX_TRANSACTION_BYTES
from mvchain.core.types import (
    Address,
    AgencyNumber,
    Hash,
    Height,
    PollNumber,
    ProposalNumber,
    PublicKey,
    RollNumber,
    Round,
    TaggedKey,
    TimeMs,
    TimeNs,
)
from mvchain.ledger.ballots import check_answers
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import Commit, CommitSig, Flag, Header, data_hash
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.polls import (
    Option,
    PollDefinition,
    Question,
    Release,
    SingleRule,
    TieRule,
    definition_hash,
    encode_definition,
)
from mvchain.ledger.proposals import Proposal, ProposalState, RemoveAgency, encode_action
from mvchain.ledger.records import Action, Agency, Poll, PollState, Roll, Signer, Tally, Tenure
from mvchain.ledger.tally import RunningTally
from mvchain.ledger.transactions import (
    Ballot,
    Kind,
    Role,
    Scope,
    Transaction,
    decode_transaction,
    make_transaction,
    verify_signature,
)

NODE_KEY = SigningKey.from_seed(b"n" * 32)
OPERATOR = SigningKey.from_seed(b"o" * 32)
AGENCY = AgencyNumber(2)
START_MS = 1_760_000_000_000
"""2025-10-09T08:53:20Z."""
NO_HASH = Hash(b"")
FIRST = PollNumber(1)


def voter(number: int) -> SigningKey:
    return SigningKey.from_seed(b"voter" + number.to_bytes(27, "big"))


def definition(release: Release = Release.AFTER_CLOSING) -> PollDefinition:
    options = tuple(Option(name, (("en", name.title()), ("ko", "나무"))) for name in ("trees", "lamps"))
    question = Question((("en", "What first?"),), (), options, SingleRule(), blank_allowed=True)
    return PollDefinition(
        agency=AGENCY,
        title=(("en", "The park"), ("ko", "공원")),
        description=(),
        questions=(question,),
        opens_at_ms=TimeMs(START_MS),
        closes_at_ms=TimeMs(START_MS + 3_600_000),
        grace_ms=60_000,
        roll=RollNumber(1),
        revote=False,
        release=release,
        approvals=1,
        tie_rule=TieRule.EQUAL_RANK,
        min_turnout=0,
    )


class MemoryNode:
    """Judges ballots, keeps them, puts them into blocks and counts them: on one thread, in memory."""

    def __init__(self, voters: int = 20, capacity: int = 10_000) -> None:
        self.genesis_document = strict_json.canonical({"chain_name": "test"})
        self.genesis_hash = sha256(self.genesis_document)
        self.url = "https://own.example"
        self.roll_keys: frozenset[TaggedKey] = frozenset(voter(n).tagged for n in range(voters))
        self.capacity = capacity
        self.sources: list[str] = []
        self.ready = True
        self.alarms: tuple[MvchainError, ...] = ()
        self.stuck: asyncio.Event | None = None
        """While set and not fired, submissions do not return."""
        self._polls: dict[int, PollView] = {}
        self._tallies: dict[int, RunningTally] = {}
        self._logs: dict[int, list[Hash]] = {}
        self._blocks: list[BlockView] = []
        self._bodies: list[tuple[bytes, ...]] = []
        self._status: dict[Hash, TxStatus] = {}
        self._waiting: dict[Hash, Transaction] = {}
        self._ended = asyncio.Condition()
        self.misbehaviour = EvidenceView(EvidenceCounts(0, 0, 0, 0), (), (), (), ())

    # --- what happens on the chain ---

    def register_poll(self, poll_definition: PollDefinition, state: PollState = PollState.OPEN) -> PollNumber:
        number = PollNumber(len(self._polls) + 1)
        record = Poll(
            agency=poll_definition.agency,
            definition_hash=definition_hash(encode_definition(poll_definition)),
            state=state,
            opens_at_ms=poll_definition.opens_at_ms,
            closes_at_ms=poll_definition.closes_at_ms,
            grace_ms=poll_definition.grace_ms,
            opened_at_ms=poll_definition.opens_at_ms,
            closed_at_ms=TimeMs(0),
            roll=poll_definition.roll,
            roll_root=merkle.root(sorted(self.roll_keys)),
            roll_size=len(self.roll_keys),
            ballots_root=merkle.EMPTY_ROOT,
            ballots_size=0,
            counted_root=NO_HASH,
            counted_size=0,
            tally_hash=NO_HASH,
            disputed=False,
            pending=(),
        )
        self._polls[number] = PollView(number, record, poll_definition, 0, None)
        self._tallies[number] = RunningTally.empty(poll_definition)
        self._logs[number] = []
        return number

    def ballot(self, number: int, poll: PollNumber = FIRST, option: int | None = 0) -> bytes:
        """Signed by voter `number`."""
        context = self._polls[poll].record.definition_hash
        return make_transaction(Ballot(poll, 0, (option,)), voter(number), self.genesis_hash, context)

    async def commit_block(self, rejected: Iterable[Hash] = ()) -> Height:
        """Puts everything that waits into a block, but for `rejected`, which end as not open any more."""
        height = Height(len(self._blocks) + 1)
        time_ms = TimeMs(START_MS + 1_000 * height)
        refused = BadTransaction(codes.POLL_NOT_OPEN, poll=1, state="closed")
        for tx_hash in rejected:
            del self._waiting[tx_hash]
            self._status[tx_hash] = TxStatus(tx_hash, TxState.REJECTED, error=refused)
        for index, (tx_hash, tx) in enumerate(self._waiting.items()):
            assert isinstance(tx.payload, Ballot)
            poll = tx.payload.poll
            log = self._logs[poll]
            self._status[tx_hash] = TxStatus(tx_hash, TxState.COMMITTED, height, index, time_ms, poll, len(log))
            log.append(tx_hash)
            self._tallies[poll].add(self._polls[poll].definition, tx.payload.answers, 1)
        self._blocks.append(self._block(height, time_ms, tuple(self._waiting)))
        self._bodies.append(tuple(tx.raw for tx in self._waiting.values()))
        self._waiting.clear()
        async with self._ended:
            self._ended.notify_all()
        return height

    def _block(self, height: Height, time_ms: TimeMs, tx_hashes: tuple[Hash, ...]) -> BlockView:
        address = Address(b"v" * 20)
        header = Header(
            version_app=1,
            chain_id="test-" + self.genesis_hash.hex()[:32],
            height=height,
            time_ns=TimeNs(time_ms * 1_000_000),
            last_block_id=BlockID(b"\x01" * 32, PartSetHeader(1, b"\x02" * 32)),
            last_commit_hash=EMPTY_HASH,
            data_hash=data_hash(tx_hashes),
            validators_hash=EMPTY_HASH,
            next_validators_hash=EMPTY_HASH,
            consensus_hash=EMPTY_HASH,
            app_hash=EMPTY_HASH,
            last_results_hash=EMPTY_HASH,
            evidence_hash=EMPTY_HASH,
            proposer_address=address,
        )
        block_id = BlockID(header.hash(), PartSetHeader(1, b"\x03" * 32))
        signature = CommitSig(Flag.COMMIT, address, TimeNs(header.time_ns + 5), b"s" * 64)
        return BlockView(header, tx_hashes, Commit(height, Round(0), block_id, (signature,)))

    def end_poll(self, number: PollNumber, state: PollState = PollState.FINAL) -> None:
        view = self._polls[number]
        record = replace(view.record, state=state, closed_at_ms=view.record.closes_at_ms, tally_hash=EMPTY_HASH)
        self._polls[number] = replace(view, record=record)

    # --- NodeView ---

    async def submit(self, raw_txs: Sequence[bytes], source: str) -> Submission:
        self.sources.append(source)
        if self.stuck is not None:
            await self.stuck.wait()
        outcomes = [self._judge(raw) for raw in raw_txs]
        received = tuple(outcome.hash for outcome in outcomes if outcome.status == 202)
        if not received:
            return Submission(outcomes, None)
        promise = acknowledge(received, TimeMs(START_MS), AGENCY, self.genesis_hash, NODE_KEY)
        return Submission(outcomes, promise)

    def _judge(self, raw: bytes) -> SubmitOutcome:
        tx_hash = sha256(raw)
        known = self._status.get(tx_hash)
        if known is not None and known.state is not TxState.REJECTED:
            return SubmitOutcome(tx_hash, 200, known)
        if len(raw) > MAX_TRANSACTION_BYTES:
            size, limit = len(raw), MAX_TRANSACTION_BYTES
            too_large = BadTransaction(codes.TOO_LARGE, what="the transaction", size=size, limit=limit)
            return SubmitOutcome(tx_hash, 413, error=too_large)
        try:
            tx = decode_transaction(raw)
        except BadTransaction as error:
            return SubmitOutcome(tx_hash, 400, error=error)
        try:
            poll = self._check(tx)
        except BadTransaction as error:
            return SubmitOutcome(tx_hash, 422, error=error)
        for first, other in self._waiting.items():
            if other.signer == tx.signer and other.payload.poll == poll:  # type: ignore[union-attr]
                conflict = BadTransaction(codes.BALLOT_CONFLICT, poll=poll, first=first.hex())
                return SubmitOutcome(tx_hash, 409, error=conflict)
        if len(self._waiting) >= self.capacity:
            return SubmitOutcome(tx_hash, 503, error=BadTransaction(codes.POOL_FULL))
        self._waiting[tx_hash] = tx
        self._status[tx_hash] = TxStatus(tx_hash, TxState.RECEIVED)
        return SubmitOutcome(tx_hash, 202, self._status[tx_hash])

    def _check(self, tx: Transaction) -> PollNumber:
        if not isinstance(tx.payload, Ballot):
            raise BadTransaction(codes.UNKNOWN_SIGNER, signer=tx.signer.hex())
        view = self._polls.get(tx.payload.poll)
        if view is None:
            raise BadTransaction(codes.NO_SUCH_POLL, poll=tx.payload.poll)
        if view.record.state is not PollState.OPEN:
            raise BadTransaction(codes.POLL_NOT_OPEN, poll=view.number, state=view.record.state.name.lower())
        if not verify_signature(tx, self.genesis_hash, view.record.definition_hash):
            raise BadTransaction(codes.BAD_SIGNATURE, tx=tx.hash.hex())
        if tx.signer not in self.roll_keys:
            raise BadTransaction(codes.NOT_ON_ROLL, poll=view.number, roll=1)
        check_answers(view.definition, tx.payload.answers)
        return view.number

    def transaction(self, tx_hash: Hash) -> TxStatus | None:
        return self._status.get(tx_hash)

    async def wait_committed(self, tx_hash: Hash, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s), self._ended:
                await self._ended.wait_for(lambda: self._status[tx_hash].state is not TxState.RECEIVED)
        except TimeoutError:
            pass

    def polls(self, after: int, limit: int, *, running: bool = False, agency: int | None = None) -> Sequence[PollView]:
        views = [self._view(number) for number in sorted(self._polls) if number > after]
        if running:
            views = [view for view in views if view.record.state not in (PollState.FINAL, PollState.VOID)]
        return [view for view in views if agency in (None, view.record.agency)][:limit]

    def poll(self, number: int) -> PollView | None:
        return self._view(number) if number in self._polls else None

    def _view(self, number: int) -> PollView:
        # Hands out the running tally always: it is for the API to keep it back (L8).
        view, log = self._polls[number], self._logs[number]
        record = replace(view.record, ballots_root=merkle.root(log), ballots_size=len(log))
        return replace(view, record=record, voters=len(log), tally=Tally(self._tallies[number].result(), None))

    def roll(self, number: int) -> RollView | None:
        if number != 1:
            return None
        root, last, size = merkle.root(sorted(self.roll_keys)), max(self.roll_keys), len(self.roll_keys)
        action = Action(sha256(b"extend"), Kind.POLL_EXTEND, START_MS, (OPERATOR.tagged,))
        return RollView(RollNumber(1), Roll(AGENCY, "Residents", True, root, size, last, FIRST, (action,)))

    def double_signings(self, agency: Agency) -> int:
        return self.misbehaviour.counts.committed

    def agencies(self) -> Sequence[Agency]:
        tenure = Tenure(PublicKey(bytes(32)), Height(1), Height(7), proven=True)
        own = Signer(OPERATOR.tagged, Role.AGENCY, Scope(0), 0, active=True, suspended=False)
        second = replace(tenure, from_height=Height(7), until_height=Height(0))
        return [Agency(AGENCY, "기관", "Agency", (tenure, second), (PublicKey(bytes(32)),), 2, (own,))]

    def connected(self) -> Collection[AgencyNumber]:
        return (AGENCY,)

    def params(self) -> ConsensusParams:
        return ConsensusParams()

    def proposals(self, after: int, limit: int) -> Sequence[ProposalView]:
        found = (self.proposal(number) for number in range(after + 1, after + limit + 1))
        return [view for view in found if view is not None]

    def proposal(self, number: int) -> ProposalView | None:
        """Two: an open one, which is not possible now, and one that took effect."""
        if number not in (1, 2):
            return None
        action = RemoveAgency(AGENCY)
        state = ProposalState.OPEN if number == 1 else ProposalState.EXECUTED
        ended = Height(0 if number == 1 else 9)
        record = Proposal(AGENCY, encode_action(action), (AGENCY,), TimeMs(START_MS), TimeMs(START_MS), state, ended)
        few = BadTransaction(codes.TOO_FEW_AGENCIES, size=0, least=4)
        obstacle, needs = (few, 1) if number == 1 else (None, 0)
        return ProposalView(ProposalNumber(number), record, action, (AGENCY,), (), needs, obstacle)

    def signer(self, key: TaggedKey) -> SignerView | None:
        if key != OPERATOR.tagged:
            return None
        return SignerView(AGENCY, Signer(key, Role.SERVICE, Scope.POLLS | Scope.ROLLS, 7, active=True, suspended=False))

    def block(self, height: int) -> BlockView | None:
        return self._blocks[height - 1] if 1 <= height <= len(self._blocks) else None

    def blocks(self, after: int, limit: int) -> Sequence[BlockSummary]:
        views = self._blocks[after : after + limit]
        return [
            BlockSummary(
                view.header,
                view.header.hash(),
                len(view.tx_hashes),
                view.commit.round,
                AGENCY,
                (AGENCY,),
                (AGENCY,),
                (),
            )
            for view in views
        ]

    def block_bytes(self, height: int) -> tuple[bytes, bytes] | None:
        view = self.block(height)
        return None if view is None else (codec.encode(self._bodies[height - 1]), view.commit.encode())

    def status(self) -> StatusView:
        newest = self._blocks[-1] if self._blocks else None
        return StatusView(
            chain_id="test-" + self.genesis_hash.hex()[:32],
            genesis_hash=self.genesis_hash,
            agency=AGENCY,
            base_height=Height(1),
            height=Height(len(self._blocks)),
            block_hash=NO_HASH if newest is None else newest.header.hash(),
            app_hash=EMPTY_HASH,
            block_time_ms=TimeMs(START_MS + 1_000 * len(self._blocks)),
            pending=len(self._waiting),
            catching_up=not self.ready,
            polls=len(self._polls),
            evidence=self.misbehaviour.counts,
            filling_steps=0,
            snapshots=(Height(2_000), Height(1_000)),
            alarms=self.alarms,
        )

    def evidence(self, after: int, limit: int, *, messages: bool) -> EvidenceView:
        found = self.misbehaviour
        shown = [item if messages else replace(item, messages=()) for item in (*found.committed, *found.pending)]
        size = len(found.committed)
        return replace(found, committed=shown[:size][after : after + limit], pending=shown[size:][:limit])

    @property
    def proofs(self) -> "MemoryNode":
        return self

    def receipt(self, tx_hash: Hash, *, completed: bool | None) -> ReceiptView:
        status = self._status.get(tx_hash)
        if status is None or status.height is None or status.poll is None:
            raise BadRequest(codes.BALLOT_UNKNOWN)
        if len(self._blocks) <= status.height:
            raise BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=2)
        document = strict_json.canonical({"ballot": tx_hash.hex(), "height": status.height})
        final = self._polls[status.poll].record.state is PollState.FINAL
        return ReceiptView(document, final if completed is None else completed)

    def ballots_between(self, low: bytes, high: bytes) -> Sequence[Hash]:
        return [tx_hash for tx_hash, status in self._status.items() if status.height and low <= tx_hash[:8] <= high]

    def question(self, poll: PollNumber) -> bytes:
        return self._proof(poll, "question")

    def result(self, poll: PollNumber) -> bytes:
        found = self.poll(poll)
        if found is not None and found.record.state is not PollState.FINAL:
            raise BadRequest(codes.POLL_NOT_FINAL, poll=poll, state=found.record.state.name.lower())
        return self._proof(poll, "result")

    def on_roll(self, poll: PollNumber, voter: TaggedKey) -> bytes:
        if voter not in self.roll_keys:
            raise BadRequest(codes.VOTER_NOT_ON_ROLL, poll=poll)
        return self._proof(poll, "on_roll")

    def recorded(self, poll: PollNumber, size: int) -> bytes:
        return self._proof(poll, f"recorded {size}")

    def not_counted(self, poll: PollNumber, voter: TaggedKey) -> bytes:
        return self._proof(poll, "not_counted")

    def _proof(self, poll: PollNumber, claim: str) -> bytes:
        if self.poll(poll) is None:
            raise BadRequest(codes.POLL_UNKNOWN, poll=poll)
        return strict_json.canonical({"poll": poll, "claim": claim})

    def light_block(self, height: int, *, from_genesis: bool) -> bytes | None:
        return strict_json.canonical({"height": height}) if 1 <= height <= len(self._blocks) else None

    def nodes(self) -> NodesView:
        return NodesView(AgencyNumber(1), self.url, ("https://node.example", "https://other.example:8443"))

    def genesis(self) -> bytes:
        return self.genesis_document

    def health(self) -> Sequence[Check]:
        return [Check("store", True, "open"), Check("synced", self.ready, "at the newest block")]


@dataclass
class HttpAnswer:
    """What came back, header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    head: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


class RawClient:
    """A TCP connection that sends any bytes."""

    def __init__(self, server: ApiServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, server: ApiServer) -> "RawClient":
        return cls(server, *await asyncio.open_connection(*server.address))

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass

    async def answer(self, head_only: bool = False) -> HttpAnswer:
        head = await self.reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = 0 if head_only else int(headers.get("content-length", "0"))
        return HttpAnswer(int(status_line.split()[1]), headers, await self.reader.readexactly(size), head)

    async def closed(self) -> bytes:
        """Whatever still comes until the server closes; waits for it."""
        rest = b""
        try:
            while chunk := await self.reader.read(65_536):
                rest += chunk
        except ConnectionError:
            pass
        return rest

    async def drip(self, data: bytes, pause_s: float = 0.02) -> bytes:
        """Sends byte by byte until the server says something or closes; what it said."""
        for byte in data:
            await self.send(bytes([byte]))
            try:
                return await asyncio.wait_for(self.reader.read(65_536), pause_s)
            except TimeoutError:
                continue
            except ConnectionError:
                return b""
        raise AssertionError("the server let all of it drip")

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def request(method: str, target: str, body: bytes | None = None, **headers: str) -> bytes:
    """A sound request; header names with underscores for hyphens."""
    lines = [f"{method} {target} HTTP/1.1", "Host: node"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def post(body: bytes, media_type: str = "application/json", **headers: str) -> bytes:
    return request("POST", "/v1/transactions", body, Content_Type=media_type, **headers)


def misfits(value: Any, schema: dict[str, Any], document: dict[str, Any], where: str = "$") -> list[str]:
    """Where `value` is not what the part of JSON Schema used in the OpenAPI document allows."""
    if "$ref" in schema:
        target: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return misfits(value, target, document, where)
    if "oneOf" in schema:
        found = [misfits(value, option, document, where) for option in schema["oneOf"]]
        return [] if sum(not each for each in found) == 1 else [f"{where}: not one of {found}"]
    if "const" in schema and value != schema["const"]:
        return [f"{where}: {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r}"]
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "null": type(None),
    }
    allowed = schema.get("type", list(kinds))
    if type(value) not in [kinds[kind] for kind in ([allowed] if isinstance(allowed, str) else allowed)]:
        return [f"{where}: {type(value).__name__}"]
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return [f"{where}: {value!r}"]
    if isinstance(value, int) and value < schema.get("minimum", value):
        return [f"{where}: {value}"]
    if isinstance(value, list):
        items = schema.get("items", {})
        return [bad for i, item in enumerate(value) for bad in misfits(item, items, document, f"{where}[{i}]")]
    if not isinstance(value, dict):
        return []
    properties = schema.get("properties", {})
    bad = [f"{where}.{name}: missing" for name in schema.get("required", ()) if name not in value]
    for name, member in value.items():
        if name in properties:
            bad += misfits(member, properties[name], document, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            bad.append(f"{where}.{name}: unknown")
    return bad
