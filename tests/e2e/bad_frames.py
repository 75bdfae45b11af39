"""What callers of the peer port send that no honest node sends, before and after the handshake."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from mvchain.consensus.exchange import Holdings
from mvchain.core import codec, codes
from mvchain.core.errors import Cause
from mvchain.core.hashing import sha256
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.types import Address, Height, PollNumber, PublicKey, Round, Signature, TimeNs
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import ABSENT_SIG, Block, Commit, CommitSig, Flag, block_id_of
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal, endorsement_sign_bytes
from mvchain.ledger.validators import address_of
from mvchain.node import wire
from mvchain.node.handshake import PROTOCOL_VERSION, Dialler
from mvchain.node.peer import MAX_FRAME_BYTES
from mvchain.node.wire import (
    BlockResponse,
    CompactProposal,
    Endorsements,
    GetBlocks,
    Goodbye,
    NoBlock,
    OwnMessages,
    Ping,
    Status,
)
from mvchain.node.wire_past import FinalProof, GetSnapshotPart, LightBlockResponse, PastBlock, SnapshotPart, Snapshots
from tests.e2e.caller import Caller, dialler_to, told, with_remedy
from tests.e2e.stage import Answer, Row, Stage, until

# --- before the handshake ---


def calling(name: str, cause: Cause, data: Callable[[Stage], bytes]) -> Row:
    """The first bytes of a connection."""

    async def send(stage: Stage) -> Answer:
        caller = await Caller.open(stage)
        caller.write(data(stage))
        return await caller.farewell(stage)

    return Row(f"call: {name}", cause, send)


def shaking(name: str, cause: Cause, make: Callable[[Stage], Dialler]) -> Row:
    """A handshake that goes well until the proof."""

    async def send(stage: Stage) -> Answer:
        caller, dialler = await Caller.open(stage), make(stage)
        caller.frame(dialler.start())
        caller.frame(dialler.receive(await caller.read_frame()))
        return await told(stage, caller, dialler)

    return Row(f"call: {name}", cause, send)


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _hello(stage: Stage, version: int = PROTOCOL_VERSION, genesis: bytes = b"", ephemeral: bytes = b"") -> bytes:
    return _framed(
        b"\xf0" + version.to_bytes(2, "big") + (genesis or stage.genesis.hash) + (ephemeral or random.randbytes(32))
    )


@dataclass
class StolenName:
    """Says that it is one node and signs with the key of another: a stand-in for a node key."""

    public: PublicKey
    signs: SigningKey

    def sign(self, purpose: Purpose, message: bytes) -> Signature:
        return self.signs.sign(purpose, message)


def _liar(stage: Stage) -> Dialler:
    name = StolenName(stage.node_key(stage.impostor), SigningKey.generate())
    return dialler_to(stage, name)  # type: ignore[arg-type]


async def _stutters(stage: Stage) -> Answer:
    """A hello where the proof has to come."""
    caller, dialler = await Caller.open(stage), dialler_to(stage, stage.observer)
    caller.frame(dialler.start())
    dialler.receive(await caller.read_frame())
    caller.frame(dialler.start())
    return await told(stage, caller, dialler)


async def _silent(stage: Stage) -> Answer:
    """Connected when the network was started, and has said nothing since."""
    assert stage.silent is not None
    return await Caller(*stage.silent).farewell(stage)


async def _crowd(stage: Stage) -> Answer:
    """More callers than an address has places; those who are turned away are told nothing, the operator is."""
    mark = "connection from 127.0.0.1 refused: "
    log = stage.network.log_path(stage.target)
    told_before = log.read_text().count(codes.TOO_MANY_CONNECTIONS.code)
    callers = [await Caller.open(stage) for _ in range(32)]

    async def logged() -> bool:
        # Refusals are logged once in a second, so it may take more than one.
        await (await Caller.open(stage)).until_closed()
        return log.read_text().count(codes.TOO_MANY_CONNECTIONS.code) > told_before

    await until(logged)
    for caller in callers:
        caller.close()
    line = next(line for line in reversed(log.read_text().splitlines()) if codes.TOO_MANY_CONNECTIONS.code in line)
    reason = line.partition(mark)[2].partition(" (")[0]
    return await with_remedy(stage, codes.TOO_MANY_CONNECTIONS.code, reason)


CALLS = (
    calling("an HTTP request", codes.FRAME_SIZE, lambda _: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    calling("a frame of 2^32 - 1 bytes", codes.FRAME_SIZE, lambda _: b"\xff" * 8),
    calling("an empty frame", codes.BAD_HANDSHAKE, lambda _: _framed(b"")),
    calling("noise", codes.BAD_HANDSHAKE, lambda _: _framed(random.randbytes(67))),
    calling("a message instead of a hello", codes.BAD_HANDSHAKE, lambda _: _framed(wire.encode(Ping()))),
    calling("a broken Goodbye", codes.MALFORMED, lambda _: _framed(b"\x0e\xc1")),
    calling("another version", codes.PROTOCOL_VERSION_DIFFERS, lambda s: _hello(s, PROTOCOL_VERSION + 1)),
    calling("another chain", codes.GENESIS_DIFFERS, lambda s: _hello(s, genesis=sha256(b"another"))),
    calling("a weak key", codes.WEAK_EPHEMERAL_KEY, lambda s: _hello(s, ephemeral=bytes(31) + b"\x00")),
    shaking("an unknown node", codes.UNKNOWN_NODE_KEY, lambda s: dialler_to(s, SigningKey.generate())),
    shaking("the node itself", codes.SELF_CONNECTION, lambda s: dialler_to(s, s.network.key(s.target, "node"))),
    shaking(
        "who means another node",
        codes.WRONG_ADDRESSEE,
        lambda s: dialler_to(s, s.observer, wanted=s.node_key(s.small)),
    ),
    shaking("a forged proof", codes.HANDSHAKE_NOT_AUTHENTIC, _liar),
    Row("call: a hello twice", codes.HANDSHAKE_NOT_AUTHENTIC, _stutters),
    Row("call: silence", codes.HANDSHAKE_TIMEOUT, _silent),
    Row("call: a crowd", codes.TOO_MANY_CONNECTIONS, _crowd),
)


# --- as a known node ---


def saying(name: str, cause: Cause, make: Callable[[Stage, Height], bytes]) -> Row:
    """A message from a known node; the height is the one that is being decided."""

    async def send(stage: Stage) -> Answer:
        message = make(stage, await _next_height(stage))
        return await _to_peer(stage, lambda caller: caller.sealed(message))

    return Row(f"peer: {name}", cause, send)


def framing(name: str, cause: Cause, write: Callable[[Caller], None]) -> Row:
    """Frames from a known node."""

    return Row(f"peer: {name}", cause, lambda stage: _to_peer(stage, write))


async def _to_peer(stage: Stage, write: Callable[[Caller], None]) -> Answer:
    """What is said to frames after a good handshake."""
    caller = await Caller.peer(stage, stage.observer)
    write(caller)
    return await caller.farewell(stage)


async def _next_height(stage: Stage) -> Height:
    return Height(int(str((await stage.client.status())["height"])) + 1)


def _altered(caller: Caller) -> None:
    assert caller.channel is not None
    sealed = bytearray(caller.channel.seal(wire.encode(Ping())))
    sealed[-1] ^= 1
    caller.frame(bytes(sealed))


def _repeated(caller: Caller) -> None:
    assert caller.channel is not None
    sealed = caller.channel.seal(wire.encode(Ping()))
    caller.frame(sealed)
    caller.frame(sealed)


def _out_of_order(caller: Caller) -> None:
    assert caller.channel is not None
    first, second = (caller.channel.seal(wire.encode(Ping())) for _ in range(2))
    caller.frame(second)
    caller.frame(first)


async def _twice(stage: Stage) -> Answer:
    """Two connections in the name of one node: the first has to go."""
    key = stage.network.key(stage.impostor, "node")
    first = await Caller.peer(stage, key)
    second = await Caller.peer(stage, key)
    answer = await first.farewell(stage)
    second.close()
    return answer


BLOCK_ID = BlockID.decode(b"\x0a\x20" + sha256(b"a block") + b"\x12\x24\x08\x01\x12\x20" + sha256(b"its parts"))
NOW_NS = TimeNs(1_800_000_000_000_000_000)


def _endorsement(stage: Stage, height: Height) -> Endorsement:
    """Of the impostor's validator, with a signature that says nothing."""
    validator = _validator(stage, stage.impostor)
    index, found = stage.genesis.validators().by_address(validator) or (0, None)
    assert found is not None
    return Endorsement(Kind.PREVOTE, height, Round(0), BLOCK_ID, NOW_NS, validator, index, Signature(bytes(64)))


