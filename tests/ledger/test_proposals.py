"""The bytes of what agencies decide: there and back, and nothing else comes out of foreign ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codec, codes
from mvchain.core.errors import BadTransaction
from mvchain.core.keys import SigningKey
from mvchain.core.limits import MAX_ACTION_BYTES
from mvchain.core.types import AgencyNumber, Signature
from mvchain.ledger.genesis import ConsensusParams, make_entry
from mvchain.ledger.proposals import (
    AddAgency,
    GovernanceAction,
    NewKey,
    RemoveAgency,
    ReplaceKeys,
    ResumeService,
    SetParams,
    SuspendService,
    decode_action,
    encode_action,
)

KEYS = [SigningKey.from_seed(bytes([n]) * 32) for n in range(4)]
NEW = NewKey(KEYS[3].tagged, Signature(b"s" * 64))
ENTRY = make_entry(
    "test", AgencyNumber(5), ("기관", "Agency"), agency_key=KEYS[0], validator_key=KEYS[1], node_key=KEYS[2]
)
ACTIONS: list[GovernanceAction] = [
    AddAgency(ENTRY),
    RemoveAgency(AgencyNumber(7)),
    ReplaceKeys(AgencyNumber(2), None, NEW, None),
    ReplaceKeys(AgencyNumber(2), NEW, NEW, NEW),
    SetParams(ConsensusParams(heartbeat_ms=5)),
    SuspendService(NEW.key),
    ResumeService(NEW.key),
]


def test_bytes_by_hand() -> None:
    assert encode_action(RemoveAgency(AgencyNumber(7))) == bytes.fromhex("92 02 07")
    assert encode_action(SuspendService(NEW.key)) == bytes.fromhex("92 05 c4 21") + NEW.key
    key = bytes.fromhex("92 c4 21") + NEW.key + bytes.fromhex("c4 40") + b"s" * 64
    assert encode_action(ReplaceKeys(AgencyNumber(2), None, NEW, None)) == bytes.fromhex("95 03 02 90") + key + b"\x90"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
def test_there_and_back(action: GovernanceAction) -> None:
    assert decode_action(encode_action(action)) == action


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
@given(data=st.data())
def test_altered_bytes_give_an_action_or_our_error(action: GovernanceAction, data: st.DataObject) -> None:
    raw = bytearray(encode_action(action))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode_action(bytes(raw))
    except BadTransaction:
        return
    assert encode_action(found) == bytes(raw)


@pytest.mark.parametrize(
    "items",
    [(), (0,), (7, 1), (True, 1), (2,), (2, 1, 1), (2, 0), (2, 1_001), (3, 2, (), (), ()), (5, b"x"), 2, (b"", 1)],
)
def test_bad_actions(items: object) -> None:
    with pytest.raises(BadTransaction) as caught:
        decode_action(codec.encode(items))
    assert caught.value.cause is codes.MALFORMED


@pytest.mark.parametrize("key", [b"\x02" + NEW.key[1:], b"\x01" + b"\xff" * 32, b"\x01" + bytes(32)])
def test_new_keys_are_sound(key: bytes) -> None:
    with pytest.raises(BadTransaction) as caught:
        decode_action(codec.encode((3, 2, (), (key, bytes(64)), ())))
    assert caught.value.cause is codes.KEY_NOT_REGISTRABLE


def test_large_actions_are_refused_unread() -> None:
    with pytest.raises(BadTransaction) as caught:
        decode_action(bytes(MAX_ACTION_BYTES + 1))
    assert caught.value.cause is codes.TOO_LARGE
