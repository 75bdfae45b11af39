"""Backups: one signed file with the blocks, the state, the genesis file and the settings of a node (N4, KEY10).

    file  = magic (14) version (1) and parts
    part  = length of the payload (4) kind (1) payload

| kind | payload, canonical msgpack |
|---|---|
| 1, first | head: [chain id, genesis hash, height, block hash, time in ms] |
| 2 | a file of the home: [name, bytes]; only names of `_files`, each once |
| 3 | records of the store: [key, value, key, value, …], keys ascending through the file |
| 4, last | seal: [SHA-256 of all bytes before this part, public key, signature] |

What is left out, and why. *The sign guard*: put back, it would allow to sign anew what was signed since (N4, S19).
*The log*: it serves the height that was being decided, with the guard of that moment. *The journal*: what waited then
is in a block seconds later; so a backup is no place for ballots that only this node has received. *Keys*, unless they
are asked for, and then only encrypted ones.

Restoring writes a new store beside the old place and renames it once seal, signer, chain and state have been checked;
the genesis file, without which no node starts, comes last (CP20). Nothing that is in the home is written over.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

from mvchain.core import codec, codes
from mvchain.core.errors import BadConfiguration, BrokenStorage, MvchainError
from mvchain.core.keys import KEY_BYTES, SIGNATURE_BYTES, Purpose, SigningKey, verify
from mvchain.core.limits import MAX_BACKUP_PART_BYTES, MAX_GENESIS_BYTES, MAX_TENURES, MIN_FREE_DISK_BYTES
from mvchain.core.types import Hash, Height, PublicKey, Signature, TimeMs
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.state import State
from mvchain.node.candidates import Tip
from mvchain.node.checkpoint import checkpoint
from mvchain.node.config import Home
from mvchain.node.files import NEW_SUFFIX, LocalDisk, atomic_write
from mvchain.node.home import ROLES
from mvchain.node.keystore import key_info
from mvchain.node.ports import File
from mvchain.node.replica import TIP_KEY
from mvchain.node.store import Store

_MAGIC = b"mvchain-backup"
_VERSION = 1
_HEAD, _FILE, _PAIRS, _SEAL = 1, 2, 3, 4
_PAIRS_BYTES = 1024 * 1024
"""From this size on, a part with records is closed."""
_PAIRS_ITEMS = 2_048
_MAX_KEY_BYTES = 256
_MAX_CHAIN_ID_CHARS = 50
_MAX_HEIGHT = 1 << 48
_MAX_TIME_MS = 1 << 48

_T = TypeVar("_T")
Progress = Callable[[int, int], None]
"""Called with the bytes done and their whole number, of which making a backup knows no more than a guess."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a backup is of."""

    chain_id: str
    genesis_hash: Hash
    height: Height
    """Of the newest block in it; 0 for none."""
    block_hash: Hash
    """Of that block; empty for none."""
    made_at_ms: TimeMs

    def encode(self) -> bytes:
        """Its payload."""
        return codec.encode((self.chain_id, self.genesis_hash, self.height, self.block_hash, self.made_at_ms))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Raises MvchainError for what is none."""
        fields = codec.Fields(codec.decode(payload, "its head", max_bytes=256), 5, "its head")
        return cls(
            fields.text(0, "chain id", _MAX_CHAIN_ID_CHARS),
            Hash(fields.bytes(1, "genesis hash", 32)),
            Height(fields.int(2, "height", 0, _MAX_HEIGHT)),
            Hash(fields.blob(3, "block hash", 32)),
            TimeMs(fields.int(4, "time", 0, _MAX_TIME_MS)),
        )


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found in a backup that is whole."""

    head: Head
    signer: PublicKey
    keys: tuple[str, ...]
    """Roles of the keys in it."""
    size: int
    """Bytes of the file."""


_GENERATIONS = range(1, MAX_TENURES + 1)
"""Of each key: those that were replaced stay until they are destroyed, and the next may be there (L4)."""


def _files(home: Home) -> dict[str, Path]:
    """The files of a home that a backup may hold, by the name that they have in it."""
    paths = [home.settings, home.entry, home.genesis, *(home.key(role, n) for role in ROLES for n in _GENERATIONS)]
    return {str(path.relative_to(home.path)): path for path in paths}


_NAMES = frozenset(_files(Home(Path("home"))))
_GENESIS = str(Home(Path()).genesis)
_KEYS = {str(Home(Path()).key(role, n)): role for role in ROLES for n in _GENERATIONS}


# --- making ----------------------------------------------------------------------------------------------------


