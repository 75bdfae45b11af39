"""Transactions that are malformed, forged, replayed, duplicate, late, oversized or out of order."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import msgpack

from mvchain.core import codec, codes
from mvchain.core.errors import Cause
from mvchain.core.hashing import sha256
from mvchain.core.keys import SMALL_ORDER_ENCODINGS, SigningKey
from mvchain.core.limits import MAX_PENDING_ACTIONS, MAX_REVISIONS, MAX_TRANSACTION_BYTES
from mvchain.core.types import AgencyNumber, Hash, PollNumber, RollNumber, Signature, TaggedKey
from mvchain.ledger.polls import (
    ApprovalRule,
    Option,
    PointsRule,
    PollDefinition,
    Quota,
    RankedRule,
    Rule,
    ScoreRule,
    SingleRule,
    definition_hash,
    encode_definition,
)
from mvchain.ledger.transactions import (
    Approve,
    Ballot,
    OperatorRegister,
    OperatorRevoke,
    PollClose,
    PollExtend,
    PollPause,
    PollRegister,
    PollResume,
    PollVoid,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceAuthorise,
    ServiceRevoke,
    decode_transaction,
    encode_payload,
    make_transaction,
)
from tests.e2e.stage import (
    BEGUN_ROLL,
    EARLY,
    EMPTY_ROLL,
    FULL_POOL,
    GOOD_ANSWERS,
    LATE,
    OPEN,
    PAUSED,
    PLACES,
    PLAIN,
    REVOTE,
    SPARE_ROLL,
    VOID,
    VOTERS,
    Answer,
    Row,
    Stage,
    definition,
    option,
    question,
    voter,
)

Make = Callable[[Stage], bytes | Awaitable[bytes]]


def row(name: str, cause: Cause, make: Make, status: int = 422) -> Row:
    """A transaction that is handed in alone."""

    async def send(stage: Stage) -> Answer:
        made = make(stage)
        return await stage.submit(made if isinstance(made, bytes) else await made)

    return Row(f"transaction: {name}", cause, send, status)


malformed = partial(row, status=400)


# --- bytes ---


def _signed(stage: Stage, payload: bytes) -> bytes:
    """A transaction of an operator with any bytes as payload."""
    return codec.encode((payload, stage.operator.tagged, bytes(64)))


def _nested(levels: int) -> bytes:
    return b"\x91" * levels + b"\xc0"


BYTES = (
    malformed("not msgpack", codes.MALFORMED, lambda _: b"\xc1\xff\x00"),
    malformed("no bytes", codes.MALFORMED, lambda _: b""),
    malformed("a map", codes.MALFORMED, lambda _: msgpack.packb({"poll": 1})),
    malformed("two fields of three", codes.MALFORMED, lambda s: codec.encode((b"", s.operator.tagged))),
    malformed("cut short", codes.MALFORMED, lambda s: s.ballot(OPEN)[:-1]),
    malformed("followed by another byte", codes.MALFORMED, lambda s: s.ballot(OPEN) + b"\xc0"),
    malformed("an array that claims 2^32 - 1 items", codes.MALFORMED, lambda _: b"\xdd\xff\xff\xff\xff"),
    malformed(
        "a float in the answers",
        codes.MALFORMED,
        lambda s: _signed(s, msgpack.packb((0, 1, 0, (1.5,)), use_single_float=True)),
    ),
    malformed("a poll number above 2^32", codes.MALFORMED, lambda s: _signed(s, codec.encode((0, 1 << 40, 0, (0,))))),
    malformed("true as a number", codes.MALFORMED, lambda s: _signed(s, codec.encode((0, True, 0, (0,))))),
    malformed("a long form of a short array", codes.NOT_CANONICAL, lambda s: b"\xdc\x00\x03" + s.ballot(OPEN)[1:]),
    malformed("nested 40 deep", codes.TOO_DEEP, lambda s: _signed(s, _nested(40))),
    row("one byte too long", codes.TOO_LARGE, lambda _: bytes(MAX_TRANSACTION_BYTES + 1), 413),
    malformed("of kind 99", codes.UNKNOWN_KIND, lambda s: _signed(s, codec.encode((99, 1)))),
    malformed(
        "by a key of scheme 2",
        codes.UNKNOWN_KEY_SCHEME,
        lambda s: codec.encode((encode_payload(RollCreate(1, "x")), b"\x02" + s.operator.public, bytes(64))),
    ),
)


# --- forged, replayed, duplicate, late: ballots ---


def _parts(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """Payload, signer and signature of a transaction."""
    transaction = decode_transaction(raw)
    return transaction.payload_bytes, transaction.signer, transaction.signature


def _forged(stage: Stage) -> bytes:
    """Somebody else's name under a ballot."""
    payload, _, signature = _parts(stage.ballot(OPEN))
    return codec.encode((payload, voter(OPEN, 5).tagged, signature))


