"""node.toml: the shipped example is the defaults, and every fault of a file is named at once with its line."""

from dataclasses import fields
from pathlib import Path

import pytest

from mvchain.core.errors import BadConfiguration
from mvchain.node.config import Address, Settings, load_settings, read_address, read_peer

EXAMPLE = Path(__file__).resolve().parents[2] / "node.toml.example"
KEY = "ab" * 32


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "node.toml"
    path.write_text(text)
    return load_settings(path)


def test_the_example_shows_exactly_the_defaults() -> None:
    assert load_settings(EXAMPLE) == Settings()


def test_the_example_shows_every_setting() -> None:
    text = EXAMPLE.read_text()
    for table in fields(Settings):
        body = text.split(f"[{table.name}]\n")[1].split("\n[")[0]
        shown = {line.split(" = ")[0] for line in body.splitlines() if " = " in line and not line.startswith("#")}
        assert shown == {setting.name for setting in fields(table.type)}  # type: ignore[arg-type]


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Settings()


def test_settings_are_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path, f'[p2p]\nlisten = "[::1]:1"\npeers = ["{KEY}@node.example:26656"]\n[api]\nidle_deadline_ms = 100\n'
    )
    assert settings.p2p.listen == Address("::1", 1)
    assert settings.p2p.peers[0].key == bytes.fromhex(KEY)
    assert settings.p2p.peers[0].address == Address("node.example", 26656)
    assert settings.api.idle_deadline_ms == 100


def test_addresses_of_nodes_are_read(tmp_path: Path) -> None:
    others = ["https://a.example", "https://b.example:8443", "http://127.0.0.1:26680"]
    settings = load(tmp_path, f'[api]\npublic_url = "https://own.example"\nother_nodes = {others}\n')
    assert settings.api.public_url == "https://own.example"
    assert settings.api.other_nodes == tuple(others)


def test_all_faults_are_named_at_once_with_their_lines(tmp_path: Path) -> None:
    text = '[log]\nlevle = "info"\n\n[p2p]\nlisten = "nowhere"\npeers = ["x"]\n[apii]\n[mempool]\nmax_bytes = 1.5\n'
    with pytest.raises(BadConfiguration) as caught:
        load(tmp_path, text)
    assert caught.value.code == "MV-3080"
    told = str(caught.value)
    for expected in ("line 2", "did you mean level", "line 5", "line 6", "line 7", "did you mean api", "line 9"):
        assert expected in told


@pytest.mark.parametrize(
    "text",
    [
        "[log]\nlevel = 3",
        '[log]\nlevel = "loud"',
        "[log]\nformat = true",
        "[keys]\nallow_plain = 1",
        "[keys]\npassphrase_file = 7",
        "[p2p]\nlisten = 26656",
        '[p2p]\nlisten = "host:70000"',
        '[p2p]\nlisten = "a b:1"',
        '[p2p]\npeers = "x"',
        f'[p2p]\npeers = ["{KEY}"]',
        f'[p2p]\npeers = ["{KEY[:-1]}@h:1"]',
        f'[p2p]\nobservers = ["{KEY.upper()}"]',
        "[p2p]\nobservers = [1]",
        '[api]\npublic_url = "node.example"',
        '[api]\npublic_url = "http://node.example"',
        '[api]\npublic_url = "https://node.example/"',
        '[api]\npublic_url = "https://node.example; script-src *"',
        '[api]\npublic_url = "https://node.example:65536"',
        '[api]\npublic_url = "https://node.example:0"',
        '[api]\nother_nodes = [""]',
        '[api]\nother_nodes = ["https://node.example", "https://node.example"]',
        '[api]\npublic_url = "https://node.example"\nother_nodes = ["https://node.example"]',
        '[api]\nother_nodes = "https://node.example"',
        "[api]\nmax_connections = 0",
        "[api]\nmax_connections = true",
        "[api]\nheader_deadline_ms = -5",
        "[mempool]\nmax_transactions = 99",
        "log = 1",
        "[",
        "[log]\n[log]",
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadConfiguration):
        load(tmp_path, text)


def test_a_file_that_cannot_be_read_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="MV-3090"):
        load_settings(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes(b'[log]\nlevel = "\xff"')
    with pytest.raises(BadConfiguration, match="UTF-8"):
        load_settings(tmp_path / "latin.toml")


@pytest.mark.parametrize("text", ["0.0.0.0:0", "localhost:1", "[fe80::1]:65535"])
def test_addresses_are_shown_as_they_are_written(text: str) -> None:
    assert str(read_address(text)) == text


def test_a_peer_needs_key_and_address() -> None:
    assert read_peer(f"{KEY}@[::1]:5").address == Address("::1", 5)
    with pytest.raises(ValueError, match="key@host:port"):
        read_peer("node.example:5")
