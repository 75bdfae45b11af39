"""The promise behind 202 (N6): its bytes, and what it does not vouch for."""

from dataclasses import replace

import pytest

from mvchain.api.acknowledgement import Acknowledgement, acknowledge
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose, SigningKey, verify
from mvchain.core.types import AgencyNumber, PublicKey, TimeMs

KEY = SigningKey.from_seed(b"k" * 32)
GENESIS = sha256(b"genesis")
HASHES = (sha256(b"a"), sha256(b"b"))


@pytest.fixture
def promise() -> Acknowledgement:
    return acknowledge(HASHES, TimeMs(1_760_000_000_000), AgencyNumber(3), GENESIS, KEY)


def test_it_signs_genesis_root_and_time(promise: Acknowledgement) -> None:
    # RFC 6962 §2.1, by hand: leaves behind a zero byte, the node above them behind a one.
    root = sha256(b"\x01" + sha256(b"\x00" + HASHES[0]) + sha256(b"\x00" + HASHES[1]))
    assert promise.root == root
    # 1,760,000,000,000 = 0x199C82CC000
    message = GENESIS + root + bytes.fromhex("00000199c82cc000")
    assert verify(Purpose.ACKNOWLEDGEMENT, KEY.public, message, promise.signature)
    assert promise.verify(GENESIS, KEY.public)


def test_it_vouches_for_nothing_else(promise: Acknowledgement) -> None:
    other_key = SigningKey.from_seed(b"o" * 32).public
    assert not promise.verify(sha256(b"another chain"), KEY.public)
    assert not promise.verify(GENESIS, other_key)
    assert not promise.verify(GENESIS, PublicKey(b"\x00" * 32))
    assert not replace(promise, time_ms=TimeMs(1_760_000_000_001)).verify(GENESIS, KEY.public)
    assert not replace(promise, hashes=HASHES[:1]).verify(GENESIS, KEY.public)
    assert not replace(promise, root=sha256(b"r")).verify(GENESIS, KEY.public)
    assert not replace(promise, hashes=HASHES[::-1]).verify(GENESIS, KEY.public)
