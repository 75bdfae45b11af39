"""Points in time as headers and precommits carry them (C16, C17), and as people and JSON read them."""

import re
from datetime import UTC, datetime, timedelta

from mvchain.core import codes
from mvchain.core.errors import BadProof, MvchainError
from mvchain.core.proto import Reader, varint_field
from mvchain.core.types import TimeNs

NS_PER_MS = 1_000_000

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GO_ZERO_TIME_NS = TimeNs(-62_135_596_800 * _SECOND)
"""0001-01-01T00:00:00Z, the time of an absent CommitSig (C17); also the earliest one there is (C16)."""

MAX_TIME_NS = TimeNs(253_402_300_800 * _SECOND - 1)
"""The last nanosecond of year 9999 (C16)."""

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


def encode_timestamp(time_ns: TimeNs) -> bytes:
    """google.protobuf.Timestamp (C16); the epoch itself encodes to nothing (C17)."""
    assert GO_ZERO_TIME_NS <= time_ns <= MAX_TIME_NS, time_ns
    seconds, nanos = divmod(time_ns, _SECOND)
    return varint_field(1, seconds) + varint_field(2, nanos)


def decode_timestamp(data: bytes, what: str, error: type[MvchainError] = BadProof) -> TimeNs:
    """The reverse of `encode_timestamp`, strict (C15, C16); raises `error`."""
    reader = Reader(data, what, error)
    seconds = reader.int64(1)
    nanos = reader.int32(2)
    reader.end()
    time_ns = TimeNs(seconds * _SECOND + nanos)
    if not 0 <= nanos < _SECOND or not GO_ZERO_TIME_NS <= time_ns <= MAX_TIME_NS:
        why = f"{seconds} s and {nanos} ns are no time of years 1 to 9999"
        raise error(codes.MALFORMED, what=what, why=why)
    return time_ns


def format_rfc3339(time_ns: TimeNs) -> str:
    """`2026-03-09T01:02:03.5Z`: UTC, the fraction only as long as it needs to be (C105)."""
    seconds, nanos = divmod(time_ns, _SECOND)
    # isoformat, since strftime does not pad years below 1000 on every platform.
    whole = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{whole}{fraction}Z"


def parse_rfc3339(text: str, what: str, error: type[MvchainError] = BadProof) -> TimeNs:
    """A time in UTC with `Z` and at most nine digits of fraction; raises `error`."""
    match = _RFC3339.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        *date, fraction = match.groups(default="")
        year, month, day, hour, minute, second = map(int, date)
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    except ValueError:
        why = f"{text[:40]!r} is no time like 2026-03-09T01:02:03Z"
        raise error(codes.MALFORMED, what=what, why=why) from None
    return TimeNs((whole.days * 86_400 + whole.seconds) * _SECOND + int(fraction.ljust(9, "0")))
