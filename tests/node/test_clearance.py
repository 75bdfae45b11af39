"""What a node says of its own key while it is asked for, and while others are ahead (N4)."""

from tests.node.cluster import Cluster, chain_of, grow


def test_a_node_that_starts_behind_says_what_it_waits_for() -> None:
    """Heights that others have decided may have been signed before, so nothing is signed there again."""
    cluster = Cluster(4, seed=2).boot()
    node = cluster.node(3)
    election = chain_of(cluster, 3)
    node.go_down(lambda n: n)
    height = node.height
    grow(cluster, election, height + 4)
    node.boot()
    waits = node.replica.signing.state()
    assert waits == (False, "asks the other agencies for its own earlier messages")
    cluster.run(lambda: node.dispatch.clearance.question is None)
    decided = cluster.node(1).height
    assert node.replica.signing.state() == (
        False,
        f"silent up to height {decided}: the other agencies have decided it",
    )
    cluster.run(lambda: node.height >= decided)
    assert node.replica.signing.state() == (True, "signs as a validator")
