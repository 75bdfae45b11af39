"""Documents in another form than their one form (ledger L11), made from any good one, with the code that refuses each.

A document here is the file of a receipt or of a proof about a poll: both have a header of `HEIGHT`, whose time is
15:00:00.1234, and a commit of round 1 with the signatures of validators 0, 1 and 2.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from mvchain.core import codes, strict_json
from mvchain.core.errors import Cause

Document = dict[str, Any]
Step = tuple[str | int, ...]
"""Names and indices that lead to a value in JSON."""
Form = tuple[str, bytes, Cause]
"""A name, the file, and why it is refused."""


def members_in(value: Any, path: Step = ()) -> list[Step]:
    """The paths of all members of objects."""
    if isinstance(value, list):
        return [found for i, inner in enumerate(value) for found in members_in(inner, (*path, i))]
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in [(*path, name), *members_in(inner, (*path, name))]]
    return []


def holder_of(content: Any, path: Step) -> Any:
    """The object or array that holds the value at this path."""
    holder = content
    for step in path[:-1]:
        holder = holder[step]
    return holder


def rewritten(file: bytes, change: Callable[[Document], object]) -> bytes:
    """The file with its content changed, in canonical form again."""
    content = json.loads(file)
    change(content)
    return strict_json.canonical(content)


def written_so(file: bytes, path: Step, raw: str) -> bytes:
    """The file with this JSON, whatever it is, as the value at the path."""
    mark = "@" * 30
    marked = rewritten(file, lambda content: holder_of(content, path).__setitem__(path[-1], mark))
    assert marked.count(mark.encode()) == 1
    return marked.replace(f'"{mark}"'.encode(), raw.encode())


def bad_forms(file: bytes, malformed: Cause) -> Iterator[Form]:
    """All of them; `malformed` is the code for a value of the wrong kind."""
    content = json.loads(file)
    yield from _files_as_a_whole(file, malformed)
    for path in members_in(content):
        name, value = ".".join(map(str, path)), holder_of(content, path)[path[-1]]
        # A file that does not say what it is, is taken for a receipt.
        cause = codes.MALFORMED_RECEIPT if path == ("format",) else malformed
        yield f"{name} missing", rewritten(file, lambda c, p=path: holder_of(c, p).pop(p[-1])), cause  # type: ignore[misc]
        if type(value) is int:
            yield from _numbers(file, path, value, malformed)
        elif isinstance(value, str) and re.fullmatch("[0-9a-f]{40,}", value):
            yield from _hex(file, path, value, malformed)
        elif isinstance(value, dict):
            more = strict_json.canonical(value | {"note": None}).decode()
            yield f"{name} with a member too many", written_so(file, path, more), codes.NOT_CANONICAL
            yield f"{name} as an array", written_so(file, path, "[]"), malformed
        elif isinstance(value, list):
            yield f"{name} as an object", written_so(file, path, "{}"), malformed


def _numbers(file: bytes, path: Step, value: int, malformed: Cause) -> Iterator[Form]:
    name = ".".join(map(str, path))
    yield f"{name} with a fraction", written_so(file, path, f"{value}.0"), codes.BAD_NUMBER
    yield f"{name} with an exponent", written_so(file, path, f"{value}e0"), codes.BAD_NUMBER
    yield f"{name} with a nought in front", written_so(file, path, f"0{value}"), codes.MALFORMED
    yield f"{name} in quotes", written_so(file, path, f'"{value}"'), malformed
    yield f"{name} as true", written_so(file, path, "true"), malformed
    minus = codes.NOT_CANONICAL if value == 0 else malformed
    yield f"{name} with a minus", written_so(file, path, f"-{value}"), minus


def _hex(file: bytes, path: Step, value: str, malformed: Cause) -> Iterator[Form]:
    name = ".".join(map(str, path))
    if value != value.upper():
        yield f"{name} in upper case", written_so(file, path, f'"{value.upper()}"'), codes.NOT_CANONICAL
    yield f"{name} with half a byte less", written_so(file, path, f'"{value[:-1]}"'), malformed


def _files_as_a_whole(file: bytes, malformed: Cause) -> Iterator[Form]:
    content: Document = json.loads(file)
    text = file.decode()
    sample = content["header"]["data_hash"]

    def put(old: str, new: str) -> bytes:
        assert old in text, old
        return text.replace(old, new, 1).encode()

    note = {**content, "note": 1}
    yield from (
        ("nothing", b"", codes.MALFORMED),
        ("a picture", b"\x89PNG\r\n", codes.NOT_UTF8),
        ("noughts", bytes(100), codes.MALFORMED),
        ("in an array", b"[" + file + b"]", codes.MALFORMED_RECEIPT),
        ("null", b"null", codes.MALFORMED_RECEIPT),
        ("a text", strict_json.canonical(text), codes.MALFORMED_RECEIPT),
        ("a member too many", strict_json.canonical(note), codes.NOT_CANONICAL),
        ("a line feed at the end", file + b"\n", codes.NOT_CANONICAL),
        ("a space in front", b" " + file, codes.NOT_CANONICAL),
        ("a nought byte at the end", file + b"\0", codes.MALFORMED),
        ("twice", file + file, codes.MALFORMED),
        ("a byte-order mark", b"\xef\xbb\xbf" + file, codes.MALFORMED),
        ("UTF-16", text.encode("utf-16"), codes.NOT_UTF8),
        ("a space", put(":", ": "), codes.NOT_CANONICAL),
        ("a no-break space", put(":", ":\u00a0"), codes.MALFORMED),
        ("indented", json.dumps(content, indent=1).encode(), codes.NOT_CANONICAL),
        ("single quotes", text.replace('"', "'").encode(), codes.MALFORMED),
        ("a comma too many", put("}}", "},}"), codes.MALFORMED),
        (
            "another order",
            json.dumps(dict(reversed(content.items())), separators=(",", ":")).encode(),
            codes.NOT_CANONICAL,
        ),
        ("an escape", put('"header"', '"\\u0068eader"'), codes.NOT_CANONICAL),
        ("half a character", put("mvchain", "mvch\\ud800in"), codes.NOT_UTF8),
        ("bytes that are no text", file.replace(b"mvchain", b"mvch\xffin"), codes.NOT_UTF8),
        ("spaces among hex digits", put(sample, f"{sample[:30]}    {sample[34:]}"), codes.NOT_CANONICAL),
        ("a space within a byte", put(sample, f"{sample[:31]}  {sample[33:]}"), malformed),
        ("full-width digits", put(sample, sample[:-1] + "\uff11"), malformed),
        ("no hex", put(sample, "x" * 64), malformed),
        ("a byte less", put(sample, sample[2:]), malformed),
        ("a byte more", put(sample, sample + "00"), malformed),
        ("an integer of many digits", put('"height":41', '"height":4' + "1" * 5_000), codes.BAD_NUMBER),
        ("an integer of 54 bits", put('"height":41', '"height":9007199254740992'), codes.BAD_NUMBER),
        ("an infinite height", put('"height":41', '"height":Infinity'), codes.BAD_NUMBER),
        ("a height that is none", put('"height":41', '"height":NaN'), codes.BAD_NUMBER),
        ("no height", put('"height":41', '"height":0'), malformed),
        ("true instead of signer 1", put('[1,"2026', '[true,"2026'), malformed),
        ("signer 100", put('[2,"2026', '[100,"2026'), malformed),
        ("a signature with four items", put('[1,"2026', '[1,1,"2026'), malformed),
        ("a signature with no items", put('"signatures":[', '"signatures":[[],'), malformed),
        ("a member twice", put('"round":1', '"round":1,"round":1'), codes.DUPLICATE_NAME),
        ("a member twice, otherwise", put('"round":1', '"round":1,"round":0'), codes.DUPLICATE_NAME),
        ("a member twice, by an escape", put('"round":1', '"round":1,"r\\u006fund":1'), codes.DUPLICATE_NAME),
        ("a nought behind a time", put("00.1234Z", "00.12340Z"), codes.NOT_CANONICAL),
        ("ten digits of fraction", put("00.1234Z", "00.1234000000Z"), malformed),
        ("a time with an offset", put("00.1234Z", "00+00:00"), codes.MALFORMED),
        ("a leap second", put(":00.1234Z", ":60.1234Z"), codes.MALFORMED),
        ("the 30th of February", put("2026-03-08", "2026-02-30"), codes.MALFORMED),
        ("the year nought", put("2026-03-08", "0000-03-08"), codes.MALFORMED),
        ("another format", put('1","header"', '2","header"'), codes.UNKNOWN_RECEIPT_FORMAT),
        ("a long format", put('1","header"', f'{"1" * 100}","header"'), codes.MALFORMED_RECEIPT),
        ("arrays in arrays", b"[" * 20_000 + b"]" * 20_000, codes.TOO_DEEP),
        ("arrays in arrays, open", b"[" * 60_000, codes.TOO_DEEP),
        ("33 levels", written_so(file, ("header", "data_hash"), "[" * 31 + "]" * 31), codes.TOO_DEEP),
        ("32 levels", written_so(file, ("header", "data_hash"), "[" * 30 + "]" * 30), malformed),
        *((f"cut off after {size}", file[:size], codes.MALFORMED) for size in range(1, len(file), len(file) // 12)),
    )
