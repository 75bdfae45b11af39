"""The command of whoever verifies the chain without running a node: light."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mvchain.cli.options import JsonOption, parse_hash, read_file
from mvchain.cli.output import facts, local_time, note, print_result
from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, MvchainError
from mvchain.core.limits import MAX_GENESIS_BYTES
from mvchain.core.types import Height

if TYPE_CHECKING:
    from mvchain.ledger.genesis import Genesis
    from mvchain.light.blocks import LightBlock
    from mvchain.light.client import Divergence, Notice
    from mvchain.light.follower import Follower
    from mvchain.light.rules import Rules
    from mvchain.light.trust import Root, TrustStore

DEFAULT_LISTEN = "127.0.0.1:26690"
RPC = "rpc+"
"""Before the address of a node that is asked over JSON-RPC."""
TRUSTING_HOURS = 48
"""Not longer than evidence of misbehaviour is taken (security LIM24, ATK10)."""


def light(
    *,
    node: Annotated[
        list[str],
        typer.Option(metavar="URL", help="A node to ask; again for each, the primary first. rpc+URL: over JSON-RPC."),
    ],
    genesis: Annotated[
        Path | None, typer.Option(help="Trust this genesis file of the chain.", show_default=False, readable=False)
    ] = None,
    trust: Annotated[
        str | None, typer.Option(metavar="HEIGHT:HASH", help="Trust this block.", show_default=False)
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="File that remembers what was verified.", show_default="none", readable=False)
    ] = None,
    evidence: Annotated[
        Path, typer.Option(metavar="DIR", help="Where evidence of two truths is saved.", readable=False)
    ] = Path(),
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the verified API is served.")
    ] = DEFAULT_LISTEN,
    once: Annotated[
        int | None, typer.Option(metavar="HEIGHT", min=0, help="Verify this block only, 0: the newest; then exit.")
    ] = None,
    sequential: Annotated[bool, typer.Option("--sequential", help="Verify every height.")] = False,
    trust_level: Annotated[
        str, typer.Option(metavar="N/D", help="Part of known validators who must have signed a later block.")
    ] = "2/3",
    trusting_hours: Annotated[
        int, typer.Option(min=1, help="How long a block trusted by --trust may vouch for later ones.")
    ] = TRUSTING_HOURS,
    believe_a_single_node: Annotated[
        bool, typer.Option("--believe-a-single-node", help="Ask one node alone, with no second opinion.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Follow the chain from several nodes and verify it.

    What was verified is served; nothing else passes. Stops with exit code 1 and a file of evidence if two blocks
    contradict each other and both are signed.
    """
    import asyncio

    from mvchain.light.client import Divergence

    if len(node) == 1 and not believe_a_single_node:
        raise BadConfiguration(codes.ONE_NODE)
    known = _read_genesis(genesis)
    rules = _rules(trust_level, None if trust is None else trusting_hours)
    store = _read_store(state, _root(trust, known), rules)
    follower = _follower(node, store, rules, known, state, sequential=sequential, as_json=as_json)
    try:
        if once is None:
            asyncio.run(_serve(follower, listen, as_json=as_json))
        else:
            _print_block(asyncio.run(_verified(follower, once)), known, as_json=as_json)
    except Divergence as divergence:
        _save_evidence(divergence, known, evidence)
        raise


async def _verified(follower: "Follower", height: int) -> "LightBlock":
    return await (follower.block_at(Height(height)) if height else follower.advance())


async def _serve(follower: "Follower", listen: str, *, as_json: bool) -> None:
    from mvchain.api.light_proxy import LightProxy
    from mvchain.node.config import read_address

    try:
        address = read_address(listen)
    except ValueError as error:
        raise BadConfiguration(codes.BAD_LIGHT_OPTION, option="--listen", value=listen, why=error) from None
    proxy = LightProxy(follower)
    await proxy.start(address.host, address.port)
    try:
        host, port = proxy.address
        url = f"http://{host}:{port}"
        print_result({"listening": url}, f"verified API on {url}; Ctrl-C stops it", as_json=as_json)
        await follower.follow(
            lambda block: _print_progress(block, as_json=as_json), lambda error: _print_trouble(error, as_json=as_json)
        )
    finally:
        await proxy.stop()


# --- what is trusted, and who is asked ---


def _read_genesis(path: Path | None) -> "Genesis | None":
    from mvchain.ledger.genesis import Genesis

    return None if path is None else Genesis.decode(read_file(path, MAX_GENESIS_BYTES))


def _root(trust: str | None, genesis: "Genesis | None") -> "Root":
    from mvchain.light.trust import Checkpoint

    if trust is None:
        if genesis is None:
            raise BadConfiguration(codes.NO_TRUST_ROOT)
        return genesis
    height, colon, digest = trust.partition(":")
    if not colon or not re.fullmatch(r"[1-9][0-9]{0,14}", height, re.ASCII):
        why = "it is not HEIGHT:HASH, as 1234:5f2c…"
        raise BadConfiguration(codes.BAD_LIGHT_OPTION, option="--trust", value=trust, why=why)
    return Checkpoint(Height(int(height)), parse_hash(digest), None if genesis is None else genesis.chain_id)


