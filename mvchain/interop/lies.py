"""Lies that a node could tell over JSON-RPC, each with the words with which each client has to refuse it. Pure.

They show that the clients verify: whoever takes a lie for the truth would take our mistakes for it, too.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.types import PublicKey
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Flag, Header
from mvchain.ledger.endorsements import Kind, endorsement_sign_bytes
from mvchain.ledger.validators import ValidatorSet, address_of

Tell = Callable[[Any], None]
"""Changes a result, which is the request's own copy."""


@dataclass(frozen=True, slots=True)
class Lie:
    """One change of the answers of one method."""

    title: str
    method: str
    tell: Tell
    refusal: str
    """What CometBFT says, as a regular expression."""
    refusal_rs: str = ""
    """What tendermint-rs says, if it asks for that at all."""


class Lies(NamedTuple):
    """All lies about one block."""

    data: Sequence[Lie]
    """About what its header commits to."""
    header: Sequence[Lie]
    """About its header, commit or validator set; a client finds them out by itself."""
    conspiracy: Lie
    """A lie that only a witness shows."""


def flipped_hex(text: str) -> str:
    """Hex of the same bytes but for one bit of the first."""
    data = bytes.fromhex(text)
    return bytes((data[0] ^ 1, *data[1:])).hex().upper()


def flipped_base64(text: str) -> str:
    """Base64 of the same bytes but for one bit of the first."""
    data = base64.b64decode(text)
    return base64.b64encode(bytes((data[0] ^ 1, *data[1:]))).decode()


# --- answers that a proof or a verified header refutes ---


def _transaction_of_proof(result: Any) -> None:
    result["proof"]["data"] = flipped_base64(result["proof"]["data"])


def _place_of_proof(result: Any) -> None:
    aunts = result["proof"]["proof"]["aunts"]
    aunts[0] = flipped_base64(aunts[0])


def _transaction_of_block(result: Any) -> None:
    txs = result["block"]["data"]["txs"]
    txs[0] = flipped_base64(txs[0])


def _last_commit(result: Any) -> None:
    _flip_first_signature(result["block"]["last_commit"])


def _result_code(result: Any) -> None:
    result["txs_results"][0]["code"] += 1


def _record(result: Any) -> None:
    result["response"]["value"] = flipped_base64(result["response"]["value"])


def _parameter(result: Any) -> None:
    block = result["consensus_params"]["block"]
    block["max_bytes"] = str(int(block["max_bytes"]) + 1)


def _header(result: Any) -> None:
    _flip_app_hash(result["header"])


def data_lies(header: Header) -> list[Lie]:
    """About a block whose header is told as it is when it is asked for alone."""
    forged_hash = forged_header(header).hash().hex().upper()

    def header_of_block(result: Any) -> None:
        _flip_app_hash(result["block"]["header"])
        result["block_id"]["hash"] = forged_hash

    def listed_header(result: Any) -> None:
        meta = result["block_metas"][0]
        _flip_app_hash(meta["header"])
        meta["block_id"]["hash"] = forged_hash

    return [
        Lie(
            "a transaction's byte under its proof",
            "tx",
            _transaction_of_proof,
            "proof is not internally consistent",
        ),
        Lie("a hash of a transaction's proof", "tx", _place_of_proof, "proof is not internally consistent"),
        Lie("a transaction's byte in a block", "block", _transaction_of_block, "wrong Header.DataHash"),
        Lie("a signature in a block's last commit", "block", _last_commit, "wrong Header.LastCommitHash"),
        Lie("the app hash in a block", "block", header_of_block, "does not match with trusted header"),
        Lie("the code of a result", "block_results", _result_code, "last results .* does not match"),
        Lie("a record of the state", "abci_query", _record, "verify value proof"),
        Lie("a consensus parameter", "consensus_params", _parameter, "params hash .* does not match"),
        Lie("the app hash in a list of headers", "blockchain", listed_header, "does not match with trusted header"),
        Lie("the app hash of a header", "header_by_hash", _header, "does not match trusted header"),
    ]


# --- headers, commits and validator sets ---


def at_height(height: int, tell: Tell) -> Tell:
    """The lie about one height alone: of `commit`, or of `validators`."""

    def tell_there(result: Any) -> None:
        found = result["block_height"] if "block_height" in result else result["signed_header"]["header"]["height"]
        if found == str(height):
            tell(result)

    return tell_there


def _signature(result: Any) -> None:
    _flip_first_signature(result["signed_header"]["commit"])


