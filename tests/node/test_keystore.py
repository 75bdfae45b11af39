"""Key files: encrypted, closed to others, whole after any crash (security KEY02, KEY11, LIM27, CP20)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BadConfiguration
from mvchain.core.keys import SigningKey
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import (
    DEFAULT_KDF,
    KdfParameters,
    change_passphrase,
    load_key,
    load_plain_key,
    save_key,
    save_plain_key,
)
from mvchain.node.memory import MemoryDisk
from mvchain.node.ports import Disk
from tests.node.storage_helpers import crashes

HERE = Path("key")
KEY = SigningKey.from_seed(bytes(range(1, 33)))
CHEAP = KdfParameters(2, 19 * 1024 * 1024)
PASSPHRASE = "nine 열쇠".encode()
OTHER = b"another passphrase"


def rewritten(change: Callable[[dict[str, object]], object]) -> MemoryDisk:
    """A disk with an encrypted key file in which something was changed."""
    disk = MemoryDisk()
    save_key(HERE, KEY, PASSPHRASE, disk, CHEAP)
    document = json.loads(disk.read(HERE) or b"")
    change(document)
    disk.write(disk.create(HERE), json.dumps(document).encode())
    return disk


def test_a_key_comes_back_with_its_passphrase_alone(tmp_path: Path) -> None:
    path, disk = tmp_path / "keys" / "validator.json", LocalDisk()
    save_key(path, KEY, PASSPHRASE, disk, CHEAP)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path, PASSPHRASE, disk).seed == KEY.seed
    for wrong in (b"", OTHER, PASSPHRASE + b"\0", PASSPHRASE[:-1]):
        with pytest.raises(BadConfiguration, match="MV-3006") as caught:
            load_key(path, wrong, disk)
        assert repr(wrong) not in str(caught.value) or not wrong


def test_the_file_shows_nothing_of_the_secret_and_never_looks_the_same() -> None:
    files = []
    for _ in range(2):
        disk = MemoryDisk()
        save_key(HERE, KEY, PASSPHRASE, disk, CHEAP)
        files.append(disk.read(HERE) or b"")
    for data in files:
        assert KEY.seed not in data
        assert KEY.seed.hex().encode() not in data
    first, second = map(json.loads, files)
    assert first["secret"] != second["secret"]
    assert first["kdf"]["salt"] != second["kdf"]["salt"]
    assert first["public_key"] == KEY.public.hex()
    assert first["kdf"]["operations"] == 2
    assert first["kdf"]["memory_bytes"] == 19 * 1024 * 1024


def test_the_default_cost_reaches_the_floor_with_room() -> None:
    assert (DEFAULT_KDF.operations, DEFAULT_KDF.memory_bytes) >= (2, 46 * 1024 * 1024)


@pytest.mark.parametrize(
    ("operations", "mib", "good"),
    [
        (1, 46, True),
        (2, 19, True),
        (16, 1024, True),
        (1, 45, False),
        (2, 18, False),
        (0, 64, False),
        (17, 64, False),
        (3, 1025, False),
        (-1, 64, False),
    ],
)
def test_cost_is_bounded_on_both_sides(operations: int, mib: int, good: bool) -> None:
    if good:
        KdfParameters(operations, mib * 1024 * 1024)
        return
    with pytest.raises(BadConfiguration, match="MV-3008"):
        KdfParameters(operations, mib * 1024 * 1024)


def test_a_file_cannot_ask_for_a_cost_out_of_bounds() -> None:
    disk = rewritten(lambda document: document["kdf"].update(memory_bytes=1 << 40))  # type: ignore[attr-defined]
    with pytest.raises(BadConfiguration, match="MV-3008"):
        load_key(HERE, PASSPHRASE, disk)


def test_a_short_passphrase_is_refused() -> None:
    disk = MemoryDisk()
    with pytest.raises(BadConfiguration, match="fewer than 8 bytes"):
        save_key(HERE, KEY, b"1234567", disk, CHEAP)
    assert disk.read(HERE) is None


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o640, 0o644, 0o660, 0o666, 0o601, 0o700, 0o777])
def test_each_wider_mode_is_refused(mode: int, tmp_path: Path) -> None:
    path, disk = tmp_path / "key", LocalDisk()
    save_plain_key(path, KEY, disk)
    path.chmod(mode)
    with pytest.raises(BadConfiguration, match=f"MV-3003: .* has mode {mode:04o}"):
        load_plain_key(path, disk)
    path.chmod(0o400)
    assert load_plain_key(path, disk).seed == KEY.seed


def test_a_missing_file_is_named() -> None:
    with pytest.raises(BadConfiguration, match="There is no key file key"):
        load_key(HERE, PASSPHRASE, MemoryDisk())


@pytest.mark.parametrize("save", [lambda d: save_plain_key(HERE, KEY, d), lambda d: save_key(HERE, KEY, OTHER, d)])
def test_a_key_is_never_overwritten(save: Callable[[Disk], None]) -> None:
    disk = MemoryDisk()
    save_plain_key(HERE, SigningKey.from_seed(bytes(32)), disk)
    before = disk.read(HERE)
    with pytest.raises(BadConfiguration, match="MV-3002"):
        save(disk)
    assert disk.read(HERE) == before


def test_plain_and_encrypted_are_not_confused() -> None:
    disk = MemoryDisk()
    save_plain_key(HERE, KEY, disk)
    with pytest.raises(BadConfiguration, match="MV-3005"):
        load_key(HERE, PASSPHRASE, disk)
    assert load_plain_key(HERE, disk).seed == KEY.seed
    encrypted = rewritten(lambda document: None)
    with pytest.raises(BadConfiguration, match=r"MV-3009: .*is encrypted"):
        load_plain_key(HERE, encrypted)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format="other"),
        lambda d: d.update(version=2),
        lambda d: d.update(extra=1),
        lambda d: d.pop("public_key"),
        lambda d: d.update(kdf=[]),
        lambda d: d["kdf"].update(name="scrypt"),
        lambda d: d["kdf"].update(operations="3"),
        lambda d: d["kdf"].update(operations=True),
        lambda d: d["kdf"].update(salt="00"),
        lambda d: d.update(secret=7),
        lambda d: d.update(secret="xyz"),
        lambda d: d.update(public_key=bytes(32).hex()),
    ],
)
def test_each_changed_member_is_refused(change: Callable[[dict[str, object]], object]) -> None:
    with pytest.raises(BadConfiguration, match="MV-3004"):
        load_key(HERE, PASSPHRASE, rewritten(change))


def test_a_changed_secret_does_not_open() -> None:
    for secret in ("", "00", "00" * 72):
        disk = rewritten(lambda document, secret=secret: document.update(secret=secret))  # type: ignore[misc]
        with pytest.raises(BadConfiguration, match=r"MV-300[46]"):
            load_key(HERE, PASSPHRASE, disk)


def test_each_cut_is_refused() -> None:
    disk = MemoryDisk()
    save_key(HERE, KEY, PASSPHRASE, disk, CHEAP)
    whole = disk.read(HERE) or b""
    for size in range(len(whole) - 1):  # the last byte is the end of the line
        disk.write(disk.create(HERE), whole[:size])
        with pytest.raises(BadConfiguration, match="MV-3004"):
            load_key(HERE, PASSPHRASE, disk)


@given(st.binary(max_size=100) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_arbitrary_content_gives_our_error(content: bytes | str) -> None:
    disk = MemoryDisk()
    disk.write(disk.create(HERE), content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadConfiguration, match="MV-3004"):
        load_plain_key(HERE, disk)


def test_after_a_crash_while_the_passphrase_is_changed_the_file_is_whole() -> None:
    opened_with: dict[bytes, bytes] = {}
    prepared = MemoryDisk()
    save_key(HERE, KEY, PASSPHRASE, prepared, CHEAP)
    old = prepared.read(HERE) or b""

    def prepare(disk: Disk) -> None:
        file = disk.create(HERE)
        disk.write(file, old)
        disk.fsync(file)
        disk.fsync_dir(HERE.parent)

    for what, disk in crashes(prepare, lambda disk: change_passphrase(HERE, PASSPHRASE, OTHER, disk, CHEAP)):
        content = disk.read(HERE)
        assert content is not None, what
        passphrase = PASSPHRASE if content == old else OTHER
        if opened_with.get(passphrase) != content:  # each content once: opening takes long by design
            assert load_key(HERE, passphrase, disk).seed == KEY.seed, what
        opened_with[passphrase] = content
    assert set(opened_with) == {PASSPHRASE, OTHER}
