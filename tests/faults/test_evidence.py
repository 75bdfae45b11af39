"""Evidence that would blame the innocent or excuse the guilty (faults ATK12, ATK13, ATK28), on a production node."""

from dataclasses import replace
from typing import Any, Final

import pytest

from mvchain.core.errors import MvchainError
from mvchain.core.keys import Purpose
from mvchain.core.types import Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.blocks import evidence_hash
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, build_evidence
from mvchain.node.wire import Evidence
from tests.faults.stage import Stage
from tests.ledger.chain_helpers import BLOCK
from tests.node.cluster import header_of
from tests.node.test_candidates import endorse


def evidence_of(stage: Stage) -> DuplicateEndorsementEvidence:
    """The faulty validator signed a block and nil at the last height."""
    height = stage.replica.tip.height
    first, second = (endorse(stage.scene, Kind.PREVOTE, 0, block_id, height) for block_id in (BLOCK, NIL_BLOCK_ID))
    time_ns = header_of(stage.node, height).time_ns
    return build_evidence(first, second, stage.replica.state.validators_at(height), time_ns)


def signed_by(name: str, stage: Stage, endorsement: Endorsement) -> Endorsement:
    """With the signature of another validator's key."""
    node = next(node for node in stage.scene.honest if str(node.number) == name)
    message = endorsement.sign_bytes(stage.scene.cluster.genesis.chain_id)
    return replace(endorsement, signature=node.key.sign(Purpose.CONSENSUS, message))


def named(stage: Stage, endorsement: Endorsement) -> Endorsement:
    """In the name of a validator that signed nothing of this."""
    innocent = stage.node.address
    found = stage.replica.state.validators.by_address(innocent)
    assert found is not None
    return replace(endorsement, address=innocent, index=found[0])


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


FORGED: Final = {
    "ATK12 the second signature is garbage": lambda s, e: replace(
        e, second=replace(e.second, signature=Signature(bytes(64)))
    ),
    "ATK12 the first signature is garbage": lambda s, e: replace(
        e, first=replace(e.first, signature=Signature(bytes(64)))
    ),
    "ATK12 the second is signed for another round": lambda s, e: replace(
        e, second=replace(endorse(s.scene, Kind.PREVOTE, 1, e.second.block_id, e.height), round=e.second.round)
    ),
    "ATK13 an innocent is named by both": lambda s, e: replace(e, first=named(s, e.first), second=named(s, e.second)),
    "ATK13 an innocent is named by one": lambda s, e: replace(e, second=named(s, e.second)),
    "ATK13 another's key signed the second": lambda s, e: replace(e, second=signed_by(str(s.node.number), s, e.second)),
    "ATK28 the time is the reporter's": lambda s, e: replace(e, time_ns=TimeNs(s.node.now_ns())),
    "ATK28 the time is one nanosecond later": lambda s, e: replace(e, time_ns=TimeNs(e.time_ns + 1)),
    "ATK28 the power is made up": lambda s, e: replace(e, validator_power=e.validator_power + 1),
}


@pytest.mark.parametrize("what", FORGED)
def test_atk12_atk13_atk28_forged_evidence_costs_its_sender_and_is_not_kept(stage: Stage, what: str) -> None:
    """faults ATK12, ATK13, ATK28: every signature, the name and the time of evidence are checked before it is kept."""
    forged = FORGED[what](stage, evidence_of(stage))
    assert isinstance(stage.say(Evidence((forged.encode(),))), MvchainError)
    assert not stage.replica.watch.pending


@pytest.mark.parametrize("what", FORGED)
def test_atk12_atk13_atk28_no_block_with_forged_evidence_gets_a_prevote(what: str) -> None:
    """faults ATK12, ATK13, ATK28: the same for a proposer, whose block others would have to take as it is."""
    stage = Stage()
    forged = FORGED[what](stage, evidence_of(stage))
    good = stage.scene.block()
    header: Any = replace(good.header, evidence_hash=evidence_hash([forged]))
    block = replace(good, header=header, evidence=(forged,))
    stage.scene.show(stage.scene.compact(block, evidence=(forged.encode(),)))
    stage.scene.expect_nil_and_the_next_proposer(block.header.hash())


def test_atk28_the_clock_of_a_node_has_no_say_in_what_it_takes_for_evidence() -> None:
    """faults ATK28: nodes put their own time into evidence, and honest ones proposed what others refused."""
    stage = Stage()
    good = evidence_of(stage)
    for node, skew_ms in zip(stage.scene.honest, (-3_600_000, 0, 3_600_000), strict=True):
        node.clock_skew_ms = skew_ms
        node.replica.receive_evidence([good.encode()])
        assert list(node.replica.watch.pending) == [good]
