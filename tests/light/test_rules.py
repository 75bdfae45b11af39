"""What makes a light block believed, and that no forgery is (C86 to C93; faults S25)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import Cause
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.timestamps import GO_ZERO_TIME_NS
from mvchain.core.types import Address, Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import ABSENT_SIG, CommitSig, Flag
from mvchain.ledger.endorsements import Kind
from mvchain.ledger.validators import Validator, ValidatorSet
from mvchain.light.blocks import LightBlock, check_light_block
from mvchain.light.rules import (
    NS_PER_HOUR,
    Anchor,
    Rules,
    TrustLevel,
    verify,
    verify_backwards,
    verify_own_commit,
    verify_root,
)
from tests.light.helpers import SECOND, code_of, make_chain, seeded
from tests.light.light_chain import (
    GENESIS,
    GENESIS_NS,
    KEYS,
    OTHER_KEYS,
    entry,
    extend,
    in_order,
    make_light_chain,
    set_of,
    sign,
    time_at,
)

CHAIN = make_light_chain(30)
BEFORE, BLOCK, LATER = CHAIN[10], CHAIN[11], CHAIN[20]
"""The trusted one, the one right after it, and one much later."""
ANCHOR = Anchor.of_block(BEFORE)
RULES = Rules()
NOW = TimeNs(time_at(30) + SECOND)
STRANGER = seeded("a stranger")
ORDER_OF_ED25519 = 2**252 + 27742317777372353535851937790883648493
HASH = sha256(b"something else")


def refusal(block: LightBlock, anchor: Anchor = ANCHOR, rules: Rules = RULES, now_ns: TimeNs = NOW) -> str:
    return code_of(verify, block, anchor, rules, now_ns)


# --- what is believed ---


@pytest.mark.parametrize("height", [1, 2, 11, 12, 30])
def test_genesis_vouches_for_every_height(height: int) -> None:
    """Its agencies sign from height 1 on, and its word never expires (ledger L10)."""
    century_later = TimeNs(NOW + 100 * 365 * 24 * NS_PER_HOUR)
    verify(CHAIN[height], Anchor.of_genesis(GENESIS), RULES, century_later)


@pytest.mark.parametrize("height", [11, 12, 20, 30])
def test_a_trusted_block_vouches_for_later_ones(height: int) -> None:
    verify(CHAIN[height], ANCHOR, RULES, NOW)


@pytest.mark.parametrize("marks", ["cccc", "ccca", "accc", "cacc", "cccn", "nccc"])
def test_any_quorum(marks: str) -> None:
    verify(sign(BLOCK.header, KEYS, marks), ANCHOR, RULES, NOW)


@pytest.mark.parametrize(("agencies", "quorum"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (40, 27)])
def test_more_than_two_thirds(agencies: int, quorum: int) -> None:
    """27 of 40, but 3 of 3 and 5 of 6: exactly two thirds are not enough (N1)."""
    chain, keys = make_light_chain(2, agencies), make_chain(agencies).keys
    anchor = Anchor.of_block(chain[1])
    header = chain[2].header
    verify(sign(header, keys, "c" * quorum + "a" * (agencies - quorum)), anchor, RULES, NOW)
    for other in "an":
        lacking = sign(header, keys, "c" * (quorum - 1) + other * (agencies - quorum + 1))
        assert refusal(lacking, anchor) == codes.COMMIT_POWER.code


# --- a table of forgeries; what it ends in, each ---

Forgery = tuple[Callable[[], LightBlock], Cause]
FORGERIES: dict[str, Forgery] = {}


def forged(name: str, make: Callable[[], LightBlock], cause: Cause) -> None:
    assert name not in FORGERIES, name
    FORGERIES[name] = (make, cause)


def with_header(block: LightBlock = BLOCK, **changes: object) -> LightBlock:
    """Another header under the same commit."""
    return replace(block, header=replace(block.header, **changes))  # type: ignore[arg-type]


def renamed(**changes: object) -> LightBlock:
    """Another header, and a commit that names it, without signatures for it."""
    block = with_header(**changes)
    block_id = replace(block.commit.block_id, hash=block.header.hash())
    commit = replace(block.commit, height=block.height, block_id=block_id)
    return replace(block, commit=commit)


def signed(marks: str = "cccc", keys: Sequence[SigningKey] = KEYS, **changes: object) -> LightBlock:
    """Another header, really signed."""
    return sign(replace(BLOCK.header, **changes), keys, marks)  # type: ignore[arg-type]


def with_commit(**changes: object) -> LightBlock:
    return replace(BLOCK, commit=replace(BLOCK.commit, **changes))  # type: ignore[arg-type]


def with_entry(index: int, **changes: object) -> LightBlock:
    entries = list(BLOCK.commit.signatures)
    entries[index] = replace(entries[index], **changes)  # type: ignore[arg-type]
    return with_commit(signatures=tuple(entries))


def with_entries(*entries: CommitSig) -> LightBlock:
    return with_commit(signatures=entries)


ENTRIES = BLOCK.commit.signatures
BLOCK_ID = BLOCK.commit.block_id
OTHER_VALUES: dict[str, object] = {
    "version_app": 2,
    "time_ns": BLOCK.time_ns + 1,
    "last_block_id": BlockID(HASH, PartSetHeader(1, HASH)),
    "last_commit_hash": HASH,
    "data_hash": HASH,
    "next_validators_hash": HASH,
    "consensus_hash": HASH,
    "app_hash": HASH,
    "last_results_hash": HASH,
    "evidence_hash": HASH,
    "proposer_address": Address(b"\x07" * 20),
}
"""Sound values for the fields that no other field is compared with."""
for field, value in OTHER_VALUES.items():
    forged(f"header, other {field}", lambda f=field, v=value: with_header(**{f: v}), codes.LIGHT_BLOCK_HASH)
    forged(
        f"header, other {field}, named by the commit",
        lambda f=field, v=value: renamed(**{f: v}),
        codes.COMMIT_SIGNATURE,
    )
    forged(
        f"header, other {field}, signed by two of four",
        lambda f=field, v=value: signed("ccaa", **{f: v}),
        codes.COMMIT_POWER,
    )
    forged(
        f"header, other {field}, signed by two of four, the others for nil",
        lambda f=field, v=value: signed("nccn", **{f: v}),
        codes.COMMIT_POWER,
    )
HASH_FIELDS = ("last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash")
for field in (*HASH_FIELDS, "last_results_hash", "evidence_hash", "proposer_address"):
    for size in (0, 31 if field != "proposer_address" else 19, 33):
        forged(f"header, {field} of {size} bytes", lambda f=field, n=size: renamed(**{f: bytes(n)}), codes.BAD_HEADER)
forged("header, no app hash", lambda: renamed(app_hash=b""), codes.BAD_HEADER)
forged("header, another block protocol", lambda: renamed(version_block=10), codes.BAD_HEADER)
forged("header, no chain id", lambda: renamed(chain_id=""), codes.BAD_HEADER)
forged("header, a long chain id", lambda: renamed(chain_id="c" * 51), codes.BAD_HEADER)
forged("header, a strange chain id", lambda: renamed(chain_id=f"{GENESIS.chain_id[:-1]}\n"), codes.BAD_HEADER)
forged("header, height nought", lambda: renamed(height=Height(0)), codes.BAD_HEADER)
forged("header, a negative height", lambda: renamed(height=Height(-11)), codes.BAD_HEADER)
forged("header, another height", lambda: with_header(height=Height(12)), codes.LIGHT_BLOCK_HEIGHT)
forged("header, another height, named by the commit", lambda: renamed(height=Height(12)), codes.COMMIT_SIGNATURE)
forged("header, another chain", lambda: with_header(chain_id="other"), codes.LIGHT_BLOCK_CHAIN)
forged("header, another chain, named by the commit", lambda: renamed(chain_id="other"), codes.LIGHT_BLOCK_CHAIN)
forged("header, another chain, signed by all", lambda: signed(chain_id="other"), codes.LIGHT_BLOCK_CHAIN)

# the set
ONE_MORE = set_of([*KEYS, STRANGER])
forged("set, named differently by the header", lambda: renamed(validators_hash=HASH), codes.LIGHT_BLOCK_VALIDATORS)
forged("set, strangers", lambda: replace(BLOCK, validators=set_of(OTHER_KEYS)), codes.LIGHT_BLOCK_VALIDATORS)
forged("set, empty", lambda: replace(BLOCK, validators=ValidatorSet(())), codes.LIGHT_BLOCK_VALIDATORS)
forged(
    "set, empty, and named so",
    lambda: replace(renamed(validators_hash=ValidatorSet(()).hash), validators=ValidatorSet(())),
    codes.LIGHT_BLOCK_VALIDATORS,
)
forged("set, one more", lambda: replace(BLOCK, validators=ONE_MORE), codes.LIGHT_BLOCK_VALIDATORS)
for i in range(4):
    forged(
        f"set, without validator {i}",
        lambda i=i: replace(BLOCK, validators=set_of([*KEYS[:i], *KEYS[i + 1 :]])),
        codes.LIGHT_BLOCK_VALIDATORS,
    )
    forged(
        f"set, a stranger instead of validator {i}",
        lambda i=i: replace(BLOCK, validators=set_of([*KEYS[:i], STRANGER, *KEYS[i + 1 :]])),
        codes.LIGHT_BLOCK_VALIDATORS,
    )
    for power in (1, 9, 11, 1_000):
        forged(f"set, validator {i} with power {power}", lambda i=i, p=power: with_power(i, p), codes.LIGHT_BLOCK_POWER)
forged(
    "set, phantoms who sign for themselves",
    lambda: signed(keys=OTHER_KEYS, validators_hash=set_of(OTHER_KEYS).hash),
    codes.NOT_NEXT_VALIDATORS,
)
forged(
    "set, a stranger among them, all sign",
    lambda: signed("ccccc", [*KEYS, STRANGER], validators_hash=ONE_MORE.hash),
    codes.NOT_NEXT_VALIDATORS,
)


def with_power(index: int, power: int) -> LightBlock:
    """One validator with another power, and everything else made to fit."""
    validators = ValidatorSet(
        tuple(Validator(v.public_key, power if i == index else v.power) for i, v in enumerate(BLOCK.validators))
    )
    return replace(signed(validators_hash=validators.hash), validators=validators)


# the commit
forged("commit, another height", lambda: with_commit(height=Height(12)), codes.LIGHT_BLOCK_HEIGHT)
forged("commit, the height before", lambda: with_commit(height=Height(10)), codes.LIGHT_BLOCK_HEIGHT)
forged("commit, height nought", lambda: with_commit(height=Height(0)), codes.BAD_COMMIT_FORM)
forged("commit, a negative height", lambda: with_commit(height=Height(-1)), codes.BAD_COMMIT_FORM)
forged("commit, another round", lambda: with_commit(round=Round(0)), codes.COMMIT_SIGNATURE)
forged("commit, the next round", lambda: with_commit(round=Round(2)), codes.COMMIT_SIGNATURE)
forged("commit, a negative round", lambda: with_commit(round=Round(-1)), codes.BAD_COMMIT_FORM)
forged("commit, a huge round", lambda: with_commit(round=Round(1 << 31)), codes.BAD_COMMIT_FORM)
forged("commit, for nothing", lambda: with_commit(block_id=NIL_BLOCK_ID), codes.BAD_COMMIT_FORM)
forged("commit, another hash", lambda: with_commit(block_id=replace(BLOCK_ID, hash=HASH)), codes.LIGHT_BLOCK_HASH)
forged("commit, half a hash", lambda: with_commit(block_id=replace(BLOCK_ID, hash=HASH[:16])), codes.BAD_COMMIT_FORM)
for name, parts, cause in (
    ("another number of parts", PartSetHeader(2, BLOCK_ID.parts.hash), codes.COMMIT_SIGNATURE),
    ("other parts", PartSetHeader(1, HASH), codes.COMMIT_SIGNATURE),
    ("no parts", PartSetHeader(0, BLOCK_ID.parts.hash), codes.BAD_COMMIT_FORM),
    ("no root of its parts", PartSetHeader(1, b""), codes.BAD_COMMIT_FORM),
):
    forged(f"commit, {name}", lambda p=parts: with_commit(block_id=replace(BLOCK_ID, parts=p)), cause)
forged("commit, of the block before", lambda: replace(BLOCK, commit=BEFORE.commit), codes.LIGHT_BLOCK_HEIGHT)
forged("commit, without entries", with_entries, codes.BAD_COMMIT_FORM)
forged("commit, one entry less", lambda: with_entries(*ENTRIES[:3]), codes.COMMIT_COUNT)
forged("commit, one entry more", lambda: with_entries(*ENTRIES, ABSENT_SIG), codes.COMMIT_COUNT)
forged("commit, the first signer twice", lambda: with_entries(ENTRIES[0], *ENTRIES), codes.COMMIT_COUNT)
forged("commit, all absent", lambda: with_entries(*[ABSENT_SIG] * 4), codes.COMMIT_POWER)
forged("commit, two of four", lambda: with_entries(*ENTRIES[:2], ABSENT_SIG, ABSENT_SIG), codes.COMMIT_POWER)
forged("commit, nil precommits of all", lambda: sign(BLOCK.header, KEYS, "nnnn"), codes.COMMIT_POWER)
forged("commit, two and two nil", lambda: sign(BLOCK.header, KEYS, "ccnn"), codes.COMMIT_POWER)
forged("commit, all backwards", lambda: with_entries(*reversed(ENTRIES)), codes.COMMIT_ADDRESS)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def malleated(signature: bytes) -> bytes:
    """S + L instead of S: the same equation, which a lax verifier takes (security ED02)."""
    s = int.from_bytes(signature[32:], "little") + ORDER_OF_ED25519
    return signature[:32] + s.to_bytes(32, "little")


def signed_otherwise(index: int, key: SigningKey | None = None, **other: object) -> LightBlock:
    """The validator's entry over something else than this precommit, or by another key in its name."""
    made = entry(key or KEYS[index], BLOCK_ID, BLOCK.height, ENTRIES[index].time_ns, GENESIS.chain_id, **other)
    return with_entry(index, signature=made.signature)


