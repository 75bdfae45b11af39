"""The one signature rule of the system: Ed25519 as libsodium verifies it strictly (security ED01 to ED12).

Nothing here signs or verifies raw bytes: a purpose comes first, so that a signature made for one kind of
message never verifies as another (ED06).
"""

from enum import Enum
from typing import NoReturn, Self

from nacl import bindings
from nacl.exceptions import BadSignatureError
from nacl.utils import random

from mvchain.core import codes
from mvchain.core.ed25519_cases import ED25519_CASES
from mvchain.core.errors import BadConfiguration
from mvchain.core.types import PublicKey, Signature, TaggedKey

KEY_BYTES = 32
TAGGED_KEY_BYTES = 33
SEED_BYTES = 32
SIGNATURE_BYTES = 64

SCHEME_ED25519 = 1
"""Scheme byte of a tagged key (ledger L2); an unknown scheme is invalid (ED12)."""

_IDENTITY = b"\x01" + bytes(31)
_ED25519_PREFIX = bytes((SCHEME_ED25519,))
_FIELD_PRIME = 2**255 - 19
_SIGN_BIT = 1 << 255

SMALL_ORDER_ENCODINGS = frozenset(
    bytes.fromhex(encoding)
    for encoding in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    )
)
"""All encodings of the points of small order, canonical or not (security section 7)."""


class Purpose(Enum):
    """What a signature is for; the value comes before the message in the bytes that are signed."""

    TRANSACTION = b"mvchain.tx.v1\x00"
    ACKNOWLEDGEMENT = b"mvchain.ack.v1\x00"
    HANDSHAKE = b"mvchain.handshake.v1\x00"
    GENESIS = b"mvchain.genesis.v1\x00"
    REGISTRATION = b"mvchain.register.v1\x00"
    BACKUP = b"mvchain.backup.v1\x00"
    CONSENSUS = b""
    """Proposals, prevotes and precommits: their bytes are the specification's (C40, C42) and hold their kind.
    They begin with a length and 08, no tag above does. Only the sign guard may use it (KEY04)."""


def verify(purpose: Purpose, public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the key's over the message for this purpose (ED01); False for whatever is wrong.

    Lengths come first (ED05): libsodium takes signature and message as one string and would let the border
    between them slide. With the lengths right, refusal is the only thing the call can raise.
    """
    if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + purpose.value + message, public_key)
    except BadSignatureError:
        return False
    return True


def verify_tagged(purpose: Purpose, tagged_key: bytes, message: bytes, signature: bytes) -> bool:
    """The same for a key with a scheme byte; False for an unknown scheme (ED12)."""
    return tagged_key[:1] == _ED25519_PREFIX and verify(purpose, tagged_key[1:], message, signature)


def is_valid_key(public_key: bytes) -> bool:
    """Whether the key may be registered (ED03): canonical, on the curve, in the main subgroup. Some 50 µs."""
    return len(public_key) == KEY_BYTES and bindings.crypto_core_ed25519_is_valid_point(public_key)


def is_roll_key(tagged_key: bytes) -> bool:
    """Whether the key may stand on a roll: byte checks only (ledger L5). Under 1 µs.

    Length, scheme, canonical y, and none of the encodings of small order. A key that is no point passes; it
    verifies nothing.
    """
    if len(tagged_key) != TAGGED_KEY_BYTES or tagged_key[0] != SCHEME_ED25519:
        return False
    key = tagged_key[1:]
    return int.from_bytes(key, "little") % _SIGN_BIT < _FIELD_PRIME and key not in SMALL_ORDER_ENCODINGS


class SigningKey:
    """A private key. Whatever prints or serialises it shows nothing of it (KEY11)."""

    __slots__ = ("_pair", "public")

    public: PublicKey

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes")
        public, self._pair = bindings.crypto_sign_seed_keypair(seed)
        self.public = PublicKey(public)

    @classmethod
    def generate(cls) -> Self:
        """A new key from the system's generator (KEY12)."""
        return cls(random(SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key of a seed of 32 bytes."""
        return cls(seed)

    @property
    def tagged(self) -> TaggedKey:
        """The public key behind its scheme byte (ledger L2)."""
        return TaggedKey(_ED25519_PREFIX + self.public)

    @property
    def seed(self) -> bytes:
        """The secret itself: for the keystore alone."""
        return self._pair[:SEED_BYTES]

    def sign(self, purpose: Purpose, message: bytes) -> Signature:
        """Deterministic signature over the message for this purpose (ED11)."""
        return Signature(bindings.crypto_sign(purpose.value + message, self._pair)[:SIGNATURE_BYTES])

    def __repr__(self) -> str:
        return f"<SigningKey of {self.public.hex()}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not serialised")


def self_test() -> None:
    """Checks at start that this libsodium gives the verdicts that the network agreed on (ED07).

    Raises BadConfiguration, naming the first check that came out otherwise.
    """
    if not bindings.has_crypto_core_ed25519:
        raise BadConfiguration(codes.CRYPTO_SELF_TEST, check="the point check of ED03 is missing")
    for case in ED25519_CASES:
        # The bare equation, without any tag: these cases were made for it.
        found = verify(Purpose.CONSENSUS, case.key, case.message, case.signature), is_valid_key(case.key)
        if found != (case.verifies, case.registrable):
            raise BadConfiguration(codes.CRYPTO_SELF_TEST, check=case.name)
    for key in sorted(SMALL_ORDER_ENCODINGS):
        # With S = 0 and R the identity the equation holds for the identity as key, and for others by chance.
        trivial = _IDENTITY + bytes(KEY_BYTES)
        if is_valid_key(key) or verify(Purpose.CONSENSUS, key, b"", trivial):
            raise BadConfiguration(codes.CRYPTO_SELF_TEST, check=f"key {key.hex()} of small order")
