"""A chain of many blocks and polls, some of them open, with a snapshot near its end: what a new node has to join.

Ballots are not signed: joining verifies none of their signatures, since the blocks that hold them were agreed on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final

from mvchain.bench.ballots import made_up_answers
from mvchain.bench.chain import A_YEAR_MS, GENESIS_TIME, Chain, Operator
from mvchain.core import codec
from mvchain.core.hashing import sha256
from mvchain.core.limits import SNAPSHOT_CHUNK_BYTES
from mvchain.core.types import Height, PollNumber, RollNumber, TaggedKey, TimeMs
from mvchain.demo import elections
from mvchain.demo.progress import Narrator
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.transactions import Ballot, PollClose, decode_transaction, encode_payload
from mvchain.node.files import LocalDisk
from mvchain.node.snapshots import Snapshots

AGENCIES: Final = 4
SPARE_BLOCKS: Final = 1_000
"""At most so many are empty, count, or hold no ballots."""
ABOVE: Final = 6
"""Blocks above the snapshot."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a chain."""

    blocks: int
    polls: int
    voters: int
    """Of each poll; each casts a ballot."""
    open_polls: int

    @property
    def ballots(self) -> int:
        """In all polls."""
        return self.polls * self.voters


@dataclass(frozen=True, slots=True)
class LongChain:
    """A chain on disk."""

    genesis: Genesis
    height: Height
    snapshot_height: Height
    snapshot_bytes: int
    taking_s: float
    """Of making the snapshot without a rest."""
    building_s: float


def build_chain(directory: Path, snapshots: Path, size: Size, narrator: Narrator) -> LongChain:
    """Make it, with the store in `directory`."""
    started = perf_counter()
    with Chain(directory, AGENCIES, judged_once=True) as chain:
        operator = Operator(chain)
        definition = replace(elections.shipped().definition, opens_at_ms=GENESIS_TIME)
        definition = replace(definition, closes_at_ms=TimeMs(GENESIS_TIME + A_YEAR_MS))
        chain.extend([operator.registration()])
        polls = range(1, size.polls + 1)
        for poll in polls:
            voters = [_voter(poll, n) for n in range(size.voters)]
            chain.extend(operator.poll(replace(definition, roll=RollNumber(poll)), voters))
        chain.block()
        each = -(-size.ballots // max(1, size.blocks - SPARE_BLOCKS))
        with narrator.bar(f"making {size.blocks:,} blocks and {size.ballots:,} ballots", size.polls) as advance:
            for poll in polls:
                ballots = _ballots(poll, size.voters)
                while some := list(islice(ballots, each)):
                    chain.extend(some)
                if poll > size.open_polls:
                    chain.extend([operator.act(PollClose(0, PollNumber(poll), "all are in"))])
                advance(poll)
        while chain.replica.state.counting or chain.replica.tip.height < size.blocks - ABOVE:
            chain.block()
        taking = perf_counter()
        height = chain.replica.tip.height
        kept, frozen = Snapshots(snapshots, LocalDisk()), chain.replica.store.frozen()
        for _ in kept.take(height, frozen):
            pass
        frozen.close()
        taking = perf_counter() - taking
        for _ in range(ABOVE):
            chain.block()
        chunks = len(kept.manifests[0].chunks)
        last = kept.chunk(height, chunks - 1) or b""
        return LongChain(
            genesis=chain.genesis,
            height=chain.replica.tip.height,
            snapshot_height=height,
            snapshot_bytes=(chunks - 1) * SNAPSHOT_CHUNK_BYTES + len(last),
            taking_s=taking,
            building_s=perf_counter() - started,
        )


def _voter(poll: int, number: int) -> TaggedKey:
    return TaggedKey(b"\x01" + sha256(b"voter %d of poll %d" % (number, poll)))


def _ballots(poll: int, voters: int) -> Iterator[bytes]:
    answers = made_up_answers(min(voters, 1_000))
    for number in range(voters):
        payload = encode_payload(Ballot(PollNumber(poll), 0, answers[number % len(answers)]))
        voter = _voter(poll, number)
        raw = codec.encode((payload, voter, sha256(voter) + sha256(payload + voter)))
        assert decode_transaction(raw).signer == voter
        yield raw
