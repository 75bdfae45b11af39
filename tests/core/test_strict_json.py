"""JSON without its traps (security H10)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadRequest, Cause
from mvchain.core.strict_json import Json, canonical, loads

MAX = 2**53 - 1

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX, MAX) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def refusal(data: bytes, max_bytes: int = 1 << 20, max_depth: int = 32) -> Cause:
    with pytest.raises(BadConfiguration) as caught:
        loads(data, "the file", max_bytes=max_bytes, max_depth=max_depth, error=BadConfiguration)
    assert "the file" in str(caught.value)
    return caught.value.cause


@given(documents)
def test_documents_come_back(value: Json) -> None:
    assert loads(json.dumps(value).encode(), "it", max_bytes=1 << 20) == value
    assert loads(json.dumps(value, indent=2).encode(), "it", max_bytes=1 << 20) == value
    assert loads(canonical(value), "it", max_bytes=1 << 20, canonical=True) == value


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b'{"a":1,"a":1}', codes.DUPLICATE_NAME),
        (b'[{"x":{"a":1,"b":2,"\\u0061":3}}]', codes.DUPLICATE_NAME),
        (b"NaN", codes.BAD_NUMBER),
        (b"[Infinity]", codes.BAD_NUMBER),
        (b"-Infinity", codes.BAD_NUMBER),
        (b"1.0", codes.BAD_NUMBER),
        (b"1e3", codes.BAD_NUMBER),
        (b"1E400", codes.BAD_NUMBER),
        (b"9007199254740992", codes.BAD_NUMBER),
        (b"-9007199254740992", codes.BAD_NUMBER),
        (b"9" * 5000, codes.BAD_NUMBER),
        (b"[" * 33 + b"]" * 33, codes.TOO_DEEP),
        (b'{"a":' * 33 + b"1" + b"}" * 33, codes.TOO_DEEP),
        (b"[" * 100_000, codes.TOO_DEEP),
        (b'{"a":' * 100_000, codes.TOO_DEEP),
        (b'"\xff"', codes.NOT_UTF8),
        (b'"\xed\xa0\x80"', codes.NOT_UTF8),
        (b'"\\ud800"', codes.NOT_UTF8),
        (b'{"\\udfff":1}', codes.NOT_UTF8),
        ('{"a":1}'.encode("utf-16"), codes.NOT_UTF8),
        ('{"a":1}'.encode("utf-16-le"), codes.MALFORMED),
        (b"\xef\xbb\xbf{}", codes.MALFORMED),
        (b"", codes.MALFORMED),
        (b"{} {}", codes.MALFORMED),
        (b"{'a':1}", codes.MALFORMED),
        (b"[1,]", codes.MALFORMED),
        (b"01", codes.MALFORMED),
        (b'"a\nb"', codes.MALFORMED),
        (b"[1] // why", codes.MALFORMED),
    ],
    ids=lambda value: value.code if isinstance(value, Cause) else repr(value)[:30],
)
def test_traps(data: bytes, cause: Cause) -> None:
    assert refusal(data) is cause


def test_the_borders() -> None:
    assert loads(b"9007199254740991", "it", max_bytes=99) == MAX
    assert loads(b"-9007199254740991", "it", max_bytes=99) == -MAX
    assert loads(b"[" * 32 + b"]" * 32, "it", max_bytes=99) is not None
    assert loads(b'"[[[[[[[["', "it", max_bytes=99, max_depth=0) == "[[[[[[[["
    assert refusal(b"[[]]", max_depth=1) is codes.TOO_DEEP
    assert loads(b'"\\ud83d\\ude00"', "it", max_bytes=99) == "😀"


def test_the_size_is_checked_first() -> None:
    assert loads(b"[1]", "it", max_bytes=3) == [1]
    assert refusal(b"[1]", max_bytes=2) is codes.TOO_LARGE
    assert refusal(b"\xff" * 3, max_bytes=2) is codes.TOO_LARGE


def test_a_name_that_is_doubled_late_is_found_in_one_pass() -> None:
    """Comparing all names with all would take minutes here, on the event loop of a node (security H10)."""
    names = [f'"{n:x}":0' for n in range(100_000)]
    data = ",".join([*names, names[-1]]).encode()
    assert refusal(b"{" + data + b"}", max_bytes=2_000_000) is codes.DUPLICATE_NAME


def test_the_canonical_form() -> None:
    value = {"b": [1, -2, True, None], "a": 'é\u2028"\\\n\x1f\x7f', "": {}}
    assert canonical(value) == '{"":{},"a":"é\u2028\\"\\\\\\n\\u001f\x7f","b":[1,-2,true,null]}'.encode()


@pytest.mark.parametrize(
    "data",
    [b'{ "a":1}', b'{"b":1,"a":1}', b'"\\u0061"', b'"\\/"', b"-0", b"[1]\n", b'"\\u00e9"', b'"\\u001F"'],
)
def test_other_forms_are_not_canonical(data: bytes) -> None:
    assert loads(data, "it", max_bytes=99) is not None
    with pytest.raises(BadRequest) as caught:
        loads(data, "it", max_bytes=99, canonical=True)
    assert caught.value.cause is codes.NOT_CANONICAL


@given(st.binary(max_size=30) | st.text(alphabet='[]{}",:\\ud8a01-.eNI ', max_size=30).map(str.encode))
def test_any_bytes_give_a_value_or_our_error(data: bytes) -> None:
    try:
        value = loads(data, "it", max_bytes=100)
    except BadRequest:
        return
    assert loads(canonical(value), "it", max_bytes=1000, canonical=True) == value
