"""Errors as the public API shows them: RFC 9457 problem documents with the stable code (security H19).

A problem has `type` (the page of its code), `title`, `status`, `detail`, and as extensions `code`, `remedy`,
`retryable` and, where one transaction is meant, `txid`. Nothing of the request is repeated but member names
and numbers of its JSON body, cut short; never a header, a path or a query (ATK22).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from mvchain.api.answer import PROBLEM, Answer, Cache, dump
from mvchain.api.limits import FILLING_STEPS_PER_S, RETRY_AFTER_S
from mvchain.core import codes
from mvchain.core.errors import BadRequest, Cause, MvchainError
from mvchain.core.types import Hash

STATUS: Final[Mapping[str, int]] = {
    cause.code: status
    for status, causes in {
        404: (
            codes.ROUTE_UNKNOWN,
            codes.TRANSACTION_UNKNOWN,
            codes.POLL_UNKNOWN,
            codes.PROPOSAL_UNKNOWN,
            codes.BLOCK_UNKNOWN,
            codes.BALLOT_UNKNOWN,
            codes.RECEIPT_NOT_YET,
            codes.CODE_UNKNOWN,
            codes.ROLL_UNKNOWN,
            codes.SIGNER_UNKNOWN,
            codes.VOTER_NOT_ON_ROLL,
            codes.RECEIPT_NUMBER_UNKNOWN,
        ),
        405: (codes.METHOD_NOT_ALLOWED,),
        408: (codes.BODY_TOO_SLOW,),
        409: (codes.POLL_NOT_FINAL, codes.BALLOT_COUNTS),
        413: (codes.BODY_TOO_LARGE, codes.TOO_LARGE),
        415: (codes.MEDIA_TYPE_UNKNOWN, codes.BODY_ENCODED),
        417: (codes.EXPECTATION_UNKNOWN,),
        431: (codes.REQUEST_HEAD_TOO_LARGE,),
        500: (codes.INTERNAL,),
        503: (codes.SERVER_BUSY, codes.NODE_BUSY, codes.ANSWER_LATE, codes.NOT_FILLED_IN),
    }.items()
    for cause in causes
}
"""HTTP status of an error that a whole request meets; 400 for those not listed."""

_RETRYABLE_STATUS: Final = frozenset({408, 429, 503})
_RETRYABLE_CODES: Final = frozenset({codes.RECEIPT_NOT_YET.code})

ALL_CAUSES: Final[Mapping[str, Cause]] = {
    cause.code: cause for cause in vars(codes).values() if isinstance(cause, Cause)
}


def not_filled_in(what: str, left: int) -> BadRequest:
    """This node does not hold it yet: it fills in the past, and so many steps are left."""
    return BadRequest(codes.NOT_FILLED_IN, what=what, left=left, retry_after_s=1 + left // FILLING_STEPS_PER_S)


def unknown(cause: Cause, filling_steps: int) -> BadRequest:
    """A node has not got it; as long as it fills in the past, that does not mean that there is none."""
    return not_filled_in("all blocks", filling_steps) if filling_steps else BadRequest(cause)


def status_of(error: MvchainError) -> int:
    """The HTTP status of an error that a whole request meets."""
    return STATUS.get(error.code, 400)


def describe(error: MvchainError, status: int) -> dict[str, object]:
    """The members that every account of an error has: in a problem, in a result of a batch, in a status."""
    return {
        "code": error.code,
        "detail": error.detail,
        "remedy": error.remedy,
        "retryable": status in _RETRYABLE_STATUS or error.code in _RETRYABLE_CODES,
    }


def problem(
    error: MvchainError, status: int | None = None, txid: Hash | None = None, headers: Mapping[str, str] = {}
) -> Answer:
    """The problem document for `error`, with Retry-After where trying again makes sense."""
    if status is None:
        status = status_of(error)
    described = describe(error, status)
    document: dict[str, object] = {
        "type": f"/v1/errors/{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        **described,
    }
    if txid is not None:
        document["txid"] = txid.hex()
    all_headers = dict(headers)
    if described["retryable"] and status != 408:
        all_headers["Retry-After"] = str(error.data.get("retry_after_s", RETRY_AFTER_S))
    return Answer(dump(document), status, Cache.NEVER, PROBLEM, all_headers)
