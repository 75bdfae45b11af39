"""Messages between nodes: a type byte and a canonical msgpack array, bounded per type before it is decoded.

The bounds (security LIM18, faults ATK20) are in `core.limits`. What a message holds is untrusted: signatures,
hashes and heights are checked by whoever uses it. Proposals, endorsements, headers, commits and evidence keep
their protobuf encoding, since that is what validators sign and hash.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from mvchain.consensus.exchange import Contested, Holdings
from mvchain.core import codes, limits
from mvchain.core.errors import BadPeer, BadProof, MvchainError
from mvchain.core.types import Address, Hash, Height, Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.endorsements import Kind
from mvchain.node.message import MAX_HEIGHT, Fields, Message, Priority
from mvchain.node.wire_past import (
    FinalProof,
    GetFinalProof,
    GetLightBlock,
    GetPastBlock,
    GetSnapshotPart,
    GetSnapshots,
    LightBlockResponse,
    PastBlock,
    SnapshotPart,
    Snapshots,
)

_ADDRESS_BYTES = 20
_BITMAP_BYTES = (limits.MAX_VALIDATORS + 7) // 8
_MAX_BLOCK_ID_BYTES = 128
_LONGEST_ITEM_HEADER = 5


@dataclass(frozen=True, slots=True)
class Status(Message):
    """Where a node is and what it holds of its height; told on every change and now and then (N8)."""

    TYPE = 1
    WHAT = "status"
    MAX_BYTES = limits.MAX_STATUS_BYTES
    PRIORITY = Priority.CONSENSUS

    holdings: Holdings
    step: int
    base_height: Height
    """First block that it can hand out; 0 for none."""

    @property
    def height(self) -> Height:
        """The height that the node decides now."""
        return self.holdings.height

    def _items(self) -> tuple[object, ...]:
        held = self.holdings
        return (
            held.height,
            held.round,
            self.step,
            self.base_height,
            held.proposals,
            held.prevotes,
            held.precommits,
            tuple((c.round, int(c.kind), c.block_id.encode(), c.bitmap) for c in held.contested),
        )

    @classmethod
    def _length(cls) -> int:
        return 8

    @classmethod
    def _read(cls, f: Fields) -> Self:
        proposals = f.array(4, "proposals", limits.MAX_STATUS_ROUNDS)
        rounds = Fields(proposals, len(proposals), cls.WHAT, BadPeer)
        holdings = Holdings(
            height=f.height(0, "height"),
            round=f.round(1, "round"),
            proposals=tuple(rounds.round(i, "round") for i in range(len(proposals))),
            prevotes=tuple(map(_read_bitmap, f.array(5, "prevotes", limits.MAX_STATUS_BITMAPS))),
            precommits=tuple(map(_read_bitmap, f.array(6, "precommits", limits.MAX_STATUS_BITMAPS))),
            contested=tuple(map(_read_contested, f.array(7, "contested", limits.MAX_STATUS_CONTESTED))),
        )
        return cls(holdings, f.int(2, "step", 0, 255), Height(f.int(3, "base_height", 0, MAX_HEIGHT)))


def _read_bitmap(item: object) -> tuple[Round, bytes]:
    f = Fields(item, 2, Status.WHAT, BadPeer)
    return f.round(0, "round"), f.blob(1, "bitmap", _BITMAP_BYTES)


def _read_contested(item: object) -> Contested:
    f = Fields(item, 4, Status.WHAT, BadPeer)
    try:
        block_id = BlockID.decode(f.blob(2, "block_id", _MAX_BLOCK_ID_BYTES))
    except BadProof as error:
        raise BadPeer(error.cause, **error.data) from None
    kind = Kind(f.int(1, "kind", Kind.PREVOTE, Kind.PRECOMMIT))
    return Contested(f.round(0, "round"), kind, block_id, f.blob(3, "bitmap", _BITMAP_BYTES))


@dataclass(frozen=True, slots=True)
class CompactProposal(Message):
    """A proposal (C48) with the header and what the block is made of, by hash (N3)."""

    TYPE = 2
    WHAT = "compact proposal"
    MAX_BYTES = limits.MAX_COMPACT_PROPOSAL_BYTES
    PRIORITY = Priority.CONSENSUS

    proposal: bytes
    header: bytes
    tx_hashes: tuple[Hash, ...]
    evidence: tuple[bytes, ...]
    last_commit: bytes

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(
            proposal=f.blob(0, "proposal", limits.MAX_PROPOSAL_BYTES),
            header=f.blob(1, "header", limits.MAX_HEADER_BYTES),
            tx_hashes=f.hashes(2, "tx_hashes", limits.MAX_BLOCK_UNITS),
            evidence=f.blobs(3, "evidence", limits.MAX_BLOCK_EVIDENCE, limits.MAX_EVIDENCE_BYTES),
            last_commit=f.blob(4, "last_commit", limits.MAX_COMMIT_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Endorsements(Message):
    """Prevotes and precommits (C46), of any validator."""

    TYPE = 3
    WHAT = "endorsements message"
    MAX_BYTES = limits.MAX_SIGNED_MESSAGES_BYTES
    PRIORITY = Priority.CONSENSUS

    items: tuple[bytes, ...]

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.blobs(0, "items", limits.MAX_ENDORSEMENTS_PER_MESSAGE, limits.MAX_ENDORSEMENT_BYTES))


@dataclass(frozen=True, slots=True)
class Evidence(Message):
    """Evidence of misbehaviour (C66)."""

    TYPE = 4
    WHAT = "evidence message"
    MAX_BYTES = limits.MAX_SIGNED_MESSAGES_BYTES
    PRIORITY = Priority.CONSENSUS

    items: tuple[bytes, ...]

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.blobs(0, "items", limits.MAX_BLOCK_EVIDENCE, limits.MAX_EVIDENCE_BYTES))


@dataclass(frozen=True, slots=True)
class AskOwn(Message):
    """Which signed messages of this validator do you hold? Asked by its own node after a start (N4)."""

    TYPE = 5
    WHAT = "question for own messages"
    MAX_BYTES = 32
    PRIORITY = Priority.CONSENSUS

    address: Address

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(Address(f.bytes(0, "address", _ADDRESS_BYTES)))


@dataclass(frozen=True, slots=True)
class OwnMessages(Message):
    """The one answer to `AskOwn`: proposals (C48) and endorsements (C46) of that validator."""

    TYPE = 6
    WHAT = "answer with own messages"
    MAX_BYTES = limits.MAX_SIGNED_MESSAGES_BYTES
    PRIORITY = Priority.CONSENSUS

    proposals: tuple[bytes, ...]
    endorsements: tuple[bytes, ...]

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(
            f.blobs(0, "proposals", limits.MAX_OWN_MESSAGES, limits.MAX_PROPOSAL_BYTES),
            f.blobs(1, "endorsements", limits.MAX_OWN_MESSAGES, limits.MAX_ENDORSEMENT_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Transactions(Message):
    """A batch of transactions as they were submitted: pushed, or asked for."""

    TYPE = 7
    WHAT = "batch of transactions"
    MAX_BYTES = limits.MAX_BATCH_BYTES + _LONGEST_ITEM_HEADER * (limits.MAX_BATCH_ITEMS + 1)
    PRIORITY = Priority.TRANSACTIONS

    items: tuple[bytes, ...]

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.blobs(0, "items", limits.MAX_BATCH_ITEMS, limits.MAX_TRANSACTION_BYTES))


@dataclass(frozen=True, slots=True)
class HaveTransactions(Message):
    """Hashes of transactions that the sender holds."""

    TYPE = 8
    WHAT = "announcement of transactions"
    MAX_BYTES = limits.MAX_HASHES_BYTES
    PRIORITY = Priority.TRANSACTIONS

    hashes: tuple[Hash, ...]

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.hashes(0, "hashes", limits.MAX_BATCH_ITEMS))


@dataclass(frozen=True, slots=True)
class WantTransactions(Message):
    """Hashes of transactions that the sender asks for. Small and waited for, so it overtakes batches."""

    TYPE = 9
    WHAT = "request for transactions"
    MAX_BYTES = limits.MAX_HASHES_BYTES
    PRIORITY = Priority.BLOCKS

    hashes: tuple[Hash, ...]

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.hashes(0, "hashes", limits.MAX_BATCH_ITEMS))


@dataclass(frozen=True, slots=True)
class GetBlocks(Message):
    """Asks for `count` blocks from a height on; each height gets one `BlockResponse` or `NoBlock`."""

    TYPE = 10
    WHAT = "request for blocks"
    MAX_BYTES = 16
    PRIORITY = Priority.BLOCKS

    from_height: Height
    count: int

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.height(0, "from_height"), f.int(1, "count", 1, limits.MAX_BLOCKS_PER_REQUEST))


@dataclass(frozen=True, slots=True)
class BlockResponse(Message):
    """A block (C57) and the precommits that decided it (C50).

    The one message of megabytes, so it is laid out plainly and cannot grow by being decoded (ATK20): height
    (8 bytes, big-endian), length of the commit (4 bytes), commit, block.
    """

    TYPE = 11
    WHAT = "block response"
    MAX_BYTES = 12 + limits.MAX_COMMIT_BYTES + limits.MAX_BLOCK_BYTES
    PRIORITY = Priority.BLOCKS

    height: Height
    block: bytes
    commit: bytes

    def body(self) -> bytes:
        """All but the type byte."""
        head = self.height.to_bytes(8, "big") + len(self.commit).to_bytes(4, "big")
        return b"".join((head, self.commit, self.block))

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The reverse of `body`, for untrusted bytes within the bound. Raises BadPeer."""
        height, commit_bytes = int.from_bytes(body[:8], "big"), int.from_bytes(body[8:12], "big")
        block_bytes = len(body) - 12 - commit_bytes
        if not (0 <= commit_bytes <= limits.MAX_COMMIT_BYTES and 0 <= block_bytes <= limits.MAX_BLOCK_BYTES):
            raise BadPeer(codes.MALFORMED, what=cls.WHAT, why="its lengths do not agree")
        if not 1 <= height <= MAX_HEIGHT:
            raise BadPeer(codes.MALFORMED, what=cls.WHAT, why=f"height is {height}")
        return cls(Height(height), body[12 + commit_bytes :], body[12 : 12 + commit_bytes])


