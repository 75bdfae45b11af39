"""The light client where members join, leave and replace their keys, and every lie about them (C91 to C94; S25).

Every lie is told where it is worth most: around the heights at which the set changes, with the keys of those who left.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.types import Height, Round, TimeNs
from mvchain.light.blocks import LightBlock
from mvchain.light.client import Divergence, Standing
from mvchain.light.evidence import evidence_in_words, signed_both
from mvchain.light.rules import NS_PER_HOUR, Rules, TrustLevel
from mvchain.light.trust import Checkpoint, decode_trust
from tests.light.handed_over import HISTORIES, NEW, sets_from
from tests.light.helpers import SECOND, code_of
from tests.light.light_chain import (
    GENESIS,
    KEYS,
    OTHER_KEYS,
    KeysAt,
    LightChain,
    Signers,
    extend,
    fork_of,
    in_order,
    rotating_keys,
    set_of,
    sign,
    time_at,
)
from tests.light.simulation import Liar, Network, Node

LENGTH = 60
NOW = time_at(LENGTH) + SECOND
A, B, C, D = KEYS


@cache
def chain_of(history: str) -> LightChain:
    return extend(LightChain(GENESIS, ()), LENGTH, HISTORIES[history])


ROTATING = extend(LightChain(GENESIS, ()), LENGTH, rotating_keys)
"""One of four keys is replaced at heights 11, 21, 31, 41 and 51: from 41 on nobody of genesis signs."""


def network(*nodes: Node, **options: object) -> Network:
    return Network(*nodes, **({"now_ns": NOW} | options))  # type: ignore[arg-type]


# --- honest nodes ---


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("history", HISTORIES)
def test_it_follows_from_genesis_through_every_history(history: str, *, sequential: bool) -> None:
    chain = chain_of(history)
    net = network(Node(chain), Node(chain), sequential=sequential)
    assert net.advance() == chain[LENGTH]
    assert net.notices == []
    for height in (1, 7, 10, 11, 12, 20, 41, 42, 59):
        assert net.block_at(height) == chain[height]


@pytest.mark.parametrize("history", HISTORIES)
def test_it_follows_block_by_block(history: str) -> None:
    chain = chain_of(history)
    nodes = Node(chain, newest=1), Node(chain, newest=1)
    net = network(*nodes)
    for height in range(1, LENGTH + 1):
        for node in nodes:
            node.newest = height
        assert net.advance() == chain[height]
        assert net.asked("a") == [None]


@pytest.mark.parametrize("history", HISTORIES)
def test_hashes_lead_back_below_a_checkpoint_over_changes(history: str) -> None:
    chain = chain_of(history)
    net = network(Node(chain), Node(chain), root=Checkpoint(Height(50), chain[50].hash))
    assert net.block_at(5) == chain[5]
    assert net.advance() == chain[LENGTH]


@pytest.mark.parametrize("history", HISTORIES)
def test_what_was_trusted_is_verified_again_from_the_file(history: str) -> None:
    """All of it, where nothing lies between; else what follows by itself from genesis."""
    chain = chain_of(history)
    net = network(Node(chain), Node(chain), sequential=True)
    for height in range(1, LENGTH + 1):
        net.block_at(height)
    found = decode_trust(net.client.store.encode(), GENESIS, TrustLevel())
    assert [block.height for block in found] == net.trusted()


def test_of_a_file_with_a_gap_what_no_longer_follows_is_left_out() -> None:
    net = network(Node(ROTATING), Node(ROTATING))
    net.block_at(5)
    net.advance()
    assert net.trusted() == [5, LENGTH]
    found = decode_trust(net.client.store.encode(), GENESIS, TrustLevel())
    assert [block.height for block in found] == [5]


def test_which_blocks_a_complete_change_takes() -> None:
    """Only the block before the change names the new set, so the client must come to both sides of it."""
    chain = chain_of("all replaced at once")
    net = network(Node(chain), Node(chain))
    net.advance()
    asked = [height for height in net.asked("a") if height]
    assert {10, 11} <= set(asked)
    assert len(asked) <= 24


EVERYONE = [*KEYS, *NEW]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sets(st.integers(0, 11), min_size=4, max_size=9)), max_size=6),
    st.sampled_from([TrustLevel(1, 3), TrustLevel(2, 3), TrustLevel(1, 1)]),
)
def test_any_history_leads_to_the_same_block(changes: list[tuple[int, set[int]]], level: TrustLevel) -> None:
    """Skipping and sequential verification agree, at any level."""
    height, sets = 1, []
    for gap, members in changes:
        height += gap
        sets.append((height, [EVERYONE[at] for at in members]))
    chain = extend(LightChain(GENESIS, ()), LENGTH, sets_from(*sets))
    for sequential in (False, True):
        net = network(Node(chain), Node(chain), rules=Rules(level=level), sequential=sequential)
        assert net.advance() == chain[LENGTH]
        assert net.notices == []


# --- lies ---


def at_height(block: LightBlock, keys: Signers, marks: str | None = None, **changes: object) -> LightBlock:
    """The block with another header, signed by these, whom it names."""
    return sign(replace(block.header, validators_hash=set_of(keys).hash, **changes), keys, marks)  # type: ignore[arg-type]


def test_equivocation_by_the_set_of_the_day_is_two_truths() -> None:
    """Another block 55, signed by the same later validators, whom genesis does not name."""
    lie = fork_of(ROTATING, 55, LENGTH, rotating_keys)
    net = network(Node(lie), Node(ROTATING))
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert (caught.value.first, caught.value.second) == (lie[LENGTH], ROTATING[LENGTH])
    assert signed_both(caught.value) == sorted(key.public for key in rotating_keys(LENGTH))
    told = evidence_in_words(caught.value, GENESIS)
    assert "Signed two blocks in one round" in told
    assert all(key.public.hex() in told for key in rotating_keys(LENGTH))  # genesis has no names for them
    assert net.trusted() == []


def test_amnesia_is_two_truths_of_two_rounds() -> None:
    header = replace(ROTATING[LENGTH].header, app_hash=bytes(32))
    later_round = sign(header, rotating_keys(LENGTH), round_=Round(2))
    lie = replace(later_round, commit=replace(later_round.commit, round=Round(2)))
    net = network(Liar(ROTATING, lies={None: lie, LENGTH: lie}), Node(ROTATING))
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert "The two are not of one round" in evidence_in_words(caught.value, GENESIS)


def test_the_keys_of_genesis_once_stolen_make_two_truths_and_no_false_one() -> None:
    """Lunatic: nobody of genesis signs any more, but from genesis alone their block would have to be believed."""
    lie = at_height(ROTATING[LENGTH], KEYS, app_hash=bytes(32))
    net = network(Liar(ROTATING, lies={None: lie, LENGTH: lie}), Node(ROTATING))
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert caught.value.first == lie
    assert net.trusted() == []


@pytest.mark.parametrize("trusted", [41, 50, 59])
def test_the_keys_of_genesis_are_worth_nothing_behind_a_later_checkpoint(trusted: int) -> None:
    lie = at_height(ROTATING[LENGTH], KEYS, app_hash=bytes(32))
    root = Checkpoint(Height(trusted), ROTATING[trusted].hash)
    net = network(Liar(ROTATING, lies={None: lie, LENGTH: lie}), Node(ROTATING), Node(ROTATING), root=root)
    assert net.advance() == ROTATING[LENGTH]
    assert net.notices == [("a", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code)]


@pytest.mark.parametrize("trusted", [31, 35, 40])
def test_one_member_of_the_trusted_set_that_left_cannot_make_a_set(trusted: int) -> None:
    """Of the set of heights 31 to 40 one left at 41; with phantoms it is a quorum of a set of its own invention."""
    left = next(key for key in rotating_keys(trusted) if key not in rotating_keys(41))
    lie = at_height(ROTATING[45], in_order([left, *OTHER_KEYS[:3]]), app_hash=bytes(32))
    root = Checkpoint(Height(trusted), ROTATING[trusted].hash)
    net = network(Liar(ROTATING, newest=45, lies={None: lie, 45: lie}), Node(ROTATING), Node(ROTATING), root=root)
    assert net.advance().height == LENGTH
    assert ("a", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code) in net.notices


@pytest.mark.parametrize(
    ("level", "kept", "is_believed"),
    [
        (TrustLevel(1, 3), 1, False),
        (TrustLevel(1, 3), 2, True),
        (TrustLevel(2, 3), 2, False),
        (TrustLevel(2, 3), 3, True),
        (TrustLevel(1, 1), 3, False),
        (TrustLevel(1, 1), 4, True),
    ],
)
def test_how_many_of_the_trusted_four_a_lunatic_needs(level: TrustLevel, kept: int, *, is_believed: bool) -> None:
    """Believed is never enough to be trusted: the witness shows another block, and then there are two truths."""
    members = in_order([*KEYS[:kept], *OTHER_KEYS[: 4 - kept]])
    lie = at_height(ROTATING[LENGTH], members, app_hash=bytes(32))
    net = network(
        Liar(ROTATING, lies={None: lie, LENGTH: lie}), Node(ROTATING), Node(ROTATING), rules=Rules(level=level)
    )
    if is_believed:
        with pytest.raises(Divergence):
            net.advance()
        assert net.trusted() == []
    else:
        assert net.advance() == ROTATING[LENGTH]
        assert net.notices == [("a", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code)]


def named_by_the_block_before(height: int) -> LightBlock:
    """Phantoms at the very height at which the set changes: what the block before announces is another set."""
    return at_height(ROTATING[height], OTHER_KEYS)


@pytest.mark.parametrize("height", [11, 21, 31, 41, 51])
def test_phantoms_instead_of_the_new_set(height: int) -> None:
    lie = named_by_the_block_before(height)
    net = network(Liar(ROTATING, newest=height, lies={None: lie, height: lie}), Node(ROTATING), Node(ROTATING))
    assert net.advance().height == LENGTH
    assert ("a", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code) in net.notices


@pytest.mark.parametrize("height", [11, 21, 31, 41, 51])
def test_the_old_set_goes_on_signing_where_the_new_one_has_begun(height: int) -> None:
    """Who was removed keeps signing (S22): the block before names others, so it counts for nothing."""
    lie = at_height(ROTATING[height], rotating_keys(height - 1))
    root = Checkpoint(Height(height - 1), ROTATING[height - 1].hash)
    nodes = Liar(ROTATING, newest=height, lies={None: lie, height: lie}), Node(ROTATING), Node(ROTATING)
    net = network(*nodes, root=root)
    assert net.advance().height == LENGTH
    assert ("a", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code) in net.notices


@pytest.mark.parametrize("height", [10, 20, 30, 40, 50])
def test_the_new_set_signs_before_its_time(height: int) -> None:
    lie = at_height(ROTATING[height], rotating_keys(height + 1))
    root = Checkpoint(Height(height - 1), ROTATING[height - 1].hash)
    nodes = Liar(ROTATING, newest=height, lies={None: lie, height: lie}), Node(ROTATING), Node(ROTATING)
    net = network(*nodes, root=root)
    assert net.advance().height == LENGTH
    assert ("a", Standing.DROPPED, codes.NOT_NEXT_VALIDATORS.code) in net.notices


@pytest.mark.parametrize("height", [10, 20, 30])
def test_a_changed_announcement_is_a_changed_block(height: int) -> None:
    """The block before the change, naming phantoms as the next set, with the signatures for the true one."""
    true = ROTATING[height]
    lie = replace(true, header=replace(true.header, next_validators_hash=set_of(OTHER_KEYS).hash))
    net = network(Liar(ROTATING, newest=height, lies={None: lie, height: lie}), Node(ROTATING), Node(ROTATING))
    assert net.advance().height == LENGTH
    assert ("a", Standing.DROPPED, codes.LIGHT_BLOCK_HASH.code) in net.notices


def announcing_phantoms(keys_at: KeysAt, *marks: str) -> LightBlock:
    return sign(replace(ROTATING[10].header, next_validators_hash=set_of(OTHER_KEYS).hash), keys_at(10), *marks)


def test_an_announcement_of_phantoms_that_too_few_signed() -> None:
    lie = announcing_phantoms(rotating_keys, "ccaa")
    net = network(Liar(ROTATING, newest=10, lies={None: lie, 10: lie}), Node(ROTATING), Node(ROTATING))
    assert net.advance().height == LENGTH
    assert ("a", Standing.DROPPED, codes.COMMIT_POWER.code) in net.notices


def test_an_announcement_of_phantoms_that_a_quorum_signed_is_two_truths() -> None:
    """With all that follows from it, signed by the phantoms: the way to it is examined, and the fork is named."""
    announced = announcing_phantoms(rotating_keys)
    before = LightChain(GENESIS, (*ROTATING.blocks[:9], announced))
    lie = extend(before, LENGTH, lambda _: OTHER_KEYS)
    net = network(Node(lie), Node(ROTATING))
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert caught.value.common.height == 0
    assert set(lie[LENGTH].keys) == {key.public for key in OTHER_KEYS}


@pytest.mark.parametrize("height", [9, 10, 11, 12, 30, 31, 41])
def test_back_to_the_past_with_the_keys_of_another_time(height: int) -> None:
    """Asked for an old block, the primary shows one that a later set signed: it is found out, and never given on."""
    lie = at_height(ROTATING[height], rotating_keys(height + 20), app_hash=bytes(32))
    net = network(Liar(ROTATING, lies={height: lie}), Node(ROTATING), Node(ROTATING))
    net.advance()
    assert net.block_at(height) == ROTATING[height]
    assert [(source, standing) for source, standing, _ in net.notices] == [("a", Standing.DROPPED)]


@pytest.mark.parametrize("height", [21, 30, 31])
def test_back_to_the_past_with_the_keys_of_its_time_is_two_truths(height: int) -> None:
    lie = fork_of(ROTATING, height, height, rotating_keys)[height]
    net = network(Liar(ROTATING, lies={height: lie}), Node(ROTATING))
    net.advance()
    with pytest.raises(Divergence):
        net.block_at(height)


def test_expired_trust_is_not_renewed_by_those_who_have_left() -> None:
    rules = Rules(trusting_period_ns=48 * NS_PER_HOUR)
    root = Checkpoint(Height(20), ROTATING[20].hash)
    late = time_at(20) + 48 * NS_PER_HOUR
    net = network(Node(ROTATING), Node(ROTATING), root=root, rules=rules, now_ns=late)
    assert code_of(net.advance) == codes.TRUST_EXPIRED.code
    assert net.notices == []
    net = network(Node(ROTATING), Node(ROTATING), root=root, rules=rules, now_ns=late - 1)
    assert net.advance() == ROTATING[LENGTH]


def test_a_block_from_the_future_signed_by_a_set_of_the_future() -> None:
    lie = at_height(ROTATING[LENGTH], OTHER_KEYS, height=Height(10_000), time_ns=TimeNs(NOW + 3_600 * SECOND))
    net = network(Liar(ROTATING, lies={None: lie, 10_000: lie}), Node(ROTATING), Node(ROTATING))
    assert net.advance() == ROTATING[LENGTH]
    assert net.notices == [("a", Standing.FAILING, codes.FROM_THE_FUTURE.code), ("a", Standing.GOOD, "")]


def test_forward_lunatic_of_the_present_set_is_caught_once_honest_time_passes_it() -> None:
    """ATK29: heights that do not exist yet, signed by more than two thirds of the set of today."""
    forged = sign(
        replace(ROTATING[LENGTH].header, height=Height(1_000), time_ns=TimeNs(NOW + 5 * SECOND)), rotating_keys(LENGTH)
    )
    lies = {None: forged, 1_000: forged}
    honest = Node(ROTATING, newest=59)
    root = Checkpoint(Height(55), ROTATING[55].hash)
    net = network(Liar(ROTATING, lies=lies), honest, Liar(ROTATING, lies=lies), root=root)
    late = extend(LightChain(GENESIS, ROTATING.blocks[:59]), 60, rotating_keys, time_ns=TimeNs(NOW + 6 * SECOND))
    honest.chain = late

    def next_block() -> None:
        if net.now_ns >= NOW + 20 * SECOND:
            honest.newest = 60

    net.on_pause = next_block
    with pytest.raises(Divergence) as caught:
        net.advance()
    assert (caught.value.first, caught.value.second) == (forged, late[60])
    assert net.trusted() == [55]


def test_forward_lunatic_of_those_who_left_is_not_believed() -> None:
    forged = at_height(ROTATING[LENGTH], rotating_keys(20), height=Height(1_000), time_ns=TimeNs(NOW + 5 * SECOND))
    lies: dict[int | None, object] = {None: forged, 1_000: forged}
    root = Checkpoint(Height(55), ROTATING[55].hash)
    net = network(Liar(ROTATING, lies=lies), Node(ROTATING), Node(ROTATING), root=root)  # type: ignore[arg-type]
    assert net.advance() == ROTATING[LENGTH]


LIES: dict[str, Callable[[], LightBlock]] = {
    "equivocation": lambda: fork_of(ROTATING, 55, LENGTH, rotating_keys)[LENGTH],
    "by genesis": lambda: at_height(ROTATING[LENGTH], KEYS, app_hash=bytes(32)),
    "phantoms": lambda: at_height(ROTATING[LENGTH], OTHER_KEYS, app_hash=bytes(32)),
    "a third": lambda: at_height(ROTATING[LENGTH], in_order([A, *OTHER_KEYS[:3]]), app_hash=bytes(32)),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("order", ["lhh", "hlh", "llh", "lhl", "hll"])
def test_whoever_lies_no_lie_is_ever_trusted(lie: str, order: str) -> None:
    """Primary or witness, one or two of three (S25): the true block, or nothing at all. The first contradiction that
    is signed as well ends it (ATK17)."""
    forged = LIES[lie]()
    net = network(
        *(Liar(ROTATING, lies={None: forged, LENGTH: forged}) if who == "l" else Node(ROTATING) for who in order)
    )
    code = outcome_of(net)
    if lie in ("equivocation", "by genesis"):
        assert code == codes.DIVERGENCE.code
    else:
        # Where only one node is honest, nobody is left to confirm what it says.
        assert code == ("" if order.count("h") == 2 else codes.NO_WITNESS.code)
    assert all(block == ROTATING[block.height] for block in net.client.store)


def outcome_of(net: Network) -> str:
    """The code of the refusal; empty if the newest true block is trusted."""
    try:
        assert net.advance() == ROTATING[LENGTH]
    except BadProof as error:
        return error.code
    return ""
