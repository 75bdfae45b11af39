"""The handshake against an independent computation, and everything that has to be refused."""

import struct
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from mvchain.core import codes
from mvchain.core.errors import BadPeer, Cause
from mvchain.core.keys import SigningKey
from mvchain.core.types import Hash, PublicKey
from mvchain.node import wire
from mvchain.node.handshake import MAX_HANDSHAKE_BYTES, Dialler, Listener, Local, SecureChannel

GENESIS = Hash(b"g" * 32)
A = SigningKey.from_seed(b"a" * 32)
B = SigningKey.from_seed(b"b" * 32)
C = SigningKey.from_seed(b"c" * 32)
EPHEMERAL_A = b"\x01" * 32
EPHEMERAL_B = b"\x02" * 32


def anybody(_key: PublicKey) -> bool:
    return True


def dialler(
    key: SigningKey = A, wanted: SigningKey = B, genesis: Hash = GENESIS, ephemeral: bytes = EPHEMERAL_A
) -> Dialler:
    return Dialler(Local(key, genesis), ephemeral, wanted.public)


def listener(
    key: SigningKey = B,
    may_connect: Callable[[PublicKey], bool] = anybody,
    genesis: Hash = GENESIS,
    ephemeral: bytes = EPHEMERAL_B,
) -> Listener:
    return Listener(Local(key, genesis), ephemeral, may_connect)


def steps(d: Dialler, li: Listener) -> Iterator[bytes]:
    """Run a handshake; yields the four steps as they are sent."""
    hello = d.start()
    yield hello
    answer = li.receive(hello)
    yield answer
    proof = d.receive(answer)
    yield proof
    counter_proof = li.receive(proof)
    yield counter_proof
    assert d.receive(counter_proof) == b""


def channels(d: Dialler, li: Listener) -> tuple[SecureChannel, SecureChannel]:
    list(steps(d, li))
    assert d.result is not None
    assert li.result is not None
    return d.result[1], li.result[1]


def refusal(call: Callable[[], object]) -> Cause:
    with pytest.raises(BadPeer) as caught:
        call()
    assert str(caught.value)
    return caught.value.cause


def test_both_sides_learn_who_the_other_is() -> None:
    d, li = dialler(), listener()
    list(steps(d, li))
    assert d.result is not None
    assert li.result is not None
    assert d.result[0] == B.public
    assert li.result[0] == A.public


def test_no_step_is_larger_than_what_is_read() -> None:
    assert max(map(len, steps(dialler(), listener()))) <= MAX_HANDSHAKE_BYTES


def test_against_an_independent_computation() -> None:
    public_a = bindings.crypto_scalarmult_base(EPHEMERAL_A)
    public_b = bindings.crypto_scalarmult_base(EPHEMERAL_B)
    hello_a = b"\xf0" + b"\x00\x01" + GENESIS + public_a
    hello_b = b"\xf0" + b"\x00\x01" + GENESIS + public_b
    person = b"mvchain.peer.v1".ljust(16, b"\0")

    def blake2b(data: bytes, size: int, key: bytes) -> bytes:
        return bindings.crypto_generichash_blake2b_salt_personal(
            data, digest_size=size, key=key, salt=bytes(16), person=person
        )

    transcript = blake2b(hello_a + hello_b, 32, b"")
    secret = bindings.crypto_scalarmult(EPHEMERAL_B, public_a)
    derived = blake2b(transcript, 64, secret)

    def sealed(plaintext: bytes, counter: int, key: bytes) -> bytes:
        nonce = struct.pack(">IQ", 0, counter)
        return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, None, nonce, key)

    def proof(seed: bytes, role: bytes, meant: bytes) -> bytes:
        public, secret_key = bindings.crypto_sign_seed_keypair(seed)
        message = b"mvchain.handshake.v1\0" + transcript + role + public + meant
        return b"\xf1" + public + meant + bindings.crypto_sign(message, secret_key)[:64]

    d, li = dialler(), listener()
    assert list(steps(d, li)) == [
        hello_a,
        hello_b,
        sealed(proof(b"a" * 32, b"D", B.public), 0, derived[:32]),
        sealed(proof(b"b" * 32, b"L", A.public), 0, derived[32:]),
    ]
    assert d.result is not None
    assert li.result is not None
    assert d.result[1].seal(b"first") == sealed(b"first", 1, derived[:32])
    assert li.result[1].seal(b"first") == sealed(b"first", 1, derived[32:])


