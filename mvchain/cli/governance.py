"""What agencies decide together: governance propose, approve, withdraw, show (ledger L4)."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
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
    act,
    ask,
    parse_key,
    read_file,
    read_genesis,
)
from mvchain.cli.output import counted, facts, local_time, note, print_result, reading_answer, table
from mvchain.core.limits import MAX_GENESIS_BYTES
from mvchain.core.types import AgencyNumber, ProposalNumber

if TYPE_CHECKING:
    from mvchain.api.client import Client
    from mvchain.ledger.genesis import ConsensusParams
    from mvchain.ledger.proposals import GovernanceAction

app = typer.Typer(help="Agencies, their keys, and parameters, by more than two thirds.", no_args_is_help=True)
proposing = typer.Typer(help="Ask the other agencies to agree; proposing is approving.", no_args_is_help=True)
app.add_typer(proposing, name="propose")

AgencyKeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Key file to sign with.", show_default="the home's agency key", readable=False),
]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Number of the proposal.")]
ServiceArgument = Annotated[str, typer.Argument(metavar="KEY", help="The service's public key.")]


# --- proposing ---


@proposing.command("add-agency")
def add_agency(
    entry: Annotated[Path, typer.Argument(metavar="ENTRY", help="The agency's entry.json file.", readable=False)],
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in an agency. Its home has ENTRY, made by mvchain join under the next agency number."""
    from mvchain.ledger.genesis import decode_entry, verify_entry
    from mvchain.ledger.proposals import AddAgency

    found = decode_entry(read_file(entry, MAX_GENESIS_BYTES))
    verify_entry(read_genesis(genesis, home).chain_name, found)
    _propose(AddAgency(found), home, genesis, api, key, passphrase_file, as_json=as_json)


@proposing.command("remove-agency")
def remove_agency(
    agency: Annotated[int, typer.Argument(metavar="AGENCY", min=1, help="Number of the agency.")],
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove an agency, or one's own. Its running polls end and are counted; it can begin nothing new."""
    from mvchain.ledger.proposals import RemoveAgency

    _propose(RemoveAgency(AgencyNumber(agency)), home, genesis, api, key, passphrase_file, as_json=as_json)


@proposing.command("rotate-keys")
def rotate_keys(
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="File that mvchain keys next made.")],
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an agency other keys.

    It asks for them in REQUEST, and they take the place of those that it has.
    """
    from mvchain.cli.key_requests import read_replacement

    action = read_replacement(request, read_genesis(genesis, home))
    _propose(action, home, genesis, api, key, passphrase_file, as_json=as_json)


@proposing.command("set-params")
def set_params(
    settings: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE...", help="Parameters to change, as heartbeat_ms=30000.")
    ],
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change consensus parameters.

    Those that are not named stay as they are.
    """
    from mvchain.ledger.genesis import ConsensusParams
    from mvchain.ledger.proposals import SetParams

    names = [field.name for field in fields(ConsensusParams)]
    changes: dict[str, int] = {}
    for text in settings:
        name, value = _parse_setting(text, names)
        if name in changes:
            raise typer.BadParameter(f"{name} is given twice")
        changes[name] = value
    params = replace(_present_params(ask(api, lambda client: client.proposals(0)), names), **changes)
    _propose(SetParams(params), home, genesis, api, key, passphrase_file, as_json=as_json)


@reading_answer()
def _present_params(page: Mapping[str, Any], names: list[str]) -> "ConsensusParams":
    from mvchain.ledger.genesis import ConsensusParams

    return ConsensusParams(**{name: int(page["params"][name]) for name in names})


def _parse_setting(text: str, names: list[str]) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if name not in names or not value.isdecimal():
        raise typer.BadParameter(f"{text} is not a number for one of {', '.join(names)}")
    return name, int(value)


