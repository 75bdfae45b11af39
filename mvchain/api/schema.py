"""The data of the ledger as JSON for people and programs: hashes in hex, times in ms and as UTC text."""

import base64
from typing import Final

from mvchain.api.acknowledgement import Acknowledgement
from mvchain.api.errors import describe
from mvchain.api.governance_view import ProposalView, action_to_json
from mvchain.api.views import (
    Accused,
    BlockSummary,
    BlockView,
    Check,
    EvidenceView,
    NodesView,
    PollView,
    RollView,
    SignerView,
    StatusView,
    SubmitOutcome,
    TxStatus,
)
from mvchain.core.timestamps import format_rfc3339
from mvchain.core.types import TimeMs, TimeNs
from mvchain.ledger.blocks import Commit, Flag
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.poll_json import definition_to_json
from mvchain.ledger.polls import Release
from mvchain.ledger.records import Action, Agency, PollState
from mvchain.ledger.tally import tally_to_json
from mvchain.ledger.transactions import Scope

JsonObject = dict[str, object]

_NS_PER_MS: Final = 1_000_000
_ENDED: Final = frozenset({PollState.FINAL, PollState.VOID})


def is_final(view: PollView) -> bool:
    """Whether nothing about this poll can change any more."""
    return view.record.state in _ENDED


def poll_summary(view: PollView) -> JsonObject:
    """A poll in the list: enough to choose one."""
    record, definition = view.record, view.definition
    return {
        "poll": view.number,
        "agency": record.agency,
        "title": dict(definition.title),
        "state": record.state.name.lower(),
        "disputed": record.disputed,
        **_time("opens_at", record.opens_at_ms),
        **_time("closes_at", record.closes_at_ms),
        "definition_hash": record.definition_hash.hex(),
        "turnout": {"voters": view.voters, "eligible": record.roll_size},
    }


def poll(view: PollView) -> JsonObject:
    """A poll with its definition, its record in the ledger (L9) and its tally once released (L8)."""
    record = view.record
    return {
        **poll_summary(view),
        "grace_ms": record.grace_ms,
        **_time("opened_at", record.opened_at_ms),
        **_time("closed_at", record.closed_at_ms),
        "roll": {"number": record.roll, "size": record.roll_size, "root": record.roll_root.hex()},
        "ballots": {"size": record.ballots_size, "root": record.ballots_root.hex()},
        "counted": {"size": record.counted_size, "root": record.counted_root.hex()},
        "definition": definition_to_json(view.definition),
        "pending": [_action(action) for action in record.pending],
        "tally_hash": record.tally_hash.hex() or None,
        "tally": _tally(view),
    }


def roll(view: RollView) -> JsonObject:
    """A roll: what its seal commits to, not its keys (L5)."""
    record = view.record
    return {
        "number": view.number,
        "agency": record.agency,
        "title": record.title,
        "sealed": record.sealed,
        "size": record.size,
        "root": record.root.hex(),
        "poll": record.poll or None,
        "pending": [_action(action) for action in record.pending],
    }


def _action(action: Action) -> JsonObject:
    """An action that waits for approvals (L4)."""
    return {
        "hash": action.hash.hex(),
        "kind": action.kind.name.lower(),
        # What an extension asks for: nobody should approve it unseen.
        **_time("closes_at", action.argument),
        "approvals": [key.hex() for key in action.approvers],
    }


def agency(record: Agency, double_signings: int, *, connected: bool) -> JsonObject:
    """An agency with its present keys, and the heights at which each of its validator keys signs or signed."""
    return {
        "agency": record.number,
        "name_ko": record.name_ko,
        "name_en": record.name_en,
        "approvals": record.approvals,
        "agency_key": record.agency_key.hex(),
        "validator_key": record.validator_key.hex(),
        "node_key": record.node_key.hex(),
        "double_signings": double_signings,
        "in_force": record.in_force,
        "connected": connected,
        "tenures": [
            {
                "validator_key": tenure.validator_key.hex(),
                "from_height": tenure.from_height,
                "until_height": tenure.until_height or None,
                "proven": tenure.proven,
            }
            for tenure in record.tenures
        ],
    }


