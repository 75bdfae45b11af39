"""Who is asked for which block, whatever peers claim (faults S21, ATK05, ATK06, ATK16)."""

from mvchain.core.types import PublicKey
from mvchain.ledger.validators import Validator, ValidatorSet
from mvchain.node.catchup import ANSWER_DEADLINE_MS, PATIENCE_MS, WINDOW_HEIGHTS, CatchUp


def test_nothing_is_asked_of_peers_at_the_same_height() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("a", 5, 1)
    assert catch_up.requests(5, 0) == []


def test_one_height_ahead_is_given_a_moment() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("a", 6, 1)
    assert catch_up.requests(5, 0) == []
    assert catch_up.requests(5, PATIENCE_MS - 1) == []
    assert catch_up.requests(5, PATIENCE_MS) == [("a", 5)]


def test_the_moment_begins_anew_with_each_own_height() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("a", 6, 1)
    assert catch_up.requests(5, 0) == []
    catch_up.peer_status("a", 7, 1)
    assert catch_up.requests(6, PATIENCE_MS) == []


def test_heights_are_spread_over_peers_within_the_window() -> None:
    catch_up = CatchUp()
    for peer in ("a", "b"):
        catch_up.peer_status(peer, 1000, 1)
    asked = catch_up.requests(10, 0)
    assert [height for _, height in asked] == list(range(10, 10 + WINDOW_HEIGHTS))
    assert sorted(peer for peer, _ in asked) == ["a"] * (WINDOW_HEIGHTS // 2) + ["b"] * (WINDOW_HEIGHTS // 2)
    assert catch_up.requests(10, 1) == []


def test_a_peer_is_asked_only_for_what_it_says_it_holds() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("pruned", 20, 15)
    catch_up.peer_status("short", 13, 1)
    asked = {height: peer for peer, height in catch_up.requests(10, 0)}
    assert asked[12] == "short"
    assert 13 not in asked
    assert asked[15] == "pruned"


def test_answers_that_were_not_asked_of_that_peer_are_dropped() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("a", 12, 1)
    catch_up.requests(10, 0)
    assert not catch_up.arrived("b", 10, b"block", b"commit")
    assert not catch_up.arrived("a", 500, b"block", b"commit")
    assert catch_up.arrived("a", 10, b"block", b"commit")
    assert not catch_up.arrived("a", 10, b"another", b"commit")
    fetched = catch_up.take(10)
    assert fetched is not None
    assert (fetched.peer, fetched.block) == ("a", b"block")
    assert catch_up.take(10) is None


def test_a_silent_peer_is_passed_over_and_its_heights_go_to_others() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("liar", 1 << 62, 1)
    assert {peer for peer, _ in catch_up.requests(10, 0)} == {"liar"}
    catch_up.peer_status("honest", 14, 1)
    later = ANSWER_DEADLINE_MS
    assert {peer for peer, height in catch_up.requests(10, later) if height < 14} == {"honest"}
    assert not catch_up.arrived("liar", 10, b"late", b"late")


def test_a_peer_that_takes_back_its_height_changes_nothing_for_others() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("a", 1 << 62, 1)
    catch_up.requests(10, 0)
    catch_up.peer_status("a", 3, 1)
    catch_up.peer_status("b", 12, 1)
    catch_up.peer_gone("a")
    assert catch_up.requests(10, 1) == [("b", 10), ("b", 11)]


def test_a_refusal_sends_the_request_elsewhere() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("a", 12, 1)
    assert catch_up.requests(10, 0) == [("a", 10), ("a", 11)]
    catch_up.peer_status("b", 12, 1)
    catch_up.refused("a", 10, 1)
    assert catch_up.requests(10, 1) == [("b", 10)]


def test_who_sent_a_wrong_block_is_not_asked_first_again_after_it_reconnects() -> None:
    """It would be back before the next request and keep a node that is behind where it is."""
    catch_up = CatchUp()
    for peer in ("a liar", "honest"):
        catch_up.peer_status(peer, 14, 1)
    for peer, height in catch_up.requests(10, 0):
        assert catch_up.arrived(peer, height, b"block", b"commit")
    wrong = catch_up.take(10)
    assert wrong is not None
    assert wrong.peer == "a liar"
    catch_up.wrong("a liar", 1)
    catch_up.peer_gone("a liar")
    catch_up.peer_status("a liar", 14, 1)
    assert catch_up.requests(10, 1) == [("honest", 10), ("honest", 12)]


def test_memory_is_bounded_by_the_window_and_old_blocks_are_forgotten() -> None:
    catch_up = CatchUp()
    catch_up.peer_status("a", 1000, 1)
    for peer, height in catch_up.requests(10, 0):
        assert catch_up.arrived(peer, height, b"block", b"commit")
    assert catch_up.requests(10, 0) == []
    catch_up.requests(10 + WINDOW_HEIGHTS, 1)
    assert catch_up.take(10) is None


def test_the_distance_shown_to_people_is_the_median_claim() -> None:
    catch_up = CatchUp()
    assert catch_up.distance(5) == 0
    for peer, height in (("liar", 1 << 62), ("b", 9), ("c", 9)):
        catch_up.peer_status(peer, height, 1)
    assert catch_up.distance(5) == 4
    catch_up.peer_gone("c")
    assert catch_up.distance(5) == 4, "one of two that lies is not believed"


def test_the_distance_of_a_correct_one_needs_the_word_of_more_than_f_validators() -> None:
    """S21: two liars of seven set it to nothing, and two peers of one agency are one."""
    validators = ValidatorSet(tuple(Validator(PublicKey(bytes([i]) * 32)) for i in range(7)))
    addresses = {str(i): validator.address for i, validator in enumerate(validators)}
    catch_up = CatchUp()
    for name in "01":
        catch_up.peer_status(name, 1_000, 1)
    assert catch_up.distance_of_one_correct(10, validators, addresses) == 0
    assert catch_up.distance_of_one_correct(10, validators, {**addresses, "2": addresses["0"]}) == 0
    catch_up.peer_status("2", 14, 1)
    assert catch_up.distance_of_one_correct(10, validators, addresses) == 4
    assert catch_up.distance_of_one_correct(20, validators, addresses) == 0
    assert catch_up.distance_of_one_correct(10, validators, {**addresses, "2": None}) == 0
