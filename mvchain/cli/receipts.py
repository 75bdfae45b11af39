"""Commands for voters and for whoever was shown a receipt: receipt, verify. Korean first, English second."""

from pathlib import Path
from typing import Annotated

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
    read_file,
    read_genesis,
    write_file,
)
from mvchain.cli.output import print_result
from mvchain.core.errors import BadProof
from mvchain.core.limits import MAX_RECEIPT_BYTES


def receipt(
    ballot: Annotated[str, typer.Argument(metavar="HASH", help="접수 번호 / hash of the ballot, as it was printed.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="HASH[:16].mvreceipt.json", readable=False)
    ] = None,
    api: ApiOption = DEFAULT_API,
    as_json: JsonOption = False,
) -> None:
    """확인증 받기 / Get the receipt of a ballot from any node and save it.

    The receipt does not show which option was chosen.
    """
    from mvchain.api.operator import await_receipt

    ballot_hash = parse_hash(ballot)
    data = ask(api, lambda client: await_receipt(client, ballot_hash))
    path = out or Path(f"{ballot_hash.hex()[:16]}.mvreceipt.json")
    write_file(path, data)
    text = f"""\
확인증을 {path} 파일로 저장했습니다. 검증: mvchain verify {path} --genesis FILE
The receipt is in {path}. To check it: mvchain verify {path} --genesis FILE"""
    print_result({"ballot": ballot_hash.hex(), "file": str(path)}, text, as_json=as_json)


def verify(
    file: Annotated[
        Path, typer.Argument(metavar="RECEIPT", help="확인증 파일 / the receipt, *.mvreceipt.json", readable=False)
    ],
    *,
    genesis: GenesisOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """확인증 검증 / Check a receipt, without any network.

    What is trusted is the genesis file that the agencies publish.
    """
    from mvchain.light.verify import verify_receipt
    from mvchain.light.words import failure_in_words, receipt_in_words

    trusted = read_genesis(genesis, home)
    try:
        verified = verify_receipt(read_file(file, MAX_RECEIPT_BYTES), trusted)
    except BadProof as error:
        document = {"valid": False, "code": error.code, "detail": error.detail, "remedy": error.remedy}
        print_result(document, failure_in_words(error), as_json=as_json)
        raise typer.Exit(1) from None
    accepted = verified.accepted
    document = {
        "valid": True,
        "ballot": verified.ballot.hex(),
        "height": verified.height,
        "time_ns": str(verified.time_ns),
        "poll": accepted.poll,
        "number": accepted.number,
        "voter": accepted.voter.hex(),
        "vouching": [agency.number for agency in verified.vouching],
        "agencies": verified.agencies,
    }
    print_result(document, receipt_in_words(verified), as_json=as_json)
