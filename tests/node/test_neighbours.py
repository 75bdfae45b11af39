"""Who may be connected, while keys are replaced and agencies come and go (N7)."""

from mvchain.core.types import AgencyNumber, PublicKey
from mvchain.ledger.proposals import RemoveAgency
from mvchain.ledger.state import State
from mvchain.node.neighbours import Neighbours
from tests.ledger.governance_helpers import Council
from tests.ledger.state_helpers import MemoryStore, key_of

OBSERVER = key_of("observer").public
NEXT = key_of("next2").public


def node_key(number: int) -> PublicKey:
    return key_of(f"node{number}").public


def test_nodes_of_agencies_and_observers_may_connect() -> None:
    neighbours = Neighbours(Council(4).state, [node_key(1), node_key(2)], [OBSERVER])
    assert [neighbours.name_of(node_key(n)) for n in (1, 2, 5)] == ["1 Agency 1", "2 Agency 2", None]
    assert neighbours.name_of(OBSERVER) == f"observer {OBSERVER.hex()[:8]}"
    assert neighbours.name_of(key_of("validator1").public) is None


def test_a_node_is_known_by_its_new_key_alone_once_it_has_one() -> None:
    council = Council(4)
    neighbours = Neighbours(council.state, [node_key(2)], [])
    council.decide(council.replacement(2, node="next2"))
    assert (neighbours.name_of(node_key(2)), neighbours.name_of(NEXT)) == (None, "2 Agency 2")
    assert neighbours.present(node_key(2)) == neighbours.present(NEXT) == NEXT


def test_a_node_that_is_behind_takes_those_whom_it_dials() -> None:
    """It has the state of genesis, and agency 2 another node key since; what it dials tells it the blocks."""
    council = Council(4)
    store = MemoryStore()
    behind, _ = State.genesis(council.genesis, store, store)
    neighbours = Neighbours(behind, [NEXT], [])
    assert neighbours.name_of(NEXT) == f"node {NEXT.hex()[:8]}"
    assert neighbours.present(NEXT) == NEXT
    assert neighbours.name_of(key_of("next3").public) is None
    council.decide(council.replacement(2, node="next2"))
    assert Neighbours(council.state, [NEXT], []).name_of(NEXT) == "2 Agency 2"


def test_one_that_was_removed_goes_when_it_has_signed_its_last_block() -> None:
    council = Council(5)
    neighbours = Neighbours(council.state, [node_key(5)], [])
    council.decide(RemoveAgency(AgencyNumber(5)))
    assert neighbours.name_of(node_key(5)) == "5 Agency 5"  # it signs the next block
    council.height()
    assert neighbours.name_of(node_key(5)) is None
    assert Neighbours(council.state, [], [node_key(5)]).name_of(node_key(5)) is not None
