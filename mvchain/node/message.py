"""What all messages between nodes have in common: their form, their bounds, and how fields are read.

See `mvchain.node.wire` for the messages.
"""

from enum import IntEnum
from typing import ClassVar, Self

from mvchain.core import codec, limits
from mvchain.core.errors import BadPeer
from mvchain.core.types import Hash, Height, Round

MAX_HEIGHT = (1 << 63) - 1
_HASH_BYTES = 32


class Priority(IntEnum):
    """Queue of a message; a lower one is emptied first (N7)."""

    CONSENSUS = 0
    BLOCKS = 1
    TRANSACTIONS = 2
    PAST = 3
    """What nodes want that join: they can wait."""


class Fields(codec.Fields):
    """Readers for what messages hold; each raises BadPeer on a misfit."""

    __slots__ = ()

    def height(self, i: int, name: str) -> Height:
        """Item `i`: a height from 1."""
        return Height(self.int(i, name, 1, MAX_HEIGHT))

    def round(self, i: int, name: str) -> Round:
        """Item `i`: a round from 0."""
        return Round(self.int(i, name, 0, limits.MAX_ROUND))

    def blobs(self, i: int, name: str, max_items: int, max_bytes: int) -> tuple[bytes, ...]:
        """Item `i`: at most `max_items` byte strings of at most `max_bytes` each."""
        items: list[bytes] = []
        for item in self.array(i, name, max_items):
            if type(item) is not bytes or len(item) > max_bytes:
                self._misfit(name, f"not made of byte strings of at most {max_bytes}")
            items.append(item)
        return tuple(items)

    def hashes(self, i: int, name: str, max_items: int) -> tuple[Hash, ...]:
        """Item `i`: at most `max_items` hashes."""
        items: list[Hash] = []
        for item in self.array(i, name, max_items):
            if type(item) is not bytes or len(item) != _HASH_BYTES:
                self._misfit(name, "not made of hashes")
            items.append(Hash(item))
        return tuple(items)


class Message:
    """One message. A subclass gives its type, bound and queue, and how its array is written and read."""

    __slots__: tuple[str, ...] = ()

    TYPE: ClassVar[int]
    WHAT: ClassVar[str]
    """Name for errors and the log."""
    MAX_BYTES: ClassVar[int]
    """Bound of the body, checked before it is decoded."""
    PRIORITY: ClassVar[Priority]

    def body(self) -> bytes:
        """All but the type byte."""
        return codec.encode(self._items())

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The reverse of `body`, for untrusted bytes within the bound. Raises BadPeer."""
        value = codec.decode(body, cls.WHAT, max_bytes=cls.MAX_BYTES, error=BadPeer)
        return cls._read(Fields(value, cls._length(), cls.WHAT, BadPeer))

    def _items(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    @classmethod
    def _length(cls) -> int:
        return len(cls.__slots__)

    @classmethod
    def _read(cls, f: Fields) -> Self:
        raise NotImplementedError
