"""The genesis document: its hash, its file, the entries of the agencies and every fault (L1, L4, KEY09)."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.core.errors import BadConfiguration
from mvchain.core.keys import SMALL_ORDER_ENCODINGS, SigningKey
from mvchain.core.types import AgencyNumber, PublicKey, TaggedKey, TimeMs
from mvchain.ledger.genesis import (
    ConsensusParams,
    EntryProofs,
    Genesis,
    GenesisAgency,
    check_genesis,
    decode_entry,
    encode_entry,
    make_entry,
    verify_entry,
)
from mvchain.ledger.validators import address_of

NAME = "pilot-2026"
Document = dict[str, Any]


def key(n: int) -> SigningKey:
    return SigningKey.from_seed(bytes([n]) * 32)


def entry(number: int, name: str = NAME, **changes: Any) -> GenesisAgency:
    values: dict[str, Any] = {
        "names": (f"기관 {number}", f"Agency {number}"),
        "agency_key": key(3 * number),
        "validator_key": key(3 * number + 1),
        "node_key": key(3 * number + 2),
    }
    names = {**values, **changes}.pop("names")
    rest = {k: v for k, v in {**values, **changes}.items() if k != "names"}
    return make_entry(name, AgencyNumber(number), names, **rest)


GENESIS = Genesis(NAME, TimeMs(1_790_000_000_000), tuple(entry(n) for n in (1, 2, 3, 4)))


def faults_of(call: Callable[..., object], *args: object) -> str:
    """Detail of the BadConfiguration, with the codes of all faults in it."""
    with pytest.raises(BadConfiguration) as caught:
        call(*args)
    assert caught.value.remedy
    return str(caught.value)


def document() -> Document:
    found: Document = json.loads(GENESIS.encode())
    return found


def load(changed: Document) -> Genesis:
    return Genesis.decode(json.dumps(changed).encode())


# --- what is hashed ---


def test_hash_can_be_computed_with_any_json_tool() -> None:
    """As the module's docstring says: canonical JSON of the file without its chain id, behind the tag."""
    content = document()
    chain_id = content.pop("chain_id")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    digest = sha256(b"mvchain.genesis-document.v1\x00" + canonical).digest()
    assert GENESIS.hash == digest
    assert chain_id == GENESIS.chain_id == f"pilot-2026-{digest.hex()[:32]}"


def test_layout_and_order_of_the_file_do_not_matter() -> None:
    content = document()
    reordered = dict(reversed(content.items()))
    for text in (json.dumps(reordered), json.dumps(content, indent=7), json.dumps(content, sort_keys=True)):
        assert Genesis.decode(text.encode()) == GENESIS


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in leaves_of(inner, (*path, name))]
    if isinstance(value, list):
        return [found for i, inner in enumerate(value) for found in leaves_of(inner, (*path, i))]
    return [path]


def changed_at(path: tuple[Any, ...]) -> Document:
    """The document with one value changed, as little as possible."""
    content = document()
    holder: Any = content
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    if isinstance(value, int):
        holder[path[-1]] = value + 1
    elif len(value) < 20:
        holder[path[-1]] = value + "x"
    else:
        holder[path[-1]] = value[:-1] + ("0" if value[-1] != "0" else "1")
    return content


def test_any_changed_value_is_found() -> None:
    """ATK14: every value is covered by the hash, so the chain id in the file no longer fits."""
    paths = leaves_of(document())
    assert len(paths) == 4 + 8 + 4 * 10
    for path in paths:
        assert "MV-2042" in faults_of(load, changed_at(path)), path


def test_fields_of_the_object_change_the_hash() -> None:
    other = [
        replace(GENESIS, chain_name="pilot-2027"),
        replace(GENESIS, genesis_time_ms=TimeMs(GENESIS.genesis_time_ms + 1)),
        replace(GENESIS, app_version=2),
        replace(GENESIS, agencies=GENESIS.agencies[:3]),
        replace(GENESIS, agencies=GENESIS.agencies[::-1]),
    ]
    other += [replace(GENESIS, params=replace(GENESIS.params, **{f.name: 77})) for f in fields(ConsensusParams)]
    hashes = {genesis.hash for genesis in [GENESIS, *other]}
    assert len(hashes) == 1 + 5 + 8
    assert len({genesis.chain_id for genesis in [GENESIS, *other]}) == 14


def test_chain_id_fits_every_client() -> None:
    """C28: 1 to 50 characters of A-Z a-z 0-9 . _ -."""
    longest = replace(GENESIS, chain_name="a" * 17)
    assert len(longest.chain_id) == 50


# --- the file ---


def test_file_comes_back() -> None:
    data = GENESIS.encode()
    assert Genesis.decode(data) == GENESIS
    assert Genesis.decode(data).encode() == data
    assert "기관 1".encode() in data
    assert data.startswith(b'{\n  "chain_id": "pilot-2026-')


