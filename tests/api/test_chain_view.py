"""The chain that the JSON-RPC reads, over real nodes."""

import asyncio

import pytest

from mvchain.api.chain_view import ChainOfRuntime, NodeIdentity
from mvchain.api.stored_blocks import StoredBlocks
from mvchain.core.errors import BadTransaction
from mvchain.core.hashing import sha256
from mvchain.core.merkle import verify_inclusion
from mvchain.core.types import Hash, Height
from mvchain.ledger.block_id import BlockID
from mvchain.ledger.blocks import block_id_of
from mvchain.ledger.commits import verify_commit_full
from tests.api.chain_node import ChainNode
from tests.ledger.state_helpers import key_of
from tests.node.cluster import Election
from tests.node.test_runtime import Running, Start, four, start

__all__ = ["start"]


def chain_of(node: Running) -> ChainOfRuntime:
    identity = NodeIdentity(key_of("node1").public, key_of("validator1").public, "x", "127.0.0.1:1", "127.0.0.1:2")
    blocks = StoredBlocks(node.runtime.replica.store)
    return ChainOfRuntime(node.runtime, node.machine.genesis, identity, blocks)  # type: ignore[arg-type]


async def test_all_nodes_give_the_same_commit_once_it_is_in_a_block(start: Start) -> None:
    """C119: what a node saw may lack a precommit that came late; what block H + 1 holds is the same everywhere."""
    machines, nodes = await four(start)
    election = Election(machines[0].genesis, 4, open_ms=1 << 40)
    await nodes[0].runtime.submit(election.set_up, "1.2.3.4")
    for node in nodes:
        await node.until(lambda node=node: node.has(election.set_up[-1]))  # type: ignore[misc]
        await node.until(lambda node=node: not node.replica.tip.changed_state)  # type: ignore[misc]
    chains = [chain_of(node) for node in nodes]
    newest = chains[0].height
    assert {chain.height for chain in chains} == {newest}
    for height in map(Height, range(1, newest)):
        commits = [chain.commit(height) for chain in chains]
        assert all(canonical for _, canonical in commits)
        assert len({commit for commit, _ in commits}) == 1
        assert {chain.block_id(height) for chain in chains} == {commits[0][0].block_id}
    for chain in chains:
        commit, canonical = chain.commit(newest)
        assert not canonical
        members = chain.validators(newest)
        verify_commit_full(commit, chain.genesis.chain_id, members, newest, chain.block_id(newest))
        assert chain.peer_count == 3


async def test_blocks_and_what_follows_from_them(voting: ChainNode) -> None:
    chain, store = voting.chain, voting.store
    assert (chain.base_height, chain.height) == (1, store.last_height)
    for height in map(Height, range(1, chain.height + 1)):
        block, stored = chain.block(height), store.block(height)
        assert stored is not None
        assert chain.block_id(height) == BlockID.decode(stored.block_id) == block_id_of(block.header, block.encode())
        assert chain.block_size(height) == len(block.encode())
        assert chain.transaction_count(height) == len(block.txs)
        assert chain.height_of(chain.block_id(height).hash) == height
        assert chain.header(height) == block.header
    assert chain.height_of(b"\x00" * 32) is None
    assert chain.height_of(b"") is None


async def test_transactions(voting: ChainNode) -> None:
    chain = voting.chain
    for height in map(Height, range(1, chain.height + 1)):
        raw = chain.block(height).txs
        found = chain.transactions(height, 0, 100)
        assert [tx.raw for tx in found] == list(raw)
        assert [tx.raw for tx in chain.transactions(height, 1, 2)] == list(raw[1:2])
        for index, tx in enumerate(found):
            assert (tx.height, tx.index, tx.hash) == (height, index, sha256(tx.raw))
            assert chain.find_transaction(tx.hash) == tx
            proof = chain.transaction_proof(height, index)
            assert verify_inclusion(proof, chain.header(height).data_hash, tx.hash)
    assert chain.find_transaction(Hash(b"\x00" * 32)) is None
    assert chain.find_transaction(Hash(b"")) is None


async def test_a_check_is_the_full_predicate(voting: ChainNode) -> None:
    voting.chain.check(voting.election.ballot(3))
    forged = bytearray(voting.election.ballot(3))
    forged[-1] ^= 1
    for wrong in (b"", bytes(forged), voting.election.ballot(0)):
        with pytest.raises(BadTransaction):
            voting.chain.check(wrong)


async def test_all_who_wait_for_a_block_are_woken(voting: ChainNode) -> None:
    chain = voting.chain
    await chain.wait_block(Height(chain.height - 1))
    waiting = [asyncio.create_task(chain.wait_block(chain.height)) for _ in range(3)]
    far = asyncio.create_task(chain.wait_block(Height(chain.height + 1000)))
    await voting.cast(3)
    await asyncio.gather(*waiting)
    assert not far.done()
    far.cancel()
