"""What is asked of a chain through a verifying client: everything it verifies, at every height (C139)."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mvchain.interop.survey import BlockFacts, Survey
from mvchain.ledger.state_tree import record_key

PAGE: Final = 20
"""Headers of one `blockchain` answer (C123)."""
HEADERS: Final = ("commit", "validators", "header")
BODIES: Final = ("block", "block_results", "consensus_params")
PASSED_ON: Final = ("status", "health", "genesis", "abci_info", "num_unconfirmed_txs")
"""Not `net_info`: the handler of the proxy for it fails before it asks anybody."""
PROVED_RECORDS: Final = {
    "agencies": (1, 4, 5),
    "chain": (1,),
    "governance": (1, 3),
    "polls": (1,),
    "rolls": (1,),
    "tallies": (1,),
}
"""Record numbers by store: every store that has records after the scenario."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request."""

    method: str
    params: Mapping[str, Any]
    node_params: Mapping[str, Any] | None = None
    """For a node, where the proxy of CometBFT wants another encoding."""


def all_questions(survey: Survey) -> list[Question]:
    """All that a proxy verifies; headers from the tip down, so that it skips to each from the one it started from.

    `blockchain` comes last: the proxy answers that from headers that it has verified.
    """
    questions = of_headers(reversed(survey.blocks))
    questions += [_of_height(method, block) for method in BODIES for block in survey.blocks]
    for block in survey.blocks:
        questions += of_block(block)
    questions += of_state(survey)
    questions += of_ranges(survey)
    return questions


def of_headers(blocks: Iterable[BlockFacts]) -> list[Question]:
    """What shows that these headers, their commits and validator sets were verified, in this order."""
    ordered = list(blocks)
    return [_of_height(method, block) for method in HEADERS for block in ordered]


def passed_on() -> list[Question]:
    """What a proxy decodes and encodes again, and verifies nothing of."""
    return [Question(method, {}) for method in PASSED_ON]


def _of_height(method: str, block: BlockFacts) -> Question:
    return Question(method, {"height": str(block.height)})


def of_block(block: BlockFacts) -> Iterator[Question]:
    """By its hash, and its first, middle and last transaction with their proofs."""
    in_base64 = {"hash": base64.b64encode(block.hash).decode()}
    yield Question("block_by_hash", in_base64)
    # The proxy takes base64 here, and asks with hex (C170).
    yield Question("header_by_hash", in_base64, {"hash": block.hash.hex()})
    count = len(block.tx_hashes)
    for index in sorted({0, count // 2, count - 1}) if count else ():
        yield of_transaction(block.tx_hashes[index])


def of_transaction(tx_hash: bytes) -> Question:
    """A transaction with its proof."""
    return Question("tx", {"hash": base64.b64encode(tx_hash).decode(), "prove": True})


def of_ranges(survey: Survey) -> Iterator[Question]:
    """All headers, by the page."""
    for low in range(1, survey.tip + 1, PAGE):
        yield Question("blockchain", {"minHeight": str(low), "maxHeight": str(min(low + PAGE - 1, survey.tip))})


def of_state(survey: Survey) -> list[Question]:
    """Records of the state with their proofs: of every store now, and of one store after each block."""
    questions = [of_record(store, number) for store, numbers in PROVED_RECORDS.items() for number in numbers]
    return questions + [of_record("agencies", 1, block.height) for block in survey.blocks]


def of_record(store: str, number: int, height: int = 0) -> Question:
    """One record with its proof (C145), after the block of this height; 0 leaves the height to the node."""
    params = {"path": f"/store/{store}/key", "data": record_key(number).hex(), "height": str(height), "prove": True}
    return Question("abci_query", params)
