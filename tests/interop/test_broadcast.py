"""mvchain.interop.broadcast: what the events of a transaction and its block have to say."""

import base64
import copy
from typing import Any

import pytest

from mvchain.interop.broadcast import event_faults

RAW = b"a transaction"
TX = base64.b64encode(RAW).decode()
BLOCK = {"header": {"height": "9"}, "data": {"txs": [TX]}, "evidence": {"evidence": []}}


def event(kind: str, value: Any) -> Any:
    return {"jsonrpc": "2.0", "id": "1#event", "result": {"data": {"type": f"tendermint/event/{kind}", "value": value}}}


SUBSCRIBED = {"jsonrpc": "2.0", "id": 1, "result": {}}
NEW_BLOCK = event("NewBlock", {"block": BLOCK})
TRANSACTION = event("Tx", {"TxResult": {"height": "9", "tx": TX}})
OTHER_BLOCK = event("NewBlock", {"block": {"header": {"height": "8"}, "data": {"txs": []}}})
OTHER_TRANSACTION = event("Tx", {"TxResult": {"height": "9", "tx": "AA=="}})


def altered(frame: Any, *path: str, value: Any) -> Any:
    changed = copy.deepcopy(frame)
    place = changed["result"]["data"]["value"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("frames", "faults"),
    [
        ([SUBSCRIBED, SUBSCRIBED, OTHER_BLOCK, OTHER_TRANSACTION, NEW_BLOCK, TRANSACTION], []),
        ([SUBSCRIBED, SUBSCRIBED, OTHER_BLOCK, TRANSACTION], ["no event told of the block"]),
        ([SUBSCRIBED, SUBSCRIBED, OTHER_TRANSACTION, NEW_BLOCK], ["no event told of the transaction"]),
        (
            [{"error": {"code": -32603}}, NEW_BLOCK, TRANSACTION],
            ['refused: {"code": -32603}'],
        ),
        (
            [altered(NEW_BLOCK, "block", "data", "txs", value=["AA=="]), TRANSACTION],
            [f'the block of the event.data.txs[0] is "AA==" and not "{TX}"'],
        ),
        (
            [NEW_BLOCK, altered(TRANSACTION, "TxResult", "height", value="8")],
            ['its height is "8" and not "9"'],
        ),
    ],
)
def test_both_events_are_there_and_agree_with_the_block(frames: list[Any], faults: list[str]) -> None:
    assert event_faults(frames, RAW, {"block_id": {}, "block": BLOCK}) == faults
