"""What a file proves to someone who trusts the genesis file alone (ledger L10). Pure.

An open receipt: *included*, the ballot's hash is at index i of the transactions of block H; *accepted*, the result at
the same index i of the same total says whose ballot it is and which number it has in its poll. More than two thirds of
the agencies signed block H+1, which names block H and holds its results.

A proof about a poll: the poll's record is in the state that a header commits to, and what is claimed leads to a root
or hash in the record. More than two thirds of the agencies signed that header.

The agencies are those of the genesis document, or those whom these handed the chain over to (`light.handovers`).

Signatures come last in each, since they cost the most.
"""

from dataclasses import dataclass

from mvchain.core import codes, merkle, strict_json
from mvchain.core.errors import BadProof, BadTransaction
from mvchain.core.hashing import EMPTY_HASH
from mvchain.core.limits import MAX_PROOF_BYTES
from mvchain.core.types import BallotNumber, Hash, Height, PollNumber, TaggedKey, TimeNs
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.keyspace import counted_item, roll_item
from mvchain.ledger.polls import PollDefinition, decode_definition, definition_hash
from mvchain.ledger.records import Poll, PollState, Tally
from mvchain.ledger.results import accepted_ballot
from mvchain.ledger.state_tree import STORES, pair_item, record_key
from mvchain.ledger.tally import tally_hash
from mvchain.light import proofs
from mvchain.light.documents import Path
from mvchain.light.handovers import Vouchers, verify_signed
from mvchain.light.proofs import (
    Claim,
    Counted,
    Neighbour,
    NotCounted,
    OnRoll,
    PollProof,
    Question,
    Recorded,
    Result,
    Superseded,
    decode_proof,
    read_proof,
)
from mvchain.light.receipts import AcceptedBallot, OpenReceipt, decode_receipt, read_receipt


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """Claims of an open receipt, all of them proved."""

    ballot: Hash
    height: Height
    time_ns: TimeNs
    """Time of the block that holds the ballot."""
    accepted: AcceptedBallot
    vouchers: Vouchers


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A claim about a poll, proved."""

    poll: PollNumber
    record: Poll
    height: Height
    """Of the block whose header commits to the record: it is the state after the block before."""
    time_ns: TimeNs
    """Time of that block."""
    claim: Claim
    definition: PollDefinition | None
    """Of the claims that show it."""
    tally: Tally | None
    """Of a result."""
    vouchers: Vouchers


def verify(untrusted: bytes, trusted: Genesis) -> VerifiedReceipt | VerifiedProof:
    """Verify a receipt or a proof, whichever the file is.

    Raises:
        BadProof: it is neither, or does not hold; the code says which claim failed.
    """
    parsed = strict_json.loads(untrusted, "the file", max_bytes=MAX_PROOF_BYTES, error=BadProof)
    if isinstance(parsed, dict) and parsed.get("format") == proofs.FORMAT:
        return _verified_proof(read_proof(parsed, untrusted), trusted)
    return _verified_receipt(read_receipt(parsed, untrusted), trusted)


def _verify_chain(chain_id: str, trusted: Genesis) -> None:
    if chain_id != trusted.chain_id:
        raise BadProof(codes.RECEIPT_OF_ANOTHER_CHAIN, chain=chain_id, trusted=trusted.chain_id)


# --- open receipts ---


def verify_receipt(untrusted: bytes, trusted: Genesis) -> VerifiedReceipt:
    """Verify an open receipt file.

    Raises:
        BadProof: it does not hold; the code says which claim failed.
    """
    return _verified_receipt(decode_receipt(untrusted), trusted)


def _verified_receipt(receipt: OpenReceipt, trusted: Genesis) -> VerifiedReceipt:
    _verify_chain(receipt.chain_id, trusted)
    _verify_headers(receipt)
    _verify_paths(receipt)
    return VerifiedReceipt(
        ballot=receipt.ballot,
        height=receipt.header.height,
        time_ns=receipt.header.time_ns,
        accepted=receipt.result,
        vouchers=verify_signed(receipt.next_header, receipt.commit, receipt.validators, receipt.handovers, trusted),
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


# --- proofs about a poll ---


def verify_proof(untrusted: bytes, trusted: Genesis) -> VerifiedProof:
    """Verify a proof about a poll, a completed receipt among them.

    Raises:
        BadProof: it does not hold; the code says which claim failed.
    """
    return _verified_proof(decode_proof(untrusted), trusted)


def _verified_proof(proof: PollProof, trusted: Genesis) -> VerifiedProof:
    _verify_chain(proof.chain_id, trusted)
    record = _verified_record(proof)
    definition, tally = _verify_claim(proof, record, trusted)
    return VerifiedProof(
        poll=proof.poll,
        record=record,
        height=proof.header.height,
        time_ns=proof.header.time_ns,
        claim=proof.claim,
        definition=definition,
        tally=tally,
        vouchers=verify_signed(proof.header, proof.commit, proof.validators, proof.handovers, trusted),
    )


def _verified_record(proof: PollProof) -> Poll:
    """The record is that of the poll's number in the store `polls` of the state (C142, C144)."""
    place = STORES.index("polls")
    in_store, in_state = proof.record_path, proof.store_path
    root = in_store.root_above(pair_item(record_key(proof.poll), proof.record))
    holds = (
        in_store.index == proof.poll - 1
        and (in_state.index, in_state.total) == (place, len(STORES))
        and root is not None
        and in_state.proves(pair_item(b"polls", root), proof.header.app_hash)
    )
    if not holds:
        raise BadProof(codes.PROOF_RECORD, poll=proof.poll, height=proof.header.height)
    return Poll.decode(proof.record, BadProof)