@proposing.command("suspend-service")
def suspend_service(
    service: ServiceArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a poll service of any agency from acting.

    Until resume-service lifts it; the operators of its agency go on with its polls.
    """
    from mvchain.ledger.proposals import SuspendService

    _propose(SuspendService(parse_key(service)), home, genesis, api, key, passphrase_file, as_json=as_json)


@proposing.command("resume-service")
def resume_service(
    service: ServiceArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a suspended poll service act again."""
    from mvchain.ledger.proposals import ResumeService

    _propose(ResumeService(parse_key(service)), home, genesis, api, key, passphrase_file, as_json=as_json)


def _propose(  # noqa: PLR0917 - the options of every command, in their order
    action: "GovernanceAction",
    home: Path,
    genesis: Path | None,
    api: str,
    key: Path | None,
    passphrase_file: Path | None,
    *,
    as_json: bool,
) -> None:
    number = act(
        lambda operator, _: operator.propose(action),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
        role="agency",
    )
    _show_one(api, number, as_json=as_json, warn=True)


# --- approving ---


@app.command()
def approve(
    number: NumberArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree to a proposal. Signed with the agency key; look at it first with mvchain governance show."""
    proposal = ProposalNumber(number)
    act(
        lambda operator, _: operator.agree(proposal),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
        role="agency",
    )
    _show_one(api, proposal, as_json=as_json, warn=True)


@app.command()
def withdraw(
    number: NumberArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: AgencyKeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back a proposal of the own agency."""
    proposal = ProposalNumber(number)
    act(
        lambda operator, _: operator.withdraw(proposal),
        api=api,
        home=home,
        genesis=genesis,
        key=key,
        passphrase_file=passphrase_file,
        role="agency",
    )
    _show_one(api, proposal, as_json=as_json, warn=False)


# --- showing ---


@app.command()
def show(
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", min=1, help="Number of a proposal.", show_default="all")
    ] = None,
    *,
    after: Annotated[int, typer.Option(min=0, help="Of all, only those with numbers above this.")] = 0,
    api: ApiOption = DEFAULT_API,
    as_json: JsonOption = False,
) -> None:
    """Show what agencies propose, and who agrees.

    Who is missing, what stands in the way, and when it takes effect.
    """
    if number is not None:
        _show_one(api, ProposalNumber(number), as_json=as_json, warn=True)
        return
    _print_list(ask(api, lambda client: client.proposals(after)), as_json=as_json)


def _show_one(api: str, number: ProposalNumber, *, as_json: bool, warn: bool) -> None:
    async def read(client: "Client") -> tuple[Mapping[str, Any], ...]:
        return await client.proposal(number), await client.agencies(), await client.proposals(number)

    found, agencies, later = ask(api, read)
    _print_one(found, agencies["agencies"], later["params"], as_json=as_json, warn=warn)


@reading_answer()
def _print_list(found: Mapping[str, Any], *, as_json: bool) -> None:
    rows = [
        (
            each["proposal"],
            describe_action(each["action"]),
            each["agency"],
            f"{len(each['agreed'])} of {each['needs']}" if each["state"] == "open" else each["state"],
            local_time(each["expires_at_ms"])[:10] if each["state"] == "open" else f"block {each['ended_height']}",
        )
        for each in found["proposals"]
    ]
    text = table(("no.", "what", "by", "agreed", "until"), rows) if rows else "No agency has proposed anything."
    if found["next"] is not None:
        text += f"\n\nThere are more: mvchain governance show --after {found['next']}"
    print_result(found, text, as_json=as_json)


@reading_answer()
def _print_one(
    found: Mapping[str, Any],
    agencies: Iterable[Mapping[str, Any]],
    params: Mapping[str, int],
    *,
    as_json: bool,
    warn: bool,
) -> None:
    known = {agency["agency"]: agency for agency in agencies}
    rows: list[tuple[str, object]] = [
        ("proposal", found["proposal"]),
        ("what", describe_action(found["action"])),
        *_details(found["action"], params if found["state"] == "open" else {}),
        ("proposed by", _names([found["agency"]], known)),
        ("proposed at", local_time(found["proposed_at_ms"])),
        ("agreed", _names(found["agreed"], known)),
    ]
    if found["state"] == "open":
        rows += [
            ("missing", _names(found["missing"], known)),
            ("needs", _need(found)),
            ("ends", local_time(found["expires_at_ms"])),
        ]
        if found["obstacle"] is not None:
            rows.append(("not possible now", found["obstacle"]["detail"]))
    else:
        rows.append(("state", f"{found['state']} by block {found['ended_height']}"))
    if found["validators_from"] is not None:
        rows.append(("validators", f"others from height {found['validators_from']} on"))
    print_result(found, facts(rows), as_json=as_json)
    warning = _connection_warning(found, known.values()) if warn and found["state"] == "open" else None
    if warning:
        note(warning)


def _need(found: Mapping[str, Any]) -> str:
    left = found["needs"] - len(found["agreed"])
    of = len(found["agreed"]) + len(found["missing"])
    if left <= 0:
        return f"{found['needs']} of {of} agencies; it has them, and takes effect once it is possible"
    return f"{found['needs']} of {of} agencies: {counted(left, 'more approval')}"


def describe_action(action: Mapping[str, Any]) -> str:
    """What a proposal would do, in a few words."""
    match action["kind"]:
        case "add_agency":
            return (
                f"add agency {action['entry']['number']}, {action['entry']['name_ko']} ({action['entry']['name_en']})"
            )
        case "remove_agency":
            return f"remove agency {action['agency']}"
        case "replace_keys":
            keys = [name for name in ("agency", "validator", "node") if action[f"{name}_key"]]
            which = " and ".join(filter(None, (", ".join(keys[:-1]), keys[-1])))
            return f"replace the {which} key{'s' if len(keys) > 1 else ''} of agency {action['agency']}"
        case "set_params":
            return "set consensus parameters"
        case "suspend_service":
            return "suspend a poll service"
        case "resume_service":
            return "let a suspended poll service act again"
    raise ValueError(action["kind"])


def _details(action: Mapping[str, Any], params: Mapping[str, int]) -> list[tuple[str, object]]:
    """What the action says in full; beside parameters that it would change, those in force."""
    if "params" in action:
        return [
            (name, f"{value:,}" + (f" (now {params[name]:,})" if params.get(name, value) != value else ""))
            for name, value in action["params"].items()
        ]
    shown = {**action.get("entry", {}), **action}
    names = ("agency_key", "validator_key", "node_key", "key")
    return [(name.replace("_", " "), shown[name]) for name in names if shown.get(name)]


def _names(numbers: Iterable[int], known: Mapping[int, Mapping[str, Any]]) -> str:
    return ", ".join(f"{n} {known[n]['name_en']}" if n in known else str(n) for n in numbers) or "nobody"


def _connection_warning(found: Mapping[str, Any], agencies: Iterable[Mapping[str, Any]]) -> str | None:
    """That too few of the agencies of the new set are connected now: it may be possible and unwise."""
    from mvchain.ledger.governance import quorum_of

    action = found["action"]
    if action["kind"] not in ("add_agency", "remove_agency", "replace_keys"):
        return None
    if action["kind"] == "replace_keys" and action["validator_key"] is None:
        return None
    about = action.get("agency")
    staying = [agency for agency in agencies if agency["in_force"] and agency["agency"] != about]
    size = len(staying) + (action["kind"] != "remove_agency")
    connected = sum(agency["connected"] for agency in staying)
    needs = quorum_of(size)
    if connected >= needs:
        return None
    return (
        f"Warning: the new set has {counted(size, 'validator')} and needs {needs}.\n"
        f"Of those that stay, {connected} are connected to this node now.\n"
        f"If the others do not come back, the chain stands still."
    )
