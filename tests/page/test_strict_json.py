"""The page reads and writes JSON as Python does: the same values, the same refusals (security H10)."""

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core.errors import BadProof
from mvchain.core.strict_json import canonical, loads
from tests.page.node import Refused, ask_page

MAX = 2**53 - 1
MAX_BYTES = 64 * 1024

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX, MAX) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)

PAIRS = [(b"[", b"]"), (b'{"a":', b"}"), (b'[1,{"":', b"}]")]
ODD = [
    b"",
    b" ",
    b"\xef\xbb\xbf{}",
    b"\xef\xbb\xbf",
    b"null",
    b"nul",
    b"nullx",
    b"true false",
    b"TRUE",
    b"undefined",
    b"NaN",
    b"NaNx",
    b"-NaN",
    b"Infinity",
    b"-Infinity",
    b"+Infinity",
    b"0",
    b"-0",
    b"00",
    b"01",
    b"-01",
    b"-",
    b"+1",
    b".5",
    b"5.",
    b"5.x",
    b"1.0",
    b"1.50",
    b"-0.0",
    b"1e0",
    b"1E5",
    b"1e+5",
    b"1e",
    b"1e+",
    b"1.5e",
    b"0x10",
    b"1_000",
    b"1n",
    b"9007199254740991",
    b"9007199254740992",
    b"-9007199254740991",
    b"-9007199254740992",
    b"00000000000000001",
    b"9" * 17,
    b"9" * 5000,
    b"-" + b"9" * 5000,
    b"9007199254740993.",
    "１".encode(),
    b"[]",
    b"[ ]",
    b"[,]",
    b"[1,]",
    b"[1,,2]",
    b"[1 2]",
    b"[1",
    b"[",
    b"]",
    b"[]]",
    b"[1]]",
    b"[1}",
    b"{}",
    b"{ }",
    b"{,}",
    b'{"a"}',
    b'{"a":}',
    b'{"a":1,}',
    b'{"a":1,"b"}',
    b'{"a" 1}',
    b'{"a"::1}',
    b"{a:1}",
    b"{'a':1}",
    b"{1:1}",
    b"{null:1}",
    b'{"a":1}{"a":1}',
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":2}',
    b'{"a":1,"a":1.5}',
    b'{"a":1.5,"a":1}',
    b'{"a":1,"a":2',
    b'{"a":1,"a":2]',
    b'[{"a":1,"a":2},]',
    b'{"a":{"b":1,"b":2},"a":3}',
    b'{"__proto__":1}',
    b'{"__proto__":1,"__proto__":1}',
    b'{"constructor":{"prototype":[]},"toString":0,"":null}',
    b'{"length":-1}',
    '{"\U0001f5f3":1,"\uff01":2,"é":3,"e\u0301":4}'.encode(),
    '{"\uff01":2,"\U0001f5f3":1}'.encode(),
    b'"',
    b'"a',
    b'"a\n"',
    b'"a\tb"',
    b'"\x7f"',
    b'"\x1f"',
    b'"\x00"',
    b'"\\x41"',
    b'"\\a"',
    b'"\\v"',
    b'"\\0"',
    b'"\\\'"',
    b'"\\"',
    b'"\\\\"',
    b'"\\/\\b\\f\\n\\r\\t\\"\\\\"',
    b'"\\u"',
    b'"\\u12"',
    b'"\\u123g"',
    b'"\\u+123"',
    b'"\\u 123"',
    b'"\\U0041"',
    b'"\\u0041\\u00e9\\uFFFF\\uffff"',
    b'"\\u0000"',
    b'"\\ud83d\\ude00"',
    b'"\\ud83d\\uDE00x"',
    b'"\\ud83d"',
    b'"\\ude00"',
    b'"\\ude00\\ud83d"',
    b'"\\ud83d\\ud83d\\ude00"',
    b'"\\ud83dx\\ude00"',
    b'"\\ud83d\\n"',
    b'{"\\ud800":1}',
    b'{"\\ud800":1,"\\ud800":1}',
    b'["\\ud800",1.5]',
    b'["\\ud800"',
    b'"\xff"',
    b'"\xc0\x80"',
    b'"\xe0\x80\xaf"',
    b'"\xed\xa0\x80"',
    b'"\xed\xa0\xbd\xed\xb8\x80"',
    b'"\xf4\x90\x80\x80"',
    b'"\xf0\x9f\x98\x80"',
    b'"\xf0\x9f\x98"',
    b'[1,"\xff',
    '"\u2028\u2029\ufeff\u00a0"'.encode(),
    "\u00a0[]".encode(),
    "[]\u2028".encode(),
    b"\x0c[]",
    b"\x0b[]",
    b" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n",
    b'\n{\n"a"\n:\n1\n,\n"b"\n:\n2\n}\n',
    b"[] // why",
    b"/* why */ []",
    b"[1]\x00",
    '{"a":1}'.encode("utf-16"),
    '{"a":1}'.encode("utf-16-le"),
    '{"a":1}'.encode("utf-32-be"),
    *(
        opening * levels + b"0" + closing * levels
        for levels in (15, 16, 17, 31, 32, 33, 400)
        for opening, closing in PAIRS
    ),
    b"[" * 40,
    b"[" * 40 + b"1.5",
    b"[" * 40 + b'"\\ud800"' + b"]" * 40,
    b"[" * 40 + b"]" * 41,
    b"[" * 5_000,
    b"[" * 5_000 + b"]" * 5_000,
    b'{"a":' * 5_000,
    b" " * MAX_BYTES,
    b" " * MAX_BYTES + b"0",
    b'"' + b"a" * (MAX_BYTES - 2) + b'"',
    b'"' + b"a" * (MAX_BYTES - 1) + b'"',
]


def in_python(data: bytes) -> bytes | Refused:
    try:
        return canonical(loads(data, "the file", max_bytes=MAX_BYTES, error=BadProof))
    except BadProof as error:
        return Refused(error.code)


def differences(texts: Sequence[bytes]) -> list[tuple[bytes, object, object]]:
    found = ask_page([{"do": "read JSON", "file": data} for data in texts])
    both = [(data, here, in_python(data)) for data, here in zip(texts, found, strict=True)]
    return [(data[:60], here, there) for data, here, there in both if here != there]


def test_odd_texts() -> None:
    assert differences(ODD) == []


@settings(max_examples=10, deadline=None)
@given(st.lists(documents, min_size=100, max_size=100))
def test_documents_come_back_in_the_canonical_form(values: list[object]) -> None:
    texts = [text for value in values for text in (canonical(value), json.dumps(value, indent=1).encode())]
    assert differences(texts) == []


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.binary(max_size=30) | st.text(alphabet='[]{}",:\\ud8a01-.eNI ', max_size=30).map(str.encode),
        min_size=200,
        max_size=200,
    )
)
def test_any_bytes(texts: list[bytes]) -> None:
    assert differences(texts) == []
