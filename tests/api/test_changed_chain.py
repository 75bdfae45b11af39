"""A chain whose validators and parameters change while a poll is held: everything that nodes show of it still holds."""

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from mvchain.api import rpc_methods
from mvchain.api.chain_view import ChainOfRuntime
from mvchain.api.node_view import NodeViewOfRuntime
from mvchain.api.proof_view import ProofView
from mvchain.api.rpc_json import base64_text
from mvchain.api.stored_blocks import StoredBlocks
from mvchain.core import strict_json
from mvchain.core.hashing import sha256
from mvchain.core.types import AgencyNumber, Hash, Height, ProposalNumber
from mvchain.ledger.blocks import consensus_hash
from mvchain.ledger.genesis import make_entry
from mvchain.ledger.proposals import (
    AddAgency,
    GovernanceAction,
    NewKey,
    RemoveAgency,
    ReplaceKeys,
    SetParams,
    encode_action,
)
from mvchain.ledger.records import PollState
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.state import State
from mvchain.ledger.transactions import GovernanceApprove, GovernancePropose, Role
from mvchain.light.blocks import decode_light_block
from mvchain.light.proofs import Counted, Superseded, decode_proof
from mvchain.light.receipts import decode_receipt
from mvchain.light.rules import Anchor, Rules, verify
from mvchain.light.verify import verify_proof, verify_receipt
from tests.ledger.state_helpers import key_of
from tests.light.light_chain import LightChain
from tests.light.simulation import Network
from tests.light.simulation import Node as Shown
from tests.node.cluster import Cluster, Election, header_of
from tests.page.node import ask_page

POLL = Election.POLL
VOTERS = 6


