"""What operators and voters do through the API, against the real ledger behind a real server."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from mvchain.api import operator as module
from mvchain.api.client import ApiError, Client
from mvchain.api.limits import ApiLimits
from mvchain.api.operator import Entry, Operator, await_committed, await_receipt, cast_ballot
from mvchain.api.server import ApiServer
from mvchain.core.errors import BadRequest, MvchainError
from mvchain.core.limits import MAX_TRANSACTION_BYTES
from mvchain.core.types import AgencyNumber, Hash, PollNumber, RollNumber, Signature, TaggedKey, TimeMs
from mvchain.ledger.polls import definition_hash, encode_definition
from mvchain.ledger.proposals import SetParams
from mvchain.ledger.records import PollState
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import Kind, Role, Scope, make_transaction
from tests.api.ledger_node import LedgerNode
from tests.ledger.state_helpers import World, key_of, roll_root


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again at once; the pause is the server's wish and not what is tested."""
    monkeypatch.setattr(module, "RETRY_AFTER_S", 0)


@pytest.fixture
def world() -> World:
    """One agency with operators op1a and op1b; one approval is enough."""
    made = World(approvals=1)
    made.staff()
    return made


@pytest.fixture
def node(world: World) -> LedgerNode:
    return LedgerNode(world)


@asynccontextmanager
async def served(node: LedgerNode) -> AsyncIterator[Client]:
    """A client of the node's API on a real socket."""
    server = ApiServer(node, ApiLimits())  # type: ignore[arg-type]
    await server.start("127.0.0.1", 0)
    host, port = server.address
    try:
        async with Client(f"http://{host}:{port}") as client:
            yield client
    finally:
        await server.stop()


@pytest_asyncio.fixture
async def client(node: LedgerNode) -> AsyncIterator[Client]:
    async with served(node) as found:
        yield found


@pytest.fixture
def operator(client: Client, world: World) -> Operator:
    return Operator(client, key_of("op1a"), world.genesis)


def entry(number: int, weight: int = 1) -> Entry:
    """A key that may stand on a roll; nobody knows its private half."""
    key = bytearray(hashlib.sha256(number.to_bytes(4, "big")).digest())
    key[31] &= 0x3F  # below the field's prime
    return TaggedKey(b"\x01" + bytes(key)), weight


async def code_of(work: object) -> str:
    with pytest.raises(MvchainError) as caught:
        await work  # type: ignore[misc]
    return caught.value.code


# --- rolls ---


async def test_a_roll_is_sorted_appended_and_sealed(operator: Operator, world: World) -> None:
    entries = [entry(2, weight=5), entry(0), entry(1)]
    seen: list[tuple[int, int]] = []
    number = await operator.create_roll("Ward 3", entries, lambda done, total: seen.append((done, total)))
    roll = world.state.roll(number)
    assert roll is not None
    assert (number, roll.title, roll.sealed, roll.size) == (1, "Ward 3", True, 3)
    assert roll.root == roll_root(sorted(entries))
    assert seen == [(3, 3)]


