"""A chain whose validators and parameters change while a poll is held: everything that nodes show of it still holds."""

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from mvchain.api import rpc_methods
from mvchain.api.chain_view import ChainOfRuntime
from mvchain.api.proof_view import ProofView
from mvchain.core import strict_json
from mvchain.core.hashing import sha256
from mvchain.core.types import AgencyNumber, Hash, Height, ProposalNumber
from mvchain.ledger.blocks import consensus_hash
from mvchain.ledger.proposals import GovernanceAction, NewKey, ReplaceKeys, SetParams, encode_action
from mvchain.ledger.records import PollState
from mvchain.ledger.state import State
from mvchain.ledger.transactions import GovernanceApprove, GovernancePropose, Role, registration_proof
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
    """Agency 4 gets a key that nobody has, and another one later: the other three sign all that is to be signed."""

    cluster: Cluster
    election: Election
    ballots: list[tuple[bytes, int]] = field(default_factory=list)
    """With the number of changes before each."""
    executed: list[Height] = field(default_factory=list)
    """Blocks that changed the set."""
    params_set_at: int = 0
    proposals: int = 0

    def decide(self, action: GovernanceAction) -> Height:
        """Proposed by agency 1, approved by 2 and 3; the block that executed it."""
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
        for agency in (2, 3):
            approved = signed(GovernanceApprove(sequence(agency), number), key_of(f"agency{agency}"))
            assert first.submit(approved) == [None]
        self.cluster.run(is_done)
        found = first.replica.state.proposal(number)
        assert found is not None
        return found.ended_height

    def rotate(self, name: str) -> None:
        key = key_of(name)
        agency = AgencyNumber(4)
        proof = registration_proof(key, self.cluster.genesis.hash, agency, Role.VALIDATOR)
        self.executed.append(self.decide(ReplaceKeys(agency, None, NewKey(key.tagged, proof), None)))

    def reach_new_set(self) -> None:
        """Blocks that nobody needs are made at leisure."""
        self.cluster.reach(Height(self.executed[-1] + 3), limit_ms=600_000)

    def cast(self, voter: int, revision: int = 0) -> None:
        ballot = self.election.ballot(voter, voter % 3, revision)
        first = self.cluster.node(1)
        self.ballots.append((ballot, len(self.executed)))
        assert first.submit(ballot) == [None]
        self.cluster.run(lambda: first.store.tx_location(sha256(ballot)) is not None)

    def view(self, number: int = 1) -> ProofView:
        return ProofView(self.cluster.node(number).replica)

    def chain(self, number: int = 1) -> ChainOfRuntime:
        node = self.cluster.node(number)
        runtime: Any = SimpleNamespace(replica=node.replica, store=node.store)
        return ChainOfRuntime(runtime, self.cluster.genesis, None)  # type: ignore[arg-type]

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
    stage.rotate("validator4b")
    stage.reach_new_set()
    stage.cast(2)
    stage.cast(0, revision=1)
    stage.params_set_at = stage.decide(SetParams(replace(cluster.genesis.params, max_units=4_500)))
    stage.rotate("validator4c")
    stage.reach_new_set()
    stage.cast(3)
    assert first.submit(stage.election.close) == [None]
    cluster.run(lambda: state() is PollState.FINAL)
    cluster.reach(Height(first.height + 3), limit_ms=600_000)
    return stage


def test_the_sets_are_those_that_were_decided(stage: Stage) -> None:
    changes = stage.cluster.node(1).replica.state.validator_changes
    assert changes == tuple(height + 2 for height in stage.executed)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_old_and_new_open_receipts_verify_against_genesis(stage: Stage, number: int) -> None:
    for ballot, changes in stage.ballots:
        document = stage.view(number).receipt(Hash(sha256(ballot)), completed=False).document
        receipt = decode_receipt(document)
        # Of the four three stay for ever, so that one block covers all changes.
        assert len(receipt.handovers) == min(changes, 1)
        verified = verify_receipt(document, stage.cluster.genesis)
        assert verified.ballot == sha256(ballot)
        assert (len(verified.vouchers.vouching), verified.vouchers.later, verified.vouchers.agencies) == (3, (), 4)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_any_node_completes_receipts_of_before_the_changes(stage: Stage, number: int) -> None:
    for index, (ballot, _) in enumerate(stage.ballots):
        document = stage.view(number).receipt(Hash(sha256(ballot)), completed=True).document
        verified = verify_proof(document, stage.cluster.genesis)
        assert len(decode_proof(document).handovers) == 1
        assert isinstance(verified.claim, Superseded if index == 0 else Counted)
        if isinstance(verified.claim, Superseded):
            # Accepted when the set was that of genesis: it says so, and needs no handovers there.
            genesis_keys = tuple(one.public_key for one in stage.cluster.genesis.validators())
            assert (verified.claim.accepted.validators, verified.claim.accepted.handovers) == (genesis_keys, ())


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
    assert [one["agencies"] for one in found] == [4] * len(found)
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
        # The block before the last change: all who signed it are of genesis, or it names the set itself.
        assert [one["header"]["height"] for one in handovers] == [change + 1 for change in changes[-1:]]


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
    updates = changed[stage.executed[0]]["validator_updates"]
    assert [update.get("power") for update in updates] == [None, "10"]
    keys = [update["pub_key"]["Sum"]["value"]["ed25519"] for update in updates]
    assert keys == [rpc_methods.base64_text(key_of(name).public) for name in ("validator4", "validator4b")]
    assert changed[stage.params_set_at]["consensus_param_updates"]["block"]["max_gas"] == "4500"


def test_a_state_that_is_loaded_again_knows_the_parameters_of_all_heights(stage: Stage) -> None:
    node = stage.cluster.node(3)
    loaded = State.load(node.store, node.store)
    assert loaded.params_changes == node.replica.state.params_changes
    assert [height for height, _ in loaded.params_changes] == [stage.params_set_at]
