"""mvchain governance and mvchain keys next."""

import json
from pathlib import Path
from typing import Any

import pytest

from mvchain.cli import governance
from mvchain.core.keys import SigningKey
from mvchain.node.config import Home
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.keystore import key_info, load_key, load_plain_key, save_key
from tests.cli.helpers import PASSPHRASE, Chain, mvchain, new_key, ok

PARAMS = {"max_bytes": 4_194_304, "heartbeat_ms": 30_000}


def shown(capsys: pytest.CaptureFixture[str], found: dict[str, Any], agencies: list[dict[str, Any]]) -> tuple[str, str]:
    """What people see of a proposal: on standard output, and beside it."""
    governance._print_one(found, agencies, PARAMS, as_json=False, warn=True)
    out, err = capsys.readouterr()
    assert all(len(line) <= 80 for line in err.splitlines()), err
    return out, err


def agency(number: int, *, connected: bool = True, in_force: bool = True) -> dict[str, Any]:
    return {"agency": number, "name_en": f"Agency {number}", "connected": connected, "in_force": in_force}


def proposal(action: dict[str, Any], **changes: Any) -> dict[str, Any]:
    found = {
        "proposal": 7,
        "agency": 1,
        "action": action,
        "state": "open",
        "proposed_at_ms": 1_700_000_000_000,
        "expires_at_ms": 1_702_592_000_000,
        "agreed": [1],
        "missing": [2, 3, 4],
        "needs": 3,
        "obstacle": None,
        "ended_height": None,
        "validators_from": None,
    }
    return {**found, **changes}


FOUR = [agency(n) for n in (1, 2, 3, 4)]
REMOVE = {"kind": "remove_agency", "agency": 4}


def test_an_open_proposal_says_who_is_missing_and_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, proposal({"kind": "suspend_service", "key": "01ab"}), FOUR)
    assert "agreed       1 Agency 1\n" in out
    assert "missing      2 Agency 2, 3 Agency 3, 4 Agency 4\n" in out
    assert "needs        3 of 4 agencies: 2 more approvals\n" in out
    assert not err


def test_parameters_that_would_change_stand_beside_those_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    action = {"kind": "set_params", "params": {"max_bytes": 4_194_304, "heartbeat_ms": 5_000}}
    out, _ = shown(capsys, proposal(action), FOUR)
    assert "max_bytes     4,194,304\n" in out
    assert "heartbeat_ms  5,000 (now 30,000)\n" in out
    out, _ = shown(capsys, proposal(action, state="executed", missing=[], ended_height=40), FOUR)
    assert "now" not in out


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        (("node",), "replace the node key of agency 4"),
        (("agency", "node"), "replace the agency and node keys of agency 4"),
        (("agency", "validator", "node"), "replace the agency, validator and node keys of agency 4"),
    ],
)
def test_keys_are_listed_as_people_list_them(kinds: tuple[str, ...], text: str) -> None:
    keys = {f"{kind}_key": "ab" if kind in kinds else None for kind in ("agency", "validator", "node")}
    assert governance.describe_action({"kind": "replace_keys", "agency": 4, **keys}) == text


def test_what_stands_in_the_way_is_told_with_its_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    why = "3 agencies would be left; a chain that bears one faulty agency needs 4."
    out, _ = shown(capsys, proposal(REMOVE, agreed=[1, 2, 3], missing=[4], obstacle={"detail": why}), FOUR)
    assert f"not possible now  {why}" in out
    assert "3 of 4 agencies; it has them, and takes effect once it is possible" in out


def test_what_took_effect_says_from_which_height(capsys: pytest.CaptureFixture[str]) -> None:
    ended = proposal(REMOVE, state="executed", needs=None, missing=[], ended_height=40, validators_from=42)
    out, err = shown(capsys, ended, [agency(n, connected=False) for n in (1, 2, 3, 4)])
    assert "executed by block 40" in out
    assert "others from height 42 on" in out
    assert not err


ADD = {"kind": "add_agency", "entry": {"number": 6, "name_ko": "새", "name_en": "New"}}
SIGN_ANEW = {"kind": "replace_keys", "agency": 4, "agency_key": None, "node_key": None, "validator_key": "ab"}


