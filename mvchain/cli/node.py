"""Commands of those who run a node: init, start, status, localnet, demo."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mvchain.cli.options import (
    DEFAULT_API,
    DEFAULT_HOME,
    ApiOption,
    HomeOption,
    JsonOption,
    PassphraseOption,
    PlainOption,
    ask,
    new_key_saver,
    read_passphrase,
)
from mvchain.cli.output import counted, facts, local_time, print_result, reading_answer
from mvchain.core.limits import DEFAULT_APPROVALS
from mvchain.core.types import AgencyNumber

if TYPE_CHECKING:
    from mvchain.localnet import Localnet


def init(
    *,
    chain_name: Annotated[str, typer.Option(help="Name of the chain, agreed by all agencies: a-z, 0-9, hyphen.")],
    agency_number: Annotated[int, typer.Option(min=1, help="Number of this agency, agreed by all.")],
    name_ko: Annotated[str, typer.Option(help="Name of this agency in Korean.")],
    name_en: Annotated[str, typer.Option(help="Name of this agency in English.")],
    approvals: Annotated[int, typer.Option(min=1, help="Operators who must agree to an act.")] = DEFAULT_APPROVALS,
    home: HomeOption = DEFAULT_HOME,
    passphrase_file: PassphraseOption = None,
    plain_keys: PlainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make an agency's home: keys, settings, genesis entry.

    The first step of the genesis ceremony; every agency takes it on its own host. Then: hand config/entry.json to the
    coordinator, compare the genesis file that comes back (mvchain genesis show) and install it.
    """
    from mvchain.node.config import Home
    from mvchain.node.files import LocalDisk
    from mvchain.node.home import make_home

    place = Home(home.expanduser().absolute())
    entry = make_home(
        place,
        chain_name,
        AgencyNumber(agency_number),
        (name_ko, name_en),
        approvals=approvals,
        plain_keys=plain_keys,
        save_key=new_key_saver(passphrase_file, plain=plain_keys),
        disk=LocalDisk(),
    )
    document = {
        "home": str(place.path),
        "entry": str(place.entry),
        "chain_name": chain_name,
        "number": entry.number,
        "agency_key": entry.agency_key.hex(),
        "validator_key": entry.validator_key.hex(),
        "node_key": entry.node_key.hex(),
    }
    text = f"""\
{entry.name_ko} ({entry.name_en}) is agency {entry.number} of {chain_name}. Its home:
  {place.path}
Next:
  1. Hand the entry, which holds nothing secret, to the coordinator:
     {place.entry}
  2. Name the other agencies' nodes under [p2p] peers in the settings:
     {place.settings}
  3. Compare and install the genesis file: mvchain genesis install FILE
  4. Once an operator is registered, keep the agency key off this machine,
     under a passphrase of its own (mvchain keys change-passphrase):
     {place.key("agency")}"""
    print_result(document, text, as_json=as_json)


def start(
    *,
    home: HomeOption = DEFAULT_HOME,
    vouch: Annotated[
        bool,
        typer.Option(
            "--vouch-no-other-copy-signed",
            help="After a restore or move: I vouch that no other copy of this validator key has signed since.",
        ),
    ] = False,
    exit_with_parent: Annotated[
        bool, typer.Option("--exit-with-parent", help="Stop when standard input ends.")
    ] = False,
) -> None:
    """Run the node of this home. SIGTERM, SIGHUP or Ctrl-C stops it."""
    from mvchain.app import run_node
    from mvchain.node.config import Home, load_settings

    place = Home(home.expanduser())

    def passphrase() -> bytes:
        file = load_settings(place.settings).keys.passphrase_file
        setting = f"passphrase_file under [keys] in {place.settings}"
        return read_passphrase(Path(file) if file else None, "the validator and node keys", option=setting)

    run_node(place, passphrase=passphrase, vouched=vouch, exit_with_parent=exit_with_parent)


def status(*, api: ApiOption = DEFAULT_API, as_json: JsonOption = False) -> None:
    """Show where a node stands."""
    _print_status(ask(api, lambda client: client.status()), as_json=as_json)


@reading_answer()
def _print_status(found: dict[str, Any], *, as_json: bool) -> None:
    text = facts(
        (
            ("chain", found["chain_id"]),
            ("agency", found["agency"] or "none: an observer"),
            ("height", f"{found['height']:,}"),
            ("block time", local_time(found["block_time_ms"])),
            ("app hash", found["app_hash"]),
            ("waiting", f"{found['pending']:,} transactions"),
            ("state", "catching up with the others" if found["catching_up"] else "up to date"),
            ("past", f"{found['filling_steps']:,} steps are left to fill in" if found["filling_steps"] else "whole"),
            ("snapshots", ", ".join(f"{height:,}" for height in found["snapshots"]) or "none"),
            *_misbehaviour(found["evidence"]),
            *(("ALARM", f"{alarm['code']}: {alarm['detail']} {alarm['remedy']}") for alarm in found["alarms"]),
        )
    )
    print_result(found, text, as_json=as_json)


def _misbehaviour(counts: dict[str, int]) -> list[tuple[str, str]]:
    """Nothing where nobody was seen to misbehave."""
    if counts["forks"]:
        return [("DANGER", "the chain has forked: see mvchain evidence")]
    twice = counts["committed"] + counts["pending"] + counts["duplicate_proposals"]
    return [("evidence", f"{counted(twice, 'double signing')}: see mvchain evidence")] if twice else []


def localnet(
    directory: Annotated[
        Path, typer.Argument(help="Where the nodes have their homes; made if it is not there.", readable=False)
    ],
    *,
    nodes: Annotated[int, typer.Option(min=1, help="Nodes of a new network.")] = 4,
    as_json: JsonOption = False,
) -> None:
    """Run a network of nodes on this machine until Ctrl-C. Its keys are not encrypted: for trying out only."""
    import asyncio

    from mvchain.localnet import Localnet, make_localnet

    if not directory.exists() or not any(directory.iterdir()):
        make_localnet(directory, nodes)
    asyncio.run(_run_localnet(Localnet(directory), as_json=as_json))


async def _run_localnet(network: "Localnet", *, as_json: bool) -> None:
    import asyncio

    async with network:
        await network.wait_ready()
        apis = {number: network.api_url(number) for number in network.numbers}
        document = {"chain_id": network.genesis.chain_id, "apis": list(apis.values())}
        lines = [f"  agency {number}  {url}  {network.home(number).path}" for number, url in apis.items()]
        text = "\n".join([f"{network.genesis.chain_id} is running; Ctrl-C stops it.", *lines])
        print_result(document, text, as_json=as_json)
        await network.watched(asyncio.Event().wait())


def demo(
    *,
    pb: Annotated[
        Path | None, typer.Option(help="Replay this election.", show_default="a small one", readable=False)
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, help="How many nodes.")] = 4,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="File to write the report to.", readable=False)
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the nodes' files where they are.")] = False,
    kill_one: Annotated[bool, typer.Option("--kill-one", help="Kill a node half-way and start it again.")] = False,
) -> None:
    """Hold a whole election on this machine and check it.

    Its nodes have their files in a directory that goes away at the end, unless --keep is given.
    """
    from mvchain.demo.run import Options, run_demo

    if not run_demo(Options(pb=pb, nodes=nodes, json_out=json_out, keep=keep, kill_one=kill_one)):
        raise typer.Exit(1)
