"""Nothing that is secret is in a log, an argument, an environment or a printed object (faults ATK30, ATK31)."""

import asyncio
import base64
import contextlib
import dataclasses
import http.client
import json
import logging
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber, TimeMs
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.records import PollState
from mvchain.localnet import free_ports
from mvchain.node.config import Home, Settings
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.handshake import Dialler, Listener, Local, SecureChannel
from mvchain.node.home import install_genesis, make_home
from mvchain.node.keystore import save_key
from mvchain.node.runtime import now_ms
from tests.ledger.state_helpers import key_of
from tests.node.cluster import GUARD, Election
from tests.node.test_keystore import CHEAP, PASSPHRASE
from tests.node.test_runtime import Machine, Running, genesis_of
from tests.node.test_transport import GENESIS, HOST

TOKEN = "s3cr3t-t0ken-of-an-operator"


def forms(secret: bytes) -> Iterator[str]:
    """How bytes end up in texts."""
    yield secret.hex()
    yield secret.hex(" ")
    yield secret.hex(":")
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.b32encode):
        text = encode(secret).decode().rstrip("=")
        yield text[:-1]  # the last character depends on what follows
    yield repr(secret)[2:-1]
    yield repr(list(secret))[1:-1]
    with contextlib.suppress(UnicodeDecodeError):
        yield secret.decode()


def found_in(text: str, secrets: dict[str, bytes]) -> list[str]:
    """The secrets that a text holds in any form."""
    lowered = text.lower()
    return [name for name, secret in secrets.items() if any(form.lower() in lowered for form in forms(secret))]


@pytest.mark.parametrize("show", [repr, str, bytes.hex, base64.b64encode, base64.urlsafe_b64encode, list])
def test_atk30_the_search_finds_what_it_is_to_find(show: object) -> None:
    """faults ATK30: a positive control: a key printed in any of these ways is found."""
    seed = SigningKey.generate().seed
    assert found_in(f"INFO starting with {show(seed)} now", {"seed": seed}) == ["seed"]  # type: ignore[operator]
    assert not found_in("INFO starting", {"seed": seed})


# --- objects ---


def test_atk30_whatever_holds_a_key_shows_nothing_of_it(tmp_path: Path) -> None:
    """faults ATK30: a structured logger printed a private key, since it prints whatever it is given."""
    key = key_of("validator1")
    machine = Machine(1, genesis_of(1))
    guard = SignGuard(GUARD, machine.key, machine.genesis.chain_id, machine.disk)
    local = Local(key, GENESIS)
    ephemeral, sending, receiving = b"E" * 32, b"S" * 32, b"R" * 32
    dialler, listener = Dialler(local, ephemeral, key.public), Listener(local, ephemeral, lambda _: True)
    secrets = {"seed": key.seed, "pair": key._pair, "ephemeral": ephemeral, "sending": sending, "receiving": receiving}
    for holder in (key, local, guard, dialler, listener, SecureChannel(sending, receiving), [key], {"key": key}):
        for text in (repr(holder), str(holder), f"{holder!s:>300}", json.dumps({"of": holder}, default=repr)):
            assert not found_in(text, secrets), holder
    assert not found_in(repr(dataclasses.astuple(Settings())), secrets)
    for holder in (key, local):
        with pytest.raises(TypeError):
            pickle.dumps(holder)
    with pytest.raises(TypeError):
        dataclasses.asdict(local)
    guard.close()


# --- logs of nodes that do everything a node does ---