@dataclass
class Stage:
    """Agency 5 joins and leaves, and agency 4 gets another key. Nobody has the new keys: the others sign."""

    cluster: Cluster
    election: Election
    ballots: list[tuple[bytes, int]] = field(default_factory=list)
    """With the number of changes before each."""
    executed: list[Height] = field(default_factory=list)
    """Blocks that changed the set."""
    params_set_at: int = 0
    proposals: int = 0

    def decide(self, action: GovernanceAction) -> Height:
        """Proposed by agency 1, approved by just enough others; the block that executed it."""
        first = self.cluster.node(1)
        signed = self.election.signed

        def sequence(agency: int) -> int:
            found = first.replica.state.signer(key_of(f"agency{agency}").tagged)
            assert found is not None
            return found[1].sequence + 1

        def is_done() -> bool:
            found = first.replica.state.proposal(number)
            return found is not None and found.ended_height > 0

        self.proposals += 1
        number = ProposalNumber(self.proposals)
        proposed = signed(GovernancePropose(sequence(1), encode_action(action)), key_of("agency1"))
        assert first.submit(proposed) == [None]
        self.cluster.run(lambda: first.replica.state.proposal(number) is not None)
        in_force = sum(agency.in_force for agency in first.replica.state.agencies)
        for agency in range(2, 2 * in_force // 3 + 2):
            approved = signed(GovernanceApprove(sequence(agency), number), key_of(f"agency{agency}"))
            assert first.submit(approved) == [None]
        self.cluster.run(is_done)
        found = first.replica.state.proposal(number)
        assert found is not None
        return found.ended_height

    def change(self, action: GovernanceAction) -> None:
        """A change of the set, until the new set has signed; blocks that nobody needs are made at leisure."""
        self.executed.append(self.decide(action))
        self.cluster.reach(Height(self.executed[-1] + 3), limit_ms=600_000)

    def addition(self) -> AddAgency:
        keys = {f"{role}_key": key_of(f"{role}5") for role in ("agency", "validator", "node")}
        return AddAgency(make_entry("test", AgencyNumber(5), ("기관 5", "Agency 5"), **keys))

    def replacement(self) -> ReplaceKeys:
        key, agency = key_of("validator4b"), AgencyNumber(4)
        proof = registration_proof(key, self.cluster.genesis.hash, agency, Role.VALIDATOR)
        return ReplaceKeys(agency, None, NewKey(key.tagged, proof), None)

    def cast(self, voter: int, revision: int = 0) -> None:
        ballot = self.election.ballot(voter, voter % 3, revision)
        first = self.cluster.node(1)
        self.ballots.append((ballot, len(self.executed)))
        assert first.submit(ballot) == [None]
        self.cluster.run(lambda: first.store.tx_location(sha256(ballot)) is not None)

    def view(self, number: int = 1) -> ProofView:
        return ProofView(self.cluster.node(number).replica)

    def runtime(self) -> Any:
        node = self.cluster.node(1)
        return SimpleNamespace(replica=node.replica, dispatch=node.dispatch)

    def chain(self) -> ChainOfRuntime:
        runtime = self.runtime()
        return ChainOfRuntime(runtime, self.cluster.genesis, None, StoredBlocks(runtime.replica.store))  # type: ignore[arg-type]

    def node_view(self, node_key: str) -> NodeViewOfRuntime:
        genesis = self.cluster.genesis
        return NodeViewOfRuntime(self.runtime(), genesis, genesis.encode(), lambda: key_of(node_key))

    @property
    def tip(self) -> int:
        return self.cluster.node(1).replica.tip.height

    def light_chain(self, number: int = 1) -> LightChain:
        view, blocks = self.view(number), []
        for height in range(1, self.tip + 1):
            document = view.light_block(height, from_genesis=False)
            assert document is not None
            blocks.append(decode_light_block(document))
        return LightChain(self.cluster.genesis, tuple(blocks))


@pytest.fixture(scope="module")
def stage() -> Stage:
    cluster = Cluster(4).boot()
    stage = Stage(cluster, Election(cluster.genesis, VOTERS))
    first = cluster.node(1)

    def state() -> PollState | None:
        record = first.replica.state.poll(POLL)
        return None if record is None else record.state

    assert first.submit(*stage.election.set_up) == [None] * 5
    cluster.run(lambda: state() is PollState.OPEN)
    stage.cast(0)
    stage.cast(1)
    stage.change(stage.addition())
    stage.cast(2)
    stage.cast(0, revision=1)
    stage.params_set_at = stage.decide(SetParams(replace(cluster.genesis.params, max_units=4_500)))
    stage.change(RemoveAgency(AgencyNumber(5)))
    stage.cast(3)
    stage.cast(2, revision=1)
    stage.change(stage.replacement())
    stage.cast(4)
    assert first.submit(stage.election.close) == [None]
    cluster.run(lambda: state() is PollState.FINAL)
    cluster.reach(Height(first.height + 3), limit_ms=600_000)
    return stage


def test_the_sets_are_those_that_were_decided(stage: Stage) -> None:
    changes = stage.cluster.node(1).replica.state.validator_changes
    assert changes == tuple(height + 2 for height in stage.executed)


MEMBERS = (4, 5, 4, 4)
HANDOVERS = (0, 1, 0, 1)
"""After so many changes; after two of them the set is that of genesis again."""


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_old_and_new_open_receipts_verify_against_genesis(stage: Stage, number: int) -> None:
    for ballot, changes in stage.ballots:
        document = stage.view(number).receipt(Hash(sha256(ballot)), completed=False).document
        receipt = decode_receipt(document)
        assert len(receipt.handovers) == HANDOVERS[changes]
        verified = verify_receipt(document, stage.cluster.genesis)
        assert verified.ballot == sha256(ballot)
        signers = MEMBERS[changes] * 2 // 3 + 1
        vouchers = verified.vouchers
        assert (len(vouchers.vouching), vouchers.later, vouchers.agencies) == (signers, (), MEMBERS[changes])


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_any_node_completes_receipts_of_before_the_changes(stage: Stage, number: int) -> None:
    for index, (ballot, changes) in enumerate(stage.ballots):
        document = stage.view(number).receipt(Hash(sha256(ballot)), completed=True).document
        verified = verify_proof(document, stage.cluster.genesis)
        assert len(decode_proof(document).handovers) == 1
        assert isinstance(verified.claim, Superseded if index in (0, 2) else Counted)
        if isinstance(verified.claim, Superseded):
            # Accepted when the set was another one than at the end: it says which, and how genesis leads there.
            accepted = verified.claim.accepted
            assert (len(accepted.validators), len(accepted.handovers)) == (MEMBERS[changes], HANDOVERS[changes])


def test_a_page_verifies_the_same(stage: Stage) -> None:
    view, genesis = stage.view(), stage.cluster.genesis.encode()
    files = [
        view.receipt(Hash(sha256(ballot)), completed=completed).document
        for ballot, _ in stage.ballots
        for completed in (False, True)
    ]
    blocks = [view.light_block(height, from_genesis=True) for height in range(1, stage.tip + 1)]
    asked: list[dict[str, object]] = [{"do": "verify", "file": file, "genesis": genesis} for file in files]
    asked += [{"do": "verify light block", "file": block, "genesis": genesis} for block in blocks]
    found = ask_page(asked)
    assert {one["agencies"] for one in found} == {4, 5}
    assert [one["height"] for one in found[len(files) :]] == list(range(1, stage.tip + 1))


def test_handovers_from_genesis_are_added_to_a_light_block_on_demand(stage: Stage) -> None:
    view = stage.view()
    for height in range(1, stage.tip + 1):
        plain, proven = (view.light_block(height, from_genesis=wanted) for wanted in (False, True))
        assert plain is not None
        assert proven is not None
        document = json.loads(proven)
        handovers = document.pop("handovers", [])
        assert strict_json.canonical(document) == plain
        changes = [change for change in stage.executed if change + 2 <= height]
        led_by = changes[-1:] if HANDOVERS[len(changes)] else []
        assert [one["header"]["height"] for one in handovers] == [change + 1 for change in led_by]


def test_every_block_is_signed_by_the_set_of_its_height(stage: Stage) -> None:
    chain = stage.light_chain()
    anchor = Anchor.of_genesis(stage.cluster.genesis)
    for block in chain.blocks:
        verify(block, anchor, Rules(), block.time_ns)
        anchor = Anchor.of_block(block)


@pytest.mark.parametrize("sequential", [False, True])
def test_a_light_client_follows_from_genesis(stage: Stage, *, sequential: bool) -> None:
    chains = [stage.light_chain(number) for number in (1, 2)]
    now_ns = chains[0][stage.tip].time_ns + 1
    net = Network(*map(Shown, chains), now_ns=now_ns, root=stage.cluster.genesis, sequential=sequential)
    assert net.advance().hash == chains[0][stage.tip].hash
    assert net.notices == []


def test_the_rpc_gives_sets_and_parameters_of_each_height(stage: Stage) -> None:
    chain = stage.chain()
    for height in range(1, stage.tip + 1):
        header = header_of(stage.cluster.node(1), height)
        assert chain.validators(Height(height)).hash == header.validators_hash
        assert chain.validators(Height(height + 1)).hash == header.next_validators_hash
        params = chain.params(Height(height))
        assert consensus_hash(params.max_bytes, params.max_units) == header.consensus_hash
    units = [chain.params(Height(stage.params_set_at + at)).max_units for at in (0, 1)]
    assert units == [stage.cluster.genesis.params.max_units, 4_500]


def results_of(chain: ChainOfRuntime, height: int) -> Any:
    steps: Any = rpc_methods.block_results(chain, height)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def test_the_results_of_a_block_say_what_it_changed(stage: Stage) -> None:
    """C127: who came with its power, who left without one; the parameters in force from the next height on."""
    chain = stage.chain()
    changed = {height: results_of(chain, height) for height in range(1, stage.tip + 1)}
    assert [h for h, found in changed.items() if found["validator_updates"]] == stage.executed
    assert [h for h, found in changed.items() if found["consensus_param_updates"]] == [stage.params_set_at]
    told = [
        [(update.get("power"), update["pub_key"]["Sum"]["value"]["ed25519"]) for update in one["validator_updates"]]
        for one in (changed[height] for height in stage.executed)
    ]
    keys = {name: base64_text(key_of(name).public) for name in ("validator4", "validator4b", "validator5")}
    came, left, replaced = [("10", keys["validator5"])], [(None, keys["validator5"])], (None, keys["validator4"])
    assert told == [came, left, [replaced, ("10", keys["validator4b"])]]
    params = changed[stage.params_set_at]["consensus_param_updates"]
    assert (params["block"]["max_gas"], params["version"], params["abci"]) == ("4500", {"app": "1"}, {})


def test_a_node_belongs_to_the_agency_that_joined(stage: Stage) -> None:
    assert [stage.node_view(name).nodes().agency for name in ("node1", "node5", "stranger")] == [1, 5, None]
    [*_, last] = stage.node_view("node5").agencies()
    assert (last.number, last.tenures[0].until_height) == (5, stage.executed[1] + 2)


def test_a_state_that_is_loaded_again_knows_the_parameters_of_all_heights(stage: Stage) -> None:
    node = stage.cluster.node(3)
    loaded = State.load(node.store, node.store)
    assert loaded.params_changes == node.replica.state.params_changes
    assert [height for height, _ in loaded.params_changes] == [stage.params_set_at]
