"""The genesis document: which agencies start the chain, with which keys and parameters (L1, L4; KEY09).

It is a JSON file that people read, compare and sign off. What is hashed is not the file but its content:

    genesis hash = SHA-256("mvchain.genesis-document.v1" || 00 || canonical JSON without the member chain_id)
    chain_id     = chain_name || "-" || first 32 hex digits of the genesis hash

Canonical JSON has its names sorted, no spaces, and UTF-8 without escapes, so layout and order do not matter
and the hash can be computed with any JSON tool. The chain id has to stay outside, since it is made of the
hash; it is in the file for the reader, and loading compares it. Everything else is inside: every parameter,
every name and key, and the proofs. Transactions are bound to the chain by the whole hash, precommits by the
chain id.

Each agency makes its entry on its own host with `make_entry`: its three keys sign chain name, number, names,
keys and approvals (KEY09, ED03), so nobody can enter a key that is not its own or move an entry to another
chain.
"""

import json
import string
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import NoReturn, Self

from mvchain.core import codec, codes, keys, limits, strict_json
from mvchain.core.errors import BadConfiguration
from mvchain.core.hashing import tagged_hash
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.strict_json import Json
from mvchain.core.types import AgencyNumber, Hash, PublicKey, Signature, TaggedKey, TimeMs
from mvchain.ledger.validators import Validator, ValidatorSet

_HASH_TAG = "mvchain.genesis-document.v1"
_WHAT = "the genesis document"
_NAME_CHARS = frozenset(string.ascii_lowercase + string.digits + "-")
_HEX_DIGITS = frozenset("0123456789abcdef")
_CHAIN_ID_HEX_DIGITS = 32
_SHOWN_CHARS = 100
"""Of a text from the file that an error repeats."""
_ROLES = ("agency", "validator", "node")
MAX_APP_VERSION = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class ConsensusParams:
    """What all nodes must agree on about blocks and waiting (consensus N2). Times in milliseconds."""

    max_bytes: int = limits.MAX_BLOCK_BYTES
    max_units: int = limits.MAX_BLOCK_UNITS
    """Work units of a block; headers carry it as block.max_gas (C69)."""
    propose_timeout_ms: int = 1_000
    propose_timeout_delta_ms: int = 500
    """Added for each round."""
    step_timeout_ms: int = 300
    """Of prevotes and precommits alike."""
    step_timeout_delta_ms: int = 300
    min_block_interval_ms: int = 0
    heartbeat_ms: int = 60_000


_PARAM_RANGES = {
    "max_bytes": (limits.MIN_BLOCK_BYTES, limits.MAX_BLOCK_BYTES),
    "max_units": (limits.MIN_BLOCK_UNITS, limits.MAX_BLOCK_UNITS),
    "propose_timeout_ms": (1, limits.MAX_TIMEOUT_MS),
    # Timeouts that do not grow may never reach the real delay of the network: the chain would stand still.
    "propose_timeout_delta_ms": (1, limits.MAX_TIMEOUT_MS),
    "step_timeout_ms": (1, limits.MAX_TIMEOUT_MS),
    "step_timeout_delta_ms": (1, limits.MAX_TIMEOUT_MS),
    "min_block_interval_ms": (0, limits.MAX_TIMEOUT_MS),
    "heartbeat_ms": (1, limits.MAX_HEARTBEAT_MS),
}


@dataclass(frozen=True, slots=True)
class EntryProofs:
    """Signatures over one entry by the three keys in it, purpose GENESIS."""

    agency: Signature
    validator: Signature
    node: Signature


@dataclass(frozen=True, slots=True)
class GenesisAgency:
    """One agency as it enters the chain (ledger L4)."""

    number: AgencyNumber
    name_ko: str
    name_en: str
    agency_key: TaggedKey
    """Signs for the agency; kept off-line (KEY01)."""
    validator_key: PublicKey
    """Signs proposals, prevotes and precommits of this chain and of no other (L1)."""
    node_key: PublicKey
    """Identifies the node to its peers (N7)."""
    proofs: EntryProofs
    approvals: int = 2
    """Operator keys that must approve a weighty act of the agency."""

    def keys_by_role(self) -> dict[str, bytes]:
        """The three bare Ed25519 keys, 32 bytes each, by the names of `EntryProofs`."""
        return {"agency": self.agency_key[1:], "validator": self.validator_key, "node": self.node_key}

    def sign_bytes(self, chain_name: str) -> bytes:
        """What the three keys sign: the chain's name and the entry without its proofs, canonical msgpack."""
        return codec.encode(
            (
                chain_name,
                self.number,
                self.name_ko,
                self.name_en,
                self.agency_key,
                self.validator_key,
                self.node_key,
                self.approvals,
            )
        )


