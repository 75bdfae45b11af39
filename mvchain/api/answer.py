"""What a handler gives back: an answer without any web framework in it."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"
PROBLEM: Final = "application/problem+json"


class Cache(StrEnum):
    """How long caches may keep an answer (N10, H15)."""

    NEVER = "no-store"
    ASK_AGAIN = "no-cache"
    FOR_EVER = "public, max-age=31536000, immutable"
    """Finished polls, blocks, completed receipts: the ledger never changes them again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and the headers that differ from answer to answer."""

    body: bytes
    status: int = 200
    cache: Cache = Cache.ASK_AGAIN
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def dump(value: object) -> bytes:
    """JSON on one line with its end, so that a shell's prompt does not follow it; hashes must be hex already."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
