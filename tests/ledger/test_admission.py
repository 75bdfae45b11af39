"""Every refusal of the predicate, with its code, in one table; and what it lets through."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadTransaction, Cause
from mvchain.core.keys import Purpose
from mvchain.core.limits import MAX_PENDING_ACTIONS, MAX_ROLL_SIZE, MAX_SIGNERS_PER_AGENCY
from mvchain.core.types import AgencyNumber, Hash, PollNumber, RollNumber, Signature, TimeMs
from mvchain.ledger.admission import check, context_of
from mvchain.ledger.records import PollState
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import (
    NO_CONTEXT,
    Approve,
    Ballot,
    Kind,
    OperatorRevoke,
    Payload,
    PollClose,
    PollExtend,
    PollPause,
    PollResume,
    PollVoid,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceRevoke,
    Transaction,
)
from tests.ledger.state_helpers import NO_SCOPE, World, key_of

OPEN, REGISTERED, FINAL, ONCE = PollNumber(1), PollNumber(2), PollNumber(3), PollNumber(4)
SEALED, GROWING, EMPTY = RollNumber(5), RollNumber(6), RollNumber(7)
WAITING = Hash(bytes(range(32)))


@pytest.fixture(scope="module")
def world() -> World:
    """Polls: 1 open, 2 registered, 3 final, 4 open without re-voting. Rolls: 5 sealed, 6 growing, 7 empty."""
    made = World(agencies=2)
    made.staff(1)
    made.staff(2)
    boss = "agency1"
    made.block(
        *(
            made.tx(made.registration(name, made.sequence(boss), scopes), boss)
            for name, scopes in (("polls-only", Scope.POLLS), ("rolls-only", Scope.ROLLS), ("gone", NO_SCOPE))
        ),
    )
    made.block(made.tx(OperatorRevoke(made.sequence(boss), key_of("gone").tagged), boss))
    rolls = [made.sealed_roll(["voter", "again"]) for _ in range(5)]
    long = {"closes_at_ms": TimeMs(made.now_ms + 90_000)}
    made.block(
        made.register(made.definition(rolls[0], **long)),
        made.register(made.definition(rolls[1], opens_at_ms=TimeMs(made.now_ms + 80_000), **long)),
        made.register(made.definition(rolls[2])),
        made.register(made.definition(rolls[3], revote=False, **long)),
    )
    made.block(after_ms=100)
    made.block(made.ballot(1, "again", 0), made.ballot(4, "again", 0))
    made.block(after_ms=5_000)
    made.block()
    a = "op1a"
    made.block(
        made.tx(RollCreate(made.sequence(a), "growing"), a),
        made.tx(RollCreate(made.sequence(a), "empty"), a),
        made.tx(RollAppend(made.sequence(a), GROWING, key_of("voter").tagged, ()), a),
    )
    states = [made.poll(n).state for n in (1, 2, 3, 4)]
    assert states == [PollState.OPEN, PollState.REGISTERED, PollState.FINAL, PollState.OPEN]
    assert made.state.roll_count == EMPTY
    return made


def _next(world: World, signer: str) -> int:
    found = world.state.signer(key_of(signer).tagged)
    return found[1].sequence + 1 if found else 1


def act(signer: str, make: Callable[[int], Payload], skip: int = 0) -> Callable[[World], Transaction]:
    """A transaction with the signer's next sequence (or one `skip` away)."""
    return lambda world: world.tx(make(_next(world, signer) + skip), signer)


def register(
    signer: str = "op1a", poll: int = 0, roll: int = SEALED, **changes: object
) -> Callable[[World], Transaction]:
    """A registration, usually faultless."""

    def make(world: World) -> Transaction:
        tx = world.register(world.definition(roll, **changes), signer, poll)
        return world.tx(replace(tx.payload, sequence=_next(world, signer)), signer)  # type: ignore[type-var]

    return make


def ballot(poll: int, voter: str, *answers: object, revision: int = 0) -> Callable[[World], Transaction]:
    """A ballot; with no context if there is no such poll."""

    def make(world: World) -> Transaction:
        context = world.poll(poll).definition_hash if poll <= world.state.poll_count else NO_CONTEXT
        return world.tx(Ballot(PollNumber(poll), revision, answers), voter, context)

    return make


