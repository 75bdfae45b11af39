"""One key, one signer: copies of a key, disks that were put back, logs that were cut (N4, KEY07, faults R8, S16, S19).

The clusters' checker of I2 looks at all that was ever signed with a key, on whichever machine.
"""

from copy import deepcopy
from dataclasses import replace

import pytest

from mvchain.core.errors import BadPeer
from mvchain.core.keys import Purpose
from mvchain.core.types import Height, Round, Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import Commit
from mvchain.ledger.commits import precommits_of
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal, endorsement_sign_bytes
from mvchain.ledger.evidence import build_evidence
from mvchain.node import rejoin, signing
from mvchain.node.framing import record
from mvchain.node.guard import SignGuard
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import STEP_PRECOMMIT, GuardRefusal, Position
from mvchain.node.wal import Log
from mvchain.node.wire import CompactProposal, Endorsements, Message
from mvchain.sim.violation import Violation
from tests.node.cluster import (
    GUARD,
    LOG,
    Cluster,
    Node,
    act,
    chain_of,
    grow,
    guard_of,
    put_guard,
    signs_at,
)
from tests.node.test_crashes import without_precommits

GAVE_UP = "another copy of it is in use"


def image(node: Node) -> tuple[object, object]:
    """The disk of a machine as it is now, blocks and sign guard included."""
    return deepcopy((node.disk, node.store))


def put_image(node: Node, saved: tuple[object, object]) -> None:
    """Put it back, or on another machine."""
    node.disk, node.store = deepcopy(saved)  # type: ignore[assignment]
    node.disk.crash(lambda n: n)


def has_given_up(node: Node) -> bool:
    return GAVE_UP in node.replica.signing.state()[1]


# --- the same key on two machines (R8) ---


@pytest.mark.parametrize("guard", ["copied", "none"])
def test_the_second_of_two_machines_with_one_key_signs_nothing_and_the_first_goes_on(guard: str) -> None:
    """The second hears from peers what its key signed beyond its guard, and then sees it sign on."""
    cluster = Cluster(4, seed=2).boot()
    first, second = cluster.node(3), cluster.add_twin(3)
    election = chain_of(cluster, 5)
    cluster.run_for(2_000)
    put_image(second, image(first))
    if guard == "none":
        put_guard(second, None)
    grow(cluster, election, 8)
    second.boot()
    cluster.run_for(1_000)
    assert not second.replica.signing.state()[0]
    grow(cluster, election, 8 + rejoin.SILENT_HEIGHTS + 3)
    cluster.run_for(1_000)
    assert has_given_up(second)
    assert first.replica.signing.state() == (True, "signs as a validator")
    assert max(signs_at(cluster, first)) >= 8 + rejoin.SILENT_HEIGHTS

    second.go_down(lambda n: 0)  # it is still known after a restart, with nobody there to tell
    first.go_down(lambda n: 0)
    second.boot()
    cluster.run_for(3_000)
    assert has_given_up(second)
    second.go_down(lambda n: 0)
    second.vouched = True  # the first is off for good
    second.boot()
    cluster.run_for(3_000)
    assert second.replica.signing.state() == (True, "signs as a validator")


def test_of_two_machines_with_one_key_that_ran_apart_one_gives_up_when_they_meet() -> None:
    """R8, split partition: with the very same guard, nobody can know before. Seven agencies; I1 holds."""
    cluster = Cluster(7, seed=4).boot()
    first, second = cluster.node(3), cluster.add_twin(3)
    cluster.faulty.add(first.address)
    election = chain_of(cluster, 4)
    cluster.run_for(2_000)
    first.go_down(lambda n: 0)
    put_image(second, image(first))
    for node in (first, second):
        node.boot()
    cluster.run(lambda: first.dispatch.clearance.question is None and second.dispatch.clearance.question is None)
    assert second.replica.signing.state()[0]
    left = {"1", "2", "3", "4"}

    def split(node: Node) -> None:
        def pass_on(message: Message, to: Node) -> tuple[Message, ...]:
            return (message,) if (node.name in left) == (to.name in left) else ()

        node.alter = pass_on

    for node in cluster.everybody:
        split(node)
    cluster.nodes[0].submit(election.ballot(28))
    cluster.nodes[6].submit(election.ballot(29))
    cluster.run_for(5_000)
    for node in cluster.everybody:
        node.alter = None
    cluster.run(lambda: has_given_up(first) or has_given_up(second))
    grow(cluster, election, first.height + 3)