async def test_a_large_roll_goes_in_chunks_and_requests(
    operator: Operator, world: World, node: LedgerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_KEYS", 10)
    monkeypatch.setattr(module, "CHUNKS_PER_REQUEST", 2)
    entries = [entry(n) for n in range(45)]
    seen: list[tuple[int, int]] = []
    number = await operator.create_roll("Many", entries, lambda done, total: seen.append((done, total)))
    assert [len(request) for request in node.requests] == [1, 2, 2, 1, 1]
    assert seen == [(20, 45), (40, 45), (45, 45)]
    roll = world.state.roll(number)
    assert roll is not None
    assert (roll.sealed, roll.root) == (True, roll_root(sorted(entries)))


@pytest.mark.parametrize(("count", "weight"), [(module.CHUNK_KEYS, 1), (module.CHUNK_WEIGHTED_KEYS, 65_536)])
def test_full_chunks_fit_their_bounds(count: int, weight: int) -> None:
    chunk = module._chunk(RollNumber(2**32 - 1), [entry(n, weight) for n in range(count)], weight != 1)
    raw = make_transaction(chunk, key_of("op1a"), Hash(bytes(32)))
    assert len(raw) <= MAX_TRANSACTION_BYTES
    # In a body each takes its bytes and a head of five at most.
    assert module.CHUNKS_PER_REQUEST * (len(raw) + 5) + 3 <= ApiLimits().max_body


async def test_where_there_is_no_room_it_waits_and_goes_on(
    operator: Operator, world: World, node: LedgerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_KEYS", 1)
    node.room = [1, 2, 0, 1]
    entries = [entry(n) for n in range(4)]
    number = await operator.create_roll("Tight", entries)
    # Created; of four chunks two, none and one were taken, then the last; sealed.
    assert [len(request) for request in node.requests] == [1, 4, 2, 2, 1, 1]
    roll = world.state.roll(number)
    assert roll is not None
    assert (roll.sealed, roll.root) == (True, roll_root(sorted(entries)))


async def test_it_does_not_wait_for_room_for_ever(operator: Operator, node: LedgerNode) -> None:
    node.room = [0] * 1_000
    assert await code_of(operator.create_roll("Full", [entry(0)])) == "MV-1303"
    assert len(node.requests) == module.RETRIES


async def test_an_interrupted_roll_is_gone_on_with(
    operator: Operator, world: World, node: LedgerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_KEYS", 2)
    monkeypatch.setattr(module, "CHUNKS_PER_REQUEST", 1)
    entries = [entry(n) for n in range(5)]
    node.room = [1, 1] + [0] * 1_000
    assert await code_of(operator.create_roll("Broken off", entries)) == "MV-1303"
    node.room = []
    number = RollNumber(1)
    others = [entry(n) for n in range(1, 6)]
    assert await code_of(operator.complete_roll(number, others)) == "MV-6061"
    assert await code_of(operator.complete_roll(number, entries[:1])) == "MV-6061"
    await operator.complete_roll(number, entries)
    roll = world.state.roll(number)
    assert roll is not None
    assert (roll.sealed, roll.size, roll.root) == (True, 5, roll_root(sorted(entries)))


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "MV-6064"),
        ([entry(1), entry(2), entry(1, weight=2)], "MV-6062"),
        ([entry(1), (TaggedKey(b"\x02" + bytes(32)), 1)], "MV-6063"),
        ([(TaggedKey(b"\x01" + bytes(32)), 1)], "MV-6063"),
    ],
)
async def test_a_bad_list_is_refused_before_anything_is_sent(
    operator: Operator, node: LedgerNode, entries: list[Entry], code: str
) -> None:
    assert await code_of(operator.create_roll("Bad", entries)) == code
    assert node.requests == []


# --- polls ---


async def test_a_poll_from_registration_to_its_end(operator: Operator, world: World) -> None:
    roll = await operator.create_roll("Voters", [entry(0)])
    definition = world.definition(roll)
    number = await operator.register_poll(definition)
    assert number == 1
    assert world.poll(number).definition_hash == definition_hash(encode_definition(definition))
    world.block(after_ms=100)
    await operator.pause(number, "a question came up")
    assert world.poll(number).state is PollState.PAUSED
    await operator.resume(number, "answered")
    assert world.poll(number).state is PollState.OPEN
    later = TimeMs(definition.closes_at_ms + 60_000)
    await operator.extend(number, later, "more time")
    assert world.poll(number).closes_at_ms == later
    await operator.close(number, "enough")
    assert world.poll(number).closes_at_ms < later
    await operator.void(number, "wrong question")
    assert world.poll(number).state is PollState.VOID


