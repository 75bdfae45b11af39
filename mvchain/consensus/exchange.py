"""How nodes at the same height level out what they hold, so that any loss heals (N8).

A node tells each peer its `Holdings` from time to time; the peer answers with what is `missing_for` it. Both
are functions of what is held and nothing else: who was sent what is not remembered, so nothing depends on a
message arriving once. What is sent and why it is enough: K6 of ALGORITHM.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mvchain.consensus.keeper import Keeper
from mvchain.core.limits import MAX_ROUNDS_AHEAD, MAX_ROUNDS_BEHIND
from mvchain.core.types import Height, Round
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal

Bitmap = bytes
"""Validator i is bit i % 8, lowest first, of byte i // 8. Missing bytes are zeros, others ignored (ATK02)."""


@dataclass(frozen=True, slots=True)
class Contested:
    """Who endorsed one of several blocks of a round (K3)."""

    round: Round
    kind: Kind
    block_id: BlockID
    bitmap: Bitmap


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a node holds of the height it is at: tens of bytes on the happy path, bounded always (K4)."""

    height: Height
    round: Round
    proposals: tuple[Round, ...]
    """Rounds whose proposal is held."""
    prevotes: tuple[tuple[Round, Bitmap], ...]
    """By round, whose prevote is held, for whatever block."""
    precommits: tuple[tuple[Round, Bitmap], ...]
    contested: tuple[Contested, ...]
    """Empty unless correct validators disagree in a round."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a peer lacks, most useful first. It may be cut off anywhere; the next exchange brings the rest."""

    proposals: tuple[Proposal, ...]
    endorsements: tuple[Endorsement, ...]


def known(keeper: Keeper) -> Holdings:
    """What to tell peers."""
    size = (len(keeper.validators) + 7) // 8

    def pack(bitmap: int) -> Bitmap:
        return bitmap.to_bytes(size, "little")

    sets = tuple(keeper.sets())
    return Holdings(
        height=keeper.height,
        round=keeper.round,
        proposals=tuple(sorted(keeper.proposals)),
        prevotes=tuple((r, pack(held.bitmap())) for r, kind, held in sets if kind == Kind.PREVOTE),
        precommits=tuple((r, pack(held.bitmap())) for r, kind, held in sets if kind == Kind.PRECOMMIT),
        contested=tuple(
            Contested(r, kind, block_id, pack(bitmap))
            for r, kind, held in sets
            for block_id, bitmap in held.contested()
        ),
    )


def missing_for(keeper: Keeper, peer: Holdings) -> Missing:
    """What the peer lacks and can use; nothing if it is at another height.

    Args:
        peer: untrusted; any rounds and bitmaps do. A false claim costs one answer at most.
    """
    if peer.height != keeper.height:
        return Missing((), ())
    useful = _useful_rounds(keeper, peer)
    proposals = sorted(keeper.proposals.items(), reverse=True)
    return Missing(
        tuple(proposal for r, proposal in proposals if r in useful and r not in peer.proposals),
        tuple(_endorsements_for(keeper, peer, useful)),
    )


def _endorsements_for(keeper: Keeper, peer: Holdings, useful: set[Round]) -> Iterator[Endorsement]:
    any_block = {(r, Kind.PREVOTE): bitmap for r, bitmap in peer.prevotes}
    any_block |= {(r, Kind.PRECOMMIT): bitmap for r, bitmap in peer.precommits}
    one_block = {(item.round, item.kind, item.block_id): item.bitmap for item in peer.contested}
    for round_, kind, held in keeper.sets():
        if round_ not in useful:
            continue
        of_any_block = any_block.get((round_, kind), b"")
        for endorsement in held:
            # A contested block has its own bitmap, a part of the other one: there a second endorsement is wanted (K3).
            if not _has(one_block.get((round_, kind, endorsement.block_id), of_any_block), endorsement.index):
                yield endorsement


def _useful_rounds(keeper: Keeper, peer: Holdings) -> set[Round]:
    """Rounds that the peer keeps, and the present one here, which it may skip to (L55)."""
    near = range(peer.round - MAX_ROUNDS_BEHIND, peer.round + MAX_ROUNDS_AHEAD + 1)
    useful = {Round(r) for r in near}
    useful |= {r for r, _ in peer.prevotes} | {r for r, _ in peer.precommits}
    useful |= {proposal.pol_round for r, proposal in keeper.proposals.items() if r in near}
    return useful | {keeper.round} if keeper.round > peer.round else useful


def _has(bitmap: Bitmap, index: int) -> bool:
    return index // 8 < len(bitmap) and bool(bitmap[index // 8] >> index % 8 & 1)