@pytest.mark.parametrize(
    ("action", "connected", "warns"),
    [
        # Of five, one leaves: the set of four needs three of those that stay.
        (REMOVE, (1, 2, 3), False),
        (REMOVE, (1, 2, 4), True),
        # A sixth: the set needs five, and the newcomer is not one of them yet.
        (ADD, (1, 2, 3, 4, 5), False),
        (ADD, (1, 2, 3, 4), True),
        # Another key: the other four of five must be there.
        (SIGN_ANEW, (1, 2, 3, 5), False),
        (SIGN_ANEW, (1, 2, 3, 4), True),
        ({**SIGN_ANEW, "agency_key": "ab", "validator_key": None}, (1,), False),
        ({"kind": "resume_service", "key": "ab"}, (1,), False),
    ],
)
def test_it_warns_if_too_few_of_those_that_stay_are_connected(
    capsys: pytest.CaptureFixture[str], action: dict[str, Any], connected: tuple[int, ...], warns: bool
) -> None:
    agencies = [agency(n, connected=n in connected) for n in range(1, 6)] + [agency(7, in_force=False)]
    _, err = shown(capsys, proposal(action), agencies)
    assert bool(err) is warns
    assert "stands still" in err or not warns


def test_the_only_agency_decides_at_once(chain: Chain, tmp_path: Path) -> None:
    found = chain.act("governance", "propose", "set-params", "heartbeat_ms=50000")
    assert (found["state"], found["agreed"], found["validators_from"]) == ("executed", [1], None)
    assert found["action"]["params"]["heartbeat_ms"] == 50_000
    assert chain.fails("governance", "propose", "set-params", "heartbeat_ms=50000") == "MV-1412"
    assert chain.fails("governance", "propose", "set-params", "heartbeat_ms=0") == "MV-1413"
    for wrong in (["heartbeat_ms"], ["heart=5"], ["heartbeat_ms=x"], ["heartbeat_ms=5", "heartbeat_ms=6"]):
        told = mvchain("governance", "propose", "set-params", *wrong, "--home", chain.home, "--api", chain.api)
        assert told.code == 2
    assert chain.fails("governance", "approve", found["proposal"]) == "MV-1421"
    assert chain.fails("governance", "approve", 99) == "MV-1420"
    assert chain.fails("governance", "withdraw", found["proposal"]) == "MV-1421"
    assert mvchain("governance", "show", 99, "--api", chain.api).error == "MV-1440"
    listed = chain.ask("governance", "show")
    assert found in listed["proposals"]
    text = mvchain("governance", "show", "--api", chain.api).out
    assert "set consensus parameters" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_service_is_suspended_and_resumed(chain: Chain, tmp_path: Path) -> None:
    key = new_key(tmp_path / "service.json")
    chain.act("service", "authorise", chain.request(tmp_path / "service.json", "service"), "--rolls")
    voters = tmp_path / "roll.txt"
    voters.write_text(new_key(tmp_path / "voter.json"))
    create = ("roll", "create", voters, "--title", "x", "--key", tmp_path / "service.json")
    assert chain.act("governance", "propose", "suspend-service", key)["state"] == "executed"
    assert chain.fails(*create) == "MV-1415"
    chain.act("governance", "propose", "resume-service", key)
    assert chain.act(*create)["size"] == 1


def test_no_chain_is_decided_to_death(chain: Chain) -> None:
    """Fewer than four would be left, whoever goes or changes the key."""
    assert chain.fails("governance", "propose", "remove-agency", 1) == "MV-1401"
    assert chain.fails("governance", "propose", "remove-agency", 2) == "MV-1410"
    assert chain.fails("governance", "propose", "add-agency", chain.home / "config" / "entry.json") == "MV-1404"


def test_the_next_agency_key_takes_over(chain: Chain, tmp_path: Path) -> None:
    """And commands sign with the one that is in force from then on."""
    request = tmp_path / "next.json"
    made = chain_keys_next(chain, request, "--role", "agency")
    assert json.loads(request.read_text())["keys"].keys() == {"agency"}
    found = chain.act("governance", "propose", "rotate-keys", request)
    assert found["state"] == "executed"
    assert found["action"]["agency_key"] == made["agency"]
    assert chain.ask("governance", "show", found["proposal"]) == found
    chain.act("governance", "propose", "set-params", "heartbeat_ms=60000")
    old = Home(chain.home).key("agency")
    assert chain.fails("governance", "propose", "set-params", "heartbeat_ms=50000", "--key", old) == "MV-1202"
    assert chain.fails("governance", "propose", "rotate-keys", request) == "MV-1406"