@dataclass(frozen=True, slots=True)
class Genesis:
    """The content of a genesis document; `check_genesis` says whether a chain may start from it."""

    chain_name: str
    genesis_time_ms: TimeMs
    """Block time of the first block."""
    agencies: tuple[GenesisAgency, ...]
    params: ConsensusParams = ConsensusParams()
    app_version: int = 1
    """version.app of the headers (C30)."""
    hash: Hash = field(init=False)
    """Covers everything but the chain id, which is made of it."""
    chain_id: str = field(init=False)
    """Chain name, hyphen and 32 hex digits of the hash: at most 50 characters (L1, C28)."""

    def __post_init__(self) -> None:
        digest = tagged_hash(_HASH_TAG, strict_json.canonical(self._content()))
        object.__setattr__(self, "hash", digest)
        object.__setattr__(self, "chain_id", f"{self.chain_name}-{digest.hex()[:_CHAIN_ID_HEX_DIGITS]}")

    def validators(self) -> ValidatorSet:
        """The set that signs the first blocks: every agency's validator key, with equal power."""
        return ValidatorSet(tuple(Validator(agency.validator_key) for agency in self.agencies))

    def _content(self) -> dict[str, Json]:
        """The document without its chain id: what is hashed."""
        return {
            "chain_name": self.chain_name,
            "genesis_time_ms": self.genesis_time_ms,
            "app_version": self.app_version,
            "params": asdict(self.params),
            "agencies": [entry_to_json(agency) for agency in self.agencies],
        }

    def encode(self) -> bytes:
        """The file: JSON in UTF-8, indented, chain id first, a line feed at the end."""
        return _pretty({"chain_id": self.chain_id, **self._content()})

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read and check a genesis document.

        Raises:
            BadConfiguration: it is not such a document, or, with all its faults named at once, no chain may
                start from it.
        """
        document = strict_json.loads(data, _WHAT, max_bytes=limits.MAX_GENESIS_BYTES, error=BadConfiguration)
        top = _Members(
            document,
            _WHAT,
            ("chain_id", "chain_name", "genesis_time_ms", "app_version", "params", "agencies"),
        )
        names = tuple(param.name for param in fields(ConsensusParams))
        params = _Members(top.value("params"), "params", names)
        genesis = cls(
            chain_name=top.text("chain_name"),
            genesis_time_ms=TimeMs(top.integer("genesis_time_ms")),
            agencies=tuple(
                _agency_from_json(entry, f"agency {place}") for place, entry in enumerate(top.array("agencies"), 1)
            ),
            params=ConsensusParams(**{name: params.integer(name) for name in names}),
            app_version=top.integer("app_version"),
        )
        _raise_all(_faults(genesis, top.text("chain_id")))
        return genesis


def check_genesis(genesis: Genesis) -> None:
    """Check that a chain may start from this content: names, ranges, keys and proofs.

    Raises:
        BadConfiguration: names every fault at once (architecture A5).
    """
    _raise_all(_faults(genesis, genesis.chain_id))


def verify_entry(chain_name: str, agency: GenesisAgency) -> None:
    """Check one agency's entry for the chain of that name, as whoever gathers the entries does (KEY09).

    Raises:
        BadConfiguration: names every fault at once.
    """
    _raise_all(_agency_faults(chain_name, agency))


def make_entry(
    chain_name: str,
    number: AgencyNumber,
    names: tuple[str, str],
    *,
    agency_key: SigningKey,
    validator_key: SigningKey,
    node_key: SigningKey,
    approvals: int = 2,
) -> GenesisAgency:
    """An agency's entry, signed by its three keys (KEY09); `names` are the Korean and the English one."""
    unsigned = GenesisAgency(
        number=number,
        name_ko=names[0],
        name_en=names[1],
        agency_key=agency_key.tagged,
        validator_key=validator_key.public,
        node_key=node_key.public,
        proofs=EntryProofs(Signature(b""), Signature(b""), Signature(b"")),
        approvals=approvals,
    )
    message = unsigned.sign_bytes(chain_name)
    proofs = EntryProofs(
        agency=agency_key.sign(Purpose.GENESIS, message),
        validator=validator_key.sign(Purpose.GENESIS, message),
        node=node_key.sign(Purpose.GENESIS, message),
    )
    return replace(unsigned, proofs=proofs)