def _changed(stage: Stage) -> bytes:
    """A ballot whose choice was changed on its way."""
    _, signer, signature = _parts(stage.ballot(OPEN))
    return codec.encode((encode_payload(Ballot(OPEN, 0, (1, *GOOD_ANSWERS[1:]))), signer, signature))


def _over_definition(stage: Stage, made: PollDefinition) -> bytes:
    """A ballot in OPEN by a voter who was shown something else."""
    context = definition_hash(encode_definition(made))
    return make_transaction(Ballot(OPEN, 0, GOOD_ANSWERS), voter(OPEN, 5), stage.genesis.hash, context)


def _of_other_chain(stage: Stage) -> bytes:
    context = definition_hash(encode_definition(stage.definitions[OPEN]))
    return make_transaction(Ballot(OPEN, 0, GOOD_ANSWERS), voter(OPEN, 5), Hash(sha256(b"another")), context)


def _stranger(stage: Stage) -> bytes:
    context = definition_hash(encode_definition(stage.definitions[OPEN]))
    return make_transaction(Ballot(OPEN, 0, GOOD_ANSWERS), SigningKey.generate(), stage.genesis.hash, context)


async def _all_revisions(stage: Stage) -> bytes:
    for revision in range(MAX_REVISIONS):
        await stage.commit(stage.ballot(REVOTE, 1, (revision % 3,), revision))
    return stage.ballot(REVOTE, 1, (1,), MAX_REVISIONS - 1)


async def _late(stage: Stage) -> bytes:
    left_ms = stage.definitions[LATE].closes_at_ms - time.time_ns() // 1_000_000
    await asyncio.sleep(max(left_ms, 0) / 1000)
    return stage.ballot(LATE)


async def _second_waiting(stage: Stage) -> bytes:
    assert await stage.submit_to(stage.target, stage.ballot(PAUSED, 0, (0,))) == 202
    stage.waiting += 1
    return stage.ballot(PAUSED, 0, (1,))


async def _one_too_many(stage: Stage) -> Answer:
    """The smallest pool is filled with ballots of the paused poll, in the name of the last voters of its roll."""
    # The one that waits already reaches that node through the others, now or later.
    raws = [stage.ballot(PAUSED, VOTERS + n) for n in range(FULL_POOL)]
    taken = [await stage.submit_to(stage.small, raw) for raw in raws].count(202)
    assert taken >= FULL_POOL - 1
    stage.waiting += taken
    return await stage.submit(stage.ballot(PAUSED, 2), stage.small)


