"""What receipts and proofs take in bytes, apart from how JSON writes them (ledger L11). Pure."""

from dataclasses import fields, is_dataclass
from typing import Any

from mvchain.core import codec
from mvchain.core.timestamps import encode_timestamp
from mvchain.ledger.block_id import PartSetHeader
from mvchain.ledger.blocks import Header
from mvchain.light.documents import Precommit
from mvchain.light.proofs import PollProof
from mvchain.light.receipts import OpenReceipt


def binary_size(document: OpenReceipt | PollProof) -> int:
    """Bytes of the same content as msgpack arrays: hashes and keys as bytes, headers and times as protobuf (C29).

    The chain id is in each header and counts there.
    """
    return len(codec.encode(_packed(document)))


def _packed(value: Any) -> Any:
    match value:
        case Header() | PartSetHeader():
            return value.encode()
        case Precommit():
            return value.index, encode_timestamp(value.time_ns), value.signature
        case tuple():
            return tuple(map(_packed, value))
    if is_dataclass(value):
        held = [(field, getattr(value, field.name)) for field in fields(value) if field.name != "chain_id"]
        # What holds its default, as the handovers where there are none, is not in the document.
        return tuple(_packed(content) for field, content in held if content != field.default)
    return value
