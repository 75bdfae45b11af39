"""What a receipt proves to someone who trusts the genesis file alone (ledger L10). Pure.

*Included*: the ballot's hash is at index i of the transactions of block H. *Accepted*: the result at the same index i
of the same total says whose ballot it is and which number it has in its poll. *Vouched for*: more than two thirds of
the agencies signed block H+1, which names block H and holds its results.
"""

from dataclasses import dataclass

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.types import Hash, Height, TimeNs
from mvchain.ledger.blocks import ABSENT_SIG, Commit, CommitSig, Flag
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
    """Agencies whose signatures the receipt holds, by number: just enough for a quorum."""
    agencies: int
    """How many there are in all."""


def verify_receipt(untrusted: bytes, trusted: Genesis) -> VerifiedReceipt:
    """Verify an open receipt file against a genesis file. Signatures come last, since they cost the most.

    Raises:
        BadProof: it does not hold; the code says which claim failed.
    """
    receipt = decode_receipt(untrusted)
    if receipt.chain_id != trusted.chain_id:
        raise BadProof(codes.RECEIPT_OF_ANOTHER_CHAIN, chain=receipt.chain_id, trusted=trusted.chain_id)
    _verify_headers(receipt)
    _verify_paths(receipt)
    validators = _verified_set(receipt, trusted)
    _verify_commit(receipt, validators)
    signed = {validators[one.index].public_key for one in receipt.signatures}
    return VerifiedReceipt(
        ballot=receipt.ballot,
        height=receipt.header.height,
        time_ns=receipt.header.time_ns,
        accepted=receipt.result,
        vouching=tuple(agency for agency in trusted.agencies if agency.validator_key in signed),
        agencies=len(validators),
    )


def _verify_headers(receipt: OpenReceipt) -> None:
    """The next header names the one that holds the ballot, so that whoever signs the next vouches for both.

    What a header must keep to by itself (C28) has been asked by `decode_receipt`.
    """
    header, following = receipt.header, receipt.next_header
    if following.height != header.height + 1 or following.last_block_id.hash != header.hash():
        raise BadProof(codes.RECEIPT_HEADERS, height=header.height, following=following.height)
    if following.time_ns <= header.time_ns:
        raise BadProof(codes.RECEIPT_TIMES, height=header.height, following=following.height)


def _verify_paths(receipt: OpenReceipt) -> None:
    """Included and accepted, at the same index of the same total.

    A block has as many results as transactions. So paths of equal index and total turn alike and end at the same
    leaf of both trees, even if index and total are lies: a root does not bind them (C19).
    """
    height, ballot = receipt.header.height, receipt.ballot.hex()
    included, accepted = receipt.included, receipt.accepted
    if (included.index, included.total) != (accepted.index, accepted.total):
        raise BadProof(codes.RECEIPT_OTHER_PLACE, ballot=ballot)
    if not included.proves(receipt.ballot, receipt.header.data_hash):
        raise BadProof(codes.RECEIPT_NOT_INCLUDED, ballot=ballot, height=height)
    said = receipt.result
    result = accepted_ballot(said.poll, said.number, said.voter, said.units).encode()
    if not accepted.proves(result, receipt.next_header.last_results_hash):
        raise BadProof(codes.RECEIPT_NOT_ACCEPTED, ballot=ballot, height=height)


def _verified_set(receipt: OpenReceipt, trusted: Genesis) -> ValidatorSet:
    """The set that signs the next header is that of the genesis file, and the receipt lists it so."""
    validators = trusted.validators()
    listed = receipt.validators == tuple(validator.public_key for validator in validators)
    if not listed or receipt.next_header.validators_hash != validators.hash:
        raise BadProof(codes.RECEIPT_VALIDATORS, height=receipt.next_header.height)
    return validators


def _verify_commit(receipt: OpenReceipt, validators: ValidatorSet) -> None:
    """A quorum signed the next header: each validator once, in the order of the set, and none too many (L11)."""
    height = receipt.next_header.height
    entries = [ABSENT_SIG] * len(validators)
    power, previous = 0, -1
    for one in receipt.signatures:
        if not previous < one.index < len(validators):
            raise BadProof(codes.RECEIPT_SIGNERS, height=height)
        if validators.has_quorum(power):
            raise BadProof(codes.RECEIPT_TOO_MANY_SIGNERS, height=height, have=len(receipt.signatures))
        validator = validators[one.index]
        entries[one.index] = CommitSig(Flag.COMMIT, validator.address, one.time_ns, one.signature)
        power += validator.power
        previous = one.index
    if not validators.has_quorum(power):
        raise BadProof(codes.RECEIPT_NO_QUORUM, height=height, have=len(receipt.signatures), of=len(validators))
    commit = Commit(height, receipt.commit_round, receipt.block_id, tuple(entries))
    verify_commit_light(commit, receipt.chain_id, validators, height, receipt.block_id)