def encode_entry(agency: GenesisAgency) -> bytes:
    """The file in which an agency hands in its entry: the same JSON as in the document."""
    return _pretty(entry_to_json(agency))


def decode_entry(data: bytes) -> GenesisAgency:
    """Read such a file; follow it with `verify_entry`.

    Raises:
        BadConfiguration: it is not an entry.
    """
    what = "the genesis entry"
    value = strict_json.loads(data, what, max_bytes=limits.MAX_GENESIS_BYTES, error=BadConfiguration)
    return _agency_from_json(value, what)


# --- faults ---


def _raise_all(faults: list[BadConfiguration]) -> None:
    if len(faults) == 1:
        raise faults[0]
    if faults:
        texts = " ".join(f"{fault.code}: {fault.detail}" for fault in faults)
        raise BadConfiguration(codes.GENESIS_FAULTS, count=len(faults), faults=texts)


def params_faults(params: ConsensusParams) -> list[BadConfiguration]:
    """One for each parameter that is out of its range, with its name and the range."""
    return _range_faults({name: (value, *_PARAM_RANGES[name]) for name, value in asdict(params).items()})


def _range_faults(values: dict[str, tuple[int, int, int]]) -> list[BadConfiguration]:
    return [
        BadConfiguration(codes.GENESIS_VALUE, field=name, value=value, lo=lo, hi=hi)
        for name, (value, lo, hi) in values.items()
        if not lo <= value <= hi
    ]


def _faults(genesis: Genesis, stated_chain_id: str) -> list[BadConfiguration]:
    faults = []
    name, agencies = genesis.chain_name, genesis.agencies
    if not 1 <= len(name) <= limits.MAX_CHAIN_NAME_CHARS or not _NAME_CHARS.issuperset(name):
        limit = limits.MAX_CHAIN_NAME_CHARS
        faults.append(BadConfiguration(codes.GENESIS_CHAIN_NAME, name=name[:_SHOWN_CHARS], limit=limit))
    if stated_chain_id != genesis.chain_id:
        stated = stated_chain_id[:_SHOWN_CHARS]
        faults.append(BadConfiguration(codes.GENESIS_CHAIN_ID, stated=stated, expected=genesis.chain_id))
    faults += _range_faults(
        {
            "genesis_time_ms": (genesis.genesis_time_ms, 1, limits.MAX_TIME_MS),
            "app_version": (genesis.app_version, 1, MAX_APP_VERSION),
        }
    )
    faults += params_faults(genesis.params)
    lo, hi = limits.MIN_VALIDATORS, limits.MAX_VALIDATORS
    if not lo <= len(agencies) <= hi:
        faults.append(BadConfiguration(codes.GENESIS_AGENCY_COUNT, count=len(agencies), lo=lo, hi=hi))
        return faults
    seen: set[bytes] = set()
    for expected, agency in enumerate(agencies, 1):
        if agency.number != expected:
            faults.append(BadConfiguration(codes.GENESIS_AGENCY_NUMBER, expected=expected, number=agency.number))
        for role, key in agency.keys_by_role().items():
            if key in seen:
                faults.append(BadConfiguration(codes.GENESIS_KEY_SHARED, role=role, number=agency.number))
            seen.add(key)
        faults += _agency_faults(name, agency)
    return faults