def enrol(signer: str, name: str, scopes: Scope = NO_SCOPE) -> Callable[[World], Transaction]:
    """The registration of a key as operator of agency 1, or with scopes as its service."""
    return lambda world: world.tx(world.registration(name, _next(world, signer), scopes), signer)


def enrol_with(proof: Callable[[World], Signature], scopes: Scope = NO_SCOPE) -> Callable[[World], Transaction]:
    """The registration of the key `fresh` by agency 1, with another proof than its own."""

    def make(world: World) -> Transaction:
        payload = world.registration("fresh", _next(world, "agency1"), scopes)
        return world.tx(replace(payload, proof=proof(world)), "agency1")

    return make


def proof(role: Role, agency: int = 1, name: str = "fresh") -> Callable[[World], Signature]:
    """A sound proof for something."""
    return lambda world: registration_proof(key_of(name), world.genesis.hash, AgencyNumber(agency), role)


def signed(purpose: Purpose, name: str) -> Callable[[World], Signature]:
    """A signature over the very bytes that prove `fresh` to be an operator of agency 1."""
    rest = bytes((0, 0, 0, 1, Role.OPERATOR)) + key_of("fresh").tagged
    return lambda world: key_of(name).sign(purpose, world.genesis.hash + rest)


LOWEST_KEY = key_of("voter").tagged