def _validator(stage: Stage, number: int) -> Address:
    return address_of(stage.genesis.agencies[number - 1].validator_key)


def _endorses(**changes: object) -> Callable[[Stage, Height], bytes]:
    return lambda stage, height: wire.encode(
        Endorsements((replace(_endorsement(stage, height), **changes).encode(),))  # type: ignore[arg-type]
    )


def _proposal(stage: Stage, height: Height, **changes: object) -> Proposal:
    """A proposal that the impostor's validator may make and really signs, in one of the next rounds."""
    validators = stage.genesis.validators()
    key = stage.network.key(stage.impostor, "validator")
    turn = next(r for r in range(4) if validators.proposer(height, Round(r)).public_key == key.public)
    proposal = Proposal(height, Round(turn), Round(-1), BLOCK_ID, NOW_NS, Signature(bytes(64)))
    proposal = replace(proposal, **changes)  # type: ignore[arg-type]
    signature = key.sign(Purpose.CONSENSUS, proposal.sign_bytes(stage.genesis.chain_id))
    return replace(proposal, signature=signature)


def _proposes(alter: Callable[[Proposal], Proposal]) -> Callable[[Stage, Height], bytes]:
    """A proposal without a block."""
    return lambda stage, height: wire.encode(
        CompactProposal(alter(_proposal(stage, height)).encode(), b"", (), (), b"")
    )


