"""Light blocks over JSON-RPC: from an honest node; from any other a value or our error (C97 to C120)."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core import codes
from mvchain.core.errors import BadProof, BadRequest, Cause, MvchainError
from mvchain.core.limits import MAX_VALIDATORS
from mvchain.core.types import Height
from mvchain.ledger.blocks import ABSENT_SIG
from mvchain.light import fetch_rpc
from mvchain.light.blocks import LightBlock, check_light_block
from mvchain.light.fetch_rpc import MAX_ANSWER_BYTES, RpcNode
from mvchain.light.transport import Deadline, parse_address
from tests.ledger.chain_helpers import mutations
from tests.light.light_chain import GENESIS, KEYS, LightChain, make_light_chain, sign
from tests.light.little_server import Handler, LittleNode, answering, commit_result, serving, validators_result

CHAIN = make_light_chain(5)
MALFORMED = codes.MALFORMED_RPC_ANSWER


def node(url: str) -> RpcNode:
    return RpcNode(parse_address(url))


# --- an honest node ---


@pytest.mark.parametrize("height", [1, 2, 5])
def test_a_block(height: int) -> None:
    with serving(LittleNode(CHAIN)) as url:
        assert node(url).light_block(Height(height)) == CHAIN[height]


def test_the_newest() -> None:
    with serving(LittleNode(CHAIN)) as url:
        assert node(url).light_block(None) == CHAIN[5]


@pytest.mark.parametrize("marks", ["ccca", "nccc", "accn"])
def test_absent_and_nil_entries(marks: str) -> None:
    """Nil is left out, as in a document of our own: nobody verifies it, so it must not be passed on."""
    block = sign(CHAIN[5].header, KEYS, marks)
    with serving(LittleNode(LightChain(GENESIS, (*CHAIN.blocks[:4], block)))) as url:
        found = node(url).light_block(Height(5))
    expected = tuple(
        entry if mark == "c" else ABSENT_SIG for mark, entry in zip(marks, block.commit.signatures, strict=True)
    )
    assert found == replace(block, commit=replace(block.commit, signatures=expected))
    check_light_block(found, GENESIS.chain_id)


def test_a_set_of_many() -> None:
    """All on one page (C114)."""
    chain = make_light_chain(2, MAX_VALIDATORS)
    with serving(LittleNode(chain)) as url:
        assert node(url).light_block(Height(2)) == chain[2]


@pytest.mark.parametrize("per_page", [1, 30, 39])
def test_a_page_that_is_not_full(per_page: int) -> None:
    """With one validator on each page, a hostile node could make one light block take a hundred exchanges."""
    asked = []

    class Sparing(LittleNode):
        def rpc(self, call: Any) -> Any:
            asked.append(call["method"])
            return super().rpc(call)

    little = Sparing(make_light_chain(2, 40))
    little.per_page = per_page
    assert refusal(little, 2).cause is MALFORMED
    assert asked == ["commit", "validators"]


def test_one_deadline_for_all_of_a_light_block(monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines = []

    def exchange(*_: object, deadline: Deadline, **__: object) -> tuple[int, bytes]:
        deadlines.append(deadline)
        return 200, wrapped(COMMIT if len(deadlines) == 1 else VALIDATORS)

    monkeypatch.setattr(fetch_rpc, "exchange", exchange)
    node("http://node.example").light_block(Height(5))
    first, second = deadlines
    assert first is second


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ("height 7 must be less than or equal to the current blockchain height 5", codes.BLOCK_UNKNOWN),
        ("height 1 is not available, lowest height is 3", codes.BLOCK_UNKNOWN),
        ("height must be greater than 0, but got 0", codes.NODE_REFUSED),
        ("", codes.NODE_REFUSED),
        (None, codes.NODE_REFUSED),
        ("is not available", codes.NODE_REFUSED),
    ],
)
def test_errors(told: str | None, cause: Cause) -> None:
    """C133, C134."""
    error = {"code": -32603, "message": "Internal error", "data": told}
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
    assert refusal(answering(answer)).cause is cause


def refusal(handle: Handler, height: int = 5) -> MvchainError:
    with serving(handle) as url, pytest.raises(MvchainError) as caught:
        node(url).light_block(Height(height))
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value


# --- other answers ---


def answers(commit: Any, validators: Any = None) -> LightBlock:
    """What the reader makes of these results, without a socket."""
    results = iter([commit, validators])

    def exchange(*_: object, **__: object) -> tuple[int, bytes]:
        result = next(results)
        return 200, result if isinstance(result, bytes) else wrapped(result)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch_rpc, "exchange", exchange)
        return node("http://node.example").light_block(Height(5))


def wrapped(result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()


COMMIT = commit_result(CHAIN[5])
VALIDATORS = validators_result(CHAIN[5], 1, 100)


def changed(result: Any, *path: str | int, value: Any) -> Any:
    """A copy with one value replaced."""
    copy = json.loads(json.dumps(result))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return copy


def code_of(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(BadProof) as caught:
        call(*args)
    assert caught.value.detail
    return caught.value.code


def test_the_reader_without_a_socket() -> None:
    assert answers(COMMIT, VALIDATORS) == CHAIN[5]


HEADER = ("signed_header", "header")
HEX_FIELDS = [
    (*HEADER, name)
    for name in (
        "last_commit_hash",
        "data_hash",
        "validators_hash",
        "next_validators_hash",
        "consensus_hash",
        "app_hash",
        "last_results_hash",
        "evidence_hash",
        "proposer_address",
    )
] + [
    (*HEADER, "last_block_id", "parts", "hash"),
    ("signed_header", "commit", "block_id", "hash"),
    ("signed_header", "commit", "block_id", "parts", "hash"),
    ("signed_header", "commit", "signatures", 1, "validator_address"),
]


@pytest.mark.parametrize("path", HEX_FIELDS)
def test_hex(path: tuple[str | int, ...]) -> None:
    """Of either case (C105), and exactly as long as it has to be."""
    holder: Any = COMMIT
    for step in path:
        holder = holder[step]
    good: str = holder
    assert answers(changed(COMMIT, *path, value=good.lower()), VALIDATORS) == CHAIN[5]
    for bad in (
        good[2:],
        good + "00",
        good[:-1] + "G",
        " " * len(good),
        good[:-2] + "  ",
        "0x" + good[2:],
        "",
        None,
        7,
    ):
        assert code_of(answers, changed(COMMIT, *path, value=bad), VALIDATORS) == MALFORMED.code


INTEGER_TEXTS = [
    (*HEADER, "height"),
    (*HEADER, "version", "block"),
    (*HEADER, "version", "app"),
    ("signed_header", "commit", "height"),
]
NO_INTEGERS = ["", "-1", "05", "5.0", "5e0", "+5", " 5", "٥", "1" * 20, "9223372036854775808", "x", 5, True, None, [5]]


@pytest.mark.parametrize("path", INTEGER_TEXTS)
def test_integers_in_texts(path: tuple[str | int, ...]) -> None:
    """C104, ATK21: one way to write each, in 63 bits."""
    for bad in NO_INTEGERS:
        assert code_of(answers, changed(COMMIT, *path, value=bad), VALIDATORS) == MALFORMED.code


SIGNATURE = ("signed_header", "commit", "signatures", 0)
OTHERS: list[tuple[tuple[str | int, ...], list[Any]]] = [
    (("signed_header", "commit", "round"), ["1", -1, 1_000_001, True, None]),
    ((*HEADER, "last_block_id", "parts", "total"), ["1", 0, -1, 65, 2**32, None]),
    (("signed_header", "commit", "block_id", "parts", "total"), ["1", 0, 2**32]),
    ((*HEADER, "chain_id"), [7, None, "c" * 51]),
    ((*HEADER, "time"), [7, None, "2026-02-02T02:40:20.1234567890Z"]),
    ((*SIGNATURE, "block_id_flag"), [0, 4, "2", True, None]),
    ((*SIGNATURE, "signature"), ["A", "*" * 88, "A" * 100, 7]),
    (("signed_header", "commit", "signatures"), [None, {}, [None] * 4, [{}] * 4, [{}] * 101]),
    (HEADER, [None, [], "header"]),
    (("signed_header",), [None, [], {}]),
]


@pytest.mark.parametrize(("path", "values"), OTHERS)
def test_other_values(path: tuple[str | int, ...], values: list[Any]) -> None:
    for bad in values:
        assert code_of(answers, changed(COMMIT, *path, value=bad), VALIDATORS) == MALFORMED.code


@pytest.mark.parametrize("path", [HEADER, ("signed_header", "commit")])
def test_a_missing_member(path: tuple[str, ...]) -> None:
    holder: Any = COMMIT
    for step in path:
        holder = holder[step]
    for name in holder:
        without = {other: value for other, value in holder.items() if other != name}
        assert code_of(answers, changed(COMMIT, *path, value=without), VALIDATORS) == MALFORMED.code


def test_a_signature_that_is_missing_is_found_by_the_basic_check() -> None:
    block = answers(changed(COMMIT, *SIGNATURE, "signature", value=None), VALIDATORS)
    with pytest.raises(BadProof) as caught:
        check_light_block(block, GENESIS.chain_id)
    assert caught.value.cause is codes.BAD_COMMIT_ENTRY


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("total",), ["0", "3", "5", "100", "101", "-4", 4, None]),
        (("validators",), [None, {}, [], [None], VALIDATORS["validators"] * 2]),
        (("validators", 0, "address"), [VALIDATORS["validators"][1]["address"], "", "00" * 20, None]),
        (("validators", 0, "pub_key"), [None, "key", {}]),
        (("validators", 0, "pub_key", "type"), ["tendermint/PubKeySecp256k1", "", None]),
        (("validators", 0, "pub_key", "value"), ["", "AA==", "A" * 48, None, VALIDATORS["validators"][1]["address"]]),
        (("validators", 0, "voting_power"), ["0", "-10", 10, "1152921504606846976", None]),
    ],
)
def test_other_validators(path: tuple[str | int, ...], values: list[Any]) -> None:
    for bad in values:
        with pytest.raises(BadProof) as caught:
            answers(COMMIT, changed(VALIDATORS, *path, value=bad))
        assert caught.value.cause in (MALFORMED, codes.VALIDATOR_KEY_LENGTH)


def test_a_validator_twice() -> None:
    twice = changed(VALIDATORS, "validators", 1, value=VALIDATORS["validators"][0])
    assert code_of(answers, COMMIT, twice) == codes.VALIDATOR_TWICE.code


def test_another_power_is_found_by_the_basic_check() -> None:
    block = answers(COMMIT, changed(VALIDATORS, "validators", 0, "voting_power", value="11"))
    with pytest.raises(BadProof) as caught:
        check_light_block(block, GENESIS.chain_id)
    assert caught.value.cause is codes.LIGHT_BLOCK_POWER


BODIES: dict[str, tuple[bytes, Cause]] = {
    "nothing": (b"", codes.MALFORMED),
    "no JSON": (b"<html>", codes.MALFORMED),
    "an array": (b"[]", MALFORMED),
    "another id": (wrapped(COMMIT).replace(b'"id": 1', b'"id": 2'), MALFORMED),
    "an id as text": (wrapped(COMMIT).replace(b'"id": 1', b'"id": "1"'), MALFORMED),
    "no id": (wrapped(COMMIT).replace(b'"id": 1, ', b""), MALFORMED),
    "no result": (b'{"jsonrpc":"2.0","id":1}', MALFORMED),
    "an error that is none": (b'{"id":1,"error":[]}', MALFORMED),
    "an error with a huge code": (b'{"id":1,"error":{"code":1e999}}', codes.BAD_NUMBER),
    "a huge number": (wrapped(COMMIT).replace(b'"round": 1', b'"round": ' + b"1" * 100_000), codes.BAD_NUMBER),
    "a fraction": (wrapped(COMMIT).replace(b'"round": 1', b'"round": 1.0'), codes.BAD_NUMBER),
    "a name twice": (wrapped(COMMIT).replace(b'"round": 1', b'"round": 1, "round": 1'), codes.DUPLICATE_NAME),
    "deep": (b'{"a":' * 5_000, codes.TOO_DEEP),
}


@pytest.mark.parametrize("name", BODIES)
def test_other_bodies(name: str) -> None:
    body, cause = BODIES[name]
    assert code_of(answers, body) == cause.code


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [
        (b"a" * (MAX_ANSWER_BYTES + 1), 200, codes.ANSWER_TOO_LARGE),
        (wrapped(COMMIT), 500, codes.NODE_REFUSED),
        (wrapped(COMMIT), 302, codes.NODE_REFUSED),
        (b"", 404, codes.NODE_REFUSED),
    ],
)
def test_other_answers(body: bytes, status: int, cause: Cause) -> None:
    found = refusal(answering(body, status))
    assert isinstance(found, BadRequest)
    assert found.cause is cause


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(BadRequest) as caught:
        node(f"http://127.0.0.1:{port}").light_block(None)
    assert caught.value.cause is codes.SERVER_UNREACHABLE


@settings(max_examples=200)
@given(mutations(wrapped(COMMIT)), mutations(wrapped(VALIDATORS)), st.booleans())
def test_a_light_block_or_our_error(commit: bytes, validators: bytes, first: bool) -> None:
    try:
        block = answers(commit if first else wrapped(COMMIT), wrapped(VALIDATORS) if first else validators)
        check_light_block(block, GENESIS.chain_id)
    except (BadProof, BadRequest) as refused:
        str(refused)  # its texts must be complete