def test_parameters_come_back() -> None:
    params = ConsensusParams(300_000, 4_500, 11, 12, 13, 14, 15, 16)
    genesis = replace(GENESIS, params=params, app_version=3)
    assert Genesis.decode(genesis.encode()).params == params


def test_validators_are_the_agencies_in_cometbft_order() -> None:
    found = GENESIS.validators()
    assert [v.address for v in found] == sorted(address_of(key(3 * n + 1).public) for n in (1, 2, 3, 4))
    assert {v.power for v in found} == {10}


def test_structure_faults_are_named() -> None:
    content = document()
    cases: list[tuple[Callable[[Document], object], str]] = [
        (lambda d: d.pop("params"), "lacks the member 'params'"),
        (lambda d: d.update(extra=1), "unknown member 'extra'"),
        (lambda d: d["params"].pop("heartbeat_ms"), "params lacks the member 'heartbeat_ms'"),
        (lambda d: d["params"].update(max_bytes="big"), "'max_bytes' of params is not an integer"),
        (lambda d: d["params"].update(max_bytes=True), "'max_bytes' of params is not an integer"),
        (lambda d: d.update(chain_name=7), "'chain_name' of the genesis document is not a text"),
        (lambda d: d.update(agencies={}), "'agencies' of the genesis document is not an array"),
        (lambda d: d.update(params=[]), "params is malformed"),
        (lambda d: d["agencies"].append(None), "agency 5 is malformed"),
        (lambda d: d["agencies"][1].pop("node_key"), "agency 2 lacks the member 'node_key'"),
        (lambda d: d["agencies"][1].update(node_key="ab"), "'node_key' of agency 2 is not 32 bytes"),
        (lambda d: d["agencies"][0].update(agency_key="z" * 66), "'agency_key' of agency 1 is not 33"),
        (lambda d: d["agencies"][0]["proofs"].update(node="AB" * 64), "'node' of proofs of agency 1"),
        (lambda d: d["agencies"][0]["proofs"].pop("node"), "proofs of agency 1 lacks the member 'node'"),
    ]
    for change, expected in cases:
        broken = json.loads(json.dumps(content))
        change(broken)
        assert expected in faults_of(load, broken)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b"1.5", b" " * 1_048_577])
def test_what_is_no_document(data: bytes) -> None:
    faults_of(Genesis.decode, data)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_decoders_give_a_value_or_our_error(data: bytes) -> None:
    for decode in (Genesis.decode, decode_entry):
        with pytest.raises(BadConfiguration):
            decode(data)


SMALL = Genesis("s", TimeMs(1), (entry(1, "s"),))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(leaves_of(json.loads(SMALL.encode()))), json_values, st.integers(0, 4))
def test_any_value_anywhere_is_a_value_or_our_error(path: tuple[Any, ...], value: Any, up: int) -> None:
    content: Any = json.loads(SMALL.encode())
    path = path[: max(1, len(path) - up)]
    holder = content
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    try:
        found = Genesis.decode(json.dumps(content).encode())
    except BadConfiguration as refused:
        str(refused)  # its texts must be complete
    else:
        assert found == SMALL


# --- faults ---


def test_all_faults_at_once() -> None:
    """Architecture A5."""
    content = document()
    content["chain_name"] = "Not Allowed"
    content["params"]["max_bytes"] = 1
    content["agencies"][2]["approvals"] = 0
    content["agencies"][3]["node_key"] = content["agencies"][0]["node_key"]
    text = faults_of(load, content)
    assert text.startswith("MV-2040: The genesis document has ")
    for code in ("MV-2041", "MV-2042", "MV-2043", "MV-2048", "MV-2049"):
        assert code in text


def test_a_single_fault_keeps_its_code() -> None:
    assert faults_of(check_genesis, replace(GENESIS, app_version=0)).startswith("MV-2043")


@pytest.mark.parametrize("name", ["", "a" * 18, "UPPER", "with space", "under_score", "dot.", "한국", "\n"])
def test_bad_chain_names(name: str) -> None:
    genesis = Genesis(name, GENESIS.genesis_time_ms, tuple(entry(n, name) for n in (1, 2)))
    assert faults_of(check_genesis, genesis).startswith("MV-2041")


RANGES = {
    "max_bytes": (262_144, 4_194_304),
    "max_units": (4_097, 5_000),
    "propose_timeout_ms": (1, 60_000),
    "propose_timeout_delta_ms": (1, 60_000),
    "step_timeout_ms": (1, 60_000),
    "step_timeout_delta_ms": (1, 60_000),
    "min_block_interval_ms": (0, 60_000),
    "heartbeat_ms": (1, 3_600_000),
}


