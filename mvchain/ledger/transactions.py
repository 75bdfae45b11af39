"""Transactions: their bytes, their kinds, what is signed (ledger L2).

    transaction = msgpack([payload: bin, signer: 33 bytes, signature: 64 bytes])
    payload = msgpack([kind, ...the fields of its class below, in order])
    signed = "mvchain.tx.v1\\0" || genesis hash (32) || context (32) || payload

The context of a ballot is the hash of the definition that its voter saw, so that it counts for no other
wording; it is 32 zero bytes otherwise. Neither hash is in the transaction: whoever verifies knows both. Every
payload but a ballot carries `sequence`, one more than its signer's last accepted one, so that nothing can be
posted twice.

A payload that registers a key carries `proof`, the signature of that very key (`registration`, security ED03).
Decoding checks all that can be said of a transaction alone; whether it is admissible, the state says (L3).
"""

from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from itertools import pairwise
from typing import ClassVar, Self, TypeAlias, get_args

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BadTransaction
from mvchain.core.hashing import sha256
from mvchain.core.keys import (
    SCHEME_ED25519,
    SIGNATURE_BYTES,
    TAGGED_KEY_BYTES,
    Purpose,
    SigningKey,
    is_roll_key,
    is_valid_key,
    verify_tagged,
)
from mvchain.core.limits import (
    MAX_ACTION_BYTES,
    MAX_NUMBER,
    MAX_QUESTIONS,
    MAX_REASON_BYTES,
    MAX_REVISIONS,
    MAX_ROLL_SIZE,
    MAX_TIME_MS,
    MAX_TITLE_BYTES,
    MAX_TRANSACTION_BYTES,
    MAX_WEIGHT,
)
from mvchain.core.types import Hash, PollNumber, ProposalNumber, RollNumber, Signature, TaggedKey, TimeMs

NO_CONTEXT = Hash(bytes(32))
"""Context of everything but ballots."""


class Kind(IntEnum):
    """The first item of a payload."""

    BALLOT = 0
    OPERATOR_REGISTER = 1
    OPERATOR_REVOKE = 2
    SERVICE_AUTHORISE = 3
    SERVICE_REVOKE = 4
    APPROVE = 5
    ROLL_CREATE = 6
    ROLL_APPEND = 7
    ROLL_SEAL = 8
    POLL_REGISTER = 9
    POLL_PAUSE = 10
    POLL_RESUME = 11
    POLL_EXTEND = 12
    POLL_CLOSE = 13
    POLL_VOID = 14
    GOVERNANCE_PROPOSE = 15
    GOVERNANCE_APPROVE = 16
    GOVERNANCE_WITHDRAW = 17


class Role(IntEnum):
    """What a key is to its agency (L4)."""

    AGENCY = 0
    OPERATOR = 1
    SERVICE = 2
    # These two sign no transactions; what they prove when they take the place of others is bound to their use.
    VALIDATOR = 3
    NODE = 4


class Scope(IntFlag):
    """What a poll service may do (L4)."""

    POLLS = 1
    ROLLS = 2


# --- readers of fields that several payloads have ---


def _sequence(f: Fields) -> int:
    return f.int(1, "sequence", 1, MAX_NUMBER)


def _poll(f: Fields, i: int) -> PollNumber:
    return PollNumber(f.int(i, "poll", 1, MAX_NUMBER))


def _roll(f: Fields) -> RollNumber:
    return RollNumber(f.int(2, "roll", 1, MAX_NUMBER))


def _key(f: Fields, i: int, name: str) -> TaggedKey:
    key = f.bytes(i, name, TAGGED_KEY_BYTES)
    if key[0] != SCHEME_ED25519:
        raise BadTransaction(codes.UNKNOWN_KEY_SCHEME, what=name, scheme=key[0])
    return TaggedKey(key)


def _registrable_key(f: Fields) -> TaggedKey:
    key = _key(f, 2, "key")
    if not is_valid_key(key[1:]):
        raise BadTransaction(codes.KEY_NOT_REGISTRABLE, key=key.hex())
    return key


def _proof(f: Fields) -> Signature:
    return Signature(f.bytes(3, "proof", SIGNATURE_BYTES))


