"""Named schedules NS1 to NS9 (faults 2.5), written out by hand: who receives what, and in which order.

Nodes 0 to 3 propose in rounds 0 to 3 of height 1; node 3 is the faulty one unless said otherwise. A correct
node signs by itself; what the faulty one says is written out. Nothing arrives that is not delivered here.
"""

from collections.abc import Iterable

import pytest

from mvchain.consensus import exchange
from mvchain.consensus.effects import Effect, MakeProposal, Misbehaviour, NeedBlock, TimeoutKind
from mvchain.consensus.inputs import Input
from mvchain.consensus.keeper import EndorsementSet
from mvchain.consensus.machine import Machine
from mvchain.core.types import Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from tests.consensus.helpers import NIL, B, Node, SignedMessage, block, endorse, propose, ready

PROPOSE, PREVOTE, PRECOMMIT = TimeoutKind.PROPOSE, TimeoutKind.PREVOTE, TimeoutKind.PRECOMMIT


def correct_nodes(*indexes: int, height: int = 1) -> list[Node]:
    nodes = [Node(index, height=height) for index in indexes]
    for node in nodes:
        node.start()
    return nodes


def said(nodes: Iterable[Node], kind: Kind, round_: int) -> list[Endorsement]:
    """What these nodes signed of this kind and round."""
    found = [node.signed.get((kind.name, round_)) for node in nodes]
    return [message for message in found if isinstance(message, Endorsement)]


def proposal_of(node: Node, round_: int) -> Proposal:
    message = node.signed["proposal", round_]
    assert isinstance(message, Proposal)
    return message


def deliver(to: Iterable[Node], *messages: SignedMessage) -> None:
    for node in to:
        node.receive(*messages)


def last(node: Node, kind: Kind, round_: int) -> BlockID:
    message = node.signed[kind.name, round_]
    return message.block_id


def one_locks_in_round_0() -> tuple[list[Node], BlockID]:
    """Node 1 alone sees 2f+1 prevotes in round 0; all three end up in round 1."""
    nodes = correct_nodes(0, 1, 2)
    first = proposal_of(nodes[0], 0)
    deliver(nodes[1:], first)
    prevotes = said(nodes, Kind.PREVOTE, 0)
    deliver(nodes[1:2], *prevotes)
    others = [nodes[0], nodes[2]]
    deliver(others, endorse(Kind.PREVOTE, 3, 0, NIL), prevotes[0], prevotes[2])
    for node in others:
        node.elapse(PREVOTE, 0)
    deliver(nodes, *said(nodes, Kind.PRECOMMIT, 0), endorse(Kind.PRECOMMIT, 3, 0, NIL))
    assert [last(node, Kind.PRECOMMIT, 0) for node in nodes] == [NIL, first.block_id, NIL]
    for node in nodes:
        node.elapse(PRECOMMIT, 0)
        assert node.machine.round == 1
    return nodes, first.block_id


def heal(*nodes: Node, times: int = 2) -> None:
    """Anti-entropy between all of them."""
    for _ in range(times):
        for node in nodes:
            for peer in nodes:
                missing = exchange.missing_for(node.machine.keeper, exchange.known(peer.machine.keeper))
                peer.receive(*missing.proposals, *missing.endorsements)


def test_ns1_hidden_lock() -> None:
    """Node 1 alone is locked; in its turn the others learn of the quorum behind its lock, and all decide."""
    nodes, locked = one_locks_in_round_0()
    assert [node.machine.locked_round for node in nodes] == [-1, 0, -1]
    again = proposal_of(nodes[1], 1)
    assert (again.block_id, again.pol_round) == (locked, 0)
    deliver(nodes, again)
    assert "PREVOTE" not in {kind for kind, round_ in nodes[0].signed if round_ == 1}, "L28 waits for round 0"
    heal(*nodes)
    assert {node.decision for node in nodes} == {locked}


