"""How two nodes make sure of each other, and the encrypted channel that comes out of it (N7). No I/O here.

| step | from | bytes | sealed |
|---|---|---|---|
| 1 | dialler | hello: version, genesis hash, ephemeral key | no |
| 2 | listener | hello of its own | no |
| 3 | dialler | proof: its node key, the key it means to reach, signature | yes |
| 4 | listener | proof of its own | yes |

Both sides hash the two hellos into the transcript and derive two keys, one for each direction, with BLAKE2b
from transcript and X25519 secret. A proof signs transcript, role, own key and the other's key, so version,
genesis, both ephemeral keys and both identities are bound, and a proof serves nobody else. Ephemeral keys are
fresh, so a recorded handshake opens nothing again. No node key travels in the clear; an active attacker who
poses as a listener can learn the dialler's, which the genesis file names anyway.

Either side may send a Goodbye instead of its next step: in the clear before step 3, sealed afterwards.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.exceptions import RuntimeError as LowOrderResult

from mvchain.core import codes, keys
from mvchain.core.errors import BadPeer
from mvchain.core.keys import KEY_BYTES, SIGNATURE_BYTES, Purpose, SigningKey
from mvchain.core.types import Hash, PublicKey
from mvchain.node import wire

PROTOCOL_VERSION = 1
"""Raised with every change of a message; both sides have to agree."""
EPHEMERAL_BYTES = 32
TAG_BYTES = bindings.crypto_aead_chacha20poly1305_ietf_ABYTES
_NONCE_BYTES = bindings.crypto_aead_chacha20poly1305_ietf_NPUBBYTES
_PERSON = b"mvchain.peer.v1"

_HELLO_TYPE = 0xF0
_PROOF_TYPE = 0xF1
"""First bytes of hello and proof; no message of `wire` has them."""
_HELLO = struct.Struct(">B H 32s 32s")
_PROOF = struct.Struct(f">B {KEY_BYTES}s {KEY_BYTES}s {SIGNATURE_BYTES}s")

MAX_HANDSHAKE_BYTES = 1 + wire.Goodbye.MAX_BYTES + TAG_BYTES
"""The longest step is a Goodbye."""


class SecureChannel:
    """ChaCha20-Poly1305 with one key and one counter for each direction.

    The counter is the nonce, so a frame that is altered, repeated, left out or moved does not open. It has 96
    bits and never comes round.
    """

    __slots__ = ("_received", "_receiving_key", "_sending_key", "_sent")

    def __init__(self, sending_key: bytes, receiving_key: bytes) -> None:
        self._sending_key = sending_key
        self._receiving_key = receiving_key
        self._sent = 0
        self._received = 0

    def seal(self, plaintext: bytes) -> bytes:
        """The next frame; `TAG_BYTES` longer than what it holds."""
        nonce = self._sent.to_bytes(_NONCE_BYTES, "big")
        self._sent += 1
        return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, None, nonce, self._sending_key)

    def open(self, sealed: bytes) -> bytes:
        """What the next frame holds.

        Raises:
            BadPeer: it is not the next frame of the other side; the channel is of no more use.
        """
        if len(sealed) < TAG_BYTES:  # PyNaCl would ask for a negative amount of memory
            raise BadPeer(codes.FRAME_NOT_AUTHENTIC)
        nonce = self._received.to_bytes(_NONCE_BYTES, "big")
        self._received += 1
        try:
            return bindings.crypto_aead_chacha20poly1305_ietf_decrypt(sealed, None, nonce, self._receiving_key)
        except CryptoError:
            raise BadPeer(codes.FRAME_NOT_AUTHENTIC) from None


@dataclass(frozen=True, slots=True)
class Local:
    """This node in a handshake."""

    key: SigningKey
    genesis_hash: Hash


class _Step(Enum):
    HELLO = auto()
    PROOF = auto()
    OVER = auto()


class _Handshake:
    """What both sides have in common.

    Args:
        ephemeral: 32 fresh random bytes, used for this handshake alone.
    """

    _role: bytes
    _other_role: bytes

    def __init__(self, local: Local, ephemeral: bytes) -> None:
        self._local = local
        self._ephemeral = ephemeral
        self._hello = _HELLO.pack(
            _HELLO_TYPE, PROTOCOL_VERSION, local.genesis_hash, bindings.crypto_scalarmult_base(ephemeral)
        )
        self._waits_for = _Step.HELLO
        self._transcript = b""
        self._sealed: SecureChannel | None = None
        self._peer_key: PublicKey | None = None

    @property
    def result(self) -> tuple[PublicKey, SecureChannel] | None:
        """The other side's node key and the channel to it, once it has proved itself."""
        if self._peer_key is None or self._sealed is None:
            return None
        return self._peer_key, self._sealed

    def refusal(self, error: BadPeer) -> bytes:
        """What to send to the other side as the reason for giving up."""
        self._waits_for = _Step.OVER
        farewell = wire.encode(wire.goodbye(error))
        return self._sealed.seal(farewell) if self._sealed else farewell

    def _read_hello(self, data: bytes, *, dialled: bool) -> None:
        if data[:1] == bytes((wire.Goodbye.TYPE,)):
            raise _told(data)
        if len(data) != _HELLO.size or data[0] != _HELLO_TYPE:
            raise BadPeer(codes.BAD_HANDSHAKE, why="this is no hello")
        _, version, genesis_hash, ephemeral = _HELLO.unpack(data)
        if version != PROTOCOL_VERSION:
            raise BadPeer(codes.PROTOCOL_VERSION_DIFFERS, theirs=version, ours=PROTOCOL_VERSION)
        if genesis_hash != self._local.genesis_hash:
            ours = self._local.genesis_hash.hex()
            raise BadPeer(codes.GENESIS_DIFFERS, theirs=genesis_hash.hex(), ours=ours)
        try:
            secret = bindings.crypto_scalarmult(self._ephemeral, ephemeral)
        except LowOrderResult:
            raise BadPeer(codes.WEAK_EPHEMERAL_KEY) from None
        first, second = (self._hello, data) if dialled else (data, self._hello)
        self._transcript = hashlib.blake2b(first + second, digest_size=32, person=_PERSON).digest()
        derived = hashlib.blake2b(self._transcript, digest_size=64, key=secret, person=_PERSON).digest()
        to_listener, to_dialler = derived[:32], derived[32:]
        self._sealed = SecureChannel(to_listener, to_dialler) if dialled else SecureChannel(to_dialler, to_listener)
        self._waits_for = _Step.PROOF

    def _proof(self, peer_key: PublicKey) -> bytes:
        assert self._sealed is not None
        own_key = self._local.key.public
        signature = self._local.key.sign(Purpose.HANDSHAKE, self._transcript + self._role + own_key + peer_key)
        return self._sealed.seal(_PROOF.pack(_PROOF_TYPE, own_key, peer_key, signature))

    def _read_proof(self, data: bytes) -> PublicKey:
        """The key of the other side, which holds it and means this node; whether it is welcome is open."""
        assert self._sealed is not None
        try:
            proof = self._sealed.open(data)
        except BadPeer:
            raise BadPeer(codes.HANDSHAKE_NOT_AUTHENTIC) from None
        if proof[:1] == bytes((wire.Goodbye.TYPE,)):
            raise _told(proof)
        if len(proof) != _PROOF.size or proof[0] != _PROOF_TYPE:
            raise BadPeer(codes.BAD_HANDSHAKE, why="this is no proof of identity")
        _, key, meant, signature = _PROOF.unpack(proof)
        signed = self._transcript + self._other_role + key + meant
        if not keys.verify(Purpose.HANDSHAKE, key, signed, signature):
            raise BadPeer(codes.HANDSHAKE_NOT_AUTHENTIC)
        own_key = self._local.key.public
        if key == own_key:
            raise BadPeer(codes.SELF_CONNECTION)
        if meant != own_key:
            raise BadPeer(codes.WRONG_ADDRESSEE, wanted=meant.hex(), ours=own_key.hex())
        return PublicKey(key)

    def _finish(self, peer_key: PublicKey) -> None:
        self._peer_key = peer_key
        self._waits_for = _Step.OVER


