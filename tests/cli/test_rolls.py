"""mvchain roll create, show."""

from pathlib import Path

import pytest

from mvchain.core.keys import SigningKey
from mvchain.core.types import TaggedKey
from tests.cli.helpers import Chain, mvchain
from tests.ledger.state_helpers import roll_root

KEYS = [SigningKey.from_seed(bytes([n]) * 32).tagged for n in range(1, 4)]
HEX = [key.hex() for key in KEYS]


def test_a_roll_of_a_list_with_weights(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(f"# ward 3\n{HEX[2]}\n\n  {HEX[0]} 7\r\n{HEX[1]}\t65536")
    made = chain.act("roll", "create", file, "--title", "3통")
    expected: list[tuple[TaggedKey, int]] = sorted([(KEYS[2], 1), (KEYS[0], 7), (KEYS[1], 65_536)])
    assert (made["title"], made["size"], made["root"]) == ("3통", 3, roll_root(expected).hex())
    (waiting,) = made["pending"]
    number = made["number"]
    assert waiting["hash"] in mvchain("roll", "show", number, "--api", chain.api).out
    chain.approved(waiting["hash"])
    assert chain.ask("roll", "show", number)["sealed"] is True
    text = mvchain("roll", "show", number, "--api", chain.api).out
    assert f"{number}: 3통" in text
    # A finished roll cannot be gone on with.
    assert chain.fails("roll", "create", file, "--title", "3통", "--continue", number) == "MV-1212"


@pytest.mark.parametrize(
    "line",
    ["hello", HEX[0][:-1], HEX[0].upper(), f"{HEX[0]} 0", f"{HEX[0]} 65537", f"{HEX[0]} x", f"{HEX[0]} 1 1", "\0"],
)
def test_a_bad_line_is_named(chain: Chain, tmp_path: Path, line: str) -> None:
    file = tmp_path / "list"
    file.write_text(f"{HEX[1]}\n\n{line}\n")
    shown = mvchain("roll", "create", file, "--title", "Bad", "--home", chain.home, "--api", chain.api)
    assert shown.error == "MV-3033"
    assert shown.err.startswith("MV-3033: Line 3 of ")


def test_lists_that_will_not_do(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "list"
    create = ("roll", "create", file, "--title", "Bad")
    assert chain.fails(*create) == "MV-3090"
    file.write_text("# nobody\n")
    assert chain.fails(*create) == "MV-6064"
    file.write_text(f"{HEX[0]}\n{HEX[1]}\n{HEX[0]} 5\n")
    assert chain.fails(*create) == "MV-6062"
    file.write_text("02" + HEX[0][2:])
    assert chain.fails(*create) == "MV-6063"


def test_a_roll_that_is_not_there(chain: Chain) -> None:
    assert mvchain("roll", "show", 4_000, "--api", chain.api).error == "MV-6090"
