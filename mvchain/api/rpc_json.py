"""What CometBFT 0.38 writes as JSON, and how (C104 to C132). Pure: from the ledger's types to objects for JSON.

64-bit integers are decimal texts, smaller ones numbers (C104); hashes and addresses upper-case hex, other bytes base64
or null (C105); what has no value is null, `[]` or left out, as each shape has it (C107, C110).
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Final, cast

from mvchain.core import codec
from mvchain.core.limits import EVIDENCE_MAX_AGE_BLOCKS, EVIDENCE_MAX_AGE_NS, MAX_BLOCK_BYTES
from mvchain.core.merkle import Proof
from mvchain.core.timestamps import NS_PER_MS, format_rfc3339
from mvchain.core.types import Hash, Height, PublicKey, TimeNs
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, Commit, CommitSig, Header, TxResult
from mvchain.ledger.endorsements import Endorsement
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.genesis import ConsensusParams, Genesis
from mvchain.ledger.state_tree import PROOF_OP_TYPE, ProofOp
from mvchain.ledger.validators import Validator, ValidatorSet, address_of

JsonObject = dict[str, object]

EVIDENCE_TYPE: Final = "tendermint/DuplicateVoteEvidence"


def hex_text(data: bytes) -> str:
    """Upper-case hex (C105)."""
    return data.hex().upper()


def base64_text(data: bytes) -> str | None:
    """Base64, null for no bytes (C105)."""
    return b64encode(data).decode() if data else None


def block_id(value: BlockID) -> JsonObject:
    """BLOCK_ID (C116)."""
    return {
        "hash": hex_text(value.hash),
        "parts": {"total": value.parts.total, "hash": hex_text(value.parts.hash)},
    }


def header(value: Header) -> JsonObject:
    """HEADER (C115)."""
    return {
        "version": {"block": str(value.version_block), "app": str(value.version_app)},
        "chain_id": value.chain_id,
        "height": str(value.height),
        "time": format_rfc3339(value.time_ns),
        "last_block_id": block_id(value.last_block_id),
        "last_commit_hash": hex_text(value.last_commit_hash),
        "data_hash": hex_text(value.data_hash),
        "validators_hash": hex_text(value.validators_hash),
        "next_validators_hash": hex_text(value.next_validators_hash),
        "consensus_hash": hex_text(value.consensus_hash),
        "app_hash": hex_text(value.app_hash),
        "last_results_hash": hex_text(value.last_results_hash),
        "evidence_hash": hex_text(value.evidence_hash),
        "proposer_address": hex_text(value.proposer_address),
    }


def commit(value: Commit) -> JsonObject:
    """COMMIT (C117)."""
    return {
        "height": str(value.height),
        "round": value.round,
        "block_id": block_id(value.block_id),
        "signatures": [_commit_sig(entry) for entry in value.signatures],
    }


def _commit_sig(entry: CommitSig) -> JsonObject:
    return {
        "block_id_flag": int(entry.flag),
        "validator_address": hex_text(entry.address),
        "timestamp": format_rfc3339(entry.time_ns),
        "signature": base64_text(entry.signature),
    }


def block(value: Block) -> JsonObject:
    """The block itself, as C121 and the event have it."""
    return {
        "header": header(value.header),
        "data": {"txs": [b64encode(raw).decode() for raw in value.txs]},
        "evidence": {"evidence": [evidence(piece) for piece in value.evidence]},
        "last_commit": commit(value.last_commit),
    }


def evidence(value: DuplicateEndorsementEvidence) -> JsonObject:
    """A piece of evidence (C66, C108)."""
    return {
        "type": EVIDENCE_TYPE,
        "value": {
            "vote_a": _endorsement(value.first),
            "vote_b": _endorsement(value.second),
            "TotalVotingPower": str(value.total_power),
            "ValidatorPower": str(value.validator_power),
            "Timestamp": format_rfc3339(value.time_ns),
        },
    }


def _endorsement(message: Endorsement) -> JsonObject:
    return {
        "type": int(message.kind),
        "height": str(message.height),
        "round": message.round,
        "block_id": block_id(message.block_id),
        "timestamp": format_rfc3339(message.time_ns),
        "validator_address": hex_text(message.address),
        "validator_index": message.index,
        "signature": base64_text(message.signature),
        "extension": None,
        "extension_signature": None,
    }


def public_key(key: PublicKey) -> JsonObject:
    """KEY (C108)."""
    return {"type": "tendermint/PubKeyEd25519", "value": base64_text(key)}


def validators(height: Height, members: ValidatorSet, start: int, stop: int) -> JsonObject:
    """A page of a set, in its order (C120). Priorities are 0: only then can no two nodes differ in them (C84)."""
    page = members.validators[start:stop]
    return {
        "block_height": str(height),
        "validators": [{**_validator(member, "voting_power"), "proposer_priority": "0"} for member in page],
        "count": str(len(page)),
        "total": str(len(members)),
    }


def _validator(member: Validator, power_name: str) -> JsonObject:
    return {
        "address": hex_text(member.address),
        "pub_key": public_key(member.public_key),
        power_name: str(member.power),
    }


def validator_updates(before: ValidatorSet, after: ValidatorSet) -> list[JsonObject]:
    """VALIDATOR_UPDATE of each that left or came (C127); zero fields, as the power of those that left, are left out."""
    left: list[JsonObject] = [{"pub_key": _sum_key(one)} for one in before if after.by_address(one.address) is None]
    came = [one for one in after if before.by_address(one.address) is None]
    return left + [{"power": str(one.power), "pub_key": _sum_key(one)} for one in came]


def _sum_key(member: Validator) -> JsonObject:
    value = {"ed25519": base64_text(member.public_key)}
    return {"Sum": {"type": "tendermint.crypto.PublicKey_Ed25519", "value": value}}


def consensus_params(params: ConsensusParams, app_version: int) -> JsonObject:
    """The consensus parameters (C128); those that CometBFT has no name for are in the genesis document."""
    return {
        "block": {"max_bytes": str(params.max_bytes), "max_gas": str(params.max_units)},
        "evidence": {
            "max_age_num_blocks": str(EVIDENCE_MAX_AGE_BLOCKS),
            "max_age_duration": str(EVIDENCE_MAX_AGE_NS),
            "max_bytes": "0",
        },
        "validator": {"pub_key_types": ["ed25519"]},
        "version": {"app": str(app_version)},
        "abci": {"vote_extensions_enable_height": "0"},
    }


def consensus_param_updates(params: ConsensusParams, app_version: int) -> JsonObject:
    """The same as the results of a block have it: without zero fields (C107, C127)."""
    sections = cast(dict[str, dict[str, object]], consensus_params(params, app_version))
    return {name: {key: value for key, value in section.items() if value != "0"} for name, section in sections.items()}


def genesis(value: Genesis, app_hash: Hash, document: object) -> JsonObject:
    """The genesis document as CometBFT has it (C129), with this chain's own as its app_state."""
    names = {address_of(agency.validator_key): agency.name_en for agency in value.agencies}
    return {
        "genesis_time": format_rfc3339(TimeNs(value.genesis_time_ms * NS_PER_MS)),
        "chain_id": value.chain_id,
        "initial_height": "1",
        "consensus_params": consensus_params(value.params, value.app_version),
        "validators": [{**_validator(member, "power"), "name": names[member.address]} for member in value.validators()],
        "app_hash": hex_text(app_hash),
        "app_state": document,
    }


