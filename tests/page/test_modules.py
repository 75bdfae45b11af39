"""The modules of lib/: codes and bounds that are Python's, and a form that a page can be put together from.

A page becomes one file by leaving out the lines that import, and the word `export`, and writing the modules one behind
the other. So an import is one line, names nothing anew, and no two modules have the same name at the top.
"""

import re
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from mvchain.core import codes, limits
from mvchain.ledger import blocks, genesis
from tests.page.node import LIB, run_node

MODULES = {path.name: path.read_text() for path in sorted(LIB.glob("*.js"))}
IMPORT = re.compile(r'import \{ (?P<names>\w+(?:, \w+)*) \} from "\./(?P<module>[a-z0-9-]+\.js)";')
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", re.MULTILINE)

BOUNDS = {
    "DEFINITION_MAX_APPROVALS": limits.MAX_APPROVALS,
    "DEFINITION_MAX_BYTES": limits.MAX_TRANSACTION_BYTES,
    "DEFINITION_MAX_COST": limits.MAX_COST,
    "DEFINITION_MAX_GRACE_MS": limits.MAX_GRACE_MS,
    "DEFINITION_MAX_ID_BYTES": limits.MAX_OPTION_ID_BYTES,
    "DEFINITION_MAX_LANGUAGES": limits.MAX_LANGUAGES,
    "DEFINITION_MAX_NUMBER": limits.MAX_NUMBER,
    "DEFINITION_MAX_OPTIONS": limits.MAX_OPTIONS,
    "DEFINITION_MAX_QUESTIONS": limits.MAX_QUESTIONS,
    "DEFINITION_MAX_ROLL_SIZE": limits.MAX_ROLL_SIZE,
    "DEFINITION_MAX_TEXT_BYTES": limits.MAX_TEXT_BYTES,
    "DEFINITION_MAX_TIME_MS": limits.MAX_TIME_MS,
    "GENESIS_MAX_AGENCIES": limits.MAX_VALIDATORS,
    "GENESIS_MAX_BYTES": limits.MAX_GENESIS_BYTES,
    "GENESIS_MAX_NAME_BYTES": limits.MAX_AGENCY_NAME_BYTES,
    "GENESIS_MAX_TIME_MS": limits.MAX_TIME_MS,
    "JSON_MAX_LEVELS": limits.MAX_NESTING,
    "LIGHT_BLOCK_MAX_BYTES": limits.MAX_RECEIPT_BYTES,
    "MAX_BALLOT_NUMBER": limits.MAX_ROLL_SIZE * limits.MAX_REVISIONS - 1,
    "MAX_BLOCK_UNITS": limits.MAX_BLOCK_UNITS,
    "MAX_CHAIN_ID_CHARS": blocks.MAX_CHAIN_ID_CHARS,
    "MAX_DOCUMENT_AUNTS": limits.MAX_AUNTS,
    "MAX_DOCUMENT_NUMBER": genesis.MAX_APP_VERSION,
    "MAX_DOCUMENT_PARTS": limits.MAX_BLOCK_PARTS,
    "MAX_DOCUMENT_ROUND": limits.MAX_ROUND,
    "MAX_DOCUMENT_VALIDATORS": limits.MAX_VALIDATORS,
    "MAX_HANDOVERS": limits.MAX_HANDOVERS,
    "MAX_PROOF_BYTES": limits.MAX_PROOF_BYTES,
    "MERKLE_MAX_AUNTS": limits.MAX_AUNTS,
    "MSGPACK_MAX_ITEMS": limits.MAX_ARRAY_ITEMS,
    "MSGPACK_MAX_LEVELS": limits.MAX_NESTING,
    "PROOF_MAX_DEFINITION_BYTES": limits.MAX_TRANSACTION_BYTES,
    "PROOF_MAX_NODES": limits.MAX_AUNTS,
    "PROOF_MAX_RECORD_BYTES": limits.MAX_RECORD_BYTES,
    "PROOF_MAX_ROLL_SIZE": limits.MAX_ROLL_SIZE,
    "PROOF_MAX_TALLY_BYTES": 2 * limits.MAX_TALLY_BYTES,
    "PROOF_MAX_WEIGHT": limits.MAX_WEIGHT,
    "RECEIPT_MAX_BYTES": limits.MAX_RECEIPT_BYTES,
    "RECORD_MAX_ACTIONS": limits.MAX_PENDING_ACTIONS,
    "RECORD_MAX_AGENCY": limits.MAX_AGENCIES,
    "RECORD_MAX_BYTES": limits.MAX_RECORD_BYTES,
    "RECORD_MAX_GRACE_MS": limits.MAX_GRACE_MS,
    "RECORD_MAX_NUMBER": limits.MAX_NUMBER,
    "RECORD_MAX_TIME_MS": limits.MAX_TIME_MS,
    "TALLY_MAX_BYTES": limits.MAX_TALLY_BYTES,
    "TALLY_MAX_MATRIX_OPTIONS": limits.MAX_POSITION_MATRIX_OPTIONS,
    "TALLY_MAX_OPTIONS": limits.MAX_OPTIONS,
    "TALLY_MAX_QUESTIONS": limits.MAX_QUESTIONS,
    "VALIDATOR_POWER": limits.VALIDATOR_POWER,
}
WITHOUT_A_TWIN = {
    "GENESIS_MEMBERS",
    "JSON_MAX_INTEGER_CHARS",
    "JSON_MAX_RECURSION",
    "MAX_DOCUMENT_TIME_CHARS",
    "MSGPACK_MAX_RECURSION",
    "PROOF_MAX_STORES",
}
"""Constants whose names look like bounds and whose twins in Python are private or not there."""


