"""Files of operators: the genesis file, node.toml, keys, rolls, polls, answers and homes that cannot be."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mvchain.core import codes
from mvchain.core.errors import Cause
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.limits import MAX_GENESIS_BYTES
from mvchain.core.types import AgencyNumber, PublicKey, TimeMs
from mvchain.ledger.genesis import Genesis, GenesisAgency, make_entry
from mvchain.localnet import make_localnet
from mvchain.node.config import load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.keystore import KdfParameters, save_key, save_plain_key
from tests.e2e.stage import BEGUN_ROLL, OPEN, SPARE_ROLL, Answer, Row, Stage, voter

# --- the genesis file ---


def genesis(name: str, cause: Cause, make: Callable[[Stage], bytes]) -> Row:
    """A genesis file that somebody looks at."""

    async def send(stage: Stage) -> Answer:
        return await stage.cli("genesis", "show", stage.path("genesis.json", make(stage)))

    return Row(f"genesis: {name}", cause, send)


def _with(**changes: Any) -> Callable[[Stage], bytes]:
    """The chain's document with other content, and the chain id that goes with it."""
    return lambda stage: replace(stage.genesis, **changes).encode()


def _member(change: Callable[[dict[str, Any]], object]) -> Callable[[Stage], bytes]:
    """The chain's document with its JSON changed."""

    def make(stage: Stage) -> bytes:
        document = json.loads(stage.genesis.encode())
        change(document)
        return json.dumps(document).encode()

    return make


def _first(change: Callable[[Stage, GenesisAgency], GenesisAgency]) -> Callable[[Stage], bytes]:
    """The chain's document with another first agency."""

    def make(stage: Stage) -> bytes:
        first, *others = stage.genesis.agencies
        return replace(stage.genesis, agencies=(change(stage, first), *others)).encode()

    return make


def _entry(stage: Stage, number: int = 1, chain_name: str = "localnet", **changes: Any) -> GenesisAgency:
    """The entry of agency 1 made anew, with sound signatures."""
    keys = {f"{role}_key": stage.network.key(1, role) for role in ("agency", "validator", "node")} | changes
    names = keys.pop("names", ("가", "A"))
    return make_entry(chain_name, AgencyNumber(number), names, **keys)


def _unsound(stage: Stage, entry: GenesisAgency) -> GenesisAgency:
    """A node key of small order; the two other keys sign it."""
    entry = replace(entry, node_key=PublicKey(bytes(31) + b"\x80"))
    message = entry.sign_bytes(stage.genesis.chain_name)
    agency, validator = (stage.network.key(1, role).sign(Purpose.GENESIS, message) for role in ("agency", "validator"))
    return replace(entry, proofs=replace(entry.proofs, agency=agency, validator=validator))


def _named(stage: Stage) -> bytes:
    """A chain whose name no chain can have, though everybody signed it."""
    return Genesis("No Name", TimeMs(1), (_entry(stage, chain_name="No Name"),)).encode()


def _drop(document: dict[str, Any]) -> object:
    return document.pop("app_version")


GENESIS = (
    genesis("no JSON", codes.MALFORMED, lambda _: b"chain_name = 'x'"),
    genesis("a list", codes.MALFORMED, lambda _: b"[]"),
    genesis("not UTF-8", codes.NOT_UTF8, lambda _: b'{"chain_name": "\xff"}'),
    genesis("nested 10,000 deep", codes.TOO_DEEP, lambda _: b"[" * 10_000),
    genesis("a name twice", codes.DUPLICATE_NAME, lambda _: b'{"chain_id": "a", "chain_id": "b"}'),
    genesis("a fraction", codes.BAD_NUMBER, lambda _: b'{"genesis_time_ms": 1.5}'),
    genesis("one byte too long", codes.FILE_TOO_LARGE, lambda _: bytes(MAX_GENESIS_BYTES + 1)),
    genesis("a member too many", codes.GENESIS_MEMBER_UNKNOWN, _member(lambda d: d.update(debug=1))),
    genesis("a member too few", codes.GENESIS_MEMBER_MISSING, _member(_drop)),
    genesis("a text for a number", codes.GENESIS_MEMBER_WRONG, _member(lambda d: d.update(app_version="1"))),
    genesis("another chain id", codes.GENESIS_CHAIN_ID, _member(lambda d: d.update(chain_id="localnet-00"))),
    genesis("a changed time", codes.GENESIS_CHAIN_ID, _member(lambda d: d.update(genesis_time_ms=1))),
    genesis("a chain name with a space", codes.GENESIS_CHAIN_NAME, _named),
    genesis("blocks of 1 byte", codes.GENESIS_VALUE, lambda s: _with(params=replace(s.genesis.params, max_bytes=1))(s)),
    genesis("no agency", codes.GENESIS_AGENCY_COUNT, _with(agencies=())),
    genesis("agencies out of order", codes.GENESIS_AGENCY_NUMBER, _first(lambda s, _: _entry(s, number=9))),
    genesis("an agency without a name", codes.GENESIS_AGENCY_NAME, _first(lambda s, _: _entry(s, names=("", "A")))),
    genesis("an unsound key", codes.GENESIS_KEY_UNSOUND, _first(_unsound)),
    genesis(
        "one key for two",
        codes.GENESIS_KEY_SHARED,
        _first(lambda s, _: _entry(s, node_key=s.network.key(1, "validator"))),
    ),
    genesis(
        "a key that signed for another chain",
        codes.GENESIS_KEY_PROOF,
        _first(lambda _, e: replace(e, proofs=replace(e.proofs, node=e.proofs.agency))),
    ),
    genesis("two faults", codes.GENESIS_FAULTS, _member(lambda d: d.update(genesis_time_ms=-1))),
)


