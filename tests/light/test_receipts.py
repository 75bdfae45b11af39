"""The file of a receipt: what it holds, its one form, its bounds."""

import json
from dataclasses import replace

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
from tests.light.bad_forms import Document, Step, holder_of, members_in
from tests.light.helpers import binary_size, code_of, make_blocks, make_chain

RECEIPT = make_blocks(make_chain(), 7).receipt(3)
FILE = RECEIPT.encode()


def document() -> Document:
    found: Document = json.loads(FILE)
    return found


MEMBERS = members_in(document())


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


# --- its one form (see test_forgeries) ---


@pytest.mark.parametrize("path", MEMBERS)
def test_a_member_of_another_kind(path: Step) -> None:
    """Whatever stands in its place: a value in the one form, or our error."""
    content = document()
    holder = holder_of(content, path)
    values: list[object] = [None, True, -1, 2**53, "", "0", "é", [], [[]], {}, {"hash": None}]
    for value in values:
        holder[path[-1]] = value
        value_or_our_error(decode_receipt, strict_json.canonical(content))


@pytest.mark.parametrize("size", [MAX_RECEIPT_BYTES + 1, 2 * MAX_RECEIPT_BYTES])
def test_more_bytes_than_the_bound(size: int) -> None:
    assert code_of(decode_receipt, FILE + b" " * (size - len(FILE))) == codes.TOO_LARGE.code


@given(mutations(FILE))
def test_a_receipt_in_its_one_form_or_our_error(data: bytes) -> None:
    value_or_our_error(decode_receipt, data)
