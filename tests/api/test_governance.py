"""Proposals as the API shows them, of a state in which they were made (L4)."""

import json
from typing import Any

from mvchain.api import schema
from mvchain.api.governance_view import view_proposal
from mvchain.core.types import AgencyNumber, ProposalNumber
from mvchain.ledger.genesis import ConsensusParams, decode_entry
from mvchain.ledger.proposals import RemoveAgency, SetParams, SuspendService
from tests.ledger.governance_helpers import Council
from tests.ledger.state_helpers import START_MS, key_of


def shown(council: Council, number: int) -> dict[str, Any]:
    view = view_proposal(council.state, ProposalNumber(number))
    assert view is not None
    return schema.proposal(view)


def test_who_agreed_who_is_missing_and_what_it_needs() -> None:
    council = Council(5)
    council.height(council.proposing(3, SetParams(ConsensusParams(heartbeat_ms=5))))
    council.height(council.approving(1, 1))
    found = shown(council, 1)
    assert (found["agency"], found["agreed"], found["missing"], found["needs"]) == (3, [1, 3], [2, 4, 5], 4)
    assert (found["state"], found["obstacle"], found["ended_height"], found["validators_from"]) == (
        "open",
        None,
        None,
        None,
    )
    assert found["proposed_at_ms"] == START_MS + 1
    assert found["expires_at_ms"] == START_MS + 1 + 30 * 24 * 3_600_000
    assert found["action"]["params"]["heartbeat_ms"] == 5
    council.decide(RemoveAgency(AgencyNumber(3)), by=(1, 2, 4, 5))
    found = shown(council, 1)
    assert (found["agreed"], found["missing"], found["needs"]) == ([1], [2, 4, 5], 3), "agency 3 counts no more"


def test_what_stands_in_its_way() -> None:
    council = Council(5)
    council.height(
        council.proposing(1, RemoveAgency(AgencyNumber(2))), council.proposing(3, RemoveAgency(AgencyNumber(4)))
    )
    council.height(council.approving(3, 1), council.approving(1, 2))
    council.height(council.approving(4, 1), council.approving(5, 2))
    council.height(council.approving(5, 1), council.approving(4, 2))
    first, second = shown(council, 1), shown(council, 2)
    assert (first["state"], first["ended_height"], first["validators_from"]) == ("executed", 4, 6)
    assert (first["missing"], first["needs"]) == ([], None)
    assert second["state"] == "open"
    assert second["obstacle"]["code"] == "MV-1401"
    assert "3 agencies would be left" in second["obstacle"]["detail"]


def test_actions_say_all_that_they_would_do() -> None:
    council = Council(4)
    council.staff()
    addition, keys = council.addition(5), council.replacement(2, boss="boss", validator="signer")
    service = key_of("service1").tagged
    council.height(
        council.proposing(1, addition), council.proposing(2, keys), council.proposing(3, SuspendService(service))
    )
    entry = shown(council, 1)["action"]["entry"]
    assert decode_entry(json.dumps(entry).encode()) == addition.entry
    assert shown(council, 2)["action"] == {
        "kind": "replace_keys",
        "agency": 2,
        "agency_key": key_of("boss").tagged.hex(),
        "validator_key": key_of("signer").tagged.hex(),
        "node_key": None,
    }
    assert shown(council, 3)["action"] == {"kind": "suspend_service", "key": service.hex()}
    assert view_proposal(council.state, ProposalNumber(4)) is None


def test_only_another_set_has_a_first_height() -> None:
    council = Council(4)
    council.decide(council.replacement(2, node="another"))
    assert shown(council, 1)["validators_from"] is None
    ended = council.decide(council.replacement(2, validator="signer")).height
    assert shown(council, 2)["validators_from"] == ended + 2
