"""Evidence that the chain holds: for each double signing one record, for each validator a bounded number (I8, L9)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BrokenStorage, MvchainError
from mvchain.core.limits import MAX_AGENCIES, MAX_CONVICTIONS, MAX_RECORD_BYTES, MAX_ROUND
from mvchain.core.types import Address, AgencyNumber, Hash, Height, Round
from mvchain.ledger.endorsements import Kind
from mvchain.ledger.evidence import Offence
from mvchain.ledger.keyspace import CONVICTIONS, numbered, table_scan
from mvchain.ledger.readers import Reader
from mvchain.ledger.validators import ADDRESS_BYTES

_MAX_STORED_HEIGHT = (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class Conviction:
    """A record of the store `evidence`: whose double signing a block has proved (L9)."""

    agency: AgencyNumber
    """Whose validator it was."""
    offence: Offence
    block_height: Height
    """Of the block that holds the evidence."""
    evidence_hash: Hash
    """SHA-256 of the encoded evidence (C66), by which it is found in that block."""

    def encode(self) -> bytes:
        """[agency, address, height, round, kind, block height, evidence hash]."""
        o = self.offence
        return codec.encode(
            (self.agency, o.address, o.height, o.round, int(o.kind), self.block_height, self.evidence_hash)
        )

    @classmethod
    def decode(cls, data: bytes, error: type[MvchainError] = BrokenStorage) -> "Conviction":
        """The reverse of `encode`; raises `error`."""
        what = "the record of evidence"
        fields = Fields(codec.decode(data, what, max_bytes=MAX_RECORD_BYTES, error=error), 7, what, error)
        return cls(
            AgencyNumber(fields.int(0, "agency", 1, MAX_AGENCIES)),
            Offence(
                Address(fields.bytes(1, "address", ADDRESS_BYTES)),
                Height(fields.int(2, "height", 1, _MAX_STORED_HEIGHT)),
                Round(fields.int(3, "round", 0, MAX_ROUND)),
                Kind(fields.int(4, "kind", min(Kind), max(Kind))),
            ),
            Height(fields.int(5, "block_height", 1, _MAX_STORED_HEIGHT)),
            Hash(fields.bytes(6, "evidence_hash", 32)),
        )


class Convictions:
    """All that the chain has convicted of: in memory what was done, in the store the records."""

    def __init__(self, reader: Reader) -> None:
        """Of the store as it is."""
        self._reader = reader
        self._of: dict[Address, set[Offence]] = {}
        self.count = 0
        """Records are numbered from 1 to this."""
        self.add(Conviction.decode(value) for _, value in reader.scan(*table_scan(CONVICTIONS)))

    def __contains__(self, offence: Offence) -> bool:
        return offence in self._of.get(offence.address, ())

    def admits(self, offence: Offence, more: Collection[Offence] = ()) -> bool:
        """Whether the next block may hold evidence of this, beside that of `more`: it is new, and not one too many."""
        if offence in self or offence in more:
            return False
        return self.count_of(offence.address) + sum(o.address == offence.address for o in more) < MAX_CONVICTIONS

    def count_of(self, address: Address) -> int:
        """How often this validator was convicted."""
        return len(self._of.get(address, ()))

    def record(self, number: int) -> Conviction:
        """Record `number`, which exists."""
        value = self._reader.get(numbered(CONVICTIONS, number))
        if value is None:
            raise BrokenStorage(codes.STATE_RECORD_MISSING, what=f"record {number} of evidence")
        return Conviction.decode(value)

    def add(self, convictions: Iterable[Conviction]) -> None:
        """A block with these is committed."""
        for conviction in convictions:
            self._of.setdefault(conviction.offence.address, set()).add(conviction.offence)
            self.count += 1
