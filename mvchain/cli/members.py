"""Commands about who may act for an agency: operator, service, approve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mvchain.cli.options import (
    DEFAULT_API,
    DEFAULT_HOME,
    ApiOption,
    GenesisOption,
    HomeOption,
    JsonOption,
    KeyOption,
    PassphraseOption,
    act,
    parse_hash,
    parse_key,
    read_file,
    read_genesis,
    unlock,
)
from mvchain.cli.output import print_result
from mvchain.core.limits import MAX_GENESIS_BYTES

if TYPE_CHECKING:
    from mvchain.core.types import Hash, Signature, TaggedKey

operators = typer.Typer(help="The keys of an agency's operators.", no_args_is_help=True)
services = typer.Typer(help="The poll services that may act for an agency.", no_args_is_help=True)

MemberArgument = Annotated[str, typer.Argument(metavar="KEY", help="Public key, as mvchain keys show prints it.")]
REQUEST_HELP = "File that mvchain keys request made."
AgencyKeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Key file to sign with.", show_default="the home's agency key", readable=False),
]


@operators.command("register")
def register_operator(
    request: Annotated[
        Path | None,
        typer.Argument(metavar="REQUEST", help=REQUEST_HELP, show_default="the home's operator key", readable=False),
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an operator's key act for the agency. Signed with the agency key.

    An operator whose key is on another host asks with a file: see mvchain keys request.
    """
    from mvchain.cli.key_requests import read_request
    from mvchain.ledger.transactions import Role

    if request is None:
        operator_key, proof = _prove_own_key(home, genesis, passphrase_file)
    else:
        operator_key, proof = read_request(request, read_genesis(genesis, home), Role.OPERATOR)
    done = act(
        lambda operator, _: operator.register_operator(operator_key, proof),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
        role="agency",
    )
    _print_done(done, f"Operator {operator_key.hex()} may act for the agency.", as_json=as_json)


@operators.command("revoke")
def revoke_operator(
    member: MemberArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an operator's right away for good.

    Approvals it gave no longer count. Signed with the agency key.
    """
    revoked = parse_key(member)
    done = act(
        lambda operator, _: operator.revoke_operator(revoked),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
        role="agency",
    )
    _print_done(done, f"Operator {revoked.hex()} may not act for the agency any more.", as_json=as_json)


@services.command("authorise")
def authorise_service(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help=REQUEST_HELP, readable=False)],
    *,
    polls: Annotated[bool, typer.Option("--polls", help="It may create and run polls.")] = False,
    rolls: Annotated[bool, typer.Option("--rolls", help="It may make rolls.")] = False,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a poll service act for the agency.

    It asks with mvchain keys request. Say what it may do: --polls, --rolls or both.
    """
    from mvchain.cli.key_requests import read_request
    from mvchain.ledger.transactions import Role, Scope

    if not polls and not rolls:
        raise typer.BadParameter("say what the service may do: --polls, --rolls or both")
    scopes = Scope(Scope.POLLS * polls | Scope.ROLLS * rolls)
    service, proof = read_request(request, read_genesis(genesis, home), Role.SERVICE)
    done = act(
        lambda operator, _: operator.authorise_service(service, proof, scopes),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
    )
    _print_done(done, f"Poll service {service.hex()} may act for the agency.", as_json=as_json)


@services.command("revoke")
def revoke_service(
    member: MemberArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a poll service's rights away for good."""
    service = parse_key(member)
    done = act(
        lambda operator, _: operator.revoke_service(service),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
    )
    _print_done(done, f"Poll service {service.hex()} may not act for the agency any more.", as_json=as_json)


def approve(
    action: Annotated[str, typer.Argument(metavar="HASH", help="Hash of the action, as mvchain printed it.")],
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree, as another operator, to an action that waits."""
    action_hash = parse_hash(action)
    done = act(
        lambda operator, _: operator.approve(action_hash),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
    )
    _print_done(done, f"Approved {action_hash.hex()}.", as_json=as_json)


def _prove_own_key(home: Path, genesis: Path | None, passphrase_file: Path | None) -> "tuple[TaggedKey, Signature]":
    """The home's operator key, with its proof for the home's agency."""
    from mvchain.ledger.genesis import decode_entry
    from mvchain.ledger.registration import registration_proof
    from mvchain.ledger.transactions import Role
    from mvchain.node.config import Home

    place = Home(home.expanduser())
    key = unlock(place.key("operator"), passphrase_file)
    agency = decode_entry(read_file(place.entry, MAX_GENESIS_BYTES)).number
    return key.tagged, registration_proof(key, read_genesis(genesis, home).hash, agency, Role.OPERATOR)


def _print_done(done: "Hash", text: str, *, as_json: bool) -> None:
    print_result({"hash": done.hex()}, text, as_json=as_json)
