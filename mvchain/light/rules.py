"""What makes a light block believed, given what is believed already (C87 to C93). Pure; `now` is passed in.

Every rule takes the untrusted first. In each, structure comes before time, and time before signatures, which cost the
most. A signature is verified once and under the key that stands at its index in the set, so that nobody counts twice
and no entry can name another signer than its own (ATK01).
"""

from dataclasses import dataclass, field

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.hashing import sha256
from mvchain.core.timestamps import NS_PER_MS, format_rfc3339
from mvchain.core.types import Address, Height, TimeNs
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, Flag, data_hash, evidence_hash, part_set_header
from mvchain.ledger.commits import verify_commit_light
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.validators import ValidatorSet
from mvchain.light.blocks import LightBlock, check_light_block

NS_PER_S = 1_000_000_000
NS_PER_HOUR = 3_600 * NS_PER_S
MAX_DRIFT_NS = 10 * NS_PER_S
"""How far a block may be ahead of the own clock, as in CometBFT (C95)."""


@dataclass(frozen=True, slots=True)
class TrustLevel:
    """Which part of a trusted set must have signed a later block for its own set to be believed (C90).

    Raises:
        ValueError: not from 1/3 to 1.
    """

    numerator: int = 2
    denominator: int = 3
    """Two thirds rather than CometBFT's third: members change rarely here, so it costs next to nothing, and a third
    of the agencies together cannot name validators of their own invention."""

    def __post_init__(self) -> None:
        if not 0 < self.numerator <= self.denominator <= 3 * self.numerator:
            raise ValueError(f"{self.numerator}/{self.denominator} is not from 1/3 to 1")

    def is_reached(self, power: int, total: int) -> bool:
        """Whether `power` is more than this part of the total, or all of it."""
        return power * self.denominator > total * self.numerator or power == total


