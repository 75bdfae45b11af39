"""Keys, sets, commits and mutations that the tests of the chain types share."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from mvchain.core.errors import BadProof
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.types import Address, Height, Round, Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import Commit
from mvchain.ledger.commits import commit_from_precommits
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.validators import Validator, ValidatorSet, address_of

CHAIN_ID = "mvtest-00112233445566778899aabbccddeeff"
HEIGHT = Height(7)
ROUND = Round(1)
NOW = TimeNs(1_790_000_000_000_000_000)
SECOND = 1_000_000_000


def make_block_id(n: int) -> BlockID:
    return BlockID(bytes([n]) * 32, PartSetHeader(n, bytes([n + 100]) * 32))


BLOCK = make_block_id(1)
OTHER_BLOCK = make_block_id(2)


def make_keys(n: int) -> list[SigningKey]:
    """Keys in the order of their validators in the set, so that key i belongs to index i."""
    keys = [SigningKey.from_seed(bytes([i + 1]) * 32) for i in range(n)]
    return sorted(keys, key=lambda key: address_of(key.public))


def make_set(keys: list[SigningKey], powers: list[int] | None = None) -> ValidatorSet:
    powers = powers or [10] * len(keys)
    return ValidatorSet(tuple(Validator(key.public, power) for key, power in zip(keys, powers, strict=True)))


def sign(key: SigningKey, endorsement: Endorsement, chain_id: str = CHAIN_ID) -> Endorsement:
    message = endorsement.sign_bytes(chain_id)
    return replace(endorsement, signature=key.sign(Purpose.CONSENSUS, message))


def endorse(key: SigningKey, index: int, block_id: BlockID = BLOCK, **changes: Any) -> Endorsement:
    """A signed precommit of this key, with the given fields instead of the usual ones."""
    values: dict[str, Any] = {
        "kind": Kind.PRECOMMIT,
        "height": HEIGHT,
        "round": ROUND,
        "block_id": block_id,
        "time_ns": TimeNs(NOW + index * SECOND),
        "address": Address(address_of(key.public)),
        "index": index,
        "signature": Signature(b""),
    }
    return sign(key, Endorsement(**{**values, **changes}))


def make_commit(keys: list[SigningKey], marks: str, block_id: BlockID = BLOCK) -> Commit:
    """A commit with one letter per validator: c for the block, n for nil, a for absent."""
    precommits = [
        endorse(key, i, block_id if mark == "c" else NIL_BLOCK_ID)
        for i, (key, mark) in enumerate(zip(keys, marks, strict=True))
        if mark != "a"
    ]
    return commit_from_precommits(HEIGHT, ROUND, block_id, make_set(keys), precommits)


def code_of(call: Callable[..., object], *args: object) -> str:
    """Code of the BadProof that the call must raise; its texts must be complete."""
    with pytest.raises(BadProof) as caught:
        call(*args)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value.code


@st.composite
def mutations(draw: st.DrawFn, valid: bytes) -> bytes:
    """Bytes near a valid encoding: some replaced, inserted, removed, doubled or cut off; or any bytes at all."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("replace", "insert", "remove", "cut", "double", "random"))):
            case "replace":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=12))
            case "remove":
                del data[at : at + draw(st.integers(1, 40))]
            case "cut":
                del data[at:]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
            case "random":
                data[:] = draw(st.binary(max_size=300))
    return bytes(data)


def value_or_our_error(decode: Callable[[bytes], Any], data: bytes) -> None:
    """A decoder gives a value that encodes to the very same bytes, or BadProof, and nothing else (C15)."""
    try:
        value = decode(data)
    except BadProof as refused:
        str(refused)  # its texts must be complete
    else:
        assert value.encode() == data
