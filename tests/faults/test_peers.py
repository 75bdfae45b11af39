"""Peers that claim, flood, come and go, or answer what nobody asked (faults 5), against the parts that meet them."""

import asyncio
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import codes, limits
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey
from mvchain.core.types import Hash, Height
from mvchain.ledger.transactions import decode_transaction
from mvchain.node import peer as peer_module
from mvchain.node.allowance import ANSWERS_AT_ONCE, ANSWERS_PER_S
from mvchain.node.catchup import CatchUp
from mvchain.node.dispatch import HASHES_PER_ANSWER
from mvchain.node.gossip import RETRY_MS
from mvchain.node.judge import Judge, Received, Verdict
from mvchain.node.transport import TransportLimits
from mvchain.node.wire import BlockResponse, GetBlocks, Message, NoBlock, Transactions, WantTransactions
from mvchain.node.wire_past import GetPastBlock, PastBlock
from tests.api.chain_node import ChainNode
from tests.faults.stage import Stage
from tests.node.test_handshake import B, anybody, dialler, listener, refusal
from tests.node.test_transport import LARGE, NAMES, SMALL, THIRD, Raw, StartNode, drop_writer, start

__all__ = ["start"]


@pytest.fixture
def stage() -> Stage:
    return Stage()


# --- ATK05, ATK06, ATK09: catching up among liars ---

TARGET: Final = 30
LIARS: Final = ("a", "b", "c")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_atk05_atk06_atk09_one_honest_peer_among_liars_is_enough_to_catch_up(data: st.DataObject) -> None:
    """faults ATK05, ATK06, ATK09: a height taken back, a height that is not, or a bad block ended a sync for good."""
    catch_up, own, now_ms, dropped = CatchUp(), 1, 0, set()
    catch_up.peer_status("honest", TARGET, 1)
    for _ in range(600):
        now_ms += 100
        for liar in LIARS:
            match data.draw(st.sampled_from(["silent", "claim", "leave"])) if now_ms % 2_000 == 100 else "silent":
                case "claim":
                    height = data.draw(st.sampled_from([0, 1, own, TARGET, TARGET + 1_000, 2**63 - 1]))
                    catch_up.peer_status(liar, height, data.draw(st.sampled_from([0, 1, own + 2, 2**63 - 1])))
                case "leave":
                    catch_up.peer_gone(liar)
        for name, height in catch_up.requests(own, now_ms):
            if name == "honest":
                assert catch_up.arrived(name, height, b"good", b"") == (height < TARGET)
                continue
            match data.draw(st.sampled_from(["silent", "refuse", "lie"])):
                case "refuse":
                    catch_up.refused(name, height, now_ms)
                case "lie":
                    catch_up.arrived(name, height, b"bad", b"")
        while (fetched := catch_up.take(own)) is not None:
            if fetched.block == b"good":
                own += 1
            else:
                dropped.add(fetched.peer)
                catch_up.wrong(fetched.peer, now_ms)
                catch_up.peer_gone(fetched.peer)
        if own == TARGET:
            break
    assert own == TARGET, "in a minute of the node's clock"
    assert "honest" not in dropped


def test_atk06_claims_alone_keep_no_node_from_its_own_height(stage: Stage) -> None:
    """faults ATK06: a poisoned height kept nodes in a mode of syncing; there is none here to be kept in."""
    stage.dispatch.catch_up.peer_status("evil", 2**63 - 1, 1)
    for _ in range(200):
        stage.shell.now_ms += 100
        stage.dispatch.tick()
    asked = [message for message in stage.answers() if isinstance(message, GetBlocks)]
    assert len(asked) <= 8 * 3  # a window of heights, once in the five seconds and the rest after each
    stage.scene.work()
    stage.scene.cluster.reach(stage.scene.height, stage.scene.honest, limit_ms=20_000)
    assert stage.replica.machine.height == stage.scene.height + 1


# --- ATK16 ---


