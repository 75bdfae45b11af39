"""The voter's command: ballot cast. Korean first, English second."""

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
    PassphraseOption,
    ask,
    read_file,
    read_genesis,
    unlock,
    write_file,
)
from mvchain.cli.output import print_result
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadRequest
from mvchain.core.limits import MAX_REVISIONS, MAX_TRANSACTION_BYTES
from mvchain.core.types import Hash, PollNumber

if TYPE_CHECKING:
    from mvchain.api.client import Client, JsonObject
    from mvchain.ledger.polls import PollDefinition

app = typer.Typer(help="투표하기 / Taking part in a poll.", no_args_is_help=True)


@app.command()
def cast(
    poll: Annotated[int, typer.Argument(metavar="POLL", min=1, help="투표 번호 / number of the poll.")],
    answers: Annotated[
        Path,
        typer.Argument(
            metavar="ANSWERS", help="답 파일(JSON) / file with the answers, or - for standard input.", readable=False
        ),
    ],
    *,
    key: Annotated[Path, typer.Option(help="투표자 키 파일 / key file of the voter.", readable=False)],
    revision: Annotated[
        int, typer.Option(min=0, max=MAX_REVISIONS - 1, help="0, and one more with each ballot that replaces the last.")
    ] = 0,
    receipt: Annotated[
        Path | None, typer.Option(help="확인증 파일 / file to save the receipt in.", readable=False)
    ] = None,
    genesis: GenesisOption = None,
    home: HomeOption = DEFAULT_HOME,
    api: ApiOption = DEFAULT_API,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """투표하기 / Sign a ballot, hand it in, and wait until it is recorded.

    ANSWERS is a JSON list with one answer for each question: null for a blank; "a" for one option; ["a", "b"] for
    several, or in order of preference; {"a": 3} for points or marks. It is a file and not an argument because the
    shell and other users of this machine see arguments. To cast the same ballot again is safe: it counts once.
    """
    trusted = read_genesis(genesis, home)
    given = _read_answers(answers)
    signing_key = unlock(key, passphrase_file)
    number = PollNumber(poll)

    async def do(client: "Client") -> "tuple[Hash, JsonObject]":
        from mvchain.api.operator import await_committed, await_receipt, cast_ballot
        from mvchain.ledger.ballots import answers_from_ids

        definition, definition_hash = _definition(await client.poll(number))
        chosen = answers_from_ids(definition, given)
        ballot = await cast_ballot(client, signing_key, trusted.hash, definition_hash, number, chosen, revision)
        status = await await_committed(client, ballot)
        if receipt is not None:
            write_file(receipt, await await_receipt(client, ballot))
        return ballot, status

    if receipt is not None and receipt.exists():
        raise BadConfiguration(codes.FILE_EXISTS, path=receipt)
    ballot, status = ask(api, do)
    document = {
        "ballot": ballot.hex(),
        "poll": number,
        "number": status.get("number"),
        "height": status.get("height"),
        "receipt": None if receipt is None else str(receipt),
    }
    print_result(document, _in_words(ballot, number, receipt), as_json=as_json)


def _read_answers(path: Path) -> list[object]:
    from mvchain.core import strict_json

    what = "The file with the answers"
    data = read_file(path, MAX_TRANSACTION_BYTES)
    value = strict_json.loads(data, what, max_bytes=MAX_TRANSACTION_BYTES, error=BadConfiguration)
    if not isinstance(value, list):
        raise BadConfiguration(codes.MALFORMED, what=what, why="it is not a list with an answer for each question")
    return list(value)


def _definition(document: dict[str, Any]) -> "tuple[PollDefinition, Hash]":
    """The definition that the node shows, and its hash, computed here: what the voter signs is what was shown."""
    from mvchain.ledger.poll_json import definition_from_json
    from mvchain.ledger.polls import definition_hash, encode_definition

    definition = definition_from_json(document.get("definition"))
    found = definition_hash(encode_definition(definition))
    if document.get("definition_hash") != found.hex():
        why = "the definition of the poll does not have the hash it names"
        raise BadRequest(codes.ANSWER_MALFORMED, url="the node", why=why)
    return definition, found


def _in_words(ballot: Hash, poll: PollNumber, receipt: Path | None) -> str:
    from mvchain.light.receipt_number import receipt_number

    lines = [f"✔ {poll}번 투표에 참여하셨습니다. 회원님의 표가 기록되었습니다."]
    number = receipt_number(ballot)
    lines.append(f"  확인번호: {number}")
    lines.append(f"  확인증: {receipt}" if receipt else f"  확인증 받기: mvchain receipt {number}")
    lines.append(f"\n✔ You took part in poll {poll}. Your ballot is recorded.")
    lines.append(f"  Receipt number: {number}")
    lines.append(f"  Receipt: {receipt}" if receipt else f"  Get the receipt: mvchain receipt {number}")
    return "\n".join(lines)
