"""Receipts that were changed, put together or made up."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mvchain.core import codes, strict_json
from mvchain.core.errors import Cause
from mvchain.core.limits import MAX_PROOF_BYTES, MAX_RECEIPT_BYTES
from mvchain.core.types import BallotNumber, Hash, TaggedKey, TimeMs
from mvchain.light.documents import Precommit
from mvchain.light.receipts import OpenReceipt, decode_receipt
from tests.e2e.stage import Answer, Row, Stage

Document = dict[str, Any]


def raw(name: str, cause: Cause, make: Callable[[bytes], bytes]) -> Row:
    """The bytes of the receipt changed."""
    return Row(f"receipt: {name}", cause, lambda stage: stage.verify(make(stage.receipt)))


def altered(name: str, cause: Cause, change: Callable[[OpenReceipt], OpenReceipt]) -> Row:
    """What the receipt says changed, and written as receipts are."""
    return raw(name, cause, lambda receipt: change(decode_receipt(receipt)).encode())


def member(name: str, cause: Cause, change: Callable[[Document], object]) -> Row:
    """Its JSON changed."""

    def make(receipt: bytes) -> bytes:
        document = json.loads(receipt)
        change(document)
        return strict_json.canonical(document)

    return raw(name, cause, make)


def _drop(document: Document) -> object:
    return document.pop("commit")


def _signed(receipt: OpenReceipt, *signatures: Precommit) -> OpenReceipt:
    return replace(receipt, commit=replace(receipt.commit, signatures=signatures))


def _at_another_place(receipt: OpenReceipt) -> OpenReceipt:
    return replace(
        receipt, accepted=replace(receipt.accepted, index=receipt.accepted.index + 1, total=receipt.accepted.total + 1)
    )


def _before(receipt: OpenReceipt) -> OpenReceipt:
    """The block of the ballot later than the one that follows it, which names it all the same."""
    header = replace(receipt.header, time_ns=receipt.next_header.time_ns)
    last = replace(receipt.next_header.last_block_id, hash=header.hash())
    return replace(receipt, header=header, next_header=replace(receipt.next_header, last_block_id=last))


def _one_more(receipt: OpenReceipt) -> OpenReceipt:
    last = receipt.commit.signatures[-1]
    first = replace(receipt.commit.signatures[0], index=0)
    moved = [replace(one, index=n) for n, one in enumerate(receipt.commit.signatures)]
    return _signed(receipt, first, *moved[1:], replace(last, index=len(receipt.commit.signatures)))


def _forged(receipt: OpenReceipt) -> OpenReceipt:
    first, *others = receipt.commit.signatures
    return _signed(receipt, replace(first, signature=bytes(64)), *others)


async def _other_genesis(stage: Stage) -> Answer:
    """A sound receipt, and the genesis file of somebody else."""
    other = replace(stage.genesis, genesis_time_ms=TimeMs(1))
    return await stage.verify(stage.receipt, other.encode())


async def _bad_genesis(stage: Stage) -> Answer:
    """A sound receipt, and a genesis file with a changed agency."""
    return await stage.verify(stage.receipt, stage.genesis.encode().replace(b'"name_en": "', b'"name_en": "X'))


RECEIPTS = (
    raw("nothing", codes.MALFORMED, lambda _: b""),
    raw("noise", codes.NOT_UTF8, lambda _: b"\xff\xfe\xfd"),
    raw("a film's worth of bytes", codes.FILE_TOO_LARGE, lambda _: bytes(MAX_PROOF_BYTES + 1)),
    raw("more than a receipt has", codes.TOO_LARGE, lambda r: r + b" " * MAX_RECEIPT_BYTES),
    raw("spaces in it", codes.NOT_CANONICAL, lambda r: json.dumps(json.loads(r)).encode()),
    raw("a member twice", codes.DUPLICATE_NAME, lambda r: r.replace(b'{"accepted"', b'{"ballot":"","accepted"', 1)),
    raw("a fraction", codes.BAD_NUMBER, lambda r: r.replace(b'"index":', b'"index":0.', 1)),
    raw("60 nested brackets", codes.TOO_DEEP, lambda _: b"[" * 60 + b"]" * 60),
    raw("a list", codes.MALFORMED_RECEIPT, lambda _: b"[]"),
    member("without a commit", codes.MALFORMED_RECEIPT, _drop),
    member("a member too many", codes.NOT_CANONICAL, lambda d: d.update(verdict="genuine")),
    member("a later format", codes.UNKNOWN_RECEIPT_FORMAT, lambda d: d.update(format="mvchain open receipt 2")),
    member("half a hash", codes.MALFORMED_RECEIPT, lambda d: d.update(ballot=d["ballot"][:32])),
    member("another chain's name", codes.RECEIPT_OF_ANOTHER_CHAIN, lambda d: d.update(chain_id="x-" + "0" * 32)),
    Row("receipt: another genesis file", codes.RECEIPT_OF_ANOTHER_CHAIN, _other_genesis),
    Row("receipt: a forged genesis file", codes.GENESIS_FAULTS, _bad_genesis),
    altered("another ballot's", codes.RECEIPT_NOT_INCLUDED, lambda r: replace(r, ballot=Hash(bytes(32)))),
    altered(
        "another voter's",
        codes.RECEIPT_NOT_ACCEPTED,
        lambda r: replace(r, result=replace(r.result, voter=TaggedKey(b"\x01" + bytes(32)))),
    ),
    altered(
        "another number",
        codes.RECEIPT_NOT_ACCEPTED,
        lambda r: replace(r, result=replace(r.result, number=BallotNumber(r.result.number + 1))),
    ),
    altered("two places", codes.RECEIPT_OTHER_PLACE, _at_another_place),
    altered("other agencies", codes.RECEIPT_VALIDATORS, lambda r: replace(r, validators=r.validators[::-1])),
    altered(
        "a block that does not follow",
        codes.RECEIPT_HEADERS,
        lambda r: replace(r, header=replace(r.header, app_hash=bytes(32))),
    ),
    altered("blocks out of time", codes.RECEIPT_TIMES, _before),
    altered(
        "a signature twice", codes.RECEIPT_SIGNERS, lambda r: _signed(r, r.commit.signatures[0], *r.commit.signatures)
    ),
    altered("too few signatures", codes.RECEIPT_NO_QUORUM, lambda r: _signed(r, *r.commit.signatures[:-1])),
    altered("one signature too many", codes.RECEIPT_TOO_MANY_SIGNERS, _one_more),
    altered("a forged signature", codes.COMMIT_SIGNATURE, _forged),
    altered(
        "another app hash",
        codes.COMMIT_SIGNATURE,
        lambda r: replace(r, next_header=replace(r.next_header, app_hash=bytes(32))),
    ),
)
