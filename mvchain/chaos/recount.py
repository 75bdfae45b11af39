"""The tally of a poll from the raw transactions in the blocks, by a program that shares nothing with nodes (faults I4).

It knows the poll that chaos holds: questions of one choice or of several, one ballot for each voter, all in time.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack
import nacl.exceptions
import nacl.signing

BALLOT: Final = 0
_TAG: Final = b"mvchain.tx.v1\0"


@dataclass(frozen=True, slots=True)
class PollFacts:
    """What a recount has to know, from who made the poll."""

    number: int
    genesis_hash: bytes
    definition_hash: bytes
    voters: frozenset[bytes]
    """Their keys as transactions name them."""
    options: Sequence[Sequence[str]]
    """Ids of the options of each question, in order."""


@dataclass(frozen=True, slots=True)
class Recounted:
    """What came out."""

    ballots: int
    totals: Sequence[Mapping[str, int]]
    faults: Sequence[str]


def recount(txs: Iterable[bytes], poll: PollFacts) -> Recounted:
    """Count the ballots in these transactions, which are those of all blocks in order."""
    totals: list[Counter[str]] = [Counter(dict.fromkeys(ids, 0)) for ids in poll.options]
    seen: set[bytes] = set()
    faults: list[str] = []
    for raw in txs:
        payload, signer, signature = msgpack.unpackb(raw)
        ballot = msgpack.unpackb(payload)
        if ballot[:2] != [BALLOT, poll.number]:
            continue
        tx_hash = hashlib.sha256(raw).hexdigest()
        if signer not in poll.voters:
            faults.append(f"I4: ballot {tx_hash} is of a key that is not on the roll")
        elif signer in seen:
            faults.append(f"I4: ballot {tx_hash} is the second of its voter")
        elif not _signed(poll, payload, signer, signature):
            faults.append(f"I4: ballot {tx_hash} has a signature that does not verify")
        else:
            seen.add(signer)
            for total, option in _choices(ballot[3], poll.options):
                totals[total][option] += 1
    return Recounted(len(seen), totals, faults)


def _choices(answers: Sequence[Any], options: Sequence[Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Question and option for each mark on a ballot; an answer of nothing is a blank."""
    for question, answer in enumerate(answers):
        if answer is not None:
            for place in answer if isinstance(answer, list) else [answer]:
                yield question, options[question][place]


def _signed(poll: PollFacts, payload: bytes, signer: bytes, signature: bytes) -> bool:
    """The first byte of a signer says which scheme it is of, of which there is one."""
    message = _TAG + poll.genesis_hash + poll.definition_hash + payload
    try:
        nacl.signing.VerifyKey(signer[1:]).verify(message, signature)
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError):
        return False
    return True
