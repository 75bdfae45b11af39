"""The one signature rule (security ED01 to ED12)."""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from mvchain.core import codes, keys
from mvchain.core.ed25519_cases import ED25519_CASES, Ed25519Case
from mvchain.core.errors import BadConfiguration
from mvchain.core.keys import (
    SMALL_ORDER_ENCODINGS,
    Purpose,
    SigningKey,
    is_roll_key,
    is_valid_key,
    self_test,
    verify,
    verify_tagged,
)

# RFC 8032 §7.1, TEST 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE_OF_72 = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493


def encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def test_the_example_of_rfc_8032() -> None:
    key = SigningKey.from_seed(SEED)
    assert key.public == PUBLIC
    assert key.sign(Purpose.CONSENSUS, b"\x72") == SIGNATURE_OF_72
    assert verify(Purpose.CONSENSUS, PUBLIC, b"\x72", SIGNATURE_OF_72)


def test_all_151_signatures_of_wycheproof(shared_dir: Path) -> None:
    groups = json.loads((shared_dir / "vectors/ed25519/ed25519_test.json").read_text())["testGroups"]
    cases = [(group["publicKey"]["pk"], test) for group in groups for test in group["tests"]]
    assert len(cases) == 151
    for public, test in cases:
        key, message, signature = map(bytes.fromhex, (public, test["msg"], test["sig"]))
        wanted = test["result"] == "valid"
        assert verify(Purpose.CONSENSUS, key, message, signature) is wanted, test["tcId"]


@pytest.mark.parametrize("case", ED25519_CASES, ids=lambda case: case.name)
def test_the_cases_on_which_libraries_disagree(case: Ed25519Case) -> None:
    assert verify(Purpose.CONSENSUS, case.key, case.message, case.signature) is case.verifies
    assert is_valid_key(case.key) is case.registrable


def test_the_verdicts_are_those_the_design_measured() -> None:
    verdicts = "".join("V" if case.verifies else "X" for case in ED25519_CASES[:12])
    assert verdicts == "XXXVXXXXXXXX"
    assert [case.name for case in ED25519_CASES if case.verifies and case.registrable] == ["CCTV 305"]


def test_s_is_below_the_group_order() -> None:
    r, s = SIGNATURE_OF_72[:32], int.from_bytes(SIGNATURE_OF_72[32:], "little")
    assert not verify(Purpose.CONSENSUS, PUBLIC, b"\x72", r + (s + L).to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_has_32_bytes(size: int) -> None:
    key = (PUBLIC + b"\x00")[:size]
    assert not verify(Purpose.CONSENSUS, key, b"\x72", SIGNATURE_OF_72)
    assert not is_valid_key(key)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_signature_has_64_bytes(size: int) -> None:
    # With signature and message as one string, as libsodium takes them, each of these would verify.
    signed = SIGNATURE_OF_72 + b"\x72"
    assert not verify(Purpose.CONSENSUS, PUBLIC, signed[size:], signed[:size])


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=9))
def test_anything_is_false_rather_than_an_error(key: bytes, signature: bytes, message: bytes) -> None:
    assert not verify(Purpose.TRANSACTION, key, message, signature)
    assert not verify_tagged(Purpose.TRANSACTION, key, message, signature)
    is_valid_key(key)
    is_roll_key(key)


# --- purposes ---


def test_the_tag_comes_before_the_message() -> None:
    key = SigningKey.from_seed(SEED)
    signature = key.sign(Purpose.TRANSACTION, b"message")
    assert signature == bindings.crypto_sign(b"mvchain.tx.v1\x00message", SEED + PUBLIC)[:64]


@pytest.mark.parametrize("made_for", Purpose)
def test_a_signature_serves_one_purpose(made_for: Purpose) -> None:
    key = SigningKey.from_seed(SEED)
    signature = key.sign(made_for, b"message")
    assert [purpose for purpose in Purpose if verify(purpose, key.public, b"message", signature)] == [made_for]


def test_no_tag_begins_another_and_each_ends_in_a_zero() -> None:
    tags = [purpose.value for purpose in Purpose if purpose is not Purpose.CONSENSUS]
    assert all(tag.startswith(b"mvchain.") and tag.index(0) == len(tag) - 1 for tag in tags)
    assert len(set(tags)) == len(tags)


