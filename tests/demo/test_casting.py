"""mvchain.demo.casting: batches, retries, and promises that must hold; against a node that is played on a socket."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from mvchain.api import schema
from mvchain.api.acknowledgement import acknowledge
from mvchain.core import codec, codes
from mvchain.core.errors import BadRequest
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.types import AgencyNumber, Hash, TimeMs
from mvchain.demo import casting
from mvchain.demo.casting import Caster
from mvchain.localnet import Localnet, make_localnet

BALLOTS = [f"ballot {number}".encode() for number in range(20)]
FULL = {"code": "MV-1301", "detail": "Full.", "remedy": "Wait.", "retryable": True}
BAD = {"code": "MV-1204", "detail": "Not on the roll.", "remedy": "None.", "retryable": False}


class PlayedNode:
    """Takes whatever it gets, unless told otherwise."""

    def __init__(self, network: Localnet) -> None:
        self.genesis_hash = network.genesis.hash
        self.key = network.key(1, "node")
        self.received: list[bytes] = []
        self.refuse: Callable[[bytes], dict[str, object] | None] = lambda _raw: None
        self.closed_for_requests = 0
        """How many requests are answered with 503 as a whole."""
        self.promised: Callable[[list[bytes]], list[bytes]] = lambda raws: raws

    async def submit(self, request: web.Request) -> web.Response:
        if self.closed_for_requests:
            self.closed_for_requests -= 1
            return web.json_response(FULL, status=503)
        raws = codec.decode(await request.read(), "body", max_bytes=1_000_000)
        assert isinstance(raws, tuple)
        results: list[dict[str, object]] = []
        taken: list[bytes] = []
        for raw in raws:
            assert isinstance(raw, bytes)
            error = self.refuse(raw)
            result: dict[str, object] = {"txid": sha256(raw).hex()}
            if error is None:
                taken.append(raw)
                results.append(result | {"status": 202, "state": "received"})
            else:
                results.append(result | {"status": 503 if error["retryable"] else 422, "error": error})
        self.received += taken
        hashes = tuple(Hash(sha256(raw)) for raw in self.promised(taken))
        promise = acknowledge(hashes, TimeMs(5), AgencyNumber(1), self.genesis_hash, self.key)
        acknowledgement = schema.acknowledgement(promise)
        return web.json_response({"results": results, "acknowledgement": acknowledgement if taken else None})


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Localnet:
    monkeypatch.setattr(casting, "RETRY_AFTER_S", 0)
    make_localnet(tmp_path, 1)
    return Localnet(tmp_path)


@pytest_asyncio.fixture
async def node(network: Localnet) -> AsyncIterator[PlayedNode]:
    played = PlayedNode(network)
    application = web.Application()
    application.router.add_post("/v1/transactions", played.submit)
    runner = web.AppRunner(application)
    await runner.setup()
    host, _, port = network.api_url(1).removeprefix("http://").rpartition(":")
    await web.TCPSite(runner, host, int(port)).start()
    yield played
    await runner.cleanup()


async def cast(network: Localnet) -> list[int]:
    """What was shown of the progress."""
    shown: list[int] = []
    await Caster(network, BALLOTS, shown.append).cast_all()
    return shown


async def test_every_ballot_arrives_once(network: Localnet, node: PlayedNode) -> None:
    shown = await cast(network)
    assert sorted(node.received) == sorted(BALLOTS)
    assert shown == sorted(shown)
    assert shown[-1] == len(BALLOTS)


async def test_what_finds_no_room_is_sent_again(network: Localnet, node: PlayedNode) -> None:
    refused: set[bytes] = set()

    def once(raw: bytes) -> dict[str, object] | None:
        if raw in refused or raw[-1:] in b"02468":
            return None
        refused.add(raw)
        return dict(FULL)

    node.refuse = once
    node.closed_for_requests = 4
    await cast(network)
    assert len(refused) == 10
    assert sorted(node.received) == sorted(BALLOTS)


async def test_a_refusal_for_good_ends_the_casting(network: Localnet, node: PlayedNode) -> None:
    node.refuse = lambda raw: dict(BAD) if raw == BALLOTS[13] else None
    with pytest.raises(BadRequest) as caught:
        await cast(network)
    assert caught.value.cause is codes.DEMO_REFUSED
    assert "Not on the roll." in str(caught.value)


async def test_a_promise_of_another_key_is_found_out(network: Localnet, node: PlayedNode) -> None:
    node.key = SigningKey.generate()
    with pytest.raises(BadRequest) as caught:
        await cast(network)
    assert caught.value.cause is codes.DEMO_BAD_PROMISE


async def test_a_promise_that_leaves_out_a_ballot_is_found_out(network: Localnet, node: PlayedNode) -> None:
    node.promised = lambda raws: raws[1:]
    with pytest.raises(BadRequest) as caught:
        await cast(network)
    assert caught.value.cause is codes.DEMO_BAD_PROMISE


def test_batches_keep_order_and_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [len(batch) for batch in casting._batches(BALLOTS, 6)] == [4, 4, 4, 4, 4]
    assert [len(batch) for batch in casting._batches([b"x"] * 1_201, 1)] == [500, 500, 201]
    monkeypatch.setattr(casting, "MAX_BATCH_BYTES", 10)
    sizes = [b"4444", b"55555", b"1", b"1", b"999999999", b"22"]
    assert list(casting._batches(sizes, 1)) == [sizes[:3], [sizes[3], sizes[4]], [sizes[5]]]
    assert list(casting._batches([], 1)) == []
