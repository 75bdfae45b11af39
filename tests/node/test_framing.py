"""Records with checksums: a torn tail is cut, older damage is named (N5, S16)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BrokenStorage
from mvchain.core.limits import MAX_STORED_RECORD_BYTES
from mvchain.node.framing import Format, file_header, parse, record

FORM = Format(b"mvtests", 2, "Restore it.")
PATH = Path("a.log")
MARKER = b"\x11\x22\x33\x44\x55\x66\x77\x88"
HEADER = file_header(FORM, 7, MARKER)
RECORDS = [(1, b"first"), (2, b""), (255, bytes(range(40)))]
FRAMED = [record(MARKER, kind, payload) for kind, payload in RECORDS]
WHOLE = HEADER + b"".join(FRAMED)
STARTS = [len(HEADER) + sum(map(len, FRAMED[:i])) for i in range(len(FRAMED) + 1)]


@given(st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=50))), st.integers(0, 2**64 - 1))
def test_what_was_written_is_read(records: list[tuple[int, bytes]], number: int) -> None:
    data = file_header(FORM, number, MARKER) + b"".join(record(MARKER, *item) for item in records)
    contents = parse(FORM, data, PATH)
    assert contents is not None
    assert (contents.number, contents.marker, contents.records) == (number, MARKER, records)
    assert (contents.intact_bytes, contents.torn) == (len(data), False)


def test_each_cut_leaves_the_records_before_it() -> None:
    for size in range(len(WHOLE)):
        contents = parse(FORM, WHOLE[:size], PATH)
        if size < len(HEADER):
            assert contents is None
            continue
        assert contents is not None
        whole = sum(end <= size for end in STARTS[1:])
        assert contents.records == RECORDS[:whole]
        assert (contents.intact_bytes, contents.torn) == (STARTS[whole], size not in STARTS)


def test_each_flipped_bit_is_cut_in_the_last_record_and_named_in_an_older_one() -> None:
    for at in range(len(WHOLE)):
        for bit in range(8):
            data = bytearray(WHOLE)
            data[at] ^= 1 << bit
            if at >= STARTS[-2]:
                contents = parse(FORM, bytes(data), PATH)
                assert contents is not None
                assert contents.records == RECORDS[:-1]
                assert contents.torn
                continue
            with pytest.raises(BrokenStorage) as caught:
                parse(FORM, bytes(data), PATH)
            if at >= len(HEADER):
                assert caught.value.code == "MV-4005"
                assert caught.value.data["record"] == sum(start <= at for start in STARTS)
            assert caught.value.remedy == "Restore it."


def test_a_lost_stretch_in_the_middle_is_named() -> None:
    data = HEADER + FRAMED[0] + FRAMED[1][3:] + FRAMED[2]
    with pytest.raises(BrokenStorage, match=r"Record 2 of a\.log, at byte 50"):
        parse(FORM, data, PATH)


def test_a_record_planted_in_a_payload_does_not_make_a_torn_tail_look_like_older_damage() -> None:
    planted = record(b"guessed!", 1, b"x")
    tail = record(MARKER, 1, planted + b"rest")
    contents = parse(FORM, HEADER + tail[:-1], PATH)
    assert contents is not None
    assert contents.records == []
    assert contents.torn


def test_another_version_is_named() -> None:
    with pytest.raises(BrokenStorage, match="MV-4003"):
        parse(Format(FORM.magic, 1, ""), WHOLE, PATH)


def test_a_file_of_another_kind_is_named() -> None:
    with pytest.raises(BrokenStorage, match="MV-4006"):
        parse(Format(b"another", 2, "Restore it."), WHOLE, PATH)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_value_or_our_error(data: bytes) -> None:
    for candidate in (data, HEADER + data):
        try:
            contents = parse(FORM, candidate, PATH)
        except BrokenStorage:
            continue
        assert contents is None or contents.intact_bytes <= len(candidate)


def test_bounds_of_a_record() -> None:
    payload = bytes(MAX_STORED_RECORD_BYTES)
    contents = parse(FORM, HEADER + record(MARKER, 1, payload), PATH)
    assert contents is not None
    assert contents.records == [(1, payload)]
    for kind, too_large in ((1, payload + b"x"), (0, b""), (256, b"")):
        with pytest.raises(AssertionError):
            record(MARKER, kind, too_large)
