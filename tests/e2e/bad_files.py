"""Files of operators and voters: node.toml, keys, rolls, polls, answers, and homes that no node can run in."""

import json
from collections.abc import Callable
from pathlib import Path

from mvchain.core import codes
from mvchain.core.errors import Cause
from mvchain.core.keys import SigningKey
from mvchain.node.config import load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import KdfParameters, save_key, save_plain_key
from tests.e2e.commands import asked, files, fresh
from tests.e2e.stage import BEGUN_ROLL, OPEN, SPARE_ROLL, Answer, Row, Stage, voter

# --- node.toml ---


def settings(name: str, cause: Cause, content: bytes | None) -> Row:
    """A node that is started with these settings."""

    async def send(stage: Stage) -> Answer:
        home = stage.directory / "settings"
        path = stage.path("settings/config/node.toml", content or b"")
        if content is None:
            path.unlink()
        return await stage.cli("start", "--home", home)

    return Row(f"node.toml: {name}", cause, send)


SETTINGS = (
    settings("missing", codes.CANNOT_READ_FILE, None),
    settings("not UTF-8", codes.CANNOT_READ_FILE, b"\xff\xfe"),
    settings("no TOML", codes.BAD_SETTINGS, b"[api\n"),
    settings("a table there is not", codes.BAD_SETTINGS, b"[metrics]\n"),
    settings("a misspelt setting", codes.BAD_SETTINGS, b"[api]\nlitsen = '127.0.0.1:1'\n"),
    settings("a port of 70,000", codes.BAD_SETTINGS, b"[api]\nlisten = '127.0.0.1:70000'\n"),
    settings("text for a number", codes.BAD_SETTINGS, b"[api]\nmax_connections = 'many'\n"),
    settings("a peer without its key", codes.BAD_SETTINGS, b"[p2p]\npeers = ['10.0.0.1:26656']\n"),
    settings("faults in three lines", codes.BAD_SETTINGS, b"[api]\na = 1\nb = {x = 2}\n[log]\nlevel = 'loud'\n"),
)


# --- key files ---


def _envelope(stage: Stage, **changes: object) -> bytes:
    document = json.loads(stage.network.home(1).key("operator").read_bytes())
    return json.dumps({**document, **changes}).encode()


def _key_file(make: Callable[[Stage], bytes], mode: int = 0o600) -> Callable[[Stage], dict[str, object]]:
    return lambda stage: {"key": stage.path("key.json", make(stage), mode)}


def _kdf(operations: int) -> dict[str, object]:
    return {"name": "argon2id", "operations": operations, "memory_bytes": 64 << 20, "salt": "00" * 16}


def _locked(stage: Stage) -> dict[str, object]:
    """A key file with a passphrase, and files with wrong ones."""
    path = stage.directory / "locked.json"
    if not path.exists():
        save_key(path, SigningKey.generate(), b"correct horse", LocalDisk(), KdfParameters(2, 19 << 20))
    return {
        "key": path,
        "right": stage.path("right", b"correct horse\n"),
        "wrong": stage.path("wrong", b"battery staple\n"),
        "short": stage.path("short", b"abc\n"),
        "open": stage.path("open", b"correct horse\n", 0o644),
    }


def _plain(stage: Stage) -> dict[str, object]:
    path = stage.directory / "plain.json"
    if not path.exists():
        save_plain_key(path, SigningKey.generate(), LocalDisk())
    return {**_locked(stage), "key": path}


CHANGE = ("keys", "change-passphrase", "{key}", "--passphrase-file")

KEYS = (
    asked("a key file there is not", codes.KEY_FILE_MISSING, "keys", "show", "{nowhere}"),
    asked("a key file others may read", codes.KEY_FILE_MODE, "keys", "show", "{key}", make=_key_file(_envelope, 0o644)),
    asked("a key file cut short", codes.KEY_FILE_DAMAGED, "keys", "show", "{key}", make=_key_file(lambda _: b'{"for')),
    asked(
        "a key file of version 2",
        codes.KEY_FILE_DAMAGED,
        *("keys", "show", "{key}"),
        make=_key_file(lambda s: _envelope(s, version=2)),
    ),
    asked(
        "a key file that would take 2^40 passes",
        codes.KDF_OUT_OF_RANGE,
        *("keys", "show", "{key}"),
        make=_key_file(lambda s: _envelope(s, kdf=_kdf(1 << 40))),
    ),
    asked(
        "a key that is not its file's",
        codes.KEY_FILE_DAMAGED,
        *("poll", "pause", "1", "--reason", "x", "--home", "{home}", "--key", "{key}", "--api", "{api}"),
        make=_key_file(lambda s: _envelope(s, public_key="11" * 32)),
    ),
    asked(
        "a key over another", codes.KEY_FILE_EXISTS, "keys", "new", "{key}", "--plain-keys", make=_key_file(_envelope)
    ),
    asked(
        "a wrong passphrase",
        codes.PASSPHRASE_WRONG,
        *CHANGE,
        "{wrong}",
        "--new-passphrase-file",
        "{right}",
        make=_locked,
    ),
    asked(
        "a short passphrase",
        codes.PASSPHRASE_TOO_SHORT,
        *CHANGE,
        "{right}",
        "--new-passphrase-file",
        "{short}",
        make=_locked,
    ),
    asked(
        "a passphrase others may read",
        codes.PASSPHRASE_FILE_MODE,
        *(*CHANGE, "{open}", "--new-passphrase-file", "{right}"),
        make=_locked,
    ),
    asked("no passphrase", codes.NO_TERMINAL, "keys", "change-passphrase", "{key}", make=_locked),
    asked(
        "a passphrase for a plain key",
        codes.KEY_FILE_PLAIN,
        *(*CHANGE, "{right}", "--new-passphrase-file", "{right}"),
        make=_plain,
    ),
)