for i, one in enumerate(ENTRIES):
    neighbour = ENTRIES[(i + 1) % 4]
    forged(
        f"entry {i}, a bit of R",
        lambda i=i, e=one: with_entry(i, signature=flipped(e.signature, 3)),
        codes.COMMIT_SIGNATURE,
    )
    forged(
        f"entry {i}, a bit of S",
        lambda i=i, e=one: with_entry(i, signature=flipped(e.signature, 40)),
        codes.COMMIT_SIGNATURE,
    )
    forged(
        f"entry {i}, S + L", lambda i=i, e=one: with_entry(i, signature=malleated(e.signature)), codes.COMMIT_SIGNATURE
    )
    forged(f"entry {i}, noughts", lambda i=i: with_entry(i, signature=bytes(64)), codes.COMMIT_SIGNATURE)
    forged(f"entry {i}, no signature", lambda i=i: with_entry(i, signature=b""), codes.BAD_COMMIT_ENTRY)
    forged(
        f"entry {i}, half a signature",
        lambda i=i, e=one: with_entry(i, signature=e.signature[:32]),
        codes.BAD_COMMIT_ENTRY,
    )
    forged(
        f"entry {i}, a byte too many",
        lambda i=i, e=one: with_entry(i, signature=e.signature + b"\0"),
        codes.BAD_COMMIT_ENTRY,
    )
    forged(
        f"entry {i}, the neighbour's signature",
        lambda i=i, n=neighbour: with_entry(i, signature=n.signature),
        codes.COMMIT_SIGNATURE,
    )
    forged(
        f"entry {i}, the neighbour's time",
        lambda i=i, n=neighbour: with_entry(i, time_ns=n.time_ns),
        codes.COMMIT_SIGNATURE,
    )
    forged(
        f"entry {i}, the neighbour's address",
        lambda i=i, n=neighbour: with_entry(i, address=n.address),
        codes.COMMIT_ADDRESS,
    )
    forged(
        f"entry {i}, the neighbour in its place",
        lambda i=i, n=neighbour: with_entries(*ENTRIES[:i], n, *ENTRIES[i + 1 :]),
        codes.COMMIT_ADDRESS,
    )
    forged(f"entry {i}, nobody's address", lambda i=i: with_entry(i, address=bytes(20)), codes.COMMIT_ADDRESS)
    forged(f"entry {i}, no address", lambda i=i: with_entry(i, address=b""), codes.BAD_COMMIT_ENTRY)
    forged(
        f"entry {i}, a nanosecond later",
        lambda i=i, e=one: with_entry(i, time_ns=e.time_ns + 1),
        codes.COMMIT_SIGNATURE,
    )
    forged(
        f"entry {i}, absent, with its signature", lambda i=i: with_entry(i, flag=Flag.ABSENT), codes.BAD_COMMIT_ENTRY
    )
    forged(
        f"entry {i}, absent, with its time",
        lambda i=i: with_entry(i, flag=Flag.ABSENT, address=b"", signature=b""),
        codes.BAD_COMMIT_ENTRY,
    )
    forged(
        f"entry {i}, absent, with its address",
        lambda i=i: with_entry(i, flag=Flag.ABSENT, signature=b"", time_ns=GO_ZERO_TIME_NS),
        codes.BAD_COMMIT_ENTRY,
    )
    forged(f"entry {i}, signed by a stranger", lambda i=i: signed_otherwise(i, STRANGER), codes.COMMIT_SIGNATURE)
    forged(
        f"entry {i}, a stranger's own",
        lambda i=i, e=one: with_entries(
            *ENTRIES[:i], entry(STRANGER, BLOCK_ID, 11, e.time_ns, GENESIS.chain_id), *ENTRIES[i + 1 :]
        ),
        codes.COMMIT_ADDRESS,
    )
    forged(f"entry {i}, a prevote", lambda i=i: signed_otherwise(i, kind=Kind.PREVOTE), codes.COMMIT_SIGNATURE)
    forged(f"entry {i}, of another round", lambda i=i: signed_otherwise(i, round_=Round(0)), codes.COMMIT_SIGNATURE)
    forged(f"entry {i}, of another height", lambda i=i: signed_otherwise(i, height=Height(10)), codes.COMMIT_SIGNATURE)
    forged(f"entry {i}, of another chain", lambda i=i: signed_otherwise(i, chain_id="other"), codes.COMMIT_SIGNATURE)
    forged(f"entry {i}, for nil", lambda i=i: signed_otherwise(i, block_id=NIL_BLOCK_ID), codes.COMMIT_SIGNATURE)
    forged(
        f"entry {i}, for the block before",
        lambda i=i: signed_otherwise(i, block_id=BEFORE.commit.block_id),
        codes.COMMIT_SIGNATURE,
    )
    forged(
        f"entry {i}, for the block in other parts",
        lambda i=i: signed_otherwise(i, block_id=replace(BLOCK_ID, parts=PartSetHeader(2, HASH))),
        codes.COMMIT_SIGNATURE,
    )

