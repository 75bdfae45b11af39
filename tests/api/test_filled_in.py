"""What a node that joined by a snapshot says of polls that had ended: first that it does not know, then the truth."""

from collections.abc import Callable

import pytest

from mvchain.api.errors import problem, status_of
from mvchain.api.proof_view import ProofView
from mvchain.core import codes
from mvchain.core.errors import BadRequest
from mvchain.core.types import Hash
from mvchain.light.verify import verify
from tests.ledger.state_helpers import key_of
from tests.node.cluster import Node
from tests.node.join_helpers import POLL, ended_network
from tests.node.replay import replayed
from tests.node.test_backfill import Network, honest

VOTER = key_of("voter0").tagged
STRANGER = key_of("stranger").tagged


@pytest.fixture(scope="module")
def node() -> Node:
    return ended_network()


def a_ballot(node: Node) -> Hash:
    for height in range(1, node.height + 1):
        hashes = node.store.tx_hashes(height)  # type: ignore[arg-type]
        if len(hashes) > 10:
            return hashes[3]
    raise AssertionError


CLAIMS: dict[str, Callable[[ProofView, Node], bytes]] = {
    "receipt": lambda proofs, node: proofs.receipt(a_ballot(node), completed=None).document,
    "question": lambda proofs, _: proofs.question(POLL),
    "result": lambda proofs, _: proofs.result(POLL),
    "on roll": lambda proofs, _: proofs.on_roll(POLL, VOTER),
    "recorded": lambda proofs, _: proofs.recorded(POLL, 5),
    "not counted": lambda proofs, _: proofs.not_counted(POLL, STRANGER),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_first_not_yet_and_then_the_same_as_anywhere(node: Node, claim: str) -> None:
    network = Network(node, one=honest)
    replica = replayed(node, network.store, network.store.last_height)
    proofs = ProofView(replica)
    ask = CLAIMS[claim]
    with pytest.raises(BadRequest) as caught:
        ask(proofs, node)
    assert caught.value.cause is codes.NOT_FILLED_IN
    assert status_of(caught.value) == 503
    assert dict(problem(caught.value).headers)["Retry-After"] == "1"
    assert "steps of filling in are left" in caught.value.detail

    network.start()
    network.run()
    found = ask(ProofView(replica), node)
    verify(found, replica.genesis)
    assert found == ask(ProofView(node.replica), node)


def test_a_stranger_is_not_said_to_be_on_no_roll_before_it_is_known(node: Node) -> None:
    network = Network(node, one=honest)
    replica = replayed(node, network.store, network.store.last_height)
    with pytest.raises(BadRequest) as caught:
        ProofView(replica).on_roll(POLL, STRANGER)
    assert caught.value.cause is codes.NOT_FILLED_IN
    network.start()
    network.run()
    with pytest.raises(BadRequest) as caught:
        ProofView(replica).on_roll(POLL, STRANGER)
    assert caught.value.cause is codes.VOTER_NOT_ON_ROLL
