"""`node.toml`: every setting of a node, its unit, its default and its bounds; and where things lie in a home.

All faults of a file are reported at once, each with its line and what to do; an unknown key names the nearest known
one. `node.toml.example` shows the same settings with the reasons to change them; a test keeps the two in step.
"""

import difflib
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.limits import (
    BALLOT_FREE_DISK_BYTES,
    MAX_JOURNAL_BYTES,
    MAX_POOL_BYTES,
    MAX_POOL_TRANSACTIONS,
    MAX_VALIDATORS,
    MIN_FREE_DISK_BYTES,
)
from mvchain.core.types import PublicKey

MIB = 1024 * 1024
Table = TypeVar("Table")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen or to connect: a host name or address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


DEFAULT_PEER_ADDRESS = Address("0.0.0.0", 26656)  # noqa: S104 - other agencies have to reach it
DEFAULT_API_ADDRESS = Address("127.0.0.1", 26680)


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Another agency's node: its node key and where it listens."""

    key: PublicKey
    address: Address


def read_address(value: Any) -> Address:
    """`host:port`, `[v6]:port`; the port 0 lets the system choose."""
    match = isinstance(value, str) and re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]@/]+):(\d{1,5})", value)
    if not match or int(match[2]) > 65535:
        raise ValueError("write it as host:port, for example 0.0.0.0:26656")
    return Address(match[1].strip("[]"), int(match[2]))


def read_peer(value: Any) -> PeerAddress:
    """`key@host:port` with the node key in hex, as the genesis file lists it."""
    key, at, address = value.partition("@") if isinstance(value, str) else ("", "", "")
    if not at or not re.fullmatch(r"[0-9a-f]{64}", key):
        raise ValueError(
            "write it as key@host:port, the key being the 64 hex digits of the node key in the genesis file"
        )
    return PeerAddress(PublicKey(bytes.fromhex(key)), read_address(address))


def read_url(value: Any) -> str:
    """`https://host`, with a port if it is not 443; `http://` for this machine alone. Pages may ask it."""
    pattern = r"(?:https://[a-z0-9.-]+|http://(?:127\.0\.0\.1|localhost))(?::([1-9][0-9]{0,4}))?"
    url = re.fullmatch(pattern, value) if isinstance(value, str) else None
    if url is None or int(url[1] or 0) > 65_535:
        raise ValueError("write it as https://host or https://host:port, in lower case and without a path")
    return url[0]


def _own_url(value: Any) -> str:
    return "" if value == "" else read_url(value)


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return value

    return read


def _one_of(*names: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in names:
            raise ValueError("it must be one of " + ", ".join(f'"{name}"' for name in names))
        return str(value)

    return read


def _list_of(read_item: Callable[[Any], Any], most: int) -> Callable[[Any], tuple[Any, ...]]:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"it must be a list of at most {most}")
        return tuple(map(read_item, value))

    return read


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it must be true or false")  # noqa: TRY004 - one kind of fault for all settings
    return value


def _path(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError('it must be a path, or "" for none')
    return value


def _hex_key(value: Any) -> PublicKey:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("it must be the 64 hex digits of a node key")
    return PublicKey(bytes.fromhex(value))


def _setting(default: Any, read: Callable[[Any], Any]) -> Any:
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True)
class LogSettings:
    """[log]"""

    level: str = _setting("info", _one_of("debug", "info", "warning", "error"))
    format: str = _setting("text", _one_of("text", "json"))