# --- the ceremony ---


def asked(name: str, cause: Cause, *arguments: str, make: Callable[[Stage], dict[str, object]] = lambda _: {}) -> Row:
    """A command; `make` prepares files and gives what stands in its arguments."""

    async def send(stage: Stage) -> Answer:
        known: dict[str, object] = {
            "api": stage.network.api_url(stage.target),
            "home": stage.network.home(1).path,
            "genesis": stage.network.home(1).genesis,
            "nowhere": stage.directory / "nowhere",
            **make(stage),
        }
        return await stage.cli(*(argument.format(**known) for argument in arguments))

    return Row(f"command: {name}", cause, send)


def _files(**contents: bytes) -> Callable[[Stage], dict[str, object]]:
    """New files, known by these names."""
    return lambda stage: {name: stage.path(f"file-{name}", content) for name, content in contents.items()}


def _other_genesis(stage: Stage) -> dict[str, object]:
    return {"other": stage.path("other.json", replace(stage.genesis, genesis_time_ms=TimeMs(1)).encode())}


def _foreign_genesis(stage: Stage) -> dict[str, object]:
    _fresh(stage, "foreign")
    return {"foreign": stage.directory / "foreign" / "node-1" / "config" / "genesis.json"}


def _hashed(make: Callable[[Stage], dict[str, object]], name: str) -> Callable[[Stage], dict[str, object]]:
    """With the hash of the genesis document in a file."""

    def known(stage: Stage) -> dict[str, object]:
        made = make(stage)
        return {**made, "hash": Genesis.decode(Path(str(made[name])).read_bytes()).hash.hex()}

    return known


def _fresh(stage: Stage, name: str) -> Path:
    """The home of a chain of one agency, made once."""
    directory = stage.directory / name
    if not directory.exists():
        make_localnet(directory, 1)
    return directory / "node-1"


INIT = ("init", "--chain-name", "{name}", "--agency-number", "1", "--name-ko", "가", "--name-en", "A", "--plain-keys")

CEREMONY = (
    asked("a file there is not", codes.CANNOT_READ_FILE, "genesis", "show", "{nowhere}"),
    asked("a home made twice", codes.HOME_EXISTS, *INIT, "--home", "{home}", make=lambda _: {"name": "localnet"}),
    asked(
        "a home of a chain with no name",
        codes.GENESIS_CHAIN_NAME,
        *(*INIT, "--home", "{nowhere}"),
        make=lambda _: {"name": "Straße"},
    ),
    asked(
        "an entry for another chain",
        codes.BAD_ENTRY_FILE,
        *("genesis", "make", "{home}/config/entry.json", "--chain-name", "other", "--out", "{nowhere}"),
    ),
    asked(
        "a genesis file over another",
        codes.FILE_EXISTS,
        *("genesis", "make", "{entry}", "--chain-name", "localnet", "--out", "{genesis}"),
        make=lambda s: {"entry": _fresh(s, "fresh") / "config" / "entry.json"},
    ),
    asked(
        "another hash than was read out",
        codes.GENESIS_HASH_DIFFERS,
        *("genesis", "install", "{genesis}", "--hash", "00" * 32, "--home", "{home}"),
    ),
    asked(
        "half a hash",
        codes.BAD_HEX,
        *("genesis", "install", "{genesis}", "--hash", "00" * 16, "--home", "{home}"),
    ),
    asked("nobody to compare", codes.NO_TERMINAL, "genesis", "install", "{genesis}", "--home", "{home}"),
    asked(
        "a second chain in a home",
        codes.HOME_OF_OTHER_CHAIN,
        *("genesis", "install", "{other}", "--hash", "{hash}", "--home", "{home}"),
        make=_hashed(_other_genesis, "other"),
    ),
    asked(
        "a chain without this agency",
        codes.NOT_IN_GENESIS,
        *("genesis", "install", "{foreign}", "--hash", "{hash}", "--home", "{home}"),
        make=_hashed(_foreign_genesis, "foreign"),
    ),
    asked(
        "a home that is none",
        codes.NO_HOME,
        *("genesis", "install", "{foreign}", "--hash", "{hash}", "--home", "{nowhere}"),
        make=_hashed(_foreign_genesis, "foreign"),
    ),
)


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
    asked("a wrong passphrase", codes.PASSPHRASE_WRONG, *CHANGE, "{wrong}", "--new-passphrase-file", "{right}", make=_locked),
    asked("a short passphrase", codes.PASSPHRASE_TOO_SHORT, *CHANGE, "{right}", "--new-passphrase-file", "{short}", make=_locked),
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