def signer(view: SignerView) -> JsonObject:
    """A registered key; `sequence` is that of its last accepted transaction (L2)."""
    found = view.signer
    return {
        "key": found.key.hex(),
        "agency": view.agency,
        "role": found.role.name.lower(),
        "scopes": [scope.name.lower() for scope in Scope if scope in found.scopes and scope.name],
        "sequence": found.sequence,
        "active": found.active,
        "suspended": found.suspended,
    }


def proposal(view: ProposalView) -> JsonObject:
    """A proposal of governance; while it is open, who is missing and what stands in its way."""
    record = view.record
    return {
        "proposal": view.number,
        "agency": record.agency,
        "action": action_to_json(view.action),
        "state": record.state.name.lower(),
        **_time("proposed_at", record.proposed_at_ms),
        **_time("expires_at", record.expires_at_ms),
        "agreed": list(view.agreed),
        "missing": list(view.missing),
        "needs": view.needs or None,
        "obstacle": None if view.obstacle is None else describe(view.obstacle, 422),
        "ended_height": record.ended_height or None,
        "validators_from": view.validators_from,
    }


def _tally(view: PollView) -> JsonObject | None:
    """No total leaves this node before its release, whatever the view holds (L8)."""
    released = view.record.state is PollState.FINAL or view.definition.release is Release.LIVE
    if view.tally is None or not released:
        return None
    kept, recounted = view.tally.kept, view.tally.recounted
    return {
        **tally_to_json(view.definition, kept),
        # Only a disputed poll has both.
        "recounted": None if recounted is None else tally_to_json(view.definition, recounted),
    }


