"""How the validators of the genesis document handed the chain over to those who signed a header (ledger L10). Pure.

A document whose header is signed by another set than that of genesis has the member `handovers`: blocks of the chain,
each the last one before the set changes, {"header", "commit", "validators": keys of its own set, in their order}.

1. A block is believed once more than two thirds of its own set signed it, and its set is believed. The set of genesis
   is; so are the two that the block before it on the way names, its own and that of the next height. Any other set is
   believed where more than two thirds of the set of the block before signed this block too: so changes of a few
   members need no block each.
2. The set that signed the document's header is one of the two that the last block names.
3. Heights ascend. Each block names two different sets. None can be left out: what follows a block is not believed from
   the one before that block, and its set is named by none of those before. Each signature is needed where it stands,
   in the order of the set.
4. So the member is absent where the set is that of genesis, and there are at most MAX_HANDOVERS blocks.

No trusting period holds: agencies destroy the keys that they replace (L10). Names are those of the genesis document;
a key that it does not know is shown as a key, of an agency that joined later or has a new key, since a name that no
signature of genesis covers would be a mere claim.

`way_from_genesis` makes the way: from what is believed always to the last block that is believed from there. All nodes
have the same blocks, and make the same way of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadProof, Cause
from mvchain.core.limits import MAX_HANDOVERS, MAX_VALIDATORS
from mvchain.core.strict_json import Json
from mvchain.core.types import Height, PublicKey
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import ABSENT_SIG, Commit, CommitSig, Flag, Header
from mvchain.ledger.commits import verify_commit_light
from mvchain.ledger.genesis import Genesis, GenesisAgency
from mvchain.ledger.validators import Validator, ValidatorSet
from mvchain.light.blocks import LightBlock, light_block_to_json
from mvchain.light.documents import BriefCommit, Precommit, Value, header_from_json, header_to_json


@dataclass(frozen=True, slots=True)
class Handover:
    """The last block that a set signed before the next one, as it was read, nothing of it verified."""

    header: Header
    commit: BriefCommit
    validators: tuple[PublicKey, ...]

    def to_json(self) -> Json:
        """See the module's docstring."""
        return {
            "header": header_to_json(self.header),
            "commit": self.commit.to_json(),
            "validators": [key.hex() for key in self.validators],
        }

    @classmethod
    def from_json(cls, value: Value, chain_id: str) -> "Handover":
        """The reverse."""
        return cls(
            header=header_from_json(value["header"], chain_id),
            commit=BriefCommit.from_json(value["commit"]),
            validators=value["validators"].array(MAX_VALIDATORS, Value.public_key),
        )


def signers_to_json(validators: Sequence[PublicKey], handovers: Sequence[Handover]) -> dict[str, Json]:
    """The members of a document that say who may sign: `validators` and, where there are any, `handovers`."""
    members: dict[str, Json] = {"validators": [key.hex() for key in validators]}
    if handovers:
        members["handovers"] = [one.to_json() for one in handovers]
    return members


def signers_from_json(value: Value, chain_id: str) -> tuple[tuple[PublicKey, ...], tuple[Handover, ...]]:
    """The reverse: the keys, and the handovers that lead to them."""
    validators = value["validators"].array(MAX_VALIDATORS, Value.public_key)
    if "handovers" not in value:
        return validators, ()
    return validators, value["handovers"].array(MAX_HANDOVERS, lambda one: Handover.from_json(one, chain_id))


# --- verifying ---


@dataclass(frozen=True, slots=True)
class Vouchers:
    """Who vouches: whose signatures the file holds, just enough for a quorum."""

    vouching: tuple[GenesisAgency, ...]
    """Agencies by the keys that the genesis document has for them, by number."""
    later: tuple[PublicKey, ...]
    """Validator keys that it does not know, in the order of the set."""
    agencies: int
    """All in all at that height: each has one validator."""