ROLLS = tuple(
    asked(f"a roll with {name}", cause, "roll", "create", "{roll}", "--title", "x", *SIGNED, make=_files(roll=content))
    for name, cause, content in (
        ("no key", codes.ROLL_LIST_EMPTY, b"# nobody\n\n"),
        ("a name", codes.BAD_LINE, KEY_1 + b"\nHong Gil-dong\n"),
        ("a weight of 0", codes.BAD_LINE, KEY_1 + b" 0\n"),
        ("a weight of 65537", codes.BAD_LINE, KEY_1 + b" 65537\n"),
        ("noise", codes.BAD_LINE, b"\xff\x00\xfe"),
        ("a key twice", codes.ROLL_ENTRY_TWICE, KEY_1 + b"\n" + KEY_2 + b"\n" + KEY_1 + b"\n"),
        ("a key of small order", codes.ROLL_ENTRY_UNSOUND, b"01" + b"00" * 32),
    )
) + (
    asked(
        "a roll that was begun with another list",
        codes.ROLL_DIFFERS,
        *("roll", "create", "{roll}", "--title", "x", "--continue", str(BEGUN_ROLL), *SIGNED),
        make=_files(roll=KEY_1),
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


PB = """META\nkey;value\ndescription;x\nvote_type;{kind}\nnum_projects;{projects}\nPROJECTS\nproject_id;cost;name\n1;10;a\n
VOTES\nvoter_id;vote\n1;{vote}\n""".replace("a\n\n", "a\n")


def _pb(kind: str = "choose-1", projects: str = "1", vote: str = "1") -> bytes:
    return PB.format(kind=kind, projects=projects, vote=vote).encode()


POLLS = tuple(
    asked(f"a poll {name}", cause, "poll", "create", "{poll}", *SIGNED, *more, make=_files(poll=content))
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
    row = asked(
        f"an election {name}",
        cause,
        *("poll", "create", "{path}", *SIGNED),
        make=lambda stage: {"path": stage.path("election.pb", content)},
    )
    return row


ELECTIONS = (
    election("without sections", codes.ELECTION_SYNTAX, b"key;value\n"),
    election("that names a project there is not", codes.ELECTION_SYNTAX, _pb(vote="7")),
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
        make=_files(request=b"{}"),
    ),
)


# --- homes that a node is started with ---


def starting(name: str, cause: Cause, prepare: Callable[[Stage], Path | Awaitable[Path]]) -> Row:
    """A process that is to become a node."""

    async def send(stage: Stage) -> Answer:
        home = prepare(stage)
        return await stage.process("start", "--home", home if isinstance(home, Path) else await home)

    return Row(f"start: {name}", cause, send)


def _home(stage: Stage, name: str) -> Path:
    """A home that nothing is wrong with, all of its own."""
    return _fresh(stage, f"home-{name}")


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


def _foreign_store(stage: Stage) -> Path:
    """Something is where the data should be."""
    home = _home(stage, "store")
    stage.path("home-store/node-1/data/log", b"not a log at all, but long enough to be looked at")
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
    starting("a log that is none", codes.FILE_DAMAGED, _foreign_store),
)

FILES = (*GENESIS, *CEREMONY, *SETTINGS, *KEYS, *ROLLS, *POLLS, *ELECTIONS, *VOTERS, *STARTS)
