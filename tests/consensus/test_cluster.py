"""Seeded clusters: agreement at every moment, and a decision soon after the network healed (faults I1, I6)."""

import pytest

from mvchain.consensus.effects import Misbehaviour
from mvchain.ledger.validators import ValidatorSet
from tests.consensus.cluster import (
    Amnesiac,
    BadCommit,
    BadProposer,
    Cluster,
    Equivocator,
    Fork,
    Peer,
    Silent,
)
from tests.consensus.helpers import FOUR, validator_set

SEVEN = validator_set(7)
FAULTS: list[type[Peer]] = [Equivocator, Amnesiac, Silent, BadProposer]


def run(cluster: Cluster) -> None:
    """Faults on until the network heals; then all correct nodes decide within 2(f+1) rounds (I6)."""
    cluster.run(lambda c: c.now_ms >= c.heal_at_ms)
    highest = max(peer.machine.round for peer in cluster.correct)
    f = (len(cluster.validators) - 1) // 3
    while not cluster.all_decided():
        cluster.go_on()
        assert max(peer.machine.round for peer in cluster.correct) <= highest + 2 * (f + 1), "I6"
    blamed = {
        effect.first.index
        for peer in cluster.correct
        for effect in peer.misbehaviour
        if isinstance(effect, Misbehaviour)
    }
    assert blamed <= {peer.index for peer in cluster.peers if isinstance(peer, Equivocator | Amnesiac)}, "I8"


def replay(cluster: Cluster) -> None:
    """What a restart does: the same inputs give the same effects (N5)."""
    for peer in cluster.correct:
        again = peer.fresh_machine()
        assert [effect for event in peer.log for effect in again.step(event)] == peer.effects


@pytest.mark.parametrize("seed", range(30))
def test_four_correct_nodes(seed: int) -> None:
    cluster = Cluster(seed, FOUR, {}, heal_at_ms=seed % 3 * 5000)
    run(cluster)
    replay(cluster)


@pytest.mark.parametrize("seed", range(60))
def test_four_nodes_one_faulty(seed: int) -> None:
    cluster = Cluster(seed, FOUR, {seed // 4 % 4: FAULTS[seed % 4]}, heal_at_ms=8000)
    run(cluster)
    replay(cluster)


@pytest.mark.parametrize("seed", range(16))
def test_seven_nodes_two_faulty(seed: int) -> None:
    first = seed % 7
    faulty = {first: FAULTS[seed % 4], (first + 1 + seed % 3) % 7: FAULTS[seed // 4 % 4]}
    run(Cluster(seed, SEVEN, faulty, heal_at_ms=8000))


@pytest.mark.parametrize("seed", range(6))
def test_a_ring_of_seven(seed: int) -> None:
    """Each is linked to two others only (N8)."""
    run(Cluster(seed, SEVEN, {}, heal_at_ms=3000, linked=lambda a, b: (a - b) % 7 in (1, 6)))


@pytest.mark.parametrize("seed", range(4))
def test_s6_f_plus_1_silent_decide_nothing(seed: int) -> None:
    cluster = Cluster(seed, FOUR, {0: Silent, 2: Silent}, heal_at_ms=1000)
    cluster.run(lambda c: c.now_ms > 30_000)
    assert [peer.decision for peer in cluster.correct] == [None, None]
    assert max(peer.machine.round for peer in cluster.correct) == 0


def test_the_same_seed_gives_the_same_run() -> None:
    """SIM1."""
    first, second = (Cluster(7, FOUR, {1: Equivocator}, heal_at_ms=4000) for _ in range(2))
    for cluster in (first, second):
        run(cluster)
    assert [peer.effects for peer in first.peers] == [peer.effects for peer in second.peers]


def lower_the_quorum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant M2: 2n // 3 instead of 2n // 3 + 1."""
    monkeypatch.setattr(ValidatorSet, "has_quorum", lambda self, power: power // 10 >= 2 * len(self) // 3)


def run_until_the_checker_objects(seeds: int, faulty: dict[int, type[Peer]], signers_needed: int = 3) -> None:
    for seed in range(seeds):
        cluster = Cluster(seed, FOUR, faulty, heal_at_ms=8000)
        cluster.signers_needed = signers_needed
        cluster.run(Cluster.all_decided)


def test_m2_a_lowered_quorum_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control of the checker (SIM3, M2)."""
    lower_the_quorum(monkeypatch)
    with pytest.raises(Fork):
        run_until_the_checker_objects(50, {}, signers_needed=2)


def test_m2_a_lowered_quorum_makes_bad_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    lower_the_quorum(monkeypatch)
    with pytest.raises(BadCommit):
        run_until_the_checker_objects(50, {})


def test_beyond_the_bound_it_forks() -> None:
    """Control of the bound (SIM3, NS7): f + 1 = 2 equivocators of four."""
    with pytest.raises(Fork):
        run_until_the_checker_objects(200, {0: Equivocator, 1: Equivocator})
