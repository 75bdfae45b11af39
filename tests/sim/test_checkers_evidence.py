"""The checkers of I8 notice what they are for (faults SIM3, M4), and do not stumble over junk."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mvchain.ledger.convictions import Convictions
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.node import candidates, watch
from mvchain.node.wire import Endorsements, encode
from mvchain.sim.checkers_evidence import Accountability, Witnesses
from mvchain.sim.signatures import provider
from mvchain.sim.violation import Violation
from tests.node.cluster import Cluster, chain_of, grow
from tests.node.test_watch import evidence_of, shown


@pytest.fixture(autouse=True)
def _cheap_signatures() -> Iterator[None]:
    with provider(real=False):
        yield


def commit(alter: Callable[[DuplicateEndorsementEvidence], DuplicateEndorsementEvidence], *, faulty: bool) -> None:
    """A chain that takes evidence against its fourth validator."""
    cluster = Cluster(4, seed=3).boot()
    election = chain_of(cluster, 3)
    if faulty:
        cluster.faulty.add(cluster.node(4).address)
    evidence = alter(evidence_of(cluster, cluster.node(4), 2))
    shown(cluster.nodes[0], [evidence], cluster.nodes[1])
    grow(cluster, election, 8)


def test_evidence_against_a_faulty_validator_is_right() -> None:
    commit(lambda evidence: evidence, faulty=True)


def test_an_honest_validator_that_is_named_is_noticed() -> None:
    with pytest.raises(Violation, match="names an honest validator"):
        commit(lambda evidence: evidence, faulty=False)


@pytest.mark.parametrize("what", ["signature", "pair"])
def test_evidence_that_proves_nothing_is_noticed(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the verification off, as in M4."""
    for module in (candidates, watch):
        monkeypatch.setattr(module, "verify_evidence", lambda *_: None)

    def alter(evidence: DuplicateEndorsementEvidence) -> DuplicateEndorsementEvidence:
        second = evidence.first if what == "pair" else evidence.second
        return replace(evidence, second=replace(second, signature=evidence.first.signature))

    with pytest.raises(Violation, match="proves nothing"):
        commit(alter, faulty=True)


def test_evidence_that_comes_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the check for duplicates off, as in M4."""
    monkeypatch.setattr(Convictions, "admits", lambda *_: True)
    with pytest.raises(Violation, match="twice"):
        commit(lambda evidence: evidence, faulty=True)


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x40\x01", b"\x22\x05\x0a", b"\x32\x00\x42\x00"])
def test_junk_is_not_the_checkers_end(junk: bytes) -> None:
    cluster = Cluster(4).boot()
    accountability = Accountability(cluster.genesis, cluster.faulty)
    witnesses = Witnesses(cluster.genesis, accountability, cluster.faulty)
    address = cluster.nodes[1].address
    for item in (junk, b"\x32\x14" + address + b"\x40\x01" + junk):
        witnesses.on_arrive(cluster.nodes[0], encode(Endorsements((item,))))
    assert not witnesses.missing()