@dataclass(frozen=True, slots=True)
class _Believed:
    """A block that is believed, or the genesis document: whose signatures make others believed."""

    height: Height
    validators: ValidatorSet
    next_hash: bytes
    """Of the set that signs the next height."""

    @classmethod
    def of_genesis(cls, genesis: Genesis) -> "_Believed":
        validators = genesis.validators()
        return cls(Height(0), validators, validators.hash)

    def names(self, header: Header) -> bool:
        """Whether it names the set that signs this header."""
        return header.validators_hash in (self.validators.hash, self.next_hash)

    def may_reach(self, validators: ValidatorSet) -> bool:
        """Whether a block of this set could be believed from here, were it signed by all of it."""
        if validators.hash in (self.validators.hash, self.next_hash):
            return True
        return self.validators.has_quorum(self.validators.power_within(validators))

    def reaches(self, header: Header, signers: Iterable[Validator]) -> bool:
        """Whether the header's set is believed from here, if all these signed it; by address (C87)."""
        if self.names(header):
            return True
        known = (self.validators.by_address(one.address) for one in signers)
        return self.validators.has_quorum(sum(found[1].power for found in known if found))


class _Tally:
    """Counts signers against each of the sets of which more than two thirds must sign."""

    def __init__(self, *sets: ValidatorSet) -> None:
        self._sets = sets
        self._powers = [0] * len(sets)

    def counts(self, signer: Validator) -> bool:
        """Count one more; whether a set of which it is a member still lacked it."""
        counted = False
        for at, members in enumerate(self._sets):
            if not self.is_full(at) and (known := members.by_address(signer.address)):
                self._powers[at] += known[1].power
                counted = True
        return counted

    def is_full(self, at: int) -> bool:
        """Whether more than two thirds of that set have signed."""
        return self._sets[at].has_quorum(self._powers[at])


def verify_signed(
    header: Header,
    commit: BriefCommit,
    listed: tuple[PublicKey, ...],
    handovers: Sequence[Handover],
    trusted: Genesis,
) -> Vouchers:
    """A quorum of the set of the genesis document, or of one that it was handed over to, signed the header.

    Signatures come last, since they cost the most.

    Raises:
        BadProof: names the first thing that is wrong.
    """
    believed = [_Believed.of_genesis(trusted)]
    signed: list[tuple[Header, BriefCommit, ValidatorSet]] = []
    for one in handovers:
        validators = _set_of(one.validators, one.header, codes.HANDOVER_VALIDATORS)
        _check_handover(one, validators, believed)
        believed.append(_Believed(one.header.height, validators, one.header.next_validators_hash))
        signed.append((one.header, one.commit, validators))
    validators = _set_of(listed, header, codes.RECEIPT_VALIDATORS)
    _check_end(header, believed)
    check_signers(header, commit, validators)
    for each in (*signed, (header, commit, validators)):
        _verify_signatures(*each)
    return _vouchers(commit, validators, trusted)


def _set_of(listed: tuple[PublicKey, ...], header: Header, wrong: Cause) -> ValidatorSet:
    """The set that the header names, listed once each in its order."""
    if len(set(listed)) == len(listed):
        validators = ValidatorSet(tuple(Validator(key) for key in listed))
        in_order = tuple(validator.public_key for validator in validators) == listed
        if in_order and header.validators_hash == validators.hash:
            return validators
    raise BadProof(wrong, height=header.height)


def _check_handover(one: Handover, validators: ValidatorSet, believed: Sequence[_Believed]) -> None:
    """All but the signatures themselves (rules 1 and 3)."""
    header, last = one.header, believed[-1]
    if header.height <= last.height:
        raise BadProof(codes.HANDOVER_ORDER, height=header.height, before=last.height)
    if header.next_validators_hash == header.validators_hash:
        raise BadProof(codes.HANDOVER_TO_NOBODY, height=header.height)
    check_signers(header, one.commit, validators, None if last.names(header) else last.validators)
    _check_needed(header, believed)
    signers = [validators[signature.index] for signature in one.commit.signatures]
    if len(believed) > 1 and believed[-2].reaches(header, signers):
        raise BadProof(codes.HANDOVER_SUPERFLUOUS, height=last.height, after=header.height)


def _check_end(header: Header, believed: Sequence[_Believed]) -> None:
    """The way ends at the set that signed the header, and not before (rules 2 and 3)."""
    last = believed[-1]
    if not last.names(header):
        raise BadProof(codes.RECEIPT_VALIDATORS, height=header.height)
    if header.height <= last.height:
        raise BadProof(codes.HANDOVER_ORDER, height=header.height, before=last.height)
    _check_needed(header, believed)


def _check_needed(header: Header, believed: Sequence[_Believed]) -> None:
    """No block before the last one names the set that signed the header."""
    if any(earlier.names(header) for earlier in believed[:-1]):
        raise BadProof(codes.HANDOVER_SUPERFLUOUS, height=believed[-1].height, after=header.height)


