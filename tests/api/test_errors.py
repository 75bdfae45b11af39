"""Problem documents (RFC 9457) and their table of statuses."""

import inspect
import json
from http import HTTPStatus

import pytest

from mvchain.api.errors import ALL_CAUSES, STATUS, problem
from mvchain.core import codes
from mvchain.core.errors import BadRequest, BadTransaction
from mvchain.core.hashing import sha256

TXID = sha256(b"a")


def test_a_problem_says_what_happened_and_what_to_do() -> None:
    answer = problem(BadRequest(codes.POLL_UNKNOWN, poll=7))
    assert answer.status == 404
    assert answer.media_type == "application/problem+json"
    assert answer.cache == "no-store"
    assert json.loads(answer.body) == {
        "type": "/v1/errors/MV-6021",
        "title": "Not Found",
        "status": 404,
        "code": "MV-6021",
        "detail": "There is no poll 7 on this chain.",
        "remedy": "See /v1/polls for those there are.",
        "retryable": False,
    }


def test_a_problem_about_a_transaction_names_it() -> None:
    answer = problem(BadTransaction(codes.POOL_FULL), 503, TXID)
    # SHA-256 of "a", FIPS 180 test vector.
    expected = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert json.loads(answer.body)["txid"] == expected


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (BadTransaction(codes.POOL_FULL), 503, "1"),
        (BadRequest(codes.SERVER_BUSY, retry_after_s=4), None, "4"),
        (BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=2), None, "2"),
        (BadRequest(codes.BALLOT_UNKNOWN), None, None),
        (BadRequest(codes.BODY_TOO_SLOW, seconds=1, bytes_per_s=1), None, None),
    ],
)
def test_retry_after_stands_where_trying_again_makes_sense(
    error: BadRequest, status: int | None, retry_after: str | None
) -> None:
    assert problem(error, status).headers.get("Retry-After") == retry_after


def test_unlisted_errors_of_requests_are_400() -> None:
    assert problem(BadRequest(codes.NOT_BASE64, item=3)).status == 400


def test_every_status_is_one_of_http() -> None:
    assert {HTTPStatus(status).value for status in STATUS.values()} == set(STATUS.values())


def test_the_pages_cover_every_code() -> None:
    assert ALL_CAUSES["MV-1001"] is codes.MALFORMED
    # A name given twice would hide the first cause, and its errors would be told with the words of the second.
    source = inspect.getsource(codes)
    assert source.count(" = Cause(") == len(ALL_CAUSES)
    assert all(code == cause.code for code, cause in ALL_CAUSES.items())
    assert set(STATUS) <= set(ALL_CAUSES)
