"""A cheap provider of signatures for swarms: keyed hashes in place of Ed25519 (faults SIM7).

`core.keys` is the only module that signs and verifies, and reaches libsodium by one name, `bindings`. While the
provider is in use this name means it; all rules of `core.keys` about lengths, purposes and schemes stay in force.
Anybody who knows a public key can forge these signatures. The simulator's faulty nodes do not, except where a forgery
is what they are to try, and then it is one that does not verify.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Final

from nacl.exceptions import BadSignatureError

from mvchain.core import keys

_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


class KeyedHashes:
    """What `core.keys` uses of `nacl.bindings`, with the same shapes: a signature is BLAKE2b under the public key."""

    has_crypto_core_ed25519 = True

    @staticmethod
    def crypto_sign_seed_keypair(seed: bytes) -> tuple[bytes, bytes]:
        """Public key, and the secret: seed and public key."""
        public = blake2b(seed, digest_size=_KEY_BYTES).digest()
        return public, seed + public

    @staticmethod
    def crypto_sign(message: bytes, secret: bytes) -> bytes:
        """The signature, and the message behind it."""
        return blake2b(message, key=secret[_KEY_BYTES:]).digest() + message

    @staticmethod
    def crypto_sign_open(signed: bytes, public_key: bytes) -> bytes:
        """The message; BadSignatureError if the signature is not this key's."""
        message = signed[_SIGNATURE_BYTES:]
        if blake2b(message, key=public_key).digest() != signed[:_SIGNATURE_BYTES]:
            raise BadSignatureError
        return message

    @staticmethod
    def crypto_core_ed25519_is_valid_point(public_key: bytes) -> bool:
        """Every key may be registered."""
        return True


@contextmanager
def provider(*, real: bool) -> Iterator[None]:
    """Sign and verify with Ed25519 or with keyed hashes in this block; keys made outside of it are of no use in it."""
    if real:
        yield
        return
    names = vars(keys)
    former = names["bindings"]
    names["bindings"] = KeyedHashes
    try:
        yield
    finally:
        names["bindings"] = former