@pytest.mark.parametrize("answer", sorted(set(peer_module._ANSWERS.values()), key=lambda cls: cls.TYPE))
async def test_atk16_an_answer_that_nobody_asked_for_is_not_read(start: StartNode, answer: type[Message]) -> None:
    """faults ATK16: a block was taken from a peer that had not been asked; here the bytes could not even be read."""
    node = await start(LARGE)
    raw = await Raw.peer(node, LARGE, SMALL)
    raw.sealed(bytes((answer.TYPE,)) + b"\xc1" * min(20, answer.MAX_BYTES))
    assert await raw.refusal() == codes.UNASKED_ANSWER.code


def test_atk16_a_block_is_taken_from_whom_it_was_asked_of_alone(stage: Stage) -> None:
    """faults ATK16: the other half, behind the connection: another peer, another height, or twice."""
    stage.connect("good", stage.node.number)
    stage.dispatch.catch_up.peer_status("good", stage.scene.height + 5, 1)
    for _ in range(5):
        stage.shell.now_ms += 100
        stage.dispatch.tick()
    asked = [message for message in stage.answers("good") if isinstance(message, GetBlocks)]
    assert asked
    before = stage.replica.machine.height
    for height in {message.from_height for message in asked}:
        assert stage.say(BlockResponse(height, b"junk", b"junk"), "evil") is None
    assert stage.replica.machine.height == before
    assert isinstance(stage.say(BlockResponse(asked[0].from_height, b"junk", b"junk"), "good"), Exception)


# --- ATK25 ---


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - a server learns of closed sockets by and by
        await asyncio.sleep(0.001)


async def test_atk25_connections_that_come_and_go_leave_nothing(start: StartNode) -> None:
    """faults ATK25: each inbound connection took memory that was never given back, until a map was full."""
    node = await start(LARGE, limits=TransportLimits(max_handshakes_per_address=8, quiet_s=0.0))
    for _ in range(30):
        raws = [await Raw.connect(node) for _ in range(10)]
        assert len(node.transport._unproved) <= 8
        for raw in raws:
            await drop_writer(raw)
    await until(lambda: not node.transport._unproved)
    strangers = [SigningKey.generate() for _ in range(20)]
    for key in strangers:
        with pytest.raises(Exception, match="MV-2112"):
            await Raw.peer(node, LARGE, key)
    await until(lambda: not node.transport._unproved)
    assert not node.transport.peers
    assert set(node.transport._came_at) <= set(NAMES)


async def test_atk25_a_known_node_cannot_come_and_go_without_end(start: StartNode) -> None:
    """faults ATK25: each connection of a known node costs a look at all that waits, so it has so many in a time."""
    node = await start(LARGE, limits=TransportLimits(max_connections=5, connections_s=1_000.0))
    raws = [await Raw.peer(node, LARGE, SMALL)]
    for _ in range(4):
        raws.append(await Raw.peer(node, LARGE, SMALL))
        assert await raws[-2].refusal() == codes.DUPLICATE_CONNECTION.code
    refused = await Raw.peer(node, LARGE, SMALL)
    assert await refused.refusal() == codes.CONNECTS_TOO_OFTEN.code
    assert [peer.key for peer in node.transport.peers] == [SMALL.public]  # the last that counted goes on
    raws.append(await Raw.peer(node, LARGE, THIRD))  # and others come as before
    await until(lambda: len(node.transport.peers) == 2)
    for raw in raws[-2:]:
        await drop_writer(raw)


# --- ATK27 ---


NO_KEYS: Final = (bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"\xec" + b"\xff" * 30 + b"\x7f", b"\x02" + bytes(31))


def sealed_as_proof(content: bytes) -> Callable[[], bytes]:
    """A listener's second step, with this in the place of the dialler's proof."""
    d, li = dialler(), listener(may_connect=anybody)
    d.receive(li.receive(d.start()))
    assert d._sealed is not None
    d._sealed._sent = 0
    return lambda: li.receive(d._sealed.seal(content))  # type: ignore[union-attr]


@pytest.mark.parametrize("key", NO_KEYS, ids=bytes.hex)
@pytest.mark.parametrize("signature", [bytes(64), b"\x01" + bytes(63), b"\xff" * 64])
def test_atk27_a_key_that_is_none_proves_nothing(key: bytes, signature: bytes) -> None:
    """faults ATK27: a nil key, or one of another kind, crashed the handshake; with some, any signature holds."""
    assert refusal(sealed_as_proof(b"\xf1" + key + B.public + signature)) is codes.HANDSHAKE_NOT_AUTHENTIC


