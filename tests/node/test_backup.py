"""Backups: whole or refused, all or nothing, no guard, no keys unless asked (N4, KEY10, CP20)."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from mvchain.app import open_state
from mvchain.core import codec
from mvchain.core.errors import BadConfiguration, BrokenStorage, MvchainError
from mvchain.core.keys import SigningKey
from mvchain.core.limits import MAX_BACKUP_PART_BYTES, MIN_FREE_DISK_BYTES
from mvchain.core.types import TimeMs
from mvchain.ledger.genesis import Genesis
from mvchain.localnet import make_localnet
from mvchain.node import backup
from mvchain.node.backup import Contents, check_backup, make_backup, restore_backup
from mvchain.node.config import Home
from mvchain.node.files import LocalDisk
from mvchain.node.home import make_next_keys
from mvchain.node.keystore import KdfParameters, load_plain_key, save_key
from mvchain.node.store import Store
from tests.node.storage_helpers import Crash, SeamDisk


def quiet(_done: int, _whole: int) -> None:
    pass


def made_home(directory: Path) -> tuple[Home, Genesis]:
    """A home whose node has run: its store holds the state before the first block."""
    make_localnet(directory, 1)
    home = Home(directory / "node-1")
    genesis = Genesis.decode(home.genesis.read_bytes())
    store = Store(home.store, LocalDisk())
    open_state(store, genesis)
    store.put_rejection(genesis.hash, "MV-1201")  # a record that is not synced
    store.close()
    return home, genesis


def back_up(home: Home, out: Path, key: SigningKey | None = None, *, with_keys: bool = False) -> Contents:
    signer = key or load_plain_key(home.key("node"), LocalDisk())
    return make_backup(home, out, signer, with_keys=with_keys, now_ms=TimeMs(5), disk=LocalDisk(), progress=quiet)


def restore(path: Path, home: Home, *, replace_store: bool = False) -> Contents:
    return restore_backup(path, home, signed_by=None, replace_store=replace_store, disk=LocalDisk(), progress=quiet)


def check(path: Path) -> Contents:
    return check_backup(path, genesis=None, signed_by=None, progress=quiet)[0]


def records(home: Home) -> list[tuple[bytes, bytes]]:
    store = Store(home.store, LocalDisk())
    found = list(store.scan(b"", b"\xff"))
    store.close()
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path]:
    directory = tmp_path_factory.mktemp("backup")
    home, _ = made_home(directory)
    back_up(home, directory / "backup")
    return home, directory / "backup"


def test_a_restored_home_has_the_same_records_and_files(made: tuple[Home, Path], tmp_path: Path) -> None:
    home, path = made
    new = Home(tmp_path / "new")
    assert restore(path, new) == check(path)
    assert records(new) == records(home)
    for file in ("config/node.toml", "config/entry.json", "config/genesis.json"):
        assert (new.path / file).read_bytes() == (home.path / file).read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_neither_the_guard_nor_the_log_nor_a_key_is_in_it(made: tuple[Home, Path], tmp_path: Path) -> None:
    home, path = made
    new = Home(tmp_path / "new")
    restore(path, new)
    found = {str(file.relative_to(new.path)) for file in new.path.rglob("*") if file.is_file()}
    assert {name for name in found if not name.startswith("data/store")} == {
        "config/entry.json",
        "config/genesis.json",
        "config/node.toml",
    }
    data = path.read_bytes()
    assert home.guard.read_bytes() not in data
    for role in ("validator", "node", "agency", "operator"):
        seed = load_plain_key(home.key(role), LocalDisk()).seed
        assert seed not in data
        assert seed.hex().encode() not in data


def test_keys_go_in_when_asked_for_and_encrypted(tmp_path: Path) -> None:
    home, _ = made_home(tmp_path)
    node_key = load_plain_key(home.key("node"), LocalDisk())
    with pytest.raises(BadConfiguration, match="MV-3134"):
        back_up(home, tmp_path / "backup", with_keys=True)
    assert not (tmp_path / "backup").exists()
    for role in ("validator", "node", "agency", "operator"):
        key = load_plain_key(home.key(role), LocalDisk())
        home.key(role).unlink()
        if role != "agency":  # off-line, as it should be
            save_key(home.key(role), key, b"long enough", LocalDisk(), KdfParameters(2, 19 << 20))
    make_next_keys(home, ["validator"], "chain", b"long enough", LocalDisk())
    assert back_up(home, tmp_path / "backup", node_key, with_keys=True).keys == ("node", "operator", "validator")
    new = Home(tmp_path / "new")
    new.key("operator").parent.mkdir(parents=True)
    shutil.copy(home.key("operator"), new.key("operator"))
    new.key("operator").chmod(0o600)
    before = new.key("operator").stat()
    restore(tmp_path / "backup", new)
    assert new.key("operator").stat().st_ino == before.st_ino  # a key is never written over
    for role in ("validator", "node"):
        assert new.key(role).read_bytes() == home.key(role).read_bytes()
        assert new.key(role).stat().st_mode & 0o777 == 0o600
    assert new.key("validator", 2).read_bytes() == home.key("validator", 2).read_bytes()
    assert not new.key("agency").exists()
    assert [path.name for path in new.path.rglob("guard*")] == []


def test_every_flipped_byte_and_every_cut_is_noticed(made: tuple[Home, Path], tmp_path: Path) -> None:
    _, path = made
    whole = path.read_bytes()
    damaged = tmp_path / "damaged"
    for at in (*range(300), *range(300, len(whole) - 300, 5), *range(len(whole) - 300, len(whole))):
        for data in (whole[:at], whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :]):
            damaged.write_bytes(data)
            with pytest.raises(BadConfiguration, match=r"MV-(3130|4003)") as caught:
                check(damaged)
            assert str(caught.value).count("is not a whole backup") < 2
    damaged.write_bytes(whole + b"x")
    with pytest.raises(BadConfiguration, match="something follows"):
        check(damaged)


def test_a_damaged_one_changes_nothing_in_a_home(made: tuple[Home, Path], tmp_path: Path) -> None:
    _, path = made
    whole = path.read_bytes()
    damaged = tmp_path / "damaged"
    home = Home(tmp_path / "home")
    for at in range(0, len(whole), 150):
        for data in (whole[:at], whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :]):
            damaged.write_bytes(data)
            with pytest.raises(BadConfiguration):
                restore(damaged, home)
            assert {file.name for file in home.path.rglob("*") if file.is_file()} == {"store.lock"}


def test_what_claims_too_much_is_refused_unread(made: tuple[Home, Path], tmp_path: Path) -> None:
    """ATK20: a part says that it has 4 GiB, or one byte more than any."""
    _, path = made
    claimed = tmp_path / "claimed"
    for size in (MAX_BACKUP_PART_BYTES + 1, 2**32 - 1):
        claimed.write_bytes(path.read_bytes()[:15] + size.to_bytes(4, "big") + b"\1" + bytes(100))
        with pytest.raises(BadConfiguration, match=f"would have {size} bytes"):
            check(claimed)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "keys/guard", "config/../../x", "data/store/CURRENT", "x"])
def test_no_other_file_can_be_in_it(
    made: tuple[Home, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Even if it is signed by the node's key: path traversal, a guard."""
    home, _ = made
    files = backup._files

    def with_another(home: Home) -> dict[str, Path]:
        return {**files(home), name: home.settings}

    monkeypatch.setattr(backup, "_files", with_another)
    back_up(home, tmp_path / "backup")
    monkeypatch.setattr(backup, "_files", files)
    with pytest.raises(BadConfiguration, match="a file that no backup has"):
        restore(tmp_path / "backup", Home(tmp_path / "new"))