def test_a_tagged_key_verifies_by_its_scheme_alone() -> None:
    key = SigningKey.from_seed(SEED)
    signature = key.sign(Purpose.TRANSACTION, b"message")
    assert key.tagged == b"\x01" + PUBLIC
    assert verify_tagged(Purpose.TRANSACTION, key.tagged, b"message", signature)
    for tagged in (b"", b"\x01", PUBLIC, b"\x00" + PUBLIC, b"\x02" + PUBLIC, key.tagged + b"\x00"):
        assert not verify_tagged(Purpose.TRANSACTION, tagged, b"message", signature)


# --- keys that may be registered, keys on rolls ---


def test_there_are_14_encodings_of_small_order() -> None:
    assert len(SMALL_ORDER_ENCODINGS) == 14
    for encoding in SMALL_ORDER_ENCODINGS:
        assert not is_valid_key(encoding)
        assert not is_roll_key(b"\x01" + encoding)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", range(P, 2**255))
def test_an_encoding_of_y_above_the_prime_is_refused(y: int, sign: int) -> None:
    assert not is_valid_key(encoded(y, sign))
    assert not is_roll_key(b"\x01" + encoded(y, sign))


def test_the_largest_y_that_is_not_of_small_order_may_stand_on_a_roll() -> None:
    assert is_roll_key(b"\x01" + encoded(P - 2))
    assert is_roll_key(b"\x01" + encoded(P - 2, 1))


def test_a_usable_key_passes_both_checks() -> None:
    assert is_valid_key(PUBLIC)
    assert is_roll_key(b"\x01" + PUBLIC)


def test_a_key_plus_a_point_of_small_order_may_not_be_registered() -> None:
    for encoding in SMALL_ORDER_ENCODINGS:
        shifted = bindings.crypto_core_ed25519_add(PUBLIC, encoding)
        assert is_valid_key(shifted) is (shifted == PUBLIC)


@pytest.mark.parametrize(
    "tagged", [b"", b"\x01", PUBLIC, b"\x00" + PUBLIC, b"\x02" + PUBLIC, b"\x01" + PUBLIC + b"\x00"]
)
def test_a_roll_key_has_33_bytes_and_a_known_scheme(tagged: bytes) -> None:
    assert not is_roll_key(tagged)


# --- private keys ---


def test_generated_keys_differ_and_come_back_from_their_seed() -> None:
    one, two = SigningKey.generate(), SigningKey.generate()
    assert one.public != two.public
    assert is_valid_key(one.public)
    assert SigningKey.from_seed(one.seed).public == one.public


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SigningKey.from_seed(bytes(size))


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>200}".format])
def test_a_private_key_does_not_show_itself(show: Callable[[object], str]) -> None:
    shown = show(SigningKey.from_seed(SEED))
    assert PUBLIC.hex() in shown
    assert SEED.hex() not in shown
    assert repr(SEED) not in shown


@pytest.mark.parametrize("serialise", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_private_key_is_not_serialised(serialise: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="not serialised"):
        serialise(SigningKey.from_seed(SEED))


# --- self-test ---


def test_the_self_test_passes_here() -> None:
    self_test()


def test_the_self_test_finds_a_library_without_the_point_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "has_crypto_core_ed25519", False)
    with pytest.raises(BadConfiguration, match="ED03 is missing"):
        self_test()


@pytest.mark.parametrize("case", ED25519_CASES, ids=lambda case: case.name)
def test_the_self_test_finds_one_wrong_verdict(case: Ed25519Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(purpose: Purpose, key: bytes, message: bytes, signature: bytes) -> bool:
        wrong = (key, message, signature) == (case.key, case.message, case.signature)
        return verify(purpose, key, message, signature) ^ wrong

    monkeypatch.setattr(keys, "verify", other)
    with pytest.raises(BadConfiguration, match=f"{case.name}[.]") as caught:
        self_test()
    assert caught.value.cause is codes.CRYPTO_SELF_TEST


def test_the_self_test_finds_a_library_that_takes_the_identity_as_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity = encoded(1)

    def other(purpose: Purpose, key: bytes, message: bytes, signature: bytes) -> bool:
        return key == identity or verify(purpose, key, message, signature)

    monkeypatch.setattr(keys, "verify", other)
    with pytest.raises(BadConfiguration, match="small order"):
        self_test()
