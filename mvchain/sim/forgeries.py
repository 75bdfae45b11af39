"""Messages that no honest node makes, signed with a node's own key past its guard; for `sim.byzantine`."""

from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Final

from mvchain.core.errors import BadProof
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose
from mvchain.core.proto import bytes_field, message_field, varint_field
from mvchain.core.timestamps import encode_timestamp
from mvchain.core.types import Address, Hash, Height, Round, Signature, TimeNs
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import Block, Commit, CommitSig, Flag, Header, block_id_of
from mvchain.ledger.endorsements import NO_ROUND, Endorsement, Kind, Proposal, proposal_sign_bytes
from mvchain.node.message import Message
from mvchain.node.wire import CompactProposal, Endorsements
from mvchain.sim.node import Node

OTHER_ID: Final = BlockID(Hash(b"\x5a" * 32), PartSetHeader(1, Hash(b"\xa5" * 32)))
"""Of a block that nobody has."""
_FAR: Final = 1 << 62


def signed(node: Node, message: Endorsement, chain_id: str | None = None) -> bytes:
    """The prevote or precommit, encoded, with the signature of the node's key in place of its own."""
    text = message.sign_bytes(chain_id or node.cluster.genesis.chain_id)
    return replace(message, signature=node.key.sign(Purpose.CONSENSUS, text)).encode()


def signed_proposal(node: Node, proposal: Proposal) -> bytes:
    """The same for a proposal."""
    text = proposal.sign_bytes(node.cluster.genesis.chain_id)
    return replace(proposal, signature=node.key.sign(Purpose.CONSENSUS, text)).encode()


def own_endorsements(node: Node, message: Message) -> list[Endorsement]:
    """The node's own prevotes and precommits in a message."""
    found = []
    for item in message.items if isinstance(message, Endorsements) else ():
        with suppress(BadProof):  # it may be misshapen already
            found.append(Endorsement.decode(item))
    return [endorsement for endorsement in found if endorsement.address == node.address]


def own_proposal(node: Node, message: Message) -> Proposal | None:
    """The proposal in a message, if it is the node's own."""
    if not isinstance(message, CompactProposal):
        return None
    try:
        proposal = Proposal.decode(message.proposal)
    except BadProof:
        return None  # it is misshapen already
    mine = node.cluster.proposer(proposal.height, proposal.round).address == node.address
    return proposal if mine else None


def compact(node: Node, proposal: Proposal, block: Block, **changes: object) -> CompactProposal:
    """A proposal of this block in place of another, consistent in itself but for the changes."""
    block_id = block_id_of(block.header, block.encode())
    message = CompactProposal(
        proposal=signed_proposal(node, replace(proposal, block_id=block_id, pol_round=NO_ROUND)),
        header=block.header.encode(),
        tx_hashes=tuple(Hash(sha256(tx)) for tx in block.txs),
        evidence=tuple(piece.encode() for piece in block.evidence),
        last_commit=block.last_commit.encode(),
    )
    return replace(message, **changes)  # type: ignore[arg-type]


def candidate_of(node: Node, proposal: Proposal) -> Block | None:
    """The block that the node proposes; None if it has it no more."""
    candidate = node.replica.blocks.candidates.get(proposal.block_id)
    return None if candidate is None else candidate.block


def changed_header(header: Header, name: str, random: Random) -> Header:
    """The header with one field changed: a number by a little or an hour of nanoseconds, a hash in one bit."""
    value = getattr(header, name)
    changed: object
    match value:
        case int():
            changed = max(0, value + random.choice((-1, 1, 3_600_000_000_000)))
        case str():
            changed = value + "x"
        case bytes():
            changed = bytes((value[0] ^ 1,)) + value[1:] if value else b"x"
        case _:
            changed = OTHER_ID
    return replace(header, **{name: changed})  # type: ignore[arg-type]


def misshapen(node: Node, mine: Endorsement, random: Random) -> bytes:
    """A prevote or precommit that is out of range, of others, unsigned, or no such message (S10)."""
    neighbour = node.cluster.nodes[node.number % len(node.cluster.nodes)]
    far = random.choice((1, 2, 50, 10_000, _FAR))
    return random.choice(
        (
            signed(node, replace(mine, round=Round(mine.round + random.randint(1, 200)))),
            signed(node, replace(mine, height=Height(mine.height + far))),
            signed(node, replace(mine, address=neighbour.address)),
            signed(node, replace(mine, index=(mine.index + 1) % len(node.cluster.nodes))),
            signed(node, replace(mine, block_id=replace(OTHER_ID, parts=PartSetHeader(0, Hash(b"\xa5" * 32))))),
            _raw_endorsement(mine, height=-1),
            _raw_endorsement(mine, round_=-1),
            _raw_endorsement(mine, index=random.choice((-1, len(node.cluster.nodes), 1 << 31, _FAR))),
            replace(mine, signature=Signature(bytes(64))).encode(),
            replace(mine, kind=Kind(3 - mine.kind)).encode(),
            mine.encode()[:-1],
            random.randbytes(random.randint(0, 100)),
        )
    )


def _raw_endorsement(mine: Endorsement, *, height: int = 1, round_: int = 0, index: int = 0) -> bytes:
    """Protobuf of numbers that an `Endorsement` cannot have."""
    return (
        varint_field(1, mine.kind)
        + varint_field(2, height)
        + varint_field(3, round_)
        + message_field(4, mine.block_id.encode())
        + message_field(5, encode_timestamp(mine.time_ns))
        + bytes_field(6, mine.address)
        + varint_field(7, index)
        + bytes_field(8, mine.signature)
    )


def misshapen_proposal(node: Node, proposal: Proposal, random: Random) -> bytes:
    """The same for a proposal (S9, S10)."""
    huge = replace(proposal.block_id, parts=replace(proposal.block_id.parts, total=(1 << 32) - 1))
    pol_round = Round(random.randint(-1, max(proposal.round - 1, 0)))
    unchecked = (proposal.height, proposal.round, proposal.pol_round, proposal.block_id, proposal.time_ns)
    other_chain = node.key.sign(Purpose.CONSENSUS, proposal_sign_bytes(*unchecked, "other"))
    return random.choice(
        (
            replace(proposal, block_id=huge).encode(),
            signed_proposal(node, replace(proposal, pol_round=pol_round)),
            signed_proposal(node, replace(proposal, round=Round(proposal.round + len(node.cluster.nodes)))),
            replace(proposal, signature=other_chain).encode(),
            proposal.encode()[:-1],
        )
    )


def tricked(commit: Commit, random: Random) -> Commit:
    """The commit with one entry, or what it is for, made wrong (S11)."""
    entries = list(commit.signatures)
    present = [i for i, entry in enumerate(entries) if entry.flag is not Flag.ABSENT]
    a, b = random.choice(present), random.choice(range(len(entries)))
    garbage = CommitSig(Flag.COMMIT, entries[a].address, entries[a].time_ns, random.randbytes(64))
    stranger = replace(entries[a], address=Address(random.randbytes(20)))
    trick = random.randrange(6)
    if trick == 0:
        entries[b] = entries[a]
    elif trick == 1:
        entries[a] = garbage
    elif trick == 2:
        entries[a] = stranger
    elif trick == 3:
        entries[a] = replace(entries[a], time_ns=TimeNs(entries[a].time_ns + 3_600_000_000_000))
    elif trick == 4:
        return replace(commit, round=Round(commit.round + 1))
    else:
        return replace(commit, block_id=OTHER_ID)
    return replace(commit, signatures=tuple(entries))
