"""Evidence that one validator signed two different blocks at one height, round and step (C65–C68).

Evidence is a pure function of the two signed messages and of committed data: the validator set and the
block time of their height, never a node's own clock (ATK28). Whom it names follows from the key that signed
(ATK13).
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.hashing import sha256
from mvchain.core.limits import EVIDENCE_MAX_AGE_BLOCKS, EVIDENCE_MAX_AGE_NS, MAX_EVIDENCE_BYTES
from mvchain.core.proto import message_field, varint_field
from mvchain.core.timestamps import decode_timestamp, encode_timestamp, format_rfc3339
from mvchain.core.types import Address, Hash, Height, Round, TimeNs
from mvchain.ledger.block_id import BlockID, open_message
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.validators import ValidatorSet


class Offence(NamedTuple):
    """What evidence proves, whichever two messages it shows: a validator is convicted of it once."""

    address: Address
    height: Height
    round: Round
    kind: Kind


@dataclass(frozen=True, slots=True)
class DuplicateEndorsementEvidence:
    """DuplicateVoteEvidence (C66): two endorsements that no honest validator signs both."""

    first: Endorsement
    """The one with the lower BlockID, by the order of C66."""
    second: Endorsement
    total_power: int
    """Of the validator set of that height."""
    validator_power: int
    time_ns: TimeNs
    """Block time of that height."""

    @property
    def height(self) -> Height:
        """The height at which it was signed twice."""
        return self.first.height

    @property
    def offence(self) -> Offence:
        """What it proves, once it is verified."""
        return Offence(self.first.address, self.first.height, self.first.round, self.first.kind)

    @property
    def hash(self) -> Hash:
        """Of the encoding: its name, as CometBFT has it."""
        return sha256(self.encode())

    def is_expired(self, height: Height, time_ns: TimeNs) -> bool:
        """Whether it is too old for the block of this height and time: by both measures (C67, ATK10)."""
        return height - self.height > EVIDENCE_MAX_AGE_BLOCKS and time_ns - self.time_ns > EVIDENCE_MAX_AGE_NS

    def encode(self) -> bytes:
        """Protobuf (C66): the leaf of the evidence hash. In a block it is wrapped once more (C68)."""
        return (
            message_field(1, self.first.encode())
            + message_field(2, self.second.encode())
            + varint_field(3, self.total_power)
            + varint_field(4, self.validator_power)
            + message_field(5, encode_timestamp(self.time_ns))
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`; whether it proves anything is for `verify`.

        Raises:
            BadProof: too large, malformed, or one of the messages fails its basic check (C47).
        """
        what = "evidence"
        reader = open_message(data, what, MAX_EVIDENCE_BYTES)
        evidence = cls(
            first=Endorsement.decode(reader.message(1)),
            second=Endorsement.decode(reader.message(2)),
            total_power=reader.int64(3),
            validator_power=reader.int64(4),
            time_ns=decode_timestamp(reader.message(5), what),
        )
        reader.end()
        return evidence

    def verify(self, chain_id: str, validators: ValidatorSet, block_time_ns: TimeNs) -> None:
        """Check that the evidence convicts (C67); `validators` and `block_time_ns` are those of its height.

        The index must be the validator's too: it is not signed, so with any index allowed one double signing
        would make many pieces of evidence. Age is the caller's to judge.

        Raises:
            BadProof: it does not.
        """
        a, b = self.first, self.second
        for field in ("height", "round", "kind", "address", "index"):
            if getattr(a, field) != getattr(b, field):
                raise BadProof(codes.EVIDENCE_PAIR, field=field)
        if _order_key(a.block_id) >= _order_key(b.block_id):
            raise BadProof(codes.EVIDENCE_ORDER)
        name = a.address.hex()
        found = validators.by_address(a.address)
        if found is None or found[0] != a.index:
            raise BadProof(codes.EVIDENCE_STRANGER, address=name, index=a.index, height=a.height)
        validator = found[1]
        for what, stated, expected in (
            ("a total power of", self.total_power, validators.total_power),
            ("a validator power of", self.validator_power, validator.power),
            ("the time", format_rfc3339(self.time_ns), format_rfc3339(block_time_ns)),
        ):
            if stated != expected:
                raise BadProof(codes.EVIDENCE_CONTEXT, field=what, stated=stated, height=a.height, expected=expected)
        for endorsement in (a, b):
            if not endorsement.is_signed_by(validator.public_key, chain_id):
                raise BadProof(codes.EVIDENCE_SIGNATURE, address=name, height=a.height)


def build_evidence(
    a: Endorsement, b: Endorsement, validators: ValidatorSet, block_time_ns: TimeNs
) -> DuplicateEndorsementEvidence:
    """Evidence from two verified endorsements of one validator that contradict each other, in any order."""
    validator = validators[a.index]
    assert a.address == b.address == validator.address
    first, second = sorted((a, b), key=lambda endorsement: _order_key(endorsement.block_id))
    return DuplicateEndorsementEvidence(first, second, validators.total_power, validator.power, block_time_ns)


def _order_key(block_id: BlockID) -> bytes:
    return block_id.hash + block_id.parts.encode()
