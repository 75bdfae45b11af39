"""Messages between nodes: one encoding each, bounds before decoding, and nothing but BadPeer for bad bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvchain.consensus.exchange import Contested, Holdings
from mvchain.core import codec, codes, limits
from mvchain.core.errors import BadPeer
from mvchain.core.types import Address, Hash, Height, PollNumber, Round
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.endorsements import Kind
from mvchain.node import wire
from mvchain.node.wire import (
    AskOwn,
    BlockResponse,
    CompactProposal,
    Endorsements,
    Evidence,
    GetBlocks,
    Goodbye,
    HaveTransactions,
    Message,
    NoBlock,
    OwnMessages,
    Ping,
    Status,
    Transactions,
    WantTransactions,
)
from mvchain.node.wire_past import (
    FinalProof,
    GetFinalProof,
    GetLightBlock,
    GetPastBlock,
    GetSnapshotPart,
    GetSnapshots,
    LightBlockResponse,
    PastBlock,
    SnapshotPart,
    Snapshots,
)

HASHES = tuple(Hash(bytes((i,)) * 32) for i in range(3))
BLOCK_ID = BlockID(b"h" * 32, PartSetHeader(64, b"p" * 32))


def holdings(**changes: object) -> Holdings:
    fields: dict[str, object] = {
        "height": Height(7),
        "round": Round(2),
        "proposals": (Round(0), Round(2)),
        "prevotes": ((Round(2), b"\x0f"), (Round(1), b"")),
        "precommits": ((Round(2), b"\x00\x01"),),
        "contested": (
            Contested(Round(1), Kind.PREVOTE, BLOCK_ID, b"\x03"),
            Contested(Round(0), Kind.PRECOMMIT, NIL_BLOCK_ID, b"\x05"),
        ),
    }
    return Holdings(**{**fields, **changes})  # type: ignore[arg-type]


EXAMPLES: list[Message] = [
    Status(holdings(), 3, Height(1)),
    CompactProposal(b"proposal", b"header", HASHES, (b"evidence",), b"commit"),
    Endorsements((b"a", b"b")),
    Evidence((b"e",)),
    AskOwn(Address(b"a" * 20)),
    OwnMessages((b"p",), (b"e", b"f")),
    Transactions((b"t" * 300, b"")),
    HaveTransactions(HASHES),
    WantTransactions(HASHES[:1]),
    GetBlocks(Height((1 << 63) - 1), 16),
    BlockResponse(Height(5), b"block", b"commit"),
    NoBlock(Height(9)),
    Ping(),
    Goodbye("MV-2133", "이유"),
    GetSnapshots(),
    Snapshots(((Height(2_000), HASHES[0]), (Height(1_000), HASHES[1]))),
    GetSnapshotPart(Height(1_000), 3),
    SnapshotPart(Height(1_000), 3, b"chunk"),
    GetLightBlock(0),
    LightBlockResponse(7, b"{}"),
    GetPastBlock(Height(7)),
    PastBlock(Height(7), b"numbers", b"block"),
    GetFinalProof(PollNumber(3)),
    FinalProof(PollNumber(3), b"proof"),
]

LARGEST: list[Message] = [
    Status(
        holdings(
            height=Height(wire.MAX_HEIGHT),
            proposals=(Round(limits.MAX_ROUND),) * limits.MAX_STATUS_ROUNDS,
            prevotes=((Round(limits.MAX_ROUND), b"\xff" * 13),) * limits.MAX_STATUS_BITMAPS,
            precommits=((Round(limits.MAX_ROUND), b"\xff" * 13),) * limits.MAX_STATUS_BITMAPS,
            contested=(Contested(Round(limits.MAX_ROUND), Kind.PREVOTE, BLOCK_ID, b"\xff" * 13),)
            * limits.MAX_STATUS_CONTESTED,
        ),
        255,
        Height(wire.MAX_HEIGHT),
    ),
    CompactProposal(
        b"p" * limits.MAX_PROPOSAL_BYTES,
        b"h" * limits.MAX_HEADER_BYTES,
        HASHES[:1] * limits.MAX_BLOCK_UNITS,
        (b"e" * limits.MAX_EVIDENCE_BYTES,) * limits.MAX_BLOCK_EVIDENCE,
        b"c" * limits.MAX_COMMIT_BYTES,
    ),
    Endorsements((b"e" * limits.MAX_ENDORSEMENT_BYTES,) * limits.MAX_ENDORSEMENTS_PER_MESSAGE),
    Evidence((b"e" * limits.MAX_EVIDENCE_BYTES,) * limits.MAX_BLOCK_EVIDENCE),
    OwnMessages(
        (b"p" * limits.MAX_PROPOSAL_BYTES,) * limits.MAX_OWN_MESSAGES,
        (b"e" * limits.MAX_ENDORSEMENT_BYTES,) * limits.MAX_OWN_MESSAGES,
    ),
    Transactions((b"t" * 62,) * limits.MAX_BATCH_ITEMS),
    HaveTransactions(HASHES[:1] * limits.MAX_BATCH_ITEMS),
    WantTransactions(HASHES[:1] * limits.MAX_BATCH_ITEMS),
    BlockResponse(Height(wire.MAX_HEIGHT), b"b" * limits.MAX_BLOCK_BYTES, b"c" * limits.MAX_COMMIT_BYTES),
    Goodbye("MV-2133", "r" * limits.MAX_GOODBYE_REASON_BYTES),
    Snapshots(((Height(wire.MAX_HEIGHT), HASHES[0]),) * limits.KEPT_SNAPSHOTS),
    GetSnapshotPart(Height(wire.MAX_HEIGHT), limits.MAX_SNAPSHOT_CHUNKS),
    SnapshotPart(Height(wire.MAX_HEIGHT), limits.MAX_SNAPSHOT_CHUNKS, b"c" * limits.SNAPSHOT_CHUNK_BYTES),
    GetLightBlock(wire.MAX_HEIGHT),
    LightBlockResponse(wire.MAX_HEIGHT, b"l" * limits.MAX_LIGHT_BLOCK_BYTES),
    GetPastBlock(Height(wire.MAX_HEIGHT)),
    PastBlock(
        Height(wire.MAX_HEIGHT),
        codec.encode((limits.MAX_NUMBER,) * limits.MAX_BLOCK_UNITS),
        b"b" * limits.MAX_BLOCK_BYTES,
    ),
    GetFinalProof(PollNumber(limits.MAX_NUMBER)),
    FinalProof(PollNumber(limits.MAX_NUMBER), b"p" * limits.MAX_FINAL_PROOF_BYTES),
]


def name_of(value: object) -> str:
    return type(value).__name__


def test_the_examples_cover_every_type() -> None:
    assert sorted(example.TYPE for example in EXAMPLES) == list(range(1, 25))


@pytest.mark.parametrize("message", EXAMPLES + LARGEST, ids=name_of)
def test_round_trip(message: Message) -> None:
    data = wire.encode(message)
    assert data[0] == message.TYPE
    assert wire.decode(data) == message


def test_bytes_of_some_messages() -> None:
    assert wire.encode(Ping()) == bytes.fromhex("0d90")
    assert wire.encode(GetBlocks(Height(300), 2)) == bytes.fromhex("0a92cd012c02")
    assert wire.encode(BlockResponse(Height(5), b"BB", b"C")) == bytes.fromhex(
        "0b0000000000000005000000014342 42".replace(" ", "")
    )


@pytest.mark.parametrize("message", EXAMPLES, ids=name_of)
def test_too_large_is_refused_before_decoding(message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object, **__: object) -> None:
        pytest.fail("it was decoded")

    monkeypatch.setattr(codec, "decode", decode)
    with pytest.raises(BadPeer) as caught:
        wire.decode(bytes((message.TYPE,)) + bytes(message.MAX_BYTES + 1))
    assert caught.value.cause is codes.TOO_LARGE


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x19\x90", b"\xf0\x90"])
def test_unknown_types(data: bytes) -> None:
    with pytest.raises(BadPeer) as caught:
        wire.decode(data)
    assert caught.value.cause is codes.UNKNOWN_MESSAGE


def hostile(type_: int, value: object) -> bytes:
    return bytes((type_,)) + codec.encode(value)


STATUS = (7, 2, 1, 1, (), (), (), ())


@pytest.mark.parametrize(
    "data",
    [
        hostile(1, STATUS[:7]),
        hostile(1, (*STATUS, 0)),
        hostile(1, (-1, *STATUS[1:])),
        hostile(1, (0, *STATUS[1:])),
        hostile(1, (1 << 63, *STATUS[1:])),
        hostile(1, (7, -1, *STATUS[2:])),
        hostile(1, (7, limits.MAX_ROUND + 1, *STATUS[2:])),
        hostile(1, (7, True, *STATUS[2:])),
        hostile(1, (*STATUS[:4], ((1, 2),), (), (), ())),
        hostile(1, (*STATUS[:4], (0,) * (limits.MAX_STATUS_ROUNDS + 1), (), (), ())),
        hostile(1, (*STATUS[:5], ((0, b"\xff" * 14),), (), ())),
        hostile(1, (*STATUS[:5], ((0, b""),) * (limits.MAX_STATUS_BITMAPS + 1), (), ())),
        hostile(1, (*STATUS[:7], ((0, 3, BLOCK_ID.encode(), b""),))),
        hostile(1, (*STATUS[:7], ((0, 1, b"", b""),))),
        hostile(1, (*STATUS[:7], ((0, 1, b"\x0a\x01h\x12\x00", b""),))),
        hostile(2, (b"", b"", (b"h" * 31,), (), b"")),
        hostile(2, (b"", b"", (HASHES[0],) * (limits.MAX_BLOCK_UNITS + 1), (), b"")),
        hostile(2, (b"", b"", (), (b"",) * (limits.MAX_BLOCK_EVIDENCE + 1), b"")),
        hostile(2, (b"", b"", (), (), b"c" * (limits.MAX_COMMIT_BYTES + 1))),
        hostile(3, ((b"",) * (limits.MAX_ENDORSEMENTS_PER_MESSAGE + 1),)),
        hostile(3, ((b"e" * (limits.MAX_ENDORSEMENT_BYTES + 1),),)),
        hostile(3, (("text",),)),
        hostile(5, (b"a" * 21,)),
        hostile(7, ((b"t" * (limits.MAX_TRANSACTION_BYTES + 1),),)),
        hostile(7, ((b"",) * (limits.MAX_BATCH_ITEMS + 1),)),
        hostile(8, ((b"h" * 33,),)),
        hostile(10, (0, 1)),
        hostile(10, (1, 0)),
        hostile(10, (1, 17)),
        hostile(12, (0,)),
        hostile(13, (1,)),
        hostile(14, ("MV-2133", b"bytes")),
        b"\x0b" + bytes(8) + bytes(4),  # height 0
        b"\x0b" + bytes(7) + b"\x01" + b"\x00\x00\x00\x02c",  # commit longer than the rest
        b"\x0b" + bytes(7) + b"\x01" + b"\xff\xff\xff\xff",
        b"\x0b" + bytes(7),
        b"\x0b\x80" + bytes(7) + bytes(4),  # height 2^63
        hostile(15, (1,)),
        hostile(16, (((1, HASHES[0]),) * (limits.KEPT_SNAPSHOTS + 1),)),
        hostile(16, (((0, HASHES[0]),),)),
        hostile(16, (((1, b"short"),),)),
        hostile(16, ((1,),)),
        hostile(17, (0, 0)),
        hostile(17, (1, limits.MAX_SNAPSHOT_CHUNKS + 1)),
        b"\x12" + bytes(12),  # height 0
        b"\x12" + bytes(7) + b"\x01" + bytes(3),
        b"\x12" + bytes(7) + b"\x01" + b"\xff\xff\xff\xff",
        hostile(19, (1 << 63,)),
        hostile(20, (1, b"l" * (limits.MAX_LIGHT_BLOCK_BYTES + 1))),
        hostile(21, (0,)),
        b"\x16" + bytes(12),  # height 0
        b"\x16" + bytes(7) + b"\x01" + b"\x00\x00\x00\x02n",  # numbers longer than the rest
        b"\x16" + bytes(7),
        hostile(23, (0,)),
        hostile(24, (1, b"p" * (limits.MAX_FINAL_PROOF_BYTES + 1))),
    ],
)
def test_malformed_messages(data: bytes) -> None:
    with pytest.raises(BadPeer) as caught:
        wire.decode(data)
    assert str(caught.value)


def test_an_encoding_that_is_not_the_shortest_is_refused() -> None:
    assert wire.decode(bytes.fromhex("0a920102")) == GetBlocks(Height(1), 2)
    with pytest.raises(BadPeer):
        wire.decode(bytes.fromhex("0a92cc0102"))


def decoded_or_refused(data: bytes) -> None:
    try:
        message = wire.decode(data)
    except BadPeer as error:
        str(error)  # the text can be made
    else:
        assert wire.encode(message) == data


@given(st.integers(0, 26), st.binary(max_size=64))
def test_any_bytes_are_a_message_or_refused(type_: int, body: bytes) -> None:
    decoded_or_refused(bytes((type_,)) + body)


LEAVES = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(max_size=40)
VALUES = st.recursive(LEAVES | st.text(max_size=4), lambda inner: st.lists(inner, max_size=8), max_leaves=20)


@given(st.integers(1, 24), VALUES)
def test_any_value_is_a_message_or_refused(type_: int, value: object) -> None:
    decoded_or_refused(hostile(type_, value))


@given(st.sampled_from(EXAMPLES), st.data())
def test_altered_messages_are_messages_or_refused(message: Message, data: st.DataObject) -> None:
    encoded = bytearray(wire.encode(message))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(encoded)))
    decoded_or_refused(bytes(encoded))
    decoded_or_refused(bytes(encoded[:cut]))


@given(st.lists(st.integers(0, limits.MAX_TRANSACTION_BYTES), max_size=30))
def test_batches_keep_order_and_bounds(sizes: list[int]) -> None:
    items = [(Hash(i.to_bytes(32, "big")), bytes(size)) for i, size in enumerate(sizes)]
    packed = list(wire.batches(items))
    pairs = [pair for m, hashes in packed for pair in zip(hashes, m.items, strict=True)]
    assert pairs == items
    for message, _ in packed:
        assert sum(map(len, message.items)) <= limits.MAX_BATCH_BYTES
        assert wire.decode(wire.encode(message)) == message
    for (first, _), (second, _) in pairwise(packed):
        assert sum(map(len, first.items)) + len(second.items[0]) > limits.MAX_BATCH_BYTES


def test_batches_are_bounded_in_number() -> None:
    count = limits.MAX_BATCH_ITEMS + 1
    packed = list(wire.batches((HASHES[0], b"") for _ in range(count)))
    assert [len(message.items) for message, _ in packed] == [limits.MAX_BATCH_ITEMS, 1]


def test_a_long_reason_is_cut_between_characters() -> None:
    error = BadPeer(codes.GOODBYE_FROM_PEER, code="x", reason="가" * 1000)
    farewell = wire.goodbye(error)
    assert farewell.code == "MV-2135"
    assert len(farewell.reason.encode()) <= limits.MAX_GOODBYE_REASON_BYTES
    assert wire.decode(wire.encode(farewell)) == farewell
