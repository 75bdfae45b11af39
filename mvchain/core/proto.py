"""The protobuf wire subset of the consensus bytes: canonical writers and a strict reader (C11 to C15).

One object has one encoding. The reader takes the fields in ascending order and accepts a field only in the
form in which the writers make it; whatever else is there is left over and refused by `Reader.end`.
"""

import builtins
from functools import cache

from mvchain.core import codes
from mvchain.core.errors import BadProof, MvchainError

_VARINT = 0
_FIXED64 = 1
_BYTES = 2

_WORD = 1 << 64
_MAX_INT64 = (1 << 63) - 1
_ONE_BYTE = tuple(bytes((n,)) for n in range(0x80))


def varint(value: int) -> bytes:
    """uv of C11: `value` mod 2^64 as an unsigned LEB128; a negative one takes 10 bytes."""
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    value %= _WORD
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@cache
def _tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def varint_field(number: int, value: int) -> bytes:
    """var of C12: an integer, boolean or enum; left out when zero."""
    return _tag(number, _VARINT) + varint(value) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """byt of C12: bytes or UTF-8; left out when empty."""
    return message_field(number, value) if value else b""


def message_field(number: int, message: bytes) -> bytes:
    """msg of C12: an embedded message or an element of a repeated field; never left out (C13)."""
    return _tag(number, _BYTES) + varint(len(message)) + message


def sfixed64_field(number: int, value: int) -> bytes:
    """sfix of C12: 8 bytes little-endian, signed; left out when zero."""
    return _tag(number, _FIXED64) + value.to_bytes(8, "little", signed=True) if value else b""


def delimited(message: bytes) -> bytes:
    """dlm of C14: the message after its length."""
    return varint(len(message)) + message


class Reader:
    """Reads one message field by field, in ascending order of numbers; then call `end`.

    Raises `error` for everything that the writers above would not have written (C15): over-long varints,
    defaults spelled out, fields unknown, twice, out of order or of another wire type, trailing bytes.
    """

    __slots__ = ("_data", "_error", "_position", "_what")

    def __init__(self, data: bytes, what: str, error: type[MvchainError] = BadProof) -> None:
        self._data = data
        self._what = what
        self._error = error
        self._position = 0

    def uint64(self, number: int) -> int:
        """An integer from 0 to 2^64 - 1; 0 if absent."""
        if not self._starts(number, _VARINT):
            return 0
        value = self._varint()
        if value == 0:
            raise self._malformed(f"field {number} spells out its default")
        return value

    def int64(self, number: int) -> int:
        """An integer from -2^63 to 2^63 - 1; 0 if absent."""
        value = self.uint64(number)
        return value if value <= _MAX_INT64 else value - _WORD

    def int32(self, number: int) -> int:
        """An integer from -2^31 to 2^31 - 1; 0 if absent."""
        return self._within(number, self.int64(number), -(1 << 31), (1 << 31) - 1)

    def uint32(self, number: int) -> int:
        """An integer from 0 to 2^32 - 1; 0 if absent."""
        return self._within(number, self.uint64(number), 0, (1 << 32) - 1)

    def sfixed64(self, number: int) -> int:
        """An integer from -2^63 to 2^63 - 1; 0 if absent."""
        if not self._starts(number, _FIXED64):
            return 0
        value = int.from_bytes(self._take(8), "little", signed=True)
        if value == 0:
            raise self._malformed(f"field {number} spells out its default")
        return value

    def bytes(self, number: int) -> builtins.bytes:
        """Bytes; empty if absent."""
        value = self.optional_message(number)
        if value == b"":
            raise self._malformed(f"field {number} spells out its default")
        return value or b""

    def text(self, number: int) -> str:
        """A text in UTF-8; empty if absent."""
        try:
            return self.bytes(number).decode()
        except UnicodeDecodeError:
            raise self._malformed(f"field {number} is not UTF-8") from None

    def message(self, number: int) -> builtins.bytes:
        """The bytes of an embedded message that is always written (C13)."""
        value = self.optional_message(number)
        if value is None:
            raise self._malformed(f"field {number} is missing")
        return value

    def optional_message(self, number: int) -> builtins.bytes | None:
        """The bytes of an embedded message, None if absent."""
        return self._take(self._varint()) if self._starts(number, _BYTES) else None

    def messages(self, number: int, max_items: int) -> tuple[builtins.bytes, ...]:
        """The elements of a repeated field of messages or bytes."""
        found: list[builtins.bytes] = []
        while (element := self.optional_message(number)) is not None:
            if len(found) == max_items:
                raise self._malformed(f"field {number} has more than {max_items} elements")
            found.append(element)
        return tuple(found)

    def end(self) -> None:
        """The message must be over."""
        if self._position != len(self._data):
            raise self._malformed(f"unexpected bytes from offset {self._position} on")

    def _starts(self, number: int, wire_type: int) -> bool:
        tag = _tag(number, wire_type)
        if not self._data.startswith(tag, self._position):
            return False
        self._position += len(tag)
        return True

    def _varint(self) -> int:
        data, start = self._data, self._position
        value = shift = 0
        for position in range(start, min(start + 10, len(data))):
            byte = data[position]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >= _WORD or (byte == 0 and position > start):
                    break
                self._position = position + 1
                return value
            shift += 7
        raise self._malformed(f"no canonical varint at offset {start}")

    def _take(self, size: int) -> builtins.bytes:
        start = self._position
        self._position = start + size
        if self._position > len(self._data):
            raise self._malformed(f"it ends within the {size} bytes from offset {start} on")
        return self._data[start : self._position]

    def _within(self, number: int, value: int, lo: int, hi: int) -> int:
        if not lo <= value <= hi:
            raise self._malformed(f"field {number} is {value}, not from {lo} to {hi}")
        return value

    def _malformed(self, why: str) -> MvchainError:
        return self._error(codes.MALFORMED, what=self._what, why=why)