# --- rolls, polls, answers ---

SIGNED = ("--home", "{home}", "--api", "{api}")
KEY_1, KEY_2 = (voter(99, number).tagged.hex().encode() for number in (1, 2))

LISTS = tuple(
    asked(f"a roll with {name}", cause, "roll", "create", "{roll}", "--title", "x", *SIGNED, make=files(roll=content))
    for name, cause, content in (
        ("no key", codes.ROLL_LIST_EMPTY, b"# nobody\n\n"),
        ("a name", codes.BAD_LINE, KEY_1 + b"\nHong Gil-dong\n"),
        ("a weight of 0", codes.BAD_LINE, KEY_1 + b" 0\n"),
        ("a weight of 65537", codes.BAD_LINE, KEY_1 + b" 65537\n"),
        ("noise", codes.BAD_LINE, b"\xff\x00\xfe"),
        ("a key twice", codes.ROLL_ENTRY_TWICE, KEY_1 + b"\n" + KEY_2 + b"\n" + KEY_1 + b"\n"),
        ("a key of small order", codes.ROLL_ENTRY_UNSOUND, b"01" + b"00" * 32),
    )
)
ROLLS = (
    *LISTS,
    asked(
        "a roll that was begun with another list",
        codes.ROLL_DIFFERS,
        *("roll", "create", "{roll}", "--title", "x", "--continue", str(BEGUN_ROLL), *SIGNED),
        make=files(roll=KEY_1),
    ),
)

TOML = """\
title = {{ en = "x" }}
roll = {roll}
opens_at = {opens}
closes_at = 2090-01-01T00:00:00Z
revote = false
release = "live"
{more}
[[questions]]
type = "{type}"
title = {{ en = "x" }}
blank_allowed = false
options = [{{ id = "a", title = {{ en = "A" }} }}]
"""


def _toml(more: str = "", opens: str = "2089-01-01T00:00:00Z", roll: int = SPARE_ROLL, type_: str = "single") -> bytes:
    return TOML.format(roll=roll, opens=opens, more=more, type=type_).encode()


PB = """\
META
key;value
description;x
vote_type;{kind}
num_projects;{projects}
PROJECTS
project_id;cost;name
1;10;a
VOTES
voter_id;vote
1;{named}
"""


def _pb(kind: str = "choose-1", projects: str = "1", named: str = "1") -> bytes:
    return PB.format(kind=kind, projects=projects, named=named).encode()


POLLS = tuple(
    asked(f"a poll {name}", cause, "poll", "create", "{poll}", *SIGNED, *more, make=files(poll=content))
    for name, cause, content, *more in (
        ("that is no TOML", codes.BAD_POLL_FILE, b"title = "),
        ("that is not UTF-8", codes.BAD_POLL_FILE, b"\xff"),
        ("at no o'clock", codes.BAD_POLL_FILE, _toml(opens="2089-01-01")),
        ("at a local time", codes.BAD_TIME, _toml(), "--opens-at", "2089-01-01T00:00:00"),
        ("of an unknown member", codes.UNKNOWN_MEMBER, _toml("color = 'red'")),
        ("of an unknown type", codes.WRONG_MEMBER, _toml(type_="lottery")),
        ("without a question", codes.MISSING_MEMBER, b"title = { en = 'x' }\n"),
        ("with another poll's roll", codes.ROLL_IN_USE, _toml(roll=OPEN)),
        ("of 300,000 bytes", codes.FILE_TOO_LARGE, b"#" * 300_000),
        ("in place of an open one", codes.WRONG_POLL_STATE, _toml(), "--replace", str(OPEN)),
    )
)


def election(name: str, cause: Cause, content: bytes) -> Row:
    """A `.pb` file that a poll is made of."""
    return asked(
        f"an election {name}",
        cause,
        *("poll", "create", "{path}", *SIGNED),
        make=lambda stage: {"path": stage.path("election.pb", content)},
    )


ELECTIONS = (
    election("without sections", codes.ELECTION_SYNTAX, b"key;value\n"),
    election("that names a project there is not", codes.ELECTION_SYNTAX, _pb(named="7")),
    election("of an unknown kind", codes.ELECTION_KIND, _pb(kind="lottery")),
    election("of five projects that has one", codes.ELECTION_TRUNCATED, _pb(projects="5")),
    election("of some projects", codes.ELECTION_META, _pb(projects="some")),
)

