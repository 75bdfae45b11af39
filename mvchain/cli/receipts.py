"""Commands for voters, auditors and whoever was shown a receipt: receipt, proof, verify. Korean first for voters."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mvchain.cli.options import (
    DEFAULT_API,
    DEFAULT_HOME,
    ApiOption,
    GenesisOption,
    HomeOption,
    JsonOption,
    ask,
    parse_hash,
    parse_key,
    read_file,
    read_genesis,
    write_file,
)
from mvchain.cli.output import print_result
from mvchain.core.errors import BadProof
from mvchain.core.limits import MAX_PROOF_BYTES, MAX_RECEIPT_BYTES
from mvchain.core.types import Hash, PollNumber, TaggedKey

if TYPE_CHECKING:
    from mvchain.api.client import Client
    from mvchain.light.verify import VerifiedProof, VerifiedReceipt

_HASH_DIGITS = 64


class Claim(StrEnum):
    """What can be claimed about a poll."""

    QUESTION = "question"
    RESULT = "result"
    RECORDED = "recorded"
    ON_ROLL = "on-roll"
    NOT_COUNTED = "not-counted"


def receipt(
    ballot: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER|HASH|FILE",
            help="확인번호 / receipt number; or the ballot's hash; or an open receipt to complete.",
        ),
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="NUMBER.mvreceipt.json", readable=False)
    ] = None,
    page: Annotated[
        bool,
        typer.Option("--html", help="확인 페이지로 저장 / Save it as a page that checks itself."),
    ] = False,
    api: ApiOption = DEFAULT_API,
    as_json: JsonOption = False,
) -> None:
    """확인증 받기 / Get the receipt of a ballot from any node.

    Once the poll is final it is the completed receipt, which proves that the ballot was counted. It does not show
    which option was chosen.
    """
    from mvchain.api.operator import await_receipt
    from mvchain.light.receipt_number import receipt_number
    from mvchain.light.receipts import decode_receipt

    opened = decode_receipt(read_file(Path(ballot), MAX_RECEIPT_BYTES)) if Path(ballot).is_file() else None

    async def get(client: "Client") -> tuple[Hash, bytes]:
        if opened is not None:
            ballot_hash = opened.ballot
        elif len(ballot) == _HASH_DIGITS:
            ballot_hash = parse_hash(ballot)
        else:
            ballot_hash = await client.ballot_numbered(ballot)
        if page:
            return ballot_hash, await client.receipt_page(receipt_number(ballot_hash))
        return ballot_hash, await await_receipt(client, ballot_hash)

    ballot_hash, data = ask(api, get)
    number = receipt_number(ballot_hash)
    path = out or Path(f"{number}.{'html' if page else 'mvreceipt.json'}")
    write_file(path, data)
    how = f"웹 브라우저로 여십시오 / Open it in a browser: {path}" if page else f"mvchain verify {path} --genesis FILE"
    text = f"""\
확인번호 {number} 의 확인증을 저장했습니다.
The receipt of ballot {number} was saved.
파일 / File:        {path}
확인 / To check it: {how}"""
    print_result({"ballot": ballot_hash.hex(), "number": number, "file": str(path)}, text, as_json=as_json)


def proof(
    poll: Annotated[int, typer.Argument(metavar="POLL", min=1, help="Number of the poll.")],
    *,
    claim: Annotated[Claim, typer.Option(help="What to prove.")] = Claim.QUESTION,
    voter: Annotated[str | None, typer.Option(metavar="KEY", help="The voter: for on-roll and not-counted.")] = None,
    size: Annotated[int | None, typer.Option(min=1, help="How many ballots there were before: for recorded.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="poll-POLL.CLAIM.json", readable=False)
    ] = None,
    api: ApiOption = DEFAULT_API,
    as_json: JsonOption = False,
) -> None:
    """Get the proof of a claim about a poll from any node.

    It is saved for `mvchain verify`.

    question: what is asked. on-roll: that a key may answer. recorded: that the first ballots are still the first.
    Of a final poll, result: the totals; not-counted: that no ballot of a key counts.
    """
    key: TaggedKey | None = None if voter is None else parse_key(voter)
    name = claim.value.replace("-", "_")
    data = ask(api, lambda client: client.poll_proof(PollNumber(poll), name, voter=key, size=size))
    path = out or Path(f"poll-{poll}.{claim.value}.json")
    write_file(path, data)
    text = f"The proof is in {path}.\nTo check it: mvchain verify {path} --genesis FILE"
    print_result({"poll": poll, "claim": name, "file": str(path)}, text, as_json=as_json)


def verify(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="확인증 파일 / the receipt, or a proof", readable=False),
    ],
    *,
    genesis: GenesisOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """확인증 검증 / Check a receipt or a proof, without any network.

    What is trusted is the genesis file that the agencies publish.
    """
    from mvchain.light.verify import verify as verified_file
    from mvchain.light.words import failure_in_words, in_words

    trusted = read_genesis(genesis, home)
    try:
        verified = verified_file(read_file(file, MAX_PROOF_BYTES), trusted)
    except BadProof as error:
        document = {"valid": False, "code": error.code, "detail": error.detail, "remedy": error.remedy}
        print_result(document, failure_in_words(error), as_json=as_json)
        raise typer.Exit(1) from None
    vouchers = verified.vouchers
    document = {
        "valid": True,
        "height": verified.height,
        "time_ns": str(verified.time_ns),
        "vouching": [agency.number for agency in vouchers.vouching],
        "later_keys": [key.hex() for key in vouchers.later],
        "agencies": vouchers.agencies,
        **_facts(verified),
    }
    print_result(document, in_words(verified), as_json=as_json)


def _facts(verified: "VerifiedReceipt | VerifiedProof") -> dict[str, Any]:
    """What was proved, for programs."""
    from mvchain.ledger.poll_json import definition_to_json
    from mvchain.ledger.tally import tally_to_json
    from mvchain.light.proofs import CLAIM_NAMES
    from mvchain.light.verify import VerifiedReceipt

    if isinstance(verified, VerifiedReceipt):
        accepted = verified.accepted
        return {
            "claim": "accepted",
            "ballot": verified.ballot.hex(),
            "poll": accepted.poll,
            "number": accepted.number,
            "voter": accepted.voter.hex(),
        }
    facts: dict[str, Any] = {"claim": CLAIM_NAMES[type(verified.claim)], "poll": verified.poll}
    if verified.definition is None:
        members = verified.claim.to_json()
        return facts | {name: members[name] for name in _SHOWN if name in members}
    facts["definition"] = definition_to_json(verified.definition)
    if verified.tally is not None:
        facts["tally"] = tally_to_json(verified.definition, verified.tally.kept)
        facts["disputed"] = verified.tally.recounted is not None
    return facts


_SHOWN = ("ballot", "number", "voter", "counted_number", "weight", "size", "root")
"""Members of a claim that are facts; the others are paths."""
