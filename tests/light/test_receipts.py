"""The file of a receipt: what it holds, its one form, its bounds."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from mvchain.core import codes, strict_json
from mvchain.core.limits import (
    MAX_AUNTS,
    MAX_BLOCK_PARTS,
    MAX_BLOCK_UNITS,
    MAX_NUMBER,
    MAX_RECEIPT_BYTES,
    MAX_ROUND,
    MAX_VALIDATORS,
)
from mvchain.core.timestamps import MAX_TIME_NS
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, PublicKey, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, PartSetHeader
from mvchain.light.documents import BriefCommit, Path, Precommit
from mvchain.light.receipts import OpenReceipt, decode_receipt
from tests.ledger.chain_helpers import mutations, value_or_our_error
from tests.light.helpers import binary_size, code_of, make_blocks, make_chain

RECEIPT = make_blocks(make_chain(), 7).receipt(3)
FILE = RECEIPT.encode()
Document = dict[str, Any]
Step = tuple[str | int, ...]


def document() -> Document:
    found: Document = json.loads(FILE)
    return found


def rewritten(change: Callable[[Document], object]) -> bytes:
    """The file with its content changed, in canonical form again."""
    content = document()
    change(content)
    return strict_json.canonical(content)


def holder_of(content: Document, path: Step) -> Any:
    """The object or array that holds the value at this path."""
    holder: Any = content
    for step in path[:-1]:
        holder = holder[step]
    return holder


def members_in(value: Any, path: Step = ()) -> list[Step]:
    """The paths of all members of objects."""
    if isinstance(value, list):
        return [found for i, inner in enumerate(value) for found in members_in(inner, (*path, i))]
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in [(*path, name), *members_in(inner, (*path, name))]]
    return []


MEMBERS = members_in(document())
OBJECTS: list[Step] = [(), *[path for path in MEMBERS if isinstance(holder_of(document(), path)[path[-1]], dict)]]


# --- what it holds ---


def test_the_file_reads_back() -> None:
    assert decode_receipt(FILE) == RECEIPT


def test_the_first_block_names_none_before_it() -> None:
    first = replace(RECEIPT, header=replace(RECEIPT.header, height=Height(1), last_block_id=NIL_BLOCK_ID))
    assert decode_receipt(first.encode()) == first
    assert json.loads(first.encode())["header"]["last_block_id"] is None


def test_it_is_json_that_any_tool_can_read() -> None:
    content = document()
    assert list(content) == sorted(content)
    assert content["ballot"] == RECEIPT.ballot.hex()
    assert content["header"]["time"] == "2026-03-08T15:00:00.1234Z"
    assert content["next_header"]["last_block_id"]["hash"] == RECEIPT.header.hash().hex()
    assert content["accepted"]["result"] == {
        "poll": 3,
        "number": 1236,
        "units": 1,
        "voter": RECEIPT.result.voter.hex(),
    }
    assert len(MEMBERS) == 9 + 4 + 4 + 3 + 3 + 2 + 2 * (13 + 2 + 2)


# The answers and the signature of the ballot would show or betray the choice; the hash does neither.
def test_the_ballot_itself_is_not_in_it() -> None:
    [ballot] = make_blocks(make_chain(), 1).ballots
    file = make_blocks(make_chain(), 1).receipt(0).encode().decode()
    assert ballot[-64:].hex() not in file  # its signature
    assert ballot[:8].hex() not in file


@pytest.mark.parametrize(("agencies", "limit"), [(4, 4_096), (40, 8_192)])
@pytest.mark.parametrize(("ballots", "index", "aunts"), [(5_000, 2_500, 13), (5_000, 4_999, 7), (4_097, 0, 13)])
def test_size(agencies: int, limit: int, ballots: int, index: int, aunts: int) -> None:
    """Ledger L11: 4 kB at 4 validators and 8 kB at 40, and twice that as JSON, in the largest block."""
    receipt = make_blocks(make_chain(agencies), ballots).receipt(index)
    assert len(receipt.included.aunts) == len(receipt.accepted.aunts) == aunts
    assert binary_size(receipt) <= limit
    assert len(receipt.encode()) <= 2 * limit


def longest() -> OpenReceipt:
    """Every value as long as it can be."""
    path = Path(MAX_BLOCK_UNITS - 1, MAX_BLOCK_UNITS, (Hash(bytes(32)),) * MAX_AUNTS)
    header = replace(RECEIPT.header, chain_id="c" * 50, height=Height(2**53 - 1), time_ns=MAX_TIME_NS)
    return replace(
        RECEIPT,
        chain_id="c" * 50,
        header=header,
        next_header=header,
        included=path,
        accepted=path,
        result=replace(RECEIPT.result, poll=PollNumber(MAX_NUMBER), number=BallotNumber(2**30 - 1), units=5_000),
        commit=BriefCommit(
            Round(MAX_ROUND),
            PartSetHeader(MAX_BLOCK_PARTS, bytes(32)),
            tuple(Precommit(i, MAX_TIME_NS, bytes(64)) for i in range(MAX_VALIDATORS)),
        ),
        validators=(PublicKey(bytes(32)),) * MAX_VALIDATORS,
    )


def test_the_longest_one_fits_the_bound() -> None:
    file = longest().encode()
    assert len(file) < MAX_RECEIPT_BYTES
    assert decode_receipt(file) == longest()


def beyond_a_bound() -> list[OpenReceipt]:
    """Receipts with one value out of its range."""
    most = longest()
    path, result, commit = most.included, most.result, most.commit
    return [
        replace(most, included=replace(path, index=MAX_BLOCK_UNITS)),
        replace(most, included=replace(path, index=-1)),
        replace(most, accepted=replace(path, total=MAX_BLOCK_UNITS + 1)),
        replace(most, accepted=replace(path, total=0)),
        replace(most, included=replace(path, aunts=(*path.aunts, Hash(bytes(32))))),
        replace(most, included=replace(path, aunts=(Hash(bytes(31)),))),
        replace(most, result=replace(result, poll=PollNumber(0))),
        replace(most, result=replace(result, poll=PollNumber(MAX_NUMBER + 1))),
        replace(most, result=replace(result, number=BallotNumber(2**30))),
        replace(most, result=replace(result, number=BallotNumber(-1))),
        replace(most, result=replace(result, units=0)),
        replace(most, result=replace(result, units=MAX_BLOCK_UNITS + 1)),
        replace(most, ballot=Hash(bytes(33))),
        replace(most, commit=replace(commit, round=Round(-1))),
        replace(most, commit=replace(commit, round=Round(MAX_ROUND + 1))),
        replace(most, commit=replace(commit, parts=PartSetHeader(0, bytes(32)))),
        replace(most, commit=replace(commit, parts=PartSetHeader(MAX_BLOCK_PARTS + 1, bytes(32)))),
        replace(most, commit=replace(commit, signatures=(*commit.signatures, commit.signatures[0]))),
        replace(most, commit=replace(commit, signatures=(Precommit(MAX_VALIDATORS, TimeNs(0), bytes(64)),))),
        replace(most, commit=replace(commit, signatures=(Precommit(-1, TimeNs(0), bytes(64)),))),
        replace(most, commit=replace(commit, signatures=(Precommit(0, TimeNs(0), bytes(63)),))),
        replace(most, commit=replace(commit, signatures=(Precommit(0, TimeNs(0), b""),))),
        replace(most, validators=(*most.validators, most.validators[0])),
        replace(most, validators=(PublicKey(bytes(33)),)),
        replace(most, chain_id="c" * 51),
        replace(most, header=replace(most.header, height=Height(0))),
        replace(most, header=replace(most.header, version_app=1 << 32)),
        replace(most, next_header=replace(most.header, app_hash=b"")),
    ]


@pytest.mark.parametrize("receipt", beyond_a_bound())
def test_values_beyond_their_bounds(receipt: OpenReceipt) -> None:
    assert code_of(decode_receipt, receipt.encode()) == codes.MALFORMED_RECEIPT.code


# --- its one form ---


@pytest.mark.parametrize("path", MEMBERS)
def test_a_missing_member(path: Step) -> None:
    file = rewritten(lambda content: holder_of(content, path).pop(path[-1]))
    assert code_of(decode_receipt, file) == codes.MALFORMED_RECEIPT.code


@pytest.mark.parametrize("path", OBJECTS)
@pytest.mark.parametrize("value", [None, 1, "choice", [], {}])
def test_a_member_too_many(path: Step, value: object) -> None:
    file = rewritten(lambda content: holder_of(content, (*path, "note")).update(note=value))
    assert code_of(decode_receipt, file) == codes.NOT_CANONICAL.code


@pytest.mark.parametrize("path", MEMBERS)
def test_a_member_of_another_kind(path: Step) -> None:
    """Whatever stands in its place: a value in the one form, or our error."""
    content = document()
    holder = holder_of(content, path)
    values: list[object] = [None, True, -1, 2**53, "", "0", "é", [], [[]], {}, {"hash": None}]
    for value in values:
        holder[path[-1]] = value
        value_or_our_error(decode_receipt, strict_json.canonical(content))


def test_an_entry_of_the_commit_has_three_items() -> None:
    for change in (lambda entry: entry.append(0), lambda entry: entry.pop(), lambda entry: entry.clear()):
        file = rewritten(lambda content, change=change: change(content["commit"]["signatures"][1]))  # type: ignore[misc]
        assert code_of(decode_receipt, file) == codes.MALFORMED_RECEIPT.code


def put(old: str, new: str) -> bytes:
    """The file with one text in it replaced, as it stands."""
    text = FILE.decode()
    assert text.count(old) >= 1
    return text.replace(old, new, 1).encode()


BALLOT = RECEIPT.ballot.hex()
OTHER_FORMS = {
    "nothing": (b"", codes.MALFORMED),
    "not JSON": (b"\x89PNG\r\n", codes.NOT_UTF8),
    "not an object": (b"[" + FILE + b"]", codes.MALFORMED_RECEIPT),
    "null": (b"null", codes.MALFORMED_RECEIPT),
    "a line feed at the end": (FILE + b"\n", codes.NOT_CANONICAL),
    "two receipts": (FILE + FILE, codes.MALFORMED),
    "a byte-order mark": (b"\xef\xbb\xbf" + FILE, codes.MALFORMED),
    "UTF-16": (FILE.decode().encode("utf-16"), codes.NOT_UTF8),
    "a space": (put(":", ": "), codes.NOT_CANONICAL),
    "indented": (json.dumps(document(), indent=1).encode(), codes.NOT_CANONICAL),
    "another order": (
        json.dumps(dict(reversed(document().items())), separators=(",", ":")).encode(),
        codes.NOT_CANONICAL,
    ),
    "an escape": (put("mvchain open", "mvch\\u0061in open"), codes.NOT_CANONICAL),
    "an upper-case digit": (put(BALLOT, BALLOT.upper()), codes.NOT_CANONICAL),
    "spaces among hex digits": (put(BALLOT, BALLOT[:30] + "    " + BALLOT[34:]), codes.NOT_CANONICAL),
    "full-width digits": (put(BALLOT, BALLOT[:-1] + "\uff11"), codes.MALFORMED_RECEIPT),
    "no hex": (put(BALLOT, "x" * 64), codes.MALFORMED_RECEIPT),
    "a byte less": (put(BALLOT, BALLOT[2:]), codes.MALFORMED_RECEIPT),
    "a byte more": (put(BALLOT, BALLOT + "00"), codes.MALFORMED_RECEIPT),
    "a fraction": (put('"height":41', '"height":41.0'), codes.BAD_NUMBER),
    "an exponent": (put('"height":41', '"height":41e0'), codes.BAD_NUMBER),
    "minus nought": (put('"round":1', '"round":-0'), codes.NOT_CANONICAL),
    "an integer of many digits": (put('"height":41', '"height":4' + "1" * 5_000), codes.BAD_NUMBER),
    "an infinite height": (put('"height":41', '"height":Infinity'), codes.BAD_NUMBER),
    "true instead of 1": (put('"round":1', '"round":true'), codes.MALFORMED_RECEIPT),
    "true instead of signer 1": (put('[1,"2026', '[true,"2026'), codes.MALFORMED_RECEIPT),
    "a number in quotes": (put('"round":1', '"round":"1"'), codes.MALFORMED_RECEIPT),
    "a member twice": (put('"round":1', '"round":1,"round":1'), codes.DUPLICATE_NAME),
    "a member twice, otherwise": (put('"round":1', '"round":1,"round":0'), codes.DUPLICATE_NAME),
    "half a character": (put("mvchain open", "mvch\\ud800in open"), codes.NOT_UTF8),
    "bytes that are no text": (FILE.replace(b"mvchain open", b"mvch\xffin open"), codes.NOT_UTF8),
    "a nought behind a time": (put("00.1234Z", "00.12340Z"), codes.NOT_CANONICAL),
    "a fraction of nought": (put(":02Z", ":02.0Z"), codes.NOT_CANONICAL),
    "ten digits of fraction": (put("00.1234Z", "00.1234000000Z"), codes.MALFORMED_RECEIPT),
    "a time with an offset": (put("15:00:02Z", "15:00:02+00:00"), codes.MALFORMED),
    "a leap second": (put("15:00:02Z", "15:00:60Z"), codes.MALFORMED),
    "another format": (put("receipt 1", "receipt 2"), codes.UNKNOWN_RECEIPT_FORMAT),
    "a long format": (put("receipt 1", "receipt " + "1" * 100), codes.MALFORMED_RECEIPT),
    "arrays in arrays": (b"[" * 20_000 + b"]" * 20_000, codes.TOO_DEEP),
    "arrays in arrays, open": (b"[" * 60_000, codes.TOO_DEEP),
    "objects in objects": (put(f'"{BALLOT}"', '{"a":' * 40 + "0" + "}" * 40), codes.TOO_DEEP),
    "a byte above the bound": (FILE + b" " * (MAX_RECEIPT_BYTES + 1 - len(FILE)), codes.TOO_LARGE),
    "a megabyte": (FILE + b" " * (1 << 20), codes.TOO_LARGE),
}


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_another_form(name: str) -> None:
    file, cause = OTHER_FORMS[name]
    assert code_of(decode_receipt, file) == cause.code


@given(mutations(FILE))
def test_a_receipt_in_its_one_form_or_our_error(data: bytes) -> None:
    value_or_our_error(decode_receipt, data)
