"""mvchain.localnet: what is made, and what becomes of the processes."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mvchain import localnet
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration
from mvchain.ledger.genesis import Genesis, decode_entry
from mvchain.localnet import Localnet, make_localnet
from mvchain.node.config import Home, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import load_plain_key

STAND_IN = Path(__file__).with_name("stand_in_node.py")


# --- what is made ---


def test_every_home_is_that_of_one_agency_of_one_chain(tmp_path: Path) -> None:
    make_localnet(tmp_path, 3)
    homes = [Home(tmp_path / f"node-{number}") for number in (1, 2, 3)]
    genesis = Genesis.decode(homes[0].genesis.read_bytes())
    assert len(genesis.agencies) == 3
    for home, agency in zip(homes, genesis.agencies, strict=True):
        assert home.genesis.read_bytes() == homes[0].genesis.read_bytes()
        assert decode_entry(home.entry.read_bytes()) == agency
        assert load_plain_key(home.key("validator"), LocalDisk()).public == agency.validator_key
        assert load_plain_key(home.key("node"), LocalDisk()).public == agency.node_key
        assert load_plain_key(home.key("agency"), LocalDisk()).tagged == agency.agency_key
        assert agency.approvals == 1


def test_every_node_is_told_where_the_others_listen(tmp_path: Path) -> None:
    make_localnet(tmp_path, 3)
    network = Localnet(tmp_path)
    settings = [load_settings(home.settings) for home in network.homes]
    listening = {
        agency.node_key: one.p2p.listen for agency, one in zip(network.genesis.agencies, settings, strict=True)
    }
    for agency, one in zip(network.genesis.agencies, settings, strict=True):
        others = {peer.key: peer.address for peer in one.p2p.peers}
        assert others | {agency.node_key: one.p2p.listen} == listening
        assert len(others) == 2
        assert one.keys.allow_plain
        assert {one.api.public_url, *one.api.other_nodes} == {f"http://{each.api.listen}" for each in settings}
        assert one.api.public_url == f"http://{one.api.listen}"
        assert len(one.api.other_nodes) == 2
    addresses = [address for one in settings for address in (one.p2p.listen, one.api.listen)]
    assert len({address.port for address in addresses}) == 6
    assert all(address.host == "127.0.0.1" and 20_000 <= address.port < 32_000 for address in addresses)


def test_agencies_beyond_the_named_ones_are_numbered(tmp_path: Path) -> None:
    make_localnet(tmp_path, 14)
    names = [(agency.name_ko, agency.name_en) for agency in Localnet(tmp_path).genesis.agencies]
    assert names[0] == ("서울특별시", "Seoul Metropolitan Government")
    assert names[13] == ("14번 기관", "Agency 14")
    assert len(set(names)) == 14


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    with pytest.raises(BadConfiguration) as caught:
        make_localnet(tmp_path, 4)
    assert caught.value.cause is codes.LOCALNET_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


@pytest.mark.parametrize("nodes", [0, 101])
def test_a_network_that_no_genesis_allows_is_refused(tmp_path: Path, nodes: int) -> None:
    with pytest.raises(BadConfiguration) as caught:
        make_localnet(tmp_path, nodes)
    assert caught.value.cause is codes.LOCALNET_SIZE


def test_a_directory_without_a_network_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration) as caught:
        Localnet(tmp_path)
    assert caught.value.cause is codes.LOCALNET_MISSING


# --- processes ---


class Witness:
    """Hears from every stand-in when it starts, and what it says before it is gone."""

    def __init__(self) -> None:
        self._connections: asyncio.Queue[asyncio.StreamReader] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self._connections.put(reader)

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def lives(self, count: int) -> dict[str, asyncio.StreamReader]:
        """The next stand-ins that start, by the name of their home."""
        readers = [await self._connections.get() for _ in range(count)]
        return {(await reader.readline()).decode().removesuffix(" up\n"): reader for reader in readers}


async def last_words(reader: asyncio.StreamReader) -> str:
    """Waits until the stand-in is gone."""
    return (await reader.read()).decode()


@pytest_asyncio.fixture
async def witness(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Witness]:
    heard = Witness()
    server = await asyncio.start_server(heard.connected, "127.0.0.1", 0)
    monkeypatch.setenv("STAND_IN_PORT", str(server.sockets[0].getsockname()[1]))
    monkeypatch.setattr(localnet, "NODE_COMMAND", (sys.executable, str(STAND_IN)))
    yield heard
    server.close()
    await heard.close()
    await server.wait_closed()


@pytest.fixture
def network(tmp_path: Path) -> Localnet:
    make_localnet(tmp_path, 2)
    return Localnet(tmp_path)


async def test_nodes_run_until_they_are_told_to_stop(network: Localnet, witness: Witness) -> None:
    async with network:
        lives = await witness.lives(2)
        await network.wait_ready()
        assert sorted(lives) == ["node-1", "node-2"]
        assert network.pid(1) != network.pid(2)
    assert [await last_words(reader) for reader in lives.values()] == ["told to\n", "told to\n"]
    assert network.pid(1) is None


async def test_a_node_that_does_not_stop_is_killed(
    network: Localnet, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localnet, "STOP_S", 0.2)
    (network.home(2).path / "stubborn").touch()
    async with network:
        lives = await witness.lives(2)
        await network.wait_ready()
    assert await last_words(lives["node-1"]) == "told to\n"
    assert await last_words(lives["node-2"]) == ""


async def test_a_node_that_ends_by_itself_is_reported_with_its_last_line(network: Localnet, witness: Witness) -> None:
    (network.home(2).path / "broken").touch()
    async with network:
        lives = await witness.lives(2)
        with pytest.raises(BadConfiguration) as caught:
            await network.wait_ready()
    assert caught.value.cause is codes.LOCALNET_NODE_ENDED
    assert caught.value.data["number"] == 2
    assert caught.value.data["status"] == 1
    assert caught.value.data["last_line"] == "the disk is on fire"
    assert await last_words(lives["node-1"]) == "told to\n"


async def test_work_ends_when_a_node_does(network: Localnet, witness: Witness) -> None:
    async with network:
        await witness.lives(2)
        await network.wait_ready()
        cancelled = asyncio.Event()

        async def work() -> None:
            try:
                process = network._processes[1]
                process.send_signal(signal.SIGKILL)  # behind the network's back
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        with pytest.raises(BadConfiguration) as caught:
            await network.watched(work())
    assert caught.value.data["status"] == -signal.SIGKILL
    assert cancelled.is_set()


async def test_work_gives_its_result_and_its_fault(network: Localnet, witness: Witness) -> None:
    async def fine() -> str:
        return "done"

    async def faulty() -> None:
        raise KeyError("x")

    async with network:
        await witness.lives(2)
        assert await network.watched(fine()) == "done"
        with pytest.raises(KeyError):
            await network.watched(faulty())


async def test_a_killed_node_is_no_fault_and_starts_again(network: Localnet, witness: Witness) -> None:
    async with network:
        first = await witness.lives(2)
        await network.wait_ready()
        await network.kill(2)
        assert await last_words(first["node-2"]) == ""
        await network.restart(2)
        again = await witness.lives(1)
        assert list(again) == ["node-2"]
        await network.wait_ready()
    assert await last_words(again["node-2"]) == "told to\n"


async def test_no_node_outlives_a_parent_that_was_killed(network: Localnet, witness: Witness) -> None:
    script = f"""
import asyncio
from pathlib import Path
from mvchain import localnet
localnet.NODE_COMMAND = {localnet.NODE_COMMAND!r}

async def main():
    async with localnet.Localnet(Path({str(network.home(1).path.parent)!r})):
        await asyncio.Event().wait()

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    lives = await witness.lives(2)
    parent.kill()
    assert await parent.wait() == -signal.SIGKILL
    assert [await last_words(reader) for reader in lives.values()] == ["parent gone\n", "parent gone\n"]