def block(view: BlockView) -> JsonObject:
    """A block's header, its transactions by hash, and who committed it."""
    header, commit = view.header, view.commit
    return {
        "height": header.height,
        "hash": commit.block_id.hash.hex(),
        "chain_id": header.chain_id,
        "time_ns": str(header.time_ns),
        **_time("time", TimeMs(header.time_ns // _NS_PER_MS)),
        "proposer": header.proposer_address.hex(),
        "last_block_hash": header.last_block_id.hash.hex(),
        "data_hash": header.data_hash.hex(),
        "validators_hash": header.validators_hash.hex(),
        "app_hash": header.app_hash.hex(),
        "last_results_hash": header.last_results_hash.hex(),
        "transactions": [tx_hash.hex() for tx_hash in view.tx_hashes],
        "commit": {
            "round": commit.round,
            "validators": [sig.address.hex() for sig in commit.signatures if sig.flag == Flag.COMMIT],
        },
    }


def block_summary(summary: BlockSummary) -> JsonObject:
    """A block in the list: what it is, and who stands behind it."""
    return {
        "height": summary.header.height,
        "hash": summary.hash.hex(),
        **_time("time", TimeMs(summary.header.time_ns // _NS_PER_MS)),
        "transactions": summary.transactions,
        "round": summary.round,
        "agencies": {
            "proposer": summary.proposer,
            "members": list(summary.members),
            "committed": list(summary.committed),
            "nil": list(summary.nil),
        },
    }


def status(view: StatusView) -> JsonObject:
    """Where the node stands."""
    return {
        "chain_id": view.chain_id,
        "genesis_hash": view.genesis_hash.hex(),
        "agency": view.agency,
        "base_height": view.base_height,
        "height": view.height,
        "block_hash": view.block_hash.hex(),
        "app_hash": view.app_hash.hex(),
        **_time("block_time", view.block_time_ms),
        "pending": view.pending,
        "catching_up": view.catching_up,
        "polls": view.polls,
        "evidence": view.evidence._asdict(),
        "filling_steps": view.filling_steps,
        "snapshots": list(view.snapshots),
        "alarms": [{"code": error.code, "detail": error.detail, "remedy": error.remedy} for error in view.alarms],
    }


def evidence(view: EvidenceView, after: int) -> JsonObject:
    """What is known of misbehaviour. `next` is the value of `after` for the next page of what is committed."""
    last = after + len(view.committed)
    return {
        "counts": view.counts._asdict(),
        "committed": [_accused(found) for found in view.committed],
        "next": last if view.committed and last < view.counts.committed else None,
        "pending": [_accused(found) for found in view.pending],
        "duplicate_proposals": [
            {
                "agency": _agency_name(found.agency),
                "height": found.messages[0].height,
                "round": found.messages[0].round,
                "messages": [_signed(message) for message in found.messages],
            }
            for found in view.duplicate_proposals
        ],
        "forks": [
            {
                "height": fork.own.height,
                "signed_both": [_agency_name(agency) for agency in fork.signed_both],
                "same_round": fork.own.round == fork.other.round,
                "own": _commit(fork.own),
                "other": _commit(fork.other),
            }
            for fork in view.forks
        ],
    }


def _accused(found: Accused) -> JsonObject:
    offence = found.offence
    shown: JsonObject = {
        "number": found.number,
        "agency": _agency_name(found.agency),
        "validator": offence.address.hex(),
        "height": offence.height,
        "round": offence.round,
        "kind": offence.kind.name.lower(),
        "block_height": found.block_height,
        "hash": found.hash.hex(),
    }
    if found.messages:
        shown["messages"] = [_signed(message) for message in found.messages]
    return shown


def _signed(message: Endorsement | Proposal) -> JsonObject:
    """A signed message: the block it is for, null for nil, when, and all its bytes (C46, C48)."""
    block_id = message.block_id
    return {
        "block_hash": None if block_id.is_nil else block_id.hash.hex(),
        **_time("time", TimeMs(message.time_ns // _NS_PER_MS)),
        "encoded": message.encode().hex(),
    }


def _commit(commit: Commit) -> JsonObject:
    return {"block_hash": commit.block_id.hash.hex(), "round": commit.round, "encoded": commit.encode().hex()}


def _agency_name(agency: Agency) -> JsonObject:
    return {"number": agency.number, "name": {"ko": agency.name_ko, "en": agency.name_en}}


def nodes(view: NodesView) -> JsonObject:
    """Where this chain can be read."""
    return {"agency": view.agency, "url": view.url, "others": list(view.others)}


def transaction(status: TxStatus) -> JsonObject:
    """What became of a transaction."""
    shown: JsonObject = {"txid": status.hash.hex(), "state": status.state}
    if status.height is not None:
        shown |= {"height": status.height, "index": status.index, **_time("time", status.time_ms)}
    if status.number is not None:
        shown["number"] = status.number
    if status.poll is not None:
        shown["poll"] = status.poll
        shown["proof"] = f"/v1/proofs/ballots/{status.hash.hex()}"
    if status.error is not None:
        shown["error"] = describe(status.error, 422)
    return shown


def outcome(outcome: SubmitOutcome) -> JsonObject:
    """One result of a request with several transactions."""
    if outcome.error is not None:
        error = describe(outcome.error, outcome.status)
        return {"txid": outcome.hash.hex(), "status": outcome.status, "error": error}
    assert outcome.state is not None, outcome
    return {"status": outcome.status, **transaction(outcome.state)}


def acknowledgement(promise: Acknowledgement) -> JsonObject:
    """The node's promise for what it received (N6); `hashes` in the order under the root."""
    return {
        "agency": promise.agency,
        **_time("time", promise.time_ms),
        "root": promise.root.hex(),
        "hashes": [tx_hash.hex() for tx_hash in promise.hashes],
        "signature": base64.b64encode(promise.signature).decode(),
    }


def readiness(checks: list[Check], verbose: bool) -> JsonObject:
    """Whether the node is ready; with `verbose`, check by check."""
    shown: JsonObject = {"ready": all(check.ok for check in checks)}
    if verbose:
        shown["checks"] = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
    return shown


def _time(name: str, time_ms: TimeMs | int | None) -> JsonObject:
    """The two members for one point in time, null where it has not come."""
    if not time_ms:
        return {f"{name}_ms": None, name: None}
    return {f"{name}_ms": time_ms, name: format_rfc3339(TimeNs(time_ms * _NS_PER_MS))}
