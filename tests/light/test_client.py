"""The light client's core against nodes in memory: what it asks, and that no lie gets through (C91 to C94; S25)."""

from dataclasses import replace

import pytest

from mvchain.core import codes
from mvchain.core.errors import BadProof, BadRequest, Cause, MvchainError
from mvchain.core.types import Height, TimeNs
from mvchain.light.blocks import LightBlock
from mvchain.light.client import MAX_FETCHES, PAUSE_S, PAUSES, SEQUENTIAL_BLOCKS, WAY_S, Divergence, Standing
from mvchain.light.rules import NS_PER_HOUR, Rules, TrustLevel
from mvchain.light.trust import MAX_NEWEST, Checkpoint
from tests.light.helpers import SECOND, code_of, make_chain, seeded
from tests.light.light_chain import (
    GENESIS,
    KEYS,
    OTHER_KEYS,
    LightChain,
    extend,
    fork_of,
    make_light_chain,
    rotating_keys,
    set_of,
    sign,
    time_at,
)
from tests.light.simulation import Liar, Network, Node

CHAIN = make_light_chain(60)
ROTATING = extend(LightChain(GENESIS, ()), 90, rotating_keys)
FORK = fork_of(CHAIN, 31, 60)
"""Other blocks from height 31 on, signed by the same agencies: more than two thirds are dishonest."""
NOW = time_at(60) + SECOND
PHANTOMS = fork_of(CHAIN, 31, 60, lambda height: KEYS if height < 31 else OTHER_KEYS)
"""From height 31 on signed by validators of the attacker's own invention."""


def network(*nodes: Node, **options: object) -> Network:
    return Network(*nodes, **({"now_ns": NOW} | options))  # type: ignore[arg-type]


def test_the_forks_are_forks() -> None:
    for fork in (FORK, PHANTOMS):
        assert fork[30] == CHAIN[30]
        assert fork[31].hash != CHAIN[31].hash


# --- honest nodes ---


def test_the_newest_block_is_verified_at_once_where_members_do_not_change() -> None:
    net = network(Node(CHAIN), Node(CHAIN))
    assert net.advance() == CHAIN[60]
    assert net.asked("a") == [None]
    assert net.asked("b") == [None, 60]
    assert net.trusted() == [60]
    assert net.notices == []


def test_it_goes_on_from_what_it_trusts() -> None:
    nodes = Node(CHAIN, newest=7), Node(CHAIN, newest=7)
    net = network(*nodes)
    net.advance()
    for node in nodes:
        node.newest = 50
    assert net.advance().height == 50
    assert net.advance().height == 50
    assert net.trusted() == [7, 50]


def test_bisection_where_members_change() -> None:
    """C91: the pivot is at 9/16 between what is trusted and what was tried. Here one of four changes every ten.

    At level 2/3 three of four must have stayed, so a step can pass one change of members only.
    """
    net = network(Node(ROTATING), Node(ROTATING), now_ns=time_at(90) + SECOND)
    assert net.advance() == ROTATING[90]
    asked = [height for height in net.asked("a") if height is not None]
    assert asked == pivots_by_hand(90)
    assert len(asked) < 25


