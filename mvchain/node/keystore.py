"""Key files: one private key each, encrypted with a passphrase (N4, security KEY02).

    {"format": "mvchain-key", "version": 1, "public_key": hex,
     "kdf": {"name": "argon2id", "operations": t, "memory_bytes": m, "salt": hex} or null, "secret": hex}

`secret` is nonce, MAC and ciphertext of the 32-byte seed under XSalsa20-Poly1305 with the key that Argon2id makes of
the passphrase; with `kdf` null it is the seed itself, which is for localnets only. Files have mode 0600 and are
replaced as a whole (CP20).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadConfiguration, MvchainError
from mvchain.core.keys import SCHEME_ED25519, SEED_BYTES, SigningKey
from mvchain.core.limits import MAX_KEY_FILE_BYTES, MIN_PASSPHRASE_BYTES
from mvchain.core.types import PublicKey, TaggedKey
from mvchain.node.files import atomic_write
from mvchain.node.ports import Disk

_FORMAT = "mvchain-key"
_VERSION = 1
_MIB = 1024 * 1024
_FLOOR = ((1, 46 * _MIB), (2, 19 * _MIB))
"""Least (operations, memory) by OWASP and ASVS (KEY02); one of the two pairs must be reached."""
_MAX_OPERATIONS = 16
_MAX_MEMORY_BYTES = 1024 * _MIB
"""A key file from elsewhere must not make the node take all memory or run for hours."""


@dataclass(frozen=True, slots=True)
class KdfParameters:
    """Cost of one guess at the passphrase.

    Raises:
        BadConfiguration: below the floor of KEY02, or beyond what any key file may ask for.
    """

    operations: int
    memory_bytes: int

    def __post_init__(self) -> None:
        enough = any(self.operations >= least and self.memory_bytes >= size for least, size in _FLOOR)
        if not enough or self.operations > _MAX_OPERATIONS or self.memory_bytes > _MAX_MEMORY_BYTES:
            raise BadConfiguration(codes.KDF_OUT_OF_RANGE, operations=self.operations, memory_bytes=self.memory_bytes)


DEFAULT_KDF = KdfParameters(3, 64 * _MIB)
"""As RFC 9106 section 4 recommends for small machines, but for the lanes, of which libsodium has one."""


def save_key(path: Path, key: SigningKey, passphrase: bytes, disk: Disk, kdf: KdfParameters = DEFAULT_KDF) -> None:
    """Write a new, encrypted key file.

    Raises:
        BadConfiguration: there is a file already, or the passphrase is too short.
    """
    _write_new(path, _sealed(key, passphrase, kdf), disk)


def save_plain_key(path: Path, key: SigningKey, disk: Disk) -> None:
    """Write a new key file that anyone who reads it can use: for localnets, when told to explicitly (N4)."""
    _write_new(path, _envelope(key, None, key.seed), disk)


def change_passphrase(
    path: Path, passphrase: bytes, new_passphrase: bytes, disk: Disk, kdf: KdfParameters = DEFAULT_KDF
) -> None:
    """Encrypt the key anew; after a crash the file is the old one or the new one (CP20)."""
    key = load_key(path, passphrase, disk)
    atomic_write(disk, path, _sealed(key, new_passphrase, kdf))


def load_key(path: Path, passphrase: bytes, disk: Disk) -> SigningKey:
    """The key in an encrypted file.

    Raises:
        BadConfiguration: no such file, a mode wider than 0600 (LIM27), a damaged or plain file, a wrong passphrase.
    """
    public_key, kdf, salt, secret = _read(path, disk)
    if kdf is None:
        raise BadConfiguration(codes.KEY_FILE_PLAIN, path=path)
    try:
        seed = _box(passphrase, kdf, salt).decrypt(secret)
    except CryptoError:
        raise BadConfiguration(codes.PASSPHRASE_WRONG, path=path) from None
    return _checked(seed, public_key, path)


def load_plain_key(path: Path, disk: Disk) -> SigningKey:
    """The key in a plain file of a localnet.

    Raises:
        BadConfiguration: as `load_key`; also if the file is encrypted.
    """
    public_key, kdf, _, secret = _read(path, disk)
    if kdf is not None:
        raise BadConfiguration(codes.KEY_FILE_ENCRYPTED, path=path)
    return _checked(secret, public_key, path)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key file says to everybody."""

    public_key: PublicKey
    encrypted: bool

    @property
    def tagged(self) -> TaggedKey:
        """The public key behind its scheme byte (ledger L2)."""
        return TaggedKey(bytes((SCHEME_ED25519,)) + self.public_key)