async def _other_header(stage: Stage) -> Answer:
    """A signed proposal with the header of another block."""
    height = await _next_height(stage)
    block, commit = await stage.client.block_bytes(height - 1)
    header = Block.decode(block).header
    message = wire.encode(CompactProposal(_proposal(stage, height).encode(), header.encode(), (), (), commit))
    return await _to_peer(stage, lambda caller: caller.sealed(message))


def _typed(number: int, body: bytes) -> Callable[[Stage, Height], bytes]:
    return lambda _stage, _height: bytes((number,)) + body


MESSAGES = (
    framing("a frame of 0 bytes", codes.FRAME_SIZE, lambda c: c.write(bytes(4))),
    framing("a frame of 2^32 - 1 bytes", codes.FRAME_SIZE, lambda c: c.write(b"\xff" * 4)),
    framing("a frame one byte too long", codes.FRAME_SIZE, lambda c: c.write((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))),
    framing("an altered frame", codes.FRAME_NOT_AUTHENTIC, _altered),
    framing("a frame twice", codes.FRAME_NOT_AUTHENTIC, _repeated),
    framing("frames out of order", codes.FRAME_NOT_AUTHENTIC, _out_of_order),
    Row("peer: two connections", codes.DUPLICATE_CONNECTION, _twice),
    saying("a message of type 99", codes.UNKNOWN_MESSAGE, _typed(99, b"\x90")),
    saying("a handshake again", codes.UNKNOWN_MESSAGE, _typed(0xF0, bytes(66))),
    saying("a ping of 1,000 bytes", codes.TOO_LARGE, _typed(Ping.TYPE, bytes(1_000))),
    saying("a status that is no msgpack", codes.MALFORMED, _typed(Status.TYPE, b"\xc1")),
    saying("a Goodbye in a longer form", codes.NOT_CANONICAL, _typed(Goodbye.TYPE, b"\x92\xd9\x01x\xa1y")),
    saying("a status nested 40 deep", codes.TOO_DEEP, _typed(Status.TYPE, b"\x91" * 40 + b"\xc0")),
    saying("a height of 0", codes.MALFORMED, _typed(Status.TYPE, codec.encode((0, 0, 0, 0, (), (), (), ())))),
    saying("a request for 17 blocks", codes.MALFORMED, _typed(GetBlocks.TYPE, codec.encode((1, 17)))),
    saying("a block nobody asked for", codes.UNASKED_ANSWER, lambda _, h: wire.encode(BlockResponse(h, b"", b""))),
    saying("a refusal nobody asked for", codes.UNASKED_ANSWER, lambda _, h: wire.encode(NoBlock(h))),
    saying("own messages nobody asked for", codes.UNASKED_ANSWER, lambda *_: wire.encode(OwnMessages((), ()))),
    saying("snapshots nobody asked for", codes.UNASKED_ANSWER, lambda *_: wire.encode(Snapshots(()))),
    saying("a chunk nobody asked for", codes.UNASKED_ANSWER, lambda _, h: wire.encode(SnapshotPart(h, 1, b"x"))),
    saying(
        "a light block nobody asked for", codes.UNASKED_ANSWER, lambda _, h: wire.encode(LightBlockResponse(h, b""))
    ),
    saying("a past block nobody asked for", codes.UNASKED_ANSWER, lambda _, h: wire.encode(PastBlock(h, b"", b""))),
    saying(
        "a final proof nobody asked for", codes.UNASKED_ANSWER, lambda *_: wire.encode(FinalProof(PollNumber(1), b""))
    ),
    saying("a chunk of 2 MiB", codes.TOO_LARGE, _typed(SnapshotPart.TYPE, bytes(2 << 20))),
    saying("a question for chunk 2^31", codes.MALFORMED, _typed(GetSnapshotPart.TYPE, codec.encode((1, 1 << 31)))),
    saying("a prevote of noise", codes.BAD_ENDORSEMENT, lambda *_: wire.encode(Endorsements((b"\xff\xff\xff",)))),
    saying(
        "a prevote and a byte",
        codes.MALFORMED,
        lambda s, h: wire.encode(Endorsements((_endorsement(s, h).encode() + b"\0",))),
    ),
    saying("a prevote of height 0", codes.BAD_ENDORSEMENT, _endorses(height=Height(0))),
    saying("a prevote of validator 100", codes.BAD_ENDORSEMENT, _endorses(index=100)),
    saying("a prevote with half a signature", codes.BAD_ENDORSEMENT, _endorses(signature=Signature(bytes(32)))),
    saying("a forged prevote", codes.FORGED_SIGNATURE, _endorses()),
    saying("a prevote under another's index", codes.FORGED_SIGNATURE, _endorses(index=99)),
    saying(
        "a proposal of noise", codes.BAD_PROPOSAL, lambda *_: wire.encode(CompactProposal(b"\xff", b"", (), (), b""))
    ),
    saying(
        "a proposal with a lock of a later round",
        codes.BAD_PROPOSAL,
        _proposes(lambda p: replace(p, pol_round=Round(p.round + 1))),
    ),
    saying(
        "a proposal of 2^31 - 1 parts",
        codes.BAD_PROPOSAL,
        _proposes(lambda p: replace(p, block_id=replace(BLOCK_ID, parts=replace(BLOCK_ID.parts, total=2**31 - 1)))),
    ),
    saying(
        "a forged proposal",
        codes.FORGED_SIGNATURE,
        _proposes(lambda p: replace(p, signature=Signature(bytes(64)))),
    ),
    saying("a proposal out of turn", codes.FORGED_SIGNATURE, _proposes(lambda p: replace(p, round=Round(p.round + 1)))),
    saying("a signed proposal without a block", codes.MALFORMED, _proposes(lambda p: p)),
    Row("peer: a signed proposal for another block", codes.COMPACT_PROPOSAL_MISMATCH, _other_header),
)


