"""Receipts that are not genuine, each with the code that refuses it (ledger L10, L11).

One table for all who verify: the Python verifier (test_forgeries) and the page's (tests/page) must refuse each file
with exactly its code.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

from mvchain.core import codes, strict_json
from mvchain.core.errors import Cause
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, PublicKey, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.endorsements import Kind
from mvchain.ledger.results import accepted_ballot
from mvchain.ledger.validators import Validator, ValidatorSet
from mvchain.light.documents import Path
from mvchain.light.receipts import OpenReceipt
from tests.light.bad_forms import Step, bad_forms
from tests.light.helpers import (
    FIRST_NUMBER,
    HEIGHT,
    Blocks,
    Chain,
    make_blocks,
    make_chain,
    precommit,
    relinked,
    resigned,
    with_signatures,
)

CHAIN = make_chain()
BLOCKS = make_blocks(CHAIN, 7)
RECEIPT = BLOCKS.receipt(3)
NEXT = BLOCKS.receipt(4)
"""Of another voter's ballot in the same block."""
ORDER_OF_ED25519 = 2**252 + 27742317777372353535851937790883648493


@dataclass(frozen=True)
class Forgery:
    """A file that must be refused, and why."""

    name: str
    data: bytes
    cause: Cause
    chain: Chain = CHAIN
    """Whose genesis document is trusted."""


# --- receipts made up, or put together from good ones ---


def included(**changes: Any) -> OpenReceipt:
    return replace(RECEIPT, included=replace(RECEIPT.included, **changes))


def accepted(**changes: Any) -> OpenReceipt:
    return replace(RECEIPT, accepted=replace(RECEIPT.accepted, **changes))


def both(receipt: OpenReceipt = RECEIPT, **changes: Any) -> OpenReceipt:
    """Both paths changed alike."""
    return replace(
        receipt, included=replace(receipt.included, **changes), accepted=replace(receipt.accepted, **changes)
    )


def result(**changes: Any) -> OpenReceipt:
    return replace(RECEIPT, result=replace(RECEIPT.result, **changes))


def next_header(**changes: Any) -> OpenReceipt:
    return replace(RECEIPT, next_header=replace(RECEIPT.next_header, **changes))


def signatures(*indices: int, **other: Any) -> OpenReceipt:
    """Signed by these, for what they say; everything else is genuine."""
    return resigned(CHAIN, RECEIPT, indices, **other)


def attackers_own_block(signers: tuple[int, ...], receipt: OpenReceipt = RECEIPT) -> OpenReceipt:
    """Another ballot, in blocks made for it from nothing, truly signed by these validators of the real chain.

    With a quorum among them it would be a good receipt: nothing but their number stands against it.
    """
    ballot = Hash(bytes(32))
    alone = Path(0, 1, ())
    said = receipt.result
    leaf = accepted_ballot(said.poll, said.number, said.voter, said.units).encode()
    moved = replace(receipt, ballot=ballot, included=alone, accepted=alone)
    moved = relinked(moved, data_hash=sha256(b"\x00" + ballot).digest())
    following = replace(moved.next_header, last_results_hash=sha256(b"\x00" + leaf).digest())
    return resigned(CHAIN, replace(moved, next_header=following), signers)


ATTACKER = make_chain(keys_of="attacker")
SAME_AGENCIES = make_chain(name="pilot-2027")
"""Another chain of the agencies, with the very same keys: what a validator must never do (ledger L1)."""


def attackers_set(*, listed: bool, hashed: bool) -> OpenReceipt:
    """All signed by a set of the attacker's own, which the receipt lists or the header names, or both."""
    theirs = ATTACKER.validators
    forged = replace(RECEIPT, validators=tuple(one.public_key for one in theirs)) if listed else RECEIPT
    if hashed:
        forged = replace(forged, next_header=replace(forged.next_header, validators_hash=theirs.hash))
    return resigned(ATTACKER, forged, range(3), chain_id=CHAIN.genesis.chain_id)


