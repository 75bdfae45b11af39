"""The composition root: from a home directory to a running node. The only module that names every concrete class."""

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import NamedTuple

from mvchain.api.chain_view import ChainOfRuntime, NodeIdentity
from mvchain.api.limits import ApiLimits
from mvchain.api.node_view import NodeViewOfRuntime
from mvchain.api.server import ApiServer
from mvchain.core import codes, keys
from mvchain.core.errors import BadConfiguration, BrokenStorage
from mvchain.core.hashing import EMPTY_HASH
from mvchain.core.keys import SigningKey
from mvchain.core.limits import MAX_GENESIS_BYTES
from mvchain.core.timestamps import NS_PER_MS
from mvchain.core.types import Height, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.keyspace import WHOLE_STATE
from mvchain.ledger.mempool import Mempool
from mvchain.ledger.state import State
from mvchain.node import config
from mvchain.node.candidates import Tip
from mvchain.node.config import ApiSettings, Home, Settings, load_settings
from mvchain.node.files import LocalDisk
from mvchain.node.guard import SignGuard
from mvchain.node.handshake import Local
from mvchain.node.intake import Intake
from mvchain.node.join import Join, Progress
from mvchain.node.joining import Arrived
from mvchain.node.journal import Journal
from mvchain.node.keystore import load_key, load_plain_key
from mvchain.node.log_lines import set_up_logging
from mvchain.node.neighbours import Neighbours
from mvchain.node.ports import BlockStore, Ports
from mvchain.node.replica import TIP_KEY, Replica
from mvchain.node.runtime import Runtime, clock_ms, now_ms, now_ns
from mvchain.node.signatures import SignaturePool
from mvchain.node.snapshots import SnapshotMaker, Snapshots
from mvchain.node.store import Store
from mvchain.node.transport import PeerAddress, Transport
from mvchain.node.vitals import Vitals
from mvchain.node.wal import Log

logger = logging.getLogger(__name__)


def run_node(
    home: Home, *, passphrase: Callable[[], bytes], vouched: bool = False, exit_with_parent: bool = False
) -> None:
    """Run the node of this home until SIGTERM, SIGINT or SIGHUP.

    Args:
        passphrase: asked once, if the keys are encrypted and no passphrase file is set.
        vouched: the operator vouches that no other copy of the validator key has signed (N4).
        exit_with_parent: stop when standard input ends, as it does when the parent process is gone.

    Raises:
        BadConfiguration: with what is wrong and the remedy.
        BrokenStorage: the disk failed or is damaged.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # memory has the keys, and no crash may write it out (KEY03)
    settings = load_settings(home.settings)
    set_up_logging(settings.log)
    keys.self_test()
    genesis, document = load_genesis(home)
    node_keys = load_keys(home, settings, passphrase)
    asyncio.run(
        _serve(
            home,
            settings,
            genesis,
            document,
            node_keys,
            vouched=vouched,
            exit_with_parent=exit_with_parent,
        )
    )


def join_chain(
    home: Home,
    genesis: Genesis,
    node_key: SigningKey,
    peers: Sequence[config.PeerAddress],
    report: Callable[[Progress], None],
) -> tuple[Height, bool]:
    """Get the state of a chain for a home that has none from a snapshot of these nodes, which let this one in.

    Returns the height of the state that the home has now, and whether it has come now. 0: no node has a snapshot that
    holds, so the node will execute every block.

    Raises:
        BadConfiguration: no node could be reached.
        BadProof: the chain has two truths.
        BrokenStorage: the disk failed or is damaged.
    """
    disk = LocalDisk()
    with closing(Store(home.store, disk)) as store:
        tip = store.get(TIP_KEY)
        if tip is not None:
            held = Tip.decode(tip).height
            if held:
                return held, False
            store.wipe()  # the node was started before it joined, and has no block yet
        names = {agency.node_key: f"{agency.number} {agency.name_en}" for agency in genesis.agencies}
        dialled = {peer.key: names.get(peer.key, str(peer.address)) for peer in peers}
        dial = [PeerAddress(peer.address.host, peer.address.port, peer.key) for peer in peers]
        join = Join(genesis, store, Arrived(home.joining, disk), len(dialled), report)
        height = asyncio.run(join.run(Transport(lambda: Local(node_key, genesis.hash), dial, dialled.get)))
        return height or Height(0), height is not None


def load_genesis(home: Home) -> tuple[Genesis, bytes]:
    """The genesis document of a home, decoded and as bytes."""
    document = LocalDisk().read(home.genesis)
    if document is None:
        raise BadConfiguration(codes.NO_GENESIS, path=home.genesis)
    if len(document) > MAX_GENESIS_BYTES:
        raise BadConfiguration(codes.FILE_TOO_LARGE, path=home.genesis, limit=MAX_GENESIS_BYTES)
    return Genesis.decode(document), document


class NodeKeys(NamedTuple):
    """The keys of a node, by generation, oldest first: the present ones, and the next while they are replaced (L4)."""

    validator: dict[int, SigningKey]
    node: dict[int, SigningKey]

    def present_node_key(self, state: State) -> SigningKey:
        """The one that the chain knows as an agency's present one; the oldest, where it knows none."""
        oldest_first = list(self.node.values())
        return next((key for key in oldest_first if state.agency_of_node(key.public)), oldest_first[0])


