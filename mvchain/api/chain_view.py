"""What the JSON-RPC reads of a node's chain: one protocol, and the running node behind it.

All methods read memory or a few records of the store and return at once; those that say so take a time that grows with
the block. Heights are those of blocks that the node holds, from `base_height` to `height`, unless said otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Protocol

from mvchain.api.block_trees import BlockTrees
from mvchain.api.stored_blocks import StoredBlocks
from mvchain.core import codes
from mvchain.core.errors import BadTransaction
from mvchain.core.hashing import sha256
from mvchain.core.merkle import Proof
from mvchain.core.types import Hash, Height, PublicKey
from mvchain.ledger.admission import context_of
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import Block, Commit, Header, TxResult
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.genesis import ConsensusParams, Genesis
from mvchain.ledger.results import accepted
from mvchain.ledger.state_tree import ProofOp
from mvchain.ledger.transactions import decode_transaction, verify_signature
from mvchain.ledger.units import transaction_units
from mvchain.ledger.validators import ValidatorSet
from mvchain.node.runtime import Runtime

CACHED_SIZES = 4_096
"""Of the blocks asked for last."""


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What a node says of itself (C118)."""

    node_key: PublicKey
    validator_key: PublicKey
    moniker: str
    peer_address: str
    """Where it listens for nodes, as host:port; and for the API."""
    api_address: str


@dataclass(frozen=True, slots=True)
class CommittedTx:
    """A transaction of a block and its result."""

    height: Height
    index: int
    raw: bytes
    hash: Hash
    result: TxResult


@dataclass(frozen=True, slots=True)
class Waiting:
    """The mempool: how much waits, and how much may."""

    count: int
    size_bytes: int
    max_count: int
    max_bytes: int


class ChainView(Protocol):
    """A node's chain, seen from its JSON-RPC."""

    @property
    def genesis(self) -> Genesis:
        """What the chain started from."""

    @property
    def identity(self) -> NodeIdentity:
        """This node."""

    @property
    def base_height(self) -> Height:
        """Of the oldest block it holds; 0 if there is none."""

    @property
    def height(self) -> Height:
        """Of the newest block; 0 if there is none."""

    @property
    def catching_up(self) -> bool:
        """Whether peers have blocks that this node lacks."""

    @property
    def peer_count(self) -> int:
        """Connected nodes."""

    def header(self, height: Height) -> Header:
        """Of a block."""

    def block_id(self, height: Height) -> BlockID:
        """Of a block."""

    def block(self, height: Height) -> Block:
        """A whole block; takes about 2 µs a transaction."""

    def transaction_count(self, height: Height) -> int:
        """How many transactions a block has."""

    def block_size(self, height: Height) -> int:
        """Bytes of an encoded block; takes about 1 µs a transaction the first time."""

    def commit(self, height: Height) -> tuple[Commit, bool]:
        """The precommits for a block, and whether they are those that the next block holds (C119)."""

    def height_of(self, block_hash: bytes) -> Height | None:
        """Of the block with this hash; None if there is none here."""

    def app_hash_after(self, height: Height) -> Hash:
        """Root of the state after a block."""

    def transactions(self, height: Height, start: int, stop: int) -> Sequence[CommittedTx]:
        """Those of a block from index `start` to before `stop`; takes about 20 µs each."""

    def find_transaction(self, tx_hash: Hash) -> CommittedTx | None:
        """A transaction by its hash, None if no block here has it."""

    def transaction_proof(self, height: Height, index: int) -> Proof:
        """Its inclusion under the data hash of the header (C64)."""

    def validators(self, height: Height) -> ValidatorSet:
        """Of a height up to two above the newest block, as the newest one may have changed it (C73)."""

    def params(self, height: Height) -> ConsensusParams:
        """In force at a height up to one above the newest block."""

    def record(self, height: Height, store: str, number: int) -> tuple[bytes, tuple[ProofOp, ProofOp]] | None:
        """A record of the state after block `height`, from `oldest_provable` to `height`, and its proof (C144)."""

    @property
    def oldest_provable(self) -> Height:
        """The lowest height whose state can still be shown."""

    def waiting(self) -> Waiting:
        """What is in the mempool."""

    def waiting_transactions(self, limit: int) -> Sequence[bytes]:
        """The first of those that the next block can hold."""

    def check(self, untrusted: bytes) -> None:
        """Judge a transaction against the state, and keep nothing; raises BadTransaction."""

    def offer_evidence(self, untrusted: DuplicateEndorsementEvidence) -> None:
        """Verify evidence, keep it for a block and pass it on, unless it is known; raises BadProof."""

    async def wait_block(self, above: Height) -> None:
        """Returns once there is a block above this height."""