def of_another_chain(blocks: Blocks, *, renamed: bool, linked: bool = False) -> OpenReceipt:
    """A good receipt of another chain; given our chain's name, and the headers joined again."""
    theirs = blocks.receipt(3)
    if not renamed:
        return theirs
    ours = CHAIN.genesis.chain_id
    forged = replace(
        theirs,
        chain_id=ours,
        header=replace(theirs.header, chain_id=ours),
        next_header=replace(theirs.next_header, chain_id=ours),
    )
    return relinked(forged) if linked else forged


def with_foreign_signer(index: int) -> OpenReceipt:
    stranger = precommit(ATTACKER, index, RECEIPT.block_id, Height(HEIGHT + 1), chain_id=CHAIN.genesis.chain_id)
    kept = tuple(one for one in RECEIPT.commit.signatures if one.index != index)
    return with_signatures(RECEIPT, *sorted((*kept, stranger), key=lambda one: one.index))


def with_signature_of(index: int, at: int) -> OpenReceipt:
    """The signature of one validator, given out as another's."""
    genuine = signatures(*range(4)).commit.signatures
    forged = list(genuine[:3])
    forged[at] = replace(genuine[index], index=at)
    return with_signatures(RECEIPT, *forged)


def malleated() -> OpenReceipt:
    """S + L instead of S: the same equation, which a lax verifier takes (security ED02)."""
    first, *rest = RECEIPT.commit.signatures
    s = int.from_bytes(first.signature[32:], "little") + ORDER_OF_ED25519
    forged = replace(first, signature=first.signature[:32] + s.to_bytes(32, "little"))
    return with_signatures(RECEIPT, forged, *rest)


def other_times() -> OpenReceipt:
    """Every signature with another time than it was made for."""
    moved = (replace(one, time_ns=TimeNs(one.time_ns + 1)) for one in RECEIPT.commit.signatures)
    return with_signatures(RECEIPT, *moved)


