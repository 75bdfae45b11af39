"""mvchain.api.node_view: the running node behind the API."""

from pathlib import Path

import pytest

from mvchain.core import codes
from mvchain.core.errors import Cause
from tests.api.chain_node import ChainNode


@pytest.mark.parametrize(("agencies", "status", "cause"), [(1, 422, codes.NO_SUCH_POLL), (4, 503, codes.NODE_BEHIND)])
async def test_a_node_that_may_be_behind_does_not_refuse_for_good(
    tmp_path: Path, agencies: int, status: int, cause: Cause
) -> None:
    """Of four agencies none of which is connected, it cannot know whether a poll was made since; alone, it does."""
    node = await ChainNode(tmp_path, agencies).start()
    try:
        (outcome,) = (await node.view.submit([node.election.ballot(0)], "1.2.3.4")).outcomes
        (malformed,) = (await node.view.submit([b"\xc1"], "1.2.3.4")).outcomes
    finally:
        await node.stop()
    assert outcome.error is not None
    assert (outcome.status, outcome.error.cause) == (status, cause)
    assert codes.NO_SUCH_POLL.title.format(poll=1) in outcome.error.detail
    assert malformed.status == 400