async def test_atk30_the_logs_of_a_run_at_every_level_hold_no_key(caplog: pytest.LogCaptureFixture) -> None:
    """faults ATK30: four nodes that connect, vote, decide, refuse and lose each other, all of it logged."""
    caplog.set_level(logging.DEBUG)
    genesis = genesis_of(4)
    election = Election(genesis, 4, open_ms=1 << 40)
    machines = [Machine(i, genesis) for i in range(1, 5)]
    async with asyncio.timeout(30):
        nodes = [await Running(machine, machines[:i]).start() for i, machine in enumerate(machines)]
        ballots = [election.ballot(voter) for voter in range(4)]
        await nodes[0].runtime.submit(election.set_up, "1.2.3.4")
        replica = nodes[1].replica
        await nodes[1].until(lambda: (poll := replica.state.poll(Election.POLL)) and poll.state is PollState.OPEN)
        await nodes[1].runtime.submit([*ballots, b"junk", election.ballot(0, 99)], "1.2.3.4")
        await nodes[2].until(lambda: all(map(nodes[2].has, ballots)))
        reader, writer = await asyncio.open_connection(HOST, machines[0].port)
        writer.write(b"\x00\x00\x00\x05" + b"junk!")
        await reader.read()
        writer.close()
        for node in nodes:
            await node.stop()
    logged = caplog.text
    assert "connected" in logged
    names = [f"{role}{i}" for role in ("validator", "node", "agency") for i in range(1, 5)]
    secrets = {name: key_of(name).seed for name in [*names, "operator", *(f"voter{i}" for i in range(4))]}
    secrets |= {f"ballot {i}": ballot for i, ballot in enumerate(ballots)}
    secrets |= {f"voter {i}": voter.public for i, voter in enumerate(election.voters)}  # LOG02, LOG07
    assert not found_in(logged, secrets)


# --- a process, as an operator starts it ---


class Process:
    """A node with encrypted keys and everything logged."""

    def __init__(self, directory: Path) -> None:
        passphrase = directory / "passphrase"
        passphrase.write_bytes(PASSPHRASE)
        passphrase.chmod(0o600)
        self.home, disk = Home(directory / "home"), LocalDisk()
        self.secrets = {"passphrase": PASSPHRASE, "token": TOKEN.encode()}

        def keep(path: Path, key: SigningKey) -> None:
            self.secrets[path.name] = key.seed
            save_key(path, key, PASSPHRASE, disk, CHEAP)

        names = ("강남구", "Gangnam")
        entry = make_home(
            self.home, "trial", AgencyNumber(1), names, approvals=1, plain_keys=False, save_key=keep, disk=disk
        )
        install_genesis(self.home, Genesis("trial", TimeMs(now_ms()), (entry,)), disk)
        peers, self.port = free_ports(2)
        self.home.settings.write_text(
            f'[keys]\npassphrase_file = "{passphrase}"\n[log]\nlevel = "debug"\n'
            f'[p2p]\nlisten = "127.0.0.1:{peers}"\n[api]\nlisten = "127.0.0.1:{self.port}"\n'
        )

    def run(self) -> dict[str, str]:
        """Start it, ask it, stop it; what was to be seen of it while it ran."""
        command = [sys.executable, "-m", "mvchain", "start", "--home", str(self.home.path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            lines = []
            while not lines or "is up" not in lines[-1]:
                lines.append(process.stderr.readline())
                assert lines[-1], lines
            self._ask()
            proc = Path(f"/proc/{process.pid}")
            seen = {name: (proc / name).read_text() for name in ("cmdline", "environ", "limits")}
            process.send_signal(signal.SIGTERM)
            lines += process.stderr.readlines()
        assert process.returncode == 0
        return {**seen, "log": "".join(lines)}

    def _ask(self) -> None:
        """Requests with credentials in every place where clients put them, sound and broken."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Cookie": f"session={TOKEN}", "Content-Type": "application/json"}
        for method, path, body in (
            ("GET", f"/v1/status?api_key={TOKEN}", None),
            ("GET", f"/wallet/{TOKEN}", None),
            ("GET", "/v1/status", None),
            ("POST", "/v1/transactions", f'{{"transactions":["{TOKEN}"]}}'),
            ("POST", "/", f'{{"jsonrpc":"2.0","id":"{TOKEN}","method":"{TOKEN}"}}'),
            (f"BREW-{TOKEN}", "/", None),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request(method, path, body, headers)
            connection.getresponse().read()
            connection.close()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="this system does not show its processes")
def test_atk31_a_process_tells_no_secret_to_its_log_or_to_its_neighbours(tmp_path: Path) -> None:
    """faults ATK31, ATK30: credentials of clients were in the log; here all that a node logs, and what ps shows."""
    process = Process(tmp_path)
    seen = process.run()
    assert "DEBUG" in seen["log"]
    for where, text in seen.items():
        assert not found_in(text, process.secrets), where
    # What the system would write of a process that crashes holds its keys (security KEY03).
    (core,) = re.findall(r"^Max core file size\s+(\S+)\s+(\S+)", seen["limits"], re.MULTILINE)
    assert core == ("0", "0")