# time
forged("time, that of the block before", lambda: signed(time_ns=BEFORE.time_ns), codes.NOT_LATER)
forged("time, earlier", lambda: signed(time_ns=TimeNs(BEFORE.time_ns - 1)), codes.NOT_LATER)
forged("time, of year 1", lambda: signed(time_ns=GO_ZERO_TIME_NS), codes.NOT_LATER)
forged("time, ten seconds ahead", lambda: signed(time_ns=TimeNs(NOW + 10 * SECOND)), codes.FROM_THE_FUTURE)
forged("time, two hours ahead", lambda: signed(time_ns=TimeNs(NOW + 7_200 * SECOND)), codes.FROM_THE_FUTURE)

# height
forged("height, the trusted block itself", lambda: BEFORE, codes.NOT_HIGHER)
forged("height, below the trusted one", lambda: CHAIN[9], codes.NOT_HIGHER)
forged("height, an old one with a new time", lambda: signed(height=Height(9)), codes.NOT_HIGHER)


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery(name: str) -> None:
    make, cause = FORGERIES[name]
    assert refusal(make()) == cause.code


def test_the_forgeries_are_many_and_good_work() -> None:
    """With the signatures of a quorum, and nothing else wrong, they verify."""
    assert len(FORGERIES) > 150
    for field, value in OTHER_VALUES.items():
        verify(signed("ccca", **{field: value}), ANCHOR, RULES, NOW)
    verify(signed(time_ns=TimeNs(BEFORE.time_ns + 1)), ANCHOR, RULES, NOW)
    verify(signed(time_ns=TimeNs(NOW + 10 * SECOND - 1)), ANCHOR, RULES, NOW)
    for index in range(4):
        verify(signed_otherwise(index), ANCHOR, RULES, NOW)