FIRST = RECEIPT.commit.signatures[0]
AUNTS = RECEIPT.included.aunts
KEYS = RECEIPT.validators
PREVIOUS = BlockID(RECEIPT.header.hash(), RECEIPT.next_header.last_block_id.parts)
MADE: dict[str, tuple[Callable[[], OpenReceipt], Cause]] = {
    # the ballot and its place
    "another ballot of the block": (lambda: replace(RECEIPT, ballot=NEXT.ballot), codes.RECEIPT_NOT_INCLUDED),
    "a ballot of nowhere": (lambda: replace(RECEIPT, ballot=Hash(bytes(32))), codes.RECEIPT_NOT_INCLUDED),
    "an inner node as ballot": (
        lambda: both(replace(RECEIPT, ballot=AUNTS[1]), index=0, total=2, aunts=AUNTS[2:]),
        codes.RECEIPT_NOT_INCLUDED,
    ),
    "another voter's inclusion": (lambda: replace(RECEIPT, included=NEXT.included), codes.RECEIPT_OTHER_PLACE),
    "another voter's acceptance": (
        lambda: replace(RECEIPT, accepted=NEXT.accepted, result=NEXT.result),
        codes.RECEIPT_OTHER_PLACE,
    ),
    "another voter's acceptance at this index": (
        lambda: replace(RECEIPT, accepted=replace(NEXT.accepted, index=3), result=NEXT.result),
        codes.RECEIPT_NOT_ACCEPTED,
    ),
    "another voter's inclusion at this index": (
        lambda: replace(RECEIPT, included=replace(NEXT.included, index=3), ballot=NEXT.ballot),
        codes.RECEIPT_NOT_INCLUDED,
    ),
    "index of the inclusion": (lambda: included(index=4), codes.RECEIPT_OTHER_PLACE),
    "index of the acceptance": (lambda: accepted(index=4), codes.RECEIPT_OTHER_PLACE),
    "total of the inclusion": (lambda: included(total=8), codes.RECEIPT_OTHER_PLACE),
    "total of the acceptance": (lambda: accepted(total=8), codes.RECEIPT_OTHER_PLACE),
    "index of both": (lambda: both(index=4), codes.RECEIPT_NOT_INCLUDED),
    "index of both, beyond the total": (lambda: both(index=7), codes.RECEIPT_NOT_INCLUDED),
    "total of both, smaller": (lambda: both(total=4), codes.RECEIPT_NOT_INCLUDED),
    "total of both, larger": (lambda: both(total=9), codes.RECEIPT_NOT_INCLUDED),
    "total of both, for the last ballot": (lambda: both(BLOCKS.receipt(6), total=8), codes.RECEIPT_NOT_INCLUDED),
    "an aunt less": (lambda: included(aunts=AUNTS[:-1]), codes.RECEIPT_NOT_INCLUDED),
    "an aunt more": (lambda: included(aunts=(*AUNTS, AUNTS[0])), codes.RECEIPT_NOT_INCLUDED),
    "aunts in another order": (lambda: included(aunts=AUNTS[::-1]), codes.RECEIPT_NOT_INCLUDED),
    "no aunts": (lambda: both(aunts=()), codes.RECEIPT_NOT_INCLUDED),
    "aunts of the other tree": (lambda: accepted(aunts=AUNTS), codes.RECEIPT_NOT_ACCEPTED),
    "an aunt of the acceptance less": (lambda: accepted(aunts=RECEIPT.accepted.aunts[:-1]), codes.RECEIPT_NOT_ACCEPTED),
    # what was accepted
    "another poll": (lambda: result(poll=PollNumber(4)), codes.RECEIPT_NOT_ACCEPTED),
    "another number": (lambda: result(number=BallotNumber(FIRST_NUMBER)), codes.RECEIPT_NOT_ACCEPTED),
    "another voter": (lambda: result(voter=NEXT.result.voter), codes.RECEIPT_NOT_ACCEPTED),
    "other units": (lambda: result(units=2), codes.RECEIPT_NOT_ACCEPTED),
    "another result": (lambda: replace(RECEIPT, result=NEXT.result), codes.RECEIPT_NOT_ACCEPTED),
    # the headers
    "the headers swapped": (
        lambda: replace(RECEIPT, header=RECEIPT.next_header, next_header=RECEIPT.header),
        codes.RECEIPT_HEADERS,
    ),
    "the first header twice": (lambda: replace(RECEIPT, next_header=RECEIPT.header), codes.RECEIPT_HEADERS),
    "the next header twice": (lambda: replace(RECEIPT, header=RECEIPT.next_header), codes.RECEIPT_HEADERS),
    "another block before": (
        lambda: replace(RECEIPT, header=replace(RECEIPT.header, data_hash=bytes(32))),
        codes.RECEIPT_HEADERS,
    ),
    "the next block but one": (lambda: next_header(height=Height(HEIGHT + 2)), codes.RECEIPT_HEADERS),
    "a next block that follows none": (lambda: next_header(last_block_id=NIL_BLOCK_ID), codes.RECEIPT_HEADERS),
    "a next block of the same time": (lambda: next_header(time_ns=RECEIPT.header.time_ns), codes.RECEIPT_TIMES),
    "a next block of an earlier time": (lambda: next_header(time_ns=TimeNs(0)), codes.RECEIPT_TIMES),
    "results of another block": (lambda: next_header(last_results_hash=bytes(32)), codes.RECEIPT_NOT_ACCEPTED),
    "another state": (lambda: next_header(app_hash=bytes(32)), codes.COMMIT_SIGNATURE),
    "other parts of the block before": (
        lambda: next_header(last_block_id=replace(PREVIOUS, parts=PartSetHeader(1, bytes(32)))),
        codes.COMMIT_SIGNATURE,
    ),
    "a later time of the next block": (
        lambda: next_header(time_ns=TimeNs(RECEIPT.next_header.time_ns + 1)),
        codes.COMMIT_SIGNATURE,
    ),
    "another application version": (lambda: next_header(version_app=2), codes.COMMIT_SIGNATURE),
    # another chain
    "another chain": (
        lambda: of_another_chain(make_blocks(ATTACKER, 7), renamed=False),
        codes.RECEIPT_OF_ANOTHER_CHAIN,
    ),
    "another chain of these agencies": (
        lambda: of_another_chain(make_blocks(SAME_AGENCIES, 7), renamed=False),
        codes.RECEIPT_OF_ANOTHER_CHAIN,
    ),
    "another chain, renamed": (
        lambda: of_another_chain(make_blocks(SAME_AGENCIES, 7), renamed=True),
        codes.RECEIPT_HEADERS,
    ),
    "another chain of these agencies, renamed and joined": (
        lambda: of_another_chain(make_blocks(SAME_AGENCIES, 7), renamed=True, linked=True),
        codes.COMMIT_SIGNATURE,
    ),
    "another chain, renamed and joined": (
        lambda: of_another_chain(make_blocks(ATTACKER, 7), renamed=True, linked=True),
        codes.RECEIPT_VALIDATORS,
    ),
    "the next header of another chain": (
        lambda: replace(
            RECEIPT, next_header=replace(make_blocks(SAME_AGENCIES, 7).next_header, chain_id=RECEIPT.chain_id)
        ),
        codes.RECEIPT_HEADERS,
    ),
    # the validator set
    "the attacker's set": (lambda: attackers_set(listed=True, hashed=True), codes.RECEIPT_VALIDATORS),
    "the attacker's set, listed": (lambda: attackers_set(listed=True, hashed=False), codes.RECEIPT_VALIDATORS),
    "the attacker's set, in the header": (lambda: attackers_set(listed=False, hashed=True), codes.RECEIPT_VALIDATORS),
    "the set in another order": (lambda: replace(RECEIPT, validators=KEYS[::-1]), codes.RECEIPT_VALIDATORS),
    "a validator less": (lambda: replace(RECEIPT, validators=KEYS[:-1]), codes.RECEIPT_VALIDATORS),
    "a validator more": (
        lambda: replace(RECEIPT, validators=(*KEYS, PublicKey(ATTACKER.keys[0].public))),
        codes.RECEIPT_VALIDATORS,
    ),
    "a validator twice": (lambda: replace(RECEIPT, validators=(KEYS[0], *KEYS[:-1])), codes.RECEIPT_VALIDATORS),
    "no validators": (lambda: replace(RECEIPT, validators=()), codes.RECEIPT_VALIDATORS),
    "a subset that is a quorum of itself": (
        lambda: resigned(
            CHAIN,
            replace(
                next_header(validators_hash=ValidatorSet((Validator(KEYS[0]),)).hash),
                validators=KEYS[:1],
            ),
            (0,),
        ),
        codes.RECEIPT_VALIDATORS,
    ),
    # who signed
    "nobody signed": (signatures, codes.RECEIPT_NO_QUORUM),
    "one of four signed": (lambda: signatures(2), codes.RECEIPT_NO_QUORUM),
    "two of four signed": (lambda: signatures(1, 3), codes.RECEIPT_NO_QUORUM),
    "all four signed, one too many": (lambda: signatures(0, 1, 2, 3), codes.RECEIPT_TOO_MANY_SIGNERS),
    "one signed twice": (lambda: signatures(0, 1, 1), codes.RECEIPT_SIGNERS),
    "one signed three times": (lambda: signatures(2, 2, 2), codes.RECEIPT_SIGNERS),
    "a signer twice behind a quorum": (lambda: signatures(0, 1, 2, 2), codes.RECEIPT_SIGNERS),
    "signers in another order": (lambda: signatures(0, 2, 1), codes.RECEIPT_SIGNERS),
    "a signer beyond the set": (
        lambda: with_signatures(RECEIPT, *RECEIPT.commit.signatures[:2], replace(FIRST, index=4)),
        codes.RECEIPT_SIGNERS,
    ),
    "a stranger signed": (lambda: with_foreign_signer(2), codes.COMMIT_SIGNATURE),
    "a stranger signed first": (lambda: with_foreign_signer(0), codes.COMMIT_SIGNATURE),
    "one signed as another": (lambda: with_signature_of(0, at=1), codes.COMMIT_SIGNATURE),
    "one who did not sign, for one who did": (lambda: with_signature_of(3, at=2), codes.COMMIT_SIGNATURE),
    # what they signed
    "another round said": (
        lambda: replace(RECEIPT, commit=replace(RECEIPT.commit, round=Round(0))),
        codes.COMMIT_SIGNATURE,
    ),
    "other parts said": (
        lambda: replace(RECEIPT, commit=replace(RECEIPT.commit, parts=PartSetHeader(1, bytes(32)))),
        codes.COMMIT_SIGNATURE,
    ),
    "signed for another round": (lambda: signatures(0, 1, 2, round_=Round(2)), codes.COMMIT_SIGNATURE),
    "signed for another height": (lambda: signatures(0, 1, 2, height=HEIGHT), codes.COMMIT_SIGNATURE),
    "signed for another chain": (
        lambda: signatures(0, 1, 2, chain_id=SAME_AGENCIES.genesis.chain_id),
        codes.COMMIT_SIGNATURE,
    ),
    "signed for no block": (lambda: signatures(0, 1, 2, block_id=NIL_BLOCK_ID), codes.COMMIT_SIGNATURE),
    "signed for the block before": (lambda: signatures(0, 1, 2, block_id=PREVIOUS), codes.COMMIT_SIGNATURE),
    "prevotes instead of precommits": (lambda: signatures(0, 1, 2, kind=Kind.PREVOTE), codes.COMMIT_SIGNATURE),
    "other times than signed": (other_times, codes.COMMIT_SIGNATURE),
    "a signature of noughts": (
        lambda: with_signatures(RECEIPT, replace(FIRST, signature=bytes(64)), *RECEIPT.commit.signatures[1:]),
        codes.COMMIT_SIGNATURE,
    ),
    "a signature with S + L": (malleated, codes.COMMIT_SIGNATURE),
    # blocks of the attacker's own, with real signatures, but not of a quorum
    "own blocks, signed by nobody": (lambda: attackers_own_block(()), codes.RECEIPT_NO_QUORUM),
    "own blocks, signed by one of four": (lambda: attackers_own_block((0,)), codes.RECEIPT_NO_QUORUM),
    "own blocks, signed by two of four": (lambda: attackers_own_block((0, 3)), codes.RECEIPT_NO_QUORUM),
    "own blocks, signed by two, one of them twice": (lambda: attackers_own_block((0, 1, 1)), codes.RECEIPT_SIGNERS),
    "own blocks, signed by two, and a real signature for the real block": (
        lambda: with_signatures(
            attackers_own_block((0, 1)), *attackers_own_block((0, 1)).commit.signatures, RECEIPT.commit.signatures[2]
        ),
        codes.COMMIT_SIGNATURE,
    ),
    "own blocks, with the real signatures": (
        lambda: with_signatures(attackers_own_block(()), *RECEIPT.commit.signatures),
        codes.COMMIT_SIGNATURE,
    ),
}