def pivots_by_hand(target: int) -> list[int]:
    """The slow twin: which heights a bisection from genesis asks for, going by who is in which set alone."""
    trusted, tried, asked = 0, [target], []
    while tried:
        height = tried[-1]
        old = {key.public for key in (rotating_keys(trusted) if trusted else KEYS)}
        kept = sum(key.public in old for key in rotating_keys(height))
        if height == trusted + 1 or 3 * kept > 2 * 4:
            trusted = tried.pop()
        else:
            tried.append(trusted + (height - trusted) * 9 // 16)
            asked.append(tried[-1])
    return asked


def test_a_lower_level_needs_fewer_blocks_between() -> None:
    def asked_at(level: TrustLevel) -> int:
        net = network(Node(ROTATING), Node(ROTATING), now_ns=time_at(90) + SECOND, rules=Rules(level=level))
        net.advance()
        return len(net.asked("a"))

    assert asked_at(TrustLevel(1, 3)) < asked_at(TrustLevel(2, 3)) <= asked_at(TrustLevel(1, 1))


def test_sequential_verifies_every_height() -> None:
    net = network(Node(ROTATING), Node(ROTATING), now_ns=time_at(90) + SECOND, sequential=True)
    assert net.advance() == ROTATING[90]
    assert net.asked("a") == [None, *range(1, 90)]
    assert net.asked("b") == [None, 90]


def test_sequential_has_the_others_confirm_now_and_then() -> None:
    chain = make_light_chain(230)
    net = network(Node(chain), Node(chain), now_ns=time_at(230) + SECOND, sequential=True)
    assert [net.advance().height for _ in range(4)] == [100, 200, 230, 230]
    assert SEQUENTIAL_BLOCKS == 100
    assert set(net.asked("a")) == {None, *range(1, 230)}


def test_an_old_block_is_verified_from_below() -> None:
    net = network(Node(CHAIN), Node(CHAIN))
    net.advance()
    net.asked("a")
    assert net.block_at(7) == CHAIN[7]
    assert net.asked("a") == [7]
    assert net.asked("b")[-1] == 7
    assert net.block_at(7) == CHAIN[7]
    assert net.asked("a") == []
    assert net.trusted() == [7, 60]


def test_a_block_that_nobody_has() -> None:
    """It is no fault not to have it."""
    net = network(Node(CHAIN), Node(CHAIN))
    with pytest.raises(BadRequest) as caught:
        net.block_at(61)
    assert caught.value.cause is codes.BLOCK_UNKNOWN
    assert net.notices == []


def test_one_node_alone() -> None:
    net = network(Node(CHAIN))
    assert net.advance() == CHAIN[60]
    assert net.block_at(7) == CHAIN[7]


def test_the_store_keeps_the_first_and_the_newest() -> None:
    chain = make_light_chain(230)
    nodes = Node(chain, newest=1), Node(chain, newest=1)
    net = network(*nodes, now_ns=time_at(230) + SECOND)
    for height in range(1, 131):
        for node in nodes:
            node.newest = height
        net.advance()
    assert net.trusted() == [1, *range(131 - MAX_NEWEST, 131)]


# --- a root by height and hash ---


def checkpoint(height: int = 20) -> Checkpoint:
    return Checkpoint(Height(height), CHAIN[height].hash)


def test_a_root_by_hash() -> None:
    net = network(Node(CHAIN), Node(CHAIN), root=checkpoint())
    assert net.advance() == CHAIN[60]
    assert net.asked("a") == [20, None]
    assert net.asked("b") == [20, None, 60]
    assert net.trusted() == [20, 60]


def test_below_the_root_hashes_lead_back() -> None:
    """C92: every block on the way is asked for, and none needs a second opinion; none is trusted for good."""
    net = network(Node(CHAIN), Node(CHAIN), root=checkpoint())
    assert net.block_at(16) == CHAIN[16]
    assert net.asked("a") == [20, 16, 19, 18, 17]
    assert net.asked("b") == [20]
    assert net.trusted() == [20]


def test_a_liar_on_the_way_back_is_dropped() -> None:
    liar = Liar(CHAIN, lies={18: FORK[31], 17: replace(CHAIN[17], header=replace(CHAIN[17].header, app_hash=b"x"))})
    net = network(liar, Node(CHAIN), Node(CHAIN), root=checkpoint())
    assert net.block_at(16) == CHAIN[16]
    assert net.notices == [("a", Standing.FAILING, codes.WRONG_HEIGHT.code)]
    liar.lies.pop(18)
    net = network(liar, Node(CHAIN), Node(CHAIN), root=checkpoint())
    assert net.block_at(16) == CHAIN[16]
    assert net.notices == [("a", Standing.DROPPED, codes.LIGHT_BLOCK_HASH.code)]


def test_no_further_back_than_a_bound() -> None:
    far = sign(replace(CHAIN[60].header, height=Height(20 + MAX_FETCHES + 1)), KEYS)
    liar = Liar(CHAIN, lies={far.height: far})
    net = network(liar, root=Checkpoint(far.height, far.hash))
    assert code_of(net.block_at, 20) == codes.TOO_FAR.code
    assert len(liar.asked) == 2


def test_a_root_that_the_primary_does_not_have() -> None:
    net = network(Node(FORK), Node(CHAIN), Node(CHAIN), root=checkpoint(40))
    assert net.advance() == CHAIN[60]
    assert net.notices == [("a", Standing.DROPPED, codes.NOT_THE_TRUSTED_HASH.code)]


def test_a_witness_that_contradicts_the_root() -> None:
    net = network(Node(CHAIN), Node(FORK), Node(CHAIN), root=checkpoint(40))
    assert net.advance() == CHAIN[60]
    assert net.notices == [("b", Standing.DROPPED, codes.CONTRADICTS_THE_ROOT.code)]


def test_a_root_that_nobody_has() -> None:
    net = network(Node(CHAIN), Node(CHAIN), root=Checkpoint(Height(20), CHAIN[21].hash))
    assert code_of(net.advance) == codes.NO_GOOD_NODE.code
    assert net.trusted() == []


def test_a_root_that_is_too_old() -> None:
    rules = Rules(trusting_period_ns=48 * NS_PER_HOUR)
    late = time_at(20) + 48 * NS_PER_HOUR
    net = network(Node(CHAIN), Node(CHAIN), root=checkpoint(), rules=rules, now_ns=late)
    assert code_of(net.advance) == codes.TRUST_EXPIRED.code
    assert net.notices == []  # no node's fault
    net = network(Node(CHAIN), Node(CHAIN), root=checkpoint(), rules=rules, now_ns=late - 1)
    assert net.advance() == CHAIN[60]


def test_between_an_old_root_and_a_new_block_hashes_lead_back() -> None:
    rules = Rules(trusting_period_ns=48 * NS_PER_HOUR)
    net = network(Node(CHAIN), Node(CHAIN), root=checkpoint(), rules=rules)
    net.advance()
    net.asked("a")
    net.now_ns = TimeNs(time_at(20) + 48 * NS_PER_HOUR)
    assert net.block_at(57) == CHAIN[57]
    assert net.asked("a") == [57, 59, 58]


# --- nodes that do not answer ---


def test_a_primary_that_is_down_is_replaced() -> None:
    down = Node(CHAIN, down=True)
    net = network(down, Node(CHAIN), Node(CHAIN))
    assert net.client.order[0] == "a"
    assert net.advance() == CHAIN[60]
    assert net.client.order[0] == "b"
    assert net.notices == [("a", Standing.FAILING, codes.SERVER_UNREACHABLE.code)]
    assert net.advance() == CHAIN[60]
    assert len(net.notices) == 1  # told once


def test_a_node_that_is_back_is_reported() -> None:
    nodes = Node(CHAIN, newest=10), Node(CHAIN, newest=10), Node(CHAIN, newest=10, down=True)
    net = network(*nodes)
    net.advance()
    for node in nodes:
        node.newest, node.down = 20, False
    net.advance()
    assert net.notices == [
        ("c", Standing.FAILING, codes.SERVER_UNREACHABLE.code),
        ("c", Standing.GOOD, ""),
    ]


def test_a_primary_that_dies_on_the_way_is_replaced() -> None:
    class Dying(Node):
        def answer(self, height: Height | None) -> LightBlock | MvchainError:
            self.down = len(self.asked) >= 3
            return super().answer(height)

    net = network(Dying(ROTATING), Node(ROTATING), Node(ROTATING), now_ns=time_at(90) + SECOND)
    assert net.advance() == ROTATING[90]
    assert net.client.order[0] == "b"


def test_nobody_answers() -> None:
    net = network(Node(CHAIN, down=True), Node(CHAIN, down=True))
    assert code_of(net.advance) == codes.NO_GOOD_NODE.code
    assert net.trusted() == []


def test_nothing_is_trusted_that_nobody_confirms() -> None:
    """Of two nodes one is down: the client waits rather than believe the other."""
    witness = Node(CHAIN, down=True)
    net = network(Node(CHAIN), witness)
    assert code_of(net.advance) == codes.NO_WITNESS.code
    assert code_of(net.block_at, 5) == codes.NO_WITNESS.code
    assert net.trusted() == []
    witness.down = False
    assert net.advance() == CHAIN[60]


def test_a_node_with_another_height_than_asked_for() -> None:
    net = network(Liar(CHAIN, lies={7: CHAIN[8]}), Node(CHAIN), Node(CHAIN))
    assert net.block_at(7) == CHAIN[7]
    assert net.notices == [("a", Standing.FAILING, codes.WRONG_HEIGHT.code)]


# --- nodes that are behind ---


def test_a_witness_that_lags_is_waited_for() -> None:
    witness = Node(CHAIN, newest=58)
    net = network(Node(CHAIN), witness)

    def catch_up() -> None:
        witness.newest = 57 + net.pauses

    net.on_pause = catch_up
    assert net.advance() == CHAIN[60]
    assert net.pauses == 3
    assert net.notices == []


def test_a_witness_that_lags_for_ever_is_waited_for_once() -> None:
    primary, lagging, third = Node(CHAIN, newest=59), Node(CHAIN, newest=30), Node(CHAIN, newest=59)
    net = network(primary, lagging, third, now_ns=time_at(59) + SECOND)
    assert net.advance() == CHAIN[59]
    assert net.pauses == PAUSES == 30
    assert net.notices == [("b", Standing.BEHIND, codes.BEHIND.code)]
    primary.newest = third.newest = 60
    assert net.advance() == CHAIN[60]
    assert net.pauses == PAUSES
    lagging.newest = 61
    assert net.block_at(50) == CHAIN[50]
    assert net.notices[1:] == [("b", Standing.GOOD, "")]


def test_a_witness_that_says_it_is_ahead_but_has_not_got_the_block_is_waited_for_once() -> None:
    nodes = [Node(CHAIN, newest=40), Node(CHAIN, newest=40), Liar(CHAIN, newest=0, lies={None: CHAIN[60]})]
    net = network(*nodes)
    assert net.advance() == CHAIN[40]
    assert net.pauses == PAUSES
    assert net.notices == [("c", Standing.BEHIND, codes.BLOCK_UNKNOWN.code)]
    nodes[0].newest = nodes[1].newest = 50
    assert net.block_at(50) == CHAIN[50]
    assert net.pauses == PAUSES


def test_a_witness_without_any_block_is_waited_for_once() -> None:
    net = network(Node(CHAIN), Node(CHAIN), Node(CHAIN, newest=0))
    assert net.advance() == CHAIN[60]
    assert net.block_at(50) == CHAIN[50]
    assert net.pauses == PAUSES
    assert net.notices == [("c", Standing.BEHIND, codes.BEHIND.code)]


@pytest.mark.parametrize("newest", [50, 60])
def test_a_witness_that_caught_up_at_the_last_moment_confirms(newest: int) -> None:
    witness = Node(CHAIN, newest=30)
    net = network(Node(CHAIN, newest=50), witness)

    def catch_up() -> None:
        if net.pauses == PAUSES:
            witness.newest = newest

    net.on_pause = catch_up
    assert net.advance() == CHAIN[50]
    assert net.notices == []


def test_a_witness_that_contradicts_at_the_last_moment() -> None:
    witness = Node(FORK, newest=30)
    net = network(Node(CHAIN, newest=50), Node(CHAIN, newest=50), witness)

    def catch_up() -> None:
        if net.pauses == PAUSES:
            witness.newest = 60

    net.on_pause = catch_up
    with pytest.raises(Divergence):
        net.advance()


class Slow(Liar):
    """Each answer takes it 5 s, as long as a node is given for one, or what a test sets."""

    answer_s = 5

    def answer(self, height: Height | None) -> LightBlock | MvchainError:
        self.net.now_ns = TimeNs(self.net.now_ns + self.answer_s * SECOND)
        return super().answer(height)

    net: Network


def test_answers_that_take_long_do_not_make_the_wait_longer() -> None:
    """30 s: a pause of 1 s and an answer of 5 s take 6 s, and the sixth answer ends at 35 s."""
    slow = Slow(CHAIN, newest=30)
    net = network(Node(CHAIN), slow, Node(CHAIN))
    slow.net = net
    assert net.advance() == CHAIN[60]
    assert (PAUSES * PAUSE_S, net.pauses) == (30, 5)
    assert net.notices == [("b", Standing.BEHIND, codes.BEHIND.code)]


def test_a_lagging_witness_alone_confirms_nothing() -> None:
    net = network(Node(CHAIN), Node(CHAIN, newest=30))
    assert code_of(net.advance) == codes.NO_WITNESS.code
    assert net.trusted() == []


def test_a_primary_that_is_behind_does_not_hold_the_client_back() -> None:
    net = network(Node(CHAIN, newest=10), Node(CHAIN), Node(CHAIN))
    assert net.advance() == CHAIN[10]
    assert net.advance() == CHAIN[60]


# --- lies (S25) ---


def test_a_lying_primary_is_caught_by_an_honest_witness() -> None:
    """Equivocation or amnesia of more than two thirds: two truths, both signed. Both are handed out."""
    net = network(Node(FORK), Node(CHAIN), Node(FORK))
    with pytest.raises(Divergence) as caught:
        net.advance()
    divergence = caught.value
    assert (divergence.first, divergence.second) == (FORK[60], CHAIN[60])
    assert divergence.common.height == 0
    assert net.trusted() == []
    assert FORK[60].hash.hex() in str(divergence)
    assert CHAIN[60].hash.hex() in str(divergence)


def test_a_lying_witness_with_the_signatures_for_it() -> None:
    net = network(Node(CHAIN), Node(CHAIN), Node(FORK))
    with pytest.raises(Divergence):
        net.advance()


def test_divergence_names_what_both_have_in_common() -> None:
    nodes = Node(FORK, newest=25), Node(CHAIN, newest=25)
    net = network(*nodes)
    assert net.advance() == CHAIN[25]
    for node in nodes:
        node.newest = 45
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert caught.value.common.height == 25
    assert caught.value.first.height == 45
    assert net.trusted() == [25]


@pytest.mark.parametrize("witness_at", [1, 2, 3])
def test_one_honest_witness_is_enough(witness_at: int) -> None:
    nodes = [Node(FORK) for _ in range(4)]
    nodes[witness_at] = Node(CHAIN)
    with pytest.raises(Divergence):
        network(*nodes).advance()


def test_the_client_stops_at_the_first_divergence() -> None:
    """ATK17: nothing after it can make it a match."""
    net = network(Node(CHAIN), Node(FORK), Node(CHAIN), Node(CHAIN))
    step = net.client.advance()
    with pytest.raises(Divergence):
        net.run(step)
    assert step.gi_frame is None  # type: ignore[attr-defined]
    assert net.trusted() == []


def test_a_fork_of_old_blocks() -> None:
    """Back to the past: asked for a height below what it trusts, the primary shows another block there."""
    forged = fork_of(CHAIN, 31, 31)[31]
    net = network(Liar(CHAIN, lies={31: forged}), Node(CHAIN))
    net.advance()
    with pytest.raises(Divergence):
        net.block_at(31)


def test_another_block_at_a_height_that_is_trusted() -> None:
    net = network(Node(CHAIN, newest=40), Node(CHAIN, newest=40))
    net.advance()
    net.nodes["a"] = Node(FORK, newest=40)  # type: ignore[index]
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert (caught.value.first, caught.value.second) == (CHAIN[40], FORK[40])


def test_a_lunatic_primary_without_the_keys_is_dropped() -> None:
    """Phantom validators: it is found out at the latest at the height where they first sign."""
    net = network(Node(PHANTOMS), Node(CHAIN), Node(CHAIN))
    assert net.advance() == CHAIN[60]
    assert net.notices == [("a", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code)]
    assert len(net.asked("a")) < 15
    assert net.client.order[0] == "b"


def test_a_witness_without_the_keys_is_dropped() -> None:
    net = network(Node(CHAIN), Node(PHANTOMS), Node(CHAIN))
    assert net.advance() == CHAIN[60]
    assert net.notices == [("b", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code)]


def test_a_dropped_node_is_never_asked_again() -> None:
    net = network(Node(PHANTOMS), Node(CHAIN), Node(CHAIN))
    net.advance()
    net.asked("a")
    net.advance()
    net.block_at(5)
    assert net.asked("a") == []


LIE = fork_of(ROTATING, 61, 90, rotating_keys)
"""Signed by the validators of its time, whom genesis does not name: only the blocks between lead to them."""
ROTATED = time_at(90) + SECOND


@pytest.mark.parametrize(
    ("why", "makes_it"),
    [
        (codes.SERVER_UNREACHABLE, BadRequest(codes.SERVER_UNREACHABLE, url="b", why="it took longer than 5 s")),
        (codes.BLOCK_UNKNOWN, BadRequest(codes.BLOCK_UNKNOWN, height=50)),
        (codes.WRONG_HEIGHT, CHAIN[60]),
    ],
)
def test_an_honest_witness_whose_line_fails_is_not_dropped(why: Cause, makes_it: LightBlock | MvchainError) -> None:
    """The lie that it contradicts, signed as well, is not trusted; once the line is back, there are two truths."""
    honest = Liar(ROTATING, lies=dict.fromkeys(range(1, 90), makes_it))
    net = network(Node(LIE), honest, Node(LIE), now_ns=ROTATED)
    for _ in range(2):
        assert code_of(net.advance) == codes.UNDECIDED.code
    assert net.trusted() == []
    assert net.notices == [("b", Standing.FAILING, why.code)]
    honest.lies.clear()
    with pytest.raises(Divergence):
        net.advance()


def test_an_honest_witness_that_is_slow_is_not_dropped() -> None:
    honest = Slow(ROTATING)
    net = network(Node(LIE), honest, Node(LIE), now_ns=ROTATED)
    honest.net, honest.answer_s = net, 10
    assert code_of(net.advance) == codes.UNDECIDED.code
    assert net.notices == [("b", Standing.FAILING, codes.TOO_SLOW.code)]


def test_a_primary_that_is_slow_on_the_way_is_replaced() -> None:
    """However long the way is, it ends after 60 s: here six answers, behind the one that was the newest."""
    slow = Slow(ROTATING)
    net = network(slow, Node(ROTATING), Node(ROTATING), now_ns=ROTATED)
    slow.net, slow.answer_s = net, 10
    assert net.advance() == ROTATING[90]
    assert net.notices[0] == ("a", Standing.FAILING, codes.TOO_SLOW.code)
    assert net.notices[1:] == [("a", Standing.GOOD, "")]  # as a witness, which is asked for one block only
    on_the_way = [height for height in net.asked("a") if height not in (None, 90)]
    assert len(on_the_way) == WAY_S // slow.answer_s == 6
    assert net.client.order[0] == "b"


def test_a_primary_that_is_slow_on_the_way_back_is_replaced() -> None:
    slow = Slow(CHAIN)
    net = network(slow, Node(CHAIN), Node(CHAIN), root=checkpoint(40))
    slow.net = net
    assert net.block_at(10) == CHAIN[10]
    assert net.notices == [("a", Standing.FAILING, codes.TOO_SLOW.code)]
    assert net.asked("a") == [40, 10, *range(39, 39 - WAY_S // slow.answer_s, -1)]


def test_a_witness_that_makes_up_a_block_and_falls_silent() -> None:
    """It cannot back what it shows, but neither is it shown to be false: nobody is dropped, nothing is trusted."""
    forged = sign(replace(CHAIN[60].header, validators_hash=set_of(OTHER_KEYS).hash), OTHER_KEYS)
    liar = Liar(CHAIN, newest=0, lies={60: forged})
    net = network(Node(CHAIN), liar, Node(CHAIN))
    assert code_of(net.advance) == codes.UNDECIDED.code
    assert net.notices == [("b", Standing.FAILING, codes.BLOCK_UNKNOWN.code)]
    liar.newest = 60
    assert net.advance() == CHAIN[60]  # it backs it with blocks that do not lead to it
    assert net.notices[1:] == [("b", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code)]


def test_a_header_alone_confirms_nothing() -> None:
    """With the true header, but another commit or other validators, it is no light block."""
    for forged in (
        replace(CHAIN[60], validators=set_of(OTHER_KEYS)),
        replace(CHAIN[60], commit=CHAIN[59].commit),
    ):
        net = network(Node(CHAIN), Liar(CHAIN, lies={60: forged}))
        assert code_of(net.advance) == codes.NO_WITNESS.code
        assert [(source, standing) for source, standing, _ in net.notices] == [("b", Standing.DROPPED)]


# --- what was remembered ---


def test_what_is_remembered_is_confirmed_before_it_is_used() -> None:
    net = network(Node(CHAIN), Node(CHAIN), remembered=(CHAIN[20], CHAIN[40]))
    assert net.block_at(20) == CHAIN[20]
    assert net.asked("b") == [40]
    assert net.block_at(20) == CHAIN[20]
    assert net.asked("b") == []
    assert net.advance() == CHAIN[60]


def test_a_fork_that_is_remembered_is_found_out() -> None:
    """Old keys of a quorum and a file that somebody could write to."""
    net = network(Node(CHAIN), Node(CHAIN), remembered=(FORK[40],))
    for step in (lambda: net.block_at(40), net.advance):
        with pytest.raises(Divergence):
            step()


def test_what_is_remembered_and_nobody_confirms_is_not_used() -> None:
    net = network(Node(CHAIN, down=True), Node(CHAIN, down=True), remembered=(CHAIN[40],))
    assert code_of(net.block_at, 40) == codes.NO_WITNESS.code


@pytest.mark.parametrize("marks", ["ccaa", "aaaa"])
def test_a_block_of_too_few(marks: str) -> None:
    forged = sign(replace(CHAIN[60].header, app_hash=b"forged"), KEYS, marks)
    net = network(Liar(CHAIN, lies={None: forged, 60: forged}), Node(CHAIN), Node(CHAIN))
    assert net.advance() == CHAIN[60]
    assert net.notices == [("a", Standing.DROPPED, codes.COMMIT_POWER.code)]


def test_a_claimed_height_is_nothing() -> None:
    """ATK05, ATK06: a node that says it is far ahead does not hold the client up."""
    time_ns = TimeNs(CHAIN[60].time_ns + 1)
    forged = sign(replace(CHAIN[60].header, height=Height(10**9), time_ns=time_ns), KEYS, "caaa")
    net = network(Node(CHAIN), Node(CHAIN), Liar(CHAIN, lies={None: forged}))
    assert net.advance() == CHAIN[60]
    assert net.advance() == CHAIN[60]
    assert net.notices == [("c", Standing.DROPPED, codes.COMMIT_POWER.code)]


def test_a_clock_that_is_slow_is_not_the_nodes_fault() -> None:
    """Faults R10: the client says why, and drops nobody."""
    net = network(Node(CHAIN), Node(CHAIN), now_ns=time_at(60) - 7_200 * SECOND)
    with pytest.raises(BadProof) as caught:
        net.advance()
    assert caught.value.cause is codes.NO_GOOD_NODE
    assert "ahead of this computer's clock" in caught.value.detail
    assert {standing for _, standing, _ in net.notices} == {Standing.FAILING}
    net.now_ns = TimeNs(NOW)
    assert net.advance() == CHAIN[60]


def far_ahead(time_ns: int) -> LightBlock:
    """A block of the far future of the chain, signed by all, of which honest nodes know nothing."""
    return sign(replace(CHAIN[60].header, height=Height(1_000), time_ns=TimeNs(time_ns)), KEYS)


def test_forward_lunatic_is_caught_once_honest_time_passes_it() -> None:
    """ATK29: two nodes show a height that the third has not reached; its own next block shows them to be false."""
    forged = far_ahead(NOW + 5 * SECOND)
    lies = {None: forged, 1_000: forged}
    honest = Node(CHAIN, newest=59)
    net = network(Liar(CHAIN, lies=lies), honest, Liar(CHAIN, lies=lies), now_ns=NOW)

    def next_block() -> None:
        if net.now_ns >= NOW + 20 * SECOND:
            honest.newest = 60

    late = extend(LightChain(GENESIS, CHAIN.blocks[:59]), 60, time_ns=TimeNs(NOW + 6 * SECOND))
    honest.chain = late
    net.on_pause = next_block
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert (caught.value.first, caught.value.second) == (forged, late[60])
    assert net.trusted() == []


def test_a_node_that_shows_a_later_time_at_a_lower_height_must_back_it() -> None:
    forged = sign(replace(CHAIN[40].header, time_ns=TimeNs(CHAIN[60].time_ns)), KEYS, "ccaa")
    net = network(Node(CHAIN), Liar(CHAIN, newest=40, lies={None: forged}), Node(CHAIN))
    assert net.advance() == CHAIN[60]
    assert net.notices == [("b", Standing.DROPPED, codes.COMMIT_POWER.code)]


def test_a_way_over_too_many_changes_is_given_up() -> None:
    """One agency whose key changes at every height, so that every height is on the way."""
    genesis, first = make_chain(1).genesis, make_chain(1).keys[0]
    height = MAX_FETCHES + 2
    chain = extend(LightChain(genesis, ()), height, lambda height: [first if height == 1 else seeded(f"key {height}")])
    node = Node(chain)
    net = network(node, root=genesis, now_ns=time_at(height) + SECOND)
    assert code_of(net.advance) == codes.NO_GOOD_NODE.code
    assert net.notices == [("a", Standing.FAILING, codes.TOO_FAR.code)]
    assert len(node.asked) == MAX_FETCHES + 1
    node.newest = MAX_FETCHES // 2
    assert net.advance() == chain[MAX_FETCHES // 2]
