"""A transaction handed in through CometBFT's proxy: its answer, the events it leads to, and its proof afterwards."""

import asyncio
import base64
import contextlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import aiohttp

from mvchain.api.client import Client
from mvchain.core.hashing import sha256
from mvchain.demo.holding import settled
from mvchain.interop.checkers import COMETBFT
from mvchain.interop.cometbft import compare
from mvchain.interop.outcome import Outcome
from mvchain.interop.questions import of_transaction
from mvchain.interop.rpc import MAX_ANSWER_BYTES, Answer, Rpc, difference, shown
from mvchain.ledger.transactions import RollCreate, make_transaction
from mvchain.localnet import Localnet

EVENT_S: Final = 20.0
"""How long an event may take to come: the chain decides within a few seconds also while a node is away."""
QUERIES: Final = ("tm.event='NewBlock'", "tm.event='Tx'")


async def broadcast(proxy: Rpc, node: Rpc, network: Localnet, numbers: Sequence[int]) -> list[Outcome]:
    """Hand in a roll of the first operator.

    Args:
        node: the primary of the proxy.
        numbers: of the nodes that are primary and witness; they are at one height afterwards.
    """
    key, genesis = network.key(numbers[0], "operator"), network.genesis
    async with AsyncExitStack() as stack:
        clients = {n: await stack.enter_async_context(Client(network.api_url(n))) for n in numbers}
        signer: Any = await clients[numbers[0]].signer(key.tagged)
        raw = make_transaction(RollCreate(signer["sequence"] + 1, "broadcast"), key, genesis.hash)
        answer, frames = await _broadcast_and_listen(proxy, raw)
        # A witness that is a block behind would make the client wait for half a minute (C172).
        await settled(network, clients)
    refusal = answer.error or (shown(answer.result) if answer.result["tx_result"]["code"] else None)
    handing_in = Outcome(COMETBFT, "broadcast_tx_commit", 1, [refusal] if refusal else [])
    if refusal:
        return [handing_in]
    block = await node.ask("block", {"height": answer.result["height"]})
    return [
        handing_in,
        Outcome(COMETBFT, "events of it and its block", len(QUERIES), event_faults(frames, raw, block.result)),
        *await compare(proxy, node, [of_transaction(sha256(raw))], "just broadcast"),
    ]


async def _broadcast_and_listen(proxy: Rpc, raw: bytes) -> tuple[Answer, list[Any]]:
    """The answer, and what came over a WebSocket until both events were there or EVENT_S had passed."""
    frames: list[Any] = []
    answer = Answer(None, "nothing was handed in, since the subscriptions were not answered")
    with contextlib.suppress(TimeoutError):
        async with (
            asyncio.timeout(EVENT_S),
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{proxy.url}/websocket", max_msg_size=MAX_ANSWER_BYTES) as socket,
        ):
            for number, query in enumerate(QUERIES, 1):
                request = {"jsonrpc": "2.0", "id": number, "method": "subscribe", "params": {"query": query}}
                await socket.send_json(request)
                frames.append(await socket.receive_json())
            answer = await proxy.ask("broadcast_tx_commit", {"tx": base64.b64encode(raw).decode()})
            while answer.result and not (_transaction_events(frames, raw) and _blocks(frames, answer.result["height"])):
                frames.append(await socket.receive_json())
    return answer, frames


def event_faults(frames: Sequence[Any], raw: bytes, block: Any) -> list[str]:
    """What is wrong with the events of a transaction and of its block, which a node answered for `block` (C138).

    Args:
        frames: what came over the WebSocket, answers to the subscriptions among it.
    """
    faults = [f"refused: {shown(frame['error'])}" for frame in frames if "error" in frame]
    height = block["block"]["header"]["height"]
    blocks, transactions = _blocks(frames, height), _transaction_events(frames, raw)
    if not blocks:
        faults.append("no event told of the block")
    faults += filter(None, (difference(found, block["block"], "the block of the event") for found in blocks))
    if not transactions:
        faults.append("no event told of the transaction")
    faults += filter(None, (difference(found["height"], height, "its height") for found in transactions))
    return faults


def _blocks(frames: Sequence[Any], height: str) -> list[Any]:
    """Of that height, in events."""
    values = _values(frames, "tendermint/event/NewBlock")
    return [value["block"] for value in values if value["block"]["header"]["height"] == height]


def _transaction_events(frames: Sequence[Any], raw: bytes) -> list[Any]:
    tx = base64.b64encode(raw).decode()
    values = _values(frames, "tendermint/event/Tx")
    return [value["TxResult"] for value in values if value["TxResult"]["tx"] == tx]


def _values(frames: Sequence[Any], kind: str) -> list[Any]:
    results = [frame.get("result") or {} for frame in frames]
    return [result["data"]["value"] for result in results if result.get("data", {}).get("type") == kind]
