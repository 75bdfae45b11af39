"""What the replica and the shell ask of the machine they run on, as protocols.

Each says what is durable when a call returns, and how far its answers can be trusted. `mvchain.node.memory` has the
twins that tests and the simulator use: a disk that forgets what was not synced, and a store without LevelDB.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from mvchain.core.errors import MvchainError
from mvchain.core.types import Address, Hash, Height, Round, Signature, TimeNs
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, Commit, Header, decode_evidence_list
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal

STEP_PROPOSE = 1
STEP_PREVOTE = 2
STEP_PRECOMMIT = 3
_STEP_NAMES = {STEP_PROPOSE: "proposal", STEP_PREVOTE: "prevote", STEP_PRECOMMIT: "precommit"}


class Position(NamedTuple):
    """A place in the order in which one validator signs; compared as a tuple (N4)."""

    height: int
    round: int
    step: int
    """STEP_PROPOSE, STEP_PREVOTE or STEP_PRECOMMIT."""

    def __str__(self) -> str:
        return f"{_STEP_NAMES[self.step]} of height {self.height} round {self.round}"


STEPS = {Kind.PREVOTE: STEP_PREVOTE, Kind.PRECOMMIT: STEP_PRECOMMIT}


def position_of(message: Proposal | Endorsement) -> Position:
    """Where its signer stood when it signed this."""
    step = STEP_PROPOSE if isinstance(message, Proposal) else STEPS[message.kind]
    return Position(message.height, message.round, step)


class GuardRefusal(MvchainError):
    """The sign guard does not sign this; the caller sends nothing and goes on (N4)."""


class File(Protocol):
    """An open file that grows at its end; made and used by one `Disk`."""

    @property
    def path(self) -> Path:
        """Where it lies."""


class Disk(Protocol):
    """Every persistence call of a node, so that tests can crash it at each of them (faults section 4).

    Durability: `write` and `truncate` last once `fsync` has returned; `create`, `replace` and `remove` once
    `fsync_dir` of their directory has. Until then a crash may undo them, a write also in part.
    Trust: what is read back may be damaged; callers check it. After the first failed call all later ones fail with
    the same BrokenStorage: a disk that lost a write once is not asked again (faults S17).
    """

    def read(self, path: Path) -> bytes | None:
        """The whole file; None if there is none."""

    def mode(self, path: Path) -> int:
        """Permission bits of an existing file."""

    def names(self, directory: Path) -> list[str]:
        """Names in an existing directory, ascending."""

    def free_bytes(self, path: Path) -> int:
        """Room left where `path`, an existing directory, lies."""

    def make_directory(self, directory: Path) -> None:
        """Make sure it exists, with its parents, for this account alone."""

    def lock(self, path: Path) -> File:
        """Hold the lock file until it is closed or the process ends.

        Raises:
            BadConfiguration: another holds it.
        """

    def create(self, path: Path, mode: int = 0o600) -> File:
        """A new, empty file, in place of any that is there."""

    def open(self, path: Path) -> File:
        """An existing file, to append to."""

    def write(self, file: File, data: bytes) -> None:
        """Append all of `data`."""

    def truncate(self, file: File, size: int) -> None:
        """Cut to `size` bytes."""

    def fsync(self, file: File) -> None:
        """Make the content durable."""

    def close(self, file: File) -> None:
        """Let go of it; makes nothing durable."""

    def replace(self, source: Path, target: Path) -> None:
        """Rename within a directory; whoever reads `target` sees the old file or the new one, whole."""

    def remove(self, path: Path) -> None:
        """Remove a file."""

    def fsync_dir(self, directory: Path) -> None:
        """Make creations, renames and removals in it durable."""

    def commit(self, path: Path, write: Callable[[], None]) -> None:
        """Run one all-or-nothing write of the database at `path`; it raises OSError if it fails."""


class Log(Protocol):
    """Inputs and own messages of the height being decided (N5).

    Durability: what was appended is durable when `sync` returns. A height's records are removed only after the next
    height's file is durable.
    Trust: own disk; a torn last record was cut, older damage is BrokenStorage at opening.
    """

    def records(self) -> tuple[Height, Sequence[tuple[int, bytes]]]:
        """The height of the log (0 if it is new) and what it held when it was opened, as (kind, payload)."""

    @property
    def count(self) -> int:
        """Records of this height, those that were found at opening included."""

    def append(self, kind: int, payload: bytes) -> None:
        """Add a record; `kind` from 1 to 255."""

    def sync(self) -> None:
        """Make all appended records durable."""

    def start_height(self, height: Height) -> None:
        """Begin the empty log of another height."""


class SignGuard(Protocol):
    """The only user of the validator key; signs in ascending order of positions (N4, KEY04).

    Durability: position, value and signature are durable before a call returns a message.
    Trust: the file is checked against damage, chain and key. An older, intact copy looks right: the caller asks its
    peers for own messages beyond it.
    """

    @property
    def address(self) -> Address:
        """Of the validator."""

    @property
    def position(self) -> Position | None:
        """What was signed last; None if there is no guard file, so nothing is known."""

    @property
    def signature(self) -> Signature | None:
        """Under what was signed last."""

    @property
    def log_records(self) -> int:
        """How many records the log of that height held at least, all durable."""

    @property
    def used_twice(self) -> str:
        """What another copy of the key has signed, for people; "" for nothing. Then nothing is signed here."""

    def sign_proposal(  # noqa: PLR0917 - in the order of C42
        self, height: Height, round_: Round, pol_round: Round, block_id: BlockID, time_ns: TimeNs, log_records: int = 0
    ) -> Proposal:
        """Sign, or hand out again what was signed for this block at this position.

        `log_records`: how many records the log of this height holds, all durable.

        Raises:
            GuardRefusal: the guard stands beyond, or signed another block here; or the key is used twice.
        """

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

    def adopt(self, message: Proposal | Endorsement) -> None:
        """Stand where this message of the own key stands, which a lost or older guard file did not hold."""

    def give_up(self, what: Position) -> None:
        """Sign nothing any more, now and after a restart: another copy of the key has signed `what` (R8)."""


class Journal(Protocol):
    """Transactions that were acknowledged and have not ended (N6).

    Durability: what was appended before `sync` was called is durable when it returns.
    Trust: own disk; a torn last record was cut, older damage is BrokenStorage at opening.
    """

    def append(self, txs: Sequence[bytes]) -> None:
        """Add transactions; those that are in it already are left out.

        Raises:
            BadRequest: it is full.
        """

    def sync(self) -> None:
        """Make them durable; may run in another thread than the other calls."""

    def ended(self, tx_hashes: Iterable[Hash]) -> None:
        """These are committed or rejected and need not be kept; unknown ones are ignored."""

    def replay(self) -> Iterator[bytes]:
        """At start: all that may not have ended, in order of receipt."""


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as it was saved. Bytes are the protobuf encodings that the block itself holds."""

    height: Height
    header: bytes
    txs: tuple[bytes, ...]
    evidence: bytes
    last_commit: bytes
    commit: bytes
    """The precommits that decided this block."""
    block_id: bytes
    groups: bytes
    """Roots of the groups of its transactions and results (`ledger.block_groups`)."""
    result_numbers: tuple[int, ...]
    """One for each transaction: the number of the ballot in its poll, or -1."""

    def block(self) -> Block:
        """The block itself; raises BadProof if the disk is damaged."""
        last_commit = Commit.decode(self.last_commit)
        return Block(Header.decode(self.header), self.txs, decode_evidence_list(self.evidence), last_commit)


