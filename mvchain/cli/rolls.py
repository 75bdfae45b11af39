"""Commands on rolls: roll create, show."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mvchain.cli.options import (
    DEFAULT_API,
    DEFAULT_HOME,
    ApiOption,
    GenesisOption,
    HomeOption,
    JsonOption,
    KeyOption,
    PassphraseOption,
    act,
    ask,
)
from mvchain.cli.output import facts, print_result, progress_bar, reading_answer, waiting
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.core.limits import MAX_WEIGHT
from mvchain.core.types import RollNumber, TaggedKey

if TYPE_CHECKING:
    from mvchain.api.client import Client, JsonObject
    from mvchain.api.operator import Operator

app = typer.Typer(help="Who may take part in a poll.", no_args_is_help=True)

_LINE = re.compile(rb"([0-9a-f]{66})(?:[ \t]+([1-9][0-9]{0,4}))?")
_FORM = "one key of 66 hex digits in lower case, and after a space a weight if it is not 1"


@app.command()
def create(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="One voter's public key a line, and maybe a weight.", readable=False)
    ],
    *,
    title: Annotated[str, typer.Option(help="What the roll is called, in public.")],
    resumed: Annotated[
        int | None, typer.Option("--continue", metavar="ROLL", min=1, help="Go on with a roll that was interrupted.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a list of voters on the chain and seal it.

    FILE has one key a line: 66 hex digits, and after a space a weight (1 to 65536) if it is not 1. Empty lines and
    lines that begin with # are skipped. Any order will do. Keys are made for one poll by the voters' devices; no
    name, number or address belongs here.
    """
    entries = list(_read_entries(file))

    async def do(operator: "Operator", client: "Client") -> "JsonObject":
        with progress_bar("Appending keys") as progress:
            if resumed is None:
                number = await operator.create_roll(title, entries, progress)
            else:
                number = RollNumber(resumed)
                await operator.complete_roll(number, entries, progress)
        return await client.roll(number)

    _print_roll(act(do, api=api, home=home, genesis=genesis, key=key, passphrase_file=passphrase_file), as_json=as_json)


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ROLL", min=1, help="Number of the roll.")],
    *,
    api: ApiOption = DEFAULT_API,
    as_json: JsonOption = False,
) -> None:
    """Show a roll: title, size, root, what waits for approval."""
    _print_roll(ask(api, lambda client: client.roll(RollNumber(number))), as_json=as_json)


def _read_entries(path: Path) -> Iterator[tuple[TaggedKey, int]]:
    """The keys and weights in a list, line by line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                text = line.strip()
                if not text or text.startswith(b"#"):
                    continue
                match = _LINE.fullmatch(text)
                weight = int(match[2] or 1) if match else 0
                if not match or weight > MAX_WEIGHT:
                    why = f"it is not a key, or its weight is not 1 to {MAX_WEIGHT}"
                    raise BadConfiguration(codes.BAD_LINE, line=number, path=path, why=why, form=_FORM)
                yield TaggedKey(bytes.fromhex(match[1].decode())), weight
    except OSError as error:
        raise BadConfiguration(codes.CANNOT_READ_FILE, path=path, why=error.strerror) from None


@reading_answer()
def _print_roll(roll: dict[str, Any], *, as_json: bool) -> None:
    rows = [
        ("roll", f"{roll['number']}: {roll['title']}"),
        ("agency", roll["agency"]),
        ("voters", f"{roll['size']:,}"),
        ("sealed", "yes" if roll["sealed"] else "no"),
        ("poll", roll["poll"] or "none yet"),
        ("root", roll["root"]),
    ]
    rows += waiting(roll["pending"])
    print_result(roll, facts(rows), as_json=as_json)
