"""Slow and obvious twins, written from the definitions alone."""

import hashlib
from collections.abc import Sequence


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# --- RFC 6962 §2.1, by recursion ---


def split_of(n: int) -> int:
    """The largest power of two below n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def slow_root(leaf_hashes: Sequence[bytes]) -> bytes:
    n = len(leaf_hashes)
    if n == 0:
        return sha(b"")
    if n == 1:
        return leaf_hashes[0]
    k = split_of(n)
    return sha(b"\x01" + slow_root(leaf_hashes[:k]) + slow_root(leaf_hashes[k:]))


def slow_aunts(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(m, D[n])."""
    n = len(leaf_hashes)
    if n == 1:
        return []
    k = split_of(n)
    if index < k:
        return [*slow_aunts(leaf_hashes[:k], index), slow_root(leaf_hashes[k:])]
    return [*slow_aunts(leaf_hashes[k:], index - k), slow_root(leaf_hashes[:k])]


def slow_root_from(index: int, total: int, leaf_hash: bytes, aunts: Sequence[bytes]) -> bytes | None:
    """C19; None where it fails."""
    if total <= 0 or index < 0 or index >= total:
        return None
    if total == 1:
        return None if aunts else leaf_hash
    if not aunts:
        return None
    k = split_of(total)
    if index < k:
        left = slow_root_from(index, k, leaf_hash, aunts[:-1])
        return None if left is None else sha(b"\x01" + left + aunts[-1])
    right = slow_root_from(index - k, total - k, leaf_hash, aunts[:-1])
    return None if right is None else sha(b"\x01" + aunts[-1] + right)


def slow_consistency(leaf_hashes: Sequence[bytes], size1: int) -> list[bytes]:
    """PROOF(m, D[n])."""
    return _subproof(size1, leaf_hashes, True)


def _subproof(m: int, leaf_hashes: Sequence[bytes], whole: bool) -> list[bytes]:
    n = len(leaf_hashes)
    if m == n:
        return [] if whole else [slow_root(leaf_hashes)]
    k = split_of(n)
    if m <= k:
        return [*_subproof(m, leaf_hashes[:k], whole), slow_root(leaf_hashes[k:])]
    return [*_subproof(m - k, leaf_hashes[k:], False), slow_root(leaf_hashes[:k])]


# --- canonical msgpack, from its specification ---


def slow_msgpack(value: object) -> bytes:
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return _slow_int(value)
        case bytes():
            return _head(len(value), None, (0xC4, 0xC5, 0xC6)) + value
        case str():
            raw = value.encode()
            short = 0xA0 + len(raw) if len(raw) < 32 else None
            return _head(len(raw), short, (0xD9, 0xDA, 0xDB)) + raw
        case tuple() | list():
            short = 0x90 + len(value) if len(value) < 16 else None
            return _head(len(value), short, (None, 0xDC, 0xDD)) + b"".join(map(slow_msgpack, value))
    raise TypeError(value)


def _slow_int(value: int) -> bytes:
    if 0 <= value < 128:
        return bytes([value])
    if -32 <= value < 0:
        return bytes([256 + value])
    if value > 0:
        for tag, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
            if value < 256**size:
                return bytes([tag]) + value.to_bytes(size, "big")
    for tag, size in ((0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8)):
        if value >= -(256**size) // 2:
            return bytes([tag]) + value.to_bytes(size, "big", signed=True)
    raise OverflowError(value)


def _head(length: int, short: int | None, tags: tuple[int | None, int, int]) -> bytes:
    if short is not None:
        return bytes([short])
    for tag, size in zip(tags, (1, 2, 4), strict=True):
        if tag is not None and length < 256**size:
            return bytes([tag]) + length.to_bytes(size, "big")
    raise OverflowError(length)
