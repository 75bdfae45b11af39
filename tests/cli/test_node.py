"""mvchain init, start, status, localnet, demo."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mvchain.api.client import Client
from mvchain.demo import run
from mvchain.ledger.genesis import decode_entry, verify_entry
from mvchain.localnet import make_localnet
from mvchain.node.config import Home, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import key_info, load_key
from tests.cli.helpers import PASSPHRASE, Chain, mvchain, ok

INIT = ("init", "--chain-name", "trial", "--agency-number", 2, "--name-ko", "강남구", "--name-en", "Gangnam District")


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE)
    file.chmod(0o600)
    return file


def test_init_makes_a_home(tmp_path: Path, passphrase: Path) -> None:
    home = Home(tmp_path / "home")
    made = ok(*INIT, "--home", home.path, "--passphrase-file", passphrase, "--approvals", 3)
    entry = decode_entry(home.entry.read_bytes())
    verify_entry("trial", entry)
    assert (entry.number, entry.name_ko, entry.name_en, entry.approvals) == (2, "강남구", "Gangnam District", 3)
    assert (made["entry"], made["agency_key"]) == (str(home.entry), entry.agency_key.hex())
    disk = LocalDisk()
    for role, public in (("validator", entry.validator_key), ("node", entry.node_key)):
        assert load_key(home.key(role), PASSPHRASE.encode(), disk).public == public
    assert key_info(home.key("agency"), disk).tagged == entry.agency_key
    assert key_info(home.key("operator"), disk).encrypted
    assert load_settings(home.settings).keys.allow_plain is False
    assert home.key("validator").stat().st_mode & 0o777 == 0o600


def test_init_says_what_comes_next(tmp_path: Path) -> None:
    shown = mvchain(*INIT, "--home", tmp_path / "home", "--plain-keys")
    assert "강남구 (Gangnam District) is agency 2 of trial" in shown.out
    assert "mvchain genesis install" in shown.out


def test_plain_keys_are_allowed_in_their_own_home(tmp_path: Path) -> None:
    ok(*INIT, "--home", tmp_path, "--plain-keys")
    assert load_settings(Home(tmp_path).settings).keys.allow_plain is True
    assert key_info(Home(tmp_path).key("agency"), LocalDisk()).encrypted is False


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    init = (*INIT, "--home", tmp_path, "--plain-keys")
    ok(*init)
    assert mvchain(*init).error == "MV-3021"
    Home(tmp_path).entry.unlink()
    assert mvchain(*init).error == "MV-3021"


def test_init_refuses_what_no_chain_would_take(tmp_path: Path) -> None:
    base = ("init", "--home", tmp_path, "--plain-keys", "--agency-number", 2, "--name-en", "Gangnam")
    assert mvchain(*base, "--name-ko", "강남구", "--chain-name", "Trial!").error == "MV-2041"
    assert mvchain(*base, "--name-ko", "", "--chain-name", "trial").error == "MV-2046"
    assert mvchain(*base, "--name-ko", "강남구", "--chain-name", "trial", "--approvals", 99).error == "MV-2043"
    assert not (tmp_path / "keys").exists()


def test_the_home_comes_from_the_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVCHAIN_HOME", str(tmp_path / "elsewhere"))
    assert ok(*INIT, "--plain-keys")["home"] == str(tmp_path / "elsewhere")
    monkeypatch.delenv("MVCHAIN_HOME")
    assert ok(*INIT, "--plain-keys")["home"] == str(tmp_path / ".mvchain")


def test_start_needs_a_home_and_a_genesis_file(tmp_path: Path) -> None:
    assert mvchain("start", "--home", tmp_path / "none").error == "MV-3090"
    ok(*INIT, "--home", tmp_path, "--plain-keys")
    assert mvchain("start", "--home", tmp_path).error == "MV-3081"


def test_start_says_where_the_passphrase_may_stand(tmp_path: Path, passphrase: Path) -> None:
    home = Home(tmp_path / "home")
    entry = ok(*INIT, "--agency-number", 1, "--home", home.path, "--passphrase-file", passphrase)["entry"]
    made = ok("genesis", "make", entry, "--chain-name", "trial", "--out", tmp_path / "genesis.json")
    ok("genesis", "install", tmp_path / "genesis.json", "--home", home.path, "--hash", made["hash"])
    shown = mvchain("start", "--home", home.path)
    assert shown.error == "MV-3032"
    assert f"Give it with passphrase_file under [keys] in {home.settings}." in shown.err
    home.settings.write_text(home.settings.read_text().replace("allow_plain = false", "allow_plain = true"))
    shown = mvchain("start", "--home", home.path)
    assert shown.error == "MV-3009"
    assert "Set allow_plain = false" in shown.err


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_each_signal_that_ends_a_program_stops_a_node_in_order(tmp_path: Path, sent: signal.Signals) -> None:
    make_localnet(tmp_path / "net", 1)
    command = [sys.executable, "-m", "mvchain", "start", "--home", str(tmp_path / "net" / "node-1")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "is up" in process.stderr.readline()
        process.send_signal(sent)
        assert process.stderr.read().splitlines()[-1].endswith("stopping")
    assert process.returncode == 0


def test_status(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chain.ask("status")
    assert found["chain_id"].startswith("trial-")
    assert found["agency"] == 1
    text = mvchain("status", "--api", chain.api).out
    assert found["chain_id"] in text
    assert "up to date" in text
    monkeypatch.setenv("MVCHAIN_API", chain.api)
    assert ok("status")["chain_id"] == found["chain_id"]


def test_a_node_that_does_not_answer() -> None:
    # Nothing listens on port 1 of this machine.
    assert mvchain("status", "--api", "http://127.0.0.1:1").error == "MV-6050"
    assert mvchain("status", "--api", "not an address").error == "MV-6050"


@pytest.mark.parametrize("answer", [{}, {"height": None}, {"block_time_ms": 10**15}])
def test_an_answer_that_cannot_be_shown_is_the_nodes_fault(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    whole = chain.ask("status")

    async def status(client: Client) -> dict[str, object]:
        return {**whole, **answer} if answer else {}

    monkeypatch.setattr(Client, "status", status)
    assert mvchain("status", "--api", chain.api).error == "MV-6052"


def test_localnet_runs_until_it_is_interrupted(tmp_path: Path) -> None:
    directory = tmp_path / "net"
    command = [sys.executable, "-m", "mvchain", "localnet", str(directory), "--nodes", "1", "--json"]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(command, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        running = json.loads(process.stdout.readline())
        (api,) = running["apis"]
        assert ok("status", "--api", api)["chain_id"] == running["chain_id"]
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode == 130
    assert mvchain("status", "--api", api).error == "MV-6050"


def test_localnet_takes_no_other_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert mvchain("localnet", tmp_path).error == "MV-3062"


def test_demo_passes_its_options_on_and_says_whether_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[run.Options] = []

    def run_demo(options: run.Options) -> bool:
        given.append(options)
        return options.nodes == 4

    monkeypatch.setattr(run, "run_demo", run_demo)
    assert mvchain("demo").code == 0
    assert mvchain("demo", "--pb", "x.pb", "--nodes", 7, "--json", "out.json", "--keep", "--kill-one").code == 1
    everything = run.Options(pb=Path("x.pb"), nodes=7, json_out=Path("out.json"), keep=True, kill_one=True)
    assert given == [run.Options(), everything]
