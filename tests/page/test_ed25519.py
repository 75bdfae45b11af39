"""The page's signature rule is libsodium's, through WebCrypto and by its own equation (security ED01, ED09)."""

import json
from hashlib import sha512
from itertools import product
from pathlib import Path

from nacl import bindings

from mvchain.core.ed25519_cases import ED25519_CASES
from mvchain.core.keys import SMALL_ORDER_ENCODINGS, Purpose, SigningKey, verify
from tests.page.node import ask_page

Signed = tuple[bytes, bytes, bytes]
"""Key, message, signature."""

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
KEY = SigningKey.from_seed(bytes(range(32)))
MESSAGE = b"a precommit"
GOOD = KEY.sign(Purpose.CONSENSUS, MESSAGE)
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
IDENTITY = b"\x01" + bytes(31)


def disagreements(cases: list[Signed]) -> list[tuple[Signed, list[bool], bool]]:
    """Where one of the two ways, WebCrypto or the equation, gives another verdict than Python."""
    asked = [{"do": "ed25519", "key": key, "message": message, "signature": made} for key, message, made in cases]
    found = zip(cases, ask_page(asked), strict=True)
    wanted = [verify(Purpose.CONSENSUS, *case) for case in cases]
    return [(case, both, want) for (case, both), want in zip(found, wanted, strict=True) if both != [want, want]]


def test_wycheproof(shared_dir: Path) -> None:
    groups = json.loads((shared_dir / "vectors/ed25519/ed25519_test.json").read_text())["testGroups"]
    tests = [(group["publicKey"]["pk"], test["msg"], test["sig"]) for group in groups for test in group["tests"]]
    assert len(tests) == 151
    cases = [(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(made)) for key, message, made in tests]
    assert disagreements(cases) == []


def test_the_cases_on_which_libraries_disagree() -> None:
    assert disagreements([(case.key, case.message, case.signature) for case in ED25519_CASES]) == []


def test_small_order() -> None:
    """Each of the 14 encodings as key and as R, with S = 0 and S of a good signature; and where the equation holds."""
    assert len(SMALL_ORDER_ENCODINGS) == 14
    others = (KEY.public, GOOD[:32], *sorted(SMALL_ORDER_ENCODINGS))
    pairs = [pair for pair in product(others, others) if SMALL_ORDER_ENCODINGS.intersection(pair)]
    cases = [(key, MESSAGE, r + s) for key, r in pairs for s in (bytes(32), GOOD[32:])]
    # With R the identity, S = h a fits the equation: what CCTV 304 does, for this key.
    scalar = int.from_bytes(clamped_scalar(KEY), "little")
    h = challenge(IDENTITY, KEY.public, MESSAGE)
    cases.append((KEY.public, MESSAGE, IDENTITY + (h * scalar % L).to_bytes(32, "little")))
    assert disagreements(cases) == []
    assert not any(verify(Purpose.CONSENSUS, *case) for case in cases)


def test_s_is_below_the_group_order() -> None:
    s = int.from_bytes(GOOD[32:], "little")
    numbers = [0, 1, s - 1, s + 1, s, s + L, s + 2 * L, L - 1, L, L + 1, 2**252, 2**253, 2**255, 2**256 - 1]
    cases = [(KEY.public, MESSAGE, GOOD[:32] + number.to_bytes(32, "little")) for number in numbers]
    assert [number for number, case in zip(numbers, cases, strict=True) if verify(Purpose.CONSENSUS, *case)] == [s]
    assert disagreements(cases) == []


def test_y_is_below_the_prime() -> None:
    """All 19 numbers from p to 2^255 - 1, with either sign, as key and as R."""
    encodings = [(y | sign << 255).to_bytes(32, "little") for y in range(P, 2**255) for sign in (0, 1)]
    assert len(encodings) == 38
    cases = [case for one in encodings for case in ((one, MESSAGE, GOOD), (KEY.public, MESSAGE, one + GOOD[32:]))]
    assert disagreements(cases) == []


def test_points_off_the_curve() -> None:
    encodings = [sha512(b"%d" % n).digest()[:31] + b"\x07" for n in range(40)]
    on_curve = [one for one in encodings if bindings.crypto_core_ed25519_is_valid_point(one)]
    assert len(on_curve) < len(encodings)
    cases = [case for one in encodings for case in ((one, MESSAGE, GOOD), (KEY.public, MESSAGE, one + GOOD[32:]))]
    assert disagreements(cases) == []


def test_torsion() -> None:
    """Keys and R with a part of order 8: what libsodium takes depends on h mod 8, and the page must follow it."""
    scalar = int.from_bytes(clamped_scalar(KEY), "little")
    cases: list[Signed] = []
    for n in range(64):
        message = b"message %d" % n
        nonce = int.from_bytes(sha512(message).digest(), "little") % L
        point = bindings.crypto_scalarmult_ed25519_base_noclamp(nonce.to_bytes(32, "little"))
        for r, key in product((point, plus_torsion(point)), (KEY.public, plus_torsion(KEY.public))):
            s = (nonce + challenge(r, key, message) * scalar) % L
            cases.append((key, message, r + s.to_bytes(32, "little")))
    accepted = [case for case in cases if verify(Purpose.CONSENSUS, *case)]
    mixed = [case for case in accepted if case[0] != KEY.public]
    assert len(accepted) - len(mixed) == 64, "the untouched ones"
    assert 0 < len(mixed) < 128, "some of those whose torsion cancels out"
    assert disagreements(cases) == []


def test_lengths() -> None:
    cases = [
        *((KEY.public[:size] + bytes(max(0, size - 32)), MESSAGE, GOOD) for size in (0, 31, 33)),
        *((KEY.public, MESSAGE, GOOD[:size] + bytes(max(0, size - 64))) for size in (0, 63, 65)),
    ]
    assert disagreements(cases) == []


def test_every_bit_of_a_signature_and_of_a_key_counts() -> None:
    cases = [(KEY.public, MESSAGE, GOOD), (KEY.public, MESSAGE + b"!", GOOD)]
    cases += [(KEY.public, MESSAGE, flipped(GOOD, bit)) for bit in range(512)]
    cases += [(flipped(KEY.public, bit), MESSAGE, GOOD) for bit in range(256)]
    assert [verify(Purpose.CONSENSUS, *case) for case in cases].count(True) == 1
    assert disagreements(cases) == []


def clamped_scalar(key: SigningKey) -> bytes:
    """The secret scalar of a seed (RFC 8032 section 5.1.5)."""
    h = bytearray(sha512(key.seed).digest()[:32])
    h[0] &= 0xF8
    h[31] = h[31] & 0x7F | 0x40
    return bytes(h)


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """h of the equation."""
    return int.from_bytes(sha512(r + key + message).digest(), "little") % L


def plus_torsion(point: bytes) -> bytes:
    """The point plus one of order 8."""
    return bindings.crypto_core_ed25519_add(point, ORDER_8)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