def test_ns1_hidden_lock_behind_a_double_prevote() -> None:
    """K3: the faulty one prevoted the block towards node 1 and nil towards the others. All must see both.

    Were only the first to count, or to be passed on, no quorum could ever come about again once the faulty
    one falls silent: node 1 is locked, and the others never see why.
    """
    nodes, decided = double_prevote_locks_one()
    assert decided is None, "node 1 alone knows the quorum"
    heal(*nodes, times=1)
    assert [node.machine.keeper.prevotes(Round(0)).quorum for node in nodes] == [nodes[1].machine.locked_block] * 3
    heal(*nodes)
    assert {node.decision for node in nodes} == {nodes[1].machine.locked_block}
    named = {effect.first.index for node in nodes for effect in node.misbehaviour if isinstance(effect, Misbehaviour)}
    assert named == {3}


def test_ns1_without_k3_the_chain_would_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control for the test above."""
    monkeypatch.setattr(EndorsementSet, "contested", lambda _: iter(()))
    nodes, _ = double_prevote_locks_one()
    heal(*nodes, times=5)
    assert {node.decision for node in nodes} == {None}
    assert [node.machine.phase.name for node in nodes] == ["PROPOSE", "PREVOTE", "PROPOSE"]


def double_prevote_locks_one() -> tuple[list[Node], BlockID | None]:
    """As `one_locks_in_round_0`, but the quorum that node 1 saw needs the faulty one; now it is its turn."""
    nodes = correct_nodes(0, 1, 2)
    first = proposal_of(nodes[0], 0)
    deliver(nodes[1:2], first)
    nodes[2].elapse(PROPOSE, 0)
    prevotes = said(nodes, Kind.PREVOTE, 0)
    assert [prevote.block_id for prevote in prevotes] == [first.block_id, first.block_id, NIL]
    deliver(nodes[1:2], endorse(Kind.PREVOTE, 3, 0, first.block_id), *prevotes)
    others = [nodes[0], nodes[2]]
    deliver(others, endorse(Kind.PREVOTE, 3, 0, NIL), *prevotes)
    for node in others:
        node.elapse(PREVOTE, 0)
    deliver(nodes, *said(nodes, Kind.PRECOMMIT, 0), endorse(Kind.PRECOMMIT, 3, 0, NIL))
    for node in nodes:
        node.elapse(PRECOMMIT, 0)
    deliver(nodes, proposal_of(nodes[1], 1))
    return nodes, nodes[0].decision


def test_ns2_line_26() -> None:
    """All are locked; a proposer that forgets the valid block gets nil."""
    nodes = correct_nodes(0, 2, 3)
    first = proposal_of(nodes[0], 0)
    deliver(nodes, first)
    deliver(nodes, *said(nodes, Kind.PREVOTE, 0))
    assert {node.machine.locked_block for node in nodes} == {first.block_id}
    deliver(nodes, endorse(Kind.PRECOMMIT, 1, 0, NIL), *said(nodes[:2], Kind.PRECOMMIT, 0))
    for node in nodes[:2]:
        node.elapse(PRECOMMIT, 0)
    deliver(nodes[:2], propose(1, B).proposal)  # node 1 is the faulty one here
    assert [last(node, Kind.PREVOTE, 1) for node in nodes[:2]] == [NIL, NIL]


def decided_by_one_and_then_another_block() -> list[Node]:
    """Node 0 decides in round 0 with a precommit that faulty node 1 shows to it alone; then node 1 proposes."""
    nodes = correct_nodes(0, 2, 3)
    first = proposal_of(nodes[0], 0)
    deliver(nodes, first)
    deliver(nodes, *said(nodes, Kind.PREVOTE, 0))
    precommits = said(nodes, Kind.PRECOMMIT, 0)
    deliver(nodes[:1], endorse(Kind.PRECOMMIT, 1, 0, first.block_id), *precommits)
    assert nodes[0].decision == first.block_id
    others = nodes[1:]
    deliver(others, endorse(Kind.PRECOMMIT, 1, 0, NIL), *precommits[1:])
    for node in others:
        node.elapse(PRECOMMIT, 0)
    deliver(others, propose(1, B).proposal)
    for kind in Kind:
        deliver(others, *said(others, kind, 1), endorse(kind, 1, 1, B))
    return nodes


def test_the_lock_keeps_what_one_node_may_have_decided() -> None:
    nodes = decided_by_one_and_then_another_block()
    assert [node.decision for node in nodes[1:]] == [None, None]


def test_m3_without_the_lock_it_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control for the test above (SIM3, M3): lines 23 and 29 forget the lock."""
    step = Machine.step

    def forgetful(machine: Machine, event: Input) -> list[Effect]:
        machine.locked_block, machine.locked_round = None, Round(-1)
        return step(machine, event)

    monkeypatch.setattr(Machine, "step", forgetful)
    nodes = decided_by_one_and_then_another_block()
    assert nodes[0].decision != B
    assert [node.decision for node in nodes[1:]] == [B, B]