def load_keys(home: Home, settings: Settings, passphrase: Callable[[], bytes]) -> NodeKeys:
    """The validator keys and the node keys; the passphrase is one for all."""
    disk = LocalDisk()
    secret = None if settings.keys.allow_plain else passphrase()

    def load(purpose: str) -> dict[int, SigningKey]:
        paths = {generation: home.key(purpose, generation) for generation in home.generations(purpose)}
        return {
            n: load_plain_key(path, disk) if secret is None else load_key(path, secret, disk)
            for n, path in paths.items()
        }

    return NodeKeys(load("validator"), load("node"))


async def _serve(
    home: Home,
    settings: Settings,
    genesis: Genesis,
    document: bytes,
    node_keys: NodeKeys,
    *,
    vouched: bool,
    exit_with_parent: bool,
) -> None:
    """Put the parts together, run them, and take them down in order."""
    disk = LocalDisk()
    with ExitStack() as stack:
        guards = []
        for generation, key in node_keys.validator.items():
            guard = SignGuard(home.guard_of(generation), key, genesis.chain_id, disk)
            stack.callback(guard.close)
            if vouched:
                guard.vouch()
            guards.append(guard)
        store = Store(home.store, disk)
        stack.callback(store.close)
        log = Log(home.log, disk)
        stack.callback(log.close)
        journal = Journal(home.journal, disk, max_bytes=settings.storage.journal_max_bytes)
        stack.callback(journal.close)
        signatures = SignaturePool()
        stack.callback(signatures.close)
        state, tip = open_state(store, genesis)
        mempool = Mempool(settings.mempool.max_bytes, settings.mempool.max_transactions)
        replica = Replica(genesis, state, tip, mempool, Ports(store, log, guards, signatures, now_ns))
        intake = Intake(replica, signatures, journal, now_ms)
        maker = SnapshotMaker(Snapshots(home.snapshots, disk), replica, settings.snapshots.every_blocks)
        vitals = Vitals(replica, disk, home.store, settings.storage.ballots_need_free_bytes, clock_ms)
        runtime = Runtime(replica, journal, intake, maker=maker, vitals=vitals, vouched=vouched)
        transport = _transport(settings, genesis, node_keys, replica)
        await transport.listen(settings.p2p.listen.host, settings.p2p.listen.port)
        node_view = NodeViewOfRuntime(
            runtime,
            genesis,
            document,
            lambda: node_keys.present_node_key(state),
            public_url=settings.api.public_url,
            other_nodes=settings.api.other_nodes,
        )
        chain_view = ChainOfRuntime(runtime, genesis, _identity(settings, replica, node_keys), node_view.proofs.blocks)
        api = ApiServer(node_view, _api_limits(settings.api), chain_view)

        async def open_api() -> None:
            await api.start(settings.api.listen.host, settings.api.listen.port)
            logger.info(
                "node of chain %s is up: API on %s, peers on %s",
                genesis.chain_id,
                settings.api.listen,
                settings.p2p.listen,
            )

        running = asyncio.create_task(runtime.run(transport, open_api))
        _stop_on_signals(running, exit_with_parent=exit_with_parent)
        try:
            await running
        except asyncio.CancelledError:
            logger.info("stopping")
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            await api.stop()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The fault that ended the node; those of other tasks follow from it."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def open_state(store: BlockStore, genesis: Genesis) -> tuple[State, Tip]:
    """The state that the store holds, or the one that genesis makes.

    Raises:
        BadConfiguration: the store belongs to another genesis.
        BrokenStorage: it holds a part of a snapshot (CP18).
    """
    encoded = store.get(TIP_KEY)
    if encoded is not None:
        state = State.load(store, store)
        if state.genesis_hash != genesis.hash:
            raise BadConfiguration(codes.OTHER_GENESIS, stored=state.genesis_hash.hex(), given=genesis.hash.hex())
        return state, Tip.decode(encoded)
    if next(store.scan(*WHOLE_STATE), None) is not None:
        raise BrokenStorage(codes.STORE_UNFINISHED)
    state, writes = State.genesis(genesis, store, store)
    tip = Tip(Height(0), NIL_BLOCK_ID, TimeNs(genesis.genesis_time_ms * NS_PER_MS), EMPTY_HASH, changed_state=False)
    store.write_state({**writes, TIP_KEY: tip.encode()})
    return state, tip