def make_backup(
    home: Home, out: Path, key: SigningKey, *, with_keys: bool, now_ms: TimeMs, disk: LocalDisk, progress: Progress
) -> Contents:
    """Write a backup of the home's node, which may be running, to a new file, with mode 0600.

    Args:
        key: the node's or the agency's; signs it.

    Raises:
        BadConfiguration: there is nothing to back up, the file exists, or a key asked for is not encrypted.
        BrokenStorage: the disk failed or is full; no file is left.
    """
    if out.exists():
        raise BadConfiguration(codes.FILE_EXISTS, path=out)
    held = {name: data for name, path in _files(home).items() if (data := _held(name, path, with_keys, disk))}
    if _GENESIS not in held:
        raise BadConfiguration(codes.NO_GENESIS, path=home.genesis)
    genesis = Genesis.decode(held[_GENESIS])
    unfinished = out.with_name(out.name + NEW_SUFFIX)
    try:
        with checkpoint(home.store, disk) as copy:
            guess = sum(file.stat().st_size for file in copy.iterdir())
            store = Store(copy, disk)
            try:
                head = _head_of(store, genesis, now_ms, out)
                writer = _Writer(disk.create(unfinished), disk)
                writer.part(_HEAD, head.encode())
                for name, data in held.items():
                    writer.part(_FILE, codec.encode((name, data)))
                for payload in _payloads(store.scan(b"", b"\xff")):
                    writer.part(_PAIRS, payload)
                    progress(writer.size, max(writer.size, guess))
            finally:
                store.close()
        writer.seal(key)
        disk.replace(unfinished, out)
        disk.fsync_dir(out.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return Contents(head, key.public, _roles(held), writer.size)


def _held(name: str, path: Path, with_keys: bool, disk: LocalDisk) -> bytes | None:
    if name in _KEYS:
        if not with_keys or not path.exists():
            return None
        if not key_info(path, disk).encrypted:
            raise BadConfiguration(codes.PLAIN_KEY_IN_BACKUP, path=path)
    return disk.read(path)


def _head_of(store: Store, genesis: Genesis, now_ms: TimeMs, path: Path) -> Head:
    encoded = store.get(TIP_KEY)
    if encoded is None:
        raise BadConfiguration(codes.NOTHING_TO_BACK_UP, path=path)
    tip = Tip.decode(encoded)
    return Head(genesis.chain_id, genesis.hash, tip.height, Hash(tip.block_id.hash), now_ms)


def _payloads(pairs: Iterator[tuple[bytes, bytes]]) -> Iterator[bytes]:
    items: list[bytes] = []
    size = 0
    for key, value in pairs:
        items += (key, value)
        size += len(key) + len(value)
        if size >= _PAIRS_BYTES or len(items) >= _PAIRS_ITEMS:
            yield codec.encode(items)
            items, size = [], 0
    if items:
        yield codec.encode(items)


class _Writer:
    """Appends parts, and keeps the hash that the seal signs."""

    def __init__(self, file: File, disk: LocalDisk) -> None:
        self._file = file
        self._disk = disk
        self._hash = sha256()
        self.size = 0
        self._write(_MAGIC + bytes((_VERSION,)))

    def part(self, kind: int, payload: bytes) -> None:
        assert len(payload) <= MAX_BACKUP_PART_BYTES, len(payload)
        self._write(len(payload).to_bytes(4, "big") + bytes((kind,)) + payload)

    def seal(self, key: SigningKey) -> None:
        """Write the last part, and make the file durable."""
        digest = self._hash.digest()
        self.part(_SEAL, codec.encode((digest, key.public, key.sign(Purpose.BACKUP, digest))))
        self._disk.fsync(self._file)
        self._disk.close(self._file)

    def _write(self, data: bytes) -> None:
        self._disk.write(self._file, data)
        self._hash.update(data)
        self.size += len(data)


# --- reading ---------------------------------------------------------------------------------------------------


class _Reader:
    """A backup from its start to its end; every byte is untrusted until `signer` is there.

    Raises:
        BadConfiguration: it cannot be read, is not whole, or a newer program wrote it.
    """

    def __init__(self, file: BinaryIO, path: Path, progress: Progress) -> None:
        self._file = file
        self._path = path
        self._progress = progress
        self._hash = sha256()
        self.size = path.stat().st_size
        self.files: dict[str, bytes] = {}
        self.signer = PublicKey(b"")
        start = self._take(len(_MAGIC) + 1)
        if start[:-1] != _MAGIC:
            raise self.damaged("it does not begin like one")
        if start[-1] != _VERSION:
            raise BadConfiguration(codes.NEWER_FORMAT, path=path, version=start[-1], known=_VERSION)
        kind, payload = self._part()
        if kind != _HEAD:
            raise self.damaged("its first part is not its head")
        self.head = self._read(Head.decode, payload)
        self._next = self._part()
        while self._next[0] == _FILE:
            self._add_file(self._next[1])
            self._next = self._part()
        self.genesis = self._read(Genesis.decode, self.files.get(_GENESIS, b""))
        if (self.genesis.hash, self.genesis.chain_id) != (self.head.genesis_hash, self.head.chain_id):
            raise self.damaged("its head and its genesis file are of different chains")

    def pairs(self) -> Iterator[list[tuple[bytes, bytes]]]:
        """All records of the store, some at a time; to be believed once this has ended, which checks the seal."""
        last = b""
        while self._next[0] == _PAIRS:
            items = self._read(_decode_pairs, self._next[1])
            found = list(zip(items[::2], items[1::2], strict=True))
            for key, _ in found:
                if not last < key:
                    raise self.damaged("its records are not in order")
                last = key
            yield found
            self._next = self._part()
        if self._next[0] != _SEAL:
            raise self.damaged(f"it has a part of kind {self._next[0]} where none belongs")
        if self._file.read(1):
            raise self.damaged("something follows its end")
        self.signer = PublicKey(self._read(self._sealed_by, self._next[1]))

    def damaged(self, why: object) -> BadConfiguration:
        return BadConfiguration(codes.BACKUP_DAMAGED, path=self._path, why=str(why).rstrip("."))

    def _read(self, decode: Callable[[bytes], _T], payload: bytes) -> _T:
        try:
            return decode(payload)
        except MvchainError as error:
            raise error if error.cause is codes.BACKUP_DAMAGED else self.damaged(error.detail) from None

    def _add_file(self, payload: bytes) -> None:
        def decode(payload: bytes) -> tuple[str, bytes]:
            fields = codec.Fields(codec.decode(payload, "a file", max_bytes=2 * MAX_GENESIS_BYTES), 2, "a file")
            return fields.text(0, "name", 100), fields.blob(1, "bytes", MAX_GENESIS_BYTES)

        name, data = self._read(decode, payload)
        if name not in _NAMES or name in self.files:
            raise self.damaged("it holds a file that no backup has, or one twice")
        self.files[name] = data

    def _sealed_by(self, payload: bytes) -> bytes:
        fields = codec.Fields(codec.decode(payload, "its seal", max_bytes=256), 3, "its seal")
        digest, key = fields.bytes(0, "hash", 32), fields.bytes(1, "key", KEY_BYTES)
        signature = Signature(fields.bytes(2, "signature", SIGNATURE_BYTES))
        if digest != self._sealed or not verify(Purpose.BACKUP, key, digest, signature):
            raise self.damaged("its bytes were changed, or its signature is not of the key it names")
        return key

    def _part(self) -> tuple[int, bytes]:
        self._sealed = self._hash.digest()
        start = self._take(5)
        size = int.from_bytes(start[:4], "big")
        if size > MAX_BACKUP_PART_BYTES:
            raise self.damaged(f"a part of it would have {size} bytes")
        payload = self._take(size)
        self._progress(self._file.tell(), self.size)
        return start[4], payload

    def _take(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise self.damaged("its end is missing")
        self._hash.update(data)
        return data


def _decode_pairs(payload: bytes) -> list[bytes]:
    value = codec.decode(payload, "a part", max_bytes=MAX_BACKUP_PART_BYTES)
    items = [item for item in value if isinstance(item, bytes)] if isinstance(value, tuple) else []
    if not items or not isinstance(value, tuple) or len(items) != len(value) or len(items) % 2:
        raise BadConfiguration(codes.MALFORMED, what="A part", why="it is not an array of keys and values")
    if max(map(len, islice(items, 0, None, 2))) > _MAX_KEY_BYTES:
        raise BadConfiguration(codes.MALFORMED, what="A part", why="a key is too long")
    return items


def check_backup(
    path: Path, *, genesis: Genesis | None, signed_by: PublicKey | None, progress: Progress
) -> tuple[Contents, Genesis]:
    """Read a backup from end to end; what it is of, and its genesis file.

    Args:
        genesis: the chain it has to be of; None for the one that it names itself.
        signed_by: a key to trust beside those of the genesis file.

    Raises:
        BadConfiguration: it is not whole, of another chain, or nobody of the chain signed it.
    """
    with _opened(path) as file:
        reader = _Reader(file, path, progress)
        _same_chain(reader, genesis, path, "the genesis file")
        for _ in reader.pairs():
            pass
        _check_signer(reader, path, set() if signed_by is None else {signed_by})
        return _contents(reader), reader.genesis


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why=error.strerror) from None


def _same_chain(reader: _Reader, genesis: Genesis | None, path: Path, place: object) -> None:
    if genesis is not None and genesis.hash != reader.genesis.hash:
        raise BadConfiguration(
            codes.BACKUP_OF_OTHER_CHAIN, path=path, chain=reader.head.chain_id, place=place, own=genesis.chain_id
        )


def _check_signer(reader: _Reader, path: Path, others: set[PublicKey]) -> None:
    known = {key for agency in reader.genesis.agencies for key in (agency.node_key, agency.agency_key[1:])}
    if reader.signer not in known | others:
        raise BadConfiguration(codes.BACKUP_SIGNER_UNKNOWN, path=path, key=reader.signer.hex())


def _contents(reader: _Reader) -> Contents:
    return Contents(reader.head, reader.signer, _roles(reader.files), reader.size)


def _roles(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_KEYS[name] for name in names if name in _KEYS}))