REFUSED: list[tuple[Cause, Callable[[World], Transaction]]] = [
    # who
    (codes.UNKNOWN_SIGNER, act("stranger", lambda n: RollCreate(n, "x"))),
    (codes.SIGNER_REVOKED, act("gone", lambda n: RollCreate(n, "x"))),
    (codes.WRONG_SEQUENCE, act("op1a", lambda n: RollCreate(n, "x"), skip=1)),
    (codes.WRONG_SEQUENCE, act("op1a", lambda n: RollCreate(n, "x"), skip=-1)),
    (codes.NOT_PERMITTED, enrol("op1a", "fresh")),
    (codes.NOT_PERMITTED, act("op1a", lambda n: OperatorRevoke(n, key_of("op1b").tagged))),
    (codes.NOT_PERMITTED, enrol("service1", "fresh", Scope.POLLS)),
    (codes.NOT_PERMITTED, act("service1", lambda n: ServiceRevoke(n, key_of("service1").tagged))),
    (codes.NOT_PERMITTED, act("service1", lambda n: Approve(n, WAITING))),
    (codes.NOT_PERMITTED, act("agency1", lambda n: Approve(n, WAITING))),
    (codes.NOT_PERMITTED, act("agency1", lambda n: RollCreate(n, "x"))),
    (codes.NOT_PERMITTED, act("agency1", lambda n: PollVoid(n, OPEN, "x"))),
    (codes.OUT_OF_SCOPE, act("polls-only", lambda n: RollCreate(n, "x"))),
    (codes.OUT_OF_SCOPE, act("polls-only", lambda n: RollAppend(n, GROWING, key_of("z").tagged, ()))),
    (codes.OUT_OF_SCOPE, act("rolls-only", lambda n: PollPause(n, OPEN, "x"))),
    (codes.OUT_OF_SCOPE, register("rolls-only")),
    # keys
    (codes.KEY_ALREADY_REGISTERED, enrol("agency1", "op1b")),
    (codes.KEY_ALREADY_REGISTERED, enrol("agency1", "gone")),
    (codes.KEY_ALREADY_REGISTERED, enrol("agency1", "service2")),
    (codes.KEY_ALREADY_REGISTERED, enrol("agency1", "agency2")),
    (codes.KEY_ALREADY_REGISTERED, enrol("op1a", "op2a", Scope.POLLS)),
    (codes.KEY_NOT_PROVEN, enrol("agency2", "fresh")),
    (codes.KEY_NOT_PROVEN, enrol("op2a", "fresh", Scope.POLLS)),
    (codes.KEY_NOT_PROVEN, enrol_with(lambda _: Signature(bytes(64)))),
    (codes.KEY_NOT_PROVEN, enrol_with(proof(Role.OPERATOR, agency=2))),
    (codes.KEY_NOT_PROVEN, enrol_with(proof(Role.OPERATOR, name="other"))),
    (codes.KEY_NOT_PROVEN, enrol_with(proof(Role.SERVICE))),
    (codes.KEY_NOT_PROVEN, enrol_with(proof(Role.AGENCY))),
    (codes.KEY_NOT_PROVEN, enrol_with(proof(Role.OPERATOR), Scope.POLLS)),
    (codes.KEY_NOT_PROVEN, enrol_with(lambda _: proof(Role.OPERATOR)(World(agencies=3)))),
    (codes.KEY_NOT_PROVEN, enrol_with(signed(Purpose.REGISTRATION, "agency1"))),
    (codes.KEY_NOT_PROVEN, enrol_with(signed(Purpose.TRANSACTION, "fresh"))),
    (codes.NO_SUCH_SIGNER, act("agency1", lambda n: OperatorRevoke(n, key_of("gone").tagged))),
    (codes.NO_SUCH_SIGNER, act("agency1", lambda n: OperatorRevoke(n, key_of("service1").tagged))),
    (codes.NO_SUCH_SIGNER, act("agency1", lambda n: OperatorRevoke(n, key_of("agency1").tagged))),
    (codes.NO_SUCH_SIGNER, act("agency1", lambda n: OperatorRevoke(n, key_of("op2a").tagged))),
    (codes.NO_SUCH_SIGNER, act("op1a", lambda n: ServiceRevoke(n, key_of("op1b").tagged))),
    # rolls
    (codes.NO_SUCH_ROLL, act("op1a", lambda n: RollAppend(n, RollNumber(99), key_of("z").tagged, ()))),
    (codes.OTHER_AGENCY, act("op2a", lambda n: RollAppend(n, GROWING, key_of("z").tagged, ()))),
    (codes.OTHER_AGENCY, act("op2a", lambda n: RollSeal(n, GROWING, WAITING, 1))),
    (codes.ROLL_SEALED, act("op1a", lambda n: RollAppend(n, SEALED, key_of("z").tagged, ()))),
    (codes.ROLL_SEALED, act("op1a", lambda n: RollSeal(n, SEALED, WAITING, 1))),
    (codes.ROLL_ORDER, act("op1a", lambda n: RollAppend(n, GROWING, LOWEST_KEY, ()))),
    (codes.ROLL_MISMATCH, act("op1a", lambda n: RollSeal(n, GROWING, WAITING, 1))),
    (codes.ROLL_EMPTY, act("op1a", lambda n: RollSeal(n, EMPTY, WAITING, 1))),
    # registration
    (codes.DEFINITION_OF_OTHER_AGENCY, register(agency=2)),
    (codes.DEFINITION_OF_OTHER_AGENCY, register("op2a")),
    (codes.OTHER_AGENCY, register("op2a", agency=2)),
    (codes.OTHER_AGENCY, register("op2a", agency=2, poll=REGISTERED)),
    (codes.NO_SUCH_POLL, register(poll=99)),
    (codes.NO_SUCH_ROLL, register(roll=99)),
    (codes.WRONG_POLL_STATE, register(poll=OPEN)),
    (codes.WRONG_POLL_STATE, register(poll=FINAL)),
    (codes.ROLL_NOT_SEALED, register(roll=GROWING)),
    (codes.ROLL_IN_USE, register(roll=1)),
    (codes.ROLL_IN_USE, register(roll=1, poll=REGISTERED)),
    (codes.ROLL_IN_USE, register(roll=3)),
    (codes.POLL_ENDED_ALREADY, register(opens_at_ms=TimeMs(1), closes_at_ms=TimeMs(2))),
    # steps of a poll
    (codes.NO_SUCH_POLL, act("op1a", lambda n: PollVoid(n, PollNumber(99), "x"))),
    (codes.OTHER_AGENCY, act("op2a", lambda n: PollPause(n, OPEN, "x"))),
    (codes.WRONG_POLL_STATE, act("op1a", lambda n: PollPause(n, REGISTERED, "x"))),
    (codes.WRONG_POLL_STATE, act("op1a", lambda n: PollResume(n, OPEN, "x"))),
    (codes.WRONG_POLL_STATE, act("op1a", lambda n: PollClose(n, REGISTERED, "x"))),
    (codes.WRONG_POLL_STATE, act("op1a", lambda n: PollVoid(n, FINAL, "x"))),
    (codes.WRONG_POLL_STATE, act("op1a", lambda n: PollExtend(n, FINAL, TimeMs(10**9), "x"))),
    (codes.EXTENSION_NOT_LATER, act("op1a", lambda n: PollExtend(n, OPEN, TimeMs(5), "x"))),
    (codes.NO_SUCH_ACTION, act("op1a", lambda n: Approve(n, WAITING))),
    # ballots
    (codes.NO_SUCH_POLL, ballot(99, "voter", 0)),
    (codes.POLL_NOT_OPEN, ballot(REGISTERED, "voter", 0)),
    (codes.POLL_NOT_OPEN, ballot(FINAL, "voter", 0)),
    (codes.NOT_ON_ROLL, ballot(OPEN, "stranger", 0)),
    (codes.NOT_ON_ROLL, ballot(OPEN, "op1a", 0)),
    (codes.WRONG_REVISION, ballot(OPEN, "voter", 0, revision=1)),
    (codes.WRONG_REVISION, ballot(OPEN, "again", 0)),
    (codes.WRONG_REVISION, ballot(OPEN, "again", 0, revision=2)),
    (codes.REVOTE_NOT_ALLOWED, ballot(ONCE, "again", 0, revision=1)),
    (codes.REVOTE_NOT_ALLOWED, ballot(ONCE, "again", 0)),
    (codes.NO_SUCH_OPTION, ballot(OPEN, "voter", 3)),
    (codes.WRONG_ANSWER_COUNT, ballot(OPEN, "voter", 0, 0)),
]

