"""The protobuf subset (C11 to C15): the examples of the specification, and strictness by re-encoding."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BadPeer, BadProof
from mvchain.core.proto import (
    Reader,
    bytes_field,
    delimited,
    message_field,
    sfixed64_field,
    varint,
    varint_field,
)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2**64 - 1, "ffffffffffffffffff01"),
        (-1, "ffffffffffffffffff01"),
        (-62135596800, "8092b8c398feffffff01"),
    ],
)
def test_varint(value: int, wanted: str) -> None:
    assert varint(value).hex() == wanted


def test_fields_as_the_specification_shows_them() -> None:
    assert varint_field(4, -1).hex() == "20ffffffffffffffffff01"  # C42
    assert message_field(2, b"").hex() == "1200"  # C13
    assert delimited(message_field(2, b"")).hex() == "021200"  # C154, Flush
    echo = message_field(2, bytes_field(1, b"hi"))
    assert delimited(echo).hex() == "0612040a026869"  # C154, Echo
    assert sfixed64_field(2, 1).hex() == "110100000000000000"  # C45
    assert sfixed64_field(2, -2).hex() == "11feffffffffffffff"
    assert varint_field(1000, 1).hex() == "c03e01"


def test_defaults_are_left_out() -> None:
    assert varint_field(1, 0) == bytes_field(1, b"") == sfixed64_field(1, 0) == b""


@dataclass(frozen=True)
class Sample:
    """One field of every kind, in ascending order."""

    unsigned: int = 0
    signed: int = 0
    small: int = 0
    count: int = 0
    fixed: int = 0
    data: bytes = b""
    text: str = ""
    always: bytes = b""
    optional: bytes | None = None
    repeated: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        return (
            varint_field(1, self.unsigned)
            + varint_field(2, self.signed)
            + varint_field(3, self.small)
            + varint_field(5, self.count)
            + sfixed64_field(6, self.fixed)
            + bytes_field(7, self.data)
            + bytes_field(8, self.text.encode())
            + message_field(9, self.always)
            + (b"" if self.optional is None else message_field(10, self.optional))
            + b"".join(message_field(20, item) for item in self.repeated)
        )

    @classmethod
    def decode(cls, data: bytes) -> "Sample":
        reader = Reader(data, "the sample", BadPeer)
        found = cls(
            reader.uint64(1),
            reader.int64(2),
            reader.int32(3),
            reader.uint32(5),
            reader.sfixed64(6),
            reader.bytes(7),
            reader.text(8),
            reader.message(9),
            reader.optional_message(10),
            reader.messages(20, 3),
        )
        reader.end()
        return found


samples = st.builds(
    Sample,
    unsigned=st.integers(0, 2**64 - 1),
    signed=st.integers(-(2**63), 2**63 - 1),
    small=st.integers(-(2**31), 2**31 - 1),
    count=st.integers(0, 2**32 - 1),
    fixed=st.integers(-(2**63), 2**63 - 1),
    data=st.binary(max_size=200),
    text=st.text(max_size=20),
    always=st.binary(max_size=10),
    optional=st.none() | st.binary(max_size=10),
    repeated=st.lists(st.binary(max_size=10), max_size=3).map(tuple),
)


@given(samples)
def test_what_is_written_is_read(sample: Sample) -> None:
    assert Sample.decode(sample.encode()) == sample


@given(samples, st.data())
def test_what_is_read_has_one_encoding(sample: Sample, data: st.DataObject) -> None:
    raw = bytearray(sample.encode())
    at = data.draw(st.integers(0, len(raw)))
    raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    check_any(bytes(raw))


@given(st.binary(max_size=40))
def test_any_bytes_give_a_value_or_our_error(data: bytes) -> None:
    check_any(data)


def check_any(raw: bytes) -> None:
    try:
        found = Sample.decode(raw)
    except BadPeer:
        return
    assert found.encode() == raw


ALWAYS = "4a00"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a default spelled out", "0800" + ALWAYS),
        ("a default of 8 bytes", "310000000000000000" + ALWAYS),
        ("empty bytes", "3a00" + ALWAYS),
        ("a varint with a needless byte", "088100" + ALWAYS),
        ("a zero of two bytes", "088000" + ALWAYS),
        ("a varint above 64 bits", "08ffffffffffffffffff02" + ALWAYS),
        ("a varint of 11 bytes", "08808080808080808080808001" + ALWAYS),
        ("a varint that is cut", "08ff"),
        ("a tag with a needless byte", "880001" + ALWAYS),
        ("a field twice", "08010801" + ALWAYS),
        ("fields out of order", "10010801" + ALWAYS),
        ("an unknown field between", "2001" + ALWAYS),
        ("an unknown field at the end", ALWAYS + "a80101"),
        ("another wire type", "0a0101" + ALWAYS),
        ("a group", ALWAYS + "a301a401"),
        ("an int32 above its range", "188080808008" + ALWAYS),
        ("an int32 of 5 bytes, not sign-extended", "18ffffffff0f" + ALWAYS),
        ("a uint32 above its range", "288080808010" + ALWAYS),
        ("text that is not UTF-8", "4201ff" + ALWAYS),
        ("bytes that are cut", "3a05616263"),
        ("a length of 2^63", "3a8080808080808080800161" + ALWAYS),
        ("8 bytes that are cut", "3101"),
        ("a missing message", ""),
        ("an element too many", ALWAYS + "a20100" * 4),
        ("bytes behind the last field", ALWAYS + "00"),
        ("a lone tag", ALWAYS + "a201"),
    ],
)
def test_other_encodings_are_refused(name: str, data: str) -> None:
    with pytest.raises(BadPeer, match="the sample is malformed"):
        Sample.decode(bytes.fromhex(data))
    assert Sample.decode(bytes.fromhex(ALWAYS)) == Sample(), name


@pytest.mark.parametrize("data", ["3a05616263", "3a8080808080808080800161", "3101", "4a01"])
def test_a_message_that_is_cut_is_refused_where_it_ends(data: str) -> None:
    with pytest.raises(BadPeer, match="it ends within"):
        Sample.decode(bytes.fromhex(data))


def test_the_family_of_errors_is_bad_proof_unless_said_otherwise() -> None:
    with pytest.raises(BadProof):
        Reader(b"\x00", "it").end()
