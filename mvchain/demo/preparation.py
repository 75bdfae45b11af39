"""What has to be there before the first ballot is cast: keys, signed ballots, and what this machine can do."""

import time
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from mvchain.core.keys import Purpose, SigningKey, verify
from mvchain.core.types import Hash, PollNumber, TaggedKey
from mvchain.demo.workers import cores, in_processes
from mvchain.ledger.transactions import Ballot, make_transaction

BALLOTS_PER_TASK: Final = 1_000
"""Some 70 ms of work: many tasks for a bar that moves, few for what passing them on costs."""
RATE_SAMPLE_S: Final = 1.0
RATE_MESSAGE_BYTES: Final = 100
"""About what a small ballot signs: genesis hash, context and payload."""
RATE_CHUNK: Final = 200
"""Verifications between two looks at the clock."""


class SignedBallot(NamedTuple):
    """A ballot ready to be handed in."""

    voter: TaggedKey
    raw: bytes
    """The transaction."""


class SigningTask(NamedTuple):
    """Ballots of one poll to be signed, each by a voter of its own."""

    poll: PollNumber
    genesis_hash: Hash
    definition_hash: Hash
    answers: Sequence[tuple[object, ...]]


def sign_all(task: SigningTask) -> Iterator[tuple[int, list[SignedBallot]]]:
    """Signed ballots in the order of the answers, in parts: the position of the first, and the part.

    Uses all cores. The private keys are made where they sign and are gone with the process: only ballots come back.
    """
    starts = range(0, len(task.answers), BALLOTS_PER_TASK)
    parts = [task._replace(answers=task.answers[start : start + BALLOTS_PER_TASK]) for start in starts]
    for position, ballots in in_processes(sign_part, parts):
        yield starts[position], ballots


def sign_part(task: SigningTask) -> list[SignedBallot]:
    """One signed ballot for each of the answers."""
    ballots = []
    for answers in task.answers:
        key = SigningKey.generate()
        raw = make_transaction(Ballot(task.poll, 0, answers), key, task.genesis_hash, task.definition_hash)
        ballots.append(SignedBallot(key.tagged, raw))
    return ballots


def verification_rate() -> float:
    """Ed25519 verifications per second of all cores together: r of performance P1."""
    return sum(rate for _, rate in in_processes(core_rate, [RATE_SAMPLE_S] * cores()))


def core_rate(sample_s: float) -> float:
    """Verifications per second of one core."""
    key = SigningKey.generate()
    message = bytes(RATE_MESSAGE_BYTES)
    signature = key.sign(Purpose.TRANSACTION, message)
    count, started = 0, time.perf_counter()
    while (passed_s := time.perf_counter() - started) < sample_s:
        for _ in range(RATE_CHUNK):
            verify(Purpose.TRANSACTION, key.public, message, signature)
        count += RATE_CHUNK
    return count / passed_s
