"""Little servers on a socket: an honest node of a chain made by hand, over REST and JSON-RPC, and any hostile one."""

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from mvchain.core.timestamps import format_rfc3339
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import CommitSig, Flag
from mvchain.light.blocks import LightBlock, encode_light_block
from tests.light.light_chain import LightChain

Handler = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(handle: Handler) -> Iterator[str]:
    """The address of a server that hands each connection to `handle`, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=run, args=(connection,), daemon=True).start()

        def run(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                handle(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def read_request(connection: socket.socket) -> tuple[str, bytes]:
    """Method and path, and the body."""
    with connection.makefile("rb") as reader:
        method, path, _ = reader.readline().decode().split()
        length = 0
        while line := reader.readline().strip():
            name, _, value = line.decode().partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return f"{method} {path}", reader.read(length)


def respond(connection: socket.socket, body: bytes, status: int = 200, headers: str = "") -> None:
    """One answer."""
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    connection.sendall(head.encode() + body)


def answering(body: bytes, status: int = 200, headers: str = "") -> Handler:
    """A server that says the same to everything."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        respond(connection, body, status, headers)

    return handle


class LittleNode:
    """A node that shows a chain; `newest` and what it says at some paths can be changed while it runs."""

    def __init__(self, chain: LightChain, newest: int | None = None) -> None:
        self.chain = chain
        self.newest = len(chain) if newest is None else newest
        self.says: dict[str, bytes] = {}
        self.per_page = 100

    def __call__(self, connection: socket.socket) -> None:
        """Answers one request."""
        asked, body = read_request(connection)
        if asked in self.says:
            respond(connection, self.says[asked])
        elif asked == "GET /v1/status":
            respond(connection, json.dumps({"height": self.newest, "chain_id": "anything"}).encode())
        elif asked.startswith("GET /v1/light_blocks/") and (height := int(asked.rpartition("/")[2])) <= self.newest:
            respond(connection, encode_light_block(self.chain[height]))
        elif asked == "POST /":
            respond(connection, json.dumps(self.rpc(json.loads(body))).encode())
        else:
            problem = {"code": "MV-6022", "detail": "", "status": 404}
            respond(connection, json.dumps(problem).encode(), 404)

    def rpc(self, call: Any) -> Any:
        """The answer to a call, in the shapes of C117 to C120 and C133."""
        params = call["params"]
        height = int(params.get("height", self.newest))
        if height > self.newest:
            told = f"height {height} must be less than or equal to the current blockchain height {self.newest}"
            error = {"code": -32603, "message": "Internal error", "data": told}
            return {"jsonrpc": "2.0", "id": call["id"], "error": error}
        block = self.chain[height]
        if call["method"] == "commit":
            result = commit_result(block)
        else:
            result = validators_result(block, int(params["page"]), min(int(params["per_page"]), self.per_page))
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}


def commit_result(block: LightBlock) -> dict[str, Any]:
    """C119."""
    header, commit = block.header, block.commit
    return {
        "signed_header": {
            "header": {
                "version": {"block": "11", "app": str(header.version_app)},
                "chain_id": header.chain_id,
                "height": str(header.height),
                "time": format_rfc3339(header.time_ns),
                "last_block_id": block_id(header.last_block_id),
                "last_commit_hash": upper(header.last_commit_hash),
                "data_hash": upper(header.data_hash),
                "validators_hash": upper(header.validators_hash),
                "next_validators_hash": upper(header.next_validators_hash),
                "consensus_hash": upper(header.consensus_hash),
                "app_hash": upper(header.app_hash),
                "last_results_hash": upper(header.last_results_hash),
                "evidence_hash": upper(header.evidence_hash),
                "proposer_address": upper(header.proposer_address),
            },
            "commit": {
                "height": str(commit.height),
                "round": commit.round,
                "block_id": block_id(commit.block_id),
                "signatures": [signature(entry) for entry in commit.signatures],
            },
        },
        "canonical": True,
    }


def validators_result(block: LightBlock, page: int, per_page: int) -> dict[str, Any]:
    """C120."""
    shown = list(block.validators)[(page - 1) * per_page : page * per_page]
    return {
        "block_height": str(block.height),
        "validators": [
            {
                "address": upper(validator.address),
                "pub_key": {
                    "type": "tendermint/PubKeyEd25519",
                    "value": base64.b64encode(validator.public_key).decode(),
                },
                "voting_power": "10",
                "proposer_priority": "0",
            }
            for validator in shown
        ],
        "count": str(len(shown)),
        "total": str(len(block.validators)),
    }


def block_id(shown: BlockID) -> dict[str, Any]:
    """C116."""
    return {"hash": upper(shown.hash), "parts": {"total": shown.parts.total, "hash": upper(shown.parts.hash)}}


def signature(entry: CommitSig) -> dict[str, Any]:
    """C117."""
    if entry.flag is Flag.ABSENT:
        return {
            "block_id_flag": 1,
            "validator_address": "",
            "timestamp": "0001-01-01T00:00:00Z",
            "signature": None,
        }
    return {
        "block_id_flag": int(entry.flag),
        "validator_address": upper(entry.address),
        "timestamp": format_rfc3339(entry.time_ns),
        "signature": base64.b64encode(entry.signature).decode(),
    }


def upper(data: bytes) -> str:
    """C105."""
    return data.hex().upper()
