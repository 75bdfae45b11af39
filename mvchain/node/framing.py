"""Files of records with checksums: the form of the log and of the journal (N5, N6).

    file   = magic (7) version (1) number (8) marker (8) CRC-32 of these (4), then records
    record = marker (8) length of the payload (4) CRC-32 (4) kind (1) payload

Integers are big-endian; a record's CRC covers length, kind and payload. The marker is random, the same all through a
file. It tells a torn tail, which a crash leaves, from damage further up: if an intact record starts anywhere behind a
damaged one, the damage is older. Nobody can plant such a record in a payload without knowing the marker.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from zlib import crc32

from mvchain.core import codes
from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import MAX_STORED_RECORD_BYTES

MARKER_BYTES = 8
_HEADER = Struct(">7sBQ8sI")
_HEADER_BODY_BYTES = _HEADER.size - 4
_RECORD = Struct(">8sIIB")
_CHECKED = Struct(">IB")


@dataclass(frozen=True, slots=True)
class Format:
    """What a kind of file begins with, and what its operator can do if one is damaged."""

    magic: bytes
    """7 bytes."""
    version: int
    remedy: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found in a file."""

    number: int
    """The one from its header: a height, or the place of a segment."""
    marker: bytes
    records: list[tuple[int, bytes]]
    """Kind and payload of each."""
    intact_bytes: int
    """Up to the end of the last of them."""
    torn: bool
    """Whether a part of a record follows, as a crash in the middle of a write leaves it."""


def file_header(form: Format, number: int, marker: bytes) -> bytes:
    """The first bytes of a file."""
    packed = _HEADER.pack(form.magic, form.version, number, marker, 0)[:_HEADER_BODY_BYTES]
    return packed + crc32(packed).to_bytes(4, "big")


def record(marker: bytes, kind: int, payload: bytes) -> bytes:
    """One record; `kind` from 1 to 255."""
    assert 0 < kind < 256, kind
    assert len(payload) <= MAX_STORED_RECORD_BYTES, len(payload)
    return _RECORD.pack(marker, len(payload), _checksum(kind, payload), kind) + payload


def parse(form: Format, data: bytes, path: Path) -> Contents | None:
    """The records of a file up to its torn tail; None if not even the header was written whole.

    Raises:
        BrokenStorage: header or a record other than the last is damaged, or a newer program wrote the file.
    """
    if len(data) < _HEADER.size:
        return None
    magic, version, number, marker, checksum = _HEADER.unpack_from(data)
    if magic != form.magic or crc32(data[:_HEADER_BODY_BYTES]) != checksum:
        raise BrokenStorage(codes.FILE_DAMAGED, path=path, why="its first bytes are wrong", remedy=form.remedy)
    if version != form.version:
        raise BrokenStorage(codes.NEWER_FORMAT, path=path, version=version, known=form.version)
    records: list[tuple[int, bytes]] = []
    offset = _HEADER.size
    while offset < len(data):
        found = _record_at(data, offset, marker)
        if found is None:
            if any(_record_at(data, later, marker) for later in _occurrences(data, marker, offset + 1)):
                raise BrokenStorage(
                    codes.RECORD_DAMAGED, path=path, record=len(records) + 1, offset=offset, remedy=form.remedy
                )
            break
        records.append(found)
        offset += _RECORD.size + len(found[1])
    return Contents(number, marker, records, offset, torn=offset < len(data))


def _record_at(data: bytes, offset: int, marker: bytes) -> tuple[int, bytes] | None:
    start = offset + _RECORD.size
    if start > len(data):
        return None
    found_marker, size, checksum, kind = _RECORD.unpack_from(data, offset)
    if found_marker != marker or size > MAX_STORED_RECORD_BYTES or start + size > len(data):
        return None
    payload = data[start : start + size]
    return (kind, payload) if _checksum(kind, payload) == checksum else None


def _occurrences(data: bytes, marker: bytes, start: int) -> Iterator[int]:
    while (start := data.find(marker, start)) >= 0:
        yield start
        start += 1


def _checksum(kind: int, payload: bytes) -> int:
    return crc32(payload, crc32(_CHECKED.pack(len(payload), kind)))