# --- restoring -------------------------------------------------------------------------------------------------


def restore_backup(
    path: Path, home: Home, *, signed_by: PublicKey | None, replace_store: bool, disk: LocalDisk, progress: Progress
) -> Contents:
    """Put the blocks and the state of a backup into a home, and those of its files that the home lacks.

    Args:
        signed_by: a key to trust beside those of the genesis file and of the home.
        replace_store: whether a store that is there may be put aside.

    Raises:
        BadConfiguration: as `check_backup`; or a node runs in the home, or it has a store.
        BrokenStorage: the disk failed or is full. Whatever is raised, the home is as it was, but that files which it
            lacked may be there.
    """
    disk.make_directory(home.store.parent)
    lock = disk.lock(home.store.with_name(home.store.name + ".lock"))
    new = home.store.with_name(home.store.name + NEW_SUFFIX)
    try:
        if (home.store / "CURRENT").exists() and not replace_store:
            raise BadConfiguration(codes.STORE_EXISTS, path=home.store)
        with _opened(path) as file:
            reader = _Reader(file, path, progress)
            installed = disk.read(home.genesis)
            _same_chain(reader, None if installed is None else Genesis.decode(installed), path, home.path)
            free = disk.free_bytes(home.store.parent)
            if free < reader.size + MIN_FREE_DISK_BYTES:
                least = reader.size + MIN_FREE_DISK_BYTES
                raise BrokenStorage(codes.DISK_FULL, path=home.store, free=free, least=least)
            _fill(new, reader, disk)
            keys = (home.key(role, n) for role in ROLES for n in home.generations(role))
            own = {key_info(key, disk).public_key for key in keys if key.exists()}
            _check_signer(reader, path, own if signed_by is None else own | {signed_by})
        _check_state(new, reader, disk)
        _install(home, new, reader.files, disk)
        return _contents(reader)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        new.with_name(new.name + ".lock").unlink(missing_ok=True)
        disk.close(lock)


