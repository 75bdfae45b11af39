"""The black-box check after every fault: what all nodes show over HTTP, compared, verified and counted (BEST1).

What nodes say is gathered in a `Survey`; the functions that judge it are pure, so that tests can show them a chain
with a fork, a lost ballot or a wrong tally and see that they notice.
"""

import asyncio
import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mvchain.chaos.asking import MAX_CALLS, Asker
from mvchain.chaos.blocks import (
    FLAG_COMMIT,
    ShownBlock,
    ShownCommit,
    Validators,
    faults_of_chain,
    read_block,
    read_commit,
)
from mvchain.chaos.recount import Recounted

HEIGHTS_AT_ONCE: Final = MAX_CALLS // 2
"""Of which a node is asked for block and results in one batch."""
READ_BACK: Final = 20
"""Acknowledged ballots that every node is asked for by name; all of them are looked for in all blocks of each."""
LOG_MARKS: Final = re.compile(r"Traceback|never retrieved|was never awaited|Task was destroyed")
SHOWN: Final = 8
"""Hex digits of a hash in a fault."""


@dataclass
class Survey:
    """What nodes have shown up to one height; grows with each look."""

    blocks: list[ShownBlock] = field(default_factory=list)
    """Of the first node that was asked."""
    results: list[tuple[str, Sequence[int]]] = field(default_factory=list)
    """For each block: the app hash after it, and the result code of each of its transactions."""
    tip_commit: ShownCommit | None = None
    faults: list[str] = field(default_factory=list)
    """Where nodes differ."""


def compare(what: str, answers: Mapping[int, Any]) -> Iterator[str]:
    """Where nodes give another answer than the first of them (I1, I5)."""
    (first, expected), *others = answers.items()
    for number, found in others:
        if found != expected:
            yield f"I1: {what} differs between node {first} and node {number}: {_digest(expected)}, {_digest(found)}"


async def look(askers: Sequence[Asker], height: int, survey: Survey) -> None:
    """Ask every node for every block, result and validator set that has not been looked at, up to this height."""
    for first in range(len(survey.blocks) + 1, height + 1, HEIGHTS_AT_ONCE):
        heights = range(first, min(first + HEIGHTS_AT_ONCE, height + 1))
        calls = [(method, {"height": str(at)}) for at in heights for method in ("block", "block_results")]
        answers = await asyncio.gather(*(asker.rpc_batch(calls) for asker in askers))
        for place, at in enumerate(heights):
            blocks, results = (
                {asker.number: answer[2 * place + which] for asker, answer in zip(askers, answers, strict=True)}
                for which in (0, 1)
            )
            survey.faults += compare(f"block {at}", blocks)
            survey.faults += compare(f"the result of block {at}", results)
            survey.blocks.append(read_block(next(iter(blocks.values()))))
            result = next(iter(results.values()))
            app_hash = base64.b64decode(result["app_hash"]).hex().upper()
            survey.results.append((app_hash, [int(each["code"]) for each in result["txs_results"] or []]))
    for what in ("commit", "validators"):
        shown = {asker.number: await asker.rpc(what, height=str(height)) for asker in askers}
        if what == "validators":
            survey.faults += compare(f"the validator set of {height}", shown)
        else:
            # The commits of the newest block may differ in who had signed when it was decided.
            survey.tip_commit = read_commit(next(iter(shown.values()))["signed_header"]["commit"])