# --- one value changed ---

EXPECTED: dict[str, Cause] = {
    "format": codes.UNKNOWN_RECEIPT_FORMAT,
    "chain_id": codes.RECEIPT_OF_ANOTHER_CHAIN,
    "ballot": codes.RECEIPT_NOT_INCLUDED,
    "included.index": codes.RECEIPT_OTHER_PLACE,
    "included.total": codes.RECEIPT_OTHER_PLACE,
    "included.aunts": codes.RECEIPT_NOT_INCLUDED,
    "accepted.index": codes.RECEIPT_OTHER_PLACE,
    "accepted.total": codes.RECEIPT_OTHER_PLACE,
    "accepted.aunts": codes.RECEIPT_NOT_ACCEPTED,
    "accepted.result": codes.RECEIPT_NOT_ACCEPTED,
    "header": codes.RECEIPT_HEADERS,
    "next_header.height": codes.RECEIPT_HEADERS,
    "next_header.last_block_id.hash": codes.RECEIPT_HEADERS,
    "next_header.last_results_hash": codes.RECEIPT_NOT_ACCEPTED,
    "next_header.validators_hash": codes.RECEIPT_VALIDATORS,
    "next_header": codes.COMMIT_SIGNATURE,
    "validators": codes.RECEIPT_VALIDATORS,
    "commit.round": codes.COMMIT_SIGNATURE,
    "commit.parts": codes.COMMIT_SIGNATURE,
    "commit.signatures": codes.COMMIT_SIGNATURE,
}
"""What is refused first if a value changes, by the longest beginning of its path."""