BALLOTS = (
    row("ballot signed by another key", codes.BAD_SIGNATURE, _forged),
    row("ballot with a changed choice", codes.BAD_SIGNATURE, _changed),
    row("ballot over another wording", codes.BAD_SIGNATURE, lambda s: _over_definition(s, s.definitions[REVOTE])),
    row("ballot from another chain", codes.BAD_SIGNATURE, _of_other_chain),
    row("ballot in a poll there is not", codes.NO_SUCH_POLL, lambda s: _ballot_in(s, PollNumber(999))),
    row("ballot of a stranger", codes.NOT_ON_ROLL, _stranger),
    row("second ballot where one is allowed", codes.REVOTE_NOT_ALLOWED, lambda s: s.ballot(OPEN, 0, revision=1)),
    row("other ballot in place of the first", codes.REVOTE_NOT_ALLOWED, lambda s: s.ballot(OPEN, 1, _with(0, 2))),
    row("revision that skips one", codes.WRONG_REVISION, lambda s: s.ballot(REVOTE, 0, (1,), 2)),
    row("revision that is there", codes.WRONG_REVISION, lambda s: s.ballot(REVOTE, 0, (1,), 0)),
    row("revision after the last", codes.TOO_MANY_REVISIONS, _all_revisions),
    malformed("revision beyond all", codes.MALFORMED, lambda s: s.ballot(REVOTE, 2, (1,), MAX_REVISIONS)),
    row("ballot before the poll opens", codes.POLL_NOT_OPEN, lambda s: s.ballot(EARLY)),
    row("ballot in a void poll", codes.POLL_NOT_OPEN, lambda s: s.ballot(VOID)),
    row("second ballot while the first waits", codes.BALLOT_CONFLICT, _second_waiting, 409),
    Row("transaction: one more than a node has room for", codes.POOL_FULL, _one_too_many, 503),
)
LATE_BALLOTS = (row("ballot after the closing time", codes.POLL_HAS_CLOSED, _late),)
"""At the end, when there is least to wait for."""


def _ballot_in(stage: Stage, poll: PollNumber) -> bytes:
    return make_transaction(Ballot(poll, 0, (0,)), voter(OPEN, 5), stage.genesis.hash)


# --- answers ---


def _with(place: int, answer: object) -> tuple[object, ...]:
    return (*GOOD_ANSWERS[:place], answer, *GOOD_ANSWERS[place + 1 :])


def _answers(name: str, cause: Cause, place: int, answer: object) -> Row:
    return malformed(f"answer {name}", cause, lambda s: s.ballot(OPEN, 5, _with(place, answer)))


ANSWERS = (
    malformed("one answer too few", codes.WRONG_ANSWER_COUNT, lambda s: s.ballot(OPEN, 5, GOOD_ANSWERS[:4])),
    _answers("blank", codes.BLANK_NOT_ALLOWED, 0, None),
    _answers("of another shape", codes.WRONG_ANSWER_SHAPE, 0, (0,)),
    _answers("with an option there is not", codes.NO_SUCH_OPTION, 0, 3),
    _answers("with an option below zero", codes.NO_SUCH_OPTION, 1, (-1,)),
    _answers("with an option twice", codes.OPTION_REPEATED, 1, (0, 0)),
    _answers("ranking an option twice", codes.OPTION_REPEATED, 2, (1, 1)),
    _answers("out of order", codes.OPTIONS_NOT_ASCENDING, 1, (2, 0)),
    _answers("with too few options", codes.TOO_FEW_OPTIONS, 1, ()),
    _answers("with too many options", codes.TOO_MANY_OPTIONS, 1, (0, 1, 2, 3)),
    _answers("short of a quota", codes.QUOTA_MISSED, 1, (2,)),
    _answers("beyond a quota", codes.QUOTA_EXCEEDED, 1, (0, 1)),
    _answers("beyond the budget", codes.COST_EXCEEDED, 1, (0, 2, 3)),
    _answers("with zero points", codes.POINTS_OUT_OF_RANGE, 3, ((0, 0),)),
    _answers("with 2^62 points", codes.POINTS_OUT_OF_RANGE, 3, ((0, 1 << 62),)),
    _answers("with too few points", codes.TOO_FEW_POINTS, 3, ((0, 1),)),
    _answers("with too many points", codes.TOO_MANY_POINTS, 3, ((0, 5), (1, 5))),
    _answers("with a mark too few", codes.WRONG_MARK_COUNT, 4, (1, 2)),
    _answers("with a mark too high", codes.MARK_OUT_OF_RANGE, 4, (6, 0, 0)),
    _answers("without a mark", codes.NO_MARK, 4, (None, None, None)),
)


# --- who may do what, and in which order ---


def _does(key: str, kind: Any, *values: Any, ahead: int = 1) -> Make:
    """An act with one of the stage's keys."""
    return lambda stage: stage.admin(getattr(stage, key), kind, *values, ahead=ahead)


