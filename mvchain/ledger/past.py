"""Blocks of the past, for a node that did not execute them: verified by the header above each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from mvchain.core import codec, codes
from mvchain.core.codec import Fields
from mvchain.core.errors import BadProof
from mvchain.core.limits import MAX_BLOCK_UNITS, MAX_NUMBER, MAX_RESULT_NUMBERS_BYTES
from mvchain.core.merkle import root_of_leaf_hashes
from mvchain.ledger.block_groups import BlockGroups, block_groups
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, Header, block_id_of
from mvchain.ledger.results import NO_NUMBER, accepted
from mvchain.ledger.transactions import Transaction, decode_transaction
from mvchain.ledger.units import transaction_units


@dataclass(frozen=True, slots=True)
class PastBlock:
    """A block that was decided, with what is stored of its results."""

    block: Block
    block_id: BlockID
    transactions: tuple[Transaction, ...]
    numbers: tuple[int, ...]
    """Of each transaction, see `mvchain.ledger.results`."""
    groups: BlockGroups

    @classmethod
    def verify(cls, untrusted: bytes, untrusted_numbers: bytes, above: Header) -> Self:
        """The block that `above`, the trusted header of the next height, names by its id and by its results.

        The id binds all of its bytes, the last commit among them.

        Raises:
            BadProof: it is another block, or has other results.
        """
        height = above.height - 1
        block = Block.decode(untrusted)
        block_id = block_id_of(block.header, untrusted)
        if block_id != above.last_block_id:
            raise BadProof(codes.PAST_BLOCK_WRONG, height=height, why="it is another block")
        # What is in a block that was decided can be decoded.
        transactions = tuple(map(decode_transaction, block.txs))
        numbers = decode_numbers(untrusted_numbers)
        if len(numbers) != len(transactions):
            raise BadProof(codes.PAST_BLOCK_WRONG, height=height, why=f"it has {len(numbers)} results")
        groups = block_groups(
            [tx.hash for tx in transactions],
            [accepted(tx, n, transaction_units(tx)) for tx, n in zip(transactions, numbers, strict=True)],
        )
        if root_of_leaf_hashes(groups.results) != above.last_results_hash:
            raise BadProof(codes.PAST_BLOCK_WRONG, height=height, why="its results have another hash")
        return cls(block, block_id, transactions, numbers, groups)


def encode_numbers(numbers: Sequence[int]) -> bytes:
    """Result numbers of a block, to be sent."""
    return codec.encode(tuple(numbers))


def decode_numbers(untrusted: bytes) -> tuple[int, ...]:
    """The reverse; raises BadProof."""
    what = "the list of result numbers"
    value = codec.decode(untrusted, what, max_bytes=MAX_RESULT_NUMBERS_BYTES, error=BadProof)
    count = len(value) if isinstance(value, tuple) else 0
    fields = Fields(value, min(count, MAX_BLOCK_UNITS), what, BadProof)
    return tuple(fields.int(i, "number", NO_NUMBER, MAX_NUMBER) for i in range(count))
