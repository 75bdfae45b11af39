"""mvchain light: what is trusted and asked, the verdict, and the loud stop."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvchain.core import codes
from mvchain.light import follower
from mvchain.light.rules import TrustLevel
from mvchain.light.trust import decode_trust
from tests.cli.helpers import Chain, Result, mvchain, ok
from tests.light.light_chain import GENESIS, KEYS, fork_of, make_light_chain
from tests.light.little_server import LittleNode, serving

CHAIN = make_light_chain(12)
FORK = fork_of(CHAIN, 8, 12)
TRUST = f"5:{CHAIN[5].hash.hex()}"
A_MILLENNIUM = 24 * 365_250
"""The chain made by hand is of a fixed date."""


@pytest.fixture
def genesis(tmp_path: Path) -> Path:
    """The genesis file of the chain made by hand."""
    path = tmp_path / "genesis.json"
    path.write_bytes(GENESIS.encode())
    return path


@contextlib.contextmanager
def nodes(*served: LittleNode, kind: str = "") -> Iterator[list[object]]:
    """The options that name these nodes."""
    with contextlib.ExitStack() as stack:
        urls = [kind + stack.enter_context(serving(node)) for node in served]
        yield [part for url in urls for part in ("--node", url)]


# --- the verdict ---


@pytest.mark.parametrize("kind", ["", "rpc+"])
def test_once(genesis: Path, kind: str) -> None:
    with nodes(LittleNode(CHAIN), LittleNode(CHAIN), kind=kind) as options:
        found = ok("light", *options, "--genesis", genesis, "--once", 7)
        newest = ok("light", *options, "--genesis", genesis, "--once", 0)
    assert found["verified"] is True
    assert (found["height"], newest["height"]) == (7, 12)
    assert found["hash"] == CHAIN[7].hash.hex()
    assert found["app_hash"] == CHAIN[7].header.app_hash.hex()
    assert found["time_ns"] == str(CHAIN[7].time_ns)
    assert found["signed"] == sorted(key.public.hex() for key in KEYS)
    assert found["validators"] == 4


def test_the_verdict_in_words(genesis: Path) -> None:
    with nodes(LittleNode(CHAIN), LittleNode(CHAIN)) as options:
        shown = mvchain("light", *options, "--genesis", genesis, "--once", 7)
        unnamed = mvchain("light", *options, "--trust", TRUST, "--trusting-hours", A_MILLENNIUM, "--once", 7)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("Verified.\n")
    assert CHAIN[7].hash.hex() in shown.out
    assert all(agency.name_en in shown.out for agency in GENESIS.agencies)
    assert max(map(len, shown.out.splitlines())) <= 80
    assert all(key.public.hex() in unnamed.out for key in KEYS)


def test_a_block_that_nobody_has(genesis: Path) -> None:
    with nodes(LittleNode(CHAIN), LittleNode(CHAIN)) as options:
        assert mvchain("light", *options, "--genesis", genesis, "--once", 13).error == codes.BLOCK_UNKNOWN.code


def test_a_running_node(chain: Chain) -> None:
    """One node of this program, over both interfaces."""
    height = chain.ask("status")["height"]
    both = ("--node", chain.api, "--node", f"rpc+{chain.api}")
    found = ok("light", *both, "--genesis", chain.genesis, "--once", height)
    assert (found["height"], found["validators"]) == (height, 1)
    alone = ok("light", "--node", chain.api, "--believe-a-single-node", "--genesis", chain.genesis, "--once", 1)
    assert alone["height"] == 1


# --- what is trusted ---


def test_trust_by_hash(genesis: Path) -> None:
    with nodes(LittleNode(CHAIN), LittleNode(CHAIN)) as options:
        period = ("--trusting-hours", A_MILLENNIUM)
        assert ok("light", *options, "--trust", TRUST, *period, "--once", 9)["hash"] == CHAIN[9].hash.hex()
        assert ok("light", *options, "--trust", TRUST, "--genesis", genesis, *period, "--once", 9)["height"] == 9
        # Below, hashes lead back, however old it is.
        assert ok("light", *options, "--trust", TRUST, "--once", 3)["hash"] == CHAIN[3].hash.hex()
        assert mvchain("light", *options, "--trust", TRUST, "--once", 9).error == codes.TRUST_EXPIRED.code
        wrong = f"5:{CHAIN[6].hash.hex()}"
        assert mvchain("light", *options, "--trust", wrong, "--once", 9).error == codes.NO_GOOD_NODE.code


def test_the_state_file(genesis: Path, tmp_path: Path) -> None:
    state = tmp_path / "new" / "state.json"
    with nodes(LittleNode(CHAIN), LittleNode(CHAIN)) as options:
        command = ("light", *options, "--genesis", genesis, "--state", state)
        ok(*command, "--once", 4)
        ok(*command, "--once", 0)
        kept = decode_trust(state.read_bytes(), GENESIS, TrustLevel())
        assert [block.height for block in kept] == [4, 12]
        other = ("light", *options, "--trust", TRUST, "--state", state, "--once", 0)
        assert mvchain(*other).error == codes.STATE_OF_ANOTHER_ROOT.code
        state.write_bytes(state.read_bytes().replace(b'"round":1', b'"round":2'))
        assert mvchain(*command, "--once", 4).error == codes.STATE_NOT_VERIFIED.code


# --- options ---


def test_options_that_make_no_sense(genesis: Path) -> None:
    url = "http://127.0.0.1:1"
    two = ("--node", url, "--node", "http://127.0.0.1:2")
    trusting = ("--genesis", genesis, "--once", 1)

    def error(*arguments: object) -> str:
        return mvchain("light", *arguments).error

    assert error("--node", url, *trusting) == codes.ONE_NODE.code
    assert error(*two, "--once", 1) == codes.NO_TRUST_ROOT.code
    assert error("--node", url, "--node", url + "/", *trusting) == codes.BAD_LIGHT_OPTION.code
    assert error("--node", "node", "--node", url, *trusting) == codes.BAD_NODE_ADDRESS.code
    assert error("--node", "rpc+ftp://a", "--node", url, *trusting) == codes.BAD_NODE_ADDRESS.code
    for level in ("1/4", "3/2", "2", "two/3", "1/0", "0.5"):
        assert error(*two, *trusting, "--trust-level", level) == codes.BAD_LIGHT_OPTION.code
    for trust in ("5", ":", "0:" + "00" * 32, "-1:" + "00" * 32, "9" * 5_000 + ":" + "00" * 32):
        assert error(*two, "--trust", trust, "--once", 1) == codes.BAD_LIGHT_OPTION.code
    assert error(*two, "--trust", "5:00", "--once", 1) == codes.BAD_HEX.code
    assert error(*two, "--genesis", genesis, "--listen", "26690") == codes.BAD_LIGHT_OPTION.code
    assert error(*two, "--genesis", genesis.with_name("none.json"), "--once", 1) == codes.CANNOT_READ_FILE.code
    assert mvchain("light", *trusting).code == 2  # no node at all


def test_nobody_answers(genesis: Path) -> None:
    two = ("--node", "http://127.0.0.1:1", "--node", "http://127.0.0.1:2")
    assert mvchain("light", *two, "--genesis", genesis, "--once", 0).error == codes.NO_GOOD_NODE.code


# --- following, and the loud stop ---


class Turning(LittleNode):
    """Honest until it was asked for its newest block often enough; then on the fork, if it has one."""

    def __init__(self, later: object = CHAIN) -> None:
        super().__init__(CHAIN, newest=5)
        self.looks = 0
        self.later = later

    def __call__(self, connection: object) -> None:
        """Answers one request."""
        self.looks += 1
        if self.looks > 20:
            self.chain, self.newest = self.later, 12  # type: ignore[assignment]
        super().__call__(connection)  # type: ignore[arg-type]


def run_until_it_stops(genesis: Path, evidence: Path, *options: object) -> Result:
    with nodes(Turning(), Turning(FORK)) as named:
        given = ("--genesis", genesis, "--evidence", evidence, "--listen", "127.0.0.1:0")
        return mvchain("light", *named, *given, *options)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks again at once."""
    monkeypatch.setattr(follower, "FOLLOW_S", 0)