class StateStore(Protocol):
    """The key-value pairs of the state; satisfies `ledger.readers.Reader`.

    Durability: shows exactly the writes of the blocks saved so far.
    Trust: own disk; damage is BrokenStorage.
    """

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` to before `stop`, ascending, with their values."""


class FrozenStore(StateStore, Protocol):
    """State and transactions as they were when it was made, whatever is written since; for another thread.

    Durability: as of the store.
    Trust: own disk; damage is BrokenStorage.
    """

    def transaction_at(self, height: Height, index: int) -> bytes:
        """The bytes of a transaction of a saved block."""

    def close(self) -> None:
        """Let go of it; before the store is closed."""


class BlockStore(StateStore, Protocol):
    """Blocks, where their transactions are, and the state after the last of them (N4, faults CP2 to CP8).

    Durability: a block, its commit and results, and the state after it are durable together when `save_block`
    returns, or not at all.
    Trust: own disk; damage is BrokenStorage.
    """

    @property
    def last_height(self) -> Height:
        """Of the newest block; 0 if there is none."""

    @property
    def base_height(self) -> Height:
        """Of the oldest block; 0 if there is none."""

    def save_block(
        self,
        *,
        height: Height,
        header: bytes,
        txs: Sequence[bytes],
        tx_hashes: Sequence[Hash],
        last_commit: bytes,
        commit: bytes,
        block_id: bytes,
        groups: bytes,
        result_numbers: Sequence[int],
        state_writes: Mapping[bytes, bytes | None],
        evidence: bytes,
    ) -> None:
        """Save the block above the last one, or below the first. A state write of None deletes the key."""

    def write_state(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Write some of the state, or records of this node's own, without a block, durably."""

    def wipe(self) -> None:
        """Remove everything: a state that came only in part."""

    def frozen(self) -> FrozenStore:
        """All as it is now."""

    def block(self, height: Height) -> StoredBlock | None:
        """A whole block; None if it is not here."""

    def header(self, height: Height) -> bytes | None:
        """The header of a block."""

    def commit(self, height: Height) -> bytes | None:
        """The precommits that decided a block."""

    def last_commit(self, height: Height) -> bytes | None:
        """The commit for the block before, as the block at this height carries it."""

    def evidence(self, height: Height) -> bytes | None:
        """The evidence in a block: its EvidenceList (C57)."""

    def groups(self, height: Height) -> tuple[bytes, tuple[int, ...]] | None:
        """The roots of a block's groups (`ledger.block_groups`) and its result numbers."""

    def transactions(self, height: Height, start: int, stop: int) -> tuple[bytes, ...]:
        """The transactions of a saved block from one index to before another; fewer at its end."""

    def height_of_block_hash(self, block_hash: Hash) -> Height | None:
        """Where the block with this hash is."""

    def tx_hashes_between(self, low: bytes, high: bytes, limit: int) -> tuple[Hash, ...]:
        """Hashes of up to `limit` committed transactions, those whose first 8 bytes are from `low` to `high`."""

    def tx_location(self, tx_hash: Hash) -> tuple[Height, int] | None:
        """Height and index of a committed transaction."""

    def tx_hashes(self, height: Height) -> tuple[Hash, ...]:
        """Of the transactions of a block, in order; none if it is not here."""

    def transaction_at(self, height: Height, index: int) -> bytes:
        """The bytes of a transaction of a saved block; satisfies `ledger.state.TransactionReader`."""

    def put_rejection(self, tx_hash: Hash, code: str) -> None:
        """Remember why a received transaction ended without a block; durable with the next block."""

    def drop_rejection(self, tx_hash: Hash) -> None:
        """Forget it again."""

    def rejections(self) -> Iterator[tuple[Hash, str]]:
        """All that are remembered, in no order that means anything.

        They bind nothing: the same bytes may wait again, or be committed since (N6).
        """


class SignatureChecker(Protocol):
    """Verifies transaction signatures, perhaps on several threads."""

    def check(self, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
        """Whether each (tagged key, message, signature) holds, in order."""


@dataclass(slots=True)
class Ports:
    """What the replica stands on; each has an in-memory twin."""

    store: BlockStore
    log: Log
    guards: Sequence[SignGuard]
    """One for each of its validator keys; none for a node that signs nothing."""
    signatures: SignatureChecker
    now_ns: Callable[[], TimeNs]
