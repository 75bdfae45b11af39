"""What a node hands to nodes that join: its snapshots, light blocks, blocks of the past, final proofs."""

from mvchain.core.types import Height
from mvchain.ledger import keyspace
from mvchain.ledger.blocks import Commit, Header
from mvchain.ledger.past import encode_numbers
from mvchain.light.blocks import LightBlock, encode_light_block
from mvchain.node.answers import Answers
from mvchain.node.message import Message
from mvchain.node.replica import Replica
from mvchain.node.snapshots import Snapshots
from mvchain.node.wire_past import (
    FinalProof,
    GetFinalProof,
    GetLightBlock,
    GetPastBlock,
    GetSnapshotPart,
    GetSnapshots,
    LightBlockResponse,
    PastBlock,
    Question,
    SnapshotPart,
)
from mvchain.node.wire_past import Snapshots as Offers


def weight(answer: Message) -> int:
    """The bytes of an answer that can be large, which are read from the disk for it."""
    match answer:
        case SnapshotPart(_, _, data):
            return len(data)
        case PastBlock(_, _, block):
            return len(block)
    return 0


class Serving:
    """The answers of one node, each as of now."""

    def __init__(self, replica: Replica, snapshots: Snapshots) -> None:
        self._replica = replica
        self._store = replica.store
        self._answers = Answers(replica)
        self._snapshots = snapshots

    def answer(self, question: Question) -> Message:
        """The one answer to it."""
        match question:
            case GetSnapshots():
                return self._offers()
            case GetSnapshotPart(height, part):
                return SnapshotPart(height, part, self._part(height, part) or b"")
            case GetLightBlock(height):
                return LightBlockResponse(height, self._light_block(Height(height or self._replica.tip.height)) or b"")
            case GetPastBlock(height):
                return self._past_block(height)
            case GetFinalProof(poll):
                return FinalProof(poll, self._store.get(keyspace.numbered(keyspace.FINAL_PROOFS, poll)) or b"")

    def _offers(self) -> Offers:
        """Those whose app hash a header has: the next one."""
        found = [one for one in self._snapshots.manifests if one.height < self._replica.tip.height]
        return Offers(tuple((one.height, one.hash) for one in found))

    def _part(self, height: Height, part: int) -> bytes | None:
        if part:
            return self._snapshots.chunk(height, part - 1)
        manifest = self._snapshots.manifest(height)
        return None if manifest is None else manifest.encode()

    def _light_block(self, height: Height) -> bytes | None:
        header, commit = self._store.header(height), self._store.commit(height)
        if header is None or commit is None:
            return None
        validators = self._replica.state.validators_at(height)
        return encode_light_block(LightBlock(Header.decode(header), Commit.decode(commit), validators))

    def _past_block(self, height: Height) -> PastBlock:
        found, groups = self._answers.block(height), self._store.groups(height)
        if found is None or groups is None:
            return PastBlock(height, b"", b"")
        return PastBlock(height, encode_numbers(groups[1]), found[0])
