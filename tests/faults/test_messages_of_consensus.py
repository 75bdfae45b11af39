"""Messages of a faulty validator, with every number and length it can choose (faults 5.1), on a production node."""

import tracemalloc
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import codec, codes, limits
from mvchain.core.errors import BadPeer, BadProof, MvchainError
from mvchain.core.keys import Purpose
from mvchain.core.types import Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import Commit, CommitSig, Flag, block_id_of, median_time
from mvchain.ledger.commits import verify_commit_full, verify_commit_light
from mvchain.ledger.endorsements import Endorsement, Kind
from mvchain.node import wire
from mvchain.node.wire import BlockResponse, Endorsements, NoBlock, Status
from tests.faults.stage import Stage
from tests.ledger.chain_helpers import BLOCK, CHAIN_ID, make_commit, make_keys, make_set
from tests.node.test_candidates import endorse
from tests.node.test_wire import EXAMPLES, holdings, name_of

N = 4
EDGES = (-(2**63), -1, 0, N - 1, N, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
"""Where indexing, allocating and summing go wrong (faults ATK07)."""

quick = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def one_of(stage: Stage, kind: Kind = Kind.PREVOTE) -> Endorsement:
    return endorse(stage.scene, kind, 0, NIL_BLOCK_ID)


def signed(stage: Stage, message: Any) -> Any:
    """Signed by the faulty validator, where there is anything that can be signed."""
    try:
        to_sign = message.sign_bytes(stage.scene.cluster.genesis.chain_id)
    except OverflowError:
        return message
    return replace(message, signature=stage.scene.evil.key.sign(Purpose.CONSENSUS, to_sign))


# --- ATK01 ---


@pytest.mark.parametrize("stranger", [False, True])
def test_atk01_no_user_of_a_commit_takes_a_signature_under_another_address(stranger: bool) -> None:
    """faults ATK01: a signature counted by its place and a time by its address let a mismatch bend block time."""
    keys = make_keys(4)
    validators, good = make_set(keys), make_commit(keys, "cccc")
    other = bytes(20) if stranger else good.signatures[1].address
    bent = replace(good.signatures[0], address=other)
    commit = replace(good, signatures=(bent, *good.signatures[1:]))
    verify_commit_full(good, CHAIN_ID, validators, good.height, BLOCK)
    for verify in (verify_commit_full, verify_commit_light):
        with pytest.raises(BadProof) as caught:
            verify(commit, CHAIN_ID, validators, good.height, BLOCK)
        assert caught.value.cause is codes.COMMIT_ADDRESS


def test_atk01_block_time_is_weighed_by_place_alone() -> None:
    """faults ATK01: whatever addresses a commit names, each time has the power of the validator at its place."""
    keys = make_keys(4)
    validators, good = make_set(keys), make_commit(keys, "cccc")
    everywhere = tuple(replace(entry, address=good.signatures[0].address) for entry in good.signatures)
    assert median_time(replace(good, signatures=everywhere), validators) == median_time(good, validators)


# --- ATK02 ---


bitmaps = st.tuples(st.integers(0, 20).map(Round), st.binary(max_size=(limits.MAX_VALIDATORS + 7) // 8))


@quick
@given(st.lists(bitmaps, max_size=8), st.lists(bitmaps, max_size=8), st.booleans())
def test_atk02_any_length_of_any_bitmap_is_answered(
    stage: Stage, prevotes: list[tuple[Round, bytes]], precommits: list[tuple[Round, bytes]], known: bool
) -> None:
    """faults ATK02: a bit array that says another length than it has halted a network."""
    height = stage.replica.machine.height if known else Height(1)
    told = holdings(height=height, prevotes=tuple(prevotes), precommits=tuple(precommits))
    assert stage.say(Status(told, 1, Height(1))) is None
    stage.shell.now_ms += 1_000


@pytest.mark.parametrize("place", [5, 6])
@pytest.mark.parametrize("bitmap", [bytes(14), b"x" * 4096, "bits", 7, None, (1, 0), True])
def test_atk02_a_bitmap_is_bytes_within_its_bound(stage: Stage, place: int, bitmap: object) -> None:
    """faults ATK02: longer than all validators or of another kind, it is refused where it is read."""
    items = list(Status(holdings(), 1, Height(1))._items())
    items[place] = ((0, bitmap),)
    error = stage.say(bytes((Status.TYPE,)) + codec.encode(tuple(items)))
    assert isinstance(error, BadPeer)
    assert error.cause is codes.MALFORMED


# --- ATK03, ATK26 ---


@pytest.mark.parametrize("total", [limits.MAX_BLOCK_PARTS + 1, 2**31, 2**32 - 1])
def test_atk03_announced_parts_allocate_nothing(stage: Stage, total: int) -> None:
    """faults ATK03: a proposal claimed 2^32-1 parts, and its readers made room for them."""
    huge = BlockID(b"h" * 32, PartSetHeader(total, b"p" * 32))
    proposal = signed(stage, stage.scene.proposal(huge))
    prevote = signed(stage, replace(one_of(stage), block_id=huge))
    compact = stage.scene.compact(stage.scene.block(), proposal=proposal.encode())
    told = holdings(height=stage.replica.machine.height, contested=())
    tracemalloc.start()
    try:
        error = stage.say(compact)
        stage.say(Endorsements((prevote.encode(),)))
        stage.say(Status(told, 1, Height(1)))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert error is not None
    assert error.code == codes.BAD_PROPOSAL.code  # and not for the block that is another one
    assert not stage.keeper.proposals


@quick
@given(st.data())
def test_atk26_no_damaged_block_is_taken_or_does_damage(stage: Stage, data: st.DataObject) -> None:
    """faults ATK26: a crafted part of a block made consensus fail; here any byte of any part of a proposal."""
    good = stage.scene.compact(stage.scene.block())
    name = data.draw(st.sampled_from([f.name for f in fields(good) if f.name not in {"tx_hashes", "evidence"}]))
    part: bytes = getattr(good, name)
    at = data.draw(st.integers(0, len(part) - 1))
    damaged = data.draw(
        st.sampled_from([part[:at], part + b"\x00", part[:at] + bytes((part[at] ^ 1,)) + part[at + 1 :], part[at:]])
    )
    if damaged != part:
        assert isinstance(stage.say(replace(good, **{name: damaged})), MvchainError)
    assert not stage.keeper.proposals


# --- ATK07 ---


@pytest.mark.parametrize("value", EDGES)
@pytest.mark.parametrize("name", ["kind", "height", "round", "index"])
def test_atk07_no_number_of_a_prevote_or_precommit_does_harm(stage: Stage, name: str, value: int) -> None:
    """faults ATK07: an index out of range was used before it was checked, and one message stopped every node."""
    good = one_of(stage, Kind.PRECOMMIT)
    bad = signed(stage, replace(good, **{name: value}))
    before = list(stage.keeper.endorsements())
    stage.say(Endorsements((bad.encode(),)))
    taken = [item for item in stage.keeper.endorsements() if item not in before]
    assert all(
        (item.height, item.index) == (good.height, good.index) and 0 <= item.round <= N and item.kind in Kind
        for item in taken
    )
    assert bool(taken) <= ((name == "round" and value in {0, N - 1, N}) or bad == good)


@pytest.mark.parametrize("value", EDGES)
@pytest.mark.parametrize("name", ["height", "round", "pol_round", "total"])
def test_atk07_no_number_of_a_proposal_does_harm(stage: Stage, name: str, value: int) -> None:
    """faults ATK07: the same for the four numbers that a proposer chooses."""
    block = stage.scene.block()
    good = stage.scene.proposal(block_id_of(block.header, block.encode()))
    if name == "total":
        parts = PartSetHeader(value, good.block_id.parts.hash)
        bad = replace(good, block_id=replace(good.block_id, parts=parts))
    else:
        bad = replace(good, **{name: value})  # type: ignore[arg-type]
    if bad.encode() == good.encode() or (name == "total" and 1 <= value <= limits.MAX_BLOCK_PARTS):
        return  # such a proposal is well formed; that its block is another one is found out later (S8)
    stage.say(stage.scene.compact(block, proposal=signed(stage, bad).encode()))
    taken = set(stage.keeper.proposals) - {Round(N)}  # round 4 is its turn again, and near enough to be kept
    assert not taken


@pytest.mark.parametrize("value", EDGES)
@pytest.mark.parametrize("name", ["height", "round", "flag"])
def test_atk07_no_number_of_a_commit_does_harm(stage: Stage, name: str, value: int) -> None:
    """faults ATK07: the same for a commit, read by itself and with a block that was asked for."""
    block = stage.scene.block()
    good, validators = block.last_commit, stage.replica.state.validators
    entry = good.signatures[0]
    if name == "flag":
        bad = replace(good, signatures=(replace(entry, flag=value), *good.signatures[1:]))  # type: ignore[arg-type]
    else:
        bad = replace(good, **{name: value})  # type: ignore[arg-type]
    if bad == good:
        return
    with pytest.raises(BadProof):
        verify_commit_full(
            Commit.decode(bad.encode()), stage.scene.cluster.genesis.chain_id, validators, good.height, good.block_id
        )
    with pytest.raises(BadProof):
        stage.replica.receive_block(stage.scene.height, block.encode(), bad.encode())
    assert stage.replica.machine.height == stage.scene.height


def _with_number(value: Any, number: int) -> list[Any]:
    """Every array that differs from this one in one integer, which is `number`."""
    found = []
    for i, item in enumerate(value):
        if type(item) is int:
            found.append((*value[:i], number, *value[i + 1 :]))
        elif type(item) is tuple:
            found += [(*value[:i], other, *value[i + 1 :]) for other in _with_number(item, number)]
    return found


@pytest.mark.parametrize("number", EDGES)
@pytest.mark.parametrize("message", EXAMPLES, ids=name_of)
def test_atk07_no_number_of_any_message_does_harm(stage: Stage, message: wire.Message, number: int) -> None:
    """faults ATK07: every integer of every message between nodes, at every edge: taken or refused, never a failure."""
    if isinstance(message, BlockResponse):
        heads = [(number % 2**64).to_bytes(8, "big") + bytes(4), bytes(8) + (number % 2**32).to_bytes(4, "big")]
        bodies = [head + b"x" for head in heads]
    else:
        bodies = [codec.encode(items) for items in _with_number(message._items(), number) if number >= -(2**63)]
    for body in bodies:
        stage.say(bytes((message.TYPE,)) + body)
    stage.shell.now_ms += 1_000
    assert stage.replica.machine.height == stage.scene.height


def test_atk07_heights_at_the_end_of_time_are_asked_for_without_harm(stage: Stage) -> None:
    """faults ATK07: sixteen blocks from the last height there can be run past it."""
    stage.answers()
    stage.say(wire.GetBlocks(Height(wire.MAX_HEIGHT), 1))
    assert stage.answers() == [NoBlock(Height(wire.MAX_HEIGHT))]
    stage.say(wire.GetBlocks(Height(wire.MAX_HEIGHT - 3), limits.MAX_BLOCKS_PER_REQUEST))
    assert {type(answer) for answer in stage.answers()} == {NoBlock}


# --- ATK15, ATK23, ATK24 ---


def with_entry(commit: Commit, **changes: Any) -> Commit:
    """One entry of the quorum changed."""
    at = next(i for i, entry in enumerate(commit.signatures) if entry.flag is Flag.COMMIT)
    changed = replace(commit.signatures[at], **changes)
    return replace(commit, signatures=(*commit.signatures[:at], changed, *commit.signatures[at + 1 :]))


def with_absent(commit: Commit, entry: CommitSig) -> Commit:
    """The absent validator's entry filled in; the quorum stays whole."""
    at = next(i for i, held in enumerate(commit.signatures) if held.flag is Flag.ABSENT)
    return replace(commit, signatures=(*commit.signatures[:at], entry, *commit.signatures[at + 1 :]))


@pytest.fixture(scope="module")
def fetched() -> tuple[Stage, Commit, bytes]:
    """The faulty validator's own node, one height behind, and the block that three of four decided without it."""
    stage = Stage()
    evil = stage.scene.evil.number
    stage.scene.cluster.network.cut |= {(node.number, evil) for node in stage.scene.honest}
    stage.scene.work()
    stage.scene.cluster.reach(stage.scene.height, stage.scene.honest, limit_ms=20_000)
    found = stage.dispatch.answers.block(stage.scene.height)
    assert found is not None
    block, commit = found
    return stage, Commit.decode(commit), block


def refuses(fetched: tuple[Stage, Commit, bytes], commit: Commit) -> None:
    stage, _, block = fetched
    behind = stage.scene.evil.replica
    with pytest.raises(BadProof):
        behind.receive_block(stage.scene.height, block, commit.encode())
    assert behind.machine.height == stage.scene.height


@pytest.mark.parametrize("flag", [Flag.COMMIT, Flag.NIL])
@pytest.mark.parametrize("signature", [bytes(64), b"\x01" * 64])
def test_atk15_atk24_garbage_behind_a_quorum_is_refused_in_a_fetched_block(
    fetched: tuple[Stage, Commit, bytes], flag: Flag, signature: bytes
) -> None:
    """faults ATK15, ATK24: a check that stops at two thirds lets unverified signatures into the chain."""
    stage, good, _ = fetched
    refuses(fetched, with_absent(good, CommitSig(flag, stage.scene.evil.address, TimeNs(1), signature)))


@pytest.mark.parametrize("index", range(N))
def test_atk15_atk24_no_place_in_a_commit_goes_unchecked(index: int) -> None:
    """faults ATK15, ATK24: where all have signed, the last is as much looked at as the first."""
    keys = make_keys(N)
    good = make_commit(keys, "cccc")
    bad = replace(good.signatures[index], signature=bytes(64))
    commit = replace(good, signatures=(*good.signatures[:index], bad, *good.signatures[index + 1 :]))
    with pytest.raises(BadProof):
        verify_commit_full(commit, CHAIN_ID, make_set(keys), good.height, BLOCK)


@pytest.mark.parametrize("kind", [Kind.PREVOTE, Kind.PRECOMMIT])
@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("round_", [0, 1])
def test_atk23_a_good_signature_for_anything_else_is_refused_in_a_fetched_block(
    fetched: tuple[Stage, Commit, bytes], kind: Kind, height: int, round_: int
) -> None:
    """faults ATK23: commits with signatures that were made for another block stopped a network."""
    stage, good, _ = fetched
    for block_id in (BLOCK, NIL_BLOCK_ID, good.block_id):
        other = endorse(stage.scene, kind, round_, block_id, height)
        flag = Flag.NIL if block_id is NIL_BLOCK_ID else Flag.COMMIT
        commit = with_absent(good, CommitSig(flag, other.address, other.time_ns, other.signature))
        is_right = (kind, height, round_) == (Kind.PRECOMMIT, good.height, good.round)
        if not (is_right and block_id in (good.block_id, NIL_BLOCK_ID)):
            refuses(fetched, commit)


def test_atk16_a_commit_has_as_many_signatures_as_there_are_validators(fetched: tuple[Stage, Commit, bytes]) -> None:
    """faults ATK16: the number of signatures in an answer is bounded by the set, whoever is counted twice."""
    _, good, _ = fetched
    for count in (1, N - 1, N + 1, limits.MAX_VALIDATORS, limits.MAX_VALIDATORS + 1):
        refuses(fetched, replace(good, signatures=(good.signatures * limits.MAX_VALIDATORS)[:count]))


@pytest.mark.parametrize("change", [{"time_ns": TimeNs(1)}, {"address": bytes(20)}, {"flag": Flag.NIL}])
def test_atk38_a_fetched_block_has_a_quorum_of_distinct_signers(
    fetched: tuple[Stage, Commit, bytes], change: dict[str, Any]
) -> None:
    """faults ATK38: two validators could forge the certificate of a block for those who only fetched it."""
    _, good, _ = fetched
    refuses(fetched, with_entry(good, **change))
    signer = next(entry for entry in good.signatures if entry.flag is Flag.COMMIT)
    refuses(fetched, replace(good, signatures=(signer,) * N))
    commits = [entry for entry in good.signatures if entry.flag is Flag.COMMIT]
    refuses(fetched, replace(good, signatures=(*commits[:2], *(replace(good.signatures[0], flag=Flag.NIL),) * 2)))


def test_atk15_the_block_itself_is_taken(fetched: tuple[Stage, Commit, bytes]) -> None:
    """faults ATK15: what the tests above refuse is the change, not the block; run last, since it is taken once."""
    stage, good, block = fetched
    assert stage.scene.evil.replica.receive_block(stage.scene.height, block, good.encode())
