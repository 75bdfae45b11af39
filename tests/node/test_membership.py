"""Nodes of a cluster whose validators change while it runs (N4, N7, C73; faults S22)."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import pytest

from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.types import AgencyNumber, Height, ProposalNumber, Round, TimeNs
from mvchain.ledger.blocks import Commit, Flag, Header
from mvchain.ledger.endorsements import Endorsement, Kind, endorsement_sign_bytes
from mvchain.ledger.genesis import ConsensusParams, make_entry
from mvchain.ledger.proposals import (
    AddAgency,
    GovernanceAction,
    NewKey,
    RemoveAgency,
    ReplaceKeys,
    SetParams,
    encode_action,
)
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import GovernanceApprove, GovernancePropose, Payload, Role, make_transaction
from mvchain.ledger.validators import address_of
from mvchain.node.memory import MemoryStore
from mvchain.node.wire import Endorsements
from mvchain.sim import cluster as sim
from mvchain.sim.checkers import OneState
from mvchain.sim.checkers_ballots import Acknowledged
from mvchain.sim.disk import SimulatedDisk
from mvchain.sim.election import key_of
from mvchain.sim.network import halves
from mvchain.sim.node import Node
from mvchain.sim.reading import NAMES, read_endorsement

PARAMS = ConsensusParams(heartbeat_ms=500)


@dataclass
class OneOfEach:
    """I1 and I2 whatever the set is: one block a height, one prevote and precommit of a key in each round."""

    blocks: dict[int, bytes] = field(default_factory=dict)
    signed: dict[tuple[bytes, int, int, str], bytes] = field(default_factory=dict)

    def on_send(self, _node: Node, data: bytes) -> None:
        if data[0] == Endorsements.TYPE:
            for item in Endorsements.parse(data[1:]).items:
                found = read_endorsement(item)
                name = (found.address, found.height, found.round, NAMES[found.type])
                assert self.signed.setdefault(name, found.value) == found.value, name

    def on_arrive(self, _node: Node, _data: bytes) -> None:
        """Nothing to see."""

    def on_commit(self, node: Node) -> None:
        block = node.store.block(Height(node.height))
        assert block is not None
        assert self.blocks.setdefault(node.height, block.block_id) == block.block_id, node.height

    def on_acknowledged(self, _node: Node, _tx_hash: bytes) -> None:
        """Nothing to see."""


class Federation(sim.Cluster):
    """A chain of `n` agencies that makes a block every half second; `join` adds the node of one that is none yet."""

    def __init__(self, n: int, seed: int = 1) -> None:
        super().__init__(n, seed=seed, params=PARAMS)
        self.seen = OneOfEach()
        self.watchers += [self.seen, OneState(), Acknowledged()]
        self._sequences: Counter[int] = Counter()
        self._proposals = 0

    def join(self, number: int) -> Node:
        node = Node(self, number, number, str(number))
        self.nodes.append(node)
        self._named[node.name] = node
        node.boot()
        return node

    def decide(self, action: GovernanceAction, by: Iterable[int], limit_ms: int = 60_000) -> int:
        """Have the action proposed and approved; the height of the block that executes it."""
        first, *others = by
        node = self.node(1)
        self._act(node, first, lambda n: GovernancePropose(n, encode_action(action)))
        self._proposals += 1
        number = ProposalNumber(self._proposals)
        self.run(lambda: node.replica.state.proposal(number) is not None, limit_ms)
        for agency in others:
            self._act(node, agency, lambda n: GovernanceApprove(n, number))
        self.run(lambda: number not in node.replica.state.open_proposals, limit_ms)
        found = node.replica.state.proposal(number)
        assert found is not None
        return found.ended_height

    def _act(self, node: Node, agency: int, make: Callable[[int], Payload]) -> None:
        self._sequences[agency] += 1
        payload = make(self._sequences[agency])
        assert node.submit(make_transaction(payload, key_of(f"agency{agency}"), self.genesis.hash)) == [None]

    def addition(self, number: int) -> AddAgency:
        keys = {f"{role}_key": key_of(f"{role}{number}") for role in ("agency", "validator", "node")}
        return AddAgency(make_entry("test", AgencyNumber(number), ("기관", "Agency"), **keys))

    def rotation(self, number: int, key: SigningKey) -> ReplaceKeys:
        agency = AgencyNumber(number)
        proof = registration_proof(key, self.genesis.hash, agency, Role.VALIDATOR)
        return ReplaceKeys(agency, None, NewKey(key.tagged, proof), None)

    def signers(self, height: int) -> set[bytes]:
        """Addresses of those for the block in its commit, as the next block carries it."""
        block = self.node(1).store.block(Height(height + 1))
        assert block is not None
        return {e.address for e in Commit.decode(block.last_commit).signatures if e.flag is Flag.COMMIT}

    def proposer_of(self, height: int) -> bytes:
        """Address of the one whose block it is."""
        encoded = self.node(1).store.header(Height(height))
        assert encoded is not None
        return Header.decode(encoded).proposer_address

    def signed_by(self, key: SigningKey) -> set[int]:
        """Heights at which this key signed anything that went out."""
        return {height for address, height, _, _ in self.seen.signed if address == address_of(key.public)}


def test_an_observer_becomes_a_validator_when_its_agency_joins() -> None:
    federation = Federation(4)
    federation.boot()
    new = federation.join(5)
    federation.reach(3)
    assert new.replica.signing.state() == (False, "this node is an observer")
    decided = federation.decide(federation.addition(5), by=(1, 2, 3))
    federation.reach(decided + 6)
    assert new.replica.signing.state() == (True, "signs as a validator")
    assert min(federation.signed_by(new.key)) == decided + 2
    assert any(new.address in federation.signers(h) for h in range(decided + 2, decided + 6))
    assert new.replica.state.agency(AgencyNumber(5)).tenures[0].proven
    for height in (decided + 1, decided + 2):
        assert (new.address in {v.address for v in new.replica.state.validators_at(Height(height))}) == (
            height == decided + 2
        )
    proposers = {federation.proposer_of(height) for height in range(decided + 2, decided + 7)}
    assert new.address in proposers


def test_a_key_is_replaced_while_its_node_runs() -> None:
    federation = Federation(4)
    new_key = key_of("rotated2")
    node = federation.node(2)
    node.add_key(new_key)
    federation.boot()
    federation.reach(2)
    decided = federation.decide(federation.rotation(2, new_key), by=(1, 2, 3))
    federation.reach(decided + 6)
    assert node.incarnation == 1, "it was not restarted"
    assert max(federation.signed_by(node.key)) < decided + 2 <= min(federation.signed_by(new_key))
    assert any(address_of(new_key.public) in federation.signers(h) for h in range(decided + 2, decided + 6))
    node.go_down(lambda n: 0)
    node.boot()
    federation.reach(node.height + 3)
    assert node.replica.signing.state() == (True, "signs as a validator")


def test_a_removed_validator_that_goes_on_sending_is_not_counted() -> None:
    """S22: its precommits for heights after its tenure are forged to everybody, whichever index they name."""
    federation = Federation(5)
    federation.boot()
    federation.reach(2)
    removed = federation.node(5)
    decided = federation.decide(RemoveAgency(AgencyNumber(5)), by=(1, 2, 3, 4))
    federation.reach(decided + 2)
    assert removed.replica.signing.state() == (False, "this node is an observer")
    assert max(federation.signed_by(removed.key)) <= decided + 1
    target = federation.node(1)
    for index in range(5):
        federation.run(lambda: removed.name in target.peers)
        height = target.replica.machine.height
        found = _endorsement(federation, removed, height, index)
        before = len(removed.blamed)
        target.deliver(removed, Endorsements((found.encode(),)))
        assert len(removed.blamed) == before + 1
    federation.reach(height + 4)
    assert all(removed.address not in federation.signers(h) for h in range(decided + 2, height + 3))


def _endorsement(federation: Federation, node: Node, height: int, index: int) -> Endorsement:
    block_id, time_ns = federation.node(1).replica.tip.block_id, TimeNs(node.now_ns())
    message = endorsement_sign_bytes(
        Kind.PRECOMMIT, Height(height), Round(0), block_id, time_ns, federation.genesis.chain_id
    )
    signature = node.key.sign(Purpose.CONSENSUS, message)
    return Endorsement(Kind.PRECOMMIT, Height(height), Round(0), block_id, time_ns, node.address, index, signature)


@pytest.mark.parametrize("seed", range(3))
def test_the_set_changes_while_some_are_cut_off(seed: int) -> None:
    """S22: of seven, two are cut off while the others remove one of them and take in an eighth."""
    federation = Federation(7, seed)
    federation.boot()
    new = federation.join(8)
    federation.reach(2)
    federation.network.cut |= halves({6, 7}, {1, 2, 3, 4, 5, 8})
    federation.decide(federation.addition(8), by=(1, 2, 3, 4, 5))
    federation.run(lambda: federation.node(1).replica.state.agency(AgencyNumber(8)).tenures[0].proven)
    decided = federation.decide(RemoveAgency(AgencyNumber(6)), by=(1, 2, 3, 4, 5, 8))
    up = [federation.node(n) for n in (1, 2, 3, 4, 5)]
    federation.reach(decided + 3, [*up, new])
    assert federation.node(6).height < decided
    federation.network.heal()
    federation.reach(decided + 8)
    gone = federation.node(6)
    assert gone.replica.signing.state() == (False, "this node is an observer")
    assert all(height < decided + 2 for height in federation.signed_by(gone.key))
    assert federation.node(7).replica.signing.state()[0]
    federation.run(lambda: federation.node(7).address in federation.signers(federation.node(1).height - 1))


def test_a_disk_rolled_back_to_before_the_first_height_of_its_key_signs_nothing_for_a_while() -> None:
    """S19, N4: the key comes into the set while the node catches up; what peers hold of it shows that it has signed."""
    federation = Federation(4)
    federation.boot()
    new = federation.join(5)
    decided = federation.decide(federation.addition(5), by=(1, 2, 3))
    federation.reach(decided + 5)
    new.go_down(lambda n: n)
    new.disk = SimulatedDisk()
    new.store = MemoryStore(new.disk)
    new.keys.clear()
    new.add_key(new.key)  # a guard that says that it has signed nothing
    before = federation.signed_by(new.key)
    new.boot()
    start = max(before)
    federation.reach(start + 8)
    assert federation.signed_by(new.key) == before
    assert not new.replica.signing.state()[0]
    federation.reach(start + 20, limit_ms=120_000)
    assert new.replica.signing.state() == (True, "signs as a validator")


def test_other_parameters_hold_from_the_next_height_on_everywhere() -> None:
    federation = Federation(4)
    federation.boot()
    federation.reach(2)
    params = ConsensusParams(heartbeat_ms=700, max_units=4_500)
    decided = federation.decide(SetParams(params), by=(1, 2, 3))
    federation.reach(decided + 3)
    assert all(node.replica.state.params == params for node in federation.nodes)


EXTREMES = [
    (name, bound)
    for name, bounds in {
        "max_bytes": (256 * 1024, 4 * 1024 * 1024),
        "max_units": (4_097, 5_000),
        "propose_timeout_ms": (1, 60_000),
        "propose_timeout_delta_ms": (1, 60_000),
        "step_timeout_ms": (1, 60_000),
        "step_timeout_delta_ms": (1, 60_000),
        "min_block_interval_ms": (0, 60_000),
        "heartbeat_ms": (1, 3_600_000),
    }.items()
    for bound in bounds
]


@pytest.mark.parametrize(("name", "value"), EXTREMES)
def test_no_parameter_that_the_agencies_can_set_stops_the_chain(name: str, value: int) -> None:
    """ATK11: whatever they set, they can set it back, also with one of four silent."""
    federation = Federation(4)
    federation.boot()
    if getattr(PARAMS, name) != value:
        federation.decide(SetParams(replace(PARAMS, **{name: value})), by=(1, 2, 3))
    federation.node(4).go_down(lambda n: n)
    back = replace(PARAMS, heartbeat_ms=501)
    federation.decide(SetParams(back), by=(3, 2, 1), limit_ms=600_000)
    federation.run(lambda: all(federation.node(n).replica.state.params == back for n in (1, 2, 3)))


def test_a_new_key_that_is_dead_counts_among_those_who_must_sign() -> None:
    """The set of the height decides, not those who are there: with one of five dead, four must sign."""
    federation = Federation(4)
    federation.boot()
    federation.reach(2)
    decided = federation.decide(federation.addition(5), by=(1, 2, 3))  # whose node never runs
    federation.reach(decided + 4)
    federation.node(4).go_down(lambda n: n)
    height = federation.node(1).height
    federation.run_for(10_000)
    assert federation.node(1).height <= height + 1, "three of five are no quorum"
    federation.node(4).boot()
    federation.reach(height + 3)