@pytest.mark.parametrize("bit", [0x01, 0x80])
@pytest.mark.parametrize("step", range(4))
def test_every_altered_byte_is_refused(step: int, bit: int) -> None:
    lengths = [len(data) for data in steps(dialler(), listener())]
    for position in range(lengths[step]):

        def alter(data: bytes, i: int, position: int = position) -> bytes:
            if i != step:
                return data
            return data[:position] + bytes((data[position] ^ bit,)) + data[position + 1 :]

        d, li = dialler(), listener()

        def run(d: Dialler = d, li: Listener = li) -> None:
            answer = alter(li.receive(alter(d.start(), 0)), 1)
            d.receive(alter(li.receive(alter(d.receive(answer), 2)), 3))

        refusal(run)
        assert d.result is None, position


@pytest.mark.parametrize("size", [0, 1, 66, 68])
def test_hellos_of_another_length(size: int) -> None:
    hello = (dialler().start() + b"\0")[:size]
    assert refusal(lambda: listener().receive(hello)) is codes.BAD_HANDSHAKE
    assert refusal(lambda: dialler().receive(hello)) is codes.BAD_HANDSHAKE


def test_wrong_order() -> None:
    recorded = list(steps(dialler(), listener()))
    assert refusal(lambda: listener().receive(recorded[2])) is codes.BAD_HANDSHAKE
    assert refusal(lambda: dialler().receive(recorded[3])) is codes.BAD_HANDSHAKE
    li = listener()
    li.receive(recorded[0])
    assert refusal(lambda: li.receive(recorded[0])) is codes.HANDSHAKE_NOT_AUTHENTIC
    d, li = dialler(), listener()
    li.receive(d.start())
    proof = d.receive(recorded[1])
    assert refusal(lambda: d.receive(proof)) is codes.HANDSHAKE_NOT_AUTHENTIC  # its own, reflected


def test_a_reflected_hello_leads_nowhere() -> None:
    d = dialler()
    proof = d.receive(d.start())
    assert refusal(lambda: d.receive(proof)) is codes.HANDSHAKE_NOT_AUTHENTIC


def test_a_recorded_handshake_opens_nothing_again() -> None:
    recorded = list(steps(dialler(), listener()))
    again = listener(ephemeral=b"\x03" * 32)
    again.receive(recorded[0])
    assert refusal(lambda: again.receive(recorded[2])) is codes.HANDSHAKE_NOT_AUTHENTIC
    d = dialler(ephemeral=b"\x04" * 32)
    d.receive(recorded[1])
    assert refusal(lambda: d.receive(recorded[3])) is codes.HANDSHAKE_NOT_AUTHENTIC


def test_other_versions_and_chains_get_a_reason() -> None:
    hello = dialler().start()
    older = hello[:1] + b"\x00\x00" + hello[3:]
    assert refusal(lambda: listener().receive(older)) is codes.PROTOCOL_VERSION_DIFFERS
    other = Hash(b"h" * 32)
    assert refusal(lambda: listener(genesis=other).receive(hello)) is codes.GENESIS_DIFFERS
    assert refusal(lambda: dialler(genesis=other).receive(hello)) is codes.GENESIS_DIFFERS


# Points of order 1, 2, 4 and 8 on curve25519 and its twist, and encodings of them beyond the field prime.
LOW_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize("point", LOW_ORDER)
def test_ephemeral_keys_of_low_order(point: str) -> None:
    hello = dialler().start()[:35] + bytes.fromhex(point)
    assert refusal(lambda: listener().receive(hello)) is codes.WEAK_EPHEMERAL_KEY
    assert refusal(lambda: dialler().receive(hello)) is codes.WEAK_EPHEMERAL_KEY


def test_unknown_keys() -> None:
    li = listener(may_connect=lambda key: key == C.public)
    assert refusal(lambda: list(steps(dialler(), li))) is codes.UNKNOWN_NODE_KEY
    assert li.result is None
    list(steps(dialler(key=C), listener(may_connect=lambda key: key == C.public)))


def test_a_node_that_reaches_itself() -> None:
    assert refusal(lambda: list(steps(dialler(), listener(key=A)))) is codes.SELF_CONNECTION


def test_another_node_answers() -> None:
    assert refusal(lambda: list(steps(dialler(wanted=C), listener(key=B)))) is codes.WRONG_ADDRESSEE


def open_proof(d: Dialler, li: Listener) -> tuple[bytes, SecureChannel, SecureChannel]:
    """Go as far as the dialler's proof; gives it in the clear, and the channels of both sides."""
    proof = d.receive(li.receive(d.start()))
    assert d._sealed is not None
    assert li._sealed is not None
    return li._sealed.open(proof), d._sealed, li._sealed