def chain_keys_next(chain: Chain, request: Path, *options: object) -> dict[str, str]:
    made: dict[str, str] = ok("keys", "next", "--home", chain.home, "--out", request, *options)["keys"]
    return made


def test_requests_for_other_keys_that_will_not_do(chain: Chain, tmp_path: Path) -> None:
    request = tmp_path / "next.json"
    chain_keys_next(chain, request, "--role", "agency")
    document = json.loads(request.read_text())
    asked = document["keys"]["agency"]
    wrong = [
        {},
        {"agency": 1, "keys": {}},
        {**document, "more": 1},
        {**document, "agency": 2},
        {**document, "keys": {"operator": asked}},
        {**document, "keys": {"node": asked}},
        {**document, "keys": {"agency": {**asked, "more": 1}}},
        {**document, "keys": {"agency": {**asked, "proof": "00" * 64}}},
    ]
    for content in wrong:
        request.write_text(json.dumps(content))
        assert chain.fails("governance", "propose", "rotate-keys", request) == "MV-3100", content


def test_next_keys_lie_beside_the_present_ones(chain: Chain, tmp_path: Path) -> None:
    home, disk = Home(tmp_path / "home"), LocalDisk()
    names = ("--name-ko", "기관", "--name-en", "Agency")
    ok("init", "--home", home.path, "--chain-name", "trial", "--agency-number", 1, *names, "--plain-keys")
    before = {path: path.read_bytes() for path in home.path.rglob("*.json")}
    common = ("keys", "next", "--home", home.path, "--genesis", chain.genesis)
    made = ok(*common, "--out", tmp_path / "one.json")["keys"]
    assert {path: path.read_bytes() for path in before} == before
    for role in ("agency", "validator", "node"):
        assert load_plain_key(home.key(role, 2), disk).tagged.hex() == made[role]
        assert home.key(role, 2).stat().st_mode & 0o777 == 0o600
        assert home.generations(role) == [1, 2]
    chain_id = ok("genesis", "show", chain.genesis)["chain_id"]
    guard = SignGuard(home.guard_of(2), load_plain_key(home.key("validator", 2), disk), chain_id, disk)
    assert guard.position == (0, 0, 1)
    guard.close()
    ok(*common, "--out", tmp_path / "two.json", "--role", "validator")
    assert home.generations("validator") == [1, 2, 3]
    # The guard of a key that was destroyed is never that of another.
    home.key("validator", 3).unlink()
    ok(*common, "--out", tmp_path / "three.json", "--role", "validator")
    assert home.generations("validator") == [1, 2, 4]
    assert mvchain(*common, "--out", tmp_path / "three.json").error == "MV-3027"
    assert mvchain(*common, "--out", tmp_path / "four.json", "--role", "operator").code == 2


def test_next_keys_have_the_passphrase_of_the_present_ones(chain: Chain, tmp_path: Path) -> None:
    home, disk = Home(tmp_path / "home"), LocalDisk()
    names = ("--name-ko", "기관", "--name-en", "Agency")
    ok("init", "--home", home.path, "--chain-name", "trial", "--agency-number", 1, *names, "--plain-keys")
    secret, other = tmp_path / "secret", tmp_path / "other"
    for file, text in ((secret, PASSPHRASE), (other, "another passphrase")):
        file.write_text(text)
        file.chmod(0o600)
    home.key("node").unlink()
    save_key(home.key("node"), SigningKey.generate(), PASSPHRASE.encode(), disk)
    common = ("keys", "next", "--home", home.path, "--genesis", chain.genesis, "--role", "node")
    out = tmp_path / "next.json"
    assert mvchain(*common, "--out", out, "--passphrase-file", other).error == "MV-3006"
    assert home.generations("node") == [1]
    made = ok(*common, "--out", out, "--passphrase-file", secret)["keys"]["node"]
    assert key_info(home.key("node", 2), disk).encrypted
    assert load_key(home.key("node", 2), PASSPHRASE.encode(), disk).tagged.hex() == made