@pytest.mark.parametrize("bad", range(40))
def test_every_signature_of_forty_is_checked(bad: int) -> None:
    """Those beyond the quorum too: 27 would do."""
    chain = make_light_chain(2, 40)
    entries = list(chain[2].commit.signatures)
    entries[bad] = replace(entries[bad], signature=flipped(entries[bad].signature, 33))
    block = replace(chain[2], commit=replace(chain[2].commit, signatures=tuple(entries)))
    assert refusal(block, Anchor.of_block(chain[1])) == codes.COMMIT_SIGNATURE.code


# --- how far trust reaches ---


@pytest.mark.parametrize("hours", [1, 48])
def test_trust_expires(hours: int) -> None:
    """At the end of the period exactly (C87); it does not matter what the new block is."""
    rules = Rules(trusting_period_ns=hours * NS_PER_HOUR)
    end = TimeNs(BEFORE.time_ns + hours * NS_PER_HOUR)
    for block in (BLOCK, LATER, BEFORE, with_header(chain_id="other")):
        assert refusal(block, rules=rules, now_ns=end) == codes.TRUST_EXPIRED.code
    verify(BLOCK, ANCHOR, rules, TimeNs(end - 1))


def test_a_clock_that_is_slow_sees_blocks_from_the_future() -> None:
    """Faults R10: the client says why."""
    assert refusal(BLOCK, now_ns=TimeNs(BLOCK.time_ns - 7_200 * SECOND)) == codes.FROM_THE_FUTURE.code