async def read_back(askers: Sequence[Asker], acknowledged: Sequence[bytes]) -> list[str]:
    """Acknowledged ballots that a node does not show as committed (I3)."""
    faults = []
    for tx_hash in acknowledged[:: max(1, len(acknowledged) // READ_BACK)]:
        for asker in askers:
            shown = await asker.get(f"/v1/transactions/{tx_hash.hex()}")
            if shown["state"] != "committed":
                faults.append(f"I3: node {asker.number} shows ballot {tx_hash.hex()} as {shown['state']}")
    return faults


def chain_faults(survey: Survey, validators: Validators) -> Iterator[str]:
    """What is wrong with the chain that all nodes show (I1, I5)."""
    assert survey.tip_commit is not None
    yield from survey.faults
    yield from faults_of_chain(survey.blocks, survey.tip_commit, validators)
    for block, (_, codes) in zip(survey.blocks, survey.results, strict=True):
        if len(codes) != len(block.txs):
            yield f"I5: block {block.height} has {len(block.txs)} transactions and {len(codes)} results"
    for (app_hash, _), following in zip(survey.results, survey.blocks[1:], strict=False):
        if following.app_hash != app_hash:
            yield f"I5: the app hash before block {following.height} is not the one in its header"


def status_faults(statuses: Mapping[int, Mapping[str, Any]], survey: Survey) -> Iterator[str]:
    """What nodes say of themselves at a height that has been looked at (I5)."""
    for number, status in statuses.items():
        app_hash, _ = survey.results[int(status["height"]) - 1]
        if str(status["app_hash"]).upper() != app_hash:
            yield f"I5: node {number} has another app hash at height {status['height']} than its chain"


def ballot_faults(survey: Survey, acknowledged: Collection[bytes]) -> Iterator[str]:
    """Acknowledged ballots that are not in a block and accepted, and any transaction that is twice (I3, I4)."""
    found: Counter[bytes] = Counter()
    accepted: set[bytes] = set()
    for block, (_, codes) in zip(survey.blocks, survey.results, strict=True):
        for raw, code in zip(block.txs, codes, strict=False):
            tx_hash = hashlib.sha256(raw).digest()
            found[tx_hash] += 1
            if code == 0:
                accepted.add(tx_hash)
    for tx_hash, count in found.items():
        if count > 1:
            yield f"I4: transaction {tx_hash.hex()} is in {count} blocks"
    for tx_hash in acknowledged:
        if not found[tx_hash]:
            yield f"I3: ballot {tx_hash.hex()} was acknowledged and is in no block"
        elif tx_hash not in accepted:
            yield f"I3: ballot {tx_hash.hex()} was acknowledged and is rejected in its block"


def tally_faults(shown: Mapping[int, Mapping[str, Any]], counted: Recounted) -> Iterator[str]:
    """Where what nodes publish of a final poll is not what its ballots say (I4)."""
    yield from counted.faults
    for number, poll in shown.items():
        questions = poll["tally"]["questions"]
        totals = [{option["id"]: option["total"] for option in question["options"]} for question in questions]
        expected = [dict(each) for each in counted.totals]
        if totals != expected:
            yield f"I4: node {number} publishes {totals}, a recount finds {expected}"
        if poll["ballots"]["size"] != counted.ballots:
            yield f"I4: node {number} says {poll['ballots']['size']} ballots, there are {counted.ballots}"


def evidence_faults(blocks: Sequence[ShownBlock], injected: Collection[str]) -> Iterator[str]:
    """Evidence against validators that did nothing wrong, none against those that did, and any that is twice (I8)."""
    committed = Counter(accusation for block in blocks for accusation in block.accusations)
    for accusation, count in committed.items():
        if count > 1:
            yield f"I8: {accusation} is in blocks {count} times"
    accused = {accusation.address for accusation in committed}
    for address in sorted(accused - set(injected)):
        yield f"I8: {address} is accused and did nothing wrong"
    for address in sorted(set(injected) - accused):
        yield f"I8: {address} signed twice and nobody accuses it"


def absence_faults(
    blocks: Sequence[ShownBlock], commits: Sequence[ShownCommit], live: Collection[str]
) -> Iterator[str]:
    """Live validators that proposed none of these blocks, or signed none of these commits (BEST1)."""
    proposed = {block.proposer for block in blocks}
    signed = {entry.address for commit in commits for entry in commit.entries if entry.flag == FLAG_COMMIT}
    where = f"of the last {len(blocks)} blocks"
    for address in sorted(live):
        if address not in proposed:
            yield f"I6: {address} proposed none {where}"
        if address not in signed:
            yield f"I6: {address} signed none {where}"


def log_faults(number: int, text: str) -> Iterator[str]:
    """Lines that no log may have (I7, OPS8)."""
    for line in text.splitlines():
        if LOG_MARKS.search(line):
            yield f"I7: the log of node {number} says: {line.strip()}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:SHOWN]