def _transport(settings: Settings, genesis: Genesis, node_keys: NodeKeys, replica: Replica) -> Transport:
    """Connections to the nodes of the chain's agencies, with their present keys, and to configured observers (N7)."""
    dial = [PeerAddress(peer.address.host, peer.address.port, peer.key) for peer in settings.p2p.peers]
    neighbours = Neighbours(replica.state, [peer.key for peer in dial], settings.p2p.observers)
    return Transport(
        lambda: Local(node_keys.present_node_key(replica.state), genesis.hash),
        dial,
        neighbours.name_of,
        present=neighbours.present,
    )


def _identity(settings: Settings, replica: Replica, node_keys: NodeKeys) -> NodeIdentity:
    node_key = node_keys.present_node_key(replica.state)
    agency = replica.state.agency_of_node(node_key.public)
    oldest_first = [key.public for key in node_keys.validator.values()]
    return NodeIdentity(
        node_key=node_key.public,
        validator_key=next((key for key in oldest_first if agency and agency.validator_key == key), oldest_first[0]),
        moniker=agency.name_en if agency else "observer",
        peer_address=str(settings.p2p.listen),
        api_address=str(settings.api.listen),
    )


def _api_limits(settings: ApiSettings) -> ApiLimits:
    return ApiLimits(
        header_s=settings.header_deadline_ms / 1000,
        body_s=settings.body_deadline_ms / 1000,
        answer_s=settings.answer_deadline_ms / 1000,
        idle_s=settings.idle_deadline_ms / 1000,
        connections=settings.max_connections,
        per_address=settings.max_connections_per_address,
    )


def _stop_on_signals(running: asyncio.Task[None], *, exit_with_parent: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup wants the node to outlive its terminal
            loop.add_signal_handler(number, running.cancel)
    if exit_with_parent:

        def stdin_readable() -> None:
            if not os.read(sys.stdin.fileno(), 1024):
                loop.remove_reader(sys.stdin.fileno())
                running.cancel()

        loop.add_reader(sys.stdin.fileno(), stdin_readable)