def _fill(new: Path, reader: _Reader, disk: LocalDisk) -> None:
    shutil.rmtree(new, ignore_errors=True)  # one that a crash left behind
    store = Store(new, disk)
    try:
        store.fill(reader.pairs())
    finally:
        store.close()


def _check_state(new: Path, reader: _Reader, disk: LocalDisk) -> None:
    """That the store opens, which also makes it durable, and holds what the head says."""
    try:
        store = Store(new, disk)
        try:
            state = State.load(store, store)
            encoded = store.get(TIP_KEY)
            tip = None if encoded is None else Tip.decode(encoded)
        finally:
            store.close()
    except MvchainError as error:
        raise reader.damaged(error.detail) from None
    head = reader.head
    if tip is None or (tip.height, tip.block_id.hash) != (head.height, head.block_hash):
        raise reader.damaged("its newest block is not the one that its head names")
    if (state.genesis_hash, store.last_height) != (head.genesis_hash, head.height):
        raise reader.damaged("its state is of another chain or height")


def _install(home: Home, new: Path, files: dict[str, bytes], disk: LocalDisk) -> None:
    for name, target in _files(home).items():
        if name in files and name != _GENESIS and not target.exists():
            disk.make_directory(target.parent)
            atomic_write(disk, target, files[name])
    former = home.store.with_name(home.store.name + ".replaced")
    shutil.rmtree(former, ignore_errors=True)
    if home.store.exists():
        disk.replace(home.store, former)
    disk.replace(new, home.store)
    disk.fsync_dir(home.store.parent)
    shutil.rmtree(former, ignore_errors=True)
    if not home.genesis.exists():
        disk.make_directory(home.genesis.parent)
        atomic_write(disk, home.genesis, files[_GENESIS], 0o644)