@given(st.binary(max_size=200))
def test_atk27_whatever_is_sealed_as_a_proof_is_refused(content: bytes) -> None:
    """faults ATK27: any bytes behind an encryption that holds: other lengths, other types, nothing at all."""
    assert refusal(sealed_as_proof(content)) is not codes.UNKNOWN_NODE_KEY


@pytest.mark.parametrize(
    "ephemeral", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xed" + b"\xff" * 31]
)
def test_atk27_an_ephemeral_key_of_low_order_is_refused(ephemeral: bytes) -> None:
    """faults ATK27: with a zero ephemeral key everybody knows the secret of the channel."""
    li = listener()
    hello = li._hello[:-32] + ephemeral
    assert refusal(lambda: li.receive(hello)) is codes.WEAK_EPHEMERAL_KEY


# --- ATK33 ---


async def test_atk33_a_transaction_that_comes_through_every_door_at_once_is_one(chain: ChainNode) -> None:
    """faults ATK33: one transaction was twice in the pool of a node; here it comes in batches, at once and again."""
    ballot = chain.election.ballot(5)
    runtime = chain.running.runtime
    submissions = [runtime.submit([ballot] * 10, f"1.2.3.{i}") for i in range(20)]
    gossip = [runtime.intake.from_peer([ballot] * 10, f"peer {i}") for i in range(5)]
    verdicts = [verdict for found in await asyncio.gather(*submissions, *gossip) for verdict in found]
    assert sum(isinstance(verdict, Received) for verdict in verdicts) == 1
    await chain.running.until(lambda: chain.running.has(ballot))
    await runtime.submit([ballot], "1.2.3.4")
    await chain.at_rest()
    blocks = [chain.store.block(Height(height)) for height in range(1, chain.running.replica.tip.height + 1)]
    assert [tx for block in blocks if block is not None for tx in block.txs].count(ballot) == 1
    poll = chain.running.replica.state.poll(chain.election.POLL)
    assert poll is not None
    assert poll.ballots_size == 4  # voters 0 to 2 and this one


# --- ATK38: nothing that one peer can use up for others ---


def ballots(stage: Stage, count: int = 1) -> list[bytes]:
    return [stage.scene.election.ballot(voter) for voter in range(count)]


def verdicts(stage: Stage, raw: list[bytes], *, good: bool) -> list[Verdict]:
    """What the node's own judge says, whether or not the signatures hold."""
    judge = Judge(stage.replica, stage.node.journal, lambda: 0)
    looked = judge.look(raw, check_clock=False)
    return judge.admit(looked, [good] * len(looked.messages), "peer:evil")


def test_atk38_a_batch_that_found_no_room_is_asked_for_later(stage: Stage) -> None:
    """faults ATK38: a flooded node dropped batches that their sender counted as held, and was never told again."""
    (ballot,) = ballots(stage)
    stage.shell.room = False
    assert stage.say(Transactions((ballot,))) is None
    assert not stage.shell.to_judge
    stage.shell.room = True
    stage.shell.now_ms += RETRY_MS
    stage.dispatch.tick()
    assert WantTransactions((Hash(sha256(ballot)),)) in stage.answers()
    stage.say(Transactions((ballot,)))
    assert stage.shell.to_judge == [(ballot,)]