def _text(f: Fields, i: int, name: str, max_bytes: int) -> str:
    text = f.text(i, name, max_bytes)
    if not text:
        raise BadTransaction(codes.TEXT_MISSING, where=f"the {name}")
    return text


# --- payloads; `read` takes the array with the kind at 0 ---


@dataclass(frozen=True, slots=True)
class Ballot:
    """A voter's answers. `revision` is 0, and one more with each ballot that replaces the last (L7)."""

    kind: ClassVar = Kind.BALLOT
    poll: PollNumber
    revision: int
    answers: tuple[object, ...]
    """One per question, of any shape: `mvchain.ledger.ballots.check_answers` compares them with the poll."""

    @classmethod
    def read(cls, f: Fields) -> Self:
        answers = f.array(3, "answers", MAX_QUESTIONS)
        return cls(_poll(f, 1), f.int(2, "revision", 0, MAX_REVISIONS - 1), answers)


@dataclass(frozen=True, slots=True)
class OperatorRegister:
    """The agency key gives an operator's key the right to act for the agency (L4)."""

    kind: ClassVar = Kind.OPERATOR_REGISTER
    role: ClassVar = Role.OPERATOR
    sequence: int
    key: TaggedKey
    proof: Signature

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), _registrable_key(f), _proof(f))


@dataclass(frozen=True, slots=True)
class OperatorRevoke:
    """The agency key takes that right away again."""

    kind: ClassVar = Kind.OPERATOR_REVOKE
    sequence: int
    key: TaggedKey

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), _key(f, 2, "key"))


@dataclass(frozen=True, slots=True)
class ServiceAuthorise:
    """An agency lets a poll service create polls, manage rolls, or both (L4)."""

    kind: ClassVar = Kind.SERVICE_AUTHORISE
    role: ClassVar = Role.SERVICE
    sequence: int
    key: TaggedKey
    proof: Signature
    scopes: Scope

    @classmethod
    def read(cls, f: Fields) -> Self:
        scopes = f.int(4, "scopes", 0, MAX_NUMBER)
        if not 0 < scopes <= Scope.POLLS | Scope.ROLLS:
            raise BadTransaction(codes.UNKNOWN_SCOPES, scopes=scopes)
        return cls(_sequence(f), _registrable_key(f), _proof(f), Scope(scopes))


@dataclass(frozen=True, slots=True)
class ServiceRevoke:
    """An agency takes a poll service's rights away again."""

    kind: ClassVar = Kind.SERVICE_REVOKE
    sequence: int
    key: TaggedKey

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), _key(f, 2, "key"))


@dataclass(frozen=True, slots=True)
class Approve:
    """An operator agrees to a waiting action, named by the hash of the transaction that asks for it (L4)."""

    kind: ClassVar = Kind.APPROVE
    sequence: int
    action_hash: Hash

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), Hash(f.bytes(2, "action hash", 32)))


@dataclass(frozen=True, slots=True)
class RollCreate:
    """Start an empty roll; it gets the next number (L5)."""

    kind: ClassVar = Kind.ROLL_CREATE
    sequence: int
    title: str

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), _text(f, 2, "title of the roll", MAX_TITLE_BYTES))


@dataclass(frozen=True, slots=True)
class RollAppend:
    """Add voters, in ascending order of their keys across all chunks (L5).

    `keys` are joined, 33 bytes each; `weights` has one for each, or none at all where every weight is 1.
    Decoding checks the order within the chunk and the bytes of each key.
    """

    kind: ClassVar = Kind.ROLL_APPEND
    sequence: int
    roll: RollNumber
    keys: bytes
    weights: tuple[int, ...]

    @classmethod
    def read(cls, f: Fields) -> Self:
        weights = f.array(4, "weights", MAX_TRANSACTION_BYTES)
        ranged = Fields(weights, len(weights), "roll chunk")
        chunk = cls(
            _sequence(f),
            _roll(f),
            f.blob(3, "keys", MAX_TRANSACTION_BYTES),
            tuple(ranged.int(i, "weight", 1, MAX_WEIGHT) for i in range(len(weights))),
        )
        chunk._check()
        return chunk

    def _check(self) -> None:
        count, rest = divmod(len(self.keys), TAGGED_KEY_BYTES)
        if rest or not count:
            raise BadTransaction(codes.ROLL_CHUNK_LENGTH, size=len(self.keys))
        if self.weights and len(self.weights) != count:
            raise BadTransaction(codes.ROLL_CHUNK_WEIGHTS, keys=count, weights=len(self.weights))
        keys = [key for key, _ in self.entries()]
        for number, key in enumerate(keys, 1):
            if not is_roll_key(key):
                raise BadTransaction(codes.ROLL_KEY_UNSOUND, number=number)
        for number, (before, key) in enumerate(pairwise(keys), 2):
            if before >= key:
                raise BadTransaction(codes.ROLL_KEYS_NOT_ASCENDING, number=number)

    def entries(self) -> list[tuple[TaggedKey, int]]:
        """The voters of the chunk as (key, weight)."""
        starts = range(0, len(self.keys), TAGGED_KEY_BYTES)
        keys = [TaggedKey(self.keys[start : start + TAGGED_KEY_BYTES]) for start in starts]
        return list(zip(keys, self.weights or (1,) * len(keys), strict=True))


