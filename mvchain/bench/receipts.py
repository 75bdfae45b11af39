"""How large receipts are and how long checking one takes, for 4 and for 40 validators (ledger L11, performance P3)."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mvchain.bench.chain import Chain, Held, hold_poll
from mvchain.bench.figures import Runs, Target, percentile, short, table
from mvchain.bench.sizes import binary_size
from mvchain.core.types import Hash
from mvchain.demo.progress import Narrator
from mvchain.ledger.genesis import Genesis
from mvchain.light.proofs import PollProof, decode_proof
from mvchain.light.receipts import OpenReceipt, decode_receipt
from mvchain.light.verify import verify

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
            str(self.checking_p90_ms),
            f"{short(target.floor)}/{short(target.goal)}",
            target.verdict(self.checking_ms.median),
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
        head = ["receipt", "JSON", "binary", "size", "ms", "p90", "floor/goal", ""]
        return [
            f"Receipts of {self.counted:,} counted ballots, blocks of up to {self.largest_block:,} transactions,",
            f"{self.polls:,} polls on the chain: bytes, and ms for checking one",
            "",
            *table(head, [one.row() for one in self.figures]),
        ]


def measure_receipts(directory: Path, ballots: int, runs: int, narrator: Narrator) -> ReceiptReport:
    """Hold a poll of so many counted ballots on a chain of each size, in this process, and look at its receipts."""
    figures: list[ReceiptFigures] = []
    for validators in VALIDATORS:
        with Chain(directory / f"chain-{validators}", validators) as chain:
            held = hold_poll(chain, ballots, SAMPLE, narrator)
            narrator.say(f"checking receipts of {validators} validators")
            for kind, documents in _sample(held).items():
                figures.append(_measure(validators, kind, documents, chain.genesis, runs))
            largest_block = chain.largest_block
            polls = chain.replica.state.poll_count
    return ReceiptReport(figures, ballots, largest_block, polls)


def _sample(held: Held) -> Mapping[str, Sequence[bytes]]:
    """Receipts of each kind, those of ballots that count evenly over the whole poll."""
    spread = held.counted[:: max(1, len(held.counted) // SAMPLE)][:SAMPLE]

    def receipts(ballots: Sequence[Hash], *, completed: bool) -> Sequence[bytes]:
        return [held.proofs.receipt(ballot, completed=completed).document for ballot in ballots]

    return {
        OPEN: receipts(spread, completed=False),
        "counted": receipts(spread, completed=True),
        "superseded": receipts(held.superseded, completed=True),
    }


def _measure(validators: int, kind: str, documents: Sequence[bytes], genesis: Genesis, runs: int) -> ReceiptFigures:
    decode: Callable[[bytes], OpenReceipt | PollProof] = decode_receipt if kind == OPEN else decode_proof
    _checking_ms(documents, genesis)  # warms up
    samples = [_checking_ms(documents, genesis) for _ in range(runs)]
    return ReceiptFigures(
        validators=validators,
        kind=kind,
        json_bytes=max(map(len, documents)),
        binary_bytes=max(binary_size(decode(document)) for document in documents),
        checking_ms=Runs(tuple(percentile(sample, 50) for sample in samples)),
        checking_p90_ms=Runs(tuple(percentile(sample, 90) for sample in samples)),
    )


def _checking_ms(documents: Sequence[bytes], genesis: Genesis) -> list[float]:
    """How long each check took, CHECKS of them."""
    times = []
    for number in range(CHECKS):
        document = documents[number % len(documents)]
        started = time.perf_counter()
        verify(document, genesis)
        times.append((time.perf_counter() - started) * 1_000)
    return times
