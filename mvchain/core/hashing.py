"""SHA-256, plain and with a domain tag."""

import hashlib

from mvchain.core.types import Hash

EMPTY_HASH = Hash(hashlib.sha256(b"").digest())
"""E of C10: the hash of nothing."""


def sha256(data: bytes) -> Hash:
    """H of C10: 32 bytes."""
    return Hash(hashlib.sha256(data).digest())


def tagged_hash(tag: str, *parts: bytes) -> Hash:
    """SHA-256 of tag, zero byte and parts: values of different kinds never share a hash.

    The parts are joined as they are, so at most one of them may vary in length under one tag.
    """
    return sha256(b"".join((tag.encode(), b"\x00", *parts)))