def test_evidence_against_its_own_key_ends_signing() -> None:
    """What the other copy signed lies before the guard, and this node has not signed it: both messages are there."""
    cluster = Cluster(4, seed=2).boot()
    node, peer = cluster.node(3), cluster.node(1)
    cluster.faulty.add(node.address)
    election = chain_of(cluster, 5)
    cluster.run(lambda: peer.height == node.height)
    height = node.replica.tip.height
    commit = node.store.commit(height)
    assert commit is not None
    own = next(each for each in precommits_of(Commit.decode(commit)) if each.address == node.address)
    what = (own.kind, own.height, own.round, NIL_BLOCK_ID, own.time_ns, cluster.genesis.chain_id)
    signature = node.key.sign(Purpose.CONSENSUS, endorsement_sign_bytes(*what))
    other = replace(own, block_id=NIL_BLOCK_ID, signature=signature)
    assert node.replica.signing.state()[0]
    evidence = build_evidence(own, other, node.replica.state.validators, node.replica.tip.time_ns)
    act(node, lambda: node.replica.receive_evidence([evidence.encode()]), peer)
    assert has_given_up(node)
    grow(cluster, election, node.height + 2)


def test_its_own_old_messages_and_forged_ones_prove_nothing() -> None:
    """A peer plays back all that this validator ever signed, and makes up more."""
    cluster = Cluster(4, seed=2).boot()
    node, peer = cluster.node(3), cluster.node(1)
    heard: list[Message] = []

    def hear(message: Message, _to: Node) -> tuple[Message, ...]:
        if isinstance(message, Endorsements | CompactProposal):
            heard.append(message)
        return (message,)

    node.alter = hear
    election = chain_of(cluster, 5)

    def play_back() -> None:
        for message in heard:
            act(node, lambda message=message: node.dispatch._take(peer.name, message), peer)  # type: ignore[misc]

    for _ in range(3):
        play_back()
        grow(cluster, election, node.height + 2)
    node.go_down(lambda n: 0)
    node.boot()
    cluster.run(lambda: node.dispatch.clearance.question is None)
    play_back()
    last = Endorsement.decode(next(m for m in reversed(heard) if isinstance(m, Endorsements)).items[-1])
    for height in range(last.height, node.replica.machine.height + 2):
        for round_ in (0, 1, 5, 1_000):
            forged = Endorsement(
                Kind.PRECOMMIT,
                Height(height),
                Round(round_),
                last.block_id,
                last.time_ns,
                last.address,
                last.index,
                Signature(bytes(64)),
            )
            act(node, lambda forged=forged: node.replica.receive_endorsements([forged.encode()]), peer)  # type: ignore[misc]
    assert any(isinstance(error, BadPeer) for error in peer.blamed)
    assert node.replica.signing.state() == (True, "signs as a validator")
    grow(cluster, election, node.height + 2)
    assert node.replica.signing.state()[0]


# --- a disk that was put back (S19, R9) ---


@pytest.mark.parametrize("which", [1, 2, 3, 4])
def test_a_machine_put_back_by_twenty_heights_does_not_sign_what_others_have_decided(which: int) -> None:
    """Its key signed until 6 heights after the image, and peers look back 10: nothing lies beyond the guard for them.

    Yet at each of those 6 heights it would sign anew, were it to take part before it has caught up.
    """
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(which)
    election = chain_of(cluster, 5)
    cluster.run_for(2_000)
    saved = image(node)
    grow(cluster, election, 11)
    node.go_down(lambda n: 0)
    old = signs_at(cluster, node)
    grow(cluster, election, 25)
    put_image(node, saved)
    node.boot()
    cluster.reach(25)
    cluster.run_for(3_000)
    assert node.replica.signing.state()[0]
    assert not {height for height in signs_at(cluster, node) - old if height < 25}


