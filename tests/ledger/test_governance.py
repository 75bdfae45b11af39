"""What the agencies may decide together, and when it holds (ledger L4, faults S22 and ATK11)."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import codes, limits
from mvchain.core.errors import BadTransaction, Cause
from mvchain.core.types import AgencyNumber, Height, PollNumber, ProposalNumber, RollNumber, Signature
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.governance import quorum_of
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.polls import encode_definition
from mvchain.ledger.proposals import (
    GovernanceAction,
    NewKey,
    ProposalState,
    RemoveAgency,
    ResumeService,
    SetParams,
    SuspendService,
    encode_action,
)
from mvchain.ledger.records import PollState
from mvchain.ledger.state import State
from mvchain.ledger.transactions import (
    Approve,
    GovernancePropose,
    PollClose,
    PollRegister,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceRevoke,
    Transaction,
)
from tests.ledger.governance_helpers import Council
from tests.ledger.state_helpers import key_of, roll_root

REMOVE_2 = RemoveAgency(AgencyNumber(2))


def members(council: Council, height: int) -> set[str]:
    return {council.validators[v.public_key] for v in council.state.validators_at(Height(height))}


def refusal(council: Council, tx: Transaction) -> BadTransaction:
    """Why the next block may not hold the transaction."""
    with pytest.raises(BadTransaction) as caught:
        council.state.check(tx)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value


def refused(council: Council, action: GovernanceAction, by: int = 1) -> BadTransaction:
    return refusal(council, council.proposing(by, action))


# --- when something is decided ---


def test_a_quorum_is_strictly_more_than_two_thirds() -> None:
    for count in range(1, 101):
        assert 3 * quorum_of(count) > 2 * count >= 3 * (quorum_of(count) - 1)


def test_an_agency_joins_when_more_than_two_thirds_agree() -> None:
    council = Council(4)
    council.height(council.proposing(1, council.addition(5)))
    before = members(council, council.state.height + 2)
    council.height(council.approving(3, 1))
    assert council.proposal(1).state is ProposalState.OPEN
    decided = council.height(council.approving(4, 1)).height
    assert (council.proposal(1).approvers, council.proposal(1).ended_height) == ((1, 3, 4), decided)
    assert council.proposal(1).state is ProposalState.EXECUTED
    # C73: decided in block H, announced by header H+1, signed by the new set from H+2 on.
    state = council.state
    assert [members(council, decided + n) for n in (0, 1, 2)] == [before, before, before | {"validator5"}]
    assert state.validators.hash == state.validators_at(Height(decided + 1)).hash
    assert state.next_validators.hash == state.validators_at(Height(decided + 2)).hash
    assert state.validator_changes == (decided + 2,)
    assert not state.agency(AgencyNumber(5)).tenures[0].proven
    council.heights(3)
    assert state.agency(AgencyNumber(5)).tenures[0].proven


def test_agencies_that_left_do_not_count_and_do_not_act() -> None:
    council = Council(5)
    council.height(council.proposing(2, SetParams(ConsensusParams(heartbeat_ms=5))))
    council.height(council.approving(1, 1), council.approving(5, 1))
    council.decide(REMOVE_2, by=(1, 3, 4, 5))
    # Of four that are left three must agree; of the three that agreed one has left.
    council.height()
    assert council.proposal(1).state is ProposalState.OPEN
    assert refusal(council, council.approving(2, 1)).cause is codes.AGENCY_REMOVED
    assert refused(council, RemoveAgency(AgencyNumber(3)), by=2).cause is codes.AGENCY_REMOVED
    council.height(council.approving(3, 1))
    assert council.proposal(1).state is ProposalState.EXECUTED


def test_a_removal_can_make_approvals_enough() -> None:
    council = Council(5)
    council.height(council.proposing(1, SetParams(ConsensusParams(heartbeat_ms=5))))
    council.height(council.approving(3, 1), council.approving(4, 1))
    council.height()
    assert council.proposal(1).state is ProposalState.OPEN  # three of five
    council.decide(REMOVE_2, by=(1, 3, 4, 5))
    council.height()
    assert council.proposal(1).state is ProposalState.EXECUTED  # three of four
    assert council.state.params.heartbeat_ms == 5


def test_an_agency_can_remove_itself() -> None:
    council = Council(5)
    decided = council.decide(RemoveAgency(AgencyNumber(1))).height
    assert "validator1" in members(council, decided + 1)
    assert "validator1" not in members(council, decided + 2)
    assert refused(council, RemoveAgency(AgencyNumber(1)), by=2).cause is codes.AGENCY_REMOVED


def test_two_that_are_possible_alone_take_effect_one_after_the_other() -> None:
    council = Council(5)
    council.height(council.proposing(1, REMOVE_2), council.proposing(3, RemoveAgency(AgencyNumber(4))))
    council.height(council.approving(3, 1), council.approving(1, 2))
    council.height(council.approving(4, 1), council.approving(5, 2))
    council.height(council.approving(5, 1), council.approving(2, 2))  # four of five agree to either
    assert [council.proposal(n).state for n in (1, 2)] == [ProposalState.EXECUTED, ProposalState.OPEN]
    council.decide(council.addition(6), by=(1, 3, 5))
    assert council.proposal(2).state is ProposalState.OPEN
    council.heights(4)
    # The new agency has signed; of agencies 1, 3, 4, 5 and 6 four remain, so the waiting one is possible at last.
    # Its approvals are those of 1, 3 and 5: of five, four must agree.
    assert council.proposal(2).state is ProposalState.OPEN
    council.height(council.approving(6, 2))
    assert council.proposal(2).state is ProposalState.EXECUTED
    assert members(council, council.state.height + 2) == {"validator1", "validator3", "validator5", "validator6"}


def test_proposals_expire_by_block_time() -> None:
    council = Council(4)
    council.height(council.proposing(1, council.addition(5)))
    council.height(council.approving(2, 1), after_ms=limits.PROPOSAL_LIFE_MS - 1)
    late = council.approving(3, 1)
    council.height(after_ms=1)
    assert council.proposal(1).state is ProposalState.EXPIRED
    fault = refusal(council, late)
    assert (fault.cause, fault.data["state"]) == (codes.PROPOSAL_ENDED, "expired")
    assert not council.state.open_proposals


def test_an_approval_in_the_block_of_the_end_is_late() -> None:
    council = Council(4)
    council.height(council.proposing(1, council.addition(5)))
    council.height(council.approving(2, 1))
    late = council.approving(3, 1)
    left_ms = council.proposal(1).expires_at_ms - council.now_ms
    council.execution(after_ms=left_ms - 1).apply(late)
    with pytest.raises(BadTransaction) as caught:
        council.execution(after_ms=left_ms).apply(late)
    assert caught.value.cause is codes.PROPOSAL_ENDED


def test_an_agency_cannot_keep_its_own_removal_from_being_decided() -> None:
    """By proposing it, and withdrawing and proposing it anew whenever others agree: they need not wait for it."""
    council = Council(5)
    council.height(council.proposing(2, REMOVE_2))
    council.height(council.proposing(1, REMOVE_2), council.approving(3, 1))
    first = council.withdrawing(2, 1)
    again = council.tx(GovernancePropose(council.next_sequence("agency2") + 1, encode_action(REMOVE_2)), "agency2")
    council.height(council.approving(4, 1), first, again)
    council.height(council.approving(3, 2), council.approving(4, 2))
    ended = council.height(council.approving(5, 2)).height
    states = [ProposalState.WITHDRAWN, ProposalState.EXECUTED, ProposalState.OVERTAKEN]
    assert [council.proposal(n).state for n in (1, 2, 3)] == states
    assert [council.proposal(n).ended_height for n in (2, 3)] == [ended, ended]
    assert not council.state.agency(AgencyNumber(2)).in_force


def test_what_was_approved_twice_happens_once() -> None:
    council = Council(4)
    fast, slow = (SetParams(ConsensusParams(heartbeat_ms=ms)) for ms in (5, 50_000))
    council.height(*(council.proposing(by, action) for by, action in ((1, fast), (2, slow), (3, fast), (4, fast))))
    council.height(council.approving(2, 1), council.approving(1, 3))
    council.height(council.approving(3, 1), council.approving(4, 2), council.approving(2, 3))
    # 1 and 3 are approved; 4, of the same action, by its own agency alone.
    overtaken = ProposalState.OVERTAKEN
    assert [council.proposal(n).state for n in (1, 3, 4)] == [ProposalState.EXECUTED, overtaken, overtaken]
    council.height(council.approving(1, 2))
    council.heights(2)
    assert council.state.params.heartbeat_ms == 50_000


def test_withdrawing() -> None:
    council = Council(4)
    council.height(council.proposing(1, council.addition(5)))
    assert refusal(council, council.withdrawing(2, 1)).cause is codes.OTHER_AGENCY
    ended = council.height(council.withdrawing(1, 1)).height
    assert (council.proposal(1).state, council.proposal(1).ended_height) == (ProposalState.WITHDRAWN, ended)
    assert refusal(council, council.approving(2, 1)).cause is codes.PROPOSAL_ENDED
    assert refusal(council, council.withdrawing(1, 1)).cause is codes.PROPOSAL_ENDED


def test_who_may_propose_what_and_how_often() -> None:
    council = Council(4)
    council.staff()
    action = SetParams(ConsensusParams(heartbeat_ms=5))
    council.bosses[9] = "op1a"
    assert refused(council, action, by=9).cause is codes.NOT_PERMITTED
    council.height(council.proposing(1, action))
    assert refused(council, action).data == {"proposal": 1}
    assert refusal(council, council.approving(1, 1)).cause is codes.PROPOSAL_APPROVED_ALREADY
    assert refusal(council, council.approving(2, 2)).cause is codes.NO_SUCH_PROPOSAL
    for n in range(1, limits.MAX_OPEN_PROPOSALS):
        council.height(council.proposing(1, SetParams(ConsensusParams(heartbeat_ms=5 + n))))
    assert refused(council, SetParams(ConsensusParams(heartbeat_ms=99))).cause is codes.TOO_MANY_PROPOSALS
    council.height(council.proposing(2, SetParams(ConsensusParams(heartbeat_ms=99))))


# --- the set must live ---


def test_too_few_would_be_left() -> None:
    fault = refused(Council(4), REMOVE_2)
    assert (fault.cause, fault.data) == (codes.TOO_FEW_AGENCIES, {"size": 3, "least": 4})
    council = Council(3)
    assert refused(council, council.replacement(1, validator="new")).cause is codes.TOO_FEW_AGENCIES
    council.height(council.proposing(1, council.addition(4)))


def test_who_has_not_signed_yet_keeps_nothing_alive() -> None:
    council = Council(4)
    council.dead.add("validator5")
    council.decide(council.addition(5))
    council.heights(5)
    fault = refused(council, council.addition(6))
    assert (fault.cause, fault.data) == (codes.SET_NOT_ALIVE, {"size": 6, "needs": 5, "proven": 4})
    assert "the new set has 6 validators and needs 5; only 4 of them have signed a block yet" in fault.detail.lower()
    council.dead.clear()
    council.heights(2)
    council.height(council.proposing(1, council.addition(6)))


def test_a_set_of_new_keys_is_refused_key_by_key() -> None:
    council = Council(4)
    council.dead |= {"new1", "new2"}
    council.decide(council.replacement(1, validator="new1"))
    fault = refused(council, council.replacement(2, validator="new2"))
    assert (fault.cause, fault.data) == (codes.SET_NOT_ALIVE, {"size": 4, "needs": 3, "proven": 2})
    # The key that never signed can be replaced again: the other three go on.
    council.heights(2)
    decided = council.decide(council.replacement(1, validator="third")).height
    assert members(council, decided + 2) == {"third", "validator2", "validator3", "validator4"}


def test_only_agencies_that_are_there_can_go() -> None:
    fault = refused(Council(5), RemoveAgency(AgencyNumber(6)))
    assert (fault.cause, fault.data) == (codes.AGENCY_UNKNOWN, {"agency": 6})


def test_too_many() -> None:
    council = Council(limits.MAX_VALIDATORS)
    fault = refused(council, council.addition(limits.MAX_VALIDATORS + 1))
    assert (fault.cause, fault.data) == (codes.TOO_MANY_AGENCIES, {"size": 101, "limit": 100})


def test_changes_of_one_block_and_of_following_blocks_compose() -> None:
    council = Council(7)
    council.height(council.proposing(1, council.addition(8)), council.proposing(2, RemoveAgency(AgencyNumber(7))))
    council.height(*(council.approving(n, 1) for n in (2, 3)), *(council.approving(n, 2) for n in (4, 5)))
    first = council.height(*(council.approving(n, 1) for n in (4, 5)), *(council.approving(n, 2) for n in (1, 3, 6)))
    second = council.decide(council.replacement(1, validator="rotated"), by=(1, 2, 3, 4, 5)).height
    assert second == first.height + 2
    third = council.decide(council.replacement(2, node="another"), by=(1, 2, 3, 4, 5, 6)).height
    base = {f"validator{n}" for n in range(1, 7)}
    assert members(council, first.height + 1) == base | {"validator7"}
    assert members(council, first.height + 2) == base | {"validator8"}
    assert members(council, second + 2) == base - {"validator1"} | {"validator8", "rotated"}
    assert council.state.validator_changes == (first.height + 2, second + 2)
    assert third == second + 2


def test_a_key_that_comes_and_goes_before_its_first_height_is_in_no_set() -> None:
    council = Council(5)
    council.height(
        council.proposing(1, council.replacement(5, validator="brief")),
        council.proposing(2, council.replacement(5, validator="lasting")),
    )
    for n in (3, 4):
        council.height(council.approving(n, 1))
        council.height(council.approving(n, 2))
    council.height(council.approving(2, 1), council.approving(1, 2))
    agency = council.state.agency(AgencyNumber(5))
    assert [(t.from_height, t.until_height) for t in agency.tenures][1:] == [
        (council.state.height + 2, council.state.height + 2),
        (council.state.height + 2, 0),
    ]
    council.heights(3)
    assert all("brief" not in members(council, h) for h in range(1, council.state.height + 2))
    assert "lasting" in members(council, council.state.height)


# --- keys ---


def test_all_three_keys_of_an_agency_are_replaced() -> None:
    council = Council(4)
    number = AgencyNumber(2)
    decided = council.decide(council.replacement(2, boss="boss", validator="signer", node="peer")).height
    agency = council.state.agency(number)
    assert agency.agency_key == key_of("boss").tagged
    assert agency.node_keys == (key_of("node2").public, key_of("peer").public)
    assert agency.validator_key == key_of("signer").public
    assert "validator2" in members(council, decided + 1)
    assert members(council, decided + 2) == {"validator1", "signer", "validator3", "validator4"}
    action = SetParams(ConsensusParams(heartbeat_ms=7))
    assert refused(council, action, by=2).cause is codes.SIGNER_REVOKED
    council.bosses[2] = "boss"
    council.height(council.proposing(2, action))
    council.heights(2)
    assert [t.proven for t in council.state.agency(number).tenures] == [True, True]


@pytest.mark.parametrize("used", ["agency1", "validator3", "node2", "agency2", "op1a", "service1"])
def test_no_key_ever_comes_back(used: str) -> None:
    council = Council(4)
    council.staff()
    council.decide(council.replacement(2, boss="boss", validator="signer", node="peer"))
    council.height(council.tx(ServiceRevoke(council.next_sequence("agency1"), key_of("service1").tagged), "agency1"))
    council.heights(3)
    for kind in ("boss", "validator", "node"):
        fault = refused(council, council.replacement(3, **{kind: used}))
        assert fault.cause is codes.KEY_USED_BEFORE, kind
    council.bosses[5] = used
    entry = council.entry(5)
    for name in ("agency_key", "validator_key", "node_key"):
        key = key_of(used)
        other = replace(entry, **{name: key.tagged if name == "agency_key" else key.public})
        assert refused(council, type(council.addition(5))(other)).cause is codes.KEY_USED_BEFORE


def test_an_operator_gets_no_key_that_a_node_has() -> None:
    council = Council(4)
    tx = council.tx(council.registration("node3", 1), "agency1")
    assert refusal(council, tx).cause is codes.KEY_ALREADY_REGISTERED


def test_an_agency_has_so_many_keys_of_one_kind_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvchain.ledger.governance.MAX_TENURES", 2)
    monkeypatch.setattr("mvchain.ledger.governance.MAX_SIGNERS_PER_AGENCY", 2)
    council = Council(4)
    council.decide(council.replacement(2, node="second"))
    fault = refused(council, council.replacement(2, node="third"))
    assert (fault.cause, fault.data) == (codes.TOO_MANY_REPLACED, {"agency": 2, "limit": 2})
    council.decide(council.replacement(2, validator="signer"))
    council.heights(3)
    assert refused(council, council.replacement(2, validator="other")).cause is codes.TOO_MANY_REPLACED
    council.decide(council.replacement(2, boss="boss"))
    assert refused(council, council.replacement(2, boss="next boss")).cause is codes.TOO_MANY_SIGNERS


def test_keys_prove_themselves_for_their_use() -> None:
    council = Council(4)
    good = council.replacement(2, boss="boss", validator="signer", node="peer")
    assert good.validator_key is not None
    assert good.node_key is not None
    swapped = replace(good, validator_key=good.node_key, node_key=good.validator_key)
    other = council.replacement(3, validator="signer")
    assert other.validator_key is not None
    forged = replace(good, validator_key=NewKey(good.validator_key.key, Signature(bytes(64))))
    for action in (swapped, replace(good, validator_key=other.validator_key), forged):
        assert refused(council, action).cause is codes.NEW_KEY_NOT_PROVEN
    twice = replace(good, node_key=good.validator_key)
    assert refused(council, twice).cause is codes.KEY_NAMED_TWICE
    council.height(council.proposing(1, good))


def test_entries_must_hold() -> None:
    council = Council(4)
    entry, add = council.entry(5), type(council.addition(5))
    cases: list[tuple[Any, Cause]] = [
        (replace(entry, number=AgencyNumber(6)), codes.WRONG_AGENCY_NUMBER),
        (replace(entry, number=AgencyNumber(4)), codes.WRONG_AGENCY_NUMBER),
        (replace(entry, name_en="Another"), codes.BAD_ENTRY),
        (replace(entry, name_en=""), codes.BAD_ENTRY),
        (replace(entry, approvals=0), codes.BAD_ENTRY),
        (replace(entry, node_key=entry.validator_key), codes.KEY_NAMED_TWICE),
    ]
    for changed, cause in cases:
        assert refused(council, add(changed)).cause is cause
    council.height(council.proposing(1, add(entry)))


# --- parameters (ATK11) ---

RANGES = {
    "max_bytes": (limits.MIN_BLOCK_BYTES, limits.MAX_BLOCK_BYTES),
    "max_units": (limits.MIN_BLOCK_UNITS, limits.MAX_BLOCK_UNITS),
    "propose_timeout_ms": (1, 60_000),
    "propose_timeout_delta_ms": (1, 60_000),
    "step_timeout_ms": (1, 60_000),
    "step_timeout_delta_ms": (1, 60_000),
    "min_block_interval_ms": (0, 60_000),
    "heartbeat_ms": (1, 3_600_000),
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_parameter_stays_in_its_range(data: st.DataObject) -> None:
    assert list(RANGES) == [field.name for field in fields(ConsensusParams)]
    name = data.draw(st.sampled_from(list(RANGES)))
    lo, hi = RANGES[name]
    edges = st.sampled_from([lo - 1, lo, hi, hi + 1]).filter(lambda value: value >= 0)
    value = data.draw(edges | st.integers(0, 2 * hi))
    council = Council(4)
    action = SetParams(replace(council.state.params, **{name: value}))
    if value == getattr(council.state.params, name):
        assert refused(council, action).cause is codes.PARAMS_UNCHANGED
    elif not lo <= value <= hi:
        fault = refused(council, action)
        assert (fault.cause, fault.data) == (
            codes.PARAM_OUT_OF_RANGE,
            {"field": name, "value": value, "lo": lo, "hi": hi},
        )
    else:
        outcome = council.decide(action)
        assert council.state.params == action.params
        assert council.execution().units_left == council.state.params.max_units
        assert outcome.changes.chain is not None
        council.heights(2)


# --- services ---


def test_a_service_is_suspended_and_let_go_on() -> None:
    council = Council(4)
    council.staff()
    key = key_of("service1").tagged
    rolls = lambda: council.tx(RollCreate(council.next_sequence("service1"), "x"), "service1")  # noqa: E731
    assert refused(council, ResumeService(key)).cause is codes.SERVICE_NOT_SUSPENDED
    assert refused(council, SuspendService(key_of("op1a").tagged)).cause is codes.NO_SUCH_SERVICE
    council.decide(SuspendService(key))
    assert refusal(council, rolls()).cause is codes.SERVICE_SUSPENDED
    assert refused(council, SuspendService(key)).cause is codes.SERVICE_SUSPENDED
    council.decide(ResumeService(key))
    council.height(rolls())
    council.height(council.tx(ServiceRevoke(council.next_sequence("agency1"), key), "agency1"))
    assert refused(council, SuspendService(key)).cause is codes.NO_SUCH_SERVICE


def test_what_is_decided_in_a_block_does_not_touch_its_own_transactions() -> None:
    council = Council(4)
    council.staff()
    council.height(council.proposing(1, SuspendService(key_of("service1").tagged)))
    council.height(council.approving(2, 1))
    roll = council.tx(RollCreate(1, "x"), "service1")
    council.height(council.approving(3, 1), roll)
    assert council.state.roll_count == 1


# --- what becomes of the polls of an agency that left ---


def test_its_running_polls_end_and_are_counted_and_nothing_new_begins() -> None:
    council = Council(5)
    council.staff()
    council.height()
    roll, spare = (council.sealed_roll(["a", "b"]) for _ in range(2))
    council.height(council.register(council.definition(roll, closes_at_ms=council.now_ms + 5_000)))
    council.height(council.tx(RollCreate(council.sequence("op1a"), "new"), "op1a"))
    council.height(after_ms=200)
    council.decide(RemoveAgency(AgencyNumber(1)))
    council.height(council.ballot(1, "a", 1))

    def by(signer: str, make: Any) -> Transaction:
        return council.tx(make(council.next_sequence(signer)), signer)

    new_poll = encode_definition(council.definition(spare))
    entries = [(key_of("a").tagged, 1)]
    nothing_new = [
        by("op1a", lambda n: RollCreate(n, "another")),
        by("service1", lambda n: PollRegister(n, PollNumber(0), new_poll)),
        by("op1a", lambda n: RollSeal(n, spare, roll_root(entries), 1)),
        by("agency1", lambda n: council.registration("late", n)),
        by("op1a", lambda n: council.registration("late", n, Scope.POLLS)),
    ]
    for tx in nothing_new:
        assert refusal(council, tx).cause is codes.AGENCY_REMOVED
    council.height(by("op1b", lambda n: PollClose(n, PollNumber(1), "the agency leaves")))
    council.height(after_ms=60)
    council.blocks_until_counted()
    poll = council.poll(1)
    assert (poll.state, poll.counted_size) == (PollState.FINAL, 1)


def test_a_seal_that_waits_is_approved_no_more() -> None:
    council = Council(5, approvals=2)
    council.staff()
    keys = key_of("a").tagged
    council.height(
        council.tx(RollCreate(1, "x"), "op1a"),
        council.tx(RollAppend(2, RollNumber(1), keys, ()), "op1a"),
        seal := council.tx(RollSeal(3, RollNumber(1), roll_root([(keys, 1)]), 1), "op1a"),
    )
    council.state.check(council.tx(Approve(1, seal.hash), "op1b"))
    council.decide(RemoveAgency(AgencyNumber(1)), by=(2, 3, 4, 5))
    assert refusal(council, council.tx(Approve(1, seal.hash), "op1b")).cause is codes.AGENCY_REMOVED


# --- any sequence of decisions ---


class Model:
    """A plain second reading of the rules: who is in force, who has signed, which set signs which height."""

    def __init__(self, council: Council) -> None:
        self.council = council
        self.signed = {f"validator{n}" for n in range(1, 5)}
        self.present: dict[int, str] = {n: f"validator{n}" for n in range(1, 5)}
        self.sets = {1: set(self.present.values()), 2: set(self.present.values())}

    def is_possible(self, after: dict[int, str], kept: set[str]) -> bool:
        alive = len(kept & self.signed & set(after.values()))
        return 4 <= len(after) <= 100 and 3 * alive > 2 * len(after)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_is_decided_every_set_can_live(data: st.DataObject) -> None:
    """Random changes, some validators dead for ever: each set keeps a quorum of keys that have signed."""
    council = Council(4)
    model = Model(council)
    for step in range(data.draw(st.integers(3, 12))):
        kind = data.draw(st.sampled_from(["add", "remove", "rotate", "none"]))
        present, after, kept = model.present, dict(model.present), set(model.present.values())
        action: GovernanceAction | None = None
        if kind == "add":
            number = len(council.state.agencies) + 1
            action = council.addition(number, suffix=f"-{step}")
            after[number] = f"validator{number}-{step}"
        elif kind == "remove":
            number = data.draw(st.sampled_from(sorted(present)))
            action = RemoveAgency(AgencyNumber(number))
            kept.discard(after.pop(number))
        elif kind == "rotate":
            number = data.draw(st.sampled_from(sorted(present)))
            action = council.replacement(number, validator=f"rotated-{step}")
            kept.discard(after[number])
            after[number] = f"rotated-{step}"
        new = set(after.values()) - set(present.values())
        if data.draw(st.booleans()):
            council.dead |= new
        if action is not None and model.is_possible(after, kept):
            before = council.state.height
            council.decide(action)
            assert council.proposal(council.state.proposal_count).state is ProposalState.EXECUTED, (kind, before)
            model.present = after
        elif action is not None:
            by = min(present)
            assert refused(council, action, by).cause in (codes.TOO_FEW_AGENCIES, codes.SET_NOT_ALIVE)
        for _ in range(data.draw(st.integers(0, 4))):
            council.height()
        # Whoever signed the block before the last stands in the last one's commit.
        state = council.state
        for height in range(1, state.height):
            model.signed |= members(council, height) - council.dead
        for height in range(1, state.height + 3):
            signing = members(council, height)
            assert len(signing) >= 4
            assert 3 * len(signing - council.dead) > 2 * len(signing)
        assert members(council, state.height + 2) == set(model.present.values())
        starts = [h for h in range(2, state.height + 3) if members(council, h) != members(council, h - 1)]
        assert list(state.validator_changes) == starts


def test_outcomes_say_which_proposal_it_was() -> None:
    council = Council(4)
    outcome: Outcome = council.height(council.proposing(1, council.addition(5)))
    assert outcome.numbers == (1,)
    assert outcome.results[0].data == bytes.fromhex("91 01")
    assert ProposalNumber(1) in council.state.open_proposals


def test_which_parameters_held_when_is_known_for_ever() -> None:
    """A state that is loaded again knows the same."""
    council = Council(4)
    params = council.state.params
    heights = []
    for max_units in (4_500, 4_400):
        council.decide(SetParams(replace(params, max_units=max_units)))
        heights.append(council.state.height)
    expected = [(height, units) for height, units in zip(heights, (4_500, 4_400), strict=True)]
    assert [(height, one.max_units) for height, one in council.state.params_changes] == expected
    loaded = State.load(council.store, council.store)
    assert loaded.params_changes == council.state.params_changes
    assert loaded.params == council.state.params_changes[-1][1]
