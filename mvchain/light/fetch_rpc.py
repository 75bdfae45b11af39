"""Light blocks over CometBFT's JSON-RPC (C97 to C120), from nodes of any make.

What a node says has no canonical form here, so every value is read by a strict rule of its own: one way to write an
integer (C104, ATK21), hex in either case (C105), nothing that does not fit.
"""

import re

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadProof, BadRequest
from mvchain.core.keys import KEY_BYTES, SIGNATURE_BYTES
from mvchain.core.limits import MAX_BLOCK_PARTS, MAX_ROUND, MAX_VALIDATORS
from mvchain.core.types import Address as ValidatorAddress
from mvchain.core.types import Height, PublicKey, Round
from mvchain.ledger.block_id import HASH_BYTES, NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.blocks import ABSENT_SIG, MAX_CHAIN_ID_CHARS, Commit, CommitSig, Flag, Header
from mvchain.ledger.genesis import MAX_APP_VERSION
from mvchain.ledger.validators import ADDRESS_BYTES, MAX_TOTAL_POWER, Validator, ValidatorSet
from mvchain.light.blocks import LightBlock
from mvchain.light.documents import MAX_HEIGHT, DocumentKind, Value
from mvchain.light.transport import Address, Deadline, exchange

MAX_ANSWER_BYTES = 128 * 1024
"""A commit of MAX_VALIDATORS entries takes 28 kB, a page of as many validators 26 kB."""
PER_PAGE = MAX_VALIDATORS
"""As many as a page may have (C114), so that all are on the first."""
_MAX_INT64 = 2**63 - 1
_MAX_CODE = 99_999
"""Errors of JSON-RPC have five digits (C133)."""
_KEY_TYPE = "tendermint/PubKeyEd25519"
_KIND = DocumentKind("the node's answer", codes.MALFORMED_RPC_ANSWER)
_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_NOT_THERE = re.compile(r"height [0-9]+ (must be less than or equal to|is not available)", re.ASCII)
"""What nodes say of a block that they do not have yet, or no longer (C134)."""