def values_in(value: Any, path: Step = ()) -> list[Step]:
    """The paths of all texts and numbers."""
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in values_in(inner, (*path, name))]
    if isinstance(value, list):
        return [found for i, inner in enumerate(value) for found in values_in(inner, (*path, i))]
    return [] if value is None else [path]


def expected_at(path: Step) -> Cause:
    if path[0] == "commit" and path[-1] == 0:
        # The index of a signer: 0, 1, 2 become 1, 2, 3, and only the last stays in order.
        return codes.COMMIT_SIGNATURE if path[-2] == 2 else codes.RECEIPT_SIGNERS
    names = [str(step) for step in path]
    return next(EXPECTED[key] for n in range(len(names), 0, -1) if (key := ".".join(names[:n])) in EXPECTED)


def changed_at(file: bytes, path: Step) -> bytes:
    """The file with another value at this path, in canonical form: one more, a year later, or another last digit."""
    content = json.loads(file)
    holder: Any = content
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    if isinstance(value, int):
        holder[path[-1]] = value + 1
    elif value.endswith("Z"):
        holder[path[-1]] = value.replace("2026", "2027")
    else:
        holder[path[-1]] = value[:-1] + ("1" if value[-1] != "1" else "2")
    return strict_json.canonical(content)


# --- signatures of a large federation ---