def test_two_truths(genesis: Path, tmp_path: Path, no_pause: None) -> None:
    found = run_until_it_stops(genesis, tmp_path / "evidence")
    assert found.code == 1
    first, *_ = found.out.splitlines()
    assert first.startswith("verified API on http://127.0.0.1:")
    assert "block 5  " in found.out
    [file] = (tmp_path / "evidence").iterdir()
    content = json.loads(file.read_bytes())
    hashes = {CHAIN[12].hash.hex(), FORK[12].hash.hex()}
    assert file.name in {f"divergence-12-{digest[:8]}.json" for digest in hashes}
    assert content["common_height"] == 5
    assert "TWO TRUTHS" in found.err
    assert str(file) in found.err
    assert all(agency.name_en in found.err for agency in GENESIS.agencies)
    assert found.err.splitlines()[-1].startswith(codes.DIVERGENCE.code)


def test_two_truths_as_json(genesis: Path, tmp_path: Path, no_pause: None) -> None:
    found = run_until_it_stops(genesis, tmp_path / "evidence", "--json")
    listening, block, *_ = [json.loads(line) for line in found.out.splitlines()]
    assert list(listening) == ["listening"]
    assert (block["height"], block["hash"]) == (5, CHAIN[5].hash.hex())
    assert found.code == 1
