"""Decoders of what others send: bounded before they read, whole whatever is missing (faults ATK20, ATK21, ATK36)."""

import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args

import pytest

from mvchain.api import rest
from mvchain.api.limits import ApiLimits
from mvchain.core import codec, codes, limits, strict_json
from mvchain.core.errors import BadPeer, BadRequest, MvchainError
from mvchain.ledger.blocks import Block, Commit, Header
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.polls import decode_definition, encode_definition
from mvchain.ledger.transactions import Payload, decode_payload, decode_transaction, encode_payload
from mvchain.node import wire
from mvchain.node.wire import BlockResponse, Message, Transactions
from tests.faults.structures import make
from tests.ledger.document_helpers import GROUPED, make_poll
from tests.ledger.test_blocks import COMMIT, EVIDENCE, FULL, HEADER
from tests.ledger.test_endorsements import PRECOMMIT, PROPOSAL
from tests.node.cluster import make_genesis
from tests.node.test_wire import EXAMPLES, name_of

GROWTH = 48
"""Bytes of memory that one byte of input may become: Python keeps an array of one item in 48, and its head is one."""
DEEP = b"\x91" * 30 + b"\xc0"
"""What grows most of all that is allowed: arrays of one item within each other."""
MESSAGES = sorted(wire._CLASSES.values(), key=lambda cls: cls.TYPE)


def class_name(cls: type) -> str:
    return cls.__name__


def peak(read: Callable[[], object]) -> int:
    """Most bytes that Python held while this was read, refused or not."""
    tracemalloc.start()
    try:
        read()
    except MvchainError:
        pass
    finally:
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return found