def _agency_faults(chain_name: str, agency: GenesisAgency) -> list[BadConfiguration]:
    number = agency.number
    faults = _range_faults(
        {
            f"the number of agency {number}": (number, 1, limits.MAX_AGENCIES),
            f"approvals of agency {number}": (agency.approvals, 1, limits.MAX_APPROVALS),
        }
    )
    limit = limits.MAX_AGENCY_NAME_BYTES
    for name in ("name_ko", "name_en"):
        text: str = getattr(agency, name)
        if not text or len(text.encode()) > limit or not text.isprintable() or text != text.strip():
            faults.append(BadConfiguration(codes.GENESIS_AGENCY_NAME, field=name, number=number, limit=limit))
    message = agency.sign_bytes(chain_name)
    for role, key in agency.keys_by_role().items():
        proof: Signature = getattr(agency.proofs, role)
        known_scheme = role != "agency" or agency.agency_key[0] == keys.SCHEME_ED25519
        if not known_scheme or not keys.is_valid_key(key):
            faults.append(BadConfiguration(codes.GENESIS_KEY_UNSOUND, role=role, number=number))
        elif not keys.verify(Purpose.GENESIS, key, message, proof):
            faults.append(
                BadConfiguration(
                    codes.GENESIS_KEY_PROOF, role=role, number=number, chain_name=chain_name[:_SHOWN_CHARS]
                )
            )
    return faults


# --- JSON ---


def _pretty(value: Json) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


class _Members:
    """Typed access to the members of an object whose names are known; raises BadConfiguration on a misfit."""

    __slots__ = ("_values", "_where")

    def __init__(self, value: Json, where: str, names: Iterable[str]) -> None:
        if not isinstance(value, dict):
            raise BadConfiguration(codes.MALFORMED, what=where, why="it is not a JSON object")
        expected = set(names)
        for member in sorted(value.keys() - expected):
            raise BadConfiguration(codes.GENESIS_MEMBER_UNKNOWN, where=where, member=member[:40])
        for member in sorted(expected - value.keys()):
            raise BadConfiguration(codes.GENESIS_MEMBER_MISSING, where=where, member=member)
        self._values = value
        self._where = where

    def value(self, name: str) -> Json:
        return self._values[name]

    def text(self, name: str) -> str:
        value = self._values[name]
        return value if isinstance(value, str) else self._misfit(name, "a text")

    def integer(self, name: str) -> int:
        value = self._values[name]
        return value if type(value) is int else self._misfit(name, "an integer")

    def array(self, name: str) -> list[Json]:
        value = self._values[name]
        return value if isinstance(value, list) else self._misfit(name, "an array")

    def hex(self, name: str, size: int) -> bytes:
        text = self.text(name)
        if len(text) != 2 * size or not _HEX_DIGITS.issuperset(text):
            self._misfit(name, f"{size} bytes in lower-case hex")
        return bytes.fromhex(text)

    def _misfit(self, name: str, expected: str) -> NoReturn:
        raise BadConfiguration(codes.GENESIS_MEMBER_WRONG, where=self._where, member=name, expected=expected)


def entry_to_json(agency: GenesisAgency) -> dict[str, Json]:
    """An entry as it stands in the document and in the file that its agency hands in."""
    return {
        "number": agency.number,
        "name_ko": agency.name_ko,
        "name_en": agency.name_en,
        "agency_key": agency.agency_key.hex(),
        "validator_key": agency.validator_key.hex(),
        "node_key": agency.node_key.hex(),
        "approvals": agency.approvals,
        "proofs": {role: getattr(agency.proofs, role).hex() for role in _ROLES},
    }


def _agency_from_json(value: Json, where: str) -> GenesisAgency:
    entry = _Members(value, where, (member.name for member in fields(GenesisAgency)))
    proofs = _Members(entry.value("proofs"), f"proofs of {where}", _ROLES)
    return GenesisAgency(
        number=AgencyNumber(entry.integer("number")),
        name_ko=entry.text("name_ko"),
        name_en=entry.text("name_en"),
        agency_key=TaggedKey(entry.hex("agency_key", keys.TAGGED_KEY_BYTES)),
        validator_key=PublicKey(entry.hex("validator_key", keys.KEY_BYTES)),
        node_key=PublicKey(entry.hex("node_key", keys.KEY_BYTES)),
        proofs=EntryProofs(**{role: Signature(proofs.hex(role, keys.SIGNATURE_BYTES)) for role in _ROLES}),
        approvals=entry.integer("approvals"),
    )
