"""Headers, commits and blocks, byte for byte those of CometBFT 0.38 (ledger L1; C25–C31, C49–C65, C69–C75).

Decoders check form and size, `validate_header_basic` what a header must keep to by itself (C28). Whether a
block is the right one at its place is compared by whoever has the state (C79); whether a commit convinces is
decided in `mvchain.ledger.commits`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from string import ascii_letters, digits
from typing import Self

from mvchain.core import codes, merkle
from mvchain.core.errors import BadProof
from mvchain.core.hashing import sha256
from mvchain.core.keys import SIGNATURE_BYTES
from mvchain.core.limits import (
    MAX_BLOCK_BYTES,
    MAX_BLOCK_EVIDENCE,
    MAX_BLOCK_UNITS,
    MAX_COMMIT_BYTES,
    MAX_HEADER_BYTES,
    MAX_ROUND,
    MAX_TRANSACTION_BYTES,
    MAX_VALIDATORS,
    PART_BYTES,
)
from mvchain.core.proto import Reader, bytes_field, message_field, varint_field
from mvchain.core.timestamps import GO_ZERO_TIME_NS, decode_timestamp, encode_timestamp
from mvchain.core.types import Address, Hash, Height, Round, TimeNs
from mvchain.ledger.block_id import HASH_BYTES, NIL_BLOCK_ID, BlockID, PartSetHeader, open_message
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.validators import ADDRESS_BYTES, ValidatorSet

BLOCK_VERSION = 11
"""Block protocol of all CometBFT lines (C3)."""
MAX_CHAIN_ID_CHARS = 50
_CHAIN_ID_CHARS = frozenset(ascii_letters + digits + "._-")


@dataclass(frozen=True, slots=True)
class Header:
    """The 14 fields that a block hash covers (C25, C30). Hashes have 32 bytes; where there is nothing, E."""

    version_app: int
    chain_id: str
    height: Height
    time_ns: TimeNs
    last_block_id: BlockID
    last_commit_hash: bytes
    data_hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    consensus_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    evidence_hash: bytes
    proposer_address: Address
    version_block: int = BLOCK_VERSION

    def leaves(self) -> tuple[bytes, ...]:
        """The 14 leaves in the order of C25; an empty value is an empty leaf, not a missing one (C26)."""
        return (
            varint_field(1, self.version_block) + varint_field(2, self.version_app),
            bytes_field(1, self.chain_id.encode()),
            varint_field(1, self.height),
            encode_timestamp(self.time_ns),
            self.last_block_id.encode(),
            bytes_field(1, self.last_commit_hash),
            bytes_field(1, self.data_hash),
            bytes_field(1, self.validators_hash),
            bytes_field(1, self.next_validators_hash),
            bytes_field(1, self.consensus_hash),
            bytes_field(1, self.app_hash),
            bytes_field(1, self.last_results_hash),
            bytes_field(1, self.evidence_hash),
            bytes_field(1, self.proposer_address),
        )

    def hash(self) -> Hash:
        """Root over the leaves (C25): the block's hash, computed anew at each call."""
        return merkle.root(self.leaves())

    def encode(self) -> bytes:
        """Protobuf (C29)."""
        return (
            message_field(1, varint_field(1, self.version_block) + varint_field(2, self.version_app))
            + bytes_field(2, self.chain_id.encode())
            + varint_field(3, self.height)
            + message_field(4, encode_timestamp(self.time_ns))
            + message_field(5, self.last_block_id.encode())
            + bytes_field(6, self.last_commit_hash)
            + bytes_field(7, self.data_hash)
            + bytes_field(8, self.validators_hash)
            + bytes_field(9, self.next_validators_hash)
            + bytes_field(10, self.consensus_hash)
            + bytes_field(11, self.app_hash)
            + bytes_field(12, self.last_results_hash)
            + bytes_field(13, self.evidence_hash)
            + bytes_field(14, self.proposer_address)
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`; follow it with `validate_header_basic`.

        Raises:
            BadProof: too large or malformed.
        """
        what = "a header"
        reader = open_message(data, what, MAX_HEADER_BYTES)
        version = Reader(reader.message(1), what)
        version_block, version_app = version.uint64(1), version.uint64(2)
        version.end()
        header = cls(
            version_app=version_app,
            chain_id=reader.text(2),
            height=Height(reader.int64(3)),
            time_ns=decode_timestamp(reader.message(4), what),
            last_block_id=BlockID.decode(reader.message(5)),
            last_commit_hash=reader.bytes(6),
            data_hash=reader.bytes(7),
            validators_hash=reader.bytes(8),
            next_validators_hash=reader.bytes(9),
            consensus_hash=reader.bytes(10),
            app_hash=reader.bytes(11),
            last_results_hash=reader.bytes(12),
            evidence_hash=reader.bytes(13),
            proposer_address=Address(reader.bytes(14)),
            version_block=version_block,
        )
        reader.end()
        return header


_HASH_FIELDS = (
    "last_commit_hash",
    "data_hash",
    "validators_hash",
    "next_validators_hash",
    "consensus_hash",
    "last_results_hash",
    "evidence_hash",
)


def validate_header_basic(header: Header) -> None:
    """What every header keeps to by itself (C28).

    CometBFT lets the hashes be empty as well. No header of this chain has an empty one, and without a
    validators_hash there would be no block hash (C27), so they must have 32 bytes here.

    Raises:
        BadProof: names the first field that does not.
    """

    def require(holds: bool, field: str, why: str) -> None:
        if not holds:
            raise BadProof(codes.BAD_HEADER, height=header.height, field=field, why=why)

    chain_id = header.chain_id
    require(header.version_block == BLOCK_VERSION, "version.block", f"{header.version_block}")
    require(
        1 <= len(chain_id) <= MAX_CHAIN_ID_CHARS and _CHAIN_ID_CHARS.issuperset(chain_id),
        "chain_id",
        f"not 1 to {MAX_CHAIN_ID_CHARS} of the characters A-Z a-z 0-9 . _ -",
    )
    require(header.height >= 1, "height", "not positive")
    for name in _HASH_FIELDS:
        require(len(getattr(header, name)) == HASH_BYTES, name, "not 32 bytes")
    require(len(header.app_hash) > 0, "app_hash", "empty")
    require(len(header.proposer_address) == ADDRESS_BYTES, "proposer_address", "not 20 bytes")


class Flag(IntEnum):
    """What an entry of a commit says of its validator (C49)."""

    ABSENT = 1
    COMMIT = 2
    NIL = 3


@dataclass(frozen=True, slots=True)
class CommitSig:
    """One validator's entry in a commit (C49)."""

    flag: Flag
    address: bytes
    time_ns: TimeNs
    signature: bytes

    def encode(self) -> bytes:
        """Protobuf (C49): the leaf of the commit hash."""
        return (
            varint_field(1, self.flag)
            + bytes_field(2, self.address)
            + message_field(3, encode_timestamp(self.time_ns))
            + bytes_field(4, self.signature)
        )


ABSENT_SIG = CommitSig(Flag.ABSENT, b"", GO_ZERO_TIME_NS, b"")
"""The entry of a validator whose precommit did not come (C49)."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The precommits that decided a block: one entry per validator of its height, in set order (C50, C51)."""

    height: Height
    round: Round
    block_id: BlockID
    signatures: tuple[CommitSig, ...]

    def hash(self) -> Hash:
        """Root over the entries alone (C53): height, round and BlockID are bound by the signatures."""
        return merkle.root([entry.encode() for entry in self.signatures])

    def encode(self) -> bytes:
        """Protobuf (C50)."""
        return (
            varint_field(1, self.height)
            + varint_field(2, self.round)
            + message_field(3, self.block_id.encode())
            + b"".join([message_field(4, entry.encode()) for entry in self.signatures])
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`, with the basic check of C52: what comes out is well formed.

        Raises:
            BadProof: too large, malformed, or not well formed.
        """
        what = "a commit"
        reader = open_message(data, what, MAX_COMMIT_BYTES)
        height = Height(reader.int64(1))
        round_ = Round(reader.int32(2))
        block_id = BlockID.decode(reader.message(3))
        entries = reader.messages(4, MAX_VALIDATORS)
        reader.end()
        signatures = tuple(_decode_entry(entry, i, height) for i, entry in enumerate(entries))
        commit = cls(height, round_, block_id, signatures)
        validate_commit_basic(commit)
        return commit


def _decode_entry(data: bytes, index: int, height: Height) -> CommitSig:
    what = "an entry of a commit"
    reader = Reader(data, what)
    flag = reader.uint64(1)
    if not Flag.ABSENT <= flag <= Flag.NIL:
        raise BadProof(codes.BAD_COMMIT_ENTRY, index=index, height=height, why=f"its flag is {flag}")
    entry = CommitSig(Flag(flag), reader.bytes(2), decode_timestamp(reader.message(3), what), reader.bytes(4))
    reader.end()
    return entry


def validate_commit_basic(commit: Commit) -> None:
    """What every commit keeps to by itself (C52), its entries by the table of C49.

    Raises:
        BadProof: names the first thing that does not.
    """

    def require(holds: bool, why: str) -> None:
        if not holds:
            raise BadProof(codes.BAD_COMMIT_FORM, height=commit.height, why=why)

    for index, entry in enumerate(commit.signatures):
        _validate_entry(entry, index, commit.height)
    if commit == EMPTY_COMMIT:
        return
    require(commit.height >= 1, "only the empty commit has no height (C54)")
    require(0 <= commit.round <= MAX_ROUND, f"its round is {commit.round}")
    require(commit.block_id.is_complete, "it is for no block")
    require(len(commit.signatures) > 0, "it has no entries")


def _validate_entry(entry: CommitSig, index: int, height: Height) -> None:
    def require(holds: bool, why: str) -> None:
        if not holds:
            raise BadProof(codes.BAD_COMMIT_ENTRY, index=index, height=height, why=why)

    if entry.flag == Flag.ABSENT:
        require(entry == ABSENT_SIG, "an absent entry has no address, time or signature")
        return
    require(len(entry.address) == ADDRESS_BYTES, f"its address has {len(entry.address)} bytes")
    require(len(entry.signature) == SIGNATURE_BYTES, f"its signature has {len(entry.signature)} bytes")


EMPTY_COMMIT = Commit(Height(0), Round(0), NIL_BLOCK_ID, ())
"""What the initial block carries (C54); its hash is E."""


@dataclass(frozen=True, slots=True)
class Block:
    """A header with what it commits to (C57)."""

    header: Header
    txs: tuple[bytes, ...]
    evidence: tuple[DuplicateEndorsementEvidence, ...]
    last_commit: Commit
    """The commit of the block before; EMPTY_COMMIT in the initial one."""

    def encode(self) -> bytes:
        """Protobuf (C57), the bytes that the part set is cut from."""
        data = b"".join([message_field(1, tx) for tx in self.txs])
        return (
            message_field(1, self.header.encode())
            + message_field(2, data)
            + message_field(3, encode_evidence_list(self.evidence))
            + message_field(4, self.last_commit.encode())
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The reverse of `encode`. Transactions stay bytes; the header is not compared with the body.

        Raises:
            BadProof: larger than MAX_BLOCK_BYTES, with more items than a block can have, or malformed.
        """
        what = "a block"
        reader = open_message(data, what, MAX_BLOCK_BYTES)
        header = Header.decode(reader.message(1))
        body = Reader(reader.message(2), "the transactions of a block")
        # A transaction takes at least one unit, so no block holds more of them than units (N2).
        txs = body.messages(1, MAX_BLOCK_UNITS)
        body.end()
        longest = max(map(len, txs), default=0)
        if longest > MAX_TRANSACTION_BYTES:
            raise BadProof(codes.TOO_LARGE, what="a transaction of a block", size=longest, limit=MAX_TRANSACTION_BYTES)
        evidence = decode_evidence_list(reader.message(3))
        last_commit = Commit.decode(reader.message(4))
        reader.end()
        return cls(header, txs, evidence, last_commit)


def encode_evidence_list(evidence: Sequence[DuplicateEndorsementEvidence]) -> bytes:
    """EvidenceList (C57), each wrapped in its oneof (C68)."""
    return b"".join([message_field(1, message_field(1, item.encode())) for item in evidence])


def decode_evidence_list(data: bytes) -> tuple[DuplicateEndorsementEvidence, ...]:
    """The reverse; raises BadProof."""
    reader = Reader(data, "the evidence of a block")
    evidence = tuple(_unwrap_evidence(item) for item in reader.messages(1, MAX_BLOCK_EVIDENCE))
    reader.end()
    return evidence


def _unwrap_evidence(item: bytes) -> DuplicateEndorsementEvidence:
    """The one case of the oneof that this chain knows (C68)."""
    reader = Reader(item, "evidence")
    evidence = DuplicateEndorsementEvidence.decode(reader.message(1))
    reader.end()
    return evidence


def part_set_header(block_bytes: bytes) -> PartSetHeader:
    """Number and root of the 64 KiB parts of an encoded block (C58, C59)."""
    parts = [block_bytes[at : at + PART_BYTES] for at in range(0, len(block_bytes), PART_BYTES)]
    return PartSetHeader(len(parts), merkle.root(parts))


def block_id_of(header: Header, block_bytes: bytes) -> BlockID:
    """What is signed for a block: the hash of its header and the part-set header of its bytes."""
    return BlockID(header.hash(), part_set_header(block_bytes))


def data_hash(tx_hashes: Sequence[bytes]) -> Hash:
    """Root over the transactions' hashes, in block order (C62)."""
    return merkle.root(tx_hashes)


def evidence_hash(evidence: Sequence[DuplicateEndorsementEvidence]) -> Hash:
    """Root over the encoded evidence, unwrapped (C65)."""
    return merkle.root([item.encode() for item in evidence])


def consensus_hash(max_bytes: int, max_gas: int) -> Hash:
    """Hash of the two parameters that headers bind (C69)."""
    return sha256(varint_field(1, max_bytes) + varint_field(2, max_gas))


@dataclass(frozen=True, slots=True)
class TxResult:
    """What came of one transaction, as far as the next header binds it (C70); code 0 is success."""

    code: int
    data: bytes
    gas_wanted: int
    gas_used: int
    """Both gas fields count work units (N2)."""

    def encode(self) -> bytes:
        """The leaf of the results hash (C70)."""
        return (
            varint_field(1, self.code)
            + bytes_field(2, self.data)
            + varint_field(5, self.gas_wanted)
            + varint_field(6, self.gas_used)
        )


def results_hash(results: Sequence[TxResult]) -> Hash:
    """Root over the results in block order: last_results_hash of the next header (C70)."""
    return merkle.root([result.encode() for result in results])


def median_time(commit: Commit, validators: ValidatorSet) -> TimeNs:
    """Block time: the median, by power, of the times of the precommits for the block (ledger L12, C75).

    Nil precommits do not count (faults S18, ATK18), so with less than a third of bad clocks the median lies
    between two honest ones. The commit must have been verified: entries meet their powers by index (ATK01).
    """
    timed = sorted(
        (entry.time_ns, validator.power)
        for entry, validator in zip(commit.signatures, validators, strict=True)
        if entry.flag == Flag.COMMIT
    )
    remaining = sum(power for _, power in timed) // 2
    for time_ns, power in timed:
        if remaining <= power:
            return time_ns
        remaining -= power
    raise AssertionError("a verified commit has precommits for its block")