def _rules(trust_level: str, trusting_hours: int | None) -> "Rules":
    """The genesis document vouches for ever (ledger L10), a block for so many hours."""
    from mvchain.light.rules import NS_PER_HOUR, Rules, TrustLevel

    try:
        numerator, denominator = map(int, trust_level.split("/"))
        level = TrustLevel(numerator, denominator)
    except ValueError:
        why = "it is not a fraction from 1/3 to 1/1"
        raise BadConfiguration(codes.BAD_LIGHT_OPTION, option="--trust-level", value=trust_level, why=why) from None
    return Rules(None if trusting_hours is None else trusting_hours * NS_PER_HOUR, level)


def _read_store(state: Path | None, root: "Root", rules: "Rules") -> "TrustStore":
    from mvchain.light.trust import MAX_STATE_BYTES, TrustStore, decode_trust

    if state is None or not state.exists():
        return TrustStore(root)
    return decode_trust(read_file(state, MAX_STATE_BYTES), root, rules.level)


def _saver(state: Path | None) -> Callable[[bytes], None]:
    from mvchain.node.files import LocalDisk, atomic_write

    if state is None:
        return lambda _: None
    disk = LocalDisk()
    disk.make_directory(state.absolute().parent)
    return lambda data: atomic_write(disk, state, data, 0o644)


def _follower(
    urls: list[str],
    store: "TrustStore",
    rules: "Rules",
    genesis: "Genesis | None",
    state: Path | None,
    *,
    sequential: bool,
    as_json: bool,
) -> "Follower":
    from mvchain.light.client import LightClient, Source
    from mvchain.light.fetch_http import HttpNode
    from mvchain.light.fetch_rpc import RpcNode
    from mvchain.light.follower import Follower
    from mvchain.light.transport import parse_address

    nodes: dict[Source, HttpNode | RpcNode] = {}
    for url in urls:
        kind = RpcNode if url.startswith(RPC) else HttpNode
        source = Source(url.rstrip("/"))
        if source in nodes:
            why = "it is named twice"
            raise BadConfiguration(codes.BAD_LIGHT_OPTION, option="--node", value=url, why=why)
        nodes[source] = kind(parse_address(url.removeprefix(RPC)))
    client = LightClient(
        store, tuple(nodes), rules, lambda notice: _print_notice(notice, as_json=as_json), sequential=sequential
    )
    return Follower(client, nodes, genesis, _saver(state))


# --- what is printed and kept ---


def _print_progress(block: "LightBlock", *, as_json: bool) -> None:
    digest = block.hash.hex()
    document = {"height": block.height, "hash": digest, "time_ns": str(block.time_ns)}
    text = f"block {block.height:,}  {local_time(block.time_ns // 1_000_000)}  {digest[:16]}  verified"
    print_result(document, text, as_json=as_json)


def _print_notice(notice: "Notice", *, as_json: bool) -> None:
    reason = "" if notice.reason is None else f": {notice.reason}"
    document = {
        "node": notice.source,
        "standing": notice.standing.value,
        "code": None if notice.reason is None else notice.reason.code,
    }
    print_result(document, f"node {notice.source} is {notice.standing.value}{reason}", as_json=as_json)


def _print_trouble(error: MvchainError, *, as_json: bool) -> None:
    print_result({"code": error.code, "detail": error.detail}, f"waiting: {error}", as_json=as_json)


def _print_block(block: "LightBlock", genesis: "Genesis | None", *, as_json: bool) -> None:
    """The verdict of --once."""
    from mvchain.light.evidence import names_of, signers_of

    signers = sorted(signers_of(block))
    header = block.header
    document = {
        "verified": True,
        "chain_id": header.chain_id,
        "height": header.height,
        "hash": block.hash.hex(),
        "time_ns": str(header.time_ns),
        "app_hash": header.app_hash.hex(),
        "signed": [key.hex() for key in signers],
        "validators": len(block.validators),
    }
    rows = [
        ("chain", header.chain_id),
        ("block", f"{header.height:,}"),
        ("hash", block.hash.hex()),
        ("time", local_time(header.time_ns // 1_000_000)),
        ("app hash", header.app_hash.hex()),
        ("signed by", f"{len(signers)} of {len(block.validators)} agencies"),
        *(("", name) for name in names_of(signers, genesis)),
    ]
    print_result(document, f"Verified.\n{facts(rows)}", as_json=as_json)


def _save_evidence(divergence: "Divergence", genesis: "Genesis | None", directory: Path) -> None:
    from mvchain.light.evidence import encode_evidence, evidence_in_words, evidence_name
    from mvchain.node.files import LocalDisk, atomic_write

    disk = LocalDisk()
    disk.make_directory(directory.absolute())
    path = directory / evidence_name(divergence)
    atomic_write(disk, path, encode_evidence(divergence), 0o644)
    note(f"{evidence_in_words(divergence, genesis)}\nThe evidence: {path}")