@dataclass(frozen=True, slots=True)
class NoBlock(Message):
    """The sender cannot hand out the block of this height."""

    TYPE = 12
    WHAT = "refusal of a block"
    MAX_BYTES = 16
    PRIORITY = Priority.BLOCKS

    height: Height

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.height(0, "height"))


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Shows that a side is alive that has nothing else to say. Both sides do so, hence it needs no answer."""

    TYPE = 13
    WHAT = "ping"
    MAX_BYTES = 1
    PRIORITY = Priority.CONSENSUS

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Goodbye(Message):
    """Why the sender closes the connection; its last message."""

    TYPE = 14
    WHAT = "goodbye"
    MAX_BYTES = limits.MAX_GOODBYE_REASON_BYTES + 32
    PRIORITY = Priority.CONSENSUS

    code: str
    """Stable code of `core.codes`, as MV-2133."""
    reason: str

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.text(0, "code", 16), f.text(1, "reason", limits.MAX_GOODBYE_REASON_BYTES))


_CLASSES: dict[int, type[Message]] = {
    cls.TYPE: cls
    for cls in (
        Status,
        CompactProposal,
        Endorsements,
        Evidence,
        AskOwn,
        OwnMessages,
        Transactions,
        HaveTransactions,
        WantTransactions,
        GetBlocks,
        BlockResponse,
        NoBlock,
        Ping,
        Goodbye,
        GetSnapshots,
        Snapshots,
        GetSnapshotPart,
        SnapshotPart,
        GetLightBlock,
        LightBlockResponse,
        GetPastBlock,
        PastBlock,
        GetFinalProof,
        FinalProof,
    )
}

MAX_MESSAGE_BYTES = 1 + max(cls.MAX_BYTES for cls in _CLASSES.values())
"""The largest message of any type, with its type byte."""


def encode(message: Message) -> bytes:
    """The bytes of a message; that they keep to the bound of the type is up to whoever makes it."""
    data = bytes((message.TYPE,)) + message.body()
    assert len(data) <= 1 + message.MAX_BYTES, f"a {message.WHAT} of {len(data)} bytes"
    return data


def class_of(data: bytes) -> type[Message]:
    """Which message untrusted bytes announce, within its bound; the body is not looked at.

    Raises:
        BadPeer: there is no such type, or its messages are smaller.
    """
    cls = _CLASSES.get(data[0]) if data else None
    if cls is None:
        raise BadPeer(codes.UNKNOWN_MESSAGE, type=data[:1].hex())
    if len(data) - 1 > cls.MAX_BYTES:
        raise BadPeer(codes.TOO_LARGE, what=cls.WHAT, size=len(data) - 1, limit=cls.MAX_BYTES)
    return cls


def decode(data: bytes) -> Message:
    """The message of untrusted bytes.

    Raises:
        BadPeer: no honest node of this version sends it.
    """
    return class_of(data).parse(data[1:])


def goodbye(error: MvchainError) -> Goodbye:
    """What to tell a peer about the error that it is dropped for; cut where the text is too long."""
    reason = error.detail.encode()[: limits.MAX_GOODBYE_REASON_BYTES]
    return Goodbye(error.code, reason.decode(errors="ignore"))


def batches(items: Iterable[tuple[Hash, bytes]]) -> Iterator[tuple[Transactions, tuple[Hash, ...]]]:
    """Transactions in messages within the bounds of a batch (N8), each with the hashes of what it holds."""
    hashes: list[Hash] = []
    raws: list[bytes] = []
    size = 0
    for tx_hash, raw in items:
        if raws and (size + len(raw) > limits.MAX_BATCH_BYTES or len(raws) == limits.MAX_BATCH_ITEMS):
            yield Transactions(tuple(raws)), tuple(hashes)
            hashes, raws, size = [], [], 0
        hashes.append(tx_hash)
        raws.append(raw)
        size += len(raw)
    if raws:
        yield Transactions(tuple(raws)), tuple(hashes)
