"""The sets of all heights, against a plain reading of the tenures, and who has signed a block."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.types import AgencyNumber, Height, PublicKey
from mvchain.ledger import keyspace
from mvchain.ledger.records import Agency, Tenure
from mvchain.ledger.state import State
from mvchain.ledger.tenures import ValidatorSets
from mvchain.ledger.validators import address_of
from tests.ledger.state_helpers import World, key_of

LAST = 12


@st.composite
def agency_records(draw: st.DrawFn) -> list[Agency]:
    """Agencies whose keys follow one another, some for no height at all, the last one for ever or not."""
    agencies = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        bounds = sorted(draw(st.lists(st.integers(1, LAST), min_size=2, max_size=4)))
        ends = [*bounds[1:-1], draw(st.sampled_from([0, bounds[-1]]))]
        tenures = tuple(
            Tenure(
                PublicKey(bytes([number, index]) * 16), Height(start), Height(end), proven=bool((number + index) % 2)
            )
            for index, (start, end) in enumerate(zip(bounds[:-1], ends, strict=True))
        )
        agencies.append(Agency(AgencyNumber(number), "ko", "en", tenures, (PublicKey(bytes(32)),), 1, ()))
    return agencies


@given(agency_records())
def test_sets_are_what_the_tenures_say(agencies: list[Agency]) -> None:
    sets = ValidatorSets(agencies)
    plain = [
        {
            t.validator_key
            for agency in agencies
            for t in agency.tenures
            if t.from_height <= height and (t.until_height == 0 or t.until_height > height)
        }
        for height in range(LAST + 3)
    ]
    assert [{v.public_key for v in sets.at(Height(h))} for h in range(LAST + 3)] == plain
    starts = [h for h in range(1, LAST + 3) if plain[h] != plain[h - 1]]
    assert list(sets.changes) == starts[1:]
    for agency in agencies:
        for tenure in agency.tenures:
            address = address_of(tenure.validator_key)
            assert sets.agencies[address] == agency.number
            assert sets.unproven.get(address) == (None if tenure.proven else agency.number)


def _world_with_a_new_key() -> World:
    """Agency 2 has signed heights 1 and 2 with the key of genesis, and signs from height 3 on with another."""
    world = World(agencies=4)
    records = {agency.number: agency for agency in world.state.agencies}
    former = replace(records[AgencyNumber(2)].tenures[0], until_height=Height(3))
    new = Tenure(key_of("new").public, Height(3), Height(0), proven=False)
    records[AgencyNumber(2)] = replace(records[AgencyNumber(2)], tenures=(former, new))
    for number, record in records.items():
        world.store.write({keyspace.numbered(keyspace.AGENCIES, number): record.encode()})
    world.state = State.load(world.store, world.store)
    return world


def test_state_knows_the_sets_two_heights_ahead() -> None:
    world = _world_with_a_new_key()
    before = {key_of(f"validator{n}").public for n in (1, 2, 3, 4)}
    after = before - {key_of("validator2").public} | {key_of("new").public}
    state = world.state
    assert [{v.public_key for v in s} for s in (state.validators, state.next_validators)] == [before, before]
    world.block()
    assert [{v.public_key for v in s} for s in (state.validators, state.next_validators)] == [before, after]
    world.block()
    assert [{v.public_key for v in s} for s in (state.validators, state.next_validators)] == [after, after]
    assert {v.public_key for v in state.validators_at(Height(2))} == before
    assert state.validator_changes == (3,)
    for name in ("validator2", "new"):
        agency = state.agency_of_validator(address_of(key_of(name).public))
        assert agency is not None
        assert agency.number == 2
    assert state.agency_of_validator(address_of(key_of("stranger").public)) is None


def test_a_key_is_proven_by_the_first_block_it_signed_and_changes_nothing_after() -> None:
    world = _world_with_a_new_key()
    old = [f"validator{n}" for n in (1, 2, 3, 4)]
    world.block()
    world.block(signed=old)
    others = ["validator1", "validator3", "validator4"]
    world.block(signed=old)
    unchanged = world.state.app_hash
    world.block(signed=others)  # of height 3, without the new key
    assert world.state.app_hash == unchanged
    assert list(world.state.unproven.values()) == [2]
    world.block(signed=[*others, "new"])
    proven = world.state.app_hash
    assert proven != unchanged
    assert [t.proven for t in world.state.agency(AgencyNumber(2)).tenures] == [True, True]
    assert not world.state.unproven
    world.block(signed=[*others, "new"])
    assert world.state.app_hash == proven