ADMITTED = [
    enrol("agency1", "fresh"),
    enrol_with(signed(Purpose.REGISTRATION, "fresh")),
    act("agency1", lambda n: OperatorRevoke(n, key_of("op1b").tagged)),
    enrol("agency1", "fresh", Scope.POLLS),
    enrol("op1a", "fresh", Scope.ROLLS),
    act("op1b", lambda n: ServiceRevoke(n, key_of("service1").tagged)),
    act("op1a", lambda n: RollCreate(n, "x")),
    act("rolls-only", lambda n: RollCreate(n, "x")),
    act("rolls-only", lambda n: RollAppend(n, EMPTY, key_of("z").tagged, ())),
    register(),
    register("polls-only"),
    register(poll=REGISTERED),
    register(poll=REGISTERED, roll=2),
    register(opens_at_ms=TimeMs(1)),
    act("polls-only", lambda n: PollPause(n, OPEN, "x")),
    act("op1b", lambda n: PollExtend(n, REGISTERED, TimeMs(10**9), "x")),
    act("op1b", lambda n: PollClose(n, OPEN, "x")),
    act("service1", lambda n: PollVoid(n, REGISTERED, "x")),
    ballot(OPEN, "voter", 0),
    ballot(OPEN, "voter", None),
    ballot(OPEN, "again", 2, revision=1),
]


@pytest.mark.parametrize(("cause", "make"), REFUSED, ids=[f"{i}-{c.code}" for i, (c, _) in enumerate(REFUSED)])
def test_refused(world: World, cause: Cause, make: Callable[[World], Transaction]) -> None:
    tx = make(world)
    for view in (world.state.check, lambda tx: check(world.state, tx), world.execution().apply):
        with pytest.raises(BadTransaction) as caught:
            view(tx)
        assert caught.value.code == cause.code
        assert str(caught.value)


@pytest.mark.parametrize("make", ADMITTED, ids=range(len(ADMITTED)))
def test_admitted(world: World, make: Callable[[World], Transaction]) -> None:
    tx = make(world)
    world.state.check(tx)
    execution = world.execution()
    execution.apply(tx)
    execution.finish()


def test_a_proof_that_others_saw_is_of_no_use_to_them() -> None:
    """Whoever replays it registers nothing, and does not keep the rightful agency from registering."""
    world = World(agencies=2)
    world.staff(1)
    world.staff(2)
    stolen = world.registration("fresh", world.sequence("agency2"))
    with pytest.raises(BadTransaction) as caught:
        world.state.check(world.tx(stolen, "agency2"))
    assert caught.value.cause is codes.KEY_NOT_PROVEN
    rightful = world.registration("fresh", world.sequence("agency1"))
    assert rightful.proof == stolen.proof
    world.block(world.tx(rightful, "agency1"))
    world.block(world.tx(OperatorRevoke(world.sequence("agency1"), rightful.key), "agency1"))
    for agency in ("agency1", "agency2"):
        with pytest.raises(BadTransaction) as caught:
            world.state.check(world.tx(replace(rightful, sequence=_next(world, agency)), agency))
        assert caught.value.cause is codes.KEY_ALREADY_REGISTERED