def joined(keep: int, strangers: int) -> list[SigningKey]:
    return in_order([*KEYS[:keep], *(seeded(f"newcomer {i}") for i in range(strangers))])


def later(keys: Sequence[SigningKey], marks: str | None = None) -> LightBlock:
    """Block 20, with another set that signs it."""
    return sign(replace(LATER.header, validators_hash=set_of(keys).hash), keys, marks)


@pytest.mark.parametrize(
    ("level", "enough"), [((1, 3), 2), ((1, 2), 3), ((2, 3), 3), ((3, 4), 4), ((7, 10), 3), ((1, 1), 4)]
)
def test_how_many_of_the_trusted_must_have_signed(level: tuple[int, int], enough: int) -> None:
    """More than the level, of four with equal power; the newcomers can be as many as they like (C88)."""
    rules = Rules(level=TrustLevel(*level))
    for kept in range(5):
        block = later(joined(kept, 5))
        if kept >= enough:
            verify(block, ANCHOR, rules, NOW)
        else:
            assert refusal(block, rules=rules) == codes.NOT_ENOUGH_TRUST.code


def test_members_who_do_not_sign_do_not_vouch() -> None:
    keys = joined(4, 9)
    present = "".join("a" if key in KEYS[:2] else "c" for key in keys)
    verify(later(keys, present), ANCHOR, Rules(level=TrustLevel(1, 3)), NOW)
    absent = "".join("a" if key in KEYS[:3] else "c" for key in keys)
    assert refusal(later(keys, absent), rules=Rules(level=TrustLevel(1, 3))) == codes.NOT_ENOUGH_TRUST.code
    nil = absent.replace("a", "n")
    assert refusal(later(keys, nil), rules=Rules(level=TrustLevel(1, 3))) == codes.NOT_ENOUGH_TRUST.code


