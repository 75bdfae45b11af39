"""Reading evidence from the JSON of the RPC (C46, C66, C108). Pure."""

import re
from typing import Final

from mvchain.api.rpc_json import EVIDENCE_TYPE
from mvchain.core import codes
from mvchain.core.errors import BadProof
from mvchain.core.keys import SIGNATURE_BYTES
from mvchain.core.limits import MAX_ROUND, MAX_VALIDATORS
from mvchain.core.strict_json import Json
from mvchain.core.types import Address, Height, Round, Signature
from mvchain.ledger.block_id import HASH_BYTES, NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.endorsements import MAX_HEIGHT, Endorsement, Kind
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.validators import ADDRESS_BYTES, MAX_TOTAL_POWER
from mvchain.light.documents import DocumentKind, Value

_EVIDENCE: Final = DocumentKind("the evidence", codes.EVIDENCE_MALFORMED)
_MAX_PARTS: Final = (1 << 32) - 1
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def evidence_from_json(untrusted: Json) -> DuplicateEndorsementEvidence:
    """The reverse of `rpc_json.evidence`; whether it proves anything is for `verify`.

    Raises:
        BadProof: it is of another type (RPC_NO_EVIDENCE), or malformed.
    """
    typed = Value(untrusted, _EVIDENCE)
    if typed["type"].json != EVIDENCE_TYPE:
        raise BadProof(codes.RPC_NO_EVIDENCE)
    value = typed["value"]
    return DuplicateEndorsementEvidence(
        first=_read_endorsement(value["vote_a"]),
        second=_read_endorsement(value["vote_b"]),
        total_power=_integer(value["TotalVotingPower"], MAX_TOTAL_POWER),
        validator_power=_integer(value["ValidatorPower"], MAX_TOTAL_POWER),
        time_ns=value["Timestamp"].time(),
    )


def _read_endorsement(value: Value) -> Endorsement:
    """Of the fields that this chain knows; it has no vote extensions (C41)."""
    signature = value["signature"].base64(SIGNATURE_BYTES)
    if len(signature) != SIGNATURE_BYTES:
        raise value["signature"].malformed(f"it has not {SIGNATURE_BYTES} bytes")
    return Endorsement(
        kind=Kind(value["type"].integer(min(Kind), max(Kind))),
        height=Height(_integer(value["height"], MAX_HEIGHT, 1)),
        round=Round(value["round"].integer(0, MAX_ROUND)),
        block_id=_read_block_id(value["block_id"]),
        time_ns=value["timestamp"].time(),
        address=Address(value["validator_address"].hex(ADDRESS_BYTES)),
        index=value["validator_index"].integer(0, MAX_VALIDATORS - 1),
        signature=Signature(signature),
    )


def _read_block_id(value: Value) -> BlockID:
    """Complete, or all zero for nil."""
    parts = value["parts"]
    if value["hash"].json == "":
        if parts["total"].json != 0 or parts["hash"].json != "":
            raise parts.malformed("a block id without a hash has no parts")
        return NIL_BLOCK_ID
    total = parts["total"].integer(1, _MAX_PARTS)
    return BlockID(value["hash"].hex(HASH_BYTES), PartSetHeader(total, parts["hash"].hex(HASH_BYTES)))


def _integer(value: Value, high: int, low: int = 0) -> int:
    """An integer in a text (C104)."""
    text = value.text(19)
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise value.malformed(f"it is not an integer from {low} to {high}, as a text")
    return int(text)