def test_ns3_line_28() -> None:
    """The next proposer proposes the valid block again, and all prevote it, locked or not."""
    nodes, locked = one_locks_in_round_0()
    deliver(nodes, *said(nodes, Kind.PREVOTE, 0))
    assert [node.machine.locked_block for node in nodes] == [None, locked, None]
    deliver(nodes, proposal_of(nodes[1], 1))
    assert [last(node, Kind.PREVOTE, 1) for node in nodes] == [locked] * 3


def test_ns4_line_32_invalid() -> None:
    """2f+1 prevotes cannot make a block valid."""
    (node,) = correct_nodes(0)
    bad = block("bad, and prevoted by too many")
    deliver([node], *(endorse(Kind.PREVOTE, index, 0, bad) for index in (1, 2, 3)))
    deliver([node], *(endorse(Kind.PRECOMMIT, index, 1, NIL) for index in (1, 2)))
    deliver([node], propose(1, bad, 0).proposal)
    assert last(node, Kind.PREVOTE, 1) == NIL


def test_ns4_line_32_locked_later() -> None:
    """Node 2 is locked in round 0, the others in round 1 on another block: they refuse the older one."""
    nodes = correct_nodes(0, 1, 2)
    first = proposal_of(nodes[0], 0)
    deliver(nodes, first)
    prevotes = said(nodes, Kind.PREVOTE, 0)
    deliver(nodes[2:], *prevotes)
    others = nodes[:2]
    deliver(others, endorse(Kind.PREVOTE, 3, 0, NIL), *prevotes[:2])
    for node in others:
        node.elapse(PREVOTE, 0)
    deliver(nodes, *said(nodes, Kind.PRECOMMIT, 0), endorse(Kind.PRECOMMIT, 3, 0, NIL))
    for node in nodes:
        node.elapse(PRECOMMIT, 0)
    second = proposal_of(nodes[1], 1)
    assert (second.pol_round, second.block_id == first.block_id) == (-1, False)
    deliver(nodes, second)
    deliver(others, endorse(Kind.PREVOTE, 3, 1, second.block_id), *said(others, Kind.PREVOTE, 1))
    deliver(nodes, endorse(Kind.PRECOMMIT, 3, 1, NIL), *said(nodes, Kind.PRECOMMIT, 1))
    deliver(nodes, *said(others, Kind.PREVOTE, 1), endorse(Kind.PREVOTE, 3, 1, NIL))
    nodes[2].elapse(PREVOTE, 1)
    deliver(nodes, *said(nodes, Kind.PRECOMMIT, 1))
    for node in nodes:
        node.elapse(PRECOMMIT, 1)
    deliver(others, *prevotes)
    third = proposal_of(nodes[2], 2)
    assert (third.block_id, third.pol_round) == (first.block_id, 0)
    deliver(others, third)
    assert [node.machine.locked_round for node in others] == [1, 1]
    assert [last(node, Kind.PREVOTE, 2) for node in others] == [NIL, NIL]


