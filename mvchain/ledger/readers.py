"""What the state stands on: durable records, and the transactions of committed blocks."""

from collections.abc import Iterator
from typing import Protocol

from mvchain.core.types import Height


class Reader(Protocol):
    """The durable key-value pairs of the state.

    Durability: shows exactly the writes of the blocks committed so far, all of a block's or none.
    Trust: own disk; bytes that do not decode are BrokenStorage.
    """

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` to before `stop`, ascending, with their values."""


class TransactionReader(Protocol):
    """The transactions of committed blocks, for ballots that are counted or superseded.

    Durability: the blocks up to the height of the state.
    Trust: own disk.
    """

    def transaction_at(self, height: Height, index: int) -> bytes:
        """The bytes of transaction `index`, from 0, of a committed block."""