# --- answers with forged blocks, to a node that was made to believe it is behind ---

Forge = Callable[[Stage, Block, Commit], tuple[bytes, bytes]]
"""Encoded block and commit, from a made-up next block and a commit for it with two of four signatures."""
LATE_ROUND = Round(999)


def answering(name: str, cause: Cause, forge: Forge) -> Row:
    """An observer claims to be ahead, is asked for the next block, and answers."""

    async def send(stage: Stage) -> Answer:
        height = await _next_height(stage)
        last, _ = await stage.client.block_bytes(height - 1)
        block = replace(Block.decode(last), txs=())
        block = replace(block, header=replace(block.header, height=height))
        caller = await Caller.peer(stage, stage.observer)
        claim = Holdings(Height(height + 3), Round(0), (), (), (), ())
        caller.sealed(wire.encode(Status(claim, 0, Height(1))))
        while True:
            message = await caller.read()
            if isinstance(message, GetBlocks) and message.from_height == height:
                break
        encoded, commit = forge(stage, block, _commit(stage, block))
        caller.sealed(wire.encode(BlockResponse(height, encoded, commit)))
        return await caller.farewell(stage)

    return Row(f"peer: {name}", cause, send)


def _commit(stage: Stage, block: Block) -> Commit:
    block_id = block_id_of(block.header, block.encode())
    height, chain_id = block.header.height, stage.genesis.chain_id
    signing = {key.public: key for key in (stage.network.key(n, "validator") for n in (stage.impostor, stage.small))}
    entries = []
    for validator in stage.genesis.validators():
        key = signing.get(validator.public_key)
        if key is None:
            entries.append(ABSENT_SIG)
            continue
        signed = endorsement_sign_bytes(Kind.PRECOMMIT, height, LATE_ROUND, block_id, NOW_NS, chain_id)
        entries.append(CommitSig(Flag.COMMIT, validator.address, NOW_NS, key.sign(Purpose.CONSENSUS, signed)))
    return Commit(height, LATE_ROUND, block_id, tuple(entries))


