import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BadConfiguration, BadProof
from mvchain.core.proto import delimited, message_field, sfixed64_field, varint_field
from mvchain.core.timestamps import (
    GO_ZERO_TIME_NS,
    MAX_TIME_NS,
    NS_PER_MS,
    decode_timestamp,
    encode_timestamp,
    format_rfc3339,
    parse_rfc3339,
)
from mvchain.core.types import TimeNs

times = st.integers(GO_ZERO_TIME_NS, MAX_TIME_NS).map(TimeNs)


def test_the_zero_time_of_go_takes_11_bytes_and_the_epoch_none() -> None:
    assert encode_timestamp(GO_ZERO_TIME_NS).hex() == "088092b8c398feffffff01"  # C17
    assert encode_timestamp(TimeNs(0)) == b""


def test_the_nil_precommit_of_c45() -> None:
    fields = varint_field(1, 2) + sfixed64_field(2, 1) + sfixed64_field(3, 1)
    signed = delimited(fields + message_field(5, encode_timestamp(GO_ZERO_TIME_NS)))
    assert signed.hex() == "2108021101000000000000001901000000000000002a0b088092b8c398feffffff01"


def test_the_time_of_the_precommit_of_c45() -> None:
    encoded = bytes.fromhex("08e5c193a30610bc90d5a002")
    time_ns = decode_timestamp(encoded, "the time")
    assert time_ns == 1_684_332_773 * 10**9 + 605_374_524
    assert encode_timestamp(time_ns) == encoded


@given(times)
def test_a_time_comes_back(time_ns: TimeNs) -> None:
    assert decode_timestamp(encode_timestamp(time_ns), "it") == time_ns
    assert parse_rfc3339(format_rfc3339(time_ns), "it") == time_ns


def test_a_time_before_the_epoch_has_positive_nanoseconds() -> None:
    assert encode_timestamp(TimeNs(-1)) == varint_field(1, -1) + varint_field(2, 999_999_999)


@pytest.mark.parametrize(
    "data",
    [
        varint_field(2, 10**9),
        varint_field(2, -1),
        varint_field(1, -62_135_596_801),
        varint_field(1, 253_402_300_800),
        varint_field(1, 2**63 - 1),
        varint_field(2, 1) + varint_field(1, 1),
        varint_field(1, 1) + varint_field(3, 1),
        b"\x08\x00",
    ],
)
def test_no_time_of_years_1_to_9999(data: bytes) -> None:
    with pytest.raises(BadConfiguration):
        decode_timestamp(data, "the time", BadConfiguration)


@given(st.binary(max_size=16))
def test_any_bytes_give_a_time_or_our_error(data: bytes) -> None:
    try:
        time_ns = decode_timestamp(data, "the time")
    except BadProof:
        return
    assert encode_timestamp(time_ns) == data


@pytest.mark.parametrize("time_ns", [GO_ZERO_TIME_NS - 1, MAX_TIME_NS + 1])
def test_encoding_a_time_that_is_none_is_a_bug(time_ns: int) -> None:
    with pytest.raises(AssertionError):
        encode_timestamp(TimeNs(time_ns))


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (500 * NS_PER_MS, "1970-01-01T00:00:00.5Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (10**9 + 120_000_000, "1970-01-01T00:00:01.12Z"),
        (GO_ZERO_TIME_NS, "0001-01-01T00:00:00Z"),
        (MAX_TIME_NS, "9999-12-31T23:59:59.999999999Z"),
        (951_782_400 * 10**9, "2000-02-29T00:00:00Z"),
    ],
)
def test_rfc3339(time_ns: int, text: str) -> None:
    assert format_rfc3339(TimeNs(time_ns)) == text
    assert parse_rfc3339(text, "it") == time_ns


NO_TIMES = (
    *("", "now", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00:00+00:00", "1970-01-01t00:00:00z"),
    *("1970-13-01T00:00:00Z", "1970-02-30T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:00:60Z"),
    *("0000-01-01T00:00:00Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.0000000001Z"),
    *("1970-01-01T00:00:00Z\n", "١٩٧٠-01-01T00:00:00Z"),
)


@pytest.mark.parametrize("text", NO_TIMES)
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(BadProof, match="the time"):
        parse_rfc3339(text, "the time")


def test_the_times_of_recorded_answers(shared_dir: Path) -> None:
    recorded = json.loads((shared_dir / "vectors/cometbft/rpc_v0_38_kvstore.json").read_text())
    found = [text for text in strings(recorded) if re.match(r"\d{4}-\d\d-\d\dT", text)]
    assert len(found) > 100
    for text in found:
        assert format_rfc3339(parse_rfc3339(text, "it")) == text


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
