"""The signed messages of consensus: prevotes and precommits (one class, Endorsement) and proposals (C39–C48).

Sign-bytes hold what is endorsed, but not by whom: address and index travel beside them, unsigned. So a
receiver compares both with the validator set before it looks at the signature (ATK01, ATK07).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from mvchain.core import codes, keys
from mvchain.core.errors import BadProof, Cause
from mvchain.core.keys import SIGNATURE_BYTES, Purpose
from mvchain.core.limits import (
    MAX_BLOCK_PARTS,
    MAX_ENDORSEMENT_BYTES,
    MAX_PROPOSAL_BYTES,
    MAX_ROUND,
    MAX_VALIDATORS,
)
from mvchain.core.proto import bytes_field, delimited, message_field, sfixed64_field, varint_field
from mvchain.core.timestamps import decode_timestamp, encode_timestamp
from mvchain.core.types import Address, Height, PublicKey, Round, Signature, TimeNs
from mvchain.ledger.block_id import BlockID, open_message
from mvchain.ledger.validators import ADDRESS_BYTES

MAX_HEIGHT = (1 << 63) - 1
NO_ROUND = Round(-1)
"""The pol_round of a proposal for a block that never had a quorum of prevotes."""
_PROPOSAL_TYPE = 32


class Kind(IntEnum):
    """What an endorsement is: its SignedMsgType (C39)."""

    PREVOTE = 1
    PRECOMMIT = 2


def endorsement_sign_bytes(  # noqa: PLR0917 - in the order of C40
    kind: int, height: int, round_: int, block_id: BlockID, time_ns: TimeNs, chain_id: str
) -> bytes:
    """What a prevote or precommit signs (C40): CanonicalVote, length-delimited. A nil BlockID is left out."""
    return delimited(
        varint_field(1, kind)
        + sfixed64_field(2, height)
        + sfixed64_field(3, round_)
        + (b"" if block_id.is_nil else message_field(4, block_id.encode()))
        + message_field(5, encode_timestamp(time_ns))
        + bytes_field(6, chain_id.encode())
    )


def proposal_sign_bytes(  # noqa: PLR0917 - in the order of C42
    height: int, round_: int, pol_round: int, block_id: BlockID, time_ns: TimeNs, chain_id: str
) -> bytes:
    """What a proposal signs (C42): CanonicalProposal, length-delimited. `pol_round` is -1 for none."""
    return delimited(
        varint_field(1, _PROPOSAL_TYPE)
        + sfixed64_field(2, height)
        + sfixed64_field(3, round_)
        + varint_field(4, pol_round)
        + (b"" if block_id.is_nil else message_field(5, block_id.encode()))
        + message_field(6, encode_timestamp(time_ns))
        + bytes_field(7, chain_id.encode())
    )


@dataclass(frozen=True, slots=True)
class Endorsement:
    """A prevote or precommit of one validator for one block, or for nil (C46)."""

    kind: Kind
    height: Height
    round: Round
    block_id: BlockID
    time_ns: TimeNs
    address: Address
    """Of the validator; unsigned."""
    index: int
    """Of the validator in the set of that height (C35); unsigned."""
    signature: Signature

    def sign_bytes(self, chain_id: str) -> bytes:
        """C40."""
        return endorsement_sign_bytes(self.kind, self.height, self.round, self.block_id, self.time_ns, chain_id)

    def is_signed_by(self, public_key: PublicKey, chain_id: str) -> bool:
        """Whether the signature is this key's (C43, ED01). Address and index are not looked at."""
        return keys.verify(Purpose.CONSENSUS, public_key, self.sign_bytes(chain_id), self.signature)

    def encode(self) -> bytes:
        """Protobuf (C46), without the vote extension, which this chain does not use (C41)."""
        return (
            varint_field(1, self.kind)
            + varint_field(2, self.height)
            + varint_field(3, self.round)
            + message_field(4, self.block_id.encode())
            + message_field(5, encode_timestamp(self.time_ns))
            + bytes_field(6, self.address)
            + varint_field(7, self.index)
            + bytes_field(8, self.signature)
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`, with the basic check of C47 and the bounds of this chain.

        Raises:
            BadProof: too large, malformed, or a field is out of its range (ATK07).
        """
        what = "a prevote or precommit"
        reader = open_message(data, what, MAX_ENDORSEMENT_BYTES)
        kind = reader.uint64(1)
        _require(kind in (Kind.PREVOTE, Kind.PRECOMMIT), codes.BAD_ENDORSEMENT, "type", f"{kind}")
        endorsement = cls(
            kind=Kind(kind),
            height=Height(reader.int64(2)),
            round=Round(reader.int32(3)),
            block_id=BlockID.decode(reader.message(4)),
            time_ns=decode_timestamp(reader.message(5), what),
            address=Address(reader.bytes(6)),
            index=reader.int32(7),
            signature=Signature(reader.bytes(8)),
        )
        reader.end()
        fault = codes.BAD_ENDORSEMENT
        _require(endorsement.height > 0, fault, "height", f"{endorsement.height}")
        _require(0 <= endorsement.round <= MAX_ROUND, fault, "round", f"{endorsement.round}")
        _require(len(endorsement.address) == ADDRESS_BYTES, fault, "address", "not 20 bytes")
        _require(0 <= endorsement.index < MAX_VALIDATORS, fault, "index", f"{endorsement.index}")
        _require(len(endorsement.signature) == SIGNATURE_BYTES, fault, "signature", "not 64 bytes")
        return endorsement


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposer's word that this block is the one of its height and round (C48)."""

    height: Height
    round: Round
    pol_round: Round
    """Earlier round in which the block had a quorum of prevotes; -1 for none."""
    block_id: BlockID
    time_ns: TimeNs
    signature: Signature

    def sign_bytes(self, chain_id: str) -> bytes:
        """C42."""
        return proposal_sign_bytes(self.height, self.round, self.pol_round, self.block_id, self.time_ns, chain_id)

    def is_signed_by(self, public_key: PublicKey, chain_id: str) -> bool:
        """Whether the signature is this key's (C43, ED01)."""
        return keys.verify(Purpose.CONSENSUS, public_key, self.sign_bytes(chain_id), self.signature)

    def encode(self) -> bytes:
        """Protobuf (C48)."""
        return (
            varint_field(1, _PROPOSAL_TYPE)
            + varint_field(2, self.height)
            + varint_field(3, self.round)
            + varint_field(4, self.pol_round)
            + message_field(5, self.block_id.encode())
            + message_field(6, encode_timestamp(self.time_ns))
            + bytes_field(7, self.signature)
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`, with the basic check of C48 and the bounds of this chain.

        Raises:
            BadProof: too large, malformed, or a field is out of its range (ATK03, ATK07).
        """
        what = "a proposal"
        reader = open_message(data, what, MAX_PROPOSAL_BYTES)
        fault = codes.BAD_PROPOSAL
        type_ = reader.uint64(1)
        _require(type_ == _PROPOSAL_TYPE, fault, "type", f"{type_}")
        proposal = cls(
            height=Height(reader.int64(2)),
            round=Round(reader.int32(3)),
            pol_round=Round(reader.int32(4)),
            block_id=BlockID.decode(reader.message(5)),
            time_ns=decode_timestamp(reader.message(6), what),
            signature=Signature(reader.bytes(7)),
        )
        reader.end()
        parts = proposal.block_id.parts.total
        _require(proposal.height > 0, fault, "height", f"{proposal.height}")
        _require(0 <= proposal.round <= MAX_ROUND, fault, "round", f"{proposal.round}")
        # Algorithm 1 line 28 asks for an earlier round; a later one is a forged proof of lock (S10).
        _require(-1 <= proposal.pol_round < proposal.round, fault, "pol_round", f"{proposal.pol_round}")
        _require(proposal.block_id.is_complete, fault, "block id", "nil")
        _require(parts <= MAX_BLOCK_PARTS, fault, "number of parts", f"{parts}, above {MAX_BLOCK_PARTS}")
        _require(len(proposal.signature) == SIGNATURE_BYTES, fault, "signature", "not 64 bytes")
        return proposal


def _require(holds: bool, cause: Cause, field: str, why: str) -> None:
    if not holds:
        raise BadProof(cause, field=field, why=why)
