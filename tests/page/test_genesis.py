"""The page's genesis document is Python's: hash, chain id, words, agencies and set."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mvchain.cli.genesis import words
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, Cause
from mvchain.core.keys import SMALL_ORDER_ENCODINGS
from mvchain.core.types import AgencyNumber, TimeMs
from mvchain.ledger.genesis import ConsensusParams, Genesis, make_entry
from tests.light.helpers import make_chain, seeded
from tests.page.node import Refused, ask_page

NAMES = ("서울특별시 강남구청 🏛", 'Ünïcode \U0001f5f3 & "quotes" \\ / <b>', "é e\u0301 \uff01", "A")


def named(chain_name: str, names: tuple[str, ...]) -> Genesis:
    """A document with these names."""
    entries = [
        make_entry(
            chain_name,
            AgencyNumber(number),
            (name, name[::-1].strip()),
            agency_key=seeded(f"{name} agency"),
            validator_key=seeded(f"{name} validator"),
            node_key=seeded(f"{name} node"),
            approvals=number,
        )
        for number, name in enumerate(names, 1)
    ]
    params = ConsensusParams(max_units=4_500, heartbeat_ms=1)
    return Genesis(chain_name, TimeMs(253_402_300_799_000), tuple(entries), params, app_version=2**32 - 1)


GENESIS = make_chain().genesis
FIRST = GENESIS.agencies[0]
FILE = GENESIS.encode()
DOCUMENTS = [
    *(make_chain(agencies).genesis for agencies in (1, 2, 4, 40, 100)),
    named("x", NAMES),
    named("a-" * 8, ("가",)),
]


def test_a_document_is_what_python_makes_of_it() -> None:
    read = ask_page([{"do": "read genesis", "file": one.encode()} for one in DOCUMENTS])
    for genesis, found in zip(DOCUMENTS, read, strict=True):
        validators = genesis.validators()
        assert found["hash"] == genesis.hash
        assert found["chainId"] == genesis.chain_id
        assert found["chainName"] == genesis.chain_name
        assert found["genesisTimeMs"] == genesis.genesis_time_ms
        assert found["words"] == [{"digits": digits, "word": word} for digits, word in words(genesis.hash)]
        assert found["agencies"] == [
            {"number": one.number, "nameKo": one.name_ko, "nameEn": one.name_en, "validatorKey": one.validator_key}
            for one in genesis.agencies
        ]
        assert found["validators"]["keys"] == [one.public_key for one in validators]
        assert found["validators"]["addresses"] == [one.address for one in validators]
        assert found["validators"]["hash"] == validators.hash


def test_layout_and_order_do_not_matter() -> None:
    content = json.loads(FILE)
    files = [
        json.dumps(content).encode(),
        json.dumps(dict(reversed(content.items()))).encode(),
        json.dumps(content, indent=8, sort_keys=True, ensure_ascii=False).encode(),
        b"\n\n" + FILE,
    ]
    found = ask_page([{"do": "read genesis", "file": file} for file in files])
    assert [one["hash"] for one in found] == [GENESIS.hash] * 4


Change = Callable[[dict[str, Any]], object]
BAD: dict[str, tuple[Change, Cause]] = {
    "another name of the chain": (lambda c: c.update(chain_name="pilot-2027"), codes.GENESIS_CHAIN_ID),
    "another chain id": (lambda c: c.update(chain_id="pilot-2026-" + "0" * 32), codes.GENESIS_CHAIN_ID),
    "another agency's name": (lambda c: c["agencies"][1].update(name_ko="종로구"), codes.GENESIS_CHAIN_ID),
    "another start": (lambda c: c.update(genesis_time_ms=1), codes.GENESIS_CHAIN_ID),
    "another parameter": (lambda c: c["params"].update(heartbeat_ms=1), codes.GENESIS_CHAIN_ID),
    "a proof changed": (lambda c: c["agencies"][0]["proofs"].update(node="00" * 64), codes.GENESIS_CHAIN_ID),
    "an agency less": (lambda c: c["agencies"].pop(), codes.GENESIS_CHAIN_ID),
    "a member less": (lambda c: c.pop("params"), codes.GENESIS_MEMBER_MISSING),
    "a member more": (lambda c: c.update(note=1), codes.GENESIS_MEMBER_UNKNOWN),
    "a parameter less": (lambda c: c["params"].pop("max_bytes"), codes.GENESIS_MEMBER_MISSING),
    "a member of an agency more": (lambda c: c["agencies"][0].update(note=1), codes.GENESIS_MEMBER_UNKNOWN),
    "a proof less": (lambda c: c["agencies"][0]["proofs"].pop("node"), codes.GENESIS_MEMBER_MISSING),
    "a name that is none": (lambda c: c.update(chain_name=1), codes.GENESIS_MEMBER_WRONG),
    "agencies as an object": (lambda c: c.update(agencies={}), codes.GENESIS_MEMBER_WRONG),
    "an agency that is none": (lambda c: c["agencies"].append(1), codes.MALFORMED),
    "a key in upper case": (
        lambda c: c["agencies"][0].update(node_key=c["agencies"][0]["node_key"].upper()),
        codes.GENESIS_MEMBER_WRONG,
    ),
    "a short key": (lambda c: c["agencies"][0].update(validator_key="00"), codes.GENESIS_MEMBER_WRONG),
    "a number in quotes": (lambda c: c["agencies"][0].update(number="1"), codes.GENESIS_MEMBER_WRONG),
}


@pytest.mark.parametrize("name", BAD)
def test_a_changed_document_is_refused(name: str) -> None:
    change, cause = BAD[name]
    content = json.loads(FILE)
    change(content)
    file = json.dumps(content).encode()
    assert ask_page([{"do": "read genesis", "file": file}]) == [Refused(cause.code)]
    with pytest.raises(BadConfiguration) as caught:
        Genesis.decode(file)
    # Python names all faults at once, the page the first.
    assert cause.code in {caught.value.code, *re.findall(r"MV-\d{4}", caught.value.detail)}


def remade(**changes: Any) -> Genesis:
    """The document with another first agency, hash and chain id made anew."""
    return replace(GENESIS, agencies=(replace(FIRST, **changes), *GENESIS.agencies[1:]))


HIDDEN = ("", " 서울", "서울\u3000", "서\n울", "서\u202e울", "서\u200b울", "서\u2028울", "서" * 67, "\ue000")
UNSOUND: dict[str, tuple[Genesis, Cause]] = {
    "no agency": (replace(GENESIS, agencies=()), codes.GENESIS_AGENCY_COUNT),
    "104 agencies": (replace(GENESIS, agencies=GENESIS.agencies * 26), codes.GENESIS_AGENCY_COUNT),
    "a chain name in capitals": (replace(GENESIS, chain_name="Pilot"), codes.GENESIS_CHAIN_NAME),
    "a chain name of 18 letters": (replace(GENESIS, chain_name="a" * 18), codes.GENESIS_CHAIN_NAME),
    "a start before time": (replace(GENESIS, genesis_time_ms=TimeMs(0)), codes.GENESIS_VALUE),
    "number 2 first": (remade(number=AgencyNumber(2)), codes.GENESIS_AGENCY_NUMBER),
    "an agency twice": (replace(GENESIS, agencies=(FIRST, FIRST)), codes.GENESIS_AGENCY_NUMBER),
    "a key twice": (remade(validator_key=GENESIS.agencies[1].validator_key), codes.GENESIS_KEY_SHARED),
    "one key for all": (remade(node_key=FIRST.validator_key), codes.GENESIS_KEY_SHARED),
    "a key of another scheme": (remade(agency_key=b"\x02" + FIRST.agency_key[1:]), codes.GENESIS_KEY_UNSOUND),
    "a key beyond the prime": (remade(validator_key=b"\xfa" + b"\xff" * 31), codes.GENESIS_KEY_UNSOUND),
    **{
        f"key {key.hex()}": (remade(validator_key=key), codes.GENESIS_KEY_UNSOUND)
        for key in sorted(SMALL_ORDER_ENCODINGS)
    },
    **{f"the name {name!r}": (remade(name_ko=name), codes.GENESIS_AGENCY_NAME) for name in HIDDEN},
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_document_is_refused(name: str) -> None:
    genesis, cause = UNSOUND[name]
    file = genesis.encode()
    assert ask_page([{"do": "read genesis", "file": file}]) == [Refused(cause.code)]
    with pytest.raises(BadConfiguration) as caught:
        Genesis.decode(file)
    assert cause.code in {caught.value.code, *re.findall(r"MV-\d{4}", caught.value.detail)}