@pytest.mark.parametrize("which", [1, 2, 3, 4])
def test_a_height_that_others_have_decided_is_not_signed_though_nobody_tells_of_it(which: int) -> None:
    """Its precommits came too late for any commit, so no peer can tell that it proposed and prevoted there."""
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(which)
    election = chain_of(cluster, 5)
    cluster.run_for(2_000)
    saved = image(node)
    node.alter = without_precommits
    grow(cluster, election, node.height + 5)  # it proposes once at least
    node.go_down(lambda n: 0)
    node.alter = None
    old = signs_at(cluster, node)
    grow(cluster, election, max(old) + 2)
    put_image(node, saved)
    node.clock_skew_ms = 5_000  # so that signing anew cannot give the same bytes
    node.boot()
    cluster.run(lambda: node.dispatch.clearance.question is None)
    cluster.run_for(3_000)
    assert not {height for height in signs_at(cluster, node) - old if height <= max(old)}


def test_with_no_height_to_watch_the_checker_sees_it_sign_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The positive control, K = 0: a guard put back by some messages at the height that is being decided."""
    for module in (rejoin, signing):
        monkeypatch.setattr(module, "SILENT_HEIGHTS", 0)
    cluster = Cluster(4, seed=2).boot()
    cluster.network.delay_ms = 1
    node = cluster.node(3)
    election = chain_of(cluster, 6)
    cluster.run_for(3_000)
    earlier, start = guard_of(node), node.replica.machine.height
    for each in cluster.nodes:
        each.alter = without_precommits
    cluster.nodes[0].submit(election.ballot(29))
    cluster.run(lambda: all(each.guard.position >= (start, 0, STEP_PRECOMMIT) for each in cluster.nodes))
    cluster.run_for(20)
    node.go_down(lambda n: n)
    put_guard(node, earlier)
    node.clock_skew_ms = 5_000  # so that signing anew cannot give the same bytes
    node.boot()
    cluster.run(lambda: node.dispatch.clearance.question is None)
    for each in cluster.nodes:
        each.alter = None
    with pytest.raises(Violation, match="I2"):
        grow(cluster, election, start + 3)


# --- the operator vouches ---


def test_who_vouches_does_not_make_it_sign_against_what_peers_hold_of_it() -> None:
    """The guard is lost at a height where the key has signed, and no other copy has: peers tell what it was."""
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(3)
    election = chain_of(cluster, 6)
    cluster.run_for(3_000)
    height = node.replica.machine.height
    for each in cluster.nodes:
        each.alter = without_precommits
    cluster.nodes[0].submit(election.ballot(29))
    cluster.run(lambda: all(each.guard.position >= (height, 0, STEP_PRECOMMIT) for each in cluster.nodes))
    cluster.run_for(20)
    node.go_down(lambda n: n)
    put_guard(node, None)
    node.vouched = True
    node.clock_skew_ms = 5_000
    node.alter = None
    node.boot()
    cluster.run(lambda: node.dispatch.clearance.question is None)
    assert node.replica.signing.state()[0]
    for each in cluster.nodes:
        each.alter = None
    cluster.reach(height)
    grow(cluster, election, height + 3)
    assert not has_given_up(node)


# --- a log that lost what it had (S16) ---


def test_a_log_that_was_cut_behind_the_guards_back_keeps_silent_at_that_height() -> None:
    """The lock is in the log: with records missing that were synced, signing could help a second block (I1)."""
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(3)
    election = chain_of(cluster, 6)
    cluster.run_for(3_000)
    height = node.replica.machine.height
    for each in cluster.nodes:
        each.alter = without_precommits
    cluster.nodes[0].submit(election.ballot(29))
    cluster.run(lambda: all(each.guard.position >= (height, 0, STEP_PRECOMMIT) for each in cluster.nodes))
    needed = node.guard.log_records
    node.go_down(lambda n: 0)
    found = Log(LOG, deepcopy(node.disk)).records()[1]
    assert needed <= len(found)
    saved = image(node)
    for kept in range(len(found) + 1):
        put_image(node, saved)
        cut_log(node, kept)
        node.boot()
        cluster.run(lambda: node.dispatch.clearance.question is None)
        assert node.replica.signing.state()[0] == (kept >= needed), kept
        node.go_down(lambda n: 0)
    put_image(node, saved)
    cut_log(node, 1)
    node.boot()
    for each in cluster.nodes:
        each.alter = None
    cluster.reach(height)
    grow(cluster, election, height + 3)
    assert node.replica.signing.state()[0]
    assert height + 1 in signs_at(cluster, node)


def cut_log(node: Node, records: int) -> None:
    """Leave so many records of the log."""
    name = node.disk.names(LOG)[-1]
    _, found = Log(LOG, deepcopy(node.disk)).records()
    size = sum(len(record(bytes(8), kind, payload)) for kind, payload in found[records:])
    data = node.disk.read(LOG / name)
    assert data is not None
    file = node.disk.open(LOG / name)
    node.disk.truncate(file, len(data) - size)
    node.disk.fsync(file)


# --- the guard itself ---

KEY = Cluster(1).node(1).key
BLOCK = BlockID(b"b" * 32, PartSetHeader(1, b"p" * 32))


def test_a_guard_that_gave_up_signs_nothing_until_the_operator_vouches() -> None:
    disk = MemoryDisk()
    guard = SignGuard(GUARD, KEY, "chain", disk)
    guard.sign_endorsement(Kind.PREVOTE, Height(7), Round(0), BLOCK, TimeNs(5), 0)
    guard.give_up(Position(8, 0, STEP_PRECOMMIT))
    disk.crash(lambda n: 0)
    guard = SignGuard(GUARD, KEY, "chain", disk)
    assert guard.used_twice == "precommit of height 8 round 0"
    with pytest.raises(GuardRefusal, match="MV-4141"):
        guard.sign_endorsement(Kind.PRECOMMIT, Height(7), Round(0), BLOCK, TimeNs(5), 0)
    guard.vouch()
    guard.sign_endorsement(Kind.PRECOMMIT, Height(7), Round(0), BLOCK, TimeNs(5), 0)
    disk.crash(lambda n: 0)
    assert SignGuard(GUARD, KEY, "chain", disk).used_twice == ""


def test_an_adopted_message_is_handed_out_again_and_nothing_else_at_its_place() -> None:
    elsewhere = SignGuard(GUARD, KEY, "chain", MemoryDisk())
    proposal = elsewhere.sign_proposal(Height(7), Round(1), Round(0), BLOCK, TimeNs(5))
    disk = MemoryDisk()
    guard = SignGuard(GUARD, KEY, "chain", disk)
    guard.adopt(proposal)
    disk.crash(lambda n: 0)
    guard = SignGuard(GUARD, KEY, "chain", disk)
    assert guard.sign_proposal(Height(7), Round(1), Round(-1), BLOCK, TimeNs(9)) == proposal
    other = BlockID(b"c" * 32, PartSetHeader(1, b"p" * 32))
    with pytest.raises(GuardRefusal):
        guard.sign_proposal(Height(7), Round(1), Round(0), other, TimeNs(5))
    earlier = SignGuard(GUARD, KEY, "chain", MemoryDisk()).sign_proposal(
        Height(6), Round(1), Round(0), BLOCK, TimeNs(5)
    )
    guard.adopt(earlier)
    assert guard.position == (7, 1, 1)
    assert isinstance(proposal, Proposal)