def test_the_codes_are_those_of_python() -> None:
    stated = dict(re.findall(r'^  (\w+): "(MV-\d{4})",$', MODULES["errors.js"], re.MULTILINE))
    assert len(stated) > 40
    assert stated == {name: getattr(codes, name).code for name in stated}
    used = {name for text in MODULES.values() for name in re.findall(r"CODES\.(\w+)", text)}
    assert used == stated.keys()


def test_the_bounds_are_those_of_python() -> None:
    found = {
        name: value
        for text in MODULES.values()
        for name, value in re.findall(
            r"^(?:export )?const (\w*MAX_\w+|VALIDATOR_POWER) = ([^;\"\n]+);", text, re.MULTILINE
        )
        if name not in WITHOUT_A_TWIN
    }
    # Products, powers and underscores mean the same in both languages.
    assert {name: eval(value) for name, value in found.items()} == BOUNDS


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_and_imports_line_by_line(name: str) -> None:
    text = MODULES[name]
    assert text.startswith("// ")
    assert max(map(len, text.splitlines())) <= 120
    lines = [line for line in text.splitlines() if "import" in line.split()[:1]]
    assert len(re.findall(r"\bimport\b", text)) == len(lines)
    for line in lines:
        match = IMPORT.fullmatch(line)
        assert match is not None, line
        exported = set(
            re.findall(r"^export (?:async )?(?:const|function|class) (\w+)", MODULES[match["module"]], re.MULTILINE)
        )
        assert set(match["names"].split(", ")) <= exported, line
    # The word stands where it declares something, and nowhere else.
    assert len(re.findall(r"\bexport\b", text)) == len(
        re.findall(r"^export (?:async |const |function |class )", text, re.MULTILINE)
    )


def test_what_is_exported_is_imported_somewhere() -> None:
    """By another module, by the pages or by the tests' runner: else it needs no export."""
    pages = [path.read_text() for path in LIB.parent.rglob("*.js") if path.parent != LIB]
    runner = Path(__file__).with_name("run.mjs").read_text()
    for name, text in MODULES.items():
        for exported in re.findall(r"^export (?:async )?(?:const|function|class) (\w+)", text, re.MULTILINE):
            others = [other for module, other in MODULES.items() if module != name] + pages + [runner]
            assert any(re.search(rf"\b{exported}\b", other) for other in others), (name, exported)


def test_no_two_modules_have_a_name_in_common() -> None:
    counted = Counter(name for text in MODULES.values() for name in DECLARED.findall(text))
    assert [name for name, times in counted.items() if times > 1] == []


def test_one_file_of_all_modules_runs(tmp_path: Path) -> None:
    """Put together in the order of their imports, which have no cycle."""
    imports = {name: {match["module"] for match in IMPORT.finditer(text)} for name, text in MODULES.items()}
    order = TopologicalSorter(imports).static_order()
    joined = "\n".join(re.sub(r"^export ", "", IMPORT.sub("", MODULES[name]), flags=re.MULTILINE) for name in order)
    program = tmp_path / "page.js"
    program.write_text(f"{{\n{joined}\nverify(utf8('[]')).catch((error) => console.log(error.code));\n}}")
    assert run_node(program).decode().strip() == codes.MALFORMED_RECEIPT.code