def _verify_claim(proof: PollProof, record: Poll, trusted: Genesis) -> tuple[PollDefinition | None, Tally | None]:
    """The claim leads to the record; the definition and the tally that it shows."""
    poll = proof.poll
    match proof.claim:
        case Question(definition):
            return _verified_definition(poll, record, definition), None
        case Result(definition, tally):
            _require_final(poll, record)
            if tally_hash(tally) != record.tally_hash:
                raise BadProof(codes.PROOF_RESULT, poll=poll)
            return _verified_definition(poll, record, definition), Tally.decode(tally, BadProof)
        case OnRoll(voter, weight, path):
            if path.total != record.roll_size or not path.proves(roll_item(voter, weight), record.roll_root):
                raise BadProof(codes.PROOF_ON_ROLL, poll=poll, voter=voter.hex(), weight=weight)
        case Recorded(size, root, nodes):
            if not merkle.verify_consistency(size, record.ballots_size, root, record.ballots_root, nodes):
                raise BadProof(codes.PROOF_RECORDED, poll=poll, size=size, now=record.ballots_size)
        case Counted() as counted:
            _verify_counted(poll, record, counted, counted.number)
        case Superseded() as claim:
            _verify_counted(poll, record, claim.superseded, claim.counted_number)
            _verify_superseded(proof, claim, trusted)
        case NotCounted() as claim:
            _require_final(poll, record)
            _verify_neighbours(poll, record, claim)
    return None, None


def _verified_definition(poll: PollNumber, record: Poll, data: bytes) -> PollDefinition:
    if definition_hash(data) != record.definition_hash:
        raise BadProof(codes.PROOF_QUESTION, poll=poll)
    try:
        return decode_definition(data)
    except BadTransaction as error:  # of a later version
        raise BadProof(error.cause, **error.data) from None


def _require_final(poll: PollNumber, record: Poll) -> None:
    if record.state is not PollState.FINAL:
        raise BadProof(codes.PROOF_NOT_FINAL, poll=poll, state=record.state.name.lower())


def _verify_counted(poll: PollNumber, record: Poll, ballot: Counted, number: BallotNumber) -> None:
    """The ballot has its number in the final log; ballot `number` is the one of the voter that counts."""
    _require_final(poll, record)
    path = ballot.ballot_path
    placed = (path.index, path.total) == (ballot.number, record.ballots_size)
    if not placed or not path.proves(ballot.ballot, record.ballots_root):
        raise BadProof(codes.PROOF_BALLOT, poll=poll, ballot=ballot.ballot.hex(), number=ballot.number)
    _verify_counts(poll, record, ballot.voter, number, ballot.counted_path)


def _verify_counts(poll: PollNumber, record: Poll, voter: TaggedKey, number: BallotNumber, path: Path) -> None:
    if path.total != record.counted_size or not path.proves(counted_item(voter, number), record.counted_root):
        raise BadProof(codes.PROOF_COUNTED, poll=poll, voter=voter.hex(), number=number)


def _verify_superseded(proof: PollProof, claim: Superseded, trusted: Genesis) -> None:
    """The voter whose later ballot counts is the voter of this ballot: the log alone does not say whose a ballot is."""
    ballot, accepted = claim.superseded, claim.accepted
    if claim.counted_number <= ballot.number:
        raise BadProof(codes.PROOF_SUPERSEDED, number=ballot.number, counted=claim.counted_number)
    result = accepted_ballot(proof.poll, ballot.number, ballot.voter, accepted.units).encode()
    if not accepted.path.proves(result, accepted.header.last_results_hash):
        height, voter = accepted.header.height, ballot.voter.hex()
        raise BadProof(codes.PROOF_ACCEPTED, poll=proof.poll, height=height, number=ballot.number, voter=voter)
    own = accepted.validators
    signers = (own, accepted.handovers) if own else (proof.validators, proof.handovers)
    verify_signed(accepted.header, accepted.commit, *signers, trusted)


def _verify_neighbours(poll: PollNumber, record: Poll, claim: NotCounted) -> None:
    """The keys stand side by side in the list of those whose ballots count, and the voter's would be between them."""
    before, after, size = claim.before, claim.after, record.counted_size
    for one in (before, after):
        if one is not None:
            _verify_counts(poll, record, one.voter, one.number, one.path)
    follows = (0 if before is None else before.path.index + 1) == (size if after is None else after.path.index)
    if not follows or not _ascending(before, claim.voter, after) or (size == 0 and record.counted_root != EMPTY_HASH):
        raise BadProof(codes.PROOF_NEIGHBOURS, poll=poll, voter=claim.voter.hex())


def _ascending(before: Neighbour | None, voter: TaggedKey, after: Neighbour | None) -> bool:
    return (before is None or before.voter < voter) and (after is None or voter < after.voter)
