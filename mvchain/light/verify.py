"""What a receipt proves to someone who trusts the genesis file alone (ledger L10). Pure.

*Included*: the ballot's hash is at index i of the transactions of block H. *Accepted*: the result at the same index i
of the same total says whose ballot it is and which number it has in its poll. *Vouched for*: more than two thirds of
the agencies signed block H+1, which names block H and holds its results.
"""

from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.types import Hash, Height, TimeNs
from mvchain.ledger.blocks import ABSENT_SIG, Commit, CommitSig, Flag, validate_header_basic
from mvchain.ledger.commits import verify_commit_light
from mvchain.ledger.genesis import Genesis, GenesisAgency
from mvchain.ledger.results import accepted_ballot
from mvchain.ledger.validators import ValidatorSet
from mvchain.light.receipts import AcceptedBallot, OpenReceipt, decode_receipt


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """Claims of an open receipt, all of them proved."""

    ballot: Hash
    height: Height
    time_ns: TimeNs
    """Time of the block that holds the ballot."""
    accepted: AcceptedBallot
    vouching: tuple[GenesisAgency, ...]
    """Agencies whose signatures the receipt holds: just enough for a quorum."""
    agencies: int
    """How many there are in all."""


def verify_receipt(untrusted: bytes, trusted: Genesis) -> VerifiedReceipt:
    """Verify an open receipt file against a genesis file.

    Raises:
        BadProof: it does not hold; the code says which claim failed.
    """
    receipt = decode_receipt(untrusted)
    if receipt.chain_id != trusted.chain_id:
        raise BadProof(codes.RECEIPT_OF_ANOTHER_CHAIN, chain=receipt.chain_id, trusted=trusted.chain_id)
    validators = trusted.validators()
    vouching = _verify_signatures(receipt, trusted, validators)
    _verify_link(receipt)
    _verify_paths(receipt)
    return VerifiedReceipt(
        ballot=receipt.ballot,
        height=Height(receipt.header.height),
        time_ns=receipt.header.time_ns,
        accepted=receipt.result,
        vouching=vouching,
        agencies=len(validators),
    )


def _verify_signatures(receipt: OpenReceipt, trusted: Genesis, validators: ValidatorSet) -> tuple[GenesisAgency, ...]:
    """The agencies of the genesis file signed the next header, and the receipt holds just enough of them."""
    header = receipt.next_header
    validate_header_basic(header)
    same_set = receipt.validators == tuple(validator.public_key for validator in validators)
    if not same_set or header.validators_hash != validators.hash:
        raise BadProof(codes.RECEIPT_VALIDATORS, height=header.height)
    entries = [ABSENT_SIG] * len(validators)
    last = -1
    for one in receipt.signatures:
        if not last < one.index < len(validators):
            raise BadProof(codes.RECEIPT_SIGNERS, height=header.height)
        last = one.index
        entries[last] = CommitSig(Flag.COMMIT, validators[last].address, one.time_ns, one.signature)
    if not validators.has_quorum(sum(validators[one.index].power for one in receipt.signatures)):
        raise BadProof(codes.RECEIPT_NO_QUORUM, height=header.height, have=len(receipt.signatures), of=len(validators))
    if validators.has_quorum(sum(validators[one.index].power for one in receipt.signatures[1:])):
        raise BadProof(codes.RECEIPT_SIGNERS, height=header.height)
    commit = Commit(Height(header.height), receipt.commit_round, receipt.block_id, tuple(entries))
    verify_commit_light(commit, receipt.chain_id, validators, Height(header.height), receipt.block_id)
    by_key = {agency.validator_key: agency for agency in trusted.agencies}
    return tuple(by_key[validators[one.index].public_key] for one in receipt.signatures)


def _verify_link(receipt: OpenReceipt) -> None:
    """The signed header names the header that holds the ballot."""
    header, following = receipt.header, receipt.next_header
    validate_header_basic(header)
    if following.height != header.height + 1 or following.last_block_id.hash != header.hash():
        raise BadProof(codes.RECEIPT_HEADERS, height=header.height, following=following.height)
    if following.time_ns <= header.time_ns:
        raise BadProof(codes.RECEIPT_HEADERS, height=header.height, following=following.height)


def _verify_paths(receipt: OpenReceipt) -> None:
    """Included and accepted, at the same index of the same total: a root does not bind the total (C19)."""
    if not receipt.included.proves(receipt.ballot, receipt.header.data_hash):
        raise BadProof(codes.RECEIPT_NOT_INCLUDED, ballot=receipt.ballot.hex(), height=receipt.header.height)
    one = receipt.result
    result = accepted_ballot(one.poll, one.number, one.voter, one.units).encode()
    if not receipt.accepted.proves(result, receipt.next_header.last_results_hash):
        raise BadProof(codes.RECEIPT_NOT_ACCEPTED, ballot=receipt.ballot.hex(), height=receipt.header.height)
    same_place = (receipt.included.index, receipt.included.total) == (
        receipt.accepted.index,
        receipt.accepted.total,
    )
    if not same_place:
        raise BadProof(codes.RECEIPT_OTHER_PLACE, ballot=receipt.ballot.hex())