def _app_hash(result: Any) -> None:
    _flip_app_hash(result["signed_header"]["header"])


def _too_few(result: Any) -> None:
    """Two precommits for the block are left of the four validators'."""
    entries = result["signed_header"]["commit"]["signatures"]
    for index in _for_block(entries)[2:]:
        entries[index] = absent_entry()


def _nil_for_block(result: Any) -> None:
    """A nil precommit takes the place of one for the block."""
    entries = result["signed_header"]["commit"]["signatures"]
    for index in _for_block(entries)[2:]:
        entries[index] = absent_entry()
    (nil,) = [entry for entry in entries if entry["block_id_flag"] == Flag.NIL]
    nil["block_id_flag"] = int(Flag.COMMIT)


def _validator(result: Any) -> None:
    """Another key, with the address that belongs to it."""
    validator = result["validators"][0]
    key = base64.b64decode(flipped_base64(validator["pub_key"]["value"]))
    validator["pub_key"]["value"] = base64.b64encode(key).decode()
    validator["address"] = address_of(PublicKey(key)).hex().upper()


def header_lies(header: Header) -> list[Lie]:
    """About one header, whose commit has a nil precommit."""
    forged = forged_header(header)

    def matching_hash(result: Any) -> None:
        _app_hash(result)
        result["signed_header"]["commit"]["block_id"]["hash"] = forged.hash().hex().upper()

    signature, signature_rs = "wrong signature", "failed to verify signature"
    power, power_rs = "insufficient voting power", "insufficient signers overlap"
    found = [
        Lie("a signature of a commit", "commit", _signature, signature, signature_rs),
        Lie("the app hash of a header", "commit", _app_hash, "commit signs block", "invalid commit value"),
        Lie("the app hash, and a commit for that header", "commit", matching_hash, signature, signature_rs),
        Lie("a commit with two precommits of four", "commit", _too_few, power, power_rs),
        Lie("a nil precommit said to be for the block", "commit", _nil_for_block, signature, signature_rs),
        Lie("the key of a validator", "validators", _validator, "expected validator hash", "validator set"),
    ]
    return [replace(lie, tell=at_height(header.height, lie.tell)) for lie in found]


def conspiracy(header: Header, block_id: BlockID, validators: ValidatorSet, keys: Sequence[SigningKey]) -> Lie:
    """Another header of the same height, with a commit that all validators have really signed.

    Only a witness that tells the truth shows it. `keys` are those of the validators, in any order.
    """
    forged = forged_header(header)
    forged_id = BlockID(forged.hash(), block_id.parts)
    by_address = {address_of(key.public): key for key in keys}

    def tell(result: Any) -> None:
        signed = result["signed_header"]
        _flip_app_hash(signed["header"])
        commit = signed["commit"]
        commit["block_id"]["hash"] = forged_id.hash.hex().upper()
        message = endorsement_sign_bytes(
            Kind.PRECOMMIT, header.height, commit["round"], forged_id, header.time_ns, header.chain_id
        )
        commit["signatures"] = [
            {
                "block_id_flag": int(Flag.COMMIT),
                "validator_address": validator.address.hex().upper(),
                "timestamp": signed["header"]["time"],
                "signature": base64.b64encode(by_address[validator.address].sign(Purpose.CONSENSUS, message)).decode(),
            }
            for validator in validators
        ]

    title = "a second header that all validators signed"
    return Lie(
        title, "commit", at_height(header.height, tell), "attempted attack detected", "attempted attack detected"
    )


def forged_header(header: Header) -> Header:
    """What `_flip_app_hash` makes of it."""
    return replace(header, app_hash=bytes.fromhex(flipped_hex(header.app_hash.hex())))


def absent_entry() -> dict[str, Any]:
    """C117."""
    return {
        "block_id_flag": int(Flag.ABSENT),
        "validator_address": "",
        "timestamp": "0001-01-01T00:00:00Z",
        "signature": None,
    }


def _for_block(entries: Sequence[Any]) -> list[int]:
    return [index for index, entry in enumerate(entries) if entry["block_id_flag"] == Flag.COMMIT]


def _flip_first_signature(commit: Any) -> None:
    """The first for the block: clients stop once they have seen enough."""
    entry = commit["signatures"][_for_block(commit["signatures"])[0]]
    entry["signature"] = flipped_base64(entry["signature"])


def _flip_app_hash(header: Any) -> None:
    header["app_hash"] = flipped_hex(header["app_hash"])