def test_ns5_line_42() -> None:
    """The quorum is complete only after the timer ran out: valid, not locked."""
    nodes = correct_nodes(0, 1, 3)
    tested = Node(2, has_blocks=False)
    tested.start()
    first = proposal_of(nodes[0], 0)
    deliver(nodes, first)
    tested.elapse(PROPOSE, 0)
    deliver([tested], *said(nodes, Kind.PREVOTE, 0))
    tested.elapse(PREVOTE, 0)
    assert last(tested, Kind.PRECOMMIT, 0) == NIL
    deliver([tested], first)
    assert tested.wanted == [first.block_id]
    tested.feed(ready(first.block_id))
    assert (tested.machine.locked_block, tested.machine.locked_round) == (None, -1)
    assert (tested.machine.valid_block, tested.machine.valid_round) == (first.block_id, 0)


def test_ns6_decide_for_a_past_round() -> None:
    """Two decide in round 0 with a double precommit; the third is in round 1 when it hears of both."""
    nodes = correct_nodes(0, 1, 2)
    first = proposal_of(nodes[0], 0)
    fast, slow = nodes[:2], nodes[2]
    slow.elapse(PROPOSE, 0)
    deliver(fast, first, *said(fast, Kind.PREVOTE, 0))
    deliver(fast, endorse(Kind.PREVOTE, 3, 0, first.block_id), *said(fast, Kind.PREVOTE, 0))
    deliver([slow], endorse(Kind.PRECOMMIT, 3, 0, NIL), *said(fast, Kind.PRECOMMIT, 0))
    deliver(fast, endorse(Kind.PRECOMMIT, 3, 0, first.block_id), *said(fast, Kind.PRECOMMIT, 0))
    assert [node.decision for node in nodes] == [first.block_id, first.block_id, None]
    slow.elapse(PRECOMMIT, 0)
    assert slow.machine.round == 1
    heal(fast[0], slow)
    assert slow.decision == first.block_id
    twice = [effect.second for effect in slow.misbehaviour if isinstance(effect, Misbehaviour)]
    assert twice == [endorse(Kind.PRECOMMIT, 3, 0, first.block_id)]
    commit = slow.machine.keeper.precommits_of_commit(Round(0), first.block_id)
    assert [(item.index, item.block_id) for item in commit] == [(i, first.block_id) for i in (0, 1, 3)]


def test_ns7_disagreement_beyond_the_bound() -> None:
    """Two of four faulty: both correct nodes decide, and not the same. No algorithm prevents that."""
    nodes = correct_nodes(1, 2)
    for node, name in zip(nodes, ("black", "white"), strict=True):
        chosen = block(name)
        deliver([node], propose(0, chosen).proposal)
        for kind in Kind:
            deliver([node], *(endorse(kind, index, 0, chosen) for index in (0, 3)))
    assert [node.decision for node in nodes] == [block("black"), block("white")]


def in_round_1_without_node_3() -> tuple[list[Node], Node, Proposal]:
    """Nodes 0 to 2 gave round 0 up and decide in round 1; node 3 is correct and heard nothing."""
    nodes = correct_nodes(0, 1, 2)
    (slow,) = correct_nodes(3)
    for node in nodes[1:]:
        node.elapse(PROPOSE, 0)
    deliver(nodes, *said(nodes, Kind.PREVOTE, 0))
    for node in nodes:
        node.elapse(PREVOTE, 0)
    deliver(nodes, *said(nodes, Kind.PRECOMMIT, 0))
    for node in nodes:
        node.elapse(PRECOMMIT, 0)
    second = proposal_of(nodes[1], 1)
    deliver(nodes, second)
    deliver(nodes, *said(nodes, Kind.PREVOTE, 1))
    deliver(nodes, *said(nodes, Kind.PRECOMMIT, 1))
    assert {node.decision for node in nodes} == {second.block_id}
    return nodes, slow, second


