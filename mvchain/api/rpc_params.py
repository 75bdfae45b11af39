"""What a caller of the JSON-RPC writes as parameters, in a body and in a query string (C100, C101, C111). Pure.

Both forms raise RpcError(RPC_PARAMETERS) with CometBFT's beginning of the text.
"""

import base64
import json
import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadRequest
from mvchain.core.strict_json import Json

MAX_QUERY_PARAMETERS: Final = 16
"""Of a URL; no method has more than five."""
MAX_TYPED_BYTES: Final = 4_096
"""A typed value in a URL; evidence has 1,100."""
_MAX_INTEGER: Final = 2**63 - 1
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


class RpcError(BadRequest):
    """What a call gets in place of a result (C133): one of the causes `codes.RPC_…`, and its `text`."""


class Kind(Enum):
    """How a parameter is written."""

    INTEGER = auto()
    """64 bits: a decimal text in JSON, bare or quoted in a URL."""
    BASE64 = auto()
    """Bytes: base64 in JSON; in a URL 0x and hex, or raw characters in quotes."""
    HEX = auto()
    """Bytes: hex in JSON; in a URL as BASE64."""
    TEXT = auto()
    FLAG = auto()
    TYPED = auto()
    """A typed value (C108), also in a URL: an object."""


Value: TypeAlias = int | bytes | str | bool | dict[str, Json]
Parameters: TypeAlias = Mapping[str, Kind]
"""Names in the order of an array, with their kinds."""
Arguments: TypeAlias = dict[str, Value]
"""What was given; what was not, or was null, means its default."""


def from_json(parameters: Parameters, given: Json) -> Arguments:
    """From the member `params` of a request: an object, an array with all of them, or null."""
    match given:
        case None:
            named: Mapping[str, Json] = {}
        case dict():
            named = given
        case list() if len(given) == len(parameters):
            named = dict(zip(parameters, given, strict=True))
        case list():
            raise _wrong("json", f"expected {len(parameters)} parameters, got {len(given)}")
        case _:
            raise _wrong("json", "params is neither an object nor an array")
    found: Arguments = {}
    for name, kind in parameters.items():
        value = named.get(name)
        if value is not None:
            found[name] = _read("json", name, kind, value)
    return found


def from_query(parameters: Parameters, query: str) -> Arguments:
    """From a query string, still percent-encoded."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS, errors="strict")
    except ValueError:
        raise _wrong("http", "the query cannot be read") from None
    names = [name for name, _ in pairs]
    found: Arguments = {}
    for name, text in pairs:
        if names.count(name) > 1:
            raise _wrong("http", "a parameter is given twice")
        kind = parameters.get(name)
        if kind is not None and text:
            found[name] = _read("http", name, kind, _from_url(name, kind, text))
    return found


def _from_url(name: str, kind: Kind, text: str) -> "Json | bytes":
    """The JSON value, or the bytes, that a text of a URL stands for (C100)."""
    of_bytes = kind in (Kind.BASE64, Kind.HEX)
    is_hex = text.startswith("0x") and (of_bytes or kind is Kind.TEXT)
    if is_hex or text.startswith('"'):
        try:
            raw = bytes.fromhex(text[2:]) if is_hex else str(json.loads(text)).encode()
            return raw if of_bytes else raw.decode()
        except ValueError:
            raise _wrong("http", f"{name} is neither 0x and hex nor a text in quotes") from None
    if kind is Kind.FLAG and text in ("true", "false"):
        return text == "true"
    if kind is Kind.INTEGER:
        return text
    if kind is Kind.TYPED:
        try:
            return strict_json.loads(text.encode(), name, max_bytes=MAX_TYPED_BYTES)
        except BadRequest:
            pass
    return None


def _read(form: str, name: str, kind: Kind, value: "Json | bytes") -> Value:
    match kind, value:
        case Kind.INTEGER, str() if _INTEGER.fullmatch(value) and abs(int(value)) <= _MAX_INTEGER:
            return int(value)
        case ((Kind.BASE64 | Kind.HEX), bytes()):
            return value
        case Kind.BASE64, str():
            try:
                return base64.b64decode(value, validate=True)
            except ValueError:
                pass
        case Kind.HEX, str():
            try:
                return bytes.fromhex(value)
            except ValueError:
                pass
        case Kind.TEXT, str():
            return value
        case Kind.FLAG, bool():
            return value
        case Kind.TYPED, dict():
            return value
    raise _wrong(form, f"{name} is not {_EXPECTED[kind]}")


_EXPECTED: Final[Mapping[Kind, str]] = {
    Kind.INTEGER: "a 64-bit integer, written as a decimal string",
    Kind.BASE64: "bytes, written as base64 or in a URL as 0x and hex",
    Kind.HEX: "bytes, written as hex",
    Kind.TEXT: "a string",
    Kind.FLAG: "true or false",
    Kind.TYPED: 'a typed value, {"type": …, "value": …}',
}


def _wrong(form: str, why: str) -> RpcError:
    return RpcError(codes.RPC_PARAMETERS, text=f"error converting {form} params to arguments: {why}")


def failed(text: str) -> RpcError:
    """The error of a method itself; where CometBFT has a text for it, that one exactly (C134, C135)."""
    return RpcError(codes.RPC_FAILED, text=text)
