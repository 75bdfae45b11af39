"""The ballots that measurements cast: those of the demo's own election, over and over, each of a voter of its own."""

from collections.abc import Sequence
from itertools import cycle, islice

from mvchain.demo import elections
from mvchain.demo.elections import POLL
from mvchain.demo.preparation import SignedBallot, SigningTask, sign_all
from mvchain.demo.progress import Narrator
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.polls import PollDefinition, definition_hash, encode_definition


def made_up_answers(count: int) -> Sequence[tuple[object, ...]]:
    """Answers of that many voters to the demo's questions."""
    return list(islice(cycle(elections.shipped().answers), count))


def signed_ballots(genesis: Genesis, definition: PollDefinition, count: int, narrator: Narrator) -> list[SignedBallot]:
    """That many ballots for the first poll of a chain, signed on all cores."""
    context = definition_hash(encode_definition(definition))
    parts: dict[int, list[SignedBallot]] = {}
    with narrator.bar("making the voters' keys and signing their ballots", count) as advance:
        for first, part in sign_all(SigningTask(POLL, genesis.hash, context, made_up_answers(count))):
            parts[first] = part
            advance(sum(map(len, parts.values())))
    return [ballot for first in sorted(parts) for ballot in parts[first]]
