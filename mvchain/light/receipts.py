"""The open receipt (ledger L11): a self-contained file that proves that one ballot was included and accepted.

It holds the hash of the ballot, not the ballot: to show a receipt is not to show the choice. Pure: bytes in, value
or `BadProof` out.

    {
      "accepted":    {"index", "total", "aunts", "result": {"poll", "number", "voter", "units"}},
      "ballot":      hash of the ballot's transaction,
      "chain_id":    the chain,
      "commit":      {"round", "parts": {"total", "hash"}, "signatures": [[validator's index, time, signature], ...]},
      "format":      "mvchain open receipt 1",
      "handovers":   how the set of genesis became this one; absent where it is the same (`mvchain.light.handovers`),
      "header":      header of the block H that holds the ballot,
      "included":    {"index", "total", "aunts"},
      "next_header": header of block H+1, which names block H, holds its results, and is what the commit signs,
      "validators":  their keys, in the order of the set
    }

Headers, commits and paths are those of `mvchain.light.documents`.

One receipt has one form: canonical JSON of exactly these members. The reader encodes what it understood and compares,
so nothing can be added, left out or written in another way.
"""

from dataclasses import dataclass

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadProof
from mvchain.core.keys import TAGGED_KEY_BYTES
from mvchain.core.limits import MAX_BLOCK_UNITS, MAX_NUMBER, MAX_RECEIPT_BYTES, MAX_REVISIONS, MAX_ROLL_SIZE
from mvchain.core.strict_json import Json
from mvchain.core.types import BallotNumber, Hash, PollNumber, PublicKey, TaggedKey
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import MAX_CHAIN_ID_CHARS, Header
from mvchain.light.documents import (
    BriefCommit,
    DocumentKind,
    Path,
    Value,
    header_from_json,
    header_to_json,
)
from mvchain.light.handovers import Handover, signers_from_json, signers_to_json

FORMAT = "mvchain open receipt 1"

_KIND = DocumentKind("the receipt", codes.MALFORMED_RECEIPT)


@dataclass(frozen=True, slots=True)
class AcceptedBallot:
    """What the result of an accepted ballot says (ledger L3): of which poll it is, which one there, and whose."""

    poll: PollNumber
    number: BallotNumber
    """From 0, in order of acceptance."""
    voter: TaggedKey
    units: int
    """Work units it took (N2); part of the hashed result."""


@dataclass(frozen=True, slots=True)
class OpenReceipt:
    """A receipt as it was read, nothing of it verified. See the module's docstring for the members of the file."""

    chain_id: str
    ballot: Hash
    header: Header
    next_header: Header
    included: Path
    accepted: Path
    result: AcceptedBallot
    commit: BriefCommit
    validators: tuple[PublicKey, ...]
    handovers: tuple[Handover, ...] = ()

    @property
    def block_id(self) -> BlockID:
        """What the commit signs: the next header, in the parts that were signed with it."""
        return BlockID(self.next_header.hash(), self.commit.parts)

    def encode(self) -> bytes:
        """The file."""
        result = self.result
        accepted = self.accepted.to_json()
        accepted["result"] = {
            "poll": result.poll,
            "number": result.number,
            "voter": result.voter.hex(),
            "units": result.units,
        }
        return strict_json.canonical(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "ballot": self.ballot.hex(),
                "header": header_to_json(self.header),
                "next_header": header_to_json(self.next_header),
                "included": self.included.to_json(),
                "accepted": accepted,
                "commit": self.commit.to_json(),
                **signers_to_json(self.validators, self.handovers),
            }
        )


def decode_receipt(data: bytes) -> OpenReceipt:
    """Read a receipt file.

    Raises:
        BadProof: it is no open receipt, or not in its one form.
    """
    return read_receipt(strict_json.loads(data, _KIND.what, max_bytes=MAX_RECEIPT_BYTES, error=BadProof), data)


def read_receipt(parsed: Json, data: bytes) -> OpenReceipt:
    """The same of a file that was parsed already."""
    if len(data) > MAX_RECEIPT_BYTES:
        raise BadProof(codes.TOO_LARGE, what=_KIND.what, size=len(data), limit=MAX_RECEIPT_BYTES)
    top = Value(parsed, _KIND)
    form = top["format"].text(64)
    if form != FORMAT:
        raise BadProof(codes.UNKNOWN_RECEIPT_FORMAT, form=form, known=FORMAT)
    chain_id = top["chain_id"].text(MAX_CHAIN_ID_CHARS)
    # A transaction takes at least one unit, so no block holds more of them than units (N2).
    accepted = Path.from_json(top["accepted"], MAX_BLOCK_UNITS)
    result = top["accepted"]["result"]
    validators, handovers = signers_from_json(top, chain_id)
    receipt = OpenReceipt(
        chain_id=chain_id,
        ballot=top["ballot"].hash(),
        header=header_from_json(top["header"], chain_id),
        next_header=header_from_json(top["next_header"], chain_id),
        included=Path.from_json(top["included"], MAX_BLOCK_UNITS),
        accepted=accepted,
        result=AcceptedBallot(
            poll=PollNumber(result["poll"].integer(1, MAX_NUMBER)),
            number=BallotNumber(result["number"].integer(0, MAX_ROLL_SIZE * MAX_REVISIONS - 1)),
            voter=TaggedKey(result["voter"].hex(TAGGED_KEY_BYTES)),
            units=result["units"].integer(1, MAX_BLOCK_UNITS),
        ),
        commit=BriefCommit.from_json(top["commit"]),
        validators=validators,
        handovers=handovers,
    )
    if receipt.encode() != data:
        raise BadProof(codes.NOT_CANONICAL, what=_KIND.what)
    return receipt