async def _replayed(stage: Stage) -> bytes:
    """An act with the sequence of one that took effect."""
    return await stage.admin(stage.operator, RollCreate, "again", ahead=0)


async def _by_stranger(stage: Stage) -> bytes:
    return make_transaction(RollCreate(1, "x"), SigningKey.generate(), stage.genesis.hash)


async def _forged_act(stage: Stage) -> bytes:
    raw = await stage.admin(stage.operator, PollVoid, OPEN, "mischief")
    payload, _, signature = _parts(raw)
    return codec.encode((payload, stage.second.tagged, signature))


async def _by_leaver(stage: Stage) -> bytes:
    return await stage.admin(stage.leaver, RollCreate, "x")


def _unproved(stage: Stage) -> tuple[TaggedKey, Signature]:
    """A proof that was given to another agency."""
    return stage.applies(SigningKey.from_seed(b"p" * 32), agency=2)


async def _own_approval(stage: Stage) -> bytes:
    """An operator approves what the same operator asked for."""
    asked = await stage.admin(stage.operator, PollClose, OPEN, "early")
    await stage.commit(asked)
    return await stage.admin(stage.operator, Approve, sha256(asked))


async def _too_many_pending(stage: Stage) -> bytes:
    closes = stage.definitions[OPEN].closes_at_ms
    waiting: Any = (await stage.client.poll(OPEN))["pending"]
    more = range(1, MAX_PENDING_ACTIONS - len(waiting) + 1)
    await stage.acts(stage.operator, *((PollExtend, OPEN, closes + n, "more time") for n in more))
    return await stage.admin(stage.operator, PollExtend, OPEN, closes + 100, "more time")


_SMALL_ORDER = TaggedKey(b"\x01" + min(SMALL_ORDER_ENCODINGS))
_KEYS = tuple(sorted(SigningKey.from_seed(bytes((n,)) * 32).tagged for n in range(1, 4)))
_LOWEST = min(voter(BEGUN_ROLL, n).tagged for n in range(1, 60))
"""Below the one that is on the begun roll, or the test says so."""

ACTS = (
    row("of an unknown key", codes.UNKNOWN_SIGNER, _by_stranger),
    row("of a revoked operator", codes.SIGNER_REVOKED, _by_leaver),
    row("under another operator's name", codes.BAD_SIGNATURE, _forged_act),
    row("replayed", codes.WRONG_SEQUENCE, _replayed),
    row("ahead of its turn", codes.WRONG_SEQUENCE, _does("operator", RollCreate, "x", ahead=2)),
    malformed("with sequence 0", codes.MALFORMED, lambda s: _signed(s, codec.encode((6, 0, "x")))),
    row("roll by the agency key", codes.NOT_PERMITTED, _does("agency", RollCreate, "x")),
    row("operator registered by one", codes.NOT_PERMITTED, _does("operator", OperatorRegister, _KEYS[0], bytes(64))),
    row("roll by a service without that scope", codes.OUT_OF_SCOPE, _does("service", RollCreate, "x")),
    row("act on another agency's poll", codes.OTHER_AGENCY, _does("outsider", PollPause, OPEN, "x")),
    row("act on another agency's roll", codes.OTHER_AGENCY, _does("outsider", RollSeal, EMPTY_ROLL, bytes(32), 1)),
    row(
        "key registered twice",
        codes.KEY_ALREADY_REGISTERED,
        lambda s: s.admin(s.agency, OperatorRegister, *s.applies(s.second)),
    ),
    row(
        "key registered without its owner",
        codes.KEY_NOT_PROVEN,
        lambda s: s.admin(s.agency, OperatorRegister, *_unproved(s)),
    ),
    row("revoking who is none", codes.NO_SUCH_SIGNER, _does("agency", OperatorRevoke, _KEYS[0])),
    row(
        "revoking an operator as a service",
        codes.NO_SUCH_SIGNER,
        lambda s: s.admin(s.agency, ServiceRevoke, s.operator.tagged),
    ),
    malformed(
        "unsound operator key", codes.KEY_NOT_REGISTRABLE, _does("agency", OperatorRegister, _SMALL_ORDER, bytes(64))
    ),
    malformed(
        "scopes of no meaning", codes.UNKNOWN_SCOPES, _does("agency", ServiceAuthorise, _KEYS[0], bytes(64), Scope(0))
    ),
    row("approval of nothing", codes.NO_SUCH_ACTION, _does("operator", Approve, bytes(32))),
    row("approval of one's own act", codes.ALREADY_APPROVED, _own_approval),
    row("one waiting act too many", codes.TOO_MANY_PENDING, _too_many_pending),
    row("resuming what runs", codes.WRONG_POLL_STATE, _does("operator", PollResume, OPEN, "x")),
    row("pausing what is void", codes.WRONG_POLL_STATE, _does("operator", PollPause, VOID, "x")),
    row("extension to an earlier time", codes.EXTENSION_NOT_LATER, _does("operator", PollExtend, PAUSED, 1, "x")),
    malformed("act without a reason", codes.TEXT_MISSING, _does("operator", PollPause, OPEN, "")),
    row("act on a poll there is not", codes.NO_SUCH_POLL, _does("operator", PollPause, PollNumber(999), "x")),
)