@dataclass(frozen=True, slots=True)
class RollSeal:
    """Close a roll for good, saying its RFC 6962 root and size as the sender computed them (L5)."""

    kind: ClassVar = Kind.ROLL_SEAL
    sequence: int
    roll: RollNumber
    root: Hash
    size: int

    @classmethod
    def read(cls, f: Fields) -> Self:
        root = Hash(f.bytes(3, "root", 32))
        return cls(_sequence(f), _roll(f), root, f.int(4, "size", 1, MAX_ROLL_SIZE))


@dataclass(frozen=True, slots=True)
class PollRegister:
    """Put a definition on record, as a new poll (`poll` 0) or in place of one that is not open yet (L6)."""

    kind: ClassVar = Kind.POLL_REGISTER
    sequence: int
    poll: PollNumber
    definition: bytes
    """Canonical bytes for `mvchain.ledger.polls.decode_definition`."""

    @classmethod
    def read(cls, f: Fields) -> Self:
        poll = PollNumber(f.int(2, "poll", 0, MAX_NUMBER))
        return cls(_sequence(f), poll, f.blob(3, "definition", MAX_TRANSACTION_BYTES))


@dataclass(frozen=True, slots=True)
class _PollAction:
    """Acts on a poll that need nothing but a reason (L6)."""

    sequence: int
    poll: PollNumber
    reason: str

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), _poll(f, 2), _text(f, 3, "reason", MAX_REASON_BYTES))


@dataclass(frozen=True, slots=True)
class PollPause(_PollAction):
    """Take no ballots until resumed; the poll closes on time all the same."""

    kind: ClassVar = Kind.POLL_PAUSE


@dataclass(frozen=True, slots=True)
class PollResume(_PollAction):
    """Take ballots again."""

    kind: ClassVar = Kind.POLL_RESUME


@dataclass(frozen=True, slots=True)
class PollExtend:
    """Move the closing time, later only."""

    kind: ClassVar = Kind.POLL_EXTEND
    sequence: int
    poll: PollNumber
    closes_at_ms: TimeMs
    reason: str

    @classmethod
    def read(cls, f: Fields) -> Self:
        closes_at_ms = TimeMs(f.int(3, "closes_at_ms", 0, MAX_TIME_MS))
        return cls(_sequence(f), _poll(f, 2), closes_at_ms, _text(f, 4, "reason", MAX_REASON_BYTES))


@dataclass(frozen=True, slots=True)
class PollClose(_PollAction):
    """Close before the time."""

    kind: ClassVar = Kind.POLL_CLOSE


@dataclass(frozen=True, slots=True)
class PollVoid(_PollAction):
    """End the poll without a result."""

    kind: ClassVar = Kind.POLL_VOID


@dataclass(frozen=True, slots=True)
class GovernancePropose:
    """An agency asks the others to agree to an action, and agrees itself (L4)."""

    kind: ClassVar = Kind.GOVERNANCE_PROPOSE
    sequence: int
    action: bytes
    """Canonical bytes for `mvchain.ledger.proposals.decode_action`."""

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), f.blob(2, "action", MAX_ACTION_BYTES))


