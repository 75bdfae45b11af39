"""Commands on polls: poll create, list, show, results, pause, resume, extend, close, void."""

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
    KeyOption,
    PassphraseOption,
    act,
    ask,
    parse_time,
)
from mvchain.cli.output import bars, counted, facts, local_time, print_result, reading_answer, table, waiting
from mvchain.core import codes
from mvchain.core.errors import BadRequest
from mvchain.core.types import Hash, PollNumber

if TYPE_CHECKING:
    from mvchain.api.client import Client, JsonObject
    from mvchain.api.operator import Operator

app = typer.Typer(help="Polls: making them, watching them, ending them.", no_args_is_help=True)

NumberArgument = Annotated[int, typer.Argument(metavar="POLL", min=1, help="Number of the poll.")]
_RELEASES = {"live": "released while it is open", "after_closing": "released when it is counted"}
_TIES = {
    "equal_rank": "equal totals share a rank",
    "by_lot": "broken by lot",
    "earlier_option_first": "broken in favour of the option named first",
}
ReasonOption = Annotated[str, typer.Option(help="Why; everybody can read it.")]


@app.command()
def create(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The poll as TOML, or a .pb file for its question.", readable=False)
    ],
    *,
    roll: Annotated[int | None, typer.Option(min=1, help="Number of the sealed roll, instead of the file's.")] = None,
    opens_at: Annotated[str | None, typer.Option(help="When it opens, instead of the file's time.")] = None,
    closes_at: Annotated[str | None, typer.Option(help="When it closes, instead of the file's time.")] = None,
    replaced: Annotated[
        int | None,
        typer.Option("--replace", metavar="POLL", min=1, help="Poll, not open yet, that it takes the place of."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a poll. Once it is open nothing of it can be changed but the closing time.

    \b
    FILE:
      title = { ko = "자전거 이름", en = "Name of the bicycle" }
      roll = 1                   # sealed, for this poll alone
      opens_at = 2026-03-02T09:00:00+09:00
      closes_at = 2026-03-09T18:00:00+09:00
      revote = true              # may a voter replace the ballot?
      release = "after_closing"  # or "live": when totals are shown
    \b
      [[questions]]
      type = "single"            # approval, ranked, points, score
      title = { ko = "이름은?", en = "Which name?" }
      blank_allowed = true
      options = [
          { id = "a", title = { ko = "따릉이", en = "Ttareungi" } },
          { id = "b", title = { ko = "바람", en = "Baram" } },
      ]
    \b
    rule, by type:
      approval  rule = { min = 1, max = 5, max_cost = 0, quotas = [] }
      ranked    rule = { min = 1, max = 3, weights = [3, 2, 1] }
      points    rule = { option_cap = 10, min_sum = 1, max_sum = 10 }
      score     rule = { max_mark = 5 }
    \b
    May be left out: description (of poll, question, option), cost, group
    and image_hash of an option, agency (yours), grace_ms = 60000,
    approvals = 2, tie_rule = "equal_rank" ("by_lot",
    "earlier_option_first"), min_turnout = 0.
    """
    from mvchain.cli.poll_files import read_poll_file
    from mvchain.ledger.poll_json import definition_from_json

    poll = read_poll_file(file)
    if roll is not None:
        poll["roll"] = roll
    if opens_at is not None:
        poll["opens_at_ms"] = parse_time(opens_at)
    if closes_at is not None:
        poll["closes_at_ms"] = parse_time(closes_at)

    async def do(operator: "Operator", client: "Client") -> "JsonObject":
        signer = await client.signer(operator.public_key)
        definition = definition_from_json({"agency": signer.get("agency"), **poll})
        return await client.poll(await operator.register_poll(definition, PollNumber(replaced or 0)))

    _print_poll(act(do, api=api, home=home, genesis=genesis, key=key, passphrase_file=passphrase_file), as_json=as_json)


@app.command("list")
def list_(*, api: ApiOption = DEFAULT_API, as_json: JsonOption = False) -> None:
    """List all polls."""

    async def do(client: "Client") -> "list[dict[str, Any]]":
        return [poll async for poll in client.polls()]

    _print_polls(ask(api, do), as_json=as_json)


@reading_answer()
def _print_polls(polls: list[dict[str, Any]], *, as_json: bool) -> None:
    rows = [(poll["poll"], _text(poll["title"]), poll["state"], local_time(poll["closes_at_ms"])) for poll in polls]
    text = table(("no.", "poll", "state", "closes"), rows) if rows else "There is no poll yet."
    print_result({"polls": polls}, text, as_json=as_json)


@app.command()
def show(number: NumberArgument, *, api: ApiOption = DEFAULT_API, as_json: JsonOption = False) -> None:
    """Show a poll: what is asked, when, how, and of whom."""
    _print_poll(_get(api, number), as_json=as_json)


@app.command()
def results(
    number: NumberArgument,
    *,
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="Wait for the final totals; an error if it takes longer.")
    ] = 0,
    api: ApiOption = DEFAULT_API,
    as_json: JsonOption = False,
) -> None:
    """Show the totals of a poll, once they are released.

    A poll is counted after its closing time and the grace in which ballots received in time get into blocks.
    """
    from mvchain.api.operator import await_outcome

    poll = ask(api, lambda client: await_outcome(client, PollNumber(number), wait))
    _print_results(poll, wait, as_json=as_json)


@reading_answer()
def _print_results(poll: dict[str, Any], waited: int, *, as_json: bool) -> None:
    if waited and poll["state"] not in ("final", "void"):
        raise BadRequest(
            codes.NOT_FINAL_YET, poll=poll["poll"], state=poll["state"], seconds=waited, due=_counted_from(poll)
        )
    document = {name: poll[name] for name in ("poll", "state", "disputed", "tally_hash", "tally")}
    print_result(document, _results_text(poll), as_json=as_json)


@app.command()
def extend(
    number: NumberArgument,
    *,
    closes_at: Annotated[str, typer.Option(help="New closing time, later than the old: 2026-03-09T18:00:00+09:00.")],
    reason: ReasonOption,
    home: HomeOption = DEFAULT_HOME,
    genesis: GenesisOption = None,
    api: ApiOption = DEFAULT_API,
    key: KeyOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the closing time of a poll, later only. Needs approvals."""
    until = parse_time(closes_at)
    poll = PollNumber(number)

    async def do(operator: "Operator", client: "Client") -> "tuple[Hash, JsonObject]":
        return await operator.extend(poll, until, reason), await client.poll(poll)

    _print_step(
        *act(do, api=api, home=home, genesis=genesis, key=key, passphrase_file=passphrase_file), as_json=as_json
    )


def _add_step(name: str, help_: str) -> None:
    """A command that acts on a poll with nothing but a reason: `Operator` has a method of the same name."""

    @app.command(name, help=help_)
    def step(
        number: NumberArgument,
        *,
        reason: ReasonOption,
        home: HomeOption = DEFAULT_HOME,
        genesis: GenesisOption = None,
        api: ApiOption = DEFAULT_API,
        key: KeyOption = None,
        passphrase_file: PassphraseOption = None,
        as_json: JsonOption = False,
    ) -> None:
        poll = PollNumber(number)

        async def do(operator: "Operator", client: "Client") -> "tuple[Hash, JsonObject]":
            return await getattr(operator, name)(poll, reason), await client.poll(poll)

        _print_step(
            *act(do, api=api, home=home, genesis=genesis, key=key, passphrase_file=passphrase_file), as_json=as_json
        )


_add_step("pause", "Take no ballots until resumed. The poll closes on time all the same.")
_add_step("resume", "Take ballots again.")
_add_step("close", "Close a poll before its time. Needs approvals.")
_add_step("void", "End a poll without a result. Needs approvals.")


def _get(api: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = ask(api, lambda client: client.poll(number))
    return found


def _text(texts: dict[str, str]) -> str:
    """In Korean where there is Korean, else in the first language there is."""
    return texts.get("ko") or next(iter(texts.values()), "")


@reading_answer()
def _print_poll(poll: dict[str, Any], *, as_json: bool) -> None:
    definition = poll["definition"]
    rows = [
        ("poll", f"{poll['poll']}: {_text(poll['title'])}"),
        ("state", poll["state"] + (", DISPUTED" if poll["disputed"] else "")),
        ("agency", poll["agency"]),
        ("opens", local_time(poll["opens_at_ms"])),
        ("closes", local_time(poll["closes_at_ms"])),
        ("counted", f"from {_counted_from(poll)}"),
        ("totals", _RELEASES[definition["release"]]),
        ("re-voting", "allowed: the last ballot counts" if definition["revote"] else "not allowed"),
        ("ties", _TIES[definition["tie_rule"]]),
        ("turnout", counted(definition["min_turnout"], "voter") + " at least" if definition["min_turnout"] else "any"),
        ("voters", f"{poll['roll']['size']:,} on roll {poll['roll']['number']}"),
        ("ballots", f"{poll['ballots']['size']:,}"),
        ("definition", poll["definition_hash"]),
        *waiting(poll["pending"]),
    ]
    lines = [facts(rows)]
    for number, question in enumerate(definition["questions"], 1):
        lines.append(f"\n{number}. {_text(question['title'])} ({question['type']})")
        lines += [f"   {option['id']:<10} {_text(option['title'])}" for option in question["options"]]
    print_result(poll, "\n".join(lines), as_json=as_json)


def _results_text(poll: dict[str, Any]) -> str:
    head = f"{poll['poll']}: {_text(poll['title'])} ({poll['state']})"
    tally = poll["tally"]
    if tally is None:
        return f"{head}\n{_why_no_totals(poll)}"
    final = poll["state"] == "final"
    lines = [head, f"{counted(tally['ballots'], 'ballot')} {'counted' if final else 'so far'}"]
    if poll["disputed"]:
        lines.append("DISPUTED: the count and the recount differ; both are in the record (--json).")
    for question, totals in zip(poll["definition"]["questions"], tally["questions"], strict=True):
        titles = {option["id"]: _text(option["title"]) for option in question["options"]}
        # Most first; equal ones as in the poll.
        ranked = sorted(totals["options"], key=lambda option: -option["total"])
        lines.append(f"\n{_text(question['title'])}")
        lines.append(bars([(titles[option["id"]], option["total"]) for option in ranked]))
        if totals["blanks"]:
            lines.append(f"{totals['blanks']:,} blank")
    return "\n".join(lines)


def _counted_from(poll: dict[str, Any]) -> str:
    """When the counting begins: the grace for ballots that were received in time is over then."""
    return local_time(poll["closes_at_ms"] + poll["grace_ms"])


def _why_no_totals(poll: dict[str, Any]) -> str:
    if poll["state"] == "void":
        return "The poll is void: it has no result."
    if poll["state"] == "counting":
        return "It is being counted: the totals come with the next blocks."
    return f"""\
The totals are not released yet: it closes at {local_time(poll["closes_at_ms"])}
and is counted from {_counted_from(poll)}. To wait for them: --wait SECONDS"""


@reading_answer()
def _print_step(done: Hash, poll: dict[str, Any], *, as_json: bool) -> None:
    waits = any(action["hash"] == done.hex() for action in poll["pending"])
    document = {"hash": done.hex(), "poll": poll["poll"], "state": poll["state"], "in_force": not waits}
    if waits:
        text = f"It takes effect when enough operators have agreed to it:\nmvchain approve {done.hex()}"
    else:
        text = f"Done. Poll {poll['poll']} is {poll['state']}; closing time {local_time(poll['closes_at_ms'])}."
    print_result(document, text, as_json=as_json)
