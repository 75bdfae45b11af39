"""`scripts/bench proofs`: receipts and proofs, in size, in time and in what they cost a node (P3, L11)."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from typing import Any, Final

from mvchain.bench.machine import Conditions
from mvchain.bench.queries import QueryReport, measure_queries
from mvchain.bench.receipts import ReceiptReport, measure_receipts
from mvchain.bench.stage import NODES, on_stage, scratch
from mvchain.demo.options import whole
from mvchain.demo.progress import Narrator

HELP: Final = "sizes of receipts, time to check them, and what proof queries cost a node"


@dataclass(frozen=True, slots=True)
class ProofReport:
    """What `measure` found."""

    conditions: Conditions
    receipts: ReceiptReport
    queries: QueryReport

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {**self.conditions.to_json(NODES), **self.receipts.to_json(), **self.queries.to_json()}

    def lines(self) -> list[str]:
        """For people."""
        return [*self.conditions.lines(NODES), "", *self.receipts.lines(), "", *self.queries.lines()]


def add_arguments(parser: ArgumentParser) -> None:
    """What the command line may say beside what all subcommands have."""
    parser.add_argument(
        "--ballots", type=whole(100, 1_000_000), default=50_000, help="cast on the network of nodes (%(default)s)"
    )
    parser.add_argument(
        "--counted",
        type=whole(100, 1_000_000),
        default=100_000,
        help="counted in the poll of the receipts (%(default)s)",
    )


def measure(arguments: Namespace, narrator: Narrator) -> ProofReport:
    """Receipts in this process first, then queries to a network.

    Raises:
        MvchainError: it could not be finished.
    """
    runs = arguments.runs
    conditions = Conditions.now(runs)
    with scratch(narrator) as directory:
        receipts = measure_receipts(directory / "chains", arguments.counted, runs, narrator)
        queries = on_stage(
            directory / "network", arguments.ballots, narrator, lambda stage: measure_queries(stage, runs)
        )
    return ProofReport(conditions, receipts, queries)