def check_signers(
    header: Header, commit: BriefCommit, validators: ValidatorSet, trusted: ValidatorSet | None = None
) -> None:
    """A quorum of its set and, with `trusted`, of that too: each once, in order, and none that is not needed (L11)."""
    data = {"height": header.height, "have": len(commit.signatures), "of": len(validators)}
    tally = _Tally(validators) if trusted is None else _Tally(validators, trusted)
    previous = -1
    for one in commit.signatures:
        if not previous < one.index < len(validators):
            raise BadProof(codes.RECEIPT_SIGNERS, **data)
        if not tally.counts(validators[one.index]):
            raise BadProof(codes.RECEIPT_TOO_MANY_SIGNERS, **data)
        previous = one.index
    if not tally.is_full(0):
        raise BadProof(codes.RECEIPT_NO_QUORUM, **data)
    if trusted is not None and not tally.is_full(1):
        raise BadProof(codes.HANDOVER_NOT_TRUSTED, height=header.height)


def _verify_signatures(header: Header, commit: BriefCommit, validators: ValidatorSet) -> None:
    entries = [ABSENT_SIG] * len(validators)
    for one in commit.signatures:
        address = validators[one.index].address
        entries[one.index] = CommitSig(Flag.COMMIT, address, one.time_ns, one.signature)
    block_id = BlockID(header.hash(), commit.parts)
    signed = Commit(header.height, commit.round, block_id, tuple(entries))
    verify_commit_light(signed, header.chain_id, validators, header.height, block_id)


def _vouchers(commit: BriefCommit, validators: ValidatorSet, trusted: Genesis) -> Vouchers:
    signed = [validators[one.index].public_key for one in commit.signatures]
    vouching = tuple(agency for agency in trusted.agencies if agency.validator_key in signed)
    named = {agency.validator_key for agency in vouching}
    return Vouchers(vouching, tuple(key for key in signed if key not in named), len(validators))


# --- making ---


def quorum_of(commit: Commit, validators: ValidatorSet, trusted: ValidatorSet | None = None) -> BriefCommit:
    """The first signatures that are needed, by index, as `check_signers` wants them."""
    tally = _Tally(validators) if trusted is None else _Tally(validators, trusted)
    chosen = [
        Precommit(index, entry.time_ns, entry.signature)
        for index, (entry, validator) in enumerate(zip(commit.signatures, validators, strict=True))
        if entry.flag is Flag.COMMIT and tally.counts(validator)
    ]
    return BriefCommit(commit.round, commit.block_id.parts, tuple(chosen))


def way_from_genesis(
    genesis: Genesis,
    target: Header,
    changes: Mapping[Height, ValidatorSet],
    block_at: Callable[[Height], LightBlock],
) -> tuple[Handover, ...]:
    """The handovers that lead to the set of a header.

    Args:
        changes: all heights below the target's after which the set changes, ascending, and who signs each.
        block_at: the block of such a height, with the commit that the next block carries. Few of them are read: there
            may be thousands.
    """
    believed = _Believed.of_genesis(genesis)
    way: list[Handover] = []
    left = list(changes.items())
    while not believed.names(target):
        # The first of those left is signed by a set that is named already.
        at, block = next(
            (at, block)
            for at in reversed(range(len(left)))
            if believed.may_reach(left[at][1])
            and believed.reaches((block := block_at(left[at][0])).header, _signers_of(block))
        )
        left = left[at + 1 :]
        trusted = None if believed.names(block.header) else believed.validators
        commit = quorum_of(block.commit, block.validators, trusted)
        way.append(Handover(block.header, commit, block.keys))
        believed = _Believed(block.height, block.validators, block.header.next_validators_hash)
    return tuple(way)


def encode_from_genesis(block: LightBlock, handovers: Sequence[Handover]) -> bytes:
    """The document of a light block, with the handovers that lead to its set."""
    document = light_block_to_json(block)
    assert isinstance(document, dict)
    return strict_json.canonical({**document, **signers_to_json(block.keys, handovers)})


def _signers_of(block: LightBlock) -> Iterable[Validator]:
    return (
        validator
        for entry, validator in zip(block.commit.signatures, block.validators, strict=True)
        if entry.flag is Flag.COMMIT
    )
