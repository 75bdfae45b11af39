"""The sign guard: ascending positions, one value for each, and that across every crash (N4, CP11 to CP15, S16, S19)."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core.errors import BadConfiguration, BrokenStorage, MvchainError
from mvchain.core.keys import SigningKey
from mvchain.core.types import Height, Round, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from mvchain.ledger.validators import address_of
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import STEP_PRECOMMIT, STEP_PREVOTE, STEP_PROPOSE, Disk, GuardRefusal, Position
from tests.node.storage_helpers import crashes

HERE = Path("guard")
KEY = SigningKey.from_seed(bytes(range(32)))
CHAIN = "test-0123456789abcdef0123456789abcdef"
A = BlockID(b"\xaa" * 32, PartSetHeader(1, b"\x01" * 32))
B = BlockID(b"\xbb" * 32, PartSetHeader(1, b"\x02" * 32))
T = 1_800_000_000_000_000_000
Message = Proposal | Endorsement


def opened(disk: Disk) -> SignGuard:
    return SignGuard(HERE, KEY, CHAIN, disk)


def sign(guard: SignGuard, position: Position, block_id: BlockID, time_ns: int = T) -> Message:
    height, round_, time = Height(position.height), Round(position.round), TimeNs(time_ns)
    if position.step == STEP_PROPOSE:
        return guard.sign_proposal(height, round_, Round(-1), block_id, time)
    kind = Kind.PREVOTE if position.step == STEP_PREVOTE else Kind.PRECOMMIT
    return guard.sign_endorsement(kind, height, round_, block_id, time, 3)


ASCENDING = [
    Position(height, round_, step)
    for height in (1, 2)
    for round_ in (0, 1)
    for step in (STEP_PROPOSE, STEP_PREVOTE, STEP_PRECOMMIT)
]


def test_positions_ascend_by_height_then_round_then_step() -> None:
    assert sorted(ASCENDING) == ASCENDING
    guard = opened(MemoryDisk())
    for position in ASCENDING:
        sign(guard, position, A)
        assert guard.position == position


@pytest.mark.parametrize("last", ASCENDING)
@pytest.mark.parametrize("asked", ASCENDING)
def test_what_lies_before_is_refused_and_what_lies_behind_is_signed(last: Position, asked: Position) -> None:
    guard = opened(MemoryDisk())
    first = sign(guard, last, A)
    if asked > last:
        assert sign(guard, asked, B).block_id == B
    elif asked == last:
        assert sign(guard, asked, A) == first
    else:
        with pytest.raises(GuardRefusal):
            sign(guard, asked, A)
        assert guard.position == last


@pytest.mark.parametrize("step", [STEP_PROPOSE, STEP_PREVOTE, STEP_PRECOMMIT])
def test_messages_carry_good_signatures(step: int) -> None:
    message = sign(opened(MemoryDisk()), Position(5, 2, step), A)
    assert message.is_signed_by(KEY.public, CHAIN)
    assert (message.height, message.round, message.block_id, message.time_ns) == (5, 2, A, T)
    if isinstance(message, Endorsement):
        assert (message.address, message.index) == (address_of(KEY.public), 3)


@pytest.mark.parametrize("block_id", [A, NIL_BLOCK_ID], ids=["block", "nil"])
def test_the_same_again_is_the_same_bytes_whatever_the_time_is_now(block_id: BlockID) -> None:
    disk = MemoryDisk()
    guard = opened(disk)
    first = sign(guard, Position(5, 0, STEP_PREVOTE), block_id)
    assert sign(guard, Position(5, 0, STEP_PREVOTE), block_id, T + 1).encode() == first.encode()
    disk.crash(lambda n: 0)
    assert sign(opened(disk), Position(5, 0, STEP_PREVOTE), block_id, T + 2).encode() == first.encode()


def test_a_proposal_again_keeps_its_pol_round_too() -> None:
    disk = MemoryDisk()
    first = opened(disk).sign_proposal(Height(5), Round(3), Round(1), A, TimeNs(T))
    disk.crash(lambda n: 0)
    again = opened(disk).sign_proposal(Height(5), Round(3), Round(2), A, TimeNs(T + 1))
    assert again.encode() == first.encode()
    assert again.is_signed_by(KEY.public, CHAIN)


@pytest.mark.parametrize("other", [B, NIL_BLOCK_ID], ids=["block", "nil"])
def test_another_value_at_the_same_position_is_refused_naming_both(other: BlockID) -> None:
    guard = opened(MemoryDisk())
    sign(guard, Position(5, 1, STEP_PRECOMMIT), A)
    with pytest.raises(GuardRefusal) as caught:
        sign(guard, Position(5, 1, STEP_PRECOMMIT), other)
    assert caught.value.code == "MV-4031"
    asked = "nil" if other == NIL_BLOCK_ID else "block " + "bb" * 32
    assert caught.value.detail == (
        f"The sign guard stands at the precommit of height 5 round 1 for block {'aa' * 32} and does not sign "
        f"the precommit of height 5 round 1 for {asked}."
    )


def test_a_missing_file_is_reported_and_not_made() -> None:
    disk = MemoryDisk()
    guard = opened(disk)
    assert guard.position is None
    assert guard.address == address_of(KEY.public)
    assert disk.read(HERE) is None


def test_after_a_crash_anywhere_the_same_signature_or_none_left() -> None:
    old, new = Position(7, 0, STEP_PREVOTE), Position(7, 0, STEP_PRECOMMIT)
    handed_out: list[Message] = []

    def prepare(disk: Disk) -> None:
        guard = opened(disk)
        sign(guard, old, A)
        guard.close()

    def act(disk: Disk) -> None:
        handed_out.clear()
        handed_out.append(sign(opened(disk), new, A))

    stood = set()
    for what, disk in crashes(prepare, act):
        guard = opened(disk)
        assert guard.position in (old, new), what
        stood.add(guard.position)
        if handed_out:  # it may have left: the same bytes again, and nothing else
            assert guard.position == new, what
            with pytest.raises(GuardRefusal):
                sign(guard, new, B)
        if guard.position == new:  # CP14: it has not left, but only this value may be signed
            with pytest.raises(GuardRefusal):
                sign(guard, new, B)
            assert sign(guard, new, A, T + 9).time_ns == T, what
    assert stood == {old, new}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ASCENDING),
            st.sampled_from([A, B, NIL_BLOCK_ID]),
            st.sampled_from([None, 0.0, 0.5, 1.0]),
        ),
        max_size=25,
    )
)
def test_no_position_ever_gets_two_values(requests: list[tuple[Position, BlockID, float | None]]) -> None:
    """I2, over any order of requests with crashes in between."""
    disk = MemoryDisk()
    guard = opened(disk)
    seen: dict[Position, bytes] = {}
    for n, (position, block_id, crash) in enumerate(requests):
        if crash is not None:
            disk.crash(lambda unsynced, kept=crash: int(unsynced * kept))  # type: ignore[misc]
            guard = opened(disk)
        try:
            message = sign(guard, position, block_id, T + n)
        except GuardRefusal:
            continue
        assert seen.setdefault(position, message.encode()) == message.encode()
        assert max(seen) == position


def guard_file(directory: Path, chain_id: str = CHAIN, key: SigningKey = KEY) -> Path:
    path = directory / "guard"
    guard = SignGuard(path, key, chain_id, LocalDisk())
    sign(guard, Position(9, 0, STEP_PRECOMMIT), A)
    guard.close()
    return path


def test_each_cut_and_each_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = guard_file(tmp_path)
    whole = path.read_bytes()
    damaged = [whole[:size] for size in range(len(whole))]
    damaged += [whole[:at] + bytes((whole[at] ^ 1 << at % 8,)) + whole[at + 1 :] for at in range(len(whole))]
    for data in [*damaged, whole + b"\0"]:
        path.write_bytes(data)
        with pytest.raises(BrokenStorage, match="MV-4032"):
            SignGuard(path, KEY, CHAIN, LocalDisk())
    path.write_bytes(whole)
    assert SignGuard(path, KEY, CHAIN, LocalDisk()).position == (9, 0, STEP_PRECOMMIT)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_our_error(data: bytes) -> None:
    from mvchain.core.hashing import sha256

    for content in (data, data + sha256(data)):
        disk = MemoryDisk()
        disk.write(disk.create(HERE), content)
        with pytest.raises(MvchainError):
            opened(disk)


def test_the_guard_of_another_chain_or_key_is_refused(tmp_path: Path) -> None:
    path = guard_file(tmp_path)
    with pytest.raises(BadConfiguration, match=f"MV-4033.* of chain {CHAIN}"):
        SignGuard(path, KEY, "other" + CHAIN, LocalDisk())
    other = SigningKey.from_seed(bytes(32))
    with pytest.raises(BadConfiguration, match=f"belongs to validator {address_of(KEY.public).hex()}"):
        SignGuard(path, other, CHAIN, LocalDisk())


def test_a_newer_format_is_named(tmp_path: Path) -> None:
    from mvchain.core import codec
    from mvchain.core.hashing import sha256

    path = tmp_path / "guard"
    body = codec.encode((3, "something else"))
    path.write_bytes(body + sha256(body))
    with pytest.raises(BrokenStorage, match="has format version 3; this program knows version 2"):
        SignGuard(path, KEY, CHAIN, LocalDisk())


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "guard"
    first = SignGuard(path, KEY, CHAIN, LocalDisk())
    with pytest.raises(BadConfiguration, match="MV-4004"):
        SignGuard(path, KEY, CHAIN, LocalDisk())
    first.close()
    SignGuard(path, KEY, CHAIN, LocalDisk()).close()


def test_a_guard_that_does_not_open_lets_go_of_the_lock(tmp_path: Path) -> None:
    path = guard_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(BrokenStorage):
        SignGuard(path, KEY, CHAIN, LocalDisk())
    path.write_bytes(whole)
    SignGuard(path, KEY, CHAIN, LocalDisk()).close()


def test_after_a_failed_sync_nothing_is_signed_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mvchain.node import files

    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    guard = SignGuard(tmp_path / "guard", KEY, CHAIN, LocalDisk())
    sign(guard, ASCENDING[0], A)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", failing)
        with pytest.raises(BrokenStorage):
            sign(guard, ASCENDING[1], A)
    with pytest.raises(BrokenStorage):
        sign(guard, ASCENDING[1], A)
    assert guard.position == ASCENDING[0]


def test_the_file_holds_no_secret(tmp_path: Path) -> None:
    path = guard_file(tmp_path)
    assert KEY.seed not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