def test_a_trusted_validator_twice_in_the_commit_vouches_not_even_once() -> None:
    """ATK01, and the fix of another client that counted duplicates: one entry for each place of the set."""
    keys = joined(1, 3)
    block = later(keys)
    at = keys.index(KEYS[0])
    own = block.commit.signatures[at]
    entries = tuple(own for _ in keys)
    again = replace(block, commit=replace(block.commit, signatures=entries))
    assert refusal(again, rules=Rules(level=TrustLevel(1, 3))) == codes.COMMIT_ADDRESS.code


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_phantoms_at_a_later_height(kept: int) -> None:
    """Forward lunatic: a later block by validators of the attacker's own, and up to f+1 real ones (ATK29)."""
    assert refusal(later(joined(kept, 4))) == codes.NOT_ENOUGH_TRUST.code


def test_a_later_block_needs_its_own_quorum_as_well() -> None:
    """All four of the old set, but only four of nine of the new."""
    keys = joined(4, 5)
    marks = "".join("c" if key in KEYS else "a" for key in keys)
    assert refusal(later(keys, marks)) == codes.COMMIT_POWER.code


def test_next_validators_are_those_announced() -> None:
    """A change of members takes effect as the block before says (C73)."""
    keys = in_order([*KEYS[:3], STRANGER])
    chain = extend(make_light_chain(10), 12, lambda height: keys if height > 11 else KEYS)
    anchor = Anchor.of_block(chain[11])
    verify(chain[12], anchor, RULES, NOW)
    assert refusal(CHAIN[12], anchor) == codes.NOT_NEXT_VALIDATORS.code


