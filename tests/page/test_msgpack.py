"""The page reads msgpack as Python does, and the documents in it: definitions, records of polls, tallies."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import codec
from mvchain.core.errors import BadProof, BadTransaction, MvchainError
from mvchain.core.limits import MAX_ARRAY_ITEMS, MAX_NESTING
from mvchain.ledger.poll_json import definition_to_json
from mvchain.ledger.polls import decode_definition, encode_definition
from mvchain.ledger.records import Poll, Tally
from mvchain.ledger.tally import QuestionTally, TallyResult
from tests.ledger.document_helpers import GROUPED, make_poll, polls, values
from tests.light.polls import RECORD, TALLY, korean_poll
from tests.page.node import Refused, ask_page

NUMBERS = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**63, 2**64 - 1]
NEGATIVE = [-1, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**53), -(2**63)]
LONG_FORMS = (
    "cc05 cd00ff ce0000ffff cf00000000ffffffff d005 d0ff d1ff80 d2ffff8000 d3ffffffff80000000 d30000000000000001 "
    "d90161 da000161 db0000000161 c5000100 c60000000100 dc000101 dd0000000101 9201cc05 920181a0"
)
NOT_OURS = (
    "c1 80 81a0a0 de0000 df00000000 c70005 d40500 d6ff00000001 a1ff a3eda080 9201 c405616263 ddffffffff dc0010 0100 "
    "d9ff61 c4 cc cd00 92 c0c0"
)


def plain(value: Any) -> Any:
    """Tuples as lists, as the page has them."""
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def in_python(read: Callable[[], Any]) -> Any:
    try:
        return plain(read())
    except MvchainError as error:
        return Refused(error.code)


def compared(data: Sequence[bytes]) -> list[tuple[bytes, Any, Any]]:
    """Where the page differs from Python. Floats are refused by both, though maybe as another fault."""
    found = ask_page([{"do": "read msgpack", "file": one} for one in data])
    wanted = [
        in_python(lambda one=one: codec.decode(one, "it", max_bytes=64 * 1024, error=BadProof))  # type: ignore[misc]
        for one in data
    ]
    return [
        (one, here, there)
        for one, here, there in zip(data, found, wanted, strict=True)
        if here != there and not (isinstance(here, Refused) and isinstance(there, Refused) and {0xCA, 0xCB} & {*one})
    ]


def test_values_at_the_borders_between_forms() -> None:
    texts = ["a" * size for size in (0, 31, 32, 255, 256, 65_000)]
    values = [*NUMBERS, *NEGATIVE, *texts, *(text.encode() for text in texts), None, True, False, "한글🗳"]
    arrays = [tuple(range(size)) for size in (0, 15, 16, 300, MAX_ARRAY_ITEMS)]
    assert compared([codec.encode(value) for value in [*values, *arrays]]) == []


def test_other_forms_and_other_types() -> None:
    data = [bytes.fromhex(one) for one in f"{LONG_FORMS} {NOT_OURS}".split()]
    data += [b"", b"\xca\x3f\xc0\x00\x00", b"\xcb\x3f\xf8" + bytes(6), codec.encode((0,) * (MAX_ARRAY_ITEMS + 1))]
    data += [b"\x92\x00" * levels + b"\x90" for levels in (MAX_NESTING - 1, MAX_NESTING)]
    data += [b"\x91" * 1000 + b"\x01", b"\x91" * 20_000 + b"\x01", b"\x91" * 60_000, bytes(64 * 1024 + 1)]
    data += [(b"\xdd\x00\x00\x1f\xff" * 400).ljust(1 << 15, b"\x00")]
    assert compared(data) == []


@settings(max_examples=10, deadline=None)
@given(st.lists(values.map(codec.encode), min_size=100, max_size=100), st.data())
def test_any_value_and_any_damage(encoded: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 10))
    byte = data.draw(st.integers(0, 255))
    damaged = [one[:at] + bytes([byte]) + one[at + 1 :] for one in encoded]
    assert compared([*encoded, *damaged, *(one[:at] for one in encoded)]) == []


@settings(max_examples=10, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=300, max_size=300))
def test_any_bytes(data: list[bytes]) -> None:
    assert compared(data) == []


def test_what_is_hashed_again_is_written_so() -> None:
    numbers = [number for number in NUMBERS if number < 2**53]
    written = ask_page([{"do": "write msgpack", "number": number, "bytes": bytes(33)} for number in numbers])
    assert written == [codec.encode((number, bytes(33))) for number in numbers]


# --- documents ---


def page_definition(found: dict[str, Any]) -> dict[str, Any]:
    """What the page read, in the names of the API."""
    questions = []
    for question in found["questions"]:
        options = question["options"]
        for option in options:
            option["image_hash"] = option.pop("imageHash").hex()
        shown = {name: question[name] for name in ("type", "title", "description")}
        questions.append({**shown, "options": options, "blank_allowed": question["blankAllowed"]})
    renamed = {
        "opens_at_ms": found["opensAtMs"],
        "closes_at_ms": found["closesAtMs"],
        "grace_ms": found["graceMs"],
        "tie_rule": found["tieRule"],
        "min_turnout": found["minTurnout"],
    }
    same = ("agency", "title", "description", "roll", "revote", "release", "approvals")
    return {**{name: found[name] for name in same}, **renamed, "questions": questions}


def without_rules(shown: dict[str, Any]) -> dict[str, Any]:
    """The page gives the array of a rule, the API its names."""
    questions = [{name: value for name, value in one.items() if name != "rule"} for one in shown["questions"]]
    return {**shown, "questions": questions}


@settings(max_examples=5, deadline=None)
@given(st.lists(polls, min_size=20, max_size=20))
def test_definitions(some: list[Any]) -> None:
    some += [korean_poll(), make_poll(GROUPED)]
    found = ask_page([{"do": "read definition", "file": encode_definition(one)} for one in some])
    for definition, one in zip(some, found, strict=True):
        assert page_definition(one) == without_rules(definition_to_json(definition))


def test_definitions_of_another_form() -> None:
    good = plain(codec.decode(encode_definition(korean_poll()), "it", max_bytes=1 << 16))
    bad = [[2, *good[1:]], good[:-1], [*good, 0], [True, *good[1:]], [1, 0, *good[2:]], 1, [], [1]]
    bad += [[*good[:at], wrong, *good[at + 1 :]] for at in range(14) for wrong in (None, -1, "x", [1], 2**53)]
    data = [codec.encode(one) for one in bad]
    found = ask_page([{"do": "read definition", "file": one} for one in data])
    wanted = [in_python(lambda one=one: decode_definition(one)) for one in data]  # type: ignore[misc]
    assert all(isinstance(one, Refused) for one in found + wanted)
    version = codec_error(lambda: decode_definition(data[0]))
    assert found[0] == Refused(version)


def codec_error(call: Callable[[], object]) -> str:
    with pytest.raises(BadTransaction) as caught:
        call()
    return caught.value.code


def test_records() -> None:
    [found] = ask_page([{"do": "read record", "file": RECORD.encode()}])
    assert found == {
        "agency": RECORD.agency,
        "definitionHash": RECORD.definition_hash,
        "state": "final",
        "opensAtMs": RECORD.opens_at_ms,
        "closesAtMs": RECORD.closes_at_ms,
        "graceMs": RECORD.grace_ms,
        "openedAtMs": RECORD.opened_at_ms,
        "closedAtMs": RECORD.closed_at_ms,
        "roll": RECORD.roll,
        "rollRoot": RECORD.roll_root,
        "rollSize": RECORD.roll_size,
        "ballotsRoot": RECORD.ballots_root,
        "ballotsSize": RECORD.ballots_size,
        "countedRoot": RECORD.counted_root,
        "countedSize": RECORD.counted_size,
        "tallyHash": RECORD.tally_hash,
        "disputed": False,
    }


def test_records_of_another_form() -> None:
    good = plain(codec.decode(RECORD.encode(), "it", max_bytes=1 << 16))
    bad = [good[:-1], [*good, 0], 1, []]
    bad += [[*good[:at], wrong, *good[at + 1 :]] for at in range(18) for wrong in (None, -1, "x", b"x" * 33, 2**53)]
    data = [codec.encode(one) for one in bad]
    found = ask_page([{"do": "read record", "file": one} for one in data])
    assert found == [in_python(lambda one=one: Poll.decode(one, BadProof)) for one in data]  # type: ignore[misc]


def test_tallies() -> None:
    disputed = Tally(TALLY.kept, TallyResult(1, 2, (QuestionTally(TALLY.kept.questions[0].type, 3, (4,), (), ()),)))
    found = ask_page([{"do": "read tally", "file": one.encode()} for one in (TALLY, disputed)])

    def shown(result: TallyResult | None) -> Any:
        return result and {
            "ballots": result.ballots,
            "weight": result.weight,
            "questions": [
                {
                    "type": one.type.name.lower(),
                    "blanks": one.blanks,
                    "totals": list(one.totals),
                    "counts": list(one.counts),
                    "positions": [list(row) for row in one.positions],
                }
                for one in result.questions
            ],
        }

    assert found == [{"kept": shown(one.kept), "recounted": shown(one.recounted)} for one in (TALLY, disputed)]


def test_tallies_of_another_form() -> None:
    question = [0, 0, [1, 2], [], []]
    bad_questions: list[Any] = [[5, *question[1:]], question[:-1], [0, 0, [1], [1, 2], []], [0, 0, [1, 2], [], [[1]]]]
    bad_questions += [[0, -1, [1], [], []], [0, 0, [2**53], [], []], [0, 0, 1, [], []], [0, 0, [1], [], [1]], 1]
    bad: list[Any] = [[codec.encode((1, 1, [one]))] for one in bad_questions]
    bad += [[], [b""], 1, [1], [b"\x90", b"\x90", b"\x90"], [codec.encode((1, 1, [question] * 65))]]
    data = [codec.encode(one) for one in bad]
    found = ask_page([{"do": "read tally", "file": one} for one in data])
    assert found == [in_python(lambda one=one: Tally.decode(one, BadProof)) for one in data]  # type: ignore[misc]