def key_info(path: Path, disk: Disk) -> KeyInfo:
    """What can be known without a passphrase; raises as `load_key`."""
    public_key, kdf, _, _ = _read(path, disk)
    return KeyInfo(PublicKey(public_key), kdf is not None)


def _sealed(key: SigningKey, passphrase: bytes, kdf: KdfParameters) -> bytes:
    if len(passphrase) < MIN_PASSPHRASE_BYTES:
        raise BadConfiguration(codes.PASSPHRASE_TOO_SHORT, least=MIN_PASSPHRASE_BYTES)
    salt = random(argon2id.SALTBYTES)
    header: dict[str, object] = {
        "name": "argon2id",
        "operations": kdf.operations,
        "memory_bytes": kdf.memory_bytes,
        "salt": salt.hex(),
    }
    return _envelope(key, header, _box(passphrase, kdf, salt).encrypt(key.seed))


def _box(passphrase: bytes, kdf: KdfParameters, salt: bytes) -> SecretBox:
    return SecretBox(
        argon2id.kdf(SecretBox.KEY_SIZE, passphrase, salt, opslimit=kdf.operations, memlimit=kdf.memory_bytes)
    )


def _envelope(key: SigningKey, kdf: dict[str, object] | None, secret: bytes) -> bytes:
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "public_key": key.public.hex(),
        "kdf": kdf,
        "secret": secret.hex(),
    }
    return strict_json.canonical(document) + b"\n"


def _write_new(path: Path, data: bytes, disk: Disk) -> None:
    disk.make_directory(path.parent)
    if disk.read(path) is not None:
        raise BadConfiguration(codes.KEY_FILE_EXISTS, path=path)
    atomic_write(disk, path, data)


def _read(path: Path, disk: Disk) -> tuple[bytes, KdfParameters | None, bytes, bytes]:
    """Public key, KDF parameters (None: plain), salt and secret."""
    data = disk.read(path)
    if data is None:
        raise BadConfiguration(codes.KEY_FILE_MISSING, path=path)
    mode = disk.mode(path)
    if mode & 0o177:
        raise BadConfiguration(codes.KEY_FILE_MODE, path=path, mode=f"{mode:04o}")
    try:
        document = strict_json.loads(data, "it", max_bytes=MAX_KEY_FILE_BYTES, error=BadConfiguration)
    except MvchainError as error:
        raise _damaged(path, error.detail.removesuffix(".")) from None
    try:
        return _parse(document)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from None


def _parse(document: object) -> tuple[bytes, KdfParameters | None, bytes, bytes]:
    """Raises ValueError, KeyError or TypeError for whatever is not a key file."""
    fields = _members(document, {"format", "version", "public_key", "kdf", "secret"})
    if (fields["format"], fields["version"]) != (_FORMAT, _VERSION):
        raise ValueError(f"its format is not {_FORMAT} version {_VERSION}")
    public_key, secret = _hex(fields["public_key"]), _hex(fields["secret"])
    if fields["kdf"] is None:
        return public_key, None, b"", secret
    kdf = _members(fields["kdf"], {"name", "operations", "memory_bytes", "salt"})
    operations, memory_bytes, salt = kdf["operations"], kdf["memory_bytes"], _hex(kdf["salt"])
    if kdf["name"] != "argon2id" or type(operations) is not int or type(memory_bytes) is not int:
        raise ValueError("its key derivation is not argon2id")
    if len(salt) != argon2id.SALTBYTES:
        raise ValueError("its salt has another length")
    return public_key, KdfParameters(operations, memory_bytes), salt, secret


def _members(value: object, names: set[str]) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != names:
        raise ValueError(f"it does not have exactly the members {', '.join(sorted(names))}")
    return cast("dict[str, object]", value)


def _hex(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError("a member is not a text")
    return bytes.fromhex(value)


def _checked(seed: bytes, public_key: bytes, path: Path) -> SigningKey:
    if len(seed) != SEED_BYTES:
        raise _damaged(path, "its secret has another length")
    key = SigningKey.from_seed(seed)
    if key.public != public_key:
        raise _damaged(path, "its public key is not that of its secret")
    return key


def _damaged(path: Path, why: str) -> BadConfiguration:
    return BadConfiguration(codes.KEY_FILE_DAMAGED, path=path, why=why)
