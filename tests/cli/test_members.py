"""mvchain operator, service, approve."""

import json
from pathlib import Path

from tests.cli.helpers import Chain, mvchain, new_key, ok


def test_an_operator_comes_and_goes(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "third.json"
    key = new_key(file)
    voters = tmp_path / "roll.txt"
    voters.write_text(new_key(tmp_path / "voter.json"))
    create = ("roll", "create", voters, "--title", "By the third", "--key", file)
    assert chain.fails(*create) == "MV-6091"
    request = chain.request(file, "operator")
    assert len(chain.act("operator", "register", request)["hash"]) == 64
    assert chain.act(*create)["size"] == 1
    assert chain.fails("operator", "register", request) == "MV-1207"
    chain.act("operator", "revoke", key)
    assert chain.fails(*create) == "MV-1202"
    assert chain.fails("operator", "revoke", key) == "MV-1208"


def test_a_service_has_its_scopes(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "service.json"
    key = new_key(file)
    voters = tmp_path / "roll.txt"
    voters.write_text(new_key(tmp_path / "voter.json"))
    request = chain.request(file, "service")
    assert mvchain("service", "authorise", request, "--home", chain.home, "--api", chain.api).code == 2
    chain.act("service", "authorise", request, "--rolls")
    assert chain.act("roll", "create", voters, "--title", "By a service", "--key", file)["sealed"] is False
    assert chain.fails("poll", "pause", 1, "--reason", "x", "--key", file) == "MV-1205"
    chain.act("service", "revoke", key)
    assert chain.fails("roll", "create", voters, "--title", "Again", "--key", file) == "MV-1202"


def test_requests_that_will_not_do(chain: Chain, tmp_path: Path) -> None:
    key, other = tmp_path / "key.json", tmp_path / "other.json"
    new_key(key)
    new_key(other)
    request = chain.request(key, "operator")
    register = ("operator", "register", request, "--home", chain.home, "--api", chain.api)
    sound = json.loads(request.read_bytes())
    others = chain.request(other, "operator")
    swapped = json.loads(others.read_bytes())
    for changed in (
        {**sound, "proof": swapped["proof"]},
        {**sound, "key": swapped["key"]},
        {**sound, "key": "zz"},
        {**sound, "proof": sound["proof"][2:]},
        {**sound, "agency": 2},
        {**sound, "agency": True},
        {**sound, "role": "service"},
        {**sound, "role": "agency"},
        {**sound, "note": ""},
        {"key": sound["key"]},
        [],
    ):
        request.write_text(json.dumps(changed))
        refused = mvchain(*register)
        assert refused.error == "MV-3037", changed
        assert str(request) in refused.err
    request.write_bytes(b"{")
    assert mvchain(*register).error == "MV-3037"
    request.write_bytes(b" " * 1025)
    assert mvchain(*register).error == "MV-3091"
    assert mvchain("operator", "register", tmp_path / "none", *register[3:]).error == "MV-3090"
    assert chain.fails("service", "authorise", others, "--polls") == "MV-3037"


def test_a_request_for_another_chain_is_refused(chain: Chain, tmp_path: Path) -> None:
    key, genesis, file = tmp_path / "key.json", tmp_path / "genesis.json", tmp_path / "request.json"
    new_key(key)
    entry = chain.home / "config" / "entry.json"
    ok("genesis", "make", entry, "--chain-name", "trial", "--out", genesis)
    ok("keys", "request", key, "--genesis", genesis, "--agency", 1, "--role", "operator", "--out", file)
    assert chain.fails("operator", "register", file) == "MV-3037"


def test_words_for_people(chain: Chain, tmp_path: Path) -> None:
    key = new_key(tmp_path / "service.json")
    request = chain.request(tmp_path / "service.json", "service")
    where = ("--home", chain.home, "--api", chain.api)
    assert f"{key} may act" in mvchain("service", "authorise", request, "--polls", *where).out
    assert f"{key} may not act" in mvchain("service", "revoke", key, *where).out


def test_what_cannot_be_approved(chain: Chain) -> None:
    assert chain.fails("approve", "00" * 32) == "MV-1223"
    assert chain.fails("approve", "00") == "MV-3036"
    assert chain.fails("approve", "zz" * 32) == "MV-3036"
    assert chain.fails("operator", "revoke", "01" * 5) == "MV-3036"


def test_without_a_home_there_is_no_chain_to_act_on(tmp_path: Path, chain: Chain) -> None:
    assert mvchain("approve", "00" * 32, "--home", tmp_path, "--api", chain.api).error == "MV-3090"