@dataclass(frozen=True, slots=True)
class KeySettings:
    """[keys]"""

    passphrase_file: str = _setting("", _path)
    """File with the passphrase of validator and node key; "" asks for it."""
    allow_plain: bool = _setting(False, _boolean)
    """Whether unencrypted key files are taken: for localnets alone."""


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """[p2p]"""

    listen: Address = _setting(DEFAULT_PEER_ADDRESS, read_address)
    peers: tuple[PeerAddress, ...] = _setting((), _list_of(read_peer, 200))
    observers: tuple[PublicKey, ...] = _setting((), _list_of(_hex_key, 200))
    """Node keys, beside those of the agencies, that may connect: observers and sentries (N7)."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """[api]"""

    listen: Address = _setting(DEFAULT_API_ADDRESS, read_address)
    public_url: str = _setting("", _own_url)
    """Under which the public reaches this API; "" for none."""
    other_nodes: tuple[str, ...] = _setting((), _list_of(read_url, MAX_VALIDATORS))
    """The same of other agencies, each once, for the pages that this node serves: they count who agrees with it."""
    max_connections: int = _setting(900, _whole(1, 100_000))
    max_connections_per_address: int = _setting(32, _whole(1, 100_000))
    header_deadline_ms: int = _setting(5_000, _whole(100, 600_000))
    body_deadline_ms: int = _setting(10_000, _whole(100, 600_000))
    answer_deadline_ms: int = _setting(10_000, _whole(100, 600_000))
    idle_deadline_ms: int = _setting(15_000, _whole(100, 600_000))

    def __post_init__(self) -> None:
        if len(set(self.other_nodes)) < len(self.other_nodes):
            raise ValueError("other_nodes names a node twice")
        if self.public_url in self.other_nodes:
            raise ValueError("other_nodes names this node, whose public_url it is")


@dataclass(frozen=True, slots=True)
class MempoolSettings:
    """[mempool]"""

    max_bytes: int = _setting(MAX_POOL_BYTES, _whole(MIB, 4096 * MIB))
    max_transactions: int = _setting(MAX_POOL_TRANSACTIONS, _whole(100, 10_000_000))


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """[storage]"""

    ballots_need_free_bytes: int = _setting(
        BALLOT_FREE_DISK_BYTES, _whole(MIN_FREE_DISK_BYTES + 64 * MIB, 4_194_304 * MIB)
    )
    """Free space below which no ballots are taken; the node goes on and stops at MIN_FREE_DISK_BYTES."""
    journal_max_bytes: int = _setting(MAX_JOURNAL_BYTES, _whole(16 * MIB, 65_536 * MIB))


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """[snapshots]"""

    every_blocks: int = _setting(1_000, _whole(0, 1_000_000))
    """Distance of the heights of which a snapshot is made for nodes that join; 0 for none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of node.toml; each field is one of its tables."""

    log: LogSettings = LogSettings()
    keys: KeySettings = KeySettings()
    p2p: PeerSettings = PeerSettings()
    api: ApiSettings = ApiSettings()
    mempool: MempoolSettings = MempoolSettings()
    storage: StorageSettings = StorageSettings()
    snapshots: SnapshotSettings = SnapshotSettings()


@dataclass(frozen=True, slots=True)
class Home:
    """Where the files of one node lie. What guards signing lies with the keys, not with the data (security KEY04)."""

    path: Path

    @property
    def settings(self) -> Path:
        """The operator's node.toml."""
        return self.path / "config" / "node.toml"

    @property
    def genesis(self) -> Path:
        """The chain's genesis file."""
        return self.path / "config" / "genesis.json"

    @property
    def entry(self) -> Path:
        """This agency's public entry for the genesis ceremony."""
        return self.path / "config" / "entry.json"

    def key(self, purpose: str, generation: int = 1) -> Path:
        """The key file for `validator`, `node`, `agency` or `operator`; a key that takes its place is the next one."""
        return self.path / "keys" / (f"{purpose}.json" if generation == 1 else f"{purpose}.{generation}.json")

    def generations(self, purpose: str) -> list[int]:
        """The keys for `purpose` that are there, oldest first; the first one, if there is none."""
        form = re.compile(rf"{re.escape(purpose)}(?:\.([1-9]\d{{0,3}}))?\.json")
        found = (form.fullmatch(path.name) for path in (self.path / "keys").glob("*.json"))
        return sorted(int(match[1] or 1) for match in found if match) or [1]

    @property
    def guard(self) -> Path:
        """The last-signed file of the first validator key."""
        return self.guard_of(1)

    def guard_of(self, generation: int) -> Path:
        """The last-signed file of a validator key."""
        return self.path / "keys" / ("guard" if generation == 1 else f"guard.{generation}")

    @property
    def store(self) -> Path:
        """Blocks and state."""
        return self.path / "data" / "store"

    @property
    def log(self) -> Path:
        """The log of consensus inputs."""
        return self.path / "data" / "log"

    @property
    def journal(self) -> Path:
        """Transactions that were acknowledged and are not in a block yet."""
        return self.path / "data" / "journal"

    @property
    def snapshots(self) -> Path:
        """Snapshots for nodes that join."""
        return self.path / "data" / "snapshots"

    @property
    def joining(self) -> Path:
        """What has come of a snapshot of others."""
        return self.path / "data" / "joining"


def load_settings(path: Path) -> Settings:
    """Read node.toml.

    Raises:
        BadConfiguration: with every fault of the file, its line and what to do.
    """
    try:
        text = path.read_bytes().decode()
        parsed = tomllib.loads(text)
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why=error.strerror) from None
    except UnicodeDecodeError:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why="it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(codes.BAD_SETTINGS, path=path, faults=f"it is not TOML: {error}") from None
    faults: list[str] = []
    tables: dict[str, Any] = {}
    known_tables = {table.name: table for table in fields(Settings)}
    for name, value in parsed.items():
        if name not in known_tables or not isinstance(value, dict):
            faults.append(f"line {_line(text, name, None)}: no table [{name}]{_nearest(name, known_tables)}")
            continue
        tables[name] = _read_table(type(known_tables[name].default), name, value, text, faults)
    if faults:
        raise BadConfiguration(codes.BAD_SETTINGS, path=path, faults="; ".join(faults))
    return Settings(**tables)


def _read_table(kind: type[Table], table: str, values: dict[str, Any], text: str, faults: list[str]) -> Table | None:
    known = {setting.name: setting for setting in fields(kind)}  # type: ignore[arg-type]
    read: dict[str, Any] = {}
    before = len(faults)
    for name, value in values.items():
        where = f"line {_line(text, table, name)}"
        if name not in known:
            faults.append(f"{where}: no setting {name} in [{table}]{_nearest(name, known)}")
            continue
        try:
            read[name] = known[name].metadata["read"](value)
        except ValueError as error:
            faults.append(f"{where}: {table}.{name} = {value!r}: {error}")
    if len(faults) > before:
        return None
    try:
        return kind(**read)
    except ValueError as error:
        faults.append(f"line {_line(text, table, None)}: [{table}]: {error}")
        return None


def _nearest(name: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def _line(text: str, table: str, key: str | None) -> int:
    """The line where a table or one of its keys stands; tomllib does not tell."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if header := re.match(r"\[+\s*([^\]]+?)\s*\]+", bare):
            current = header[1].strip("\"'")
            if key is None and current == table:
                return number
        elif (
            re.match(rf"[\"']?{re.escape(key or table)}[\"']?\s*[.=]", bare) and (key is None or current == table)
        ) or (key is not None and re.match(rf"{re.escape(table)}\s*\.\s*{re.escape(key)}\s*=", bare)):
            return number
    return 1
