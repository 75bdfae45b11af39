"""Evidence in the state: once for each double signing, bounded for each validator, proved by the app hash (I8, L9)."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codec
from mvchain.core.errors import BadProof, BrokenStorage
from mvchain.core.keys import SigningKey
from mvchain.core.types import Address, AgencyNumber, Hash, Height, Round, TimeNs
from mvchain.ledger import convictions
from mvchain.ledger.convictions import Conviction
from mvchain.ledger.endorsements import Kind
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, Offence, build_evidence
from mvchain.ledger.state_tree import record_key, verify_state_proof
from mvchain.ledger.validators import address_of
from tests.ledger.chain_helpers import BLOCK, CHAIN_ID, endorse, make_block_id
from tests.ledger.governance_helpers import Council
from tests.ledger.state_helpers import World, key_of, state_facts

RECORD = Conviction(
    AgencyNumber(3),
    Offence(Address(b"a" * 20), Height(7), Round(2), Kind.PRECOMMIT),
    Height(9),
    Hash(b"h" * 32),
)


def evidence(
    world: World, agency: int = 1, *, kind: Kind = Kind.PREVOTE, round_: int = 0, second: int = 2
) -> DuplicateEndorsementEvidence:
    """Of two signatures at height 1 by the validator of an agency; execution looks at neither."""
    validators = world.state.validators_at(Height(1))
    key = key_of(f"validator{agency}")
    found = validators.by_address(address_of(key.public))
    assert found is not None
    a, b = (
        endorse(key, found[0], block, height=Height(1), round=Round(round_), kind=kind)
        for block in (BLOCK, make_block_id(second))
    )
    return build_evidence(a, b, validators, TimeNs(5))


def refusal(world: World, *pieces: DuplicateEndorsementEvidence) -> str:
    """The code of the BadProof that a block with these must raise; the state stays as it was."""
    before = state_facts(world.state)
    with pytest.raises(BadProof) as caught:
        world.execution(evidence=pieces)
    assert caught.value.detail
    assert state_facts(world.state) == before
    return caught.value.code


def test_a_record_has_the_fields_of_its_docstring_in_their_order() -> None:
    assert RECORD.encode() == codec.encode((3, b"a" * 20, 7, 2, 2, 9, b"h" * 32))
    assert Conviction.decode(RECORD.encode()) == RECORD


def test_an_agency_that_joined_late_can_be_convicted() -> None:
    """Numbers of agencies go on where those of validators at one time end: a chain may have had 1,000 (L4)."""
    last = replace(RECORD, agency=AgencyNumber(1_000))
    assert Conviction.decode(last.encode()) == last
    with pytest.raises(BrokenStorage):
        Conviction.decode(replace(RECORD, agency=AgencyNumber(1_001)).encode())


@pytest.mark.parametrize(
    "fields",
    [
        (0, b"a" * 20, 7, 2, 2, 9, b"h" * 32),
        (3, b"a" * 19, 7, 2, 2, 9, b"h" * 32),
        (3, b"a" * 20, 0, 2, 2, 9, b"h" * 32),
        (3, b"a" * 20, 7, -1, 2, 9, b"h" * 32),
        (3, b"a" * 20, 7, 1_000_001, 2, 9, b"h" * 32),
        (3, b"a" * 20, 7, 2, 0, 9, b"h" * 32),
        (3, b"a" * 20, 7, 2, 3, 9, b"h" * 32),
        (3, b"a" * 20, 7, 2, 2, 0, b"h" * 32),
        (3, b"a" * 20, 7, 2, 2, 9, b"h" * 31),
        (3, b"a" * 20, 7, 2, 2, 9),
    ],
)
def test_a_record_out_of_bounds_is_refused(fields: tuple[object, ...]) -> None:
    with pytest.raises(BadProof):
        Conviction.decode(codec.encode(fields), BadProof)


@given(st.binary(max_size=100))
def test_the_decoder_gives_a_value_or_our_error(data: bytes) -> None:
    with contextlib.suppress(BrokenStorage):
        assert Conviction.decode(data).encode() == data


def test_evidence_becomes_records_under_the_next_app_hash() -> None:
    """L9: `block` compares the state with the one that the store gives."""
    world = World(agencies=4)
    world.block()
    before = world.state.app_hash
    pieces = evidence(world, 3), evidence(world, 1)
    outcome = world.block(evidence=pieces)
    assert world.state.app_hash != before
    assert [world.state.convictions.record(n) for n in (1, 2)] == [
        Conviction(AgencyNumber(3), pieces[0].offence, Height(2), pieces[0].hash),
        Conviction(AgencyNumber(1), pieces[1].offence, Height(2), pieces[1].hash),
    ]
    assert world.state.convictions.count_of(address_of(key_of("validator3").public)) == 1
    proved = world.state.prove_at(outcome.height, "evidence", 2)
    assert proved is not None
    assert verify_state_proof(world.state.app_hash, "evidence", record_key(2), proved[0], proved[1])
    world.block()
    assert world.state.app_hash == outcome.app_hash


def test_nobody_is_convicted_twice() -> None:
    """Whichever two messages show it: once for validator, height, round and kind, in the chain and in the block."""
    world = World(agencies=4)
    world.block()
    first, again = evidence(world, second=2), evidence(world, second=3)
    assert first.hash != again.hash
    assert refusal(world, first, again) == "MV-2150"
    world.block(evidence=(first,))
    assert refusal(world, first) == refusal(world, again) == "MV-2150"
    others = (evidence(world, 2), evidence(world, kind=Kind.PRECOMMIT), evidence(world, round_=1))
    world.block(evidence=others)
    assert world.state.convictions.count == 4


def test_a_validator_cannot_fill_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: it could sign twice in a million rounds; what is enough is enough, and for each validator by itself."""
    monkeypatch.setattr(convictions, "MAX_CONVICTIONS", 3)
    world = World(agencies=4)
    world.block()
    world.block(evidence=[evidence(world, round_=r) for r in range(2)])
    assert refusal(world, evidence(world, round_=2), evidence(world, round_=3)) == "MV-2150"
    world.block(evidence=[evidence(world, round_=2)])
    assert refusal(world, evidence(world, round_=3)) == "MV-2150"
    world.block(evidence=[evidence(world, 2, round_=3)])
    assert world.state.convictions.count == 4


