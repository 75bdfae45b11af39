"""Chains of light blocks, made by hand: whatever sets of keys sign them, and forks of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from mvchain.core.hashing import EMPTY_HASH, sha256
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.limits import MAX_BLOCK_PARTS, MAX_ROUND, MAX_VALIDATORS
from mvchain.core.timestamps import MAX_TIME_NS
from mvchain.core.types import Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import ABSENT_SIG, EMPTY_COMMIT, Commit, CommitSig, Flag, Header
from mvchain.ledger.endorsements import Kind, endorsement_sign_bytes
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.validators import Validator, ValidatorSet, address_of
from mvchain.light.blocks import LightBlock
from tests.light.helpers import SECOND, make_chain, seeded

GENESIS = make_chain().genesis
GENESIS_NS = GENESIS.genesis_time_ms * 1_000_000
KEYS = make_chain().keys
OTHER_KEYS = tuple(sorted((seeded(f"other {i}") for i in range(4)), key=lambda key: address_of(key.public)))
"""Of nobody on this chain, in the order of their validators in a set."""
STEP_NS = 10 * SECOND
"""Between two blocks."""
ROUND = Round(1)

Signers = Sequence[SigningKey]


def set_of(keys: Signers) -> ValidatorSet:
    return ValidatorSet(tuple(Validator(key.public) for key in keys))


def in_order(keys: Iterable[SigningKey]) -> list[SigningKey]:
    """In the order of their validators in the set (C35)."""
    return sorted(keys, key=lambda key: address_of(key.public))


def time_at(height: int) -> TimeNs:
    """Of the block at this height; the first has the genesis time (C30)."""
    return TimeNs(GENESIS_NS + (height - 1) * STEP_NS)


def entry(
    key: SigningKey, block_id: BlockID, height: int, time_ns: TimeNs, chain_id: str, /, **other: object
) -> CommitSig:
    """The key's precommit for this block; `other` names what it signs instead."""
    signed = {
        "kind": Kind.PRECOMMIT,
        "height": height,
        "round_": ROUND,
        "block_id": block_id,
        "time_ns": time_ns,
        "chain_id": chain_id,
    } | other
    signature = key.sign(Purpose.CONSENSUS, endorsement_sign_bytes(**signed))  # type: ignore[arg-type]
    flag = Flag.NIL if signed["block_id"] == NIL_BLOCK_ID else Flag.COMMIT
    return CommitSig(flag, address_of(key.public), time_ns, signature)


def sign(header: Header, keys: Signers, marks: str | None = None, **other: object) -> LightBlock:
    """The header with its commit; one letter per key: c signs the block, n signs nil, a is absent."""
    ordered = in_order(keys)
    block_id = BlockID(header.hash(), PartSetHeader(1, sha256(header.hash())))
    entries = [
        ABSENT_SIG
        if mark == "a"
        else entry(
            key,
            block_id,
            header.height,
            TimeNs(header.time_ns + SECOND + i),
            header.chain_id,
            **({"block_id": NIL_BLOCK_ID} if mark == "n" else {}) | other,
        )
        for i, (key, mark) in enumerate(zip(ordered, marks or "c" * len(ordered), strict=True))
    ]
    return LightBlock(header, Commit(header.height, ROUND, block_id, tuple(entries)), set_of(ordered))


@dataclass(frozen=True)
class LightChain:
    """Light blocks from height 1 on."""

    genesis: Genesis
    blocks: tuple[LightBlock, ...]

    def __getitem__(self, height: int) -> LightBlock:
        return self.blocks[height - 1]

    def __len__(self) -> int:
        return len(self.blocks)


KeysAt = Callable[[int], Signers]


def extend(
    before: LightChain, until: int, keys_at: KeysAt = lambda _: KEYS, salt: bytes = b"", **changes: object
) -> LightChain:
    """The chain up to `until`; another salt makes a fork, `changes` are of every new header."""
    blocks = list(before.blocks)
    for height in range(len(blocks) + 1, until + 1):
        keys, following = set_of(keys_at(height)), set_of(keys_at(height + 1))
        last = blocks[-1].commit if blocks else EMPTY_COMMIT
        header = Header(
            version_app=1,
            chain_id=before.genesis.chain_id,
            height=Height(height),
            time_ns=time_at(height),
            last_block_id=last.block_id,
            last_commit_hash=last.hash(),
            data_hash=EMPTY_HASH,
            validators_hash=keys.hash,
            next_validators_hash=following.hash,
            consensus_hash=sha256(b"parameters"),
            app_hash=sha256(salt + b"state before block %d" % height),
            last_results_hash=EMPTY_HASH,
            evidence_hash=EMPTY_HASH,
            proposer_address=keys[height % len(keys)].address,
        )
        blocks.append(sign(replace(header, **changes), keys_at(height)))  # type: ignore[arg-type]
    return LightChain(before.genesis, tuple(blocks))


@cache
def make_light_chain(length: int, agencies: int = 4) -> LightChain:
    """A chain whose agencies never change."""
    chain = make_chain(agencies)
    return extend(LightChain(chain.genesis, ()), length, lambda _: chain.keys)


def rotating_keys(height: int) -> Signers:
    """Four keys of which one is replaced every ten heights, first at height 11; those of genesis to begin with."""
    changes = (height - 1) // 10
    later = [seeded(f"later validator {number}") for number in range(changes)]
    return in_order([*KEYS, *later][changes : changes + 4])


def fork_of(chain: LightChain, height: int, until: int, keys_at: KeysAt = lambda _: KEYS) -> LightChain:
    """The same up to below `height`, and other blocks from there, signed as well."""
    return extend(LightChain(chain.genesis, chain.blocks[: height - 1]), until, keys_at, salt=b"fork ")


def longest_light_block() -> LightBlock:
    """Every value as long as it can be."""
    keys = in_order(SigningKey.from_seed(bytes([i]) * 32) for i in range(MAX_VALIDATORS))
    header = replace(
        make_light_chain(3)[3].header,
        version_app=(1 << 32) - 1,
        chain_id="c" * 50,
        height=Height(2**53 - 1),
        time_ns=MAX_TIME_NS,
        last_block_id=BlockID(bytes(32), PartSetHeader(MAX_BLOCK_PARTS, bytes(32))),
    )
    validators = set_of(keys)
    entries = tuple(CommitSig(Flag.COMMIT, one.address, MAX_TIME_NS, bytes(64)) for one in validators)
    block_id = BlockID(header.hash(), PartSetHeader(MAX_BLOCK_PARTS, bytes(32)))
    return LightBlock(header, Commit(header.height, Round(MAX_ROUND), block_id, entries), validators)