def test_records_out_of_order_and_other_parts_are_refused(
    made: tuple[Home, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = made
    for i, payload in enumerate(
        (
            codec.encode((b"b", b"1", b"a", b"2")),
            codec.encode((b"a", b"1", b"a", b"2")),
            codec.encode((b"a",)),
            codec.encode(()),
            codec.encode((b"a", 1)),
            codec.encode((b"", b"1")),
            codec.encode((b"k" * 257, b"1")),
            codec.encode(7),
            b"",
        )
    ):
        monkeypatch.setattr(backup, "_payloads", lambda _pairs, payload=payload: iter([payload]))
        back_up(home, tmp_path / f"{i}")
        with pytest.raises(BadConfiguration, match="MV-3130"):
            check(tmp_path / f"{i}")


def test_the_signer_has_to_be_of_the_chain_or_named(made: tuple[Home, Path], tmp_path: Path) -> None:
    home, _ = made
    stranger = SigningKey.generate()
    back_up(home, tmp_path / "backup", stranger)
    with pytest.raises(BadConfiguration, match="MV-3131"):
        check(tmp_path / "backup")
    with pytest.raises(BadConfiguration, match="MV-3131"):
        restore(tmp_path / "backup", Home(tmp_path / "new"))
    assert not Home(tmp_path / "new").store.exists()
    found, _ = check_backup(tmp_path / "backup", genesis=None, signed_by=stranger.public, progress=quiet)
    assert found.signer == stranger.public
    agency = load_plain_key(home.key("agency"), LocalDisk())
    assert back_up(home, tmp_path / "by-agency", agency) == check(tmp_path / "by-agency")


def test_one_of_another_chain_is_refused(made: tuple[Home, Path], tmp_path: Path) -> None:
    _, path = made
    other, genesis = made_home(tmp_path / "other")
    with pytest.raises(BadConfiguration, match="MV-3132"):
        restore(path, other, replace_store=True)
    with pytest.raises(BadConfiguration, match="MV-3132"):
        check_backup(path, genesis=genesis, signed_by=None, progress=quiet)


def test_a_store_that_is_there_stays_unless_told(made: tuple[Home, Path], tmp_path: Path) -> None:
    _, path = made
    home = Home(tmp_path / "home")
    restore(path, home)
    store = Store(home.store, LocalDisk())
    store.write_state({b"zz": b"newer"})
    with pytest.raises(BadConfiguration, match="MV-4004"):  # as while a node runs
        restore(path, home, replace_store=True)
    store.close()
    with pytest.raises(BadConfiguration, match="MV-3133"):
        restore(path, home)
    assert (b"zz", b"newer") in records(home)
    restore(path, home, replace_store=True)
    assert (b"zz", b"newer") not in records(home)
    assert sorted(file.name for file in home.store.parent.iterdir()) == ["store", "store.lock"]


def test_a_crash_at_any_call_leaves_the_old_home_or_one_to_restore_again(
    made: tuple[Home, Path], tmp_path: Path
) -> None:
    """CP20: no node starts on a home that is half restored, and the same command finishes the work."""
    home, path = made
    counting = SeamDisk(LocalDisk())
    restore_backup(
        path,
        Home(tmp_path / "counted"),
        signed_by=None,
        replace_store=False,
        disk=counting,
        progress=quiet,  # type: ignore[arg-type]
    )
    assert len(counting.calls) > 10
    for at in range(len(counting.calls)):
        for after in (False, True):
            new = Home(tmp_path / f"{at}{after}")
            disk = SeamDisk(LocalDisk(), at, after=after)
            with pytest.raises(Crash):
                restore_backup(
                    path,
                    new,
                    signed_by=None,
                    replace_store=False,
                    disk=disk,
                    progress=quiet,  # type: ignore[arg-type]
                )
            assert not new.genesis.exists() or records(new) == records(home)
            restore(path, new, replace_store=new.store.exists())
            assert records(new) == records(home)
            assert new.genesis.exists()


def test_a_disk_that_fills_up_leaves_no_backup(made: tuple[Home, Path], tmp_path: Path) -> None:
    home, path = made

    class Full(LocalDisk):
        def free_bytes(self, path: Path) -> int:
            return MIN_FREE_DISK_BYTES

    with pytest.raises(BrokenStorage, match="MV-4002"):
        restore_backup(path, Home(tmp_path / "new"), signed_by=None, replace_store=False, disk=Full(), progress=quiet)
    key = load_plain_key(home.key("node"), LocalDisk())
    for at in range(20):
        disk = SeamDisk(LocalDisk(), at)
        out = tmp_path / "backup"
        with suppress(Crash):
            make_backup(home, out, key, with_keys=False, now_ms=TimeMs(5), disk=disk, progress=quiet)  # type: ignore[arg-type]
        if out.exists():
            check(out)
            break
        assert [file.name for file in tmp_path.iterdir() if file.name.startswith("backup")] == []
    else:
        pytest.fail("it was never made")


def test_a_backup_of_a_newer_store_says_so(made: tuple[Home, Path], tmp_path: Path) -> None:
    home, path = made
    newer = Home(tmp_path / "newer")
    restore(path, newer)
    store = Store(newer.store, LocalDisk())
    store.write_state({})
    store._db.put(b"F", codec.encode(("mvchain-store", 99)))
    store.close()
    shutil.copytree(home.path / "keys", newer.path / "keys")
    with pytest.raises(MvchainError, match="MV-4003"):
        back_up(newer, tmp_path / "backup")
