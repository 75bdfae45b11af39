"""The genesis ceremony (security KEY09): genesis make, show, install.

Each agency has made its entry on its own host with `mvchain init`. A coordinator puts them together; everybody
compares the hash of the file by reading it aloud; then each installs it.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mvchain.cli.options import DEFAULT_HOME, HomeOption, JsonOption, parse_hash, read_file, read_genesis, write_file
from mvchain.cli.output import local_time, note, print_result, table
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.limits import MAX_GENESIS_BYTES
from mvchain.core.types import Hash, TimeMs

if TYPE_CHECKING:
    from mvchain.ledger.genesis import Genesis, GenesisAgency

app = typer.Typer(help="The file that a chain starts from.", no_args_is_help=True)

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"


@app.command()
def make(
    entries: Annotated[
        list[Path], typer.Argument(metavar="ENTRY...", help="The agencies' entry.json files.", readable=False)
    ],
    *,
    chain_name: Annotated[str, typer.Option(help="The name with which the entries were made.")],
    out: Annotated[Path, typer.Option(help="The file to write.", readable=False)],
    as_json: JsonOption = False,
) -> None:
    """Put the agencies' entries together into a genesis file."""
    from mvchain.ledger.genesis import Genesis, check_genesis

    agencies = sorted((_read_entry(path, chain_name) for path in entries), key=lambda entry: entry.number)
    genesis = Genesis(chain_name, TimeMs(time.time_ns() // 1_000_000), tuple(agencies))
    check_genesis(genesis)
    write_file(out, genesis.encode())
    _print_genesis(genesis, out, as_json=as_json)


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", show_default="the home's", readable=False)] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show a genesis file and its hash, in words to read aloud."""
    _print_genesis(read_genesis(file, home), file, as_json=as_json)


@app.command()
def install(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The genesis file that all agencies compared.", readable=False)
    ],
    *,
    expected: Annotated[
        str | None, typer.Option("--hash", help="The hash that all agencies agreed on.", show_default="ask")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Make FILE, once its hash is compared, the chain of this home.

    Checks that this home's entry and keys are in it. The hash comes from the other agencies, not from the file.
    """
    from mvchain.node.config import Home
    from mvchain.node.files import LocalDisk
    from mvchain.node.home import install_genesis

    genesis = read_genesis(file, home)
    compare_hash(genesis.hash, expected, file)
    place = Home(home.expanduser())
    entry = install_genesis(place, genesis, LocalDisk())
    document = {"chain_id": genesis.chain_id, "hash": genesis.hash.hex(), "file": str(place.genesis)}
    text = f"Agency {entry.number} is on chain {genesis.chain_id}.\nStart its node with mvchain start."
    print_result(document, text, as_json=as_json)


def compare_hash(found: Hash, expected: str | None, path: Path) -> None:
    """That the file has the hash on which all agencies agreed; asks if it was not named."""
    if expected is None:
        _confirm_hash(found)
    elif parse_hash(expected) != found:
        raise BadConfiguration(codes.GENESIS_HASH_DIFFERS, path=path, found=found.hex(), expected=expected)


def words(hash_: Hash) -> list[tuple[str, str]]:
    """The hash as 16 groups of four hex digits, each with a word of five letters to say instead.

    The words are proquints (arXiv:0901.4016): consonants stand for 4 bits and vowels for 2.
    """
    pairs = [hash_[i : i + 2] for i in range(0, len(hash_), 2)]
    return [(pair.hex(), _word(int.from_bytes(pair, "big"))) for pair in pairs]


def _word(number: int) -> str:
    return (
        CONSONANTS[number >> 12]
        + VOWELS[number >> 10 & 3]
        + CONSONANTS[number >> 6 & 15]
        + VOWELS[number >> 4 & 3]
        + CONSONANTS[number & 15]
    )


def _lines_to_read(hash_: Hash) -> str:
    groups = [f"{digits} {word}" for digits, word in words(hash_)]
    return "\n".join(f"  {number}.  " + "   ".join(groups[i : i + 4]) for number, i in enumerate(range(0, 16, 4), 1))


def _confirm_hash(hash_: Hash) -> None:
    if not sys.stdin.isatty():
        raise BadConfiguration(codes.NO_TERMINAL, what="the comparison of the genesis hash", option="--hash")
    note(f"The hash of this file:\n{_lines_to_read(hash_)}")
    typer.confirm("Have all agencies read out the same?", abort=True, err=True)


def _read_entry(path: Path, chain_name: str) -> "GenesisAgency":
    from mvchain.ledger.genesis import decode_entry, verify_entry

    try:
        entry = decode_entry(read_file(path, MAX_GENESIS_BYTES))
        verify_entry(chain_name, entry)
    except BadConfiguration as error:
        if error.cause in (codes.CANNOT_READ_FILE, codes.FILE_TOO_LARGE):
            raise
        raise BadConfiguration(codes.BAD_ENTRY_FILE, path=path, chain_name=chain_name, why=error.detail) from None
    return entry


def _print_genesis(genesis: "Genesis", path: Path | None, *, as_json: bool) -> None:
    document = {
        "file": None if path is None else str(path),
        "chain_id": genesis.chain_id,
        "hash": genesis.hash.hex(),
        "words": [word for _, word in words(genesis.hash)],
        "genesis_time_ms": genesis.genesis_time_ms,
        "agencies": [
            {"number": agency.number, "name_ko": agency.name_ko, "name_en": agency.name_en}
            for agency in genesis.agencies
        ],
    }
    rows = [(a.number, a.name_ko, a.name_en, a.validator_key.hex()[:16]) for a in genesis.agencies]
    text = f"""\
chain {genesis.chain_id}
starts {local_time(genesis.genesis_time_ms)}

{table(("no.", "agency", "", "validator key"), rows)}

The hash, to read aloud and compare with every agency:
{_lines_to_read(genesis.hash)}"""
    print_result(document, text, as_json=as_json)