def filled(head: bytes, seed: bytes, size: int) -> bytes:
    """An array of arrays of this seed, as long as the bound allows."""
    inner_items = 1_000
    inner = b"\xdc" + inner_items.to_bytes(2, "big") + seed * inner_items
    count = max(1, (size - len(head) - 3) // len(inner))
    if len(inner) > size:
        count, inner = max(1, (size - 8) // len(seed)), seed
    return head + b"\xdc" + count.to_bytes(2, "big") + inner * count


@pytest.mark.parametrize("cls", MESSAGES, ids=class_name)
def test_atk20_a_message_within_its_bound_does_not_grow_beyond_reason(cls: type[Message]) -> None:
    """faults ATK20: a small packed message grew a thousandfold while it was decoded."""
    items = cls._length() if cls is not BlockResponse else 3
    body = filled(bytes((0x90 + items,)) if items < 16 else b"", DEEP, cls.MAX_BYTES)
    body += b"\xc0" * max(0, items - 1)
    assert peak(lambda: wire.decode(bytes((cls.TYPE,)) + body[: cls.MAX_BYTES])) <= GROWTH * cls.MAX_BYTES + 20_000


@pytest.mark.parametrize("cls", MESSAGES, ids=class_name)
def test_atk20_the_size_of_each_message_is_bounded_before_it_is_read(cls: type[Message]) -> None:
    """faults ATK20: one byte over the bound of its type, and what it holds is not looked at."""
    data = bytes((cls.TYPE,)) + b"\xc1" * (cls.MAX_BYTES + 1)
    with pytest.raises(BadPeer) as caught:
        wire.decode(data)
    assert caught.value.cause is codes.TOO_LARGE
    assert peak(lambda: wire.decode(data)) < 20_000


@pytest.mark.parametrize("claimed", [2**16 - 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("cls", [cls for cls in MESSAGES if cls is not BlockResponse], ids=class_name)
def test_atk20_a_claimed_number_of_items_makes_no_room_for_them(cls: type[Message], claimed: int) -> None:
    """faults ATK20, ATK03: the head of an array or byte string is a claim, not a size to allocate."""
    for head in (b"\xdd", b"\xc6", b"\xdb", b"\xdf", b"\xc9"):
        for depth in (0, 1, 8):
            body = b"\xdc\x20\x00" * depth + head + claimed.to_bytes(4, "big")
            assert peak(lambda body=body: wire.decode(bytes((cls.TYPE,)) + body)) < 1_000_000  # type: ignore[misc]


OF_THE_CHAIN: dict[str, tuple[Callable[[bytes], object], bytes, int]] = {
    "header": (Header.decode, HEADER.encode(), limits.MAX_HEADER_BYTES),
    "commit": (Commit.decode, COMMIT.encode(), limits.MAX_COMMIT_BYTES),
    "block": (Block.decode, FULL.encode(), limits.MAX_BLOCK_BYTES),
    "endorsement": (Endorsement.decode, PRECOMMIT.encode(), limits.MAX_ENDORSEMENT_BYTES),
    "proposal": (Proposal.decode, PROPOSAL.encode(), limits.MAX_PROPOSAL_BYTES),
    "evidence": (DuplicateEndorsementEvidence.decode, EVIDENCE.encode(), limits.MAX_EVIDENCE_BYTES),
    "transaction": (decode_transaction, b"\x93\xc0\xc0\xc0", limits.MAX_TRANSACTION_BYTES),
    "payload": (decode_payload, b"\x91\x00", limits.MAX_TRANSACTION_BYTES),
    "definition": (decode_definition, encode_definition(make_poll(GROUPED)), limits.MAX_TRANSACTION_BYTES),
    "genesis": (Genesis.decode, make_genesis(1).encode(), limits.MAX_GENESIS_BYTES),
    "JSON body": (
        partial(rest.decode_batch, media_type="application/json", max_body=ApiLimits().max_body),
        b'{"transactions":["AA=="]}',
        ApiLimits().max_body,
    ),
    "msgpack body": (
        partial(rest.decode_batch, media_type="application/msgpack", max_body=ApiLimits().max_body),
        b"\x91\xc4\x01x",
        ApiLimits().max_body,
    ),
}


@pytest.mark.parametrize("what", OF_THE_CHAIN)
def test_atk20_what_is_too_large_is_refused_before_it_is_read(what: str) -> None:
    """faults ATK20: the same for everything that is read from a peer, a client or a file."""
    decode, good, bound = OF_THE_CHAIN[what]
    data = good + b"\xff" * (bound + 1 - len(good))
    with pytest.raises(MvchainError) as caught:
        decode(data)
    assert caught.value.cause in {codes.TOO_LARGE, codes.BODY_TOO_LARGE}
    assert peak(lambda: decode(data)) < 20_000


FILLINGS = (b"\x0a\x00", b"\x0a\x02\x0a\x00", b"\x22\x00", b"[],", b'"":{},', b"1,", b"\x91\xc0", b"\xc4\x00", b'"",')


@pytest.mark.parametrize("what", OF_THE_CHAIN)
def test_atk20_what_is_read_does_not_grow_beyond_reason(what: str) -> None:
    """faults ATK20: thousands of empty parts within the bound are counted before they are kept."""
    decode, good, bound = OF_THE_CHAIN[what]
    size = min(bound, 32 * 1024)
    for filling in FILLINGS:
        for head in (b"", b"[", b'{"transactions":[', b"\xdc\x1f\xff", good[: len(good) // 2]):
            data = (head + filling * size)[:size]
            assert peak(lambda data=data: decode(data)) <= GROWTH * size + 200_000, (filling, head)  # type: ignore[misc]


def test_atk20_a_packed_body_stays_packed() -> None:
    """faults ATK20: transactions travel as byte strings, so a batch takes no more than its bytes and their heads."""
    batch = Transactions((b"t" * 62,) * limits.MAX_BATCH_ITEMS)
    assert peak(lambda: wire.decode(wire.encode(batch))) < 8 * limits.MAX_BATCH_BYTES


# --- ATK21 ---


@pytest.mark.parametrize(
    "number",
    "1.0 1.5 1e3 1E400 -1e-1 NaN Infinity -Infinity 9007199254740992 9223372036854775807 9223372036854775808 "
    f"18446744073709551616 1{'0' * 400} -9007199254740992 01 +1 0x10 1_000 .5 1.".split(),
)
def test_atk21_numbers_in_json_are_integers_that_every_reader_sees_alike(number: str) -> None:
    """faults ATK21: large numbers were rounded to one value, and so two ids became one."""
    for document in (number, f"[{number}]", f'{{"id":{number}}}', f'{{"a":[{{"b":{number}}}]}}'):
        with pytest.raises(BadRequest):
            strict_json.loads(document.encode(), "a body", max_bytes=10_000)


def test_atk21_no_two_numbers_become_one() -> None:
    """faults ATK21: at both ends of the range each integer is itself."""
    for number in (0, -1, 2**53 - 1, 2**53 - 2, -(2**53) + 1):
        assert strict_json.loads(str(number).encode(), "a body", max_bytes=100) == number


# --- ATK36 ---


NOTHING = (None, b"", "", (), 0, False)


def lacking(value: Any) -> Iterator[Any]:
    """This array with one item left out, doubled, or nothing in its place: at every depth."""
    for i, item in enumerate(value):
        yield (*value[:i], *value[i + 1 :])
        yield (*value[:i], item, item, *value[i + 1 :])
        yield from ((*value[:i], nothing, *value[i + 1 :]) for nothing in NOTHING)
        if type(item) in (tuple, list):
            yield from ((*value[:i], other, *value[i + 1 :]) for other in lacking(tuple(item)))


@pytest.mark.parametrize("message", [m for m in EXAMPLES if not isinstance(m, BlockResponse)], ids=name_of)
def test_atk36_a_message_that_lacks_anything_is_refused_or_whole(message: Message) -> None:
    """faults ATK36: a message whose inner message was missing crashed every node that ordered transactions."""
    for items in (*lacking(message._items()), *NOTHING):
        try:
            found = wire.decode(bytes((message.TYPE,)) + codec.encode(items))
        except BadPeer:
            continue
        assert wire.decode(wire.encode(found)) == found


@pytest.mark.parametrize("payload", get_args(Payload), ids=class_name)
def test_atk36_a_payload_that_lacks_anything_is_refused_or_whole(payload: type) -> None:
    """faults ATK36: the same for what a submitter signs."""
    items = codec.decode(encode_payload(make(payload)), "payload", max_bytes=limits.MAX_TRANSACTION_BYTES)
    for other in (*lacking(items), *NOTHING):
        data = codec.encode(other)
        try:
            found = decode_payload(data)
        except MvchainError:
            continue
        assert encode_payload(found) == data


@pytest.mark.parametrize("size", range(13))
def test_atk36_a_block_response_that_ends_early_is_refused_or_whole(size: int) -> None:
    """faults ATK36: the one message of another layout."""
    body = (b"\x00" * 7 + b"\x01" + b"\x00\x00\x00\x01" + b"c")[:size]
    try:
        found = wire.decode(bytes((BlockResponse.TYPE,)) + body)
    except BadPeer:
        assert size < 13
        return
    assert wire.encode(found)[1:] == body


def _fields_of(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each field of a protobuf message begins and ends."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            _, at = _varint(data, at)
        elif tag & 7 == 1:
            at += 8
        else:
            size, at = _varint(data, at)
            at += size
        yield start, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


@pytest.mark.parametrize("what", ["header", "commit", "block", "endorsement", "proposal", "evidence"])
def test_atk36_a_structure_of_the_chain_that_lacks_a_field_is_refused_or_whole(what: str) -> None:
    """faults ATK36: each field left out, doubled, or empty; whatever is read is written with the same bytes."""
    decode, good, _ = OF_THE_CHAIN[what]
    places = list(_fields_of(good))
    assert len(places) >= 4
    for start, end in places:
        field = good[start:end]
        for other in (b"", field * 2, field[:1] + b"\x00"):
            data = good[:start] + other + good[end:]
            try:
                found: Any = decode(data)
            except MvchainError:
                continue
            assert found.encode() == data


@pytest.mark.parametrize("value", ["null", "[]", "{}", '""', "0", "false", "[null]", '[""]', "[[]]", "[{}]", "[0]"])
def test_atk36_a_body_that_lacks_anything_is_refused(value: str) -> None:
    """faults ATK36: the same for what a client posts; only one empty transaction is readable, and no transaction."""
    for body in (value, f'{{"transactions":{value}}}', f'{{"transactions":{value},"x":1}}', f'{{"x":{value}}}'):
        if body == '{"transactions":[""]}':
            assert rest.decode_batch(body.encode(), "application/json", 1_000) == (b"",)
            continue
        with pytest.raises(BadRequest):
            rest.decode_batch(body.encode(), "application/json", 1_000)
