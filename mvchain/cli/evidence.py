"""mvchain evidence: who signed two different messages, and what else a node saw of misbehaviour."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from mvchain.cli.options import DEFAULT_API, ApiOption, JsonOption, ask
from mvchain.cli.output import counted, facts, print_result, reading_answer, table

PAGE = 30
MAX_PAGE = 100


def evidence(
    *,
    after: Annotated[int, typer.Option(min=0, help="Only records with numbers above this.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="Records to show.")] = PAGE,
    messages: Annotated[bool, typer.Option("--messages", help="With the signed messages themselves, in hex.")] = False,
    api: ApiOption = DEFAULT_API,
    as_json: JsonOption = False,
) -> None:
    """Show which agencies' validator keys signed twice.

    Two different messages, where an honest one signs one.

    What is on the chain convicts the key, whoever shows it: every node has verified both signatures, and the records
    are in the state that headers bind. The rest is what this node saw. A key that signed twice runs in two places, or
    is in the wrong hands: the agency must stop it and rotate it.
    """
    found = ask(api, lambda client: client.evidence(after, limit, messages=messages))
    _print_evidence(found, messages=messages, as_json=as_json)


@reading_answer()
def _print_evidence(found: Mapping[str, Any], *, messages: bool, as_json: bool) -> None:
    counts = found["counts"]
    parts = [_fork(fork, messages=messages) for fork in found["forks"]]
    if found["committed"]:
        parts.append(_section(f"On the chain: {counted(counts['committed'], 'double signing')}", found["committed"]))
    if found["pending"]:
        parts.append(_section(f"Not in a block yet: {counts['pending']:,}", found["pending"]))
    if found["duplicate_proposals"]:
        columns = ("agency", "height", "round")
        rows = ((_name(item["agency"]), item["height"], item["round"]) for item in found["duplicate_proposals"])
        title = f"Two proposals in one round, as this node saw: {counts['duplicate_proposals']:,}"
        parts.append(f"{title}\n{table(columns, rows)}")
    if found["next"] is not None:
        parts.append(f"There are more: mvchain evidence --after {found['next']}")
    if messages:
        listed = (*found["committed"], *found["pending"], *found["duplicate_proposals"])
        parts += [_messages(item) for item in listed if "messages" in item]
    print_result(found, "\n\n".join(parts) or "Nobody was seen to sign twice.", as_json=as_json)


def _section(title: str, accused: Iterable[Mapping[str, Any]]) -> str:
    rows = (
        (
            item["number"] or "-",
            _name(item["agency"]),
            f"two {item['kind']}s",
            item["height"],
            item["round"],
            item["block_height"] or "-",
        )
        for item in accused
    )
    return f"{title}\n{table(('no.', 'agency', 'signed', 'height', 'round', 'in block'), rows)}"


def _fork(fork: Mapping[str, Any], *, messages: bool) -> str:
    names = ", ".join(map(_name, fork["signed_both"])) or "nobody"
    own, other = fork["own"], fork["other"]
    proof = "in one round, which no honest node does"
    if not fork["same_round"]:
        proof = f"in rounds {own['round']} and {other['round']}, which alone does not convict"
    text = f"""\
THE CHAIN HAS FORKED. Two blocks of height {fork["height"]} have a valid commit each.
Believe neither before all agencies have compared their chains.
  here       {own["block_hash"]}
  elsewhere  {other["block_hash"]}
Signed both, {proof}:
  {names}"""
    return f"{text}\n  {own['encoded']}\n  {other['encoded']}" if messages else text


def _messages(item: Mapping[str, Any]) -> str:
    signed: Sequence[Mapping[str, Any]] = item["messages"]
    where = f"height {item['height']} round {item['round']}"
    rows = ((message["block_hash"] or "nil", message["encoded"]) for message in signed)
    return f"{_name(item['agency'])}, {where}\n{facts(rows)}"


def _name(agency: Mapping[str, Any]) -> str:
    return f"{agency['name']['ko']} ({agency['name']['en']})"
