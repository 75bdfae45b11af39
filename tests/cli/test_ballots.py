"""mvchain ballot cast, receipt, verify: what a voter does, from the ballot to the checked receipt."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mvchain.api.client import Client, JsonObject
from mvchain.ledger.genesis import Genesis
from mvchain.light.receipt_number import receipt_number
from mvchain.light.verify import verify_receipt
from mvchain.light.words import in_words
from tests.cli.helpers import ANSWERS, Chain, Result, mvchain, new_key


class Voter:
    """Somebody on the roll of an open poll."""

    def __init__(self, chain: Chain, directory: Path) -> None:
        self.chain = chain
        self.key = directory / "voter.json"
        self.poll = chain.open_poll(new_key(self.key), new_key(directory / "other.json"))

    def cast(self, answers: bytes, *options: object) -> Result:
        """Casts what comes on standard input."""
        where = ("--genesis", self.chain.genesis, "--api", self.chain.api)
        return mvchain("ballot", "cast", self.poll, "-", "--key", self.key, *where, *options, stdin=answers)


@pytest.fixture(scope="module")
def voter(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Voter:
    return Voter(chain, tmp_path_factory.mktemp("voter"))


@pytest.fixture(scope="module")
def receipt(voter: Voter) -> Path:
    """The receipt of a ballot that was cast."""
    path = voter.key.with_name("r.mvreceipt.json")
    assert voter.cast(ANSWERS, "--receipt", path).code == 0
    return path


def test_the_same_ballot_again_counts_once_and_a_changed_one_replaces_it(voter: Voter, receipt: Path) -> None:
    first = json.loads(voter.cast(ANSWERS, "--json").out)
    assert json.loads(receipt.read_bytes())["ballot"] == first["ballot"]
    assert (first["poll"], first["number"], first["receipt"]) == (voter.poll, 0, None)
    # Without a new revision another answer is not taken.
    changed = b'["b", {"y": 2}]'
    assert voter.cast(changed).error == "MV-1233"
    assert json.loads(voter.cast(changed, "--revision", 1, "--json").out)["number"] == 1
    tally = voter.chain.ask("poll", "results", voter.poll)["tally"]
    assert tally["ballots"] == 1
    assert [option["total"] for option in tally["questions"][0]["options"]] == [0, 1]


def test_it_speaks_korean_first_and_does_not_tell_the_choice(voter: Voter, receipt: Path) -> None:
    shown = voter.cast(ANSWERS)
    lines = [line for line in shown.out.splitlines() if line]
    assert lines[0] == f"✔ {voter.poll}번 투표에 참여하셨습니다. 회원님의 표가 기록되었습니다."
    assert lines[3].startswith("✔ You took part in poll")
    assert "따릉이" not in shown.out
    assert '"a"' not in shown.out


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (b"", "MV-1001"),
        (b'{"a": 1}', "MV-1001"),
        (b'["a"]', "MV-1150"),
        (b'["c", {"x": 1}]', "MV-1167"),
        (b'["a", null]', "MV-1151"),
        (b'["a", {"x": 4}]', "MV-1161"),
        (b'["a", {"x": 1.5}]', "MV-1007"),
    ],
)
def test_answers_that_do_not_fit_are_refused_here(voter: Voter, answers: bytes, code: str) -> None:
    assert voter.cast(answers).error == code


def test_strangers_and_unknown_polls(voter: Voter, tmp_path: Path) -> None:
    new_key(tmp_path / "stranger.json")
    where = ("--genesis", voter.chain.genesis, "--api", voter.chain.api, "--key", tmp_path / "stranger.json")
    assert mvchain("ballot", "cast", voter.poll, "-", *where, stdin=ANSWERS).error == "MV-1231"
    assert mvchain("ballot", "cast", 4_000, "-", *where, stdin=ANSWERS).error == "MV-6021"
    assert mvchain("ballot", "cast", voter.poll, tmp_path / "none", *where).error == "MV-3090"


def test_a_definition_that_is_not_what_its_hash_says_is_not_signed(
    voter: Voter, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Client.poll

    async def dishonest(client: Client, number: int) -> JsonObject:
        document = await honest(client, number)
        document["definition"]["questions"][0]["options"].reverse()  # type: ignore[call-overload, index, union-attr]
        return document

    monkeypatch.setattr(Client, "poll", dishonest)
    assert voter.cast(ANSWERS, "--revision", 2).error == "MV-6052"


def test_an_existing_receipt_is_kept_and_nothing_cast(voter: Voter, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    before = voter.chain.ask("poll", "show", voter.poll)["ballots"]
    assert voter.cast(ANSWERS, "--revision", 2, "--receipt", tmp_path / "kept").error == "MV-3027"
    assert (tmp_path / "kept").read_text() == "mine"
    assert voter.chain.ask("poll", "show", voter.poll)["ballots"] == before


def test_a_receipt_from_any_node_verifies_without_one(voter: Voter, receipt: Path, tmp_path: Path) -> None:
    ballot = json.loads(receipt.read_bytes())["ballot"]
    got = voter.chain.ask("receipt", ballot)
    number = receipt_number(bytes.fromhex(ballot))
    assert got == {"ballot": ballot, "number": number, "file": f"{number}.mvreceipt.json"}
    # The number and the receipt itself find it as well.
    for name in (number.lower().replace("-", " "), receipt):
        again = voter.chain.ask("receipt", name, "--out", tmp_path / "again")
        assert again["ballot"] == ballot
        (tmp_path / "again").unlink()
    file = tmp_path / got["file"]  # the tests' working directory
    verified = mvchain("verify", file, "--genesis", voter.chain.genesis, "--json").json
    assert (verified["valid"], verified["ballot"], verified["poll"], verified["number"]) == (
        True,
        ballot,
        voter.poll,
        0,
    )
    assert verified["vouching"] == [1]
    text = mvchain("verify", file, "--genesis", voter.chain.genesis).out
    genesis = Genesis.decode(voter.chain.genesis.read_bytes())
    assert text == in_words(verify_receipt(file.read_bytes(), genesis)) + "\n"
    assert mvchain("verify", file, "--home", voter.chain.home).out == text


def test_a_changed_receipt_is_not_believed(voter: Voter, receipt: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    text = receipt.read_text()
    ballot = json.loads(text)["ballot"]
    forged.write_text(text.replace(ballot, "0" * 64))
    shown = mvchain("verify", forged, "--genesis", voter.chain.genesis)
    assert shown.code == 1
    assert "MV-5008" in shown.out
    assert "✔" not in shown.out
    as_json = mvchain("verify", forged, "--genesis", voter.chain.genesis, "--json")
    assert as_json.code == 1
    assert (json.loads(as_json.out)["valid"], json.loads(as_json.out)["code"]) == (False, "MV-5008")


def test_a_terminal_without_korean_is_no_error(voter: Voter, receipt: Path) -> None:
    command = [sys.executable, "-m", "mvchain", "verify", str(receipt), "--genesis", str(voter.chain.genesis)]
    done = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, check=True)
    assert done.stdout.isascii()
    assert b"Verified. Your ballot is recorded" in done.stdout


def test_receipts_that_there_are_not(voter: Voter, tmp_path: Path) -> None:
    assert mvchain("receipt", "00" * 32, "--api", voter.chain.api).error == "MV-6023"
    assert mvchain("receipt", "0" * 63 + "x", "--api", voter.chain.api).error == "MV-3036"
    assert mvchain("receipt", "2222", "--api", voter.chain.api).error == "MV-6081"
    assert mvchain("receipt", receipt_number(bytes(32)), "--api", voter.chain.api).error == "MV-6038"
    assert mvchain("verify", tmp_path / "none", "--genesis", voter.chain.genesis).error == "MV-3090"
    assert mvchain("verify", voter.key).error == "MV-3090"
