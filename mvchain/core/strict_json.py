"""JSON without its traps (security H10), and one canonical form of it.

Refused: duplicate names, NaN and Infinity, fractions and exponents, integers that JavaScript cannot hold,
deep nesting, and text that is not UTF-8, lone surrogates in escapes included.
"""

import json
from collections import Counter
from typing import TypeAlias

from mvchain.core import codes
from mvchain.core.errors import BadRequest, MvchainError
from mvchain.core.limits import MAX_NESTING

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

_MAX_INTEGER = 2**53 - 1
_MAX_INTEGER_CHARS = 17
"""Sign and digits of the largest; longer ones are refused unread, since reading takes quadratic time."""

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def canonical(value: object) -> bytes:
    """The canonical form: names sorted by code point, no spaces, UTF-8 without needless escapes."""
    return _encoder.encode(value).encode()


def loads(
    data: bytes,
    what: str,
    *,
    max_bytes: int,
    max_depth: int = MAX_NESTING,
    error: type[MvchainError] = BadRequest,
    canonical: bool = False,
) -> Json:
    """The one JSON value in `data`; raises `error`, and nothing else.

    With `canonical`, `data` must be the canonical form of the value.
    """
    if len(data) > max_bytes:
        raise error(codes.TOO_LARGE, what=what, size=len(data), limit=max_bytes)

    def integer(digits: str) -> int:
        if len(digits) > _MAX_INTEGER_CHARS or abs(int(digits)) > _MAX_INTEGER:
            raise bad_number(digits)
        return int(digits)

    def bad_number(literal: str) -> MvchainError:
        return error(codes.BAD_NUMBER, what=what, number=literal[:40])

    def refuse_number(literal: str) -> Json:
        raise bad_number(literal)

    def members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) != len(pairs):
            # Counted in one pass: a comparison of all with all would let one request keep a node busy for minutes.
            counts = Counter(name for name, _ in pairs)
            twice = next(name for name, times in counts.items() if times > 1)
            raise error(codes.DUPLICATE_NAME, what=what, name=twice[:40])
        return found

    try:
        value: Json = json.loads(
            data.decode(),
            object_pairs_hook=members,
            parse_int=integer,
            parse_float=refuse_number,
            parse_constant=refuse_number,
        )
        depth = _depth(value)
    except UnicodeError:
        raise error(codes.NOT_UTF8, what=what) from None
    except RecursionError:
        raise error(codes.TOO_DEEP, what=what, limit=max_depth) from None
    except json.JSONDecodeError as fault:
        raise error(codes.MALFORMED, what=what, why=f"it is not JSON ({fault})") from None
    if depth > max_depth:
        raise error(codes.TOO_DEEP, what=what, limit=max_depth)
    if canonical and _encoder.encode(value).encode() != data:
        raise error(codes.NOT_CANONICAL, what=what)
    return value


def _depth(value: Json) -> int:
    """Levels of arrays and objects. Raises UnicodeEncodeError on a lone surrogate, which escapes can make."""
    match value:
        case dict():
            for name in value:
                name.encode()
            return 1 + max(map(_depth, value.values()), default=0)
        case list():
            return 1 + max(map(_depth, value), default=0)
        case str():
            value.encode()
    return 0