@pytest.mark.parametrize("level", [(0, 1), (1, 4), (3, 10), (2, 1), (-1, -2), (1, 0), (4, 3)])
def test_levels_that_make_no_sense(level: tuple[int, int]) -> None:
    """C90: from 1/3 to 1."""
    with pytest.raises(ValueError, match="1/3 to 1"):
        TrustLevel(*level)


@given(st.integers(1, 100), st.integers(1, 100), st.integers(1, 10**6), st.integers(0, 10**6))
def test_the_level_is_exact(numerator: int, denominator: int, total: int, power: int) -> None:
    """Against fractions, which the client itself does without."""
    part = Fraction(numerator, denominator)
    if not Fraction(1, 3) <= part <= 1 or power > total:
        return
    assert TrustLevel(numerator, denominator).is_reached(power, total) == (power > total * part or power == total)


# --- genesis ---


def test_the_first_block_has_the_genesis_time() -> None:
    """C30; one that is a nanosecond older is refused."""
    anchor = Anchor.of_genesis(GENESIS)
    assert CHAIN[1].time_ns == GENESIS_NS
    verify(CHAIN[1], anchor, RULES, NOW)
    early = sign(replace(CHAIN[1].header, time_ns=TimeNs(GENESIS_NS - 1)), KEYS)
    assert refusal(early, anchor) == codes.NOT_LATER.code


def test_a_chain_of_other_agencies() -> None:
    """Even one of the same name and with the same members: the chain id is of the whole genesis document (L1)."""
    other = make_chain(4, "other-2026")
    anchor = Anchor.of_genesis(other.genesis)
    assert anchor.validators == set_of(KEYS)
    assert refusal(CHAIN[1], anchor) == codes.LIGHT_BLOCK_CHAIN.code


def test_phantoms_in_the_first_block() -> None:
    first = sign(replace(CHAIN[1].header, validators_hash=set_of(OTHER_KEYS).hash), OTHER_KEYS)
    assert refusal(first, Anchor.of_genesis(GENESIS)) == codes.NOT_NEXT_VALIDATORS.code


# --- backwards (C92) ---


