"""The methods of CometBFT 0.38's JSON-RPC that this node has, with their parameters (C112 to C132).

`READS` are functions of the chain and the arguments. A long one is a generator that yields where the node may get on
with its work (N10). `ACTIONS` hand transactions to the node, and wait.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mvchain import __version__
from mvchain.api import rpc_json
from mvchain.api.chain_view import ChainView, CommittedTx
from mvchain.api.limits import MAX_PAGE, MAX_WAIT_S, PAGE
from mvchain.api.rpc_evidence import evidence_from_json
from mvchain.api.rpc_json import JsonObject, base64_text, hex_text
from mvchain.api.rpc_params import Kind, Parameters, failed
from mvchain.api.views import NodeView, SubmitOutcome, TxState
from mvchain.core import codes
from mvchain.core.errors import BadProof, BadRequest, BadTransaction, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_TRANSACTION_BYTES
from mvchain.core.strict_json import Json
from mvchain.core.timestamps import GO_ZERO_TIME_NS, format_rfc3339
from mvchain.core.types import Hash, Height
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.state_tree import STORES, record_key
from mvchain.ledger.validators import address_of

COMETBFT_VERSION: Final = "0.38.25+mvchain.1"
"""What clients choose their decoder by (C5)."""
BLOCK_METAS: Final = 20
"""Most of one answer of `blockchain` (C123)."""
PART: Final = 64
"""Transactions whose results are made in one go; about 1.5 ms."""
_HASH_BYTES: Final = 32
_KEY_BYTES: Final = 8

Steps: TypeAlias = Generator[None, None, JsonObject]
Read: TypeAlias = Callable[..., JsonObject | Steps]


@dataclass(frozen=True, slots=True)
class Sender:
    """Where transactions go, for whom, and until when: a time of the event loop."""

    node: NodeView
    source: str
    deadline: float


Act: TypeAlias = Callable[..., Awaitable[JsonObject]]


# --- which height (C113, C134) ---


def _height(chain: ChainView, asked: int | None, newest: int) -> Height:
    """The height that a call is about: `newest` if it names none."""
    if asked is None:
        asked = newest
    if asked <= 0:
        raise failed(f"height must be greater than 0, but got {asked}")
    if asked > newest:
        raise failed(f"height {asked} must be less than or equal to the current blockchain height {newest}")
    if asked < chain.base_height:
        raise failed(f"height {asked} is not available, lowest height is {chain.base_height}")
    return Height(asked)


def _block_height(chain: ChainView, asked: int | None) -> Height:
    return _height(chain, asked, chain.height)


def _next_height(chain: ChainView, asked: int | None) -> Height:
    """What validators and parameters are known of: one height more than there are blocks."""
    return _height(chain, asked, chain.height + (not chain.catching_up))


# --- the node ---


def health(_chain: ChainView) -> JsonObject:
    """It answers (C132)."""
    return {}


def status(chain: ChainView) -> JsonObject:
    """Who it is and where it stands (C118)."""
    who, genesis = chain.identity, chain.genesis
    member = chain.validators(chain.height).by_address(address_of(who.validator_key))
    return {
        "node_info": {
            "protocol_version": {"p2p": "8", "block": "11", "app": str(genesis.app_version)},
            "id": address_of(who.node_key).hex(),
            "listen_addr": f"tcp://{who.peer_address}",
            "network": genesis.chain_id,
            "version": COMETBFT_VERSION,
            "channels": "",
            "moniker": who.moniker,
            "other": {"tx_index": "on", "rpc_address": f"tcp://{who.api_address}"},
        },
        "sync_info": {
            **_end_of_chain(chain, "latest", chain.height),
            **_end_of_chain(chain, "earliest", chain.base_height),
            "catching_up": chain.catching_up,
        },
        "validator_info": {
            "address": hex_text(address_of(who.validator_key)),
            "pub_key": rpc_json.public_key(who.validator_key),
            "voting_power": str(member[1].power if member else 0),
        },
    }


def _end_of_chain(chain: ChainView, which: str, height: Height) -> JsonObject:
    header = chain.header(height) if height else None
    return {
        f"{which}_block_hash": hex_text(chain.block_id(height).hash) if header else "",
        f"{which}_app_hash": hex_text(header.app_hash) if header else "",
        f"{which}_block_height": str(height),
        f"{which}_block_time": format_rfc3339(header.time_ns if header else GO_ZERO_TIME_NS),
    }


def net_info(chain: ChainView) -> JsonObject:
    """How many nodes it is connected to; which and where is not public."""
    return {
        "listening": True,
        "listeners": [f"Listener(@{chain.identity.peer_address})"],
        "n_peers": str(chain.peer_count),
        "peers": [],
    }


def genesis(chain: ChainView) -> JsonObject:
    """What the chain started from (C129)."""
    document = json.loads(chain.genesis.encode())
    return {"genesis": rpc_json.genesis(chain.genesis, chain.app_hash_after(Height(0)), document)}


def genesis_chunked(chain: ChainView, chunk: int = 0) -> JsonObject:
    """The same in parts of 16 MiB; a genesis document of this chain has one."""
    if chunk != 0:
        raise failed(f"there are 1 chunks, {chunk} is invalid")
    text = json.dumps(genesis(chain)["genesis"], ensure_ascii=False).encode()
    return {"chunk": "0", "total": "1", "data": base64_text(text)}


def abci_info(chain: ChainView) -> JsonObject:
    """The application after its last block; zero fields are left out (C131)."""
    response: JsonObject = {
        "data": "mvchain",
        "version": __version__,
        "app_version": str(chain.genesis.app_version),
        "last_block_app_hash": base64_text(chain.app_hash_after(chain.height)),
    }
    if chain.height:
        response["last_block_height"] = str(chain.height)
    return {"response": response}


# --- blocks ---


def header(chain: ChainView, height: int | None = None) -> JsonObject:
    """A header (C122)."""
    return {"header": rpc_json.header(chain.header(_block_height(chain, height)))}


def header_by_hash(chain: ChainView, hash: bytes = b"") -> JsonObject:  # noqa: A002 - the parameter's name
    """The header with this hash, null if there is none (C122)."""
    height = chain.height_of(hash)
    return {"header": None if height is None else rpc_json.header(chain.header(height))}


def block(chain: ChainView, height: int | None = None) -> JsonObject:
    """A block (C121)."""
    return _block_at(chain, _block_height(chain, height))


def block_by_hash(chain: ChainView, hash: bytes = b"") -> JsonObject:  # noqa: A002 - the parameter's name
    """The block with this hash, null if there is none (C121)."""
    height = chain.height_of(hash)
    if height is None:
        return {"block_id": rpc_json.block_id(NIL_BLOCK_ID), "block": None}
    return _block_at(chain, height)


def _block_at(chain: ChainView, height: Height) -> JsonObject:
    return {"block_id": rpc_json.block_id(chain.block_id(height)), "block": rpc_json.block(chain.block(height))}


def blockchain(chain: ChainView, minHeight: int = 0, maxHeight: int = 0) -> Steps:  # noqa: N803 - the parameters' names
    """The newest headers of a range, newest first (C123)."""
    if minHeight < 0 or maxHeight < 0:
        raise failed("heights must be non-negative")
    newest = chain.height
    highest = min(newest, maxHeight or newest)
    lowest = max(chain.base_height, minHeight or 1, highest - BLOCK_METAS + 1)
    if max(chain.base_height, minHeight or 1) > highest:
        raise failed(f"min height {max(chain.base_height, minHeight or 1)} can't be greater than max height {highest}")
    metas: list[JsonObject] = []
    for height in range(highest, lowest - 1, -1):
        metas.append(_block_meta(chain, Height(height)))
        yield
    return {"last_height": str(newest), "block_metas": metas}


def _block_meta(chain: ChainView, height: Height) -> JsonObject:
    return {
        "block_id": rpc_json.block_id(chain.block_id(height)),
        "block_size": str(chain.block_size(height)),
        "header": rpc_json.header(chain.header(height)),
        "num_txs": str(chain.transaction_count(height)),
    }


def commit(chain: ChainView, height: int | None = None) -> JsonObject:
    """A header with the precommits for it (C119)."""
    at = _block_height(chain, height)
    found, canonical = chain.commit(at)
    signed = {"header": rpc_json.header(chain.header(at)), "commit": rpc_json.commit(found)}
    return {"signed_header": signed, "canonical": canonical}


def validators(
    chain: ChainView, height: int | None = None, page: int | None = None, per_page: int | None = None
) -> JsonObject:
    """A page of the validators of a height (C114, C120)."""
    at = _next_height(chain, height)
    members = chain.validators(at)
    size = PAGE if per_page is None or per_page < 1 else min(per_page, MAX_PAGE)
    pages = max(1, -(-len(members) // size))
    number = 1 if page is None else page
    if not 1 <= number <= pages:
        raise failed(f"page should be within [1, {pages}] range, given {number}")
    return rpc_json.validators(at, members, (number - 1) * size, number * size)


def consensus_params(chain: ChainView, height: int | None = None) -> JsonObject:
    """The parameters of a height (C128)."""
    at = _next_height(chain, height)
    params = rpc_json.consensus_params(chain.params(at), chain.genesis.app_version)
    return {"block_height": str(at), "consensus_params": params}


def block_results(chain: ChainView, height: int | None = None) -> Steps:
    """The results of a block (C127)."""
    at = _block_height(chain, height)
    results: list[JsonObject] = []
    for start in range(0, chain.transaction_count(at), PART):
        results += (rpc_json.tx_result(tx.result) for tx in chain.transactions(at, start, start + PART))
        yield
    # What a block changes holds from the next height on, a set of validators from the one after it (C73).
    following = Height(at + 1)
    updates = rpc_json.validator_updates(chain.validators(following), chain.validators(Height(at + 2)))
    params = chain.params(following)
    is_changed, version = params != chain.params(at), chain.genesis.app_version
    return {
        "height": str(at),
        "txs_results": results or None,
        "finalize_block_events": None,
        "validator_updates": updates or None,
        "consensus_param_updates": rpc_json.consensus_param_updates(params, version) if is_changed else None,
        "app_hash": base64_text(chain.app_hash_after(at)),
    }


# --- transactions ---


def tx(chain: ChainView, hash: bytes = b"", prove: bool = False) -> JsonObject:  # noqa: A002 - the parameter's name
    """A transaction of a block, with its inclusion (C124)."""
    found = chain.find_transaction(Hash(hash))
    if found is None:
        raise failed(f"tx ({hex_text(hash[:_HASH_BYTES])}) not found")
    answer = _committed(found)
    if prove:
        proof = chain.transaction_proof(found.height, found.index)
        answer["proof"] = rpc_json.tx_proof(chain.header(found.height).data_hash, found.raw, proof)
    return answer


def _committed(found: CommittedTx) -> JsonObject:
    return {
        "hash": hex_text(found.hash),
        "height": str(found.height),
        "index": found.index,
        "tx_result": rpc_json.tx_result(found.result),
        "tx": base64_text(found.raw),
    }


def check_tx(chain: ChainView, tx: bytes = b"") -> JsonObject:
    """Whether the transaction would be taken; nothing is kept (C126)."""
    try:
        chain.check(tx)
    except BadTransaction as error:
        return rpc_json.check_result(*_code_and_log(error))
    return rpc_json.check_result(0, "", "")


def num_unconfirmed_txs(chain: ChainView) -> JsonObject:
    """How much waits for a block (C132)."""
    waiting = chain.waiting()
    count = str(waiting.count)
    return {"n_txs": count, "total": count, "total_bytes": str(waiting.size_bytes), "txs": None}


def unconfirmed_txs(chain: ChainView, limit: int | None = None) -> JsonObject:
    """What waits for a block, the first `limit` of it."""
    size = PAGE if limit is None or limit < 1 else min(limit, MAX_PAGE)
    txs = [base64_text(raw) for raw in chain.waiting_transactions(size)]
    return {**num_unconfirmed_txs(chain), "n_txs": str(len(txs)), "txs": txs}


def broadcast_evidence(chain: ChainView, evidence: Json = None) -> JsonObject:
    """Keep evidence of a double signing for a block; an attack on light clients is not taken (C132, C175)."""
    try:
        found = evidence_from_json(evidence)
        chain.offer_evidence(found)
    except BadProof as error:
        raise failed(str(error)) from None
    return {"hash": base64_text(found.hash)}


# --- the state ---


def abci_query(chain: ChainView, path: str = "", data: bytes = b"", height: int = 0, prove: bool = False) -> JsonObject:
    """A record of the state under `/store/NAME/key`, with its proof (C130, C144 to C148)."""
    try:
        return _query(chain, path, data, height, prove=prove)
    except MvchainError as error:
        if error.cause not in (codes.RPC_QUERY_PATH, codes.RPC_NOT_PROVABLE):
            raise
        code, log, _ = _code_and_log(error)
        return rpc_json.query_response(data, b"", Height(max(height, 0)), (), code, log)


def _query(chain: ChainView, path: str, key: bytes, asked: int, *, prove: bool) -> JsonObject:
    match path.split("/"):
        case ["", "store", name, "key"] if name in STORES:
            pass
        case _:
            raise BadRequest(codes.RPC_QUERY_PATH, names=", ".join(STORES))
    # A proof leads to the app hash in the next header, so that one must be here (C148).
    oldest, newest = chain.oldest_provable, Height(chain.height - 1 if prove else chain.height)
    height = Height(asked) if asked else newest
    if not oldest <= height <= newest:
        raise BadRequest(codes.RPC_NOT_PROVABLE, height=height, oldest=oldest, newest=newest)
    number = int.from_bytes(key, "big") if len(key) == _KEY_BYTES else 0
    found = chain.record(height, name, number) if number and key == record_key(number) else None
    if found is None:
        return rpc_json.query_response(key, b"", height, (), log="does not exist")
    value, proof = found
    return rpc_json.query_response(key, value, height, proof if prove else ())


# --- submitting ---


def _code_and_log(error: MvchainError) -> tuple[int, str, str]:
    """The number of our code, its text and its code space, as CheckTx and Query tell them."""
    return int(error.code.removeprefix("MV-")), str(error), "mvchain"


async def _submit(chain: ChainView, sender: Sender, raw: bytes) -> SubmitOutcome:
    """Hands one transaction to the node. What the mempool refuses by itself is an error (C126, C135)."""
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise failed(f"Tx too large. Max size is {MAX_TRANSACTION_BYTES}, but got {len(raw)}")
    async with asyncio.timeout_at(sender.deadline):
        (outcome,) = (await sender.node.submit([raw], sender.source)).outcomes
    if outcome.status == 200:
        raise failed("tx already exists in cache")
    if outcome.error is not None and outcome.error.cause is codes.POOL_FULL:
        pool = chain.waiting()
        raise failed(
            f"mempool is full: number of txs {pool.count} (max: {pool.max_count}), "
            f"total txs bytes {pool.size_bytes} (max: {pool.max_bytes})"
        )
    if outcome.status == 503:
        assert outcome.error is not None
        raise failed(str(outcome.error))
    return outcome


async def broadcast_tx_sync(chain: ChainView, sender: Sender, tx: bytes = b"") -> JsonObject:
    """Answers when the transaction was judged and, if it was taken, is in the synced journal (N6, C126)."""
    outcome = await _submit(chain, sender, tx)
    code, log, space = _code_and_log(outcome.error) if outcome.error else (0, "", "")
    return {"code": code, "data": "", "log": log, "codespace": space, "hash": hex_text(outcome.hash)}


async def broadcast_tx_async(chain: ChainView, sender: Sender, tx: bytes = b"") -> JsonObject:
    """The same, without saying how it was judged (C126)."""
    outcome = await _submit(chain, sender, tx)
    return {"code": 0, "data": "", "log": "", "codespace": "", "hash": hex_text(outcome.hash)}


async def broadcast_tx_commit(chain: ChainView, sender: Sender, tx: bytes = b"") -> JsonObject:
    """Answers when a block holds the transaction, after at most 10 s (C126)."""
    outcome = await _submit(chain, sender, tx)
    if outcome.error is not None:
        check = rpc_json.check_result(*_code_and_log(outcome.error))
        return _broadcast(check, rpc_json.check_result(0, "", ""), sha256(tx), Height(0))
    left_s = sender.deadline - asyncio.get_running_loop().time()
    await sender.node.wait_committed(outcome.hash, min(left_s, MAX_WAIT_S))
    found = chain.find_transaction(outcome.hash)
    if found is not None:
        return _broadcast(rpc_json.check_result(0, "", ""), rpc_json.tx_result(found.result), found.hash, found.height)
    ended = sender.node.transaction(outcome.hash)
    if ended is not None and ended.state is TxState.REJECTED:
        raise failed(f"error on broadcastTxCommit: {ended.error}")
    raise failed("timed out waiting for tx to be included in a block")


def _broadcast(check: JsonObject, result: JsonObject, tx_hash: Hash, height: Height) -> JsonObject:
    return {"check_tx": check, "tx_result": result, "hash": hex_text(tx_hash), "height": str(height)}


# --- the tables ---

_NONE: Final[Parameters] = {}
_HEIGHT: Final[Parameters] = {"height": Kind.INTEGER}
_TX: Final[Parameters] = {"tx": Kind.BASE64}

READS: Final[Mapping[str, tuple[Read, Parameters]]] = {
    "health": (health, _NONE),
    "status": (status, _NONE),
    "net_info": (net_info, _NONE),
    "genesis": (genesis, _NONE),
    "genesis_chunked": (genesis_chunked, {"chunk": Kind.INTEGER}),
    "abci_info": (abci_info, _NONE),
    "abci_query": (
        abci_query,
        {"path": Kind.TEXT, "data": Kind.HEX, "height": Kind.INTEGER, "prove": Kind.FLAG},
    ),
    "header": (header, _HEIGHT),
    "header_by_hash": (header_by_hash, {"hash": Kind.HEX}),
    "block": (block, _HEIGHT),
    "block_by_hash": (block_by_hash, {"hash": Kind.BASE64}),
    "block_results": (block_results, _HEIGHT),
    "blockchain": (blockchain, {"minHeight": Kind.INTEGER, "maxHeight": Kind.INTEGER}),
    "commit": (commit, _HEIGHT),
    "validators": (validators, {"height": Kind.INTEGER, "page": Kind.INTEGER, "per_page": Kind.INTEGER}),
    "consensus_params": (consensus_params, _HEIGHT),
    "tx": (tx, {"hash": Kind.BASE64, "prove": Kind.FLAG}),
    "check_tx": (check_tx, _TX),
    "num_unconfirmed_txs": (num_unconfirmed_txs, _NONE),
    "unconfirmed_txs": (unconfirmed_txs, {"limit": Kind.INTEGER}),
    "broadcast_evidence": (broadcast_evidence, {"evidence": Kind.TYPED}),
}
"""What costs reading time: name, function and parameters in the order of an array (C112)."""

ACTIONS: Final[Mapping[str, tuple[Act, Parameters]]] = {
    "broadcast_tx_sync": (broadcast_tx_sync, _TX),
    "broadcast_tx_async": (broadcast_tx_async, _TX),
    "broadcast_tx_commit": (broadcast_tx_commit, _TX),
}
"""What goes the way of a submission, as in the REST interface."""

SUBSCRIBING: Final = frozenset({"subscribe", "unsubscribe", "unsubscribe_all"})
"""Methods of a WebSocket alone (C136)."""

METHODS: Final = READS.keys() | ACTIONS.keys() | SUBSCRIBING