def test_approvals_and_full_records() -> None:
    world = World()
    world.staff()
    world.open_poll(["a"])
    asks = [world.tx(PollVoid(world.sequence("op1a"), OPEN, str(n)), "op1a") for n in range(MAX_PENDING_ACTIONS)]
    world.block(*asks)
    refused = [
        (codes.TOO_MANY_PENDING, act("op1b", lambda n: PollClose(n, OPEN, "x"))),
        (codes.ALREADY_APPROVED, act("op1a", lambda n: Approve(n, asks[0].hash))),
    ]
    for cause, make in refused:
        with pytest.raises(BadTransaction) as caught:
            world.state.check(make(world))
        assert caught.value.code == cause.code
    world.state.check(act("op1b", lambda n: Approve(n, asks[0].hash))(world))


def test_approving_another_agencys_action() -> None:
    world = World(agencies=2)
    world.staff(1)
    world.staff(2)
    world.open_poll(["a"])
    ask = world.tx(PollVoid(world.sequence("op1a"), OPEN, "x"), "op1a")
    world.block(ask)
    with pytest.raises(BadTransaction) as caught:
        world.state.check(act("op2a", lambda n: Approve(n, ask.hash))(world))
    assert caught.value.code == codes.OTHER_AGENCY.code


def test_seals_wait_in_their_roll_and_are_outdated_by_a_further_chunk() -> None:
    world = World(agencies=2)
    world.staff(1)
    world.staff(2)
    keys = sorted(key_of(name).tagged for name in "abc")
    a, roll = "op1a", RollNumber(1)
    world.block(
        world.tx(RollCreate(world.sequence(a), "x"), a),
        world.tx(RollAppend(world.sequence(a), roll, keys[0] + keys[1], ()), a),
    )
    record = world.state.roll(roll)
    assert record is not None
    seal = world.tx(RollSeal(world.sequence(a), roll, record.root, 2), a)
    world.block(seal)
    with pytest.raises(BadTransaction) as caught:
        world.state.check(act("op2a", lambda n: Approve(n, seal.hash))(world))
    assert caught.value.code == codes.OTHER_AGENCY.code
    world.block(world.tx(RollAppend(world.sequence(a), roll, keys[2], ()), a))
    with pytest.raises(BadTransaction) as caught:
        world.state.check(act("op1b", lambda n: Approve(n, seal.hash))(world))
    assert caught.value.code == codes.NO_SUCH_ACTION.code


def test_bounds_of_rolls_and_agencies(world: World) -> None:
    class Grown:
        """The state, with a roll and an agency that are as large as they may be."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.state, name)

        def roll(self, number: RollNumber) -> object:
            return replace(world.state.roll(number), size=MAX_ROLL_SIZE)  # type: ignore[type-var]

        def signer(self, key: object) -> object:
            found = world.state.signer(key)  # type: ignore[arg-type]
            if found is None:
                return None
            agency, signer = found
            signers = agency.signers * (MAX_SIGNERS_PER_AGENCY // len(agency.signers) + 1)
            return replace(agency, signers=signers[:MAX_SIGNERS_PER_AGENCY]), signer

    for cause, make in (
        (codes.ROLL_FULL, act("op1a", lambda n: RollAppend(n, EMPTY, key_of("z").tagged, ()))),
        (codes.TOO_MANY_SIGNERS, enrol("agency1", "fresh")),
    ):
        with pytest.raises(BadTransaction) as caught:
            check(Grown(), make(world))  # type: ignore[arg-type]
        assert caught.value.code == cause.code


def test_every_kind_is_in_the_table_of_what_is_admitted(world: World) -> None:
    kinds = {make(world).payload.kind for make in ADMITTED}
    assert set(Kind) - kinds == {
        Kind.APPROVE,
        Kind.ROLL_SEAL,
        Kind.POLL_RESUME,
        Kind.GOVERNANCE_PROPOSE,
        Kind.GOVERNANCE_APPROVE,
        Kind.GOVERNANCE_WITHDRAW,
    }  # in tests of their own


def test_the_context_of_a_signature(world: World) -> None:
    assert context_of(world.state, ballot(OPEN, "voter", 0)(world)) == world.poll(1).definition_hash
    assert context_of(world.state, act("op1a", lambda n: RollCreate(n, "x"))(world)) == NO_CONTEXT
    with pytest.raises(BadTransaction):
        context_of(world.state, ballot(99, "voter", 0)(world))
