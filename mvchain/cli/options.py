"""Options that several commands have, and what they name: files, keys, times."""

import contextlib
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.limits import MAX_GENESIS_BYTES, MAX_PASSPHRASE_FILE_BYTES
from mvchain.core.types import Hash, PublicKey, Signature, TaggedKey, TimeMs

if TYPE_CHECKING:
    # What asyncio and aiohttp come with is imported where it is used, so that --help is quick.
    from mvchain.api.client import Client
    from mvchain.api.operator import Operator
    from mvchain.core.keys import SigningKey
    from mvchain.ledger.genesis import Genesis
    from mvchain.node.config import Home

T = TypeVar("T")

DEFAULT_HOME = Path("~/.mvchain")
DEFAULT_API = "http://127.0.0.1:26680"

# Paths are not `readable` to typer: it would refuse with its own words what `read_file` and the key store refuse.
HomeOption = Annotated[
    Path, typer.Option("--home", envvar="MVCHAIN_HOME", help="Home directory of the node.", readable=False)
]
ApiOption = Annotated[str, typer.Option("--api", envvar="MVCHAIN_API", help="Address of a node's API.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Key file to sign with.", show_default="the home's operator key", readable=False),
]
GenesisOption = Annotated[
    Path | None, typer.Option("--genesis", help="The chain's genesis file.", show_default="the home's", readable=False)
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File with the passphrase, mode 0600.", show_default="ask", readable=False),
]
PlainOption = Annotated[bool, typer.Option("--plain-keys", help="Do not encrypt keys: for local test networks only.")]


# --- files ---


def read_file(path: Path, max_bytes: int) -> bytes:
    """The file's bytes, at most `max_bytes`; `-` is standard input."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with path.open("rb") as file:
                data = file.read(max_bytes + 1)
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why=error.strerror) from None
    if len(data) > max_bytes:
        raise BadConfiguration(codes.FILE_TOO_LARGE, path=path, limit=max_bytes)
    return data


def write_file(path: Path, data: bytes) -> None:
    """Write a public file whole; it must not be there yet."""
    from mvchain.node.files import LocalDisk, atomic_write

    if path.exists():
        raise BadConfiguration(codes.FILE_EXISTS, path=path)
    atomic_write(LocalDisk(), path, data, 0o644)


def read_genesis(path: Path | None, home: Path) -> "Genesis":
    """The genesis document at `path`, or the one in the home."""
    from mvchain.ledger.genesis import Genesis
    from mvchain.node.config import Home

    return Genesis.decode(read_file(path or Home(home.expanduser()).genesis, MAX_GENESIS_BYTES))


# --- keys and passphrases (KEY03: never an argument, never printed) ---


def read_passphrase(file: Path | None, what: str, *, confirm: bool = False, option: str = "--passphrase-file") -> bytes:
    """The passphrase of `what`: the content of the file without the line's end, or what the terminal answers.

    `option` is where the user can name the file.
    """
    if file is not None:
        data = read_file(file, MAX_PASSPHRASE_FILE_BYTES)
        mode = file.stat().st_mode & 0o777
        if mode & 0o077:
            raise BadConfiguration(codes.PASSPHRASE_FILE_MODE, path=file, mode=f"{mode:04o}")
        return data.rstrip(b"\r\n")
    if not sys.stdin.isatty():
        raise BadConfiguration(codes.NO_TERMINAL, what=f"the passphrase of {what}", option=option)
    answer: str = typer.prompt(f"Passphrase of {what}", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer.encode()


def unlock(path: Path, passphrase_file: Path | None) -> "SigningKey":
    """The private key in a key file; asks for the passphrase only if it is encrypted."""
    from mvchain.node.files import LocalDisk
    from mvchain.node.keystore import key_info, load_key, load_plain_key

    disk = LocalDisk()
    if key_info(path, disk).encrypted:
        return load_key(path, read_passphrase(passphrase_file, str(path)), disk)
    return load_plain_key(path, disk)


def new_key_saver(passphrase_file: Path | None, *, plain: bool) -> "Callable[[Path, SigningKey], None]":
    """What writes new key files, all with one passphrase, which is asked for once."""
    from mvchain.node.files import LocalDisk
    from mvchain.node.keystore import save_key, save_plain_key

    disk = LocalDisk()
    if plain:
        return lambda path, key: save_plain_key(path, key, disk)
    passphrase = read_passphrase(passphrase_file, "the new keys", confirm=True)
    return lambda path, key: save_key(path, key, passphrase, disk)


# --- what is written on the command line ---


def parse_time(text: str) -> TimeMs:
    """Milliseconds of an RFC 3339 time; one without its offset would mean another time on another machine."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadConfiguration(codes.BAD_TIME, text=text)
    return to_ms(moment)


def to_ms(moment: datetime) -> TimeMs:
    """Milliseconds since the epoch of a time that knows its offset."""
    return TimeMs(round(moment.timestamp() * 1000))


def parse_hash(text: str) -> Hash:
    """A hash in hex."""
    return Hash(_hex(text, "a hash", 32))


def parse_key(text: str) -> TaggedKey:
    """A public key with its scheme byte in hex, as `mvchain keys show` prints it."""
    return TaggedKey(_hex(text, "a public key with its scheme byte", 33))


def parse_public_key(text: str) -> PublicKey:
    """A bare public key in hex, as the genesis file and `mvchain backup` show it."""
    return PublicKey(_hex(text, "a public key", 32))


def parse_signature(text: str) -> Signature:
    """A signature in hex."""
    return Signature(_hex(text, "a signature", 64))


def _hex(text: str, what: str, size: int) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) != size:
        raise BadConfiguration(codes.BAD_HEX, text=text, what=what, size=size, digits=2 * size)
    return data


# --- talking to a node ---


def ask(api: str, what: "Callable[[Client], Awaitable[T]]") -> T:
    """What `what` gets from the node at this address."""
    import asyncio

    from mvchain.api.client import Client

    async def talk() -> T:
        async with Client(api) as client:
            return await what(client)

    return asyncio.run(talk())


def _key_in_force(home: "Home", role: str, api: str) -> Path:
    """The home's key of this role; of several, after a replacement, the one that the chain knows as in force."""
    from mvchain.api.client import ApiError
    from mvchain.node.files import LocalDisk
    from mvchain.node.keystore import key_info

    paths = [home.key(role, generation) for generation in home.generations(role)]
    if len(paths) == 1:
        return paths[0]
    keys = {path: key_info(path, LocalDisk()).tagged for path in paths}

    async def find(client: "Client") -> Path:
        for path, key in keys.items():
            with contextlib.suppress(ApiError):
                if (await client.signer(key)).get("active"):
                    return path
        return paths[0]

    return ask(api, find)


def act(
    what: "Callable[[Operator, Client], Awaitable[T]]",
    *,
    api: str,
    home: Path,
    genesis: Path | None,
    key: Path | None,
    passphrase_file: Path | None,
    role: str = "operator",
) -> T:
    """What `what` does with the key, or with the home's key of this role, on the chain of the genesis file."""
    from mvchain.api.operator import Operator
    from mvchain.node.config import Home

    chain = read_genesis(genesis, home)
    signing_key = unlock(key or _key_in_force(Home(home.expanduser()), role, api), passphrase_file)

    async def talk(client: "Client") -> T:
        return await what(Operator(client, signing_key, chain), client)

    return ask(api, talk)