@dataclass(frozen=True, slots=True)
class Anchor:
    """What is believed, as far as a later block is measured against it."""

    chain_id: str
    height: Height
    """0 for the genesis document."""
    time_ns: TimeNs
    validators: ValidatorSet
    """Who may vouch for the validators of later blocks."""
    next_validators_hash: bytes
    """Of the set that signs the next height."""

    @classmethod
    def of_genesis(cls, genesis: Genesis) -> "Anchor":
        """The agencies of the genesis document sign from height 1 on."""
        validators = genesis.validators()
        # The first block has the genesis time itself (C30), so that it is later than this by the least there is.
        time_ns = TimeNs(genesis.genesis_time_ms * NS_PER_MS - 1)
        return cls(genesis.chain_id, Height(0), time_ns, validators, validators.hash)

    @classmethod
    def of_block(cls, trusted: LightBlock) -> "Anchor":
        """A block that was verified."""
        header = trusted.header
        return cls(header.chain_id, header.height, header.time_ns, trusted.validators, header.next_validators_hash)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user of a light client may decide."""

    trusting_period_ns: int | None = None
    """How long a trusted block may vouch for later ones. None: for ever, as where the root is the genesis document,
    since agencies destroy rotated keys (ledger L10)."""
    level: TrustLevel = field(default_factory=TrustLevel)

    def is_expired(self, trusted: Anchor, now_ns: TimeNs) -> bool:
        """Whether the trusted block is too old to vouch for others."""
        return self.trusting_period_ns is not None and trusted.time_ns + self.trusting_period_ns <= now_ns


def verify(untrusted: LightBlock, trusted: Anchor, rules: Rules, now_ns: TimeNs) -> None:
    """Verify a block at any height above the trusted one (C87).

    The trusted block names the validators of the next height. At a later one enough of the validators whom the
    trusted block shows must have signed.

    Raises:
        BadProof: TRUST_EXPIRED if the trusted block is too old, whatever the other is; NOT_ENOUGH_TRUST if a block
            between the two has to be verified first; otherwise the block is not to be believed from here.
    """
    if rules.is_expired(trusted, now_ns):
        hours = (rules.trusting_period_ns or 0) // NS_PER_HOUR
        time = format_rfc3339(trusted.time_ns)
        raise BadProof(codes.TRUST_EXPIRED, height=trusted.height, time=time, hours=hours)
    check_light_block(untrusted, trusted.chain_id)
    _check_later(untrusted, trusted, now_ns)
    adjacent = untrusted.height == trusted.height + 1
    if adjacent and untrusted.header.validators_hash != trusted.next_validators_hash:
        raise BadProof(codes.NOT_NEXT_VALIDATORS, height=untrusted.height, trusted=trusted.height)
    verify_own_commit(untrusted)
    if not adjacent:
        _check_trust(untrusted, trusted, rules.level)


def _check_later(untrusted: LightBlock, trusted: Anchor, now_ns: TimeNs) -> None:
    """Later than the trusted block in height and time, but not later than now."""
    if untrusted.height <= trusted.height:
        raise BadProof(codes.NOT_HIGHER, height=untrusted.height, trusted=trusted.height)
    if untrusted.time_ns <= trusted.time_ns:
        raise _not_later(untrusted, trusted.height, trusted.time_ns)
    if untrusted.time_ns >= now_ns + MAX_DRIFT_NS:
        raise BadProof(
            codes.FROM_THE_FUTURE,
            height=untrusted.height,
            time=format_rfc3339(untrusted.time_ns),
            drift=MAX_DRIFT_NS // NS_PER_S,
        )


def _check_trust(untrusted: LightBlock, trusted: Anchor, level: TrustLevel) -> None:
    """Whether enough of the trusted validators are among those who signed, by address (C87).

    The signatures were verified by index under the keys of the block's own set. That serves here too: an address is
    made of its key (C32), so whoever has a trusted validator's address has its key, and no set has an address twice.
    """
    power = sum(
        known[1].power
        for entry in untrusted.commit.signatures
        if entry.flag == Flag.COMMIT and (known := trusted.validators.by_address(Address(entry.address)))
    )
    if not level.is_reached(power, trusted.validators.total_power):
        raise BadProof(
            codes.NOT_ENOUGH_TRUST,
            height=untrusted.height,
            trusted=trusted.height,
            power=power,
            total=trusted.validators.total_power,
            numerator=level.numerator,
            denominator=level.denominator,
        )


def verify_backwards(untrusted: LightBlock, trusted: LightBlock) -> None:
    """Verify the block right before a trusted one, which names it by its hash (C92), and its own commit.

    Raises:
        BadProof: it is not to be believed.
    """
    check_light_block(untrusted, trusted.header.chain_id)
    if untrusted.height != trusted.height - 1 or untrusted.hash != trusted.header.last_block_id.hash:
        raise BadProof(codes.NOT_THE_ONE_BEFORE, height=untrusted.height, newer=trusted.height)
    if untrusted.time_ns >= trusted.time_ns:
        raise _not_later(trusted, untrusted.height, untrusted.time_ns)
    verify_own_commit(untrusted)


def verify_root(untrusted: LightBlock, height: Height, trusted_hash: bytes, chain_id: str | None) -> None:
    """Verify the block that a user trusts by its height and hash (C93), and by its chain, if that is known as well.

    Raises:
        BadProof: it is another block, or not what a light block has to be.
    """
    if untrusted.height != height or untrusted.hash != trusted_hash:
        raise BadProof(
            codes.NOT_THE_TRUSTED_HASH,
            height=untrusted.height,
            hash=untrusted.hash.hex(),
            trusted=f"{height}:{trusted_hash.hex()}",
        )
    check_light_block(untrusted, chain_id or untrusted.header.chain_id)
    verify_own_commit(untrusted)


def verify_body(untrusted: bytes, trusted: LightBlock) -> Block:
    """Verify an encoded block by the light block of its height, which is trusted.

    Raises:
        BadProof: it is malformed, or not the block that was signed; names the first part that is not.
    """
    block, header = Block.decode(untrusted), trusted.header
    expected: tuple[tuple[str, object, object], ...] = (
        ("header", block.header, header),
        ("transactions", data_hash([sha256(tx) for tx in block.txs]), header.data_hash),
        ("evidence", evidence_hash(block.evidence), header.evidence_hash),
        ("last commit", block.last_commit.hash(), header.last_commit_hash),
        ("bytes", part_set_header(untrusted), trusted.commit.block_id.parts),
    )
    for part, found, signed in expected:
        if found != signed:
            raise BadProof(codes.NOT_THE_SIGNED_BODY, height=header.height, part=part)
    return block


def verify_own_commit(untrusted: LightBlock) -> None:
    """More than two thirds of the block's own validators signed it (C87, tally by index).

    Raises:
        BadProof: names the first thing that is wrong.
    """
    header, parts = untrusted.header, untrusted.commit.block_id.parts
    block_id = BlockID(header.hash(), parts)
    verify_commit_light(untrusted.commit, header.chain_id, untrusted.validators, header.height, block_id)


def _not_later(block: LightBlock, before: Height, before_ns: TimeNs) -> BadProof:
    return BadProof(
        codes.NOT_LATER,
        height=block.height,
        time=format_rfc3339(block.time_ns),
        trusted=before,
        trusted_time=format_rfc3339(before_ns),
    )