@dataclass(frozen=True, slots=True)
class _ProposalStep:
    """Acts on a proposal (L4)."""

    sequence: int
    proposal: ProposalNumber

    @classmethod
    def read(cls, f: Fields) -> Self:
        return cls(_sequence(f), ProposalNumber(f.int(2, "proposal", 1, MAX_NUMBER)))


@dataclass(frozen=True, slots=True)
class GovernanceApprove(_ProposalStep):
    """An agency agrees to a proposal of another."""

    kind: ClassVar = Kind.GOVERNANCE_APPROVE


@dataclass(frozen=True, slots=True)
class GovernanceWithdraw(_ProposalStep):
    """An agency takes back what it proposed."""

    kind: ClassVar = Kind.GOVERNANCE_WITHDRAW


Payload: TypeAlias = (
    Ballot
    | OperatorRegister
    | OperatorRevoke
    | ServiceAuthorise
    | ServiceRevoke
    | Approve
    | RollCreate
    | RollAppend
    | RollSeal
    | PollRegister
    | PollPause
    | PollResume
    | PollExtend
    | PollClose
    | PollVoid
    | GovernancePropose
    | GovernanceApprove
    | GovernanceWithdraw
)

_CLASSES: dict[Kind, type[Payload]] = {payload.kind: payload for payload in get_args(Payload)}
# By the plain integer that stands in the bytes: the class, and the items of its array with the kind.
_LAYOUTS = {int(kind): (payload, 1 + len(fields(payload))) for kind, payload in _CLASSES.items()}


def encode_payload(payload: Payload) -> bytes:
    """The canonical bytes of a payload."""
    return codec.encode((payload.kind, *(getattr(payload, field.name) for field in fields(payload))))


def decode_payload(data: bytes) -> Payload:
    """The payload in `data`; raises BadTransaction."""
    value = codec.decode(data, "payload", max_bytes=MAX_TRANSACTION_BYTES)
    if type(value) is not tuple or not value or type(value[0]) is not int:
        raise BadTransaction(codes.MALFORMED, what="payload", why="it does not begin with a kind")
    layout = _LAYOUTS.get(value[0])
    if layout is None:
        raise BadTransaction(codes.UNKNOWN_KIND, kind=value[0])
    payload, n = layout
    return payload.read(Fields(value, n, "payload"))


# --- transactions ---


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction beside its bytes. The signature is not verified yet."""

    raw: bytes
    hash: Hash
    """SHA-256 of `raw`: names the transaction everywhere, and the action in an `Approve`."""
    payload_bytes: bytes
    payload: Payload
    signer: TaggedKey
    signature: Signature


def decode_transaction(raw: bytes) -> Transaction:
    """The transaction in `raw`; raises BadTransaction. Runs for each ballot on each node: a few µs."""
    f = Fields(codec.decode(raw, "transaction", max_bytes=MAX_TRANSACTION_BYTES), 3, "transaction")
    payload_bytes = f.blob(0, "payload", MAX_TRANSACTION_BYTES)
    signer = _key(f, 1, "signer")
    signature = Signature(f.bytes(2, "signature", SIGNATURE_BYTES))
    return Transaction(raw, sha256(raw), payload_bytes, decode_payload(payload_bytes), signer, signature)


def sign_bytes(genesis_hash: Hash, context: Hash, payload_bytes: bytes) -> bytes:
    """What is signed, behind the tag of Purpose.TRANSACTION: fixed lengths first, so nothing can slide."""
    return genesis_hash + context + payload_bytes


def make_transaction(payload: Payload, key: SigningKey, genesis_hash: Hash, context: Hash = NO_CONTEXT) -> bytes:
    """The signed bytes to submit; `context` is the definition hash for a ballot."""
    payload_bytes = encode_payload(payload)
    signature = key.sign(Purpose.TRANSACTION, sign_bytes(genesis_hash, context, payload_bytes))
    return codec.encode((payload_bytes, key.tagged, signature))


def verify_signature(tx: Transaction, genesis_hash: Hash, context: Hash) -> bool:
    """Whether the signer signed this payload for this chain and context (L2)."""
    message = sign_bytes(genesis_hash, context, tx.payload_bytes)
    return verify_tagged(Purpose.TRANSACTION, tx.signer, message, tx.signature)
