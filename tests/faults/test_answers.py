"""What a submitter is told when the node crashes before it can say so (faults CP23)."""

from mvchain.core.hashing import sha256
from mvchain.core.types import Hash
from mvchain.ledger.records import PollState
from tests.node.cluster import Cluster, Election


def test_cp23_the_same_bytes_get_the_same_answer_whenever_the_node_crashed() -> None:
    """faults CP23: the block is durable and "committed" was not sent; asked again, the node says the same as others."""
    cluster = Cluster(4, seed=3).boot()
    election = Election(cluster.genesis, 4)
    node = cluster.nodes[0]
    node.submit(*election.set_up)
    cluster.run(
        lambda: all((p := n.replica.state.poll(Election.POLL)) and p.state is PollState.OPEN for n in cluster.nodes)
    )
    ballot = election.ballot(0)
    tx_hash = Hash(sha256(ballot))
    assert node.submit(ballot) == [None]
    cluster.run(lambda: node.store.tx_location(tx_hash) is not None)
    place = node.store.tx_location(tx_hash)
    node.go_down(lambda _: 0)
    node.boot()
    cluster.run_for(1_000)
    assert node.store.tx_location(tx_hash) == place
    assert tx_hash not in node.replica.mempool
    before = node.replica.tip.height
    assert node.submit(ballot) == [None]  # posted again, as by a client that got no answer
    cluster.run_for(3_000)
    assert node.replica.tip.height == before  # nothing was there to be put into a block
    assert {other.store.tx_location(tx_hash) for other in cluster.nodes} == {place}
    poll = node.replica.state.poll(Election.POLL)
    assert poll is not None
    assert poll.ballots_size == 1