def test_backwards() -> None:
    for height in range(29, 0, -1):
        verify_backwards(CHAIN[height], CHAIN[height + 1])


BACKWARDS: dict[str, Forgery] = {
    "the same block": (lambda: CHAIN[20], codes.NOT_THE_ONE_BEFORE),
    "two before": (lambda: CHAIN[18], codes.NOT_THE_ONE_BEFORE),
    "another block before": (
        lambda: sign(replace(CHAIN[19].header, app_hash=HASH), KEYS),
        codes.NOT_THE_ONE_BEFORE,
    ),
    "another chain": (lambda: sign(replace(CHAIN[19].header, chain_id="other"), KEYS), codes.LIGHT_BLOCK_CHAIN),
    "too few signatures": (lambda: sign(CHAIN[19].header, KEYS, "ccaa"), codes.COMMIT_POWER),
    "a signature for another block": (
        lambda: replace(
            CHAIN[19],
            commit=replace(
                CHAIN[19].commit,
                signatures=(CHAIN[18].commit.signatures[0], *CHAIN[19].commit.signatures[1:]),
            ),
        ),
        codes.COMMIT_SIGNATURE,
    ),
    "other validators": (lambda: replace(CHAIN[19], validators=set_of(OTHER_KEYS)), codes.LIGHT_BLOCK_VALIDATORS),
    "the commit of another block": (lambda: replace(CHAIN[19], commit=CHAIN[18].commit), codes.LIGHT_BLOCK_HEIGHT),
}


@pytest.mark.parametrize("name", BACKWARDS)
def test_forgery_backwards(name: str) -> None:
    make, cause = BACKWARDS[name]
    assert code_of(verify_backwards, make(), CHAIN[20]) == cause.code


@pytest.mark.parametrize("ahead_ns", [0, 1])
def test_backwards_time_falls(ahead_ns: int) -> None:
    """Even where the trusted block names it."""
    older = sign(replace(CHAIN[19].header, time_ns=TimeNs(CHAIN[20].time_ns + ahead_ns)), KEYS)
    newer = sign(replace(CHAIN[20].header, last_block_id=older.commit.block_id), KEYS)
    assert code_of(verify_backwards, older, newer) == codes.NOT_LATER.code


# --- a root by height and hash (C93) ---


def test_a_root_by_hash() -> None:
    verify_root(LATER, Height(20), LATER.hash, None)
    verify_root(LATER, Height(20), LATER.hash, GENESIS.chain_id)
    assert code_of(verify_root, LATER, Height(20), LATER.hash, "other") == codes.LIGHT_BLOCK_CHAIN.code


ROOTS: dict[str, tuple[Callable[[], LightBlock], int, bytes, Cause]] = {
    "another hash": (lambda: LATER, 20, HASH, codes.NOT_THE_TRUSTED_HASH),
    "another height": (lambda: LATER, 21, LATER.hash, codes.NOT_THE_TRUSTED_HASH),
    "the block before": (lambda: CHAIN[19], 20, LATER.hash, codes.NOT_THE_TRUSTED_HASH),
    "too few signatures": (lambda: sign(LATER.header, KEYS, "ccaa"), 20, LATER.hash, codes.COMMIT_POWER),
    "other validators": (
        lambda: replace(LATER, validators=set_of(OTHER_KEYS)),
        20,
        LATER.hash,
        codes.LIGHT_BLOCK_VALIDATORS,
    ),
    "the commit of another block": (
        lambda: replace(LATER, commit=CHAIN[19].commit),
        20,
        LATER.hash,
        codes.LIGHT_BLOCK_HEIGHT,
    ),
}


@pytest.mark.parametrize("name", ROOTS)
def test_forged_root(name: str) -> None:
    make, height, trusted_hash, cause = ROOTS[name]
    assert code_of(verify_root, make(), Height(height), trusted_hash, None) == cause.code


# --- by itself ---


def test_basic_check_and_commit_by_themselves() -> None:
    for height in (1, 11, 30):
        check_light_block(CHAIN[height], GENESIS.chain_id)
        verify_own_commit(CHAIN[height])