async def _chunk_before(stage: Stage) -> bytes:
    held = voter(BEGUN_ROLL, 0).tagged
    assert held > _LOWEST
    return await stage.admin(stage.operator, RollAppend, BEGUN_ROLL, _LOWEST, ())


ROLLS = (
    row("roll there is not", codes.NO_SUCH_ROLL, _does("operator", RollSeal, RollNumber(999), bytes(32), 1)),
    row("key for a sealed roll", codes.ROLL_SEALED, _does("operator", RollAppend, SPARE_ROLL, _KEYS[0], ())),
    row("chunk before the one that is there", codes.ROLL_ORDER, _chunk_before),
    row("seal of an empty roll", codes.ROLL_EMPTY, _does("operator", RollSeal, EMPTY_ROLL, bytes(32), 1)),
    row("seal over another list", codes.ROLL_MISMATCH, _does("operator", RollSeal, BEGUN_ROLL, bytes(32), 1)),
    malformed("half a key", codes.ROLL_CHUNK_LENGTH, _does("operator", RollAppend, BEGUN_ROLL, _KEYS[0][:20], ())),
    malformed("no key", codes.ROLL_CHUNK_LENGTH, _does("operator", RollAppend, BEGUN_ROLL, b"", ())),
    malformed(
        "two weights for a key", codes.ROLL_CHUNK_WEIGHTS, _does("operator", RollAppend, BEGUN_ROLL, _KEYS[0], (1, 1))
    ),
    malformed("weight zero", codes.MALFORMED, _does("operator", RollAppend, BEGUN_ROLL, _KEYS[0], (0,))),
    malformed(
        "key of small order", codes.ROLL_KEY_UNSOUND, _does("operator", RollAppend, BEGUN_ROLL, _SMALL_ORDER, ())
    ),
    malformed(
        "keys out of order",
        codes.ROLL_KEYS_NOT_ASCENDING,
        _does("operator", RollAppend, BEGUN_ROLL, _KEYS[1] + _KEYS[0], ()),
    ),
    malformed("key twice", codes.ROLL_KEYS_NOT_ASCENDING, _does("operator", RollAppend, BEGUN_ROLL, 2 * _KEYS[0], ())),
)


# --- poll definitions ---

_NOW_MS = 1_800_000_000_000
_SOUND = definition(SPARE_ROLL, _NOW_MS * 2, _NOW_MS * 2 + 1)


def _registers(made: PollDefinition | bytes, poll: int = 0) -> Make:
    data = made if isinstance(made, bytes) else encode_definition(made)
    return _does("operator", PollRegister, poll, data)


def _poll(name: str, cause: Cause, status: int = 400, **changes: Any) -> Row:
    return row(f"poll {name}", cause, _registers(replace(_SOUND, **changes)), status)


def _rule(name: str, cause: Cause, rule: Rule, options: tuple[Option, ...] = PLAIN) -> Row:
    return _poll(name, cause, questions=(question(rule, options),))


