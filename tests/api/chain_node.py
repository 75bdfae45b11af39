"""A chain of one agency that really runs: replica, runtime, store and API on a socket."""

import base64
import json
from pathlib import Path
from typing import Any

from mvchain.api.chain_view import ChainOfRuntime, NodeIdentity
from mvchain.api.limits import ApiLimits
from mvchain.api.node_view import NodeViewOfRuntime
from mvchain.api.server import ApiServer
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, Height
from mvchain.ledger.records import PollState
from mvchain.node.files import LocalDisk
from mvchain.node.judge import Received
from mvchain.node.store import Store
from tests.api.helpers import HttpAnswer, RawClient, request
from tests.ledger.state_helpers import key_of
from tests.node.cluster import Election
from tests.node.test_runtime import Machine, Running, genesis_of

VOTERS = 8


def rpc_request(body: bytes, media_type: str = "application/json", **headers: str) -> bytes:
    return request("POST", "/", body, Content_Type=media_type, **headers)


class ChainNode:
    """Between `start` and `stop` it makes a block whenever something waits."""

    def __init__(self, directory: Path, agencies: int = 1, **limits: Any) -> None:
        self.genesis = genesis_of(agencies)
        machine = Machine(1, self.genesis)
        self.store = Store(directory / "store", LocalDisk())
        machine.store = self.store  # type: ignore[assignment]
        self.running = Running(machine, [])
        self.election = Election(self.genesis, VOTERS, open_ms=1 << 40)
        node_key, runtime = key_of("node1"), self.running.runtime
        self.view = NodeViewOfRuntime(runtime, self.genesis, self.genesis.encode(), lambda: node_key)
        identity = NodeIdentity(node_key.public, key_of("validator1").public, "Agency 1", "127.0.0.1:1", "127.0.0.1:2")
        self.chain = ChainOfRuntime(runtime, self.genesis, identity, self.view.proofs.blocks)
        self.limits = ApiLimits(**{"per_address": 200, **limits})
        self.cast_at = Height(0)
        self.server = ApiServer(self.view, self.limits, self.chain)

    async def start(self) -> "ChainNode":
        await self.running.start()
        await self.server.start("127.0.0.1", 0)
        self.client = await RawClient.connect(self.server)
        return self

    async def stop(self) -> None:
        await self.client.close()
        await self.server.stop()
        await self.running.stop()
        self.store.close()

    async def open_poll(self) -> None:
        """Roll and poll, and the empty blocks behind them."""
        verdicts = await self.running.runtime.submit(self.election.set_up, "1.2.3.4")
        assert all(isinstance(verdict, Received) for verdict in verdicts)
        replica = self.running.replica
        await self.running.until(lambda: (poll := replica.state.poll(Election.POLL)) and poll.state is PollState.OPEN)
        await self.at_rest()

    async def cast(self, *voters: int) -> Height:
        """Casts their ballots; the height of the block that holds the last one, when the one above it is there."""
        ballots = [self.election.ballot(voter) for voter in voters]
        await self.running.runtime.submit(ballots, "1.2.3.4")
        await self.running.until(lambda: all(map(self.running.has, ballots)))
        await self.at_rest()
        place = self.store.tx_location(Hash(sha256(ballots[-1])))
        assert place is not None
        return place[0]

    async def at_rest(self) -> None:
        """The last block changed nothing and nothing waits, so there is no other until something comes."""
        replica = self.running.replica
        await self.running.until(lambda: not replica.tip.changed_state and not len(replica.mempool))

    async def post(self, body: bytes | str | object) -> HttpAnswer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.client.send(rpc_request(raw))
        return await self.client.answer()

    async def get(self, target: str) -> HttpAnswer:
        await self.client.send(request("GET", target))
        return await self.client.answer()

    async def answer(self, method: str, params: object = None) -> dict[str, Any]:
        """The whole answer to a call by POST."""
        answer = await self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
        assert answer.status == 200
        document: dict[str, Any] = answer.json()
        assert (document.pop("jsonrpc"), document.pop("id")) == ("2.0", 7)
        return document

    async def call(self, method: str, **params: object) -> Any:
        """The result of a call that must succeed."""
        document = await self.answer(method, params)
        assert document.keys() == {"result"}, document
        return document["result"]

    async def failure(self, method: str, **params: object) -> str:
        """The text of the error of a call that must fail as methods do."""
        document = await self.answer(method, params)
        assert document.keys() == {"error"}, document
        assert (document["error"]["code"], document["error"]["message"]) == (-32603, "Internal error")
        text: str = document["error"]["data"]
        return text


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