class RpcNode:
    """One node, asked over JSON-RPC."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def light_block(self, height: Height | None) -> LightBlock:
        """The block at this height, or the newest; unverified.

        Raises:
            BadRequest: BLOCK_UNKNOWN if the node has not got it, or why there is no answer.
            BadProof: the answer is no light block.
        """
        deadline = Deadline()
        found = self._call("commit", {} if height is None else {"height": str(height)}, deadline)["signed_header"]
        header, commit = _header(found["header"]), _commit(found["commit"])
        return LightBlock(header, commit, self._validators(header.height, deadline))

    def _validators(self, height: Height, deadline: Deadline) -> ValidatorSet:
        """The whole set, on one page (C114): a node that gives less of it could make the pages many."""
        answer = self._call("validators", {"height": str(height), "page": "1", "per_page": str(PER_PAGE)}, deadline)
        total = _integer(answer["total"], 1, MAX_VALIDATORS)
        found = answer["validators"].array(total, _validator)
        if len(found) < total:
            raise answer["validators"].malformed("it does not hold all of them")
        return ValidatorSet(found)

    def _call(self, method: str, params: dict[str, str], deadline: Deadline) -> Value:
        """The result of one call."""
        body = strict_json.canonical({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        status, data = exchange(self._address, "POST", "/", MAX_ANSWER_BYTES, body=body, deadline=deadline)
        if status != 200:
            raise BadRequest(codes.NODE_REFUSED, url=self._address.url, status=status, code="none")
        answer = Value(strict_json.loads(data, _KIND.what, max_bytes=MAX_ANSWER_BYTES, error=BadProof), _KIND)
        if isinstance(answer.json, dict) and answer.json.get("error") is not None:
            raise self._refusal(answer["error"], params.get("height", "1"))
        if answer["id"].json != 1:
            raise answer["id"].malformed("it is not that of the request")
        return answer["result"]

    def _refusal(self, error: Value, height: str) -> BadRequest:
        told = error.json.get("data") if isinstance(error.json, dict) else None
        if isinstance(told, str) and _NOT_THERE.match(told):
            return BadRequest(codes.BLOCK_UNKNOWN, height=height)
        code = error["code"].integer(-_MAX_CODE, _MAX_CODE)
        return BadRequest(codes.NODE_REFUSED, url=self._address.url, status=200, code=code)


def _header(value: Value) -> Header:
    """C115."""
    last = value["last_block_id"]
    return Header(
        version_block=_integer(value["version"]["block"], 0, _MAX_INT64),
        version_app=_integer(value["version"]["app"], 0, MAX_APP_VERSION),
        chain_id=value["chain_id"].text(MAX_CHAIN_ID_CHARS),
        height=Height(_integer(value["height"], 1, MAX_HEIGHT)),
        time_ns=value["time"].time(),
        last_block_id=NIL_BLOCK_ID if last["hash"].json == "" else _block_id(last),
        last_commit_hash=_hex(value["last_commit_hash"], HASH_BYTES),
        data_hash=_hex(value["data_hash"], HASH_BYTES),
        validators_hash=_hex(value["validators_hash"], HASH_BYTES),
        next_validators_hash=_hex(value["next_validators_hash"], HASH_BYTES),
        consensus_hash=_hex(value["consensus_hash"], HASH_BYTES),
        app_hash=_hex(value["app_hash"], HASH_BYTES),
        last_results_hash=_hex(value["last_results_hash"], HASH_BYTES),
        evidence_hash=_hex(value["evidence_hash"], HASH_BYTES),
        proposer_address=ValidatorAddress(_hex(value["proposer_address"], ADDRESS_BYTES)),
    )


def _block_id(value: Value) -> BlockID:
    """C116, of a block."""
    parts = value["parts"]
    total = parts["total"].integer(1, MAX_BLOCK_PARTS)
    return BlockID(_hex(value["hash"], HASH_BYTES), PartSetHeader(total, _hex(parts["hash"], HASH_BYTES)))


def _commit(value: Value) -> Commit:
    """C117."""
    return Commit(
        height=Height(_integer(value["height"], 1, MAX_HEIGHT)),
        round=Round(value["round"].integer(0, MAX_ROUND)),
        block_id=_block_id(value["block_id"]),
        signatures=value["signatures"].array(MAX_VALIDATORS, _entry),
    )


def _entry(value: Value) -> CommitSig:
    """An entry for nil becomes an absent one: a light client does not verify it (C87), so it must not pass it on."""
    flag = Flag(value["block_id_flag"].integer(Flag.ABSENT, Flag.NIL))
    absent = flag == Flag.ABSENT
    signature = value["signature"]
    found = CommitSig(
        flag=flag,
        address=_hex(value["validator_address"], 0 if absent else ADDRESS_BYTES),
        time_ns=value["timestamp"].time(),
        signature=b"" if signature.json is None else signature.base64(SIGNATURE_BYTES),
    )
    return ABSENT_SIG if flag == Flag.NIL else found


def _validator(value: Value) -> Validator:
    """C120; its address is the one of its key, or it is refused (ATK13)."""
    kind = value["pub_key"]["type"]
    if kind.json != _KEY_TYPE:
        raise kind.malformed(f"it is not {_KEY_TYPE}")
    power = _integer(value["voting_power"], 1, MAX_TOTAL_POWER)
    key = value["pub_key"]["value"]
    found = Validator(PublicKey(key.base64(KEY_BYTES)), power)
    if _hex(value["address"], ADDRESS_BYTES) != found.address:
        raise value["address"].malformed("it is not the address of the key")
    return found


def _integer(value: Value, low: int, high: int) -> int:
    """An integer in a text (C104)."""
    text = value.text(19)
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise value.malformed(f"it is not an integer from {low} to {high}, as a text")
    return int(text)


def _hex(value: Value, size: int) -> bytes:
    """Exactly `size` bytes in hex of either case."""
    text = value.text(2 * size)
    if len(text) != 2 * size or not _HEX.fullmatch(text):
        raise value.malformed(f"it is not {size} bytes in hex")
    return bytes.fromhex(text)