CAST = ("ballot", "cast", "{poll}", "{answers}", "--key", "{key}", *SIGNED)


def _casting(answers: bytes, poll: int = OPEN) -> Callable[[Stage], dict[str, object]]:
    def known(stage: Stage) -> dict[str, object]:
        key = stage.directory / "voter.json"
        if not key.exists():
            save_plain_key(key, voter(OPEN, 7), LocalDisk())
        return {"key": key, "answers": stage.path("answers.json", answers), "poll": poll}

    return known


_ALL = b'["a", ["a"], ["b", "a"], {"a": 2}, {"a": 5}]'

VOTERS = (
    asked("answers that are no list", codes.MALFORMED, *CAST, make=_casting(b"{}")),
    asked("answers with NaN", codes.BAD_NUMBER, *CAST, make=_casting(b"[NaN]")),
    asked("one answer of five", codes.WRONG_ANSWER_COUNT, *CAST, make=_casting(b'["a"]')),
    asked(
        "an option there is not",
        codes.UNKNOWN_OPTION_ID,
        *CAST,
        make=_casting(_ALL.replace(b'"a", [', b'"z", [')),
    ),
    asked("a ballot in poll 999", codes.POLL_UNKNOWN, *CAST, make=_casting(_ALL, 999)),
    asked("a receipt for a stranger", codes.BALLOT_UNKNOWN, "receipt", "00" * 32, "--api", "{api}"),
    asked("a receipt over another file", codes.FILE_EXISTS, *CAST, "--receipt", "{genesis}", make=_casting(_ALL)),
    asked(
        "a request for a key that is none",
        codes.BAD_KEY_REQUEST,
        *("operator", "register", "{request}", *SIGNED),
        make=files(request=b"{}"),
    ),
)


# --- homes that a node is started with ---


def starting(name: str, cause: Cause, prepare: Callable[[Stage], Path]) -> Row:
    """A process that is to become a node."""

    async def send(stage: Stage) -> Answer:
        return await stage.process("start", "--home", prepare(stage))

    return Row(f"start: {name}", cause, send)


def _home(stage: Stage, name: str) -> Path:
    """A home that nothing is wrong with, all of its own."""
    return fresh(stage, f"home-{name}")


def _without_genesis(stage: Stage) -> Path:
    home = _home(stage, "genesis")
    (home / "config" / "genesis.json").unlink()
    return home


def _damaged_guard(stage: Stage) -> Path:
    home = _home(stage, "guard")
    guard = home / "keys" / "guard"
    guard.write_bytes(guard.read_bytes()[:-3])
    return home


def _foreign_guard(stage: Stage) -> Path:
    home = _home(stage, "foreign-guard")
    (home / "keys" / "guard").write_bytes((_home(stage, "other") / "keys" / "guard").read_bytes())
    return home


def _swapped_key(stage: Stage) -> Path:
    home = _home(stage, "key")
    (home / "keys" / "node.json").write_bytes(b"{}")
    return home


def _plain_keys(stage: Stage) -> Path:
    home = _home(stage, "plain")
    passphrase = stage.path("home-passphrase", b"correct horse\n")
    path = home / "config" / "node.toml"
    text = path.read_text()
    path.write_text(text.replace("allow_plain = true", f'passphrase_file = "{passphrase}"'))
    return home


def _taken(stage: Stage, table: str) -> Path:
    """Listens where the target does."""
    home = _home(stage, f"taken-{table}")
    theirs = load_settings(stage.network.home(stage.target).settings)
    mine = load_settings(home / "config" / "node.toml")
    path = home / "config" / "node.toml"
    pairs = {"p2p": (mine.p2p.listen, theirs.p2p.listen), "api": (mine.api.listen, theirs.api.listen)}
    old, new = map(str, pairs[table])
    path.write_text(path.read_text().replace(f'"{old}"', f'"{new}"'))
    return home


def _damaged_log(stage: Stage) -> Path:
    """A log of consensus that no node wrote."""
    home = _home(stage, "log")
    stage.path(
        "home-log/node-1/data/log/00000000000000000001.wal", b"not a log at all, but long enough to be looked at"
    )
    return home


STARTS = (
    starting("without a genesis file", codes.NO_GENESIS, _without_genesis),
    starting("a node that runs", codes.FILE_IN_USE, lambda s: s.network.home(s.small).path),
    starting("a guard cut short", codes.GUARD_DAMAGED, _damaged_guard),
    starting("another validator's guard", codes.GUARD_FOREIGN, _foreign_guard),
    starting("a node key that is none", codes.KEY_FILE_DAMAGED, _swapped_key),
    starting("plain keys where none are taken", codes.KEY_FILE_PLAIN, _plain_keys),
    starting("a peer port that is taken", codes.CANNOT_LISTEN_FOR_PEERS, lambda s: _taken(s, "p2p")),
    starting("an API port that is taken", codes.CANNOT_LISTEN, lambda s: _taken(s, "api")),
    starting("a log that is none", codes.FILE_DAMAGED, _damaged_log),
)

FILES = (*SETTINGS, *KEYS, *ROLLS, *POLLS, *ELECTIONS, *VOTERS, *STARTS)