class ChainOfRuntime:
    """Implements `ChainView`."""

    def __init__(self, runtime: Runtime, genesis: Genesis, identity: NodeIdentity, blocks: StoredBlocks) -> None:
        self.genesis = genesis
        self.identity = identity
        self._runtime = runtime
        self._replica = runtime.replica
        self._store = runtime.replica.store
        self._trees = BlockTrees(self._store)
        self.header = blocks.header
        self.commit = blocks.commit
        self.block_size = lru_cache(maxsize=CACHED_SIZES)(self._read_size)

    # --- where the node stands ---

    @property
    def base_height(self) -> Height:
        """See `ChainView`."""
        return self._store.base_height

    @property
    def height(self) -> Height:
        """See `ChainView`."""
        return self._replica.tip.height

    @property
    def catching_up(self) -> bool:
        """See `ChainView`."""
        return self._runtime.dispatch.catch_up.distance(self._replica.machine.height) > 1

    @property
    def peer_count(self) -> int:
        """See `ChainView`."""
        return len(self._runtime.dispatch.connected_keys())

    async def wait_block(self, above: Height) -> None:
        """See `ChainView`."""
        await self._runtime.wait_block(above)

    # --- blocks ---

    def block_id(self, height: Height) -> BlockID:
        """See `ChainView`."""
        tip = self._replica.tip
        return tip.block_id if height == tip.height else self.header(Height(height + 1)).last_block_id

    def block(self, height: Height) -> Block:
        """See `ChainView`."""
        stored = self._store.block(height)
        assert stored is not None, height
        return stored.block()

    def transaction_count(self, height: Height) -> int:
        """See `ChainView`."""
        return len(self._trees.numbers(height))

    def _read_size(self, height: Height) -> int:
        return len(self.block(height).encode())

    def height_of(self, block_hash: bytes) -> Height | None:
        """See `ChainView`."""
        return self._store.height_of_block_hash(Hash(block_hash))

    def app_hash_after(self, height: Height) -> Hash:
        """See `ChainView`."""
        if height == self.height:
            return self._replica.state.app_hash
        return Hash(self.header(Height(height + 1)).app_hash)

    # --- transactions ---

    def transactions(self, height: Height, start: int, stop: int) -> Sequence[CommittedTx]:
        """See `ChainView`."""
        found = self._store.transactions(height, start, stop)
        return [self._committed(height, index, raw) for index, raw in enumerate(found, start)]

    def find_transaction(self, tx_hash: Hash) -> CommittedTx | None:
        """See `ChainView`."""
        place = self._store.tx_location(tx_hash)
        return None if place is None else self._committed(*place, self._store.transaction_at(*place))

    def _committed(self, height: Height, index: int, raw: bytes) -> CommittedTx:
        transaction = decode_transaction(raw)
        result = accepted(transaction, self._trees.numbers(height)[index], transaction_units(transaction))
        return CommittedTx(height, index, raw, sha256(raw), result)

    def transaction_proof(self, height: Height, index: int) -> Proof:
        """See `ChainView`."""
        return self._trees.included(height, index)

    def waiting(self) -> Waiting:
        """See `ChainView`."""
        pool = self._replica.mempool
        return Waiting(len(pool), pool.size_bytes, pool.max_count, pool.max_bytes)

    def waiting_transactions(self, limit: int) -> Sequence[bytes]:
        """See `ChainView`."""
        return [transaction.raw for transaction in islice(self._replica.mempool.ready(), limit)]

    def check(self, untrusted: bytes) -> None:
        """See `ChainView`."""
        state = self._replica.state
        transaction = decode_transaction(untrusted)
        if not verify_signature(transaction, state.genesis_hash, context_of(state, transaction)):
            raise BadTransaction(codes.BAD_SIGNATURE, tx=transaction.hash.hex())
        state.check(transaction)

    def offer_evidence(self, untrusted: DuplicateEndorsementEvidence) -> None:
        """See `ChainView`."""
        self._runtime.offer_evidence(untrusted)

    # --- the state ---

    def validators(self, height: Height) -> ValidatorSet:
        """See `ChainView`."""
        return self._replica.state.validators_at(height)

    def params(self, height: Height) -> ConsensusParams:
        """See `ChainView`."""
        set_before = [params for executed, params in self._replica.state.params_changes if executed < height]
        return set_before[-1] if set_before else self.genesis.params

    def record(self, height: Height, store: str, number: int) -> tuple[bytes, tuple[ProofOp, ProofOp]] | None:
        """See `ChainView`."""
        return self._replica.state.prove_at(height, store, number)

    @property
    def oldest_provable(self) -> Height:
        """See `ChainView`."""
        return self._replica.state.oldest_provable
