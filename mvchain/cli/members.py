"""Commands about who may act for an agency: operator, service, approve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mvchain.cli.options import (
    DEFAULT_API,
    DEFAULT_HOME,
    ApiOption,
    HomeOption,
    JsonOption,
    KeyOption,
    PassphraseOption,
    act,
    parse_hash,
    parse_key,
)
from mvchain.cli.output import print_result

if TYPE_CHECKING:
    from mvchain.core.types import Hash

operators = typer.Typer(help="The keys of an agency's operators.", no_args_is_help=True)
services = typer.Typer(help="The poll services that may act for an agency.", no_args_is_help=True)

MemberArgument = Annotated[str, typer.Argument(metavar="KEY", help="Public key, as mvchain keys show prints it.")]
AgencyKeyOption = Annotated[
    Path | None, typer.Option("--key", help="Key file to sign with.", show_default="the home's agency key")
]


@operators.command("register")
def register_operator(
    member: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", help="Public key of the operator.", show_default="the home's operator key"),
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an operator's key act for the agency. Signed with the agency key."""
    from mvchain.node.config import Home
    from mvchain.node.files import LocalDisk
    from mvchain.node.keystore import key_info

    own = Home(home.expanduser()).key("operator")
    operator_key = parse_key(member) if member else key_info(own, LocalDisk()).tagged
    done = act(
        lambda operator, _: operator.register_operator(operator_key),
        api=api,
        home=home,
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
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an operator's right away for good; approvals it gave no longer count. Signed with the agency key."""
    revoked = parse_key(member)
    done = act(
        lambda operator, _: operator.revoke_operator(revoked),
        api=api,
        home=home,
        key=key,
        passphrase_file=passphrase_file,
        role="agency",
    )
    _print_done(done, f"Operator {revoked.hex()} may not act for the agency any more.", as_json=as_json)


@services.command("authorise")
def authorise_service(
    member: MemberArgument,
    *,
    polls: Annotated[bool, typer.Option("--polls", help="It may create and run polls.")] = False,
    rolls: Annotated[bool, typer.Option("--rolls", help="It may make rolls.")] = False,
    home: HomeOption = DEFAULT_HOME,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a poll service act for the agency: --polls, --rolls or both."""
    from mvchain.ledger.transactions import Scope

    if not polls and not rolls:
        raise typer.BadParameter("say what the service may do: --polls, --rolls or both")
    scopes = Scope(Scope.POLLS * polls | Scope.ROLLS * rolls)
    service = parse_key(member)
    done = act(
        lambda operator, _: operator.authorise_service(service, scopes),
        api=api,
        home=home,
        key=key,
        passphrase_file=passphrase_file,
    )
    _print_done(done, f"Poll service {service.hex()} may act for the agency.", as_json=as_json)


@services.command("revoke")
def revoke_service(
    member: MemberArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
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
        key=key,
        passphrase_file=passphrase_file,
    )
    _print_done(done, f"Poll service {service.hex()} may not act for the agency any more.", as_json=as_json)


def approve(
    action: Annotated[str, typer.Argument(metavar="HASH", help="Hash of the action, as mvchain printed it.")],
    *,
    home: HomeOption = DEFAULT_HOME,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree, as another operator, to an action that waits for approvals."""
    action_hash = parse_hash(action)
    done = act(
        lambda operator, _: operator.approve(action_hash), api=api, home=home, key=key, passphrase_file=passphrase_file
    )
    _print_done(done, f"Approved {action_hash.hex()}.", as_json=as_json)


def _print_done(done: "Hash", text: str, *, as_json: bool) -> None:
    print_result({"hash": done.hex()}, text, as_json=as_json)
