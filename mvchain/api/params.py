"""What callers write into the paths and queries of the REST API (security H10 to H12). Pure.

Each reader raises BadRequest and says what is expected; none repeats what was written.
"""

import re
from collections.abc import Mapping, Sequence

from mvchain.core import codes
from mvchain.core.errors import BadRequest
from mvchain.core.types import Hash, TaggedKey

IN_THE_PATH = "in the path"
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TAGGED_KEY = re.compile(r"[0-9a-f]{66}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


def parse_query(text: str, known: frozenset[str]) -> dict[str, str]:
    """The parameters of a query string, each known and given once (H11).

    Values are taken as they stand: all that have a meaning consist of letters and digits.
    """
    query: dict[str, str] = {}
    if not text:
        return query
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if name not in known:
            raise BadRequest(codes.PARAMETER_UNKNOWN, allowed=", ".join(sorted(known)) or "none")
        if name in query:
            raise BadRequest(codes.PARAMETER_REPEATED)
        query[name] = value
    return query


def one_of(query: Mapping[str, str], name: str, known: Sequence[str]) -> str | None:
    """One of the known values; None if it is not given."""
    text = query.get(name)
    if text is not None and text not in known:
        raise BadRequest(codes.PARAMETER_WRONG, name=name, expected="one of " + ", ".join(known))
    return text


def integer(query: Mapping[str, str], name: str, lo: int, hi: int, *, default: int | None = None) -> int:
    """An integer from `lo` to `hi`; it must be given where there is no default."""
    text = query.get(name)
    if text is None and default is not None:
        return default
    text = text or ""
    if (text == "0" or _NUMBER.fullmatch(text)) and lo <= int(text) <= hi:
        return int(text)
    raise BadRequest(codes.PARAMETER_WRONG, name=name, expected=f"an integer from {lo} to {hi}")


def number(text: str, hi: int) -> int:
    """A number from 1 to `hi` in the path."""
    if _NUMBER.fullmatch(text) and int(text) <= hi:
        return int(text)
    raise BadRequest(codes.PARAMETER_WRONG, name=IN_THE_PATH, expected=f"an integer from 1 to {hi}")


def tx_hash(text: str) -> Hash:
    """The hash of a transaction in the path."""
    if _HASH.fullmatch(text):
        return Hash(bytes.fromhex(text))
    raise BadRequest(codes.PARAMETER_WRONG, name=IN_THE_PATH, expected="64 hex digits in lower case")


def tagged_key(text: str, name: str = IN_THE_PATH) -> TaggedKey:
    """A key with its scheme byte, in the path or as the parameter of this name."""
    if _TAGGED_KEY.fullmatch(text):
        return TaggedKey(bytes.fromhex(text))
    raise BadRequest(codes.PARAMETER_WRONG, name=name, expected="66 hex digits in lower case")


def voter(query: Mapping[str, str]) -> TaggedKey:
    """The key of a voter, as the parameter `voter`."""
    return tagged_key(query.get("voter", ""), "voter")