async def test_a_definition_takes_the_place_of_another(operator: Operator, world: World) -> None:
    roll = await operator.create_roll("Voters", [entry(0)])
    first = await operator.register_poll(world.definition(roll))
    changed = encode_definition(world.definition(roll, grace_ms=99))
    assert await operator.register_poll(changed, first) == first
    assert world.poll(first).grace_ms == 99


async def test_what_needs_approvals_waits_for_them() -> None:
    world = World(approvals=2)
    world.staff()
    async with served(LedgerNode(world)) as client:
        first = Operator(client, key_of("op1a"), world.genesis)
        second = Operator(client, key_of("op1b"), world.genesis)
        number = await first.create_roll("Voters", [entry(0)])
        (waiting,) = (await client.roll(number))["pending"]  # type: ignore[misc]
        assert waiting["kind"] == "roll_seal"  # type: ignore[index, call-overload]
        action = Hash(bytes.fromhex(waiting["hash"]))  # type: ignore[index, call-overload, arg-type]
        assert await code_of(first.approve(action)) == "MV-1224"
        await second.approve(action)
        assert (await client.roll(number))["sealed"] is True


# --- keys ---


def proof_of(name: str, role: Role, world: World) -> Signature:
    return registration_proof(key_of(name), world.genesis.hash, AgencyNumber(1), role)


async def test_members_come_and_go(client: Client, world: World) -> None:
    agency = Operator(client, key_of("agency1"), world.genesis)
    newcomer = Operator(client, key_of("newcomer"), world.genesis)
    assert await code_of(newcomer.create_roll("No", [entry(0)])) == "MV-6091"
    await agency.register_operator(newcomer.public_key, proof_of("newcomer", Role.OPERATOR, world))
    await newcomer.create_roll("Yes", [entry(0)])
    await agency.revoke_operator(newcomer.public_key)
    assert await code_of(newcomer.create_roll("Again", [entry(1)])) == "MV-1202"
    service = Operator(client, key_of("a service"), world.genesis)
    await agency.authorise_service(service.public_key, proof_of("a service", Role.SERVICE, world), Scope.POLLS)
    assert await code_of(service.create_roll("Out of scope", [entry(2)])) == "MV-1205"
    await agency.revoke_service(service.public_key)


async def test_a_key_that_did_not_ask_is_not_registered(client: Client, world: World) -> None:
    agency, key = Operator(client, key_of("agency1"), world.genesis), key_of("newcomer").tagged
    as_service = proof_of("newcomer", Role.SERVICE, world)
    assert await code_of(agency.register_operator(key, as_service)) == "MV-1227"
    elsewhere = proof_of("newcomer", Role.SERVICE, World(approvals=3))
    assert await code_of(agency.authorise_service(key, elsewhere, Scope.POLLS)) == "MV-1227"
    await agency.authorise_service(key, as_service, Scope.POLLS)
    assert await code_of(agency.register_operator(key, proof_of("newcomer", Role.OPERATOR, world))) == "MV-1207"


async def test_acts_at_the_same_time_follow_each_other(operator: Operator, world: World) -> None:
    made = await asyncio.gather(*(operator.create_roll(f"Roll {n}", [entry(n)]) for n in range(4)))
    assert sorted(made) == [1, 2, 3, 4]
    found = world.state.signer(key_of("op1a").tagged)
    assert found is not None
    assert found[1].sequence == 4 * len((Kind.ROLL_CREATE, Kind.ROLL_APPEND, Kind.ROLL_SEAL))


# --- ballots ---


async def cast(client: Client, world: World, voter: str, revision: int = 0) -> Hash:
    poll = PollNumber(1)
    name = world.poll(poll).definition_hash
    return await cast_ballot(client, key_of(voter), world.genesis.hash, name, poll, (0,), revision)


