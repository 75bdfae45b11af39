"""Light blocks: a header, the commit that signs it, and the validators of its height (C85). Pure.

    {
      "chain_id":   the chain,
      "commit":     every precommit for the block, in ascending order of the validators' indices,
      "format":     "mvchain light block 1",
      "header":     the header,
      "validators": their keys, in the order of the set; each has power 10 (ledger L1)
    }

Canonical JSON of exactly these members, with headers and commits as in `mvchain.light.documents`. A light client finds
its own way to the validators. For a page, which knows the genesis document alone, a node adds the member `handovers`
(`mvchain.light.handovers`).
"""

from dataclasses import dataclass

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadProof
from mvchain.core.limits import MAX_LIGHT_BLOCK_BYTES, MAX_VALIDATORS, VALIDATOR_POWER
from mvchain.core.strict_json import Json
from mvchain.core.types import Hash, Height, PublicKey, TimeNs
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import (
    ABSENT_SIG,
    MAX_CHAIN_ID_CHARS,
    Commit,
    CommitSig,
    Flag,
    Header,
    validate_commit_basic,
    validate_header_basic,
)
from mvchain.ledger.validators import Validator, ValidatorSet
from mvchain.light.documents import (
    BriefCommit,
    DocumentKind,
    Precommit,
    Value,
    header_from_json,
    header_to_json,
)

FORMAT = "mvchain light block 1"

_KIND = DocumentKind("the light block", codes.MALFORMED_LIGHT_BLOCK)


@dataclass(frozen=True, slots=True)
class LightBlock:
    """As it was received, nothing of it verified."""

    header: Header
    commit: Commit
    """One entry for each validator; where a precommit is not known, or was for nil, it is absent."""
    validators: ValidatorSet

    @property
    def height(self) -> Height:
        """Of the header."""
        return self.header.height

    @property
    def time_ns(self) -> TimeNs:
        """Of the header."""
        return self.header.time_ns

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """Of the validators, in their order."""
        return tuple(validator.public_key for validator in self.validators)

    @property
    def hash(self) -> Hash:
        """Of the header, computed anew at each call."""
        return self.header.hash()


def light_block_to_json(block: LightBlock) -> Json:
    """The document. Every validator must have power 10, as `check_light_block` makes sure."""
    signatures = tuple(
        Precommit(index, entry.time_ns, entry.signature)
        for index, entry in enumerate(block.commit.signatures)
        if entry.flag == Flag.COMMIT
    )
    return {
        "format": FORMAT,
        "chain_id": block.header.chain_id,
        "header": header_to_json(block.header),
        "commit": BriefCommit(block.commit.round, block.commit.block_id.parts, signatures).to_json(),
        "validators": [key.hex() for key in block.keys],
    }


def encode_light_block(block: LightBlock) -> bytes:
    """The document as bytes."""
    return strict_json.canonical(light_block_to_json(block))


def decode_light_block(data: bytes) -> LightBlock:
    """Read such a document; follow it with `check_light_block`.

    Raises:
        BadProof: it is no light block, or not in its one form.
    """
    document = strict_json.loads(data, _KIND.what, max_bytes=MAX_LIGHT_BLOCK_BYTES, error=BadProof)
    block = light_block_from_json(Value(document, _KIND))
    if encode_light_block(block) != data:
        raise BadProof(codes.NOT_CANONICAL, what=_KIND.what)
    return block


def light_block_from_json(value: Value) -> LightBlock:
    """The reverse of `light_block_to_json`; whether it was the one form is for the caller to compare."""
    form = value["format"].text(64)
    if form != FORMAT:
        raise BadProof(codes.UNKNOWN_LIGHT_FORMAT, form=form, known=FORMAT)
    header = header_from_json(value["header"], value["chain_id"].text(MAX_CHAIN_ID_CHARS))
    keys = value["validators"].array(MAX_VALIDATORS, Value.public_key)
    validators = ValidatorSet(tuple(Validator(key) for key in keys))
    block = LightBlock(header, _commit(BriefCommit.from_json(value["commit"]), header, validators), validators)
    if block.keys != keys:
        raise BadProof(codes.LIGHT_BLOCK_ORDER, height=header.height)
    return block


def _commit(brief: BriefCommit, header: Header, validators: ValidatorSet) -> Commit:
    """The commit of this header: who is not in the brief one is absent."""
    entries = [ABSENT_SIG] * len(validators)
    previous = -1
    for one in brief.signatures:
        if not previous < one.index < len(validators):
            raise BadProof(codes.LIGHT_BLOCK_SIGNERS, height=header.height)
        entries[one.index] = CommitSig(Flag.COMMIT, validators[one.index].address, one.time_ns, one.signature)
        previous = one.index
    return Commit(header.height, brief.round, BlockID(header.hash(), brief.parts), tuple(entries))


def check_light_block(untrusted: LightBlock, chain_id: str) -> None:
    """What every light block of the chain keeps to by itself (C86); it says nothing yet about who signed.

    Raises:
        BadProof: names the first thing that is wrong.
    """
    header, commit, validators = untrusted.header, untrusted.commit, untrusted.validators
    height = header.height
    validate_header_basic(header)
    validate_commit_basic(commit)
    if header.chain_id != chain_id:
        raise BadProof(codes.LIGHT_BLOCK_CHAIN, height=height, chain=header.chain_id, trusted=chain_id)
    if commit.height != height:
        raise BadProof(codes.LIGHT_BLOCK_HEIGHT, height=height, signed=commit.height)
    if (found := header.hash()) != commit.block_id.hash:
        raise BadProof(codes.LIGHT_BLOCK_HASH, height=height, signed=commit.block_id.hash.hex(), hash=found.hex())
    for validator in validators:
        if validator.power != VALIDATOR_POWER:
            raise BadProof(codes.LIGHT_BLOCK_POWER, height=height, power=validator.power, expected=VALIDATOR_POWER)
    if not len(validators) or header.validators_hash != validators.hash:
        raise BadProof(codes.LIGHT_BLOCK_VALIDATORS, height=height)
