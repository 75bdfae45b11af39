"""Canonical msgpack: one encoding per value (ledger L1), nothing else decodes (security H12, ATK20)."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.codec import Fields, decode, encode
from mvchain.core.errors import BadPeer, BadTransaction, Cause
from mvchain.core.limits import MAX_ARRAY_ITEMS, MAX_NESTING
from tests.core.helpers import slow_msgpack

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=20).map(tuple),
    max_leaves=20,
)


def refusal(data: bytes, max_bytes: int = 1 << 20) -> Cause:
    with pytest.raises(BadPeer) as caught:
        decode(data, "the message", max_bytes=max_bytes, error=BadPeer)
    assert "the message" in str(caught.value)
    return caught.value.cause


@given(values)
def test_values_come_back_and_have_the_bytes_of_the_specification(value: object) -> None:
    data = encode(value)
    assert data == slow_msgpack(value)
    assert decode(data, "it", max_bytes=len(data)) == value


BORDERS = (
    *(0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63, 2**64 - 1),
    *(-1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**63)),
    *(bytes(255), bytes(256), bytes(65535), bytes(65536)),
    *("a" * 31, "a" * 32, "a" * 255, "a" * 256, "한" * 99),
    *((0,) * 15, (0,) * 16, (0,) * MAX_ARRAY_ITEMS),
)


@pytest.mark.parametrize("value", BORDERS, ids=lambda value: repr(value)[:20])
def test_the_borders_between_forms(value: object) -> None:
    data = encode(value)
    assert data == slow_msgpack(value)
    assert decode(data, "it", max_bytes=len(data)) == value


def test_lists_and_enumerations_are_written_as_what_they_stand_for() -> None:
    assert encode([True, [1]]) == bytes.fromhex("92c39101")


LONG_INTEGERS = "cc05 cd00ff ce0000ffff cf00000000ffffffff d005 d0ff d1ff80 d2ffff8000 d30000000000000001"
LONG_HEADS = "d90161 da000161 db0000000161 c5000100 c60000000100 dc000101 dd0000000101"


@pytest.mark.parametrize("data", f"{LONG_INTEGERS} {LONG_HEADS}".split())
def test_a_longer_form_of_a_value_is_not_canonical(data: str) -> None:
    raw = bytes.fromhex(data)
    assert refusal(raw) is codes.NOT_CANONICAL
    assert refusal(b"\x92\x01" + raw) is codes.NOT_CANONICAL


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing", b""),
        ("a byte too many", b"\x01\x00"),
        ("a float of 8 bytes", b"\xcb" + struct.pack(">d", 1.5)),
        ("a float of 4 bytes", b"\xca" + struct.pack(">f", 1.5)),
        ("a float of 4 bytes that is no number", b"\xca\x7f\xc0\x00\x00"),
        ("a float within arrays", b"\x91\x92\x01\xca" + struct.pack(">f", 1.5)),
        ("a float at the deepest level", b"\x91" * MAX_NESTING + b"\xca" + struct.pack(">f", 1.5)),
        ("an empty map", b"\x80"),
        ("a map", b"\x81\x01\x02"),
        ("a map with an array as key", b"\x81\x91\x01\x02"),
        ("a map of 16 bits", b"\xde\x00\x00"),
        ("an extension of 1 byte", b"\xd4\x05\x00"),
        ("an empty extension", b"\xc7\x00\x05"),
        ("a timestamp of 4 bytes", b"\xd6\xff\x00\x00\x00\x01"),
        ("a timestamp of 12 bytes", b"\xc7\x0c\xff" + bytes(12)),
        ("an empty timestamp", b"\xc7\x00\xff"),
        ("the byte that is never used", b"\xc1"),
        ("text that is not UTF-8", b"\xa1\xff"),
        ("a surrogate in UTF-8", b"\xa3\xed\xa0\x80"),
        ("an array that is cut", b"\x92\x01"),
        ("bytes that are cut", b"\xc4\x05abc"),
        ("an array of 2^32 - 1", b"\xdd\xff\xff\xff\xff"),
        ("deep nesting", b"\x91" * 100_000 + b"\x01"),
        ("deep nesting, cut", b"\x91" * 100_000),
        ("an array above the bound", slow_msgpack((0,) * (MAX_ARRAY_ITEMS + 1))),
        ("claims of nested arrays", (b"\xdd\x00\x0f\xff\xff" * 400).ljust(1 << 20, b"\x00")),
    ],
)
def test_what_is_no_value_of_ours_is_refused(name: str, data: bytes) -> None:
    assert refusal(data) in (codes.MALFORMED, codes.NOT_CANONICAL), name


def test_arrays_nest_so_far_and_no_further() -> None:
    fitting = b"\x92\x00" * (MAX_NESTING - 1) + b"\x90"
    assert encode(decode(fitting, "it", max_bytes=99)) == fitting
    assert refusal(b"\x92\x00" * MAX_NESTING + b"\x90") is codes.TOO_DEEP
    assert refusal(b"\x91" * 1000 + b"\x01") is codes.TOO_DEEP
    # Wide is not deep.
    wide = encode(((1, 2),) * 100)
    assert decode(wide, "it", max_bytes=999) == ((1, 2),) * 100


def test_a_byte_string_may_hold_the_byte_that_begins_a_float() -> None:
    assert decode(b"\x91\xc4\x01\xca", "it", max_bytes=4) == (b"\xca",)


def test_the_size_is_checked_before_anything_else() -> None:
    assert decode(b"\xa2ab", "it", max_bytes=3) == "ab"
    assert refusal(b"\xa2ab", max_bytes=2) is codes.TOO_LARGE
    assert refusal(b"\xc1" * 10, max_bytes=9) is codes.TOO_LARGE


def test_a_refused_value_leaves_the_packer_clean() -> None:
    with pytest.raises(TypeError):
        encode((1, object()))
    assert encode((1,)) == b"\x91\x01"


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_in_canonical_form_or_our_error(data: bytes) -> None:
    try:
        value = decode(data, "it", max_bytes=50)
    except BadTransaction:
        return
    assert slow_msgpack(value) == data


@given(values, st.data())
def test_any_damage_gives_a_value_in_canonical_form_or_our_error(value: object, data: st.DataObject) -> None:
    raw = bytearray(encode(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(raw), "it", max_bytes=1 << 20)
    except BadTransaction:
        return
    assert slow_msgpack(found) == raw


# --- Fields ---

RECORD = (7, b"abc", "한글", True, (1, 2))


def fields() -> Fields:
    return Fields(RECORD, 5, "the record", BadPeer)


def test_fields_give_what_is_there() -> None:
    record = fields()
    assert (record.int(0, "n", 7, 7), record.bytes(1, "b", 3), record.blob(1, "b", 3)) == (7, b"abc", b"abc")
    assert (record.text(2, "t", 6), record.bool(3, "f"), record.array(4, "a", 2)) == ("한글", True, (1, 2))


@pytest.mark.parametrize(
    "read",
    [
        lambda f: f.int(0, "name", 0, 6),
        lambda f: f.int(0, "name", 8, 9),
        lambda f: f.int(3, "name", 0, 9),
        lambda f: f.int(1, "name", 0, 9),
        lambda f: f.bytes(1, "name", 2),
        lambda f: f.bytes(1, "name", 4),
        lambda f: f.bytes(2, "name", 6),
        lambda f: f.blob(1, "name", 2),
        lambda f: f.blob(2, "name", 9),
        lambda f: f.text(2, "name", 5),
        lambda f: f.text(1, "name", 9),
        lambda f: f.bool(0, "name"),
        lambda f: f.array(4, "name", 1),
        lambda f: f.array(1, "name", 9),
    ],
)
def test_a_misfit_names_record_and_field(read: Callable[[Fields], object]) -> None:
    with pytest.raises(BadPeer, match="the record is malformed: name is ") as caught:
        read(fields())
    assert caught.value.cause is codes.MALFORMED


@pytest.mark.parametrize("value", [RECORD[:4], (*RECORD, 1), list(RECORD), 5, None, b"abcde"])
def test_a_record_is_an_array_of_its_length(value: object) -> None:
    with pytest.raises(BadTransaction, match="not an array of 5"):
        Fields(value, 5, "the record")
