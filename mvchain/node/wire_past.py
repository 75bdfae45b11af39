"""What a node that joins asks others for: snapshots, light blocks, blocks of the past, final proofs.

Each question has one answer, which is empty where the node has not got it. An answer that was not asked for costs the
peer (ATK16); all of them have the lowest priority. Nothing in an answer is believed: hashes lead to a header that the
rules of light clients verified.
"""

from dataclasses import dataclass
from typing import Self

from mvchain.core import codes, limits
from mvchain.core.errors import BadPeer
from mvchain.core.types import Hash, Height, PollNumber
from mvchain.node.message import MAX_HEIGHT, Fields, Message, Priority

MAX_PART_BYTES = max(limits.SNAPSHOT_CHUNK_BYTES, limits.MAX_MANIFEST_BYTES)
_NUMBER_BYTES = 9
"""The longest integer, as msgpack."""


@dataclass(frozen=True, slots=True)
class GetSnapshots(Message):
    """Which snapshots do you have?"""

    TYPE = 15
    WHAT = "question for snapshots"
    MAX_BYTES = 1
    PRIORITY = Priority.PAST

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Snapshots(Message):
    """The answer: heights, descending, with the hashes of the manifests."""

    TYPE = 16
    WHAT = "list of snapshots"
    MAX_BYTES = 2 + limits.KEPT_SNAPSHOTS * (1 + _NUMBER_BYTES + 2 + 32)
    PRIORITY = Priority.PAST

    offers: tuple[tuple[Height, Hash], ...]

    @classmethod
    def _read(cls, f: Fields) -> Self:
        offers = (Fields(item, 2, cls.WHAT, BadPeer) for item in f.array(0, "offers", limits.KEPT_SNAPSHOTS))
        return cls(tuple((one.height(0, "height"), Hash(one.bytes(1, "hash", 32))) for one in offers))


@dataclass(frozen=True, slots=True)
class GetSnapshotPart(Message):
    """A part of the snapshot of a height: 0 for the manifest, then its chunks from 1 on."""

    TYPE = 17
    WHAT = "question for a part of a snapshot"
    MAX_BYTES = 1 + 2 * _NUMBER_BYTES
    PRIORITY = Priority.PAST

    height: Height
    part: int

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.height(0, "height"), f.int(1, "part", 0, limits.MAX_SNAPSHOT_CHUNKS))


@dataclass(frozen=True, slots=True)
class SnapshotPart(Message):
    """The answer: height (8 bytes, big-endian), part (4 bytes), and its bytes, none if it is not here."""

    TYPE = 18
    WHAT = "part of a snapshot"
    MAX_BYTES = 12 + MAX_PART_BYTES
    PRIORITY = Priority.PAST

    height: Height
    part: int
    data: bytes

    def body(self) -> bytes:
        """All but the type byte."""
        return b"".join((self.height.to_bytes(8, "big"), self.part.to_bytes(4, "big"), self.data))

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The reverse of `body`, for untrusted bytes within the bound. Raises BadPeer."""
        height, part = int.from_bytes(body[:8], "big"), int.from_bytes(body[8:12], "big")
        if len(body) < 12 or not 1 <= height <= MAX_HEIGHT or part > limits.MAX_SNAPSHOT_CHUNKS:
            raise BadPeer(codes.MALFORMED, what=cls.WHAT, why="its height or number is out of range")
        return cls(Height(height), part, body[12:])


@dataclass(frozen=True, slots=True)
class GetLightBlock(Message):
    """Header, commit and validators of a height (C85); 0 for the newest."""

    TYPE = 19
    WHAT = "question for a light block"
    MAX_BYTES = 1 + _NUMBER_BYTES
    PRIORITY = Priority.PAST

    height: int

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.int(0, "height", 0, MAX_HEIGHT))


@dataclass(frozen=True, slots=True)
class LightBlockResponse(Message):
    """The answer, as `light.blocks` writes it; the height is the one that was asked for."""

    TYPE = 20
    WHAT = "light block"
    MAX_BYTES = 1 + _NUMBER_BYTES + 5 + limits.MAX_LIGHT_BLOCK_BYTES
    PRIORITY = Priority.PAST

    height: int
    data: bytes

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.int(0, "height", 0, MAX_HEIGHT), f.blob(1, "data", limits.MAX_LIGHT_BLOCK_BYTES))


@dataclass(frozen=True, slots=True)
class GetPastBlock(Message):
    """A block below the asker's first one."""

    TYPE = 21
    WHAT = "question for a past block"
    MAX_BYTES = 1 + _NUMBER_BYTES
    PRIORITY = Priority.PAST

    height: Height

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(f.height(0, "height"))


@dataclass(frozen=True, slots=True)
class PastBlock(Message):
    """The answer: height (8 bytes, big-endian), length of the numbers (4 bytes), numbers (`past`), block (C57)."""

    TYPE = 22
    WHAT = "past block"
    MAX_BYTES = 12 + limits.MAX_RESULT_NUMBERS_BYTES + limits.MAX_BLOCK_BYTES
    PRIORITY = Priority.PAST

    height: Height
    numbers: bytes
    block: bytes

    def body(self) -> bytes:
        """All but the type byte."""
        head = self.height.to_bytes(8, "big") + len(self.numbers).to_bytes(4, "big")
        return b"".join((head, self.numbers, self.block))

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The reverse of `body`, for untrusted bytes within the bound. Raises BadPeer."""
        height, size = int.from_bytes(body[:8], "big"), int.from_bytes(body[8:12], "big")
        block_bytes = len(body) - 12 - size
        if not (size <= limits.MAX_RESULT_NUMBERS_BYTES and 0 <= block_bytes <= limits.MAX_BLOCK_BYTES):
            raise BadPeer(codes.MALFORMED, what=cls.WHAT, why="its lengths do not agree")
        if not 1 <= height <= MAX_HEIGHT:
            raise BadPeer(codes.MALFORMED, what=cls.WHAT, why=f"height is {height}")
        return cls(Height(height), body[12 : 12 + size], body[12 + size :])


@dataclass(frozen=True, slots=True)
class GetFinalProof(Message):
    """The proof of the final record of a poll (ledger L9)."""

    TYPE = 23
    WHAT = "question for a final proof"
    MAX_BYTES = 1 + _NUMBER_BYTES
    PRIORITY = Priority.PAST

    poll: PollNumber

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(PollNumber(f.int(0, "poll", 1, limits.MAX_NUMBER)))


@dataclass(frozen=True, slots=True)
class FinalProof(Message):
    """The answer, as `history.encode_final_proof` writes it."""

    TYPE = 24
    WHAT = "final proof"
    MAX_BYTES = 1 + _NUMBER_BYTES + 3 + limits.MAX_FINAL_PROOF_BYTES
    PRIORITY = Priority.PAST

    poll: PollNumber
    data: bytes

    @classmethod
    def _read(cls, f: Fields) -> Self:
        return cls(PollNumber(f.int(0, "poll", 1, limits.MAX_NUMBER)), f.blob(1, "data", limits.MAX_FINAL_PROOF_BYTES))


Question = GetSnapshots | GetSnapshotPart | GetLightBlock | GetPastBlock | GetFinalProof

ANSWERS: dict[type[Message], type[Message]] = {
    GetSnapshots: Snapshots,
    GetSnapshotPart: SnapshotPart,
    GetLightBlock: LightBlockResponse,
    GetPastBlock: PastBlock,
    GetFinalProof: FinalProof,
}
"""What each question is answered with."""