def of_forty() -> Iterator[Forgery]:
    """27 of 40 must sign: each signature changed in either half, too few, and one more than enough."""
    chain = make_chain(40)
    blocks = make_blocks(chain, 7)
    receipt = blocks.receipt(3)
    for bad in range(27):
        for at, half in ((0, "R"), (32, "S")):
            forged = list(receipt.commit.signatures)
            genuine = bytearray(forged[bad].signature)
            genuine[at] ^= 1
            forged[bad] = replace(forged[bad], signature=bytes(genuine))
            name = f"forty agencies, {half} of signature {bad} changed"
            yield Forgery(name, with_signatures(receipt, *forged).encode(), codes.COMMIT_SIGNATURE, chain)
    for count in (0, 1, 13, 25, 26):
        few = blocks.receipt(3, range(count))
        yield Forgery(f"forty agencies, {count} signed", few.encode(), codes.RECEIPT_NO_QUORUM, chain)
    for count in (28, 40):
        many = blocks.receipt(3, range(count))
        yield Forgery(f"forty agencies, {count} signed", many.encode(), codes.RECEIPT_TOO_MANY_SIGNERS, chain)


# --- all of them ---


@cache
def receipt_forgeries() -> tuple[Forgery, ...]:
    """All of the above, and other forms of a good one."""
    file = RECEIPT.encode()
    made = [Forgery(name, make().encode(), cause) for name, (make, cause) in MADE.items()]
    changed = [
        Forgery(f"{'.'.join(map(str, path))} changed", changed_at(file, path), expected_at(path))
        for path in values_in(json.loads(file))
    ]
    forms = [Forgery(*form) for form in bad_forms(file, codes.MALFORMED_RECEIPT)]
    return (*made, *changed, *of_forty(), *forms)