def test_a_listener_with_another_key_than_the_one_wanted() -> None:
    """A hostile listener accepts a proof that was meant for another node, and proves its own identity."""
    d, hostile = dialler(wanted=C), listener(key=B)
    open_proof(d, hostile)
    assert refusal(lambda: d.receive(hostile._proof(A.public))) is codes.UNEXPECTED_NODE_KEY
    assert d.result is None


def test_a_proof_of_another_session_or_role_is_not_accepted() -> None:
    """What an allowed node proved to a hostile one does not let that one in anywhere else (relay)."""
    honest, hostile_listener = dialler(key=A, wanted=B), listener(key=B)
    proof, _, _ = open_proof(honest, hostile_listener)
    relay, victim = dialler(key=B, wanted=B, ephemeral=b"\x05" * 32), listener(key=B, ephemeral=b"\x06" * 32)
    victim_answer = victim.receive(relay.start())
    relay.receive(victim_answer)
    assert relay._sealed is not None
    relay._sealed._sent = 0
    forged = relay._sealed.seal(proof)
    assert refusal(lambda: victim.receive(forged)) is codes.HANDSHAKE_NOT_AUTHENTIC

    d, li = dialler(), listener()
    proof, _, to_dialler = open_proof(d, li)
    assert refusal(lambda: d.receive(to_dialler.seal(proof))) is codes.HANDSHAKE_NOT_AUTHENTIC


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"\xed" + b"\xff" * 30 + b"\x7f"])
def test_proofs_with_keys_that_are_none(key: bytes) -> None:
    """Nil and malformed keys are refused, not stumbled over (ATK27)."""
    d, li = dialler(), listener()
    li.receive(d.start())
    d.receive(listener().receive(d.start()))
    assert d._sealed is not None
    d._sealed._sent = 0
    forged = d._sealed.seal(b"\xf1" + key + B.public + bytes(64))
    assert refusal(lambda: li.receive(forged)) is codes.HANDSHAKE_NOT_AUTHENTIC


def test_refusals_reach_the_other_side() -> None:
    d, li = dialler(genesis=Hash(b"h" * 32)), listener()
    with pytest.raises(BadPeer) as caught:
        li.receive(d.start())
    told = li.refusal(caught.value)
    assert len(told) <= MAX_HANDSHAKE_BYTES
    with pytest.raises(BadPeer, match="MV-2111") as caught:
        d.receive(told)
    assert caught.value.cause is codes.GOODBYE_FROM_PEER

    d, li = dialler(), listener(may_connect=lambda _: False)
    with pytest.raises(BadPeer) as caught:
        list(steps(d, li))
    told = li.refusal(caught.value)
    assert b"MV-2112" not in told
    with pytest.raises(BadPeer, match="MV-2112"):
        d.receive(told)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    for side in (dialler(), listener()):
        with pytest.raises(BadPeer):
            side.receive(data)
    d, li = dialler(), listener()
    d.receive(li.receive(d.start()))
    for side in (d, li):
        with pytest.raises(BadPeer):
            side.receive(data)


def test_channel_carries_both_directions() -> None:
    one, two = channels(dialler(), listener())
    for i in range(300):
        assert two.open(one.seal(bytes(i))) == bytes(i)
        assert one.open(two.seal(b"x" * i)) == b"x" * i


@pytest.mark.parametrize("order", [(1,), (0, 0), (0, 2), (1, 0)])
def test_frames_repeated_left_out_or_moved(order: tuple[int, ...]) -> None:
    one, two = channels(dialler(), listener())
    frames = [one.seal(bytes((i,))) for i in range(3)]
    for i in order[:-1]:
        with nullcontext() if i == 0 else pytest.raises(BadPeer):
            two.open(frames[i])
    assert refusal(lambda: two.open(frames[order[-1]])) is codes.FRAME_NOT_AUTHENTIC


def test_a_frame_sent_back_does_not_open() -> None:
    one, _ = channels(dialler(), listener())
    frame = one.seal(b"x")
    assert refusal(lambda: one.open(frame)) is codes.FRAME_NOT_AUTHENTIC


@given(st.binary(max_size=100), st.data())
def test_altered_frames_do_not_open(plaintext: bytes, data: st.DataObject) -> None:
    one, two = channels(dialler(), listener())
    frame = bytearray(one.seal(plaintext))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert refusal(lambda: two.open(bytes(frame))) is codes.FRAME_NOT_AUTHENTIC


def test_goodbye_type_is_no_step() -> None:
    assert wire.Goodbye.TYPE not in (0xF0, 0xF1)
