"""mvchain.chaos.check and what it judges with: nothing to say of a chain in order, a fault for every broken promise.

The chain is one that the production replica made, shown as a node shows it over JSON-RPC.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvchain.api import rpc_json
from mvchain.bench import chain as bench_chain
from mvchain.bench.chain import Chain, hold_poll
from mvchain.chaos import check
from mvchain.chaos.blocks import (
    FLAG_COMMIT,
    FLAG_NIL,
    Accusation,
    ShownBlock,
    ShownCommit,
    Validators,
    read_block,
    read_commit,
)
from mvchain.chaos.check import Survey
from mvchain.chaos.recount import PollFacts, recount
from mvchain.chaos.watch import Caps, Grown, Use, cap_faults
from mvchain.core.hashing import sha256
from mvchain.core.types import Height
from mvchain.demo import elections
from mvchain.demo.elections import POLL
from mvchain.demo.progress import Narrator
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, Commit, Header
from mvchain.ledger.polls import definition_hash, encode_definition
from mvchain.ledger.transactions import Ballot, decode_transaction
from mvchain.node.ports import StoredBlock

VOTERS = 24


class Scene:
    """A chain of four agencies on which a poll was held, and what a survey of it finds; never changed."""

    def __init__(self, directory: Path) -> None:
        with Chain(directory, 4) as chain:
            hold_poll(chain, VOTERS, 0, Narrator())
            store, genesis = chain.replica.store, chain.genesis
            self.shown = [_shown(store.block(Height(at))) for at in range(1, store.last_height + 1)]
            tip = store.commit(store.last_height)
            assert tip is not None
            self.tip_commit = read_commit(rpc_json.commit(Commit.decode(tip)))
            last_app_hash = chain.replica.state.app_hash.hex().upper()
        self.blocks = [read_block(one) for one in self.shown]
        app_hashes = [*(block.app_hash for block in self.blocks[1:]), last_app_hash]
        self.results = [(each, [0] * len(block.txs)) for each, block in zip(app_hashes, self.blocks, strict=True)]
        keys = [agency.validator_key for agency in genesis.agencies]
        self.validators = Validators.of(genesis.chain_id, keys)
        self.txs = [raw for block in self.blocks for raw in block.txs]
        ballots = [tx for tx in map(decode_transaction, self.txs) if isinstance(tx.payload, Ballot)]
        self.acknowledged = [tx.hash for tx in ballots]
        definition = replace(elections.shipped().at(bench_chain.GENESIS_TIME), revote=True)
        self.facts = PollFacts(
            POLL,
            genesis.hash,
            definition_hash(encode_definition(definition)),
            frozenset(bytes(tx.signer) for tx in ballots),
            [[option.id for option in question.options] for question in definition.questions],
        )
        self.definition = definition
        self.answers = [tx.payload.answers for tx in ballots if isinstance(tx.payload, Ballot)]

    def survey(self, **changes: Any) -> Survey:
        """What is found if nothing is wrong, with changes."""
        return Survey(**{"blocks": self.blocks, "results": self.results, "tip_commit": self.tip_commit, **changes})

    def with_block(self, at: int, **changes: Any) -> list[ShownBlock]:
        """The blocks, one of them changed."""
        return [replace(block, **changes) if block.height == at else block for block in self.blocks]

    def with_commit(self, at: int, change: Callable[[ShownCommit], ShownCommit]) -> list[ShownBlock]:
        """The blocks, the commit for one of them changed."""
        return self.with_block(at + 1, last_commit=change(self.blocks[at].last_commit))


def _shown(stored: StoredBlock | None) -> dict[str, Any]:
    """What the method `block` answers."""
    assert stored is not None
    block = Block(Header.decode(stored.header), stored.txs, (), Commit.decode(stored.last_commit))
    return {"block_id": rpc_json.block_id(BlockID.decode(stored.block_id)), "block": rpc_json.block(block)}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_chain, "OTHER_POLLS", 1)
        yield Scene(tmp_path_factory.mktemp("chaos") / "chain")


def chain_faults(scene: Scene, **changes: Any) -> list[str]:
    return list(check.chain_faults(scene.survey(**changes), scene.validators))


def the_one(faults: list[str], invariant: str, about: str) -> None:
    """Exactly one fault, of this invariant and with these words."""
    (fault,) = faults
    assert fault.startswith(f"{invariant}: "), fault
    assert about in fault, fault


# --- nothing is wrong ---


def test_a_chain_in_order_has_no_fault(scene: Scene) -> None:
    survey = scene.survey()
    assert len(survey.blocks) > 7
    assert len(scene.acknowledged) == VOTERS
    tip = {"height": str(len(scene.blocks)), "app_hash": scene.results[-1][0].lower()}
    assert list(check.chain_faults(survey, scene.validators)) == []
    assert list(check.status_faults({1: tip, 2: tip}, survey)) == []
    assert list(check.ballot_faults(survey, scene.acknowledged)) == []
    assert list(check.evidence_faults(scene.blocks, ())) == []
    commits = [block.last_commit for block in scene.blocks[1:]]
    assert list(check.absence_faults(scene.blocks, commits, list(scene.validators.keys))) == []
    assert list(check.compare("block 1", {1: scene.shown[0], 2: dict(scene.shown[0])})) == []
    assert list(check.log_faults(1, "INFO all is well")) == []


def test_the_recount_agrees_with_the_answers(scene: Scene) -> None:
    found = recount(scene.txs, scene.facts)
    assert (found.ballots, found.faults) == (VOTERS, [])
    names, projects = scene.definition.questions
    expected: list[dict[str, int]] = [{option.id: 0 for option in each.options} for each in (names, projects)]
    for name, chosen in scene.answers:
        expected[0][names.options[name].id] += 1
        for place in chosen:
            expected[1][projects.options[place].id] += 1
    assert found.totals == expected
    assert sum(expected[0].values()) == VOTERS
    assert list(check.tally_faults({1: published(expected), 4: published(expected)}, found)) == []


def published(totals: list[dict[str, int]], size: int = VOTERS) -> dict[str, Any]:
    """A final poll as a node shows it."""
    questions = [{"options": [{"id": name, "total": total} for name, total in each.items()]} for each in totals]
    return {"tally": {"questions": questions}, "ballots": {"size": size}}


# --- I1, I5: the chain ---


def test_a_fork_is_noticed(scene: Scene) -> None:
    the_one(list(check.compare("block 3", {1: scene.shown[2], 2: scene.shown[2], 3: scene.shown[1]})), "I1", "node 3")


def test_a_missing_block_is_noticed(scene: Scene) -> None:
    blocks, results = ([*each[:4], *each[5:]] for each in (scene.blocks, scene.results))
    assert any("heights" in fault for fault in chain_faults(scene, blocks=blocks, results=results))


def test_a_block_that_follows_another_is_noticed(scene: Scene) -> None:
    the_one(chain_faults(scene, blocks=scene.with_block(5, last_hash=scene.blocks[2].hash)), "I1", "does not follow")


def test_a_time_that_stands_still_is_noticed(scene: Scene) -> None:
    found = chain_faults(scene, blocks=scene.with_block(5, time=scene.blocks[3].time))
    the_one(found, "I1", "time of block 5")


def _change(place: int, **changes: Any) -> Callable[[ShownCommit], ShownCommit]:
    def change(commit: ShownCommit) -> ShownCommit:
        entries = list(commit.entries)
        entries[place] = replace(entries[place], **changes)
        return replace(commit, entries=tuple(entries))

    return change


def _twice(commit: ShownCommit) -> ShownCommit:
    """One signer in two of the four places."""
    return replace(commit, entries=(commit.entries[0], commit.entries[0], *commit.entries[2:]))


def _half(commit: ShownCommit) -> ShownCommit:
    return replace(commit, entries=commit.entries[:2])


@pytest.mark.parametrize(
    ("change", "about"),
    [
        (_change(0, signature=bytes(64)), "does not verify"),
        (_change(0, signature=b""), "does not verify"),
        (_change(0, time="2026-03-08T00:00:00Z"), "does not verify"),
        (_change(0, flag=FLAG_NIL), "does not verify"),
        (_change(0, address="00" * 20), "no validator"),
        (_twice, "twice"),
        (_half, "2 signers and needs 3"),
        (lambda commit: replace(commit, height=commit.height + 1), "another block"),
        (lambda commit: replace(commit, block_hash="00" * 32), "another block"),
    ],
)
def test_a_commit_out_of_order_is_noticed(
    scene: Scene, change: Callable[[ShownCommit], ShownCommit], about: str
) -> None:
    """In the middle, and at the tip."""
    for found in (
        chain_faults(scene, blocks=scene.with_commit(5, change)),
        chain_faults(scene, tip_commit=change(scene.tip_commit)),
    ):
        assert any(about in fault for fault in found), found
        assert all(fault.startswith("I1: ") for fault in found), found


def test_another_chain_s_commits_are_noticed(scene: Scene) -> None:
    other = replace(scene.validators, chain_id="another")
    assert len(list(check.chain_faults(scene.survey(), other))) >= 4 * len(scene.blocks)


def test_an_app_hash_that_the_next_header_does_not_have_is_noticed(scene: Scene) -> None:
    results = [*scene.results]
    results[4] = ("00" * 32, results[4][1])
    the_one(chain_faults(scene, results=results), "I5", "app hash before block 6")


def test_a_transaction_without_a_result_is_noticed(scene: Scene) -> None:
    at = next(block.height for block in scene.blocks if block.txs)
    results = [*scene.results]
    results[at - 1] = (results[at - 1][0], [])
    the_one(chain_faults(scene, results=results), "I5", f"block {at} has")


def test_a_node_that_says_another_app_hash_is_noticed(scene: Scene) -> None:
    status = {"height": "3", "app_hash": "00" * 32}
    the_one(list(check.status_faults({2: status}, scene.survey())), "I5", "node 2")


def test_a_changed_validator_set_is_noticed(scene: Scene) -> None:
    the_one(chain_faults(scene, blocks=scene.with_block(5, validators_hash="00" * 32)), "I5", "validator set")


def test_what_nodes_differ_in_is_kept(scene: Scene) -> None:
    assert chain_faults(scene, faults=["I1: they differ"]) == ["I1: they differ"]


# --- I3, I4: ballots ---


def test_a_lost_ballot_is_noticed(scene: Scene) -> None:
    the_one(list(check.ballot_faults(scene.survey(), [*scene.acknowledged, sha256(b"lost")])), "I3", "in no block")


def test_a_ballot_that_a_block_rejects_is_noticed(scene: Scene) -> None:
    at = next(block.height for block in scene.blocks if scene.acknowledged[0] in map(sha256, block.txs))
    results = [*scene.results]
    results[at - 1] = (results[at - 1][0], [1, *results[at - 1][1][1:]])
    the_one(list(check.ballot_faults(scene.survey(results=results), scene.acknowledged)), "I3", "rejected in its block")


def test_a_ballot_in_two_blocks_is_noticed_and_counts_once(scene: Scene) -> None:
    ballots = next(block for block in scene.blocks if scene.acknowledged[0] in map(sha256, block.txs))
    later = scene.with_block(ballots.height + 1, txs=ballots.txs[:1])
    results = [(each, [0] * len(block.txs)) for (each, _), block in zip(scene.results, later, strict=True)]
    found = list(check.ballot_faults(scene.survey(blocks=later, results=results), scene.acknowledged))
    the_one(found, "I4", "in 2 blocks")
    counted = recount([raw for block in later for raw in block.txs], scene.facts)
    assert counted.ballots == VOTERS
    the_one(list(counted.faults), "I4", "second of its voter")


def test_a_ballot_of_a_stranger_is_noticed(scene: Scene) -> None:
    stranger = min(scene.facts.voters)
    facts = replace(scene.facts, voters=scene.facts.voters - {stranger})
    counted = recount(scene.txs, facts)
    assert counted.ballots == VOTERS - 1
    the_one(list(counted.faults), "I4", "not on the roll")


@pytest.mark.parametrize("change", [{"genesis_hash": bytes(32)}, {"definition_hash": bytes(32)}])
def test_ballots_for_another_chain_or_wording_are_noticed(scene: Scene, change: dict[str, bytes]) -> None:
    counted = recount(scene.txs, replace(scene.facts, **change))  # type: ignore[arg-type]
    assert counted.ballots == 0
    assert len(counted.faults) == VOTERS
    assert all("does not verify" in fault for fault in counted.faults)


def test_a_wrong_total_and_a_wrong_size_are_noticed(scene: Scene) -> None:
    counted = recount(scene.txs, scene.facts)
    right = [dict(each) for each in counted.totals]
    wrong = [{**right[0], "mini": right[0]["mini"] + 1}, right[1]]
    the_one(list(check.tally_faults({1: published(right), 3: published(wrong)}, counted)), "I4", "node 3 publishes")
    the_one(list(check.tally_faults({2: published(right, VOTERS + 1)}, counted)), "I4", "node 2 says")


# --- I6, I8, I7: who takes part, who is accused, what is used ---


def test_a_validator_that_proposes_or_signs_nothing_is_noticed(scene: Scene) -> None:
    absent = scene.blocks[5].proposer
    others = [block for block in scene.blocks if block.proposer != absent]
    commits = [block.last_commit for block in scene.blocks[1:]]
    live = list(scene.validators.keys)
    the_one(list(check.absence_faults(others, commits, live)), "I6", f"{absent} proposed none")
    assert list(check.absence_faults(others, commits, [key for key in live if key != absent])) == []
    silent = [
        replace(each, entries=tuple(entry for entry in each.entries if entry.address != absent)) for each in commits
    ]
    the_one(list(check.absence_faults(scene.blocks, silent, live)), "I6", f"{absent} signed none")
    nil = [
        replace(
            each,
            entries=tuple(
                replace(entry, flag=FLAG_NIL if entry.address == absent else FLAG_COMMIT) for entry in each.entries
            ),
        )
        for each in commits
    ]
    the_one(list(check.absence_faults(scene.blocks, nil, live)), "I6", f"{absent} signed none")


def test_evidence_is_compared_with_what_was_done(scene: Scene) -> None:
    first, second = sorted(scene.validators.keys)[:2]
    accusation = Accusation(first, 4, 0, 2)
    blocks = scene.with_block(5, accusations=(accusation,))
    assert list(check.evidence_faults(blocks, {first})) == []
    the_one(list(check.evidence_faults(blocks, ())), "I8", "did nothing wrong")
    the_one(list(check.evidence_faults(blocks, {first, second})), "I8", f"{second} signed twice")
    other = scene.with_block(5, accusations=(accusation, accusation._replace(kind=1)))
    assert list(check.evidence_faults(other, {first})) == []
    twice = [replace(block, accusations=(accusation,)) if block.height in (5, 7) else block for block in scene.blocks]
    the_one(list(check.evidence_faults(twice, {first})), "I8", "in blocks 2 times")


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        "ERROR asyncio: Task exception was never retrieved",
        "x: RuntimeWarning: coroutine 'y' was never awaited",
        "Task was destroyed but it is pending!",
    ],
)
def test_a_log_that_no_node_may_write_is_noticed(line: str) -> None:
    the_one(list(check.log_faults(3, f"INFO fine\n{line}\nINFO fine")), "I7", "node 3")


def test_every_cap_is_noticed_when_it_is_passed() -> None:
    caps = Caps(100, 10, 1_000, 10, 1, 500)
    use, grown = Use(0.0, 100, 10), Grown(1_000 + 3 * 10 + 4 * 1, 500, 3, 4)
    assert list(cap_faults(1, [use], grown, caps)) == []
    the_one(list(cap_faults(1, [use, use._replace(resident_bytes=101)], grown, caps)), "I7", "101 bytes of memory")
    the_one(list(cap_faults(1, [use._replace(descriptors=11), use], grown, caps)), "I7", "11 open files")
    the_one(list(cap_faults(1, [use], grown._replace(disk_bytes=1_035), caps)), "I7", "1,035 bytes on disk")
    the_one(list(cap_faults(1, [use], grown._replace(log_bytes=501), caps)), "I7", "501 bytes of log")


def test_a_block_that_is_shown_with_its_bytes_is_read_whole(scene: Scene) -> None:
    at = next(block for block in scene.blocks if block.txs)
    shown = scene.shown[at.height - 1]
    assert list(at.txs) == [base64.b64decode(raw) for raw in shown["block"]["data"]["txs"]]
    first = {"type": 2, "height": "4", "round": 1, "validator_address": "AB" * 20}
    piece = {"type": "tendermint/DuplicateVoteEvidence", "value": {"vote_a": first}}
    accusing = {**shown, "block": {**shown["block"], "evidence": {"evidence": [piece]}}}
    assert read_block(accusing).accusations == (("AB" * 20, 4, 1, 2),)