def _with_entry(commit: Commit, change: Callable[[CommitSig], CommitSig]) -> Commit:
    """The commit with its first signature changed."""
    at = next(i for i, entry in enumerate(commit.signatures) if entry.flag is Flag.COMMIT)
    entries = list(commit.signatures)
    entries[at] = change(entries[at])
    return replace(commit, signatures=tuple(entries))


def committed(name: str, cause: Cause, change: Callable[[Commit], Commit]) -> Row:
    """The block is in order, the commit is not."""
    return answering(name, cause, lambda _, block, commit: (block.encode(), change(commit).encode()))


BLOCKS = (
    answering("a block of noise", codes.MALFORMED, lambda _s, _b, commit: (b"\xff" * 100, commit.encode())),
    committed("a commit without entries", codes.BAD_COMMIT_FORM, lambda c: replace(c, signatures=())),
    committed(
        "a commit with half a signature",
        codes.BAD_COMMIT_ENTRY,
        lambda c: _with_entry(c, lambda entry: replace(entry, signature=entry.signature[:32])),
    ),
    committed("a commit of another height", codes.COMMIT_HEIGHT, lambda c: replace(c, height=Height(c.height + 1))),
    committed("a commit for another block", codes.COMMIT_BLOCK, lambda c: replace(c, block_id=BLOCK_ID)),
    committed("a commit of three validators", codes.COMMIT_COUNT, lambda c: replace(c, signatures=c.signatures[:3])),
    committed(
        "a commit with a stranger's entry",
        codes.COMMIT_ADDRESS,
        lambda c: _with_entry(c, lambda entry: replace(entry, address=bytes(20))),
    ),
    committed(
        "a commit with a forged signature",
        codes.COMMIT_SIGNATURE,
        lambda c: _with_entry(c, lambda entry: replace(entry, signature=bytes(64))),
    ),
    committed("a commit of half the agencies", codes.COMMIT_POWER, lambda c: c),
)

FRAMES = (*CALLS, *MESSAGES, *BLOCKS)
