"""How large receipts are and how long checking one takes, for 4 and for 40 validators (ledger L11, performance P3)."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mvchain.api.proof_view import ProofView
from mvchain.bench.chain import Chain, Held, hold_poll
from mvchain.bench.figures import Runs, Target, percentile, table
from mvchain.bench.sizes import binary_size
from mvchain.core.types import Hash
from mvchain.demo.progress import Narrator
from mvchain.ledger.genesis import Genesis
from mvchain.light.proofs import PollProof, decode_proof
from mvchain.light.receipts import OpenReceipt, decode_receipt
from mvchain.light.verify import verify
from mvchain.node.replica import Replica

VALIDATORS: Final = (4, 40)
OPEN: Final = "open"
SAMPLE: Final = 50
"""Receipts of each kind, of different ballots, checked in turn."""
CHECKS: Final = 250
"""Of one run and kind."""
MAX_BINARY_BYTES: Final[Mapping[int, int]] = {4: 4_000, 40: 8_000}
MAX_JSON_FACTOR: Final = 2
"""Of the JSON file to the binary bound (L11)."""
CHECKING: Final[Mapping[int, Target]] = {4: Target(3, 1), 40: Target(10, 3)}
"""Milliseconds by the number of validators (P3)."""


@dataclass(frozen=True, slots=True)
class ReceiptFigures:
    """Of one kind of receipt on one chain."""

    validators: int
    kind: str
    json_bytes: int
    """Of the largest one of the sample; the same for `binary_bytes`."""
    binary_bytes: int
    checking_ms: Runs
    """Median of each run: warm, from the bytes of the file to the verdict."""
    checking_p90_ms: Runs
    making_ms: Runs
    """Processor time of a node, in the mean, for one of whose block it has kept nothing; without HTTP."""

    @property
    def size_verdict(self) -> str:
        """Whether both sizes are within their bounds."""
        bound = MAX_BINARY_BYTES[self.validators]
        return "ok" if self.binary_bytes <= bound and self.json_bytes <= MAX_JSON_FACTOR * bound else "OVER"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        bound, target = MAX_BINARY_BYTES[self.validators], CHECKING[self.validators]
        return {
            "validators": self.validators,
            "kind": self.kind,
            "json_bytes": self.json_bytes,
            "binary_bytes": self.binary_bytes,
            "max_json_bytes": MAX_JSON_FACTOR * bound,
            "max_binary_bytes": bound,
            "size_verdict": self.size_verdict,
            "checking_ms": self.checking_ms.to_json(),
            "checking_p90_ms": self.checking_p90_ms.to_json(),
            "making_ms": self.making_ms.to_json(),
            "checking_target": target.to_json(self.checking_ms.median),
        }

    def row(self) -> list[str]:
        """For people."""
        target = CHECKING[self.validators]
        return [
            f"{self.validators:>2} validators, {self.kind}",
            f"{self.json_bytes:,}",
            f"{self.binary_bytes:,}",
            self.size_verdict,
            str(self.checking_ms),
            f"{target.floor:g}/{target.goal:g}",
            target.verdict(self.checking_ms.median),
            str(self.making_ms),
        ]


@dataclass(frozen=True, slots=True)
class ReceiptReport:
    """Of all kinds on all chains."""

    figures: Sequence[ReceiptFigures]
    counted: int
    """Ballots that count, in the poll that the receipts are from."""
    largest_block: int
    """Transactions of the fullest block."""
    polls: int
    """On each chain."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "counted": self.counted,
            "largest_block": self.largest_block,
            "polls": self.polls,
            "receipts": [one.to_json() for one in self.figures],
        }

    def lines(self) -> list[str]:
        """For people."""
        head = ["receipt", "JSON", "binary", "size", "check", "floor/goal", "", "make"]
        return [
            f"Receipts of {self.counted:,} counted ballots, blocks of up to {self.largest_block:,} transactions,",
            f"{self.polls:,} polls on the chain: bytes; ms to check one; ms of CPU to make one",
            "",
            *table(head, [one.row() for one in self.figures]),
        ]


def measure_receipts(directory: Path, ballots: int, runs: int, narrator: Narrator) -> ReceiptReport:
    """Hold a poll of so many counted ballots on a chain of each size, in this process, and look at its receipts."""
    figures: list[ReceiptFigures] = []
    for validators in VALIDATORS:
        with Chain(directory / f"chain-{validators}", validators) as chain:
            held = hold_poll(chain, ballots, SAMPLE, narrator)
            narrator.say(f"making and checking receipts of {validators} validators")
            figures += [_measure(chain, validators, kind, chosen, runs) for kind, chosen in _sample(held).items()]
            largest_block, polls = chain.largest_block, chain.replica.state.poll_count
    return ReceiptReport(figures, ballots, largest_block, polls)


def _sample(held: Held) -> Mapping[str, Sequence[Hash]]:
    """Ballots for each kind of receipt, those that count evenly over the whole poll."""
    spread = held.counted[:: max(1, len(held.counted) // SAMPLE)][:SAMPLE]
    return {OPEN: spread, "counted": spread, "superseded": held.superseded}


def _measure(chain: Chain, validators: int, kind: str, ballots: Sequence[Hash], runs: int) -> ReceiptFigures:
    """Make the receipts of these ballots and check them."""
    decode: Callable[[bytes], OpenReceipt | PollProof] = decode_receipt if kind == OPEN else decode_proof
    made = [_make(chain.replica, ballots, completed=kind != OPEN) for _ in range(runs)]
    documents = made[0][0]
    _checking_ms(documents, chain.genesis)  # warms up
    checked = [_checking_ms(documents, chain.genesis) for _ in range(runs)]
    return ReceiptFigures(
        validators=validators,
        kind=kind,
        json_bytes=max(map(len, documents)),
        binary_bytes=max(binary_size(decode(document)) for document in documents),
        checking_ms=Runs(tuple(percentile(times, 50) for times in checked)),
        checking_p90_ms=Runs(tuple(percentile(times, 90) for times in checked)),
        making_ms=Runs(tuple(took_ms for _, took_ms in made)),
    )


def _make(replica: Replica, ballots: Sequence[Hash], *, completed: bool) -> tuple[Sequence[bytes], float]:
    """Their receipts, and milliseconds of processor time for one; each by a view that has kept nothing yet."""
    started = time.process_time()
    documents = [ProofView(replica).receipt(ballot, completed=completed).document for ballot in ballots]
    return documents, (time.process_time() - started) * 1_000 / len(ballots)


def _checking_ms(documents: Sequence[bytes], genesis: Genesis) -> list[float]:
    """How long each check took, CHECKS of them."""
    times = []
    for number in range(CHECKS):
        document = documents[number % len(documents)]
        started = time.perf_counter()
        verify(document, genesis)
        times.append((time.perf_counter() - started) * 1_000)
    return times