def test_a_missing_record_is_the_disks_fault() -> None:
    world = World()
    with pytest.raises(BrokenStorage):
        world.state.convictions.record(1)


def test_the_agency_is_that_of_the_key() -> None:
    """ATK13: no field of the evidence names an agency; the record does, by the validator's key at that height."""
    world = World(agencies=4)
    world.block()
    world.block(evidence=[evidence(world, agency) for agency in (4, 2)])
    for n, agency in ((1, 4), (2, 2)):
        record = world.state.convictions.record(n)
        assert record.agency == agency
        assert record.offence.address == address_of(world.state.agency(AgencyNumber(agency)).validator_key)


def test_a_key_that_was_replaced_answers_for_its_time_alone() -> None:
    """I8, S22: its agency is named for what it signed while it was in the set, and the new key for nothing."""
    council = Council(4)
    decided = council.decide(council.replacement(2, validator="signer")).height
    council.heights(4)
    state, old = council.state, key_of("validator2")

    def signed_twice(key: SigningKey, height: int) -> DuplicateEndorsementEvidence:
        index, _ = state.validators_at(Height(height)).by_address(address_of(key.public)) or (0, None)
        a, b = (endorse(key, index, block, height=Height(height)) for block in (BLOCK, make_block_id(2)))
        total = state.validators_at(Height(height)).total_power
        return DuplicateEndorsementEvidence(a, b, total, 10, TimeNs(5))

    last = decided + 1
    evidence = signed_twice(old, last)
    evidence.verify(CHAIN_ID, state.validators_at(Height(last)), TimeNs(5))
    council.block(signed=(), evidence=[evidence])
    record = state.convictions.record(1)
    assert (record.agency, record.offence.address) == (2, address_of(old.public))
    assert state.convictions.count_of(address_of(key_of("signer").public)) == 0
    for key, height in ((old, last + 1), (key_of("signer"), last)):
        stranger = signed_twice(key, height)
        with pytest.raises(BadProof) as caught:
            stranger.verify(CHAIN_ID, state.validators_at(Height(height)), TimeNs(5))
        assert caught.value.code == "MV-2032"
