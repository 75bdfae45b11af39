"""mvchain.interop.questions: everything a proxy verifies is asked, at every height."""

import base64
from collections import Counter

from mvchain.core.hashing import sha256
from mvchain.interop.questions import all_questions
from mvchain.interop.survey import BlockFacts, Survey
from mvchain.ledger.blocks import Flag

HASHES = tuple(sha256(bytes([number])) for number in range(9))
SURVEY = Survey(
    [
        BlockFacts(
            height=height,
            hash=sha256(b"block %d" % height),
            parts=1,
            tx_hashes=HASHES if height == 3 else HASHES[:1] if height == 5 else (),
            round=0,
            flags=(Flag.COMMIT,) * 4,
            validators_hash=bytes(32),
            consensus_hash=bytes(32),
        )
        for height in range(1, 26)
    ]
)


def test_every_height_is_asked_for_by_every_method() -> None:
    questions = all_questions(SURVEY)
    for method in ("commit", "validators", "header", "block", "block_results", "consensus_params"):
        heights = [question.params["height"] for question in questions if question.method == method]
        assert sorted(heights, key=int) == [str(height) for height in range(1, 26)]
    counted = Counter(question.method for question in questions)
    assert counted["block_by_hash"] == counted["header_by_hash"] == 25


def test_headers_are_asked_for_from_the_tip_down() -> None:
    """The other way round a skipping client would verify each from its neighbour."""
    commits = [question.params["height"] for question in all_questions(SURVEY) if question.method == "commit"]
    assert commits == [str(height) for height in range(25, 0, -1)]


def test_first_middle_and_last_transaction_are_proved() -> None:
    asked = [question.params for question in all_questions(SURVEY) if question.method == "tx"]
    wanted = [HASHES[0], HASHES[4], HASHES[8], HASHES[0]]
    assert asked == [{"hash": base64.b64encode(tx_hash).decode(), "prove": True} for tx_hash in wanted]


def test_lists_of_headers_cover_the_chain_and_come_last() -> None:
    questions = all_questions(SURVEY)
    assert [question.method for question in questions[-2:]] == ["blockchain", "blockchain"]
    ranges = [(question.params["minHeight"], question.params["maxHeight"]) for question in questions[-2:]]
    assert ranges == [("1", "20"), ("21", "25")]


def test_records_are_asked_for_by_their_keys() -> None:
    asked = [question.params for question in all_questions(SURVEY) if question.method == "abci_query"]
    assert {"path": "/store/polls/key", "data": "0000000000000001", "height": "0", "prove": True} in asked
    stores = {"agencies", "chain", "governance", "polls", "rolls", "tallies"}
    assert {params["path"].split("/")[2] for params in asked} == stores
    # The state after every block.
    assert {params["height"] for params in asked} == {str(height) for height in range(26)}


def test_a_header_is_asked_for_by_hash_as_each_side_wants_it() -> None:
    asked = [question for question in all_questions(SURVEY) if question.method == "header_by_hash"]
    assert len(asked) == 25
    for question in asked:
        assert question.node_params is not None
        assert base64.b64decode(question.params["hash"]) == bytes.fromhex(question.node_params["hash"])
