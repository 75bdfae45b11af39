"""A draft shows its own changes over the state, and leaves the state as it is."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mvchain.core.types import AgencyNumber, Hash, PollNumber, RollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.admission import Target
from mvchain.ledger.draft import Draft
from mvchain.ledger.records import Action, Roll, Signer
from mvchain.ledger.transactions import Kind, PollVoid, Role, Scope
from tests.ledger.state_helpers import World, key_of, state_facts

POLL, ROLL = PollNumber(1), RollNumber(1)


def test_signers() -> None:
    world = World(agencies=2)
    world.staff()
    draft = Draft(world.state, world.state.time_ms)
    fresh, known = key_of("fresh").tagged, key_of("op1a").tagged
    assert draft.signer(fresh) is None
    draft.put_signer(AgencyNumber(2), Signer(fresh, Role.OPERATOR, Scope(0), 0, active=True, suspended=False))
    draft.put_signer(AgencyNumber(2), Signer(fresh, Role.OPERATOR, Scope(0), 7, active=True, suspended=False))
    draft.put_signer(AgencyNumber(1), Signer(known, Role.OPERATOR, Scope(0), 3, active=False, suspended=False))
    found = draft.signer(fresh)
    assert found is not None
    assert (found[0].number, found[1].sequence, len(found[0].signers)) == (2, 7, 2)
    known_now = draft.signer(known)
    assert known_now is not None
    assert (known_now[1].sequence, known_now[1].active) == (3, False)
    other = draft.signer(key_of("op1b").tagged)
    assert other is not None
    assert other[0] is draft.agency(AgencyNumber(1))
    assert world.state.signer(fresh) is None


def test_actions_are_those_of_the_changed_records() -> None:
    world = World()
    world.staff()
    world.open_poll(["a"])
    ask = world.tx(PollVoid(world.sequence("op1a"), POLL, "x"), "op1a")
    world.block(ask)
    draft = Draft(world.state, world.state.time_ms)
    assert draft.action(ask.hash) == world.state.action(ask.hash) is not None
    new = Action(key_of("x").tagged[1:], Kind.ROLL_SEAL, 0, ())  # type: ignore[arg-type]
    roll = world.state.roll(ROLL)
    assert roll is not None
    draft.put_roll(ROLL, replace(roll, pending=(new,)))
    draft.put_poll(POLL, replace(world.poll(1), pending=()))
    assert draft.action(ask.hash) is None
    found = draft.action(new.hash)
    assert found is not None
    assert (found[0].is_poll, found[0].number, found[1]) == (False, 1, new)


def test_the_state_stays_as_it_is() -> None:
    world = World()
    world.staff()
    world.open_poll(["a", "b"])
    facts = state_facts(world.state)
    draft = Draft(world.state, world.state.time_ms)
    key = keyspace.voter_key(POLL, key_of("a").tagged)
    assert draft.get(key) is None
    draft.writes[key] = b"v"
    assert (draft.get(key), world.state.get(key)) == (b"v", None)
    work = draft.work(POLL)
    work.tally.add(draft.definition(world.poll(1).definition_hash), (0,), 1)
    assert draft.work(POLL) is work
    draft.put_poll(draft.next_poll(), world.poll(1))
    assert (draft.next_poll(), draft.next_roll()) == (3, 2)
    assert state_facts(world.state) == facts


def test_numbers_and_actions_are_found_without_a_look_at_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block may change thousands of records, and each of its transactions may ask (consensus N2)."""
    world = World()
    world.staff()
    roll = world.sealed_roll(["a"])
    draft = Draft(world.state, world.state.time_ms)
    record = world.state.roll(roll)
    assert record is not None
    actions = [Action(Hash(bytes((n,)) * 32), Kind.ROLL_SEAL, 0, ()) for n in range(50)]
    for n, action in enumerate(actions, 2):
        assert draft.next_roll() == n
        draft.put_roll(RollNumber(n), replace(record, pending=(action,)))
    asked: list[int] = []
    find = Draft.roll

    def noted(self: Draft, number: RollNumber) -> Roll | None:
        asked.append(number)
        return find(self, number)

    monkeypatch.setattr(Draft, "roll", noted)
    monkeypatch.setattr(draft.changes, "rolls", _Unread(draft.changes.rolls))
    assert draft.action(actions[30].hash) == (Target(False, 32), actions[30])
    assert (draft.next_roll(), asked) == (52, [32])


class _Unread(dict[RollNumber, Roll]):
    """Records that may be looked up, but not gone through."""

    def __iter__(self) -> Iterator[RollNumber]:
        raise AssertionError

    items = keys = values = __iter__  # type: ignore[assignment]
