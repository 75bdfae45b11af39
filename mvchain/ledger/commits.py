"""Making commits, and deciding whether one convinces (C51, C55, C87).

Entries are matched to validators by index, and the address in an entry must be that of the validator there:
so nobody counts twice, and what reads the commit later cannot be led to another validator (ATK01).
"""

from collections.abc import Iterable
from dataclasses import replace

from mvchain.core import codes, keys
from mvchain.core.errors import BadProof
from mvchain.core.keys import Purpose
from mvchain.core.types import Address, Height, Round, Signature
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID
from mvchain.ledger.blocks import ABSENT_SIG, Commit, CommitSig, Flag
from mvchain.ledger.endorsements import Endorsement, Kind, endorsement_sign_bytes
from mvchain.ledger.validators import ValidatorSet


def verify_commit_full(
    commit: Commit, chain_id: str, validators: ValidatorSet, height: Height, block_id: BlockID
) -> None:
    """What a full node asks of a commit (C55): every signature is right, those for nil included (ATK24).

    Args:
        validators: the set of that height.
        height, block_id: the block that the commit has to be for.

    Raises:
        BadProof: names the first thing that is wrong.
    """
    _verify(commit, chain_id, validators, height, block_id, (Flag.COMMIT, Flag.NIL))


def verify_commit_light(
    commit: Commit, chain_id: str, validators: ValidatorSet, height: Height, block_id: BlockID
) -> None:
    """What a light client asks of a commit (C87, tally by index): it looks at precommits for the block only.

    It does not stop at the quorum, as CometBFT's does: a receipt holds no more signatures than needed (L11).
    Arguments and errors are those of `verify_commit_full`.
    """
    _verify(commit, chain_id, validators, height, block_id, (Flag.COMMIT,))


def _verify(  # noqa: PLR0917 - the arguments of both, and which entries count
    commit: Commit,
    chain_id: str,
    validators: ValidatorSet,
    height: Height,
    block_id: BlockID,
    checked: tuple[Flag, ...],
) -> None:
    if commit.height != height:
        raise BadProof(codes.COMMIT_HEIGHT, height=commit.height, expected=height)
    if commit.block_id != block_id or block_id.is_nil:
        raise BadProof(codes.COMMIT_BLOCK, height=height)
    if len(commit.signatures) != len(validators):
        raise BadProof(codes.COMMIT_COUNT, height=height, count=len(commit.signatures), expected=len(validators))
    power = 0
    for index, (entry, validator) in enumerate(zip(commit.signatures, validators, strict=True)):
        if entry.flag not in checked:
            continue
        if entry.address != validator.address:
            raise BadProof(codes.COMMIT_ADDRESS, index=index, height=height, address=entry.address.hex())
        signed_for = block_id if entry.flag == Flag.COMMIT else NIL_BLOCK_ID
        message = endorsement_sign_bytes(Kind.PRECOMMIT, height, commit.round, signed_for, entry.time_ns, chain_id)
        if not keys.verify(Purpose.CONSENSUS, validator.public_key, message, entry.signature):
            raise BadProof(codes.COMMIT_SIGNATURE, index=index, height=height)
        if entry.flag == Flag.COMMIT:
            power += validator.power
    if not validators.has_quorum(power):
        raise BadProof(codes.COMMIT_POWER, height=height, power=power, total=validators.total_power)


def commit_from_precommits(
    height: Height,
    round_: Round,
    block_id: BlockID,
    validators: ValidatorSet,
    precommits: Iterable[Endorsement],
) -> Commit:
    """The commit of a decided block from verified precommits (C51).

    One for another block leaves its validator absent: a commit can say "for the block" and "nil" only (C49).
    """
    commit = Commit(height, round_, block_id, (ABSENT_SIG,) * len(validators))
    for precommit in precommits:
        commit = add_precommit(commit, precommit, validators)
    return commit


def precommits_of(commit: Commit) -> list[Endorsement]:
    """The messages that a verified commit was made of, by index."""
    return [
        Endorsement(
            kind=Kind.PRECOMMIT,
            height=commit.height,
            round=commit.round,
            block_id=commit.block_id if entry.flag is Flag.COMMIT else NIL_BLOCK_ID,
            time_ns=entry.time_ns,
            address=Address(entry.address),
            index=index,
            signature=Signature(entry.signature),
        )
        for index, entry in enumerate(commit.signatures)
        if entry.flag is not Flag.ABSENT
    ]


def add_precommit(commit: Commit, precommit: Endorsement, validators: ValidatorSet) -> Commit:
    """The commit with one more verified precommit of its height and round; itself if that adds nothing."""
    assert (precommit.kind, precommit.height, precommit.round) == (
        Kind.PRECOMMIT,
        commit.height,
        commit.round,
    )
    index = precommit.index
    if not (precommit.block_id == commit.block_id or precommit.block_id.is_nil):
        return commit
    if index >= len(validators) or validators[index].address != precommit.address:
        return commit
    if commit.signatures[index].flag != Flag.ABSENT:
        return commit
    flag = Flag.NIL if precommit.block_id.is_nil else Flag.COMMIT
    entry = CommitSig(flag, precommit.address, precommit.time_ns, precommit.signature)
    return replace(commit, signatures=(*commit.signatures[:index], entry, *commit.signatures[index + 1 :]))
