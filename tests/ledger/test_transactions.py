"""Transactions: bytes, kinds, what is signed, work units (ledger L2, N2)."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import VerifyKey

from mvchain.core import codec, codes
from mvchain.core.errors import BadTransaction, Cause
from mvchain.core.hashing import sha256
from mvchain.core.keys import SMALL_ORDER_ENCODINGS, SigningKey
from mvchain.core.limits import MAX_NUMBER, MAX_TRANSACTION_BYTES, MAX_WEIGHT
from mvchain.core.types import AgencyNumber, Hash, PollNumber, ProposalNumber, RollNumber, Signature, TaggedKey, TimeMs
from mvchain.ledger.registration import registration_proof, verify_registration
from mvchain.ledger.transactions import (
    NO_CONTEXT,
    Approve,
    Ballot,
    GovernanceApprove,
    GovernancePropose,
    GovernanceWithdraw,
    Kind,
    OperatorRegister,
    OperatorRevoke,
    Payload,
    PollClose,
    PollExtend,
    PollPause,
    PollRegister,
    PollResume,
    PollVoid,
    Role,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceAuthorise,
    ServiceRevoke,
    decode_payload,
    decode_transaction,
    encode_payload,
    make_transaction,
    verify_signature,
)
from mvchain.ledger.units import transaction_units
from tests.ledger.document_helpers import values

KEY = SigningKey.from_seed(bytes(range(32)))
GENESIS = Hash(b"g" * 32)
CONTEXT = Hash(b"c" * 32)
OPERATOR = SigningKey.from_seed(b"o" * 32).tagged
PROOF = Signature(b"p" * 64)


def roll_keys(n: int) -> list[bytes]:
    """Ascending bytes that may stand on a roll (they need not be points)."""
    return [b"\x01" + number.to_bytes(4, "big") + b"\x11" * 28 for number in range(1, n + 1)]


POLL, ROLL = PollNumber(7), RollNumber(3)
PAYLOADS: list[Payload] = [
    Ballot(POLL, 2, (1, None, (0, 2), ((1, 3),), (None, 4))),
    OperatorRegister(1, OPERATOR, PROOF),
    OperatorRevoke(2, OPERATOR),
    ServiceAuthorise(3, OPERATOR, PROOF, Scope.POLLS | Scope.ROLLS),
    ServiceRevoke(4, OPERATOR),
    Approve(5, Hash(b"a" * 32)),
    RollCreate(6, "주민 명부"),
    RollAppend(7, ROLL, b"".join(roll_keys(2)), (1, MAX_WEIGHT)),
    RollSeal(8, ROLL, Hash(b"r" * 32), 2),
    PollRegister(9, PollNumber(0), b"definition"),
    PollPause(10, POLL, "maintenance"),
    PollResume(11, POLL, "done"),
    PollExtend(12, POLL, TimeMs(1_800_000_000_000), "outage"),
    PollClose(13, POLL, "all have answered"),
    PollVoid(MAX_NUMBER, POLL, "wrong wording"),
    GovernancePropose(14, b"action"),
    GovernanceApprove(15, ProposalNumber(3)),
    GovernanceWithdraw(16, ProposalNumber(MAX_NUMBER)),
]


def refusal(data: bytes) -> BadTransaction:
    """The error that decoding the payload gives."""
    with pytest.raises(BadTransaction) as caught:
        decode_payload(data)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value


def test_bytes_of_a_ballot() -> None:
    """Written out by hand from the msgpack specification."""
    payload = bytes.fromhex("94 00 07 00 91 92 02 05")  # [0, 7, 0, [[2, 5]]]
    raw = make_transaction(Ballot(POLL, 0, ((2, 5),)), KEY, GENESIS, CONTEXT)
    assert raw[:3] == bytes.fromhex("93 c4 08")
    assert raw[3:11] == payload
    assert raw[11:14] == bytes.fromhex("c4 21 01")
    assert raw[14:46] == KEY.public
    assert raw[46:48] == bytes.fromhex("c4 40")
    assert len(raw) == 48 + 64
    VerifyKey(KEY.public).verify(b"mvchain.tx.v1\x00" + GENESIS + CONTEXT + payload, raw[48:])


def test_decoded() -> None:
    payload = Ballot(POLL, 0, ((2, 5),))
    raw = make_transaction(payload, KEY, GENESIS, CONTEXT)
    tx = decode_transaction(raw)
    assert tx.raw == raw
    assert tx.hash == sha256(raw)
    assert tx.payload == payload
    assert tx.payload_bytes == raw[3:11]
    assert tx.signer == KEY.tagged
    assert tx.signature == raw[48:]


def test_every_kind_is_tried_here() -> None:
    assert [type(payload) for payload in PAYLOADS] == list(get_args(Payload))
    assert [payload.kind for payload in PAYLOADS] == list(Kind) == list(range(18))


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: type(payload).__name__)
def test_each_kind_comes_back(payload: Payload) -> None:
    data = encode_payload(payload)
    assert decode_payload(data) == payload
    assert type(decode_payload(data)) is type(payload)
    assert codec.decode(data, "payload", max_bytes=1_000)[0] == payload.kind  # type: ignore[index]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: type(payload).__name__)
def test_no_field_takes_another_type(payload: Payload) -> None:
    """Each field in turn becomes true, nil, -1, an array and more items than it has; none is taken."""
    items = list(codec.decode(encode_payload(payload), "payload", max_bytes=1_000))  # type: ignore[arg-type]
    for i in range(1, len(items)):
        for wrong in (True, None, -1, ((),), b"", 1.5):
            if wrong == ((),) and isinstance(payload, Ballot) and i == 3:
                continue  # answers may be anything until they meet their poll
            changed = [*items[:i], wrong, *items[i + 1 :]]
            own_rules = (isinstance(payload, PollRegister) and i == 3) or (
                isinstance(payload, GovernancePropose) and i == 2
            )
            if wrong == b"" and own_rules:
                continue  # definitions and actions are decoded by their own rules
            refusal(codec.encode(changed))
    refusal(codec.encode(items[:-1]))
    refusal(codec.encode([*items, 0]))


BAD_Y = bytes.fromhex("02" + "00" * 31)  # y = 2 is on no point of the curve
A, B = roll_keys(2)


@pytest.mark.parametrize(
    ("items", "cause"),
    [
        ((18, 1), codes.UNKNOWN_KIND),
        ((-1, 1), codes.UNKNOWN_KIND),
        ((True, 1, OPERATOR), codes.MALFORMED),
        ((), codes.MALFORMED),
        (7, codes.MALFORMED),
        ((0, 0, 0, (1,)), codes.MALFORMED),
        ((0, 1, 16, (1,)), codes.MALFORMED),
        ((0, 1, 0, (1,) * 65), codes.MALFORMED),
        ((0, MAX_NUMBER + 1, 0, (1,)), codes.MALFORMED),
        ((1, 0, OPERATOR, PROOF), codes.MALFORMED),
        ((1, 1, OPERATOR, PROOF[1:]), codes.MALFORMED),
        ((1, 1, OPERATOR, PROOF + b"p"), codes.MALFORMED),
        ((3, 1, OPERATOR, PROOF[1:], 1), codes.MALFORMED),
        ((1, 1, b"\x02" + OPERATOR[1:], PROOF), codes.UNKNOWN_KEY_SCHEME),
        ((1, 1, b"\x01" + BAD_Y, PROOF), codes.KEY_NOT_REGISTRABLE),
        ((1, 1, b"\x01" + b"\x00" * 32, PROOF), codes.KEY_NOT_REGISTRABLE),
        ((3, 1, b"\x01" + BAD_Y, PROOF, 1), codes.KEY_NOT_REGISTRABLE),
        ((3, 1, OPERATOR, PROOF, 0), codes.UNKNOWN_SCOPES),
        ((3, 1, OPERATOR, PROOF, 4), codes.UNKNOWN_SCOPES),
        ((5, 1, b"a" * 31), codes.MALFORMED),
        ((6, 1, ""), codes.TEXT_MISSING),
        ((6, 1, "가" * 334), codes.MALFORMED),  # 1,002 bytes
        ((7, 1, 1, b"", ()), codes.ROLL_CHUNK_LENGTH),
        ((7, 1, 1, A + B[:-1], ()), codes.ROLL_CHUNK_LENGTH),
        ((7, 1, 1, A + B, (1,)), codes.ROLL_CHUNK_WEIGHTS),
        ((7, 1, 1, A, (1, 1)), codes.ROLL_CHUNK_WEIGHTS),
        ((7, 1, 1, A, (0,)), codes.MALFORMED),
        ((7, 1, 1, A, (MAX_WEIGHT + 1,)), codes.MALFORMED),
        ((7, 1, 1, A, (True,)), codes.MALFORMED),
        ((7, 1, 1, b"\x02" + A[1:], ()), codes.ROLL_KEY_UNSOUND),
        ((7, 1, 1, A + b"\x01" + b"\xff" * 32, ()), codes.ROLL_KEY_UNSOUND),
        ((7, 1, 1, B + A, ()), codes.ROLL_KEYS_NOT_ASCENDING),
        ((7, 1, 1, A + A, ()), codes.ROLL_KEYS_NOT_ASCENDING),
        ((8, 1, 1, b"r" * 32, 0), codes.MALFORMED),
        ((10, 1, 1, ""), codes.TEXT_MISSING),
        ((10, 1, 1, "x" * 1_001), codes.MALFORMED),
        ((12, 1, 1, 253_402_300_799_001, "late"), codes.MALFORMED),
    ],
)
def test_bad_payloads(items: Any, cause: Cause) -> None:
    assert refusal(codec.encode(items)).cause is cause


@pytest.mark.parametrize("encoding", sorted(SMALL_ORDER_ENCODINGS))
def test_small_order_keys_get_on_no_roll(encoding: bytes) -> None:
    error = refusal(codec.encode((7, 1, 1, b"\x01" + encoding, ())))
    assert error.cause is codes.ROLL_KEY_UNSOUND
    assert error.data["number"] == 1


def test_the_offending_key_is_numbered() -> None:
    keys = roll_keys(4)
    swapped = b"".join((keys[0], keys[2], keys[1], keys[3]))
    assert refusal(codec.encode((7, 1, 1, swapped, ()))).data["number"] == 3


def test_entries_of_a_roll_chunk() -> None:
    assert RollAppend(1, ROLL, A + B, (5, 6)).entries() == [(TaggedKey(A), 5), (TaggedKey(B), 6)]
    assert RollAppend(1, ROLL, A + B, ()).entries() == [(TaggedKey(A), 1), (TaggedKey(B), 1)]


PAYLOAD_BYTES = encode_payload(PAYLOADS[0])


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"", codes.MALFORMED),
        (codec.encode((PAYLOAD_BYTES, OPERATOR)), codes.MALFORMED),
        (codec.encode((PAYLOAD_BYTES, OPERATOR, bytes(63))), codes.MALFORMED),
        (codec.encode((PAYLOAD_BYTES, OPERATOR, bytes(65))), codes.MALFORMED),
        (codec.encode((PAYLOAD_BYTES, OPERATOR[1:], bytes(64))), codes.MALFORMED),
        (codec.encode((PAYLOAD_BYTES, b"\x00" + OPERATOR[1:], bytes(64))), codes.UNKNOWN_KEY_SCHEME),
        (codec.encode((b"", OPERATOR, bytes(64))), codes.MALFORMED),
        (codec.encode((codec.encode((99,)), OPERATOR, bytes(64))), codes.UNKNOWN_KIND),
        (codec.encode((PAYLOAD_BYTES, OPERATOR, bytes(64))) + b"\x00", codes.MALFORMED),
        # The payload with its length in two bytes instead of one, and one with a poll number in two.
        (
            b"\x93\xc5\x00" + bytes((len(PAYLOAD_BYTES),)) + codec.encode((PAYLOAD_BYTES, OPERATOR, bytes(64)))[3:],
            codes.NOT_CANONICAL,
        ),
        (codec.encode((bytes.fromhex("9400cc07009102"), OPERATOR, bytes(64))), codes.NOT_CANONICAL),
        (bytes(MAX_TRANSACTION_BYTES + 1), codes.TOO_LARGE),
    ],
)
def test_bad_transactions(raw: bytes, cause: Cause) -> None:
    with pytest.raises(BadTransaction) as caught:
        decode_transaction(raw)
    assert caught.value.cause is cause


def test_a_signature_is_for_one_chain_context_and_payload() -> None:
    tx = decode_transaction(make_transaction(PAYLOADS[0], KEY, GENESIS, CONTEXT))
    assert verify_signature(tx, GENESIS, CONTEXT)
    assert not verify_signature(tx, CONTEXT, CONTEXT)
    assert not verify_signature(tx, GENESIS, NO_CONTEXT)
    assert not verify_signature(tx, CONTEXT, GENESIS)
    other = encode_payload(Ballot(POLL, 1, (1,)))
    forged = decode_transaction(codec.encode((other, tx.signer, tx.signature)))
    assert not verify_signature(forged, GENESIS, CONTEXT)
    stolen = decode_transaction(codec.encode((tx.payload_bytes, OPERATOR, tx.signature)))
    assert not verify_signature(stolen, GENESIS, CONTEXT)


def test_bytes_of_a_registration() -> None:
    """Written out by hand from the msgpack specification."""
    data = encode_payload(ServiceAuthorise(3, OPERATOR, PROOF, Scope.ROLLS))
    assert data == bytes.fromhex("95 03 03 c4 21") + OPERATOR + bytes.fromhex("c4 40") + PROOF + b"\x02"


def test_bytes_of_a_proof() -> None:
    proof = registration_proof(KEY, GENESIS, AgencyNumber(258), Role.SERVICE)
    message = b"mvchain.register.v1\x00" + GENESIS + bytes.fromhex("00000102 02 01") + KEY.public
    VerifyKey(KEY.public).verify(message, proof)


def test_a_proof_is_for_one_key_chain_agency_and_role() -> None:
    one, two = AgencyNumber(1), AgencyNumber(2)
    proof = registration_proof(KEY, GENESIS, one, Role.OPERATOR)
    assert verify_registration(KEY.tagged, proof, GENESIS, one, Role.OPERATOR)
    assert not verify_registration(OPERATOR, proof, GENESIS, one, Role.OPERATOR)
    assert not verify_registration(KEY.tagged, proof, CONTEXT, one, Role.OPERATOR)
    assert not verify_registration(KEY.tagged, proof, GENESIS, two, Role.OPERATOR)
    assert not verify_registration(KEY.tagged, proof, GENESIS, one, Role.SERVICE)
    assert not verify_registration(KEY.tagged, proof, GENESIS, one, Role.AGENCY)
    assert not verify_registration(KEY.tagged, Signature(proof[:-1]), GENESIS, one, Role.OPERATOR)


def test_the_context_is_empty_unless_given() -> None:
    tx = decode_transaction(make_transaction(PAYLOADS[1], KEY, GENESIS))
    assert verify_signature(tx, GENESIS, Hash(bytes(32)))


@pytest.mark.parametrize(
    ("payload", "units"),
    [
        (Ballot(POLL, 0, (1,)), 1),
        (Ballot(POLL, 0, (tuple(range(15)),)), 1),
        (Ballot(POLL, 0, (tuple(range(16)),)), 2),
        (Ballot(POLL, 0, (tuple(range(16)), None, *range(15))), 3),
        (RollAppend(1, ROLL, b"".join(roll_keys(1)), ()), 1),
        (RollAppend(1, ROLL, b"".join(roll_keys(30)), ()), 1),
        (RollAppend(1, ROLL, b"".join(roll_keys(31)), ()), 2),
        (PollRegister(1, PollNumber(0), bytes(255)), 1),
        (PollRegister(1, PollNumber(0), bytes(256)), 2),
        (Approve(1, Hash(bytes(32))), 1),
    ],
)
def test_work_units(payload: Payload, units: int) -> None:
    assert transaction_units(decode_transaction(make_transaction(payload, KEY, GENESIS))) == units


@given(st.binary(max_size=200) | values.map(codec.encode))
def test_any_bytes_give_a_payload_or_our_error(data: bytes) -> None:
    try:
        payload = decode_payload(data)
    except BadTransaction:
        return
    assert encode_payload(payload) == data


@given(
    st.integers(0, 18),
    st.lists(values | st.sampled_from([OPERATOR, PROOF, b"r" * 32, A + B, "why", 1, 2]), max_size=5),
)
def test_any_fields_give_a_payload_or_our_error(kind: int, items: list[Any]) -> None:
    data = codec.encode((kind, *items))
    try:
        payload = decode_payload(data)
    except BadTransaction:
        return
    assert encode_payload(payload) == data


@given(st.data())
def test_a_damaged_transaction_is_another_one_or_our_error(data: st.DataObject) -> None:
    raw = bytearray(make_transaction(data.draw(st.sampled_from(PAYLOADS)), KEY, GENESIS))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        tx = decode_transaction(bytes(raw))
    except BadTransaction:
        return
    assert codec.encode((encode_payload(tx.payload), tx.signer, tx.signature)) == raw
    assert not verify_signature(tx, GENESIS, NO_CONTEXT)
