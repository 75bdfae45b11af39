"""mvchain operator, service, approve."""

from pathlib import Path

from tests.cli.helpers import Chain, mvchain, new_key


def test_an_operator_comes_and_goes(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "third.json"
    key = new_key(file)
    voters = tmp_path / "roll.txt"
    voters.write_text(new_key(tmp_path / "voter.json"))
    create = ("roll", "create", voters, "--title", "By the third", "--key", file)
    assert chain.fails(*create) == "MV-6091"
    assert len(chain.act("operator", "register", key)["hash"]) == 64
    assert chain.act(*create)["size"] == 1
    assert chain.fails("operator", "register", key) == "MV-1207"
    chain.act("operator", "revoke", key)
    assert chain.fails(*create) == "MV-1202"
    assert chain.fails("operator", "revoke", key) == "MV-1208"


def test_a_service_has_its_scopes(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "service.json"
    key = new_key(file)
    voters = tmp_path / "roll.txt"
    voters.write_text(new_key(tmp_path / "voter.json"))
    assert mvchain("service", "authorise", key, "--home", chain.home, "--api", chain.api).code == 2
    chain.act("service", "authorise", key, "--rolls")
    assert chain.act("roll", "create", voters, "--title", "By a service", "--key", file)["sealed"] is False
    assert chain.fails("poll", "pause", 1, "--reason", "x", "--key", file) == "MV-1205"
    chain.act("service", "revoke", key)
    assert chain.fails("roll", "create", voters, "--title", "Again", "--key", file) == "MV-1202"


def test_words_for_people(chain: Chain, tmp_path: Path) -> None:
    key = new_key(tmp_path / "service.json")
    where = ("--home", chain.home, "--api", chain.api)
    assert f"{key} may act" in mvchain("service", "authorise", key, "--polls", *where).out
    assert f"{key} may not act" in mvchain("service", "revoke", key, *where).out


def test_what_cannot_be_approved(chain: Chain) -> None:
    assert chain.fails("approve", "00" * 32) == "MV-1223"
    assert chain.fails("approve", "00") == "MV-3036"
    assert chain.fails("approve", "zz" * 32) == "MV-3036"
    assert chain.fails("operator", "register", "01" * 5) == "MV-3036"


def test_without_a_home_there_is_no_chain_to_act_on(tmp_path: Path, chain: Chain) -> None:
    assert mvchain("approve", "00" * 32, "--home", tmp_path, "--api", chain.api).error == "MV-3090"
