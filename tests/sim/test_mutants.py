"""Positive controls (S13): each of the six mutants M1 to M6 of faults 2.4 is found, or the checkers are broken.

A mutant is switched in here, by replacing a function; production code knows nothing of it. The kinds of faults of
each are those that aim at it, and the bound on the seeds has room above what it took.
"""

from collections.abc import Iterable

import pytest

from mvchain.consensus.machine import Machine
from mvchain.core import keys
from mvchain.core.keys import Purpose
from mvchain.ledger import commits
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.blocks import Commit, Flag
from mvchain.ledger.endorsements import NO_ROUND, Kind, endorsement_sign_bytes
from mvchain.ledger.validators import ValidatorSet
from mvchain.node.guard import SignGuard
from mvchain.sim.scenario import Scenario
from mvchain.sim.simulation import simulate


def hunt(kinds: Iterable[str], seeds: int, *, beyond: int = 0, nodes: int = 4) -> tuple[int, str]:
    """The first seed that finds something, and what."""
    for seed in range(1, seeds + 1):
        report = simulate(Scenario(seed, nodes, 10, tuple(kinds), beyond=beyond))
        if report.violation is not None:
            return seed, report.violation
    raise AssertionError(f"{seeds} seeds find nothing")


def test_m1_more_than_f_twins_fork() -> None:
    """Four nodes, two of them with twins, and a network that splits."""
    _, found = hunt(["twins", "splits", "delays"], 60, beyond=1)
    assert found.startswith("I1: fork")


def test_m2_a_lowered_quorum_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of four are enough: each half goes on by itself."""
    monkeypatch.setattr(ValidatorSet, "has_quorum", lambda self, power: power // 10 >= 2 * len(self.validators) // 3)
    _, found = hunt(["splits"], 20)
    assert found.startswith("I1")


def test_m3_without_the_lock_it_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer_whatever_is_valid(self: Machine) -> bool:
        self.locked_block, self.locked_round = None, NO_ROUND
        return answer(self)

    answer = Machine._answer_proposal
    monkeypatch.setattr(Machine, "_answer_proposal", answer_whatever_is_valid)
    _, found = hunt(["hidden-decisions"], 60)
    assert found.startswith("I1: fork")
    monkeypatch.setattr(Machine, "_answer_proposal", answer)
    with pytest.raises(AssertionError, match="find nothing"):
        hunt(["hidden-decisions"], 5)


def by_address(  # noqa: PLR0917
    commit: Commit, chain_id: str, validators: ValidatorSet, height: int, block_id: object, checked: object
) -> None:
    """M4: signers are looked up by the address they name, so one may stand in a commit twice."""
    for entry in commit.signatures:
        found = validators.by_address(entry.address)  # type: ignore[arg-type]
        if entry.flag is Flag.ABSENT:
            continue
        signed_for = commit.block_id if entry.flag is Flag.COMMIT else NIL_BLOCK_ID
        message = endorsement_sign_bytes(Kind.PRECOMMIT, height, commit.round, signed_for, entry.time_ns, chain_id)
        if found is None or not keys.verify(Purpose.CONSENSUS, found[1].public_key, message, entry.signature):
            raise commits.BadProof(commits.codes.COMMIT_SIGNATURE, index=0, height=height)


def test_m4_who_counts_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_verify", by_address)
    _, found = hunt(["trick-commit"], 60)
    assert found.startswith("I1: the commit")
    assert "twice" in found


def test_m5_a_commit_check_that_stops_at_two_thirds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop_early(  # noqa: PLR0917
        commit: Commit, chain_id: str, validators: ValidatorSet, height: int, block_id: object, checked: object
    ) -> None:
        power = 0
        for entry, validator in zip(commit.signatures, validators, strict=True):
            if entry.flag is not Flag.COMMIT:
                continue
            message = endorsement_sign_bytes(
                Kind.PRECOMMIT, height, commit.round, commit.block_id, entry.time_ns, chain_id
            )
            if not keys.verify(Purpose.CONSENSUS, validator.public_key, message, entry.signature):
                raise commits.BadProof(commits.codes.COMMIT_SIGNATURE, index=0, height=height)
            power += validator.power
            if validators.has_quorum(power):
                return

    monkeypatch.setattr(commits, "_verify", stop_early)
    _, found = hunt(["trick-commit"], 60)
    assert found.startswith("I1: the commit")


def test_m6_without_the_guard_somebody_signs_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SignGuard, "_repeated", lambda self, position, block_id: None)
    _, found = hunt(["crashes", "delays"], 60)
    assert found.startswith("I2")
