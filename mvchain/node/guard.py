"""The sign guard: the only user of the validator key, signing in ascending order of positions (N4, KEY04).

A message leaves only after position, value, time and signature are in the guard file, replaced as a whole and synced.
So after a crash the file holds the last message that may have left, or the one before it that certainly did not
(CP11 to CP15), and the same position and block get the same bytes again, never a second signature with another time.

    guard file = msgpack [format version, chain id, address, height, round, step, pol round, block id, time, signature,
                          log records] and the SHA-256 of that (32)

The last field is how many records the log of that height held: what made the validator sign. A log with fewer was cut,
and with it perhaps the lock (S16).

A second file beside it, once there, says that another copy of the key has signed: nothing is signed any more until
the operator vouches (KEY07, R8).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mvchain.core import codec, codes
from mvchain.core.errors import BadConfiguration, BrokenStorage, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.keys import SIGNATURE_BYTES, Purpose, SigningKey
from mvchain.core.types import Address, Height, PublicKey, Round, Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID
from mvchain.ledger.endorsements import (
    NO_ROUND,
    Endorsement,
    Kind,
    Proposal,
    endorsement_sign_bytes,
    proposal_sign_bytes,
)
from mvchain.ledger.validators import ADDRESS_BYTES, address_of
from mvchain.node.files import atomic_write
from mvchain.node.ports import (
    STEP_PRECOMMIT,
    STEP_PROPOSE,
    STEPS,
    Disk,
    GuardRefusal,
    Position,
    position_of,
)

_VERSION = 2
_CHECKSUM_BYTES = 32
_MAX_FILE_BYTES = 1024
_MAX_INT64 = (1 << 63) - 1
_MAX_LOG_RECORDS = 1 << 32
_TWICE_SUFFIX = ".used-twice"


@dataclass(frozen=True, slots=True)
class _Signed:
    """What was signed last."""

    position: Position
    pol_round: Round
    block_id: BlockID
    time_ns: TimeNs
    signature: Signature
    log_records: int

    def encode(self, chain_id: str, address: Address) -> bytes:
        body = codec.encode(
            (
                _VERSION,
                chain_id,
                address,
                *self.position,
                self.pol_round,
                self.block_id.encode(),
                self.time_ns,
                self.signature,
                self.log_records,
            )
        )
        return body + sha256(body)

    @classmethod
    def decode(cls, data: bytes, path: Path, chain_id: str, address: Address) -> Self:
        """Raises BrokenStorage for a damaged file, BadConfiguration for another chain's or key's."""
        body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
        if sha256(body) != checksum:
            raise BrokenStorage(codes.GUARD_DAMAGED, path=path, why="its checksum does not match")
        try:
            value = codec.decode(body, "it", max_bytes=_MAX_FILE_BYTES)
            if isinstance(value, tuple) and value and value[0] != _VERSION:
                cause = codes.OLDER_FORMAT if value[0] == 1 else codes.NEWER_FORMAT
                raise BrokenStorage(cause, path=path, version=value[0], known=_VERSION)
            fields = codec.Fields(value, 11, "it")
            found_chain, found_address = fields.text(1, "chain id", 50), fields.bytes(2, "address", ADDRESS_BYTES)
            signed = cls(
                Position(
                    fields.int(3, "height", 0, _MAX_INT64),
                    fields.int(4, "round", 0, _MAX_INT64),
                    fields.int(5, "step", STEP_PROPOSE, STEP_PRECOMMIT),
                ),
                Round(fields.int(6, "pol round", NO_ROUND, _MAX_INT64)),
                BlockID.decode(fields.blob(7, "block id", _MAX_FILE_BYTES)),
                TimeNs(fields.int(8, "time", -_MAX_INT64, _MAX_INT64)),
                Signature(fields.bytes(9, "signature", SIGNATURE_BYTES)),
                fields.int(10, "log records", 0, _MAX_LOG_RECORDS),
            )
        except BrokenStorage:
            raise
        except MvchainError as error:
            raise BrokenStorage(codes.GUARD_DAMAGED, path=path, why=error.detail) from None
        if (found_chain, found_address) != (chain_id, address):
            raise BadConfiguration(codes.GUARD_FOREIGN, path=path, address=found_address.hex(), chain_id=found_chain)
        return signed


def create_guard(path: Path, public_key: PublicKey, chain_id: str, disk: Disk) -> None:
    """The guard of a new key, which has signed nothing on the chain: it stands below the first position.

    Only who made the key can know that, so nothing but the making of a home may call this. An existing guard stays.
    """
    if disk.read(path) is not None:
        return
    nothing = _Signed(
        Position(0, 0, STEP_PROPOSE), NO_ROUND, NIL_BLOCK_ID, TimeNs(0), Signature(bytes(SIGNATURE_BYTES)), 0
    )
    atomic_write(disk, path, nothing.encode(chain_id, address_of(public_key)))


class SignGuard:
    """See `ports.SignGuard`. Holds the lock file beside the guard file until it is closed (KEY07).

    Opening makes no guard file: a missing one is reported as `position` None, and what follows from it is the
    replica's rule.

    Raises:
        BadConfiguration: another process holds the guard, or it is of another chain or key.
        BrokenStorage: the file is torn or damaged, or a newer program wrote it.
    """

    def __init__(self, path: Path, key: SigningKey, chain_id: str, disk: Disk) -> None:
        self._path = path
        self._key = key
        self._chain_id = chain_id
        self._disk = disk
        self._address = address_of(key.public)
        disk.make_directory(path.parent)
        self._lock = disk.lock(path.with_name(path.name + ".lock"))
        self._last: _Signed | None = None
        self._twice = path.with_name(path.name + _TWICE_SUFFIX)
        try:
            data = disk.read(path)
            if data is not None:
                self._last = _Signed.decode(data, path, chain_id, self._address)
            self.used_twice = (disk.read(self._twice) or b"").decode(errors="replace")[:_MAX_FILE_BYTES].strip()
            """What another copy of the key has signed; "" for nothing. Then nothing is signed here."""
        except MvchainError:
            self.close()
            raise

    @property
    def address(self) -> Address:
        """Of the validator."""
        return self._address

    @property
    def position(self) -> Position | None:
        """What was signed last; None if there is no guard file, so nothing is known."""
        return None if self._last is None else self._last.position

    @property
    def signature(self) -> Signature | None:
        """Under what was signed last."""
        return None if self._last is None else self._last.signature

    @property
    def log_records(self) -> int:
        """How many records the log of that height held at least."""
        return 0 if self._last is None else self._last.log_records

    def sign_proposal(  # noqa: PLR0917 - in the order of C42
        self, height: Height, round_: Round, pol_round: Round, block_id: BlockID, time_ns: TimeNs, log_records: int = 0
    ) -> Proposal:
        """Sign, or hand out again what was signed for this block at this position, its time and `pol_round` included.

        `log_records`: how many records the log of this height holds, all durable.

        Raises:
            GuardRefusal: the guard stands beyond, or signed another block here.
            BrokenStorage: the disk failed; nothing is handed out, now or later.
        """
        position = Position(height, round_, STEP_PROPOSE)
        signed = self._repeated(position, block_id)
        if signed is None:
            message = proposal_sign_bytes(height, round_, pol_round, block_id, time_ns, self._chain_id)
            signed = self._keep(_Signed(position, pol_round, block_id, time_ns, self._signed(message), log_records))
        return Proposal(height, round_, signed.pol_round, block_id, signed.time_ns, signed.signature)

    def sign_endorsement(  # noqa: PLR0917 - in the order of C40
        self,
        kind: Kind,
        height: Height,
        round_: Round,
        block_id: BlockID,
        time_ns: TimeNs,
        index: int,
        log_records: int = 0,
    ) -> Endorsement:
        """The same for a prevote or precommit of the validator with this index."""
        position = Position(height, round_, STEPS[kind])
        signed = self._repeated(position, block_id)
        if signed is None:
            message = endorsement_sign_bytes(kind, height, round_, block_id, time_ns, self._chain_id)
            signed = self._keep(_Signed(position, NO_ROUND, block_id, time_ns, self._signed(message), log_records))
        return Endorsement(kind, height, round_, block_id, signed.time_ns, self._address, index, signed.signature)

    def adopt(self, message: Proposal | Endorsement) -> None:
        """Stand where this message of the own key stands, which a lost or older guard file did not hold.

        Its signature holds. Nothing happens if the guard stands there or beyond.
        """
        position = position_of(message)
        if self._last is None or position > self._last.position:
            pol_round = message.pol_round if isinstance(message, Proposal) else NO_ROUND
            self._keep(_Signed(position, pol_round, message.block_id, message.time_ns, message.signature, 0))

    def give_up(self, what: Position) -> None:
        """Sign nothing any more, now and after a restart: another copy of the key has signed `what` (R8)."""
        self.used_twice = str(what)
        atomic_write(self._disk, self._twice, f"{what}\n".encode())

    def vouch(self) -> None:
        """The operator vouches that no other copy of the key signs."""
        if self.used_twice:
            self._disk.remove(self._twice)
            self._disk.fsync_dir(self._twice.parent)
            self.used_twice = ""

    def close(self) -> None:
        """Let another process have the key."""
        self._disk.close(self._lock)

    def _repeated(self, position: Position, block_id: BlockID) -> _Signed | None:
        """What was signed here before; None if the position is new."""
        last = self._last
        if last is None or position > last.position:
            return None
        if (position, block_id) != (last.position, last.block_id):
            raise GuardRefusal(
                codes.GUARD_REFUSES,
                stands=_describe(last.position, last.block_id),
                asked=_describe(position, block_id),
            )
        return last

    def _signed(self, message: bytes) -> Signature:
        if self.used_twice:
            raise GuardRefusal(codes.KEY_USED_TWICE, what=self.used_twice)
        return self._key.sign(Purpose.CONSENSUS, message)

    def _keep(self, signed: _Signed) -> _Signed:
        atomic_write(self._disk, self._path, signed.encode(self._chain_id, self._address))
        self._last = signed
        return signed


def _describe(position: Position, block_id: BlockID) -> str:
    return f"the {position} for {'nil' if block_id.is_nil else 'block ' + block_id.hash.hex()}"
