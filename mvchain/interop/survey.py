"""What a chain holds of that which light clients rarely meet, read from its blocks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from mvchain.ledger.blocks import Block, Flag, block_id_of


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """One block and its canonical commit, the one that the next block carries (C119)."""

    height: int
    hash: bytes
    parts: int
    """Of 64 KiB, in the part set (C58)."""
    tx_hashes: tuple[Hash, ...]
    round: int
    """In which it was decided."""
    flags: tuple[Flag, ...]
    """Of the entries of its commit, in set order."""
    validators_hash: bytes
    consensus_hash: bytes


@dataclass(frozen=True, slots=True)
class Survey:
    """Blocks 1, 2, 3 and on, the newest left out: its canonical commit is not there yet."""

    blocks: Sequence[BlockFacts]

    @property
    def tip(self) -> int:
        """The last height that is surveyed."""
        return self.blocks[-1].height

    def counts(self) -> dict[str, int]:
        """How many blocks are of each kind that a chain has to have here; names are for people."""
        blocks = self.blocks
        return {
            "blocks": len(blocks),
            "blocks of several parts": sum(block.parts > 1 for block in blocks),
            "commits with an absent entry": sum(Flag.ABSENT in block.flags for block in blocks),
            "commits with a nil precommit": sum(Flag.NIL in block.flags for block in blocks),
            "commits of a later round": sum(block.round > 0 for block in blocks),
            "blocks of several parts under a nil precommit": sum(
                block.parts > 1 and Flag.NIL in block.flags for block in blocks
            ),
            "changes of the validators": sum(
                one.validators_hash != two.validators_hash for one, two in pairwise(blocks)
            ),
            "changes of the parameters": sum(one.consensus_hash != two.consensus_hash for one, two in pairwise(blocks)),
            "transactions": sum(len(block.tx_hashes) for block in blocks),
        }

    def lacking(self) -> list[str]:
        """The kinds that there are none of; an empty list is what is wanted."""
        return [name for name, count in self.counts().items() if not count]


def survey(encoded_blocks: Iterable[bytes]) -> Survey:
    """The facts of blocks 1, 2, 3 and on, at least two, as their nodes encode them (C57).

    Raises:
        BadProof: one is no block.
    """
    decoded = [(Block.decode(encoded), encoded) for encoded in encoded_blocks]
    facts = []
    for (block, encoded), (following, _) in pairwise(decoded):
        block_id = block_id_of(block.header, encoded)
        commit = following.last_commit
        assert commit.block_id == block_id, block.header.height
        hashes = tuple(sha256(tx) for tx in block.txs)
        flags = tuple(entry.flag for entry in commit.signatures)
        header = block.header
        facts.append(
            BlockFacts(
                height=header.height,
                hash=block_id.hash,
                parts=block_id.parts.total,
                tx_hashes=hashes,
                round=commit.round,
                flags=flags,
                validators_hash=header.validators_hash,
                consensus_hash=header.consensus_hash,
            )
        )
    return Survey(facts)
