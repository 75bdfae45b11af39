"""What the page for voters says, it says in Korean and in English."""

import json
import re
from pathlib import Path

from tests.page.node import LIB, run_node

STATIC = LIB.parent
MODULES = [STATIC / "verify.js", *(path for path in (STATIC / "verify").glob("*.js") if path.name != "words.js")]
TEXT = "\n".join(path.read_text() for path in MODULES)
READER = """
import { WORDS } from "%s";
const kindOf = (word) => (typeof word === "function" ? word.length : "text");
const entries = Object.entries(WORDS).map(([name, pair]) => [name, pair.map(kindOf), pair.map(String)]);
console.log(JSON.stringify(entries));
"""


def words(tmp_path: Path) -> dict[str, tuple[list[object], list[str]]]:
    """Of each name, per language: how many gaps it has or that it is a text, and what is written."""
    program = tmp_path / "read.mjs"
    program.write_text(READER % (STATIC / "verify" / "words.js").as_uri())
    return {name: (kinds, written) for name, kinds, written in json.loads(run_node(program))}


def test_every_text_is_there_in_both_languages(tmp_path: Path) -> None:
    table = words(tmp_path)
    assert len(table) > 100
    for name, (kinds, written) in table.items():
        assert len(kinds) == 2, name
        assert all(written), name
        assert re.search("[가-힣]", written[0]) or name in ("product", "otherLanguage", "agencyAt"), name
        assert not re.search("[가-힣]", written[1]) or name == "otherLanguage", name


def test_what_is_said_is_in_the_table_and_the_other_way_round(tmp_path: Path) -> None:
    table = words(tmp_path).keys()
    assert set(re.findall(r'\bsay\("(\w+)"', TEXT)) <= table
    quoted = set(re.findall(r'"(\w+)"', TEXT))
    # Names that are put together, as of the verdicts, by how they begin.
    families = tuple(re.findall(r"`(\w+_)\$\{", TEXT))
    assert {name for name in table if name not in quoted and not name.startswith(families)} == set()