def _unknown_type() -> bytes:
    parts: Any = codec.decode(encode_definition(_SOUND), "", max_bytes=10_000)
    return codec.encode((*parts[:4], ((7, *parts[4][0][1:]),), *parts[5:]))


def _of_version_2() -> bytes:
    parts: Any = codec.decode(encode_definition(_SOUND), "", max_bytes=10_000)
    return codec.encode((2, *parts[1:]))


POLLS = (
    malformed("poll in version 2", codes.UNKNOWN_DEFINITION_VERSION, _registers(_of_version_2())),
    malformed("poll that is no definition", codes.MALFORMED, _registers(b"\xc0")),
    _poll("in the language K0", codes.BAD_LANGUAGE, title=(("K0", "x"),)),
    _poll("with languages out of order", codes.LANGUAGES_NOT_ASCENDING, title=(("ko", "x"), ("en", "x"))),
    _poll("without a title", codes.TEXT_MISSING, title=()),
    _poll("without questions", codes.NO_QUESTIONS, questions=()),
    _poll("that closes before it opens", codes.POLL_TIMES, closes_at_ms=_NOW_MS * 2),
    _poll("that has closed", codes.POLL_ENDED_ALREADY, 422, opens_at_ms=1, closes_at_ms=2),
    _poll("of another agency", codes.DEFINITION_OF_OTHER_AGENCY, 422, agency=AgencyNumber(2)),
    _poll("with a roll there is not", codes.NO_SUCH_ROLL, 422, roll=RollNumber(999)),
    _poll("with a roll that is not sealed", codes.ROLL_NOT_SEALED, 422, roll=BEGUN_ROLL),
    _poll("with another poll's roll", codes.ROLL_IN_USE, 422, roll=RollNumber(OPEN)),
    row("poll in place of an open one", codes.WRONG_POLL_STATE, _registers(_SOUND, OPEN)),
    row("poll in place of none", codes.NO_SUCH_POLL, _registers(_SOUND, 999)),
    malformed("question of type 7", codes.UNKNOWN_QUESTION_TYPE, _registers(_unknown_type())),
    _rule("without options", codes.NO_OPTIONS, SingleRule(), ()),
    _rule("with an option twice", codes.OPTION_ID_REPEATED, SingleRule(), (option("a"), option("a"))),
    _rule("with a nameless option", codes.OPTION_ID_EMPTY, SingleRule(), (Option("", (("en", "x"),)),)),
    _rule("with half an image", codes.BAD_IMAGE_HASH, SingleRule(), (replace(option("a"), image_hash=bytes(31)),)),
    _rule("that asks for 4 of 3", codes.COUNT_BOUNDS, ApprovalRule(1, 4, (), 0)),
    _rule(
        "with quotas out of order",
        codes.QUOTAS_NOT_ASCENDING,
        ApprovalRule(1, 3, (Quota("south", 0, 1), Quota("north", 0, 1)), 0),
        PLACES,
    ),
    _rule("with a quota for nobody", codes.QUOTA_GROUP_UNKNOWN, ApprovalRule(1, 3, (Quota("east", 0, 1),), 0), PLACES),
    _rule("with a quota of 3 of 2", codes.QUOTA_BOUNDS, ApprovalRule(1, 3, (Quota("north", 0, 3),), 0), PLACES),
    _rule("no answer can meet", codes.QUOTAS_UNSATISFIABLE, ApprovalRule(1, 1, (Quota("north", 2, 2),), 0), PLACES),
    _rule("nobody can pay", codes.COST_UNSATISFIABLE, ApprovalRule(2, 3, (), 19), PLACES),
    _rule("with a weight too few", codes.RANK_WEIGHTS_COUNT, RankedRule(1, 3, (2, 1))),
    _rule("with rising weights", codes.RANK_WEIGHTS_RISING, RankedRule(1, 2, (1, 2))),
    _rule("with points that do not fit", codes.POINTS_BOUNDS, PointsRule(1, 1, 9)),
    _rule("with marks beyond the bound", codes.MALFORMED, ScoreRule(1 << 11)),
)

TRANSACTIONS = (*BYTES, *BALLOTS, *ANSWERS, *ACTS, *ROLLS, *POLLS, *LATE_BALLOTS)