def test_parameter_ranges() -> None:
    """ATK11: a parameter that could halt the chain is refused; both ends of each range are taken."""
    assert list(RANGES) == [f.name for f in fields(ConsensusParams)]
    for name, (lo, hi) in RANGES.items():
        for value in (lo, hi):
            check_genesis(replace(GENESIS, params=replace(GENESIS.params, **{name: value})))
        for value in (lo - 1, hi + 1, -(2**63), 2**63):
            changed = replace(GENESIS, params=replace(GENESIS.params, **{name: value}))
            assert faults_of(check_genesis, changed).startswith("MV-2043"), (name, value)


@pytest.mark.parametrize("time_ms", [0, -1, 253_402_300_799_001, 2**63])
def test_genesis_time_range(time_ms: int) -> None:
    changed = replace(GENESIS, genesis_time_ms=TimeMs(time_ms))
    assert faults_of(check_genesis, changed).startswith("MV-2043")


def test_agency_counts_and_numbers() -> None:
    assert faults_of(check_genesis, replace(GENESIS, agencies=())).startswith("MV-2044")
    many = replace(GENESIS, agencies=GENESIS.agencies * 26)
    assert faults_of(check_genesis, many).startswith("MV-2044")
    check_genesis(replace(GENESIS, agencies=GENESIS.agencies[:1]))
    skipped = replace(GENESIS, agencies=(GENESIS.agencies[0], GENESIS.agencies[2]))
    assert faults_of(check_genesis, skipped).startswith("MV-2045")


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "a\x00b", "a\u202eb", "x" * 201, "가" * 67])
def test_bad_agency_names(name: str) -> None:
    for names in ((name, "ok"), ("ok", name)):
        assert faults_of(verify_entry, NAME, entry(1, names=names)).startswith("MV-2046")


def test_names_at_the_limit() -> None:
    verify_entry(NAME, entry(1, names=("가" * 66, "x" * 200)))


@pytest.mark.parametrize("approvals", [0, -1, 17, 2**31])
def test_bad_approvals(approvals: int) -> None:
    assert faults_of(verify_entry, NAME, entry(1, approvals=approvals)).startswith("MV-2043")


def test_one_key_for_two_roles_or_agencies() -> None:
    shared = entry(1, node_key=key(4))
    assert faults_of(check_genesis, replace(GENESIS, agencies=(shared,))).startswith("MV-2048")
    same_as_agency = entry(1, validator_key=key(3))
    assert faults_of(check_genesis, replace(GENESIS, agencies=(same_as_agency,))).startswith("MV-2048")
    two = (entry(1), entry(2, validator_key=key(4)))
    assert faults_of(check_genesis, replace(GENESIS, agencies=two)).startswith("MV-2048")


# --- entries ---


def test_entries_come_back_and_hold() -> None:
    for agency in GENESIS.agencies:
        verify_entry(NAME, agency)
        assert decode_entry(encode_entry(agency)) == agency


def test_an_entry_holds_for_one_chain_name_alone() -> None:
    """L1: a validator key serves one genesis only."""
    text = faults_of(verify_entry, "pilot-2027", GENESIS.agencies[0])
    assert text.count("MV-2049") == 3


@pytest.mark.parametrize(
    "change",
    [
        {"number": 2},
        {"name_ko": "다른"},
        {"name_en": "Other"},
        {"approvals": 1},
        {"agency_key": key(99).tagged},
        {"validator_key": key(99).public},
        {"node_key": key(99).public},
    ],
)
def test_every_field_of_an_entry_is_signed_by_all_three_keys(change: dict[str, Any]) -> None:
    changed = replace(GENESIS.agencies[0], **change)
    assert faults_of(verify_entry, NAME, changed).count("MV-2049") == 3


@pytest.mark.parametrize("role", [f.name for f in fields(EntryProofs)])
def test_nobody_enters_a_key_that_is_not_its_own(role: str) -> None:
    """KEY09: a proof by another key, of another entry, or none at all."""
    agency, other = GENESIS.agencies[:2]
    for proof in (getattr(other.proofs, role), b"", bytes(64)):
        changed = replace(agency, proofs=replace(agency.proofs, **{role: proof}))
        text = faults_of(verify_entry, NAME, changed)
        assert text.startswith("MV-2049")
        assert f"its {role} key" in text


def test_unsound_keys_are_refused() -> None:
    """ED03: small order, out of the main subgroup, not canonical; ED12: unknown scheme."""
    agency = GENESIS.agencies[0]
    for bad in [*sorted(SMALL_ORDER_ENCODINGS), bytes([2]) + bytes(31)]:
        text = faults_of(verify_entry, NAME, replace(agency, validator_key=PublicKey(bad)))
        assert "MV-2047" in text
    scheme = replace(agency, agency_key=TaggedKey(b"\x02" + agency.agency_key[1:]))
    assert "MV-2047" in faults_of(verify_entry, NAME, scheme)