def ballot_event(data: bytes) -> tuple[str, str] | None:
    """Poll and number that the result data of an accepted ballot name (`ledger.results`); None for other results."""
    fields = codec.decode(data, "the data of a result", max_bytes=MAX_BLOCK_BYTES) if data else ()
    match fields:
        case (poll, number, _):
            return str(poll), str(number)
    return None


def _events(result: TxResult) -> list[JsonObject]:
    ballot = ballot_event(result.data)
    if ballot is None:
        return []
    attributes = [
        {"key": key, "value": value, "index": True} for key, value in zip(("poll", "number"), ballot, strict=True)
    ]
    return [{"type": "ballot", "attributes": attributes}]


def tx_result(result: TxResult) -> JsonObject:
    """TX_RESULT with all fields (C110, C124). Events are not hashed: only `data` proves anything."""
    return {
        "code": result.code,
        "data": base64_text(result.data),
        "log": "",
        "info": "",
        "gas_wanted": str(result.gas_wanted),
        "gas_used": str(result.gas_used),
        "events": _events(result),
        "codespace": "",
    }


def check_result(code: int, log: str, codespace: str) -> JsonObject:
    """TX_RESULT of a check, or an empty one (C126)."""
    return {**tx_result(TxResult(code, b"", 0, 0)), "log": log, "codespace": codespace}


def tx_result_brief(result: TxResult) -> JsonObject:
    """The same without its zero fields, as events have it (C110)."""
    return {name: value for name, value in tx_result(result).items() if value not in (0, "0", "", None, [])}


def tx_proof(data_hash: bytes, raw: bytes, proof: Proof) -> JsonObject:
    """Inclusion of a transaction under the data hash of its block (C64, C124)."""
    return {
        "root_hash": hex_text(data_hash),
        "data": base64_text(raw),
        "proof": {
            "total": str(proof.total),
            "index": str(proof.index),
            "leaf_hash": base64_text(proof.leaf_hash),
            "aunts": [base64_text(aunt) for aunt in proof.aunts],
        },
    }


def query_response(  # noqa: PLR0917 - the fields of C130 that differ
    key: bytes, value: bytes, height: Height, proof: Sequence[ProofOp], code: int = 0, log: str = ""
) -> JsonObject:
    """The answer to abci_query (C130)."""
    ops = [{"type": PROOF_OP_TYPE, "key": base64_text(op.key), "data": base64_text(op.encode_data())} for op in proof]
    return {
        "response": {
            "code": code,
            "log": log,
            "info": "",
            "index": "0",
            "key": base64_text(key),
            "value": base64_text(value),
            "proofOps": {"ops": ops} if ops else None,
            "height": str(height),
            "codespace": "mvchain" if code else "",
        }
    }
