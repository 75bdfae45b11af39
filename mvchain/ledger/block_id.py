"""What proposals, endorsements and commits point at: a header hash and a part-set header (C22–C24)."""

from dataclasses import dataclass
from typing import Self

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.proto import Reader, bytes_field, message_field, varint_field

HASH_BYTES = 32


def open_message(data: bytes, what: str, max_bytes: int) -> Reader:
    """A reader of one message of the chain, whose size is checked before anything is read (ATK20).

    Raises:
        BadProof: it is too large; later, on reading, malformed.
    """
    if len(data) > max_bytes:
        raise BadProof(codes.TOO_LARGE, what=what, size=len(data), limit=max_bytes)
    return Reader(data, what)


@dataclass(frozen=True, slots=True)
class PartSetHeader:
    """Number of 64 KiB parts of a block and the root over them (C22, C58); 0 and no bytes for nil."""

    total: int
    """0 to 2^32 - 1; never the size of anything that is allocated (ATK03)."""
    hash: bytes

    def encode(self) -> bytes:
        """Protobuf (C22)."""
        return varint_field(1, self.total) + bytes_field(2, self.hash)


@dataclass(frozen=True, slots=True)
class BlockID:
    """Names one block, by the hash of its header and by its bytes; `NIL_BLOCK_ID` names none (C23, C24)."""

    hash: bytes
    parts: PartSetHeader

    @property
    def is_nil(self) -> bool:
        """Whether all of it is empty (C24: zero)."""
        return not self.hash and not self.parts.total and not self.parts.hash

    @property
    def is_complete(self) -> bool:
        """Whether it names a block (C24)."""
        return len(self.hash) == HASH_BYTES and self.parts.total > 0 and len(self.parts.hash) == HASH_BYTES

    def encode(self) -> bytes:
        """Protobuf (C23); nil is the two bytes 12 00."""
        return bytes_field(1, self.hash) + message_field(2, self.parts.encode())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`; only nil and complete ones exist on this chain (C24).

        Raises:
            BadProof: malformed, or something between nil and complete.
        """
        what = "a block id"
        reader = Reader(data, what)
        hash_ = reader.bytes(1)
        inner = Reader(reader.message(2), what)
        found = cls(hash_, PartSetHeader(inner.uint32(1), inner.bytes(2)))
        inner.end()
        reader.end()
        if not (found.is_nil or found.is_complete):
            raise BadProof(codes.MALFORMED, what=what, why="it is neither nil nor complete")
        return found


NIL_BLOCK_ID = BlockID(b"", PartSetHeader(0, b""))
