"""mvchain poll create, list, show, results, pause, resume, extend, close, void."""

from pathlib import Path

import pytest

from mvchain.core.keys import SigningKey
from mvchain.ledger.poll_json import definition_from_json
from mvchain.ledger.polls import definition_hash, encode_definition
from tests.cli.helpers import ANSWERS, POLL, Chain, mvchain, new_key, ok

VOTER = SigningKey.from_seed(b"v" * 32).tagged.hex()


@pytest.fixture(scope="module")
def voter_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("voter") / "voter.json"


@pytest.fixture(scope="module")
def poll(chain: Chain, voter_key: Path) -> int:
    """An open poll with one ballot in it."""
    number = chain.open_poll(new_key(voter_key))
    answers = voter_key.parent / "answers.json"
    answers.write_bytes(ANSWERS)
    chain.act("ballot", "cast", number, answers, "--key", voter_key)
    return number


def test_a_poll_is_registered_as_its_file_says(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "poll.toml"
    file.write_text(POLL)
    roll = chain.sealed_roll(VOTER)
    times = ("--opens-at", "2098-01-05T09:00:00+09:00")
    created = chain.act("poll", "create", file, "--roll", roll, *times)
    definition = definition_from_json(created["definition"])
    assert created["definition_hash"] == definition_hash(encode_definition(definition)).hex()
    assert (definition.agency, definition.roll, definition.approvals) == (1, roll, 2)
    # 2098-01-05T00:00:00Z and 2099-01-05T09:00:00Z
    assert (definition.opens_at_ms, definition.closes_at_ms) == (4_039_718_400_000, 4_071_286_800_000)
    assert created["state"] == "registered"
    file.write_text(POLL.replace("Baram", "Wind"))
    replaced = chain.act("poll", "create", file, "--roll", roll, *times, "--replace", created["poll"])
    assert replaced["poll"] == created["poll"]
    assert replaced["definition"]["questions"][0]["options"][1]["title"]["en"] == "Wind"


def test_a_pb_file_gives_the_question(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "city.pb"
    file.write_text(
        "META\nkey;value\ndescription;Budget\nvote_type;approval\nmin_length;1\nmax_length;2\n"
        "PROJECTS\nproject_id;cost;name\n7;100;Trees\n9;250;Lamps\nVOTES\nvoter_id;vote\nx;7,9\n"
    )
    times = ("--opens-at", "2098-01-05T09:00:00+09:00", "--closes-at", "2098-02-05T09:00:00+09:00")
    created = chain.act("poll", "create", file, "--roll", chain.sealed_roll(VOTER), *times)
    (question,) = created["definition"]["questions"]
    assert (question["type"], question["rule"]["max"]) == ("approval", 2)
    assert [(option["id"], option["cost"]) for option in question["options"]] == [("7", 100), ("9", 250)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("title = ", "MV-3035"),
        (POLL.replace("2026-01-05T09:00:00+09:00", "2026-01-05T09:00:00"), "MV-3035"),
        (POLL.replace("2026-01-05T09:00:00+09:00", '"tomorrow"'), "MV-3035"),
        (POLL.replace("revote", "re_vote"), "MV-1141"),
        ("re_vote = true\n" + POLL, "MV-1140"),
        (POLL.replace('"points"', '"darts"'), "MV-1142"),
    ],
)
def test_bad_poll_files(chain: Chain, tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "poll.toml"
    file.write_text(text)
    assert chain.fails("poll", "create", file, "--roll", 1) == code


def test_bad_files_and_times(chain: Chain, tmp_path: Path) -> None:
    (tmp_path / "city.pb").write_bytes(b"\xff")
    assert chain.fails("poll", "create", tmp_path / "city.pb") == "MV-3035"
    assert chain.fails("poll", "create", tmp_path / "none.toml") == "MV-3090"
    (tmp_path / "poll.toml").write_text(POLL)
    for time in ("noon", "2026-01-05T09:00:00", "2026-01-05"):
        assert chain.fails("poll", "create", tmp_path / "poll.toml", "--opens-at", time) == "MV-3034"


def test_a_poll_needs_a_sealed_roll(chain: Chain, tmp_path: Path) -> None:
    (tmp_path / "poll.toml").write_text(POLL)
    assert chain.fails("poll", "create", tmp_path / "poll.toml", "--roll", 4_000) == "MV-1211"


def test_list_and_show(chain: Chain, poll: int) -> None:
    listed = {found["poll"]: found["title"] for found in chain.ask("poll", "list")["polls"]}
    assert listed[poll] == {"ko": "자전거 이름", "en": "Name of the bicycle"}
    assert "자전거 이름" in mvchain("poll", "list", "--api", chain.api).out
    shown = mvchain("poll", "show", poll, "--api", chain.api).out
    for part in (f"{poll}: 자전거 이름", "1 on roll", "1. 이름은? (single)", "따릉이"):
        assert part in shown
    assert mvchain("poll", "show", 4_000, "--api", chain.api).error == "MV-6021"


def test_results_have_bars_and_keep_what_is_not_released(chain: Chain, poll: int) -> None:
    tally = chain.ask("poll", "results", poll)["tally"]
    totals = [{option["id"]: option["total"] for option in question["options"]} for question in tally["questions"]]
    assert totals == [{"a": 1, "b": 0}, {"x": 3, "y": 1}]
    text = mvchain("poll", "results", poll, "--api", chain.api).out
    lines = {line.split()[0]: line.count("█") for line in text.splitlines() if line}
    assert (lines["따릉이"], lines["바람"], lines["X"], lines["Y"]) == (24, 0, 24, 8)
    assert "1 ballot so far" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_pause_resume_extend_close_and_void(chain: Chain) -> None:
    number = chain.open_poll(VOTER)
    why = ("--reason", "a test")
    assert chain.act("poll", "pause", number, *why)["state"] == "paused"
    assert chain.fails("poll", "pause", number, *why) == "MV-1220"
    assert chain.act("poll", "resume", number, *why)["state"] == "open"
    later = ("--closes-at", "2099-02-05T18:00:00+09:00")
    asked = chain.act("poll", "extend", number, *later, *why)
    assert asked["in_force"] is False
    shown = mvchain("poll", "show", number, "--api", chain.api).out
    assert asked["hash"] in shown
    # What is agreed to stands beside it: 2099-02-05T09:00:00Z, in whatever zone this machine has.
    assert "poll_extend until 2099-02-0" in shown
    assert "1 approval so far" in shown
    chain.approved(asked["hash"])
    assert chain.ask("poll", "show", number)["closes_at_ms"] == 4_073_965_200_000
    asked = mvchain("poll", "void", number, *why, "--home", chain.home, "--api", chain.api).out
    assert "takes effect when" in asked
    assert chain.fails("poll", "extend", number, "--closes-at", "2099-01-05T00:00:00Z", *why) == "MV-1222"
    closing = chain.act("poll", "close", number, *why)
    chain.approved(closing["hash"])
    assert chain.ask("poll", "show", number)["closes_at_ms"] < 4_073_965_200_000
    voiding = chain.act("poll", "void", number, *why)
    chain.approved(voiding["hash"])
    assert chain.ask("poll", "show", number)["state"] == "void"


def test_results_are_waited_for(chain: Chain, tmp_path: Path) -> None:
    """A poll without grace is counted as soon as it is closed; an open one when its time has come."""
    file = tmp_path / "poll.toml"
    text = POLL.replace("approvals = 2", "grace_ms = 0").replace('"live"', '"after_closing"')
    file.write_text(text)
    number = chain.act("poll", "create", file, "--roll", chain.sealed_roll(VOTER))["poll"]
    shown = mvchain("poll", "results", number, "--api", chain.api)
    # 2099-01-05T09:00:00Z, in whatever zone this machine has.
    assert "not released yet: it closes at 2099-01-0" in shown.out
    waited = mvchain("poll", "results", number, "--wait", 1, "--api", chain.api)
    assert waited.error == "MV-6065"
    assert "It is counted from 2099-01-0" in waited.err
    chain.approved(chain.act("poll", "close", number, "--reason", "a test")["hash"])
    result = ok("poll", "results", number, "--wait", 60, "--api", chain.api)
    assert (result["state"], result["tally"]["ballots"]) == ("final", 0)
    assert "0 ballots counted" in mvchain("poll", "results", number, "--api", chain.api).out


def test_a_void_poll_has_no_result_and_is_not_waited_for(chain: Chain) -> None:
    number = chain.open_poll(VOTER)
    chain.approved(chain.act("poll", "void", number, "--reason", "a test")["hash"])
    # Longer than the whole run of the tests may take.
    assert ok("poll", "results", number, "--wait", 3_600, "--api", chain.api)["state"] == "void"
    assert "it has no result" in mvchain("poll", "results", number, "--api", chain.api).out


def test_show_tells_the_rules_of_a_poll(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "poll.toml"
    file.write_text(POLL)
    times = ("--opens-at", "2098-01-05T09:00:00+09:00")
    number = chain.act("poll", "create", file, "--roll", chain.sealed_roll(VOTER), *times)["poll"]
    shown = mvchain("poll", "show", number, "--api", chain.api).out.splitlines()
    rules = ("allowed: the last ballot counts", "released while it is open", "equal totals share a rank", "any")
    names = ("re-voting", "totals", "ties", "turnout")
    assert [line for line in shown if line.startswith(names)] == [
        f"{name:<10}  {rule}"
        for name, rule in sorted(zip(names, rules, strict=True), key=lambda row: row[0] != "totals")
    ]
    other = POLL.replace("revote = true", 'revote = false\nmin_turnout = 1\ntie_rule = "by_lot"')
    file.write_text(other.replace('"live"', '"after_closing"'))
    chain.act(
        "poll",
        "create",
        file,
        "--roll",
        chain.ask("poll", "show", number)["roll"]["number"],
        *times,
        "--replace",
        number,
    )
    shown = mvchain("poll", "show", number, "--api", chain.api).out.splitlines()
    rules = ("not allowed", "released when it is counted", "broken by lot", "1 voter at least")
    assert [line for line in shown if line.startswith(names)] == [
        f"{name:<10}  {rule}"
        for name, rule in sorted(zip(names, rules, strict=True), key=lambda row: row[0] != "totals")
    ]


def test_a_poll_service_needs_its_key_and_the_genesis_file_alone(chain: Chain, tmp_path: Path) -> None:
    key, voters, file = tmp_path / "service.json", tmp_path / "voters", tmp_path / "poll.toml"
    new_key(key)
    request = tmp_path / "request.json"
    ok("keys", "request", key, "--genesis", chain.genesis, "--agency", 1, "--role", "service", "--out", request)
    chain.act("service", "authorise", request, "--polls", "--rolls")
    given = ("--genesis", chain.genesis, "--key", key, "--api", chain.api)
    voters.write_text(VOTER)
    roll = ok("roll", "create", voters, "--title", "Voters", *given)
    seal = roll["pending"][0]["hash"]
    chain.act("approve", seal)
    chain.approved(seal)
    file.write_text(POLL)
    poll = ok("poll", "create", file, "--roll", roll["number"], *given)["poll"]
    assert ok("poll", "pause", poll, "--reason", "a test", *given)["state"] == "paused"


def test_a_reason_is_asked_for(chain: Chain) -> None:
    assert mvchain("poll", "void", 1, "--home", chain.home).code == 2