class Dialler(_Handshake):
    """The side that connects, and knows whom it means to reach."""

    _role = b"D"
    _other_role = b"L"

    def __init__(self, local: Local, ephemeral: bytes, wanted: PublicKey) -> None:
        super().__init__(local, ephemeral)
        self._wanted = wanted

    def start(self) -> bytes:
        """The first bytes to send."""
        return self._hello

    def receive(self, data: bytes) -> bytes:
        """Take the next step of the other side, untrusted; returns what to send, which may be nothing.

        Raises:
            BadPeer: it is refused; send `refusal` and close.
        """
        if self._waits_for is _Step.HELLO:
            self._read_hello(data, dialled=True)
            return self._proof(self._wanted)
        assert self._waits_for is _Step.PROOF
        key = self._read_proof(data)
        if key != self._wanted:
            raise BadPeer(codes.UNEXPECTED_NODE_KEY, wanted=self._wanted.hex(), found=key.hex())
        self._finish(key)
        return b""


class Listener(_Handshake):
    """The side that is connected to, and decides who may.

    Args:
        may_connect: whether a node key is welcome (N7).
    """

    _role = b"L"
    _other_role = b"D"

    def __init__(self, local: Local, ephemeral: bytes, may_connect: Callable[[PublicKey], bool]) -> None:
        super().__init__(local, ephemeral)
        self._may_connect = may_connect

    def receive(self, data: bytes) -> bytes:
        """As `Dialler.receive`."""
        if self._waits_for is _Step.HELLO:
            self._read_hello(data, dialled=False)
            return self._hello
        assert self._waits_for is _Step.PROOF
        key = self._read_proof(data)
        if not self._may_connect(key):
            raise BadPeer(codes.UNKNOWN_NODE_KEY, key=key.hex())
        self._finish(key)
        return self._proof(key)


def _told(farewell: bytes) -> BadPeer:
    """The error for a Goodbye in place of a step."""
    message = wire.decode(farewell)
    assert isinstance(message, wire.Goodbye)
    return BadPeer(codes.GOODBYE_FROM_PEER, code=message.code, reason=message.reason)