def test_ns8_decide_for_a_future_round_proposal_first() -> None:
    nodes, slow, second = in_round_1_without_node_3()
    precommits = said(nodes, Kind.PRECOMMIT, 1)
    deliver([slow], second, *precommits[:1])
    assert slow.machine.round == 1, "a proposal and a precommit of two others are f+1"
    assert last(slow, Kind.PREVOTE, 1) == second.block_id
    deliver([slow], *precommits)
    assert slow.decision == second.block_id


def test_ns8_decide_for_a_future_round_precommits_first() -> None:
    nodes, slow, second = in_round_1_without_node_3()
    slow.has_blocks = False
    deliver([slow], *said(nodes, Kind.PRECOMMIT, 1))
    assert (slow.machine.round, slow.wanted, slow.decision) == (1, [second.block_id], None)
    assert (PRECOMMIT, 1) in [(timer.kind, timer.round) for timer in slow.timers]
    deliver([slow], second)
    assert slow.decision is None
    slow.feed(ready(second.block_id))
    assert slow.decision == second.block_id


def test_ns8_round_switch() -> None:
    nodes, slow, second = in_round_1_without_node_3()
    deliver([slow], endorse(Kind.PRECOMMIT, 0, 1, second.block_id))
    assert slow.machine.round == 0
    deliver([slow], endorse(Kind.PREVOTE, 1, 1, second.block_id))
    assert slow.machine.round == 1
    assert len(nodes) == 3


def test_ns9_new_height() -> None:
    """Machines of the next height start afresh, and the next validator proposes."""
    for height, proposer in ((1, 0), (2, 1), (3, 2), (4, 3), (5, 0)):
        nodes = correct_nodes(0, 1, 2, 3, height=height)
        deliver(nodes, proposal_of(nodes[proposer], 0))
        deliver(nodes, *said(nodes, Kind.PREVOTE, 0))
        deliver(nodes, *said(nodes, Kind.PRECOMMIT, 0))
        assert {node.decision for node in nodes} == {proposal_of(nodes[proposer], 0).block_id}


def test_ns9_the_slow_one_finds_the_decision_when_it_enters_the_height() -> None:
    nodes, _, second = in_round_1_without_node_3()
    slow = Node(3)
    slow.receive(second, *said(nodes, Kind.PREVOTE, 0), *said(nodes, Kind.PRECOMMIT, 1))
    assert slow.effects == [NeedBlock(second.block_id)], "not begun, but known to be decided"
    slow.start()
    assert slow.decision == second.block_id


def test_ns9_the_slow_one_finds_the_later_round_when_it_enters_the_height() -> None:
    nodes, _, second = in_round_1_without_node_3()
    slow = Node(3)
    slow.receive(*said(nodes, Kind.PREVOTE, 0), *said(nodes, Kind.PREVOTE, 1))
    slow.start()
    assert (slow.machine.round, slow.machine.phase.name) == (1, "PROPOSE")
    slow.receive(second)
    assert last(slow, Kind.PRECOMMIT, 1) == second.block_id


def test_a_restarted_proposer_proposes_the_same_again() -> None:
    """The same log gives the same effects, so the guard has nothing to refuse (faults 2.5, N5)."""
    nodes, locked = one_locks_in_round_0()
    for node in nodes:
        replayed = node.fresh_machine()
        assert [effect for event in node.log for effect in replayed.step(event)] == node.effects
    assert MakeProposal(Round(1), locked, Round(0)) in nodes[1].effects


def test_a_restarted_node_endorses_the_same_again() -> None:
    """Cut off anywhere: a log that ends early gives a prefix of the effects."""
    nodes, _ = one_locks_in_round_0()
    for node in nodes:
        for length in range(len(node.log)):
            replayed = node.fresh_machine()
            effects = [effect for event in node.log[:length] for effect in replayed.step(event)]
            assert effects == node.effects[: len(effects)]