def test_atk38_a_flood_without_room_takes_no_more_memory_than_announcements(stage: Stage) -> None:
    """faults ATK38: what is asked for later is bounded for each peer by itself."""
    stage.shell.room = False
    for i in range(2 * limits.MAX_WANTED_PER_PEER // 4096):
        stage.say(Transactions(tuple(b"%d %d" % (i, k) for k in range(limits.MAX_BATCH_ITEMS))))
    assert len(stage.dispatch._gossip) <= limits.MAX_WANTED_PER_PEER


def test_atk38_who_asks_for_too_many_blocks_is_told_so(stage: Stage) -> None:
    """faults ATK38: silence made an honest node wait five seconds for each block that it asked a busy peer for."""
    stage.answers()
    for _ in range(ANSWERS_AT_ONCE // 10):
        stage.say(GetBlocks(Height(1), 16))
    answers = stage.answers()
    assert len(answers) == ANSWERS_AT_ONCE // 10 * 16
    refused = [answer for answer in answers if answer == NoBlock(Height(1))]
    assert len([answer for answer in answers if isinstance(answer, BlockResponse)]) <= ANSWERS_AT_ONCE
    assert refused
    stage.shell.now_ms += 1_000
    stage.say(GetBlocks(Height(1), 1))
    assert isinstance(stage.answers()[0], BlockResponse)


@pytest.mark.parametrize("ask", [lambda: GetBlocks(Height(1), 16), lambda: GetPastBlock(Height(1))])
def test_atk38_long_answers_cost_whoever_asks_for_them(
    stage: Stage, ask: Callable[[], Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    """faults ATK38, I7: questions of one frame for full blocks kept an event loop busy for many seconds."""
    found = stage.dispatch.answers.block(Height(1))
    assert found is not None
    monkeypatch.setattr("mvchain.node.allowance.BYTES_PER_ANSWER", len(found[0]) / 29)
    stage.answers()
    for _ in range(20):
        stage.say(ask())
    blocks = [answer for answer in stage.answers() if isinstance(answer, BlockResponse | PastBlock)]
    assert len(blocks) == ANSWERS_AT_ONCE // 30
    stage.shell.now_ms += 1_000
    stage.say(ask())
    more = [answer for answer in stage.answers() if isinstance(answer, BlockResponse | PastBlock)]
    assert 1 <= len(more) <= ANSWERS_PER_S // 30 + 1


def test_atk38_looking_up_what_is_not_here_uses_up_what_a_peer_may_ask(stage: Stage) -> None:
    """faults ATK38: questions for transactions cost the one who asks, found or not."""
    held = ballots(stage)[0]
    stage.scene.honest[0].submit(held)
    question = WantTransactions((Hash(sha256(held)),))
    stage.answers()
    stage.say(question)
    assert stage.answers() == [Transactions((held,))]
    unknown = tuple(Hash(sha256(b"%d" % i)) for i in range(limits.MAX_BATCH_ITEMS))
    for _ in range(1 + ANSWERS_AT_ONCE * HASHES_PER_ANSWER // limits.MAX_BATCH_ITEMS):
        stage.say(WantTransactions(unknown))
    stage.say(WantTransactions(unknown[:2_047] + question.hashes))
    assert not stage.answers()
    stage.shell.now_ms += 1_000 * 2_048 // (HASHES_PER_ANSWER * ANSWERS_PER_S)
    stage.say(WantTransactions(unknown[:2_047] + question.hashes))
    assert stage.answers() == [Transactions((held,))]


def test_atk38_junk_costs_the_peer_that_sends_it(stage: Stage) -> None:
    """faults ATK38, S23: bytes that no node takes were judged without end, whoever sent them."""
    stage.dispatch.judged("evil", verdicts(stage, [*ballots(stage), b"junk"], good=True))
    assert stage.shell.closed["evil"].code == codes.MALFORMED.code


def test_atk38_wrong_signatures_cost_the_peer_where_there_are_many(stage: Stage) -> None:
    """faults ATK38, S23: each costs a verification; a few may be honest, under a definition replaced since."""
    one = verdicts(stage, ballots(stage), good=False)
    for _ in range(ANSWERS_AT_ONCE):
        stage.dispatch.judged("evil", one)
        assert not stage.shell.closed
    stage.dispatch.judged("evil", one)
    assert stage.shell.closed["evil"].code == codes.BAD_SIGNATURE.code
    stage.dispatch.disconnected("evil")
    stage.dispatch.judged("evil", one)  # verdicts on what came from a peer that has left meanwhile


def test_atk38_what_is_not_admissible_here_is_nobodys_fault(stage: Stage) -> None:
    """faults ATK38: a peer may be ahead of this node, so a refusal that depends on the state blames nobody."""
    election = stage.scene.election
    raw = [election.ballot(0, 99), election.ballot(0, 0, 3), election.close, election.set_up[0]]
    for item in raw:
        decode_transaction(item)
    stage.dispatch.judged("evil", verdicts(stage, raw, good=True))
    assert not stage.shell.closed
