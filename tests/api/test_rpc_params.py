"""Parameters as callers write them: JSON by name and by position, and URLs (C100, C101, C111)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.api.rpc_params import Kind, RpcError, from_json, from_query

ALL = {"height": Kind.INTEGER, "tx": Kind.BASE64, "data": Kind.HEX, "path": Kind.TEXT, "prove": Kind.FLAG}


@pytest.mark.parametrize(
    ("given_params", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"height": None, "other": 5}, {}),
        ({"height": "7"}, {"height": 7}),
        ({"height": "-7"}, {"height": -7}),
        ({"height": "0"}, {"height": 0}),
        ({"height": "9223372036854775807"}, {"height": 2**63 - 1}),
        ({"tx": "AQID"}, {"tx": b"\x01\x02\x03"}),
        ({"tx": ""}, {"tx": b""}),
        ({"data": "00fF"}, {"data": b"\x00\xff"}),
        ({"path": "/a", "prove": True}, {"path": "/a", "prove": True}),
        (
            ["7", "AQID", "00ff", "/a", False],
            {"height": 7, "tx": b"\x01\x02\x03", "data": b"\x00\xff", "path": "/a", "prove": False},
        ),
        ([None] * 5, {}),
    ],
)
def test_json(given_params: object, expected: object) -> None:
    assert from_json(ALL, given_params) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"height": 7},
        {"height": "07"},
        {"height": "+7"},
        {"height": "-0"},
        {"height": "7.0"},
        {"height": " 7"},
        {"height": ""},
        {"height": "٧"},
        {"height": "9223372036854775808"},
        {"height": "9" * 5_000},
        {"height": True},
        {"height": ["7"]},
        {"tx": "AQI"},
        {"tx": "__8="},
        {"tx": 5},
        {"data": "0"},
        {"data": "0x00"},
        {"data": "zz"},
        {"path": 5},
        {"prove": "true"},
        {"prove": 1},
        ["7"],
        ["7", "AQID", "00ff", "/a", False, None],
        "7",
        7,
        True,
    ],
)
def test_json_that_is_refused(wrong: object) -> None:
    with pytest.raises(RpcError) as caught:
        from_json(ALL, wrong)  # type: ignore[arg-type]
    assert caught.value.code == "MV-6073"
    assert str(caught.value.data["text"]).startswith("error converting json params to arguments: ")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("other=5", {}),
        ("height=", {}),
        ("height=7", {"height": 7}),
        ("height=%227%22", {"height": 7}),
        ('height="7"', {"height": 7}),
        ("height=-7", {"height": -7}),
        ("tx=0x01fF", {"tx": b"\x01\xff"}),
        ('tx="AQID"', {"tx": b"AQID"}),
        ('data="a b"', {"data": b"a b"}),
        ("data=%22a+b%22", {"data": b"a b"}),
        ("data=0x", {"data": b""}),
        ('path="/store/polls/key"', {"path": "/store/polls/key"}),
        ("path=0x2f61", {"path": "/a"}),
        ('path="%5cu00e9"', {"path": "é"}),
        ("prove=true&height=7", {"prove": True, "height": 7}),
        ("prove=false", {"prove": False}),
    ],
)
def test_urls(query: str, expected: object) -> None:
    assert from_query(ALL, query) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "height=x",
        "height=0x07",
        "height=7&height=7",
        "height=true",
        "tx=01ff",
        "tx=0x1",
        "tx=0xzz",
        'tx="a',
        'tx="\\ud800"',
        'path="a"b"',
        "path=/a",
        "path=0xff",
        'path="\\ud800"',
        "prove=1",
        'prove="true"',
        "path=%ff",
        "&".join(f"a{i}=1" for i in range(17)),
    ],
)
def test_urls_that_are_refused(wrong: str) -> None:
    with pytest.raises(RpcError) as caught:
        from_query(ALL, wrong)
    assert caught.value.code == "MV-6073"
    assert str(caught.value.data["text"]).startswith("error converting http params to arguments: ")


@given(st.text(max_size=200))
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        found = from_query(ALL, query)
    except RpcError:
        return
    assert found.keys() <= ALL.keys()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda deeper: st.lists(deeper) | st.dictionaries(st.sampled_from([*ALL]), deeper),
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        found = from_json(ALL, value)  # type: ignore[arg-type]
    except RpcError:
        return
    assert found.keys() <= ALL.keys()
