"""Canonical msgpack: the form of everything on the wire and on disk that is not protobuf (ledger L1).

Arrays, integers of 64 bits, byte strings, texts, booleans and nil; no maps, floats or extension types (H12).
One value has one encoding: the shortest. A decoder sees the size first, then the bytes, and compares what it
found, encoded again, with what it was given.
"""

import builtins
from typing import NoReturn, TypeAlias

import msgpack

from mvchain.core import codes
from mvchain.core.errors import BadTransaction, MvchainError
from mvchain.core.limits import MAX_ARRAY_ITEMS, MAX_NESTING

Value: TypeAlias = "tuple[Value, ...] | int | bytes | str | bool | None"
"""What decoding gives; arrays are tuples."""

# Floats of 4 bytes are the only ones this packer writes, so of all floats these alone survive the comparison.
_pack = msgpack.Packer(use_single_float=True).pack
_FLOAT = 0xCA
_ARRAYS = (*range(0x90, 0xA0), 0xDC, 0xDD)
_HARMLESS = bytes(byte for byte in range(256) if byte != _FLOAT and byte not in _ARRAYS)
"""Bytes that, wherever they stand, begin neither a float nor an array."""
_NESTED_OR_FLOAT = frozenset((tuple, float))


def encode(value: object) -> bytes:
    """The canonical bytes of `value`: tuples or lists, ints within 64 bits, bytes, str, bool and None."""
    packed: bytes = _pack(value)
    return packed


def decode(data: bytes, what: str, *, max_bytes: int, error: type[MvchainError] = BadTransaction) -> Value:
    """The one value that `data` is the canonical encoding of; raises `error`, and nothing else."""
    size = len(data)
    if size > max_bytes:
        raise error(codes.TOO_LARGE, what=what, size=size, limit=max_bytes)
    try:
        value: Value = msgpack.unpackb(
            data,
            use_list=False,
            object_pairs_hook=_refuse_map,
            ext_hook=_refuse_extension,
            max_ext_len=0,
            # Unpackers may take memory for an array on the word of its header, and for the arrays within it
            # likewise: without a bound 1 MiB of input could claim gigabytes (ATK20).
            max_array_len=min(size, MAX_ARRAY_ITEMS),
        )
        canonical = _pack(value) == data
    except (ValueError, OverflowError, msgpack.UnpackException) as fault:
        raise error(codes.MALFORMED, what=what, why=f"it is not plain msgpack ({fault})") from None
    if not canonical:
        raise error(codes.NOT_CANONICAL, what=what)
    # Looking into the value is slow, and nearly always needless: most data has few such bytes.
    suspects = data.translate(None, _HARMLESS)
    if len(suspects) > MAX_NESTING or _FLOAT in suspects:
        _check_inside(value, MAX_NESTING, what, error)
    return value


def _refuse_map(_pairs: object) -> NoReturn:
    raise ValueError("a map")


def _refuse_extension(code: int, _data: bytes) -> NoReturn:
    raise ValueError(f"extension type {code}")


def _check_inside(value: Value, levels: int, what: str, error: type[MvchainError]) -> None:
    """Refuses floats and arrays that nest deeper than `levels`."""
    if type(value) is not tuple:
        if isinstance(value, float):
            raise error(codes.MALFORMED, what=what, why="it holds a floating-point number")
    elif levels == 0:
        raise error(codes.TOO_DEEP, what=what, limit=MAX_NESTING)
    else:
        for item in value:
            if type(item) in _NESTED_OR_FLOAT:
                _check_inside(item, levels - 1, what, error)


class Fields:
    """Typed access to the items of a decoded array of a known length; each method raises `error` on a misfit.

    Types are exact: True is not an integer. Bounds include both ends.
    """

    __slots__ = ("_error", "_items", "_what")

    def __init__(self, value: object, n: int, what: str, error: type[MvchainError] = BadTransaction) -> None:
        if type(value) is not tuple or len(value) != n:
            raise error(codes.MALFORMED, what=what, why=f"it is not an array of {n}")
        self._items = value
        self._what = what
        self._error = error

    def int(self, i: builtins.int, name: str, lo: builtins.int, hi: builtins.int) -> builtins.int:
        """Item `i`: an integer from `lo` to `hi`."""
        value = self._items[i]
        if type(value) is not int:
            self._misfit(name, "not an integer")
        if not lo <= value <= hi:
            self._misfit(name, f"{value}, not from {lo} to {hi}")
        return value

    def bytes(self, i: builtins.int, name: str, size: builtins.int) -> builtins.bytes:
        """Item `i`: exactly `size` bytes."""
        value = self._items[i]
        if type(value) is not bytes or len(value) != size:
            self._misfit(name, f"not {size} bytes")
        return value

    def blob(self, i: builtins.int, name: str, max_bytes: builtins.int) -> builtins.bytes:
        """Item `i`: at most `max_bytes` bytes."""
        value = self._items[i]
        if type(value) is not bytes or len(value) > max_bytes:
            self._misfit(name, f"not at most {max_bytes} bytes")
        return value

    def text(self, i: builtins.int, name: str, max_bytes: builtins.int) -> str:
        """Item `i`: a text of at most `max_bytes` bytes of UTF-8."""
        value = self._items[i]
        if type(value) is not str or len(value.encode()) > max_bytes:
            self._misfit(name, f"not a text of at most {max_bytes} bytes")
        return value

    def bool(self, i: builtins.int, name: str) -> builtins.bool:
        """Item `i`: true or false."""
        value = self._items[i]
        if type(value) is not bool:
            self._misfit(name, "not true or false")
        return value

    def array(self, i: builtins.int, name: str, max_items: builtins.int) -> tuple[Value, ...]:
        """Item `i`: an array of at most `max_items`."""
        value = self._items[i]
        if type(value) is not tuple or len(value) > max_items:
            self._misfit(name, f"not an array of at most {max_items}")
        return value

    def _misfit(self, name: str, why: str) -> NoReturn:
        raise self._error(codes.MALFORMED, what=self._what, why=f"{name} is {why}")
