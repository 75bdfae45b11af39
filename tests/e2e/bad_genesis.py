"""Genesis files that no chain may start from, and steps of the ceremony that go wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mvchain.core import codes
from mvchain.core.errors import Cause
from mvchain.core.keys import Purpose
from mvchain.core.limits import MAX_GENESIS_BYTES
from mvchain.core.types import AgencyNumber, PublicKey, TimeMs
from mvchain.ledger.genesis import Genesis, GenesisAgency, make_entry
from tests.e2e.commands import asked, fresh
from tests.e2e.stage import Answer, Row, Stage

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


def _other_genesis(stage: Stage) -> dict[str, object]:
    return {"other": stage.path("other.json", replace(stage.genesis, genesis_time_ms=TimeMs(1)).encode())}


def _foreign_genesis(stage: Stage) -> dict[str, object]:
    fresh(stage, "foreign")
    return {"foreign": stage.directory / "foreign" / "node-1" / "config" / "genesis.json"}


def _hashed(make: Callable[[Stage], dict[str, object]], name: str) -> Callable[[Stage], dict[str, object]]:
    """With the hash of the genesis document in a file."""

    def known(stage: Stage) -> dict[str, object]:
        made = make(stage)
        return {**made, "hash": Genesis.decode(Path(str(made[name])).read_bytes()).hash.hex()}

    return known


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
        make=lambda s: {"entry": fresh(s, "fresh") / "config" / "entry.json"},
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

FOUNDING = (*GENESIS, *CEREMONY)