async def test_a_ballot_is_cast_and_its_receipt_awaited(client: Client, world: World, node: LedgerNode) -> None:
    world.open_poll(["ann", "ben"])
    first = await cast(client, world, "ann")
    assert (await await_committed(client, first))["number"] == 0
    assert await cast(client, world, "ann") == first, "the same ballot again is the same transaction"
    second = await cast(client, world, "ann", revision=1)
    assert (await await_committed(client, second))["number"] == 1
    node.receipts_missing = 2
    assert first.hex().encode() in await await_receipt(client, first)
    assert node.receipts_missing == 0


async def test_ballots_that_the_chain_refuses(client: Client, world: World) -> None:
    world.open_poll(["ann"])
    assert await code_of(cast(client, world, "a stranger")) == "MV-1231"
    ballot = cast_ballot(client, key_of("ann"), world.genesis.hash, Hash(bytes(32)), PollNumber(1), (0,))
    assert await code_of(ballot) == "MV-1391", "it was signed over another wording"


async def test_a_receipt_of_nothing_is_not_waited_for(client: Client, node: LedgerNode) -> None:
    assert await code_of(await_receipt(client, Hash(bytes(32)))) == "MV-6023"
    assert node.receipts_asked == 1


async def test_a_receipt_is_not_waited_for_for_ever(client: Client, world: World, node: LedgerNode) -> None:
    world.open_poll(["ann"])
    ballot = await cast(client, world, "ann")
    node.receipts_missing = 1_000
    assert await code_of(await_receipt(client, ballot)) == "MV-6024"
    assert node.receipts_missing == 1_000 - module.RETRIES


# --- what goes wrong between receiving and committing ---


async def test_a_rejection_after_all_is_raised_with_its_cause(operator: Operator, node: LedgerNode) -> None:
    node.rejects = Kind.ROLL_CREATE
    with pytest.raises(ApiError) as caught:
        await operator.create_roll("Late", [entry(0)])
    assert caught.value.code == "MV-1230"


async def test_a_chain_that_does_not_move_is_told(operator: Operator, node: LedgerNode) -> None:
    node.stuck = True
    with pytest.raises(BadRequest) as caught:
        await operator.create_roll("Waiting", [entry(0)])
    assert caught.value.code == "MV-6060"
    assert len(str(caught.value.data["tx"])) == 64, "the sender learns what to ask for"
    assert await code_of(operator.pause(PollNumber(1), "received is not done")) == "MV-6060"


@pytest.mark.parametrize("answer", [{}, {"sequence": None}, {"sequence": "1"}, {"sequence": True}])
async def test_an_answer_without_what_was_promised_is_the_nodes_fault(
    operator: Operator, client: Client, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    async def signer(key: TaggedKey) -> dict[str, object]:
        return answer

    monkeypatch.setattr(client, "signer", signer)
    assert await code_of(operator.pause(PollNumber(1), "why")) == "MV-6052"


@pytest.mark.parametrize("error", [None, {}, {"code": "MV-1230"}, 3])
async def test_a_rejection_without_a_cause_is_the_nodes_fault(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: object
) -> None:
    async def transaction(tx_hash: Hash, wait: bool = False) -> dict[str, object]:
        return {"state": "rejected", "error": error}

    monkeypatch.setattr(client, "transaction", transaction)
    assert await code_of(await_committed(client, Hash(bytes(32)))) == "MV-6052"


async def test_agencies_decide_together() -> None:
    """Three of four agree: the parameters are others; a proposal that was taken back is none."""
    world = World(agencies=4)
    params = replace(world.state.params, max_units=4_500)
    async with served(LedgerNode(world)) as client:
        agencies = [Operator(client, key_of(f"agency{number}"), world.genesis) for number in range(1, 5)]
        first = await agencies[0].propose(SetParams(params))
        second = await agencies[1].propose(SetParams(replace(params, max_units=4_200)))
        assert (first, second) == (1, 2)
        await agencies[1].withdraw(second)
        await agencies[1].agree(first)
        assert world.state.params != params
        await agencies[2].agree(first)
        assert world.state.params == params
        with pytest.raises(ApiError):
            await agencies[3].agree(second)
