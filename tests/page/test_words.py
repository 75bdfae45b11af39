"""What the pages say, they say in Korean and in English."""

import json
import re
from pathlib import Path

import pytest

from tests.page.node import LIB, run_node

STATIC = LIB.parent
FOLDERS = ("verify", "explorer")
FAMILIES = re.compile(r"say\(`(\w+)\$\{")
"""Names that are put together, as of the verdicts: a family by how it begins."""
READER = """
import { WORDS } from "%s";
const kindOf = (word) => (typeof word === "function" ? word.length : "text");
const written = (word) => (typeof word === "function" ? String(word) : word);
const entries = Object.entries(WORDS).map(([name, pair]) => [name, pair.map(kindOf), pair.map(written)]);
console.log(JSON.stringify(entries));
"""


def words_of(folder: str, tmp_path: Path) -> dict[str, tuple[list[object], list[str]]]:
    """Of each name, per language: how many gaps it has or that it is a text, and what is written."""
    program = tmp_path / "read.mjs"
    program.write_text(READER % (STATIC / folder / "words.js").as_uri())
    return {name: (kinds, written) for name, kinds, written in json.loads(run_node(program))}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_is_there_in_both_languages(folder: str, tmp_path: Path) -> None:
    words = words_of(folder, tmp_path)
    assert len(words) > 80
    for name, (kinds, written) in words.items():
        assert len(kinds) == 2, name
        assert all(written), name
        assert not re.search("[가-힣]", written[1]) or name == "otherLanguage", name


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_said_is_in_the_table_and_the_other_way_round(folder: str, tmp_path: Path) -> None:
    words = set(words_of(folder, tmp_path))
    modules = [path for path in (STATIC / folder).glob("*.js") if path.name != "words.js"]
    text = "\n".join(path.read_text() for path in [*modules, STATIC / f"{folder}.js"])
    quoted = set(re.findall(r'"(\w+)"', text))
    families = set(FAMILIES.findall(text))
    said = set(re.findall(r'\bsay\("(\w+)"', text))
    assert said <= words
    unused = {name for name in words - quoted if not any(name.startswith(family) for family in families)}
    assert unused == set()
