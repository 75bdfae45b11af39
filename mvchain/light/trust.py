"""What a light client trusts: its root, and the blocks that were verified from there. Pure; the shell keeps the file.

    {
      "blocks": light blocks, ascending, none below the root,
      "format": "mvchain trusted blocks 1",
      "root":   {"genesis": hash of the genesis document} or {"hash", "height"}
    }

The file is a memory, not a source of trust: whoever reads it names the root anew, and the signatures of each block are
verified from there again. Neither other nodes nor the clock are asked on reading, and no trusting period holds between
the blocks, as the root may be far older than those that were kept beside it. So who can write the file, and has keys of
a quorum of once, can put a fork in it; the client shows its newest block to the other nodes before it uses any of them.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mvchain.core import codes, strict_json
from mvchain.core.errors import BadConfiguration, BadProof
from mvchain.core.limits import MAX_LIGHT_BLOCK_BYTES
from mvchain.core.strict_json import Json
from mvchain.core.timestamps import MAX_TIME_NS
from mvchain.core.types import Hash, Height
from mvchain.ledger.genesis import Genesis
from mvchain.light.blocks import LightBlock, light_block_from_json, light_block_to_json
from mvchain.light.documents import DocumentKind, Value
from mvchain.light.rules import Anchor, Rules, TrustLevel, verify, verify_root

FORMAT = "mvchain trusted blocks 1"
MAX_NEWEST = 100
"""Blocks that are kept beside the first one: enough to answer about the last minutes without asking again."""
MAX_STATE_BYTES = (MAX_NEWEST + 2) * MAX_LIGHT_BLOCK_BYTES

_KIND = DocumentKind("the file of trusted blocks", codes.MALFORMED_LIGHT_BLOCK)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block that the user trusts by height and hash, as several agencies told them."""

    height: Height
    hash: Hash
    chain_id: str | None = None
    """Where the genesis document is known too."""


Root: TypeAlias = Genesis | Checkpoint


class TrustStore:
    """The blocks that were verified from one root: the first, and the newest MAX_NEWEST."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self._heights: list[Height] = []
        self._blocks: dict[Height, LightBlock] = {}

    def __iter__(self) -> Iterator[LightBlock]:
        """Ascending."""
        return (self._blocks[height] for height in self._heights)

    @property
    def newest(self) -> LightBlock | None:
        """The highest block, None if there is none yet."""
        return self._blocks[self._heights[-1]] if self._heights else None

    def get(self, height: Height) -> LightBlock | None:
        """The block at this height, if it is trusted and was kept."""
        return self._blocks.get(height)

    def below(self, height: Height) -> Anchor | None:
        """What is trusted nearest below this height; None if the root itself is not below."""
        at = bisect_left(self._heights, height)
        if at:
            return Anchor.of_block(self._blocks[self._heights[at - 1]])
        return Anchor.of_genesis(self.root) if isinstance(self.root, Genesis) else None

    def above(self, height: Height) -> LightBlock | None:
        """The trusted block nearest above this height."""
        at = bisect_left(self._heights, height + 1)
        return self._blocks[self._heights[at]] if at < len(self._heights) else None

    def add(self, verified: LightBlock) -> None:
        """Trust a block from now on. It must have been verified from what is in here, and be at or above the root."""
        if verified.height not in self._blocks:
            insort(self._heights, verified.height)
        self._blocks[verified.height] = verified
        if len(self._heights) > MAX_NEWEST + 1:
            del self._blocks[self._heights.pop(1)]

    def encode(self) -> bytes:
        """The file."""
        blocks: list[Json] = [light_block_to_json(block) for block in self]
        return strict_json.canonical({"format": FORMAT, "root": _root_to_json(self.root), "blocks": blocks})


def decode_trust(untrusted: bytes, root: Root, level: TrustLevel) -> TrustStore:
    """Read the file and verify every block in it from `root`.

    Blocks are not too old here, whatever their time: they were trusted when they were written. Whether the newest is
    too old to go on from is asked when it is used. Where the members changed so much in a gap of the file that the
    blocks behind it no longer follow by themselves, these are left out.

    Raises:
        BadConfiguration: it is another file, of another root, or was changed.
    """
    try:
        document = strict_json.loads(untrusted, _KIND.what, max_bytes=MAX_STATE_BYTES, error=BadProof)
        top = Value(document, _KIND)
        form = top["format"].text(64)
        if form != FORMAT:
            raise BadProof(codes.UNKNOWN_LIGHT_FORMAT, form=form, known=FORMAT)
        if top["root"].json != _root_to_json(root):
            raise BadConfiguration(codes.STATE_OF_ANOTHER_ROOT)
        found = TrustStore(root)
        for block in top["blocks"].array(MAX_NEWEST + 1, light_block_from_json):
            found.add(block)
        if found.encode() != untrusted:
            raise BadProof(codes.NOT_CANONICAL, what=_KIND.what)
        return _verified(found, level)
    except BadProof as error:
        raise BadConfiguration(codes.STATE_NOT_VERIFIED, why=error.detail) from error


def _verified(found: TrustStore, level: TrustLevel) -> TrustStore:
    verified = TrustStore(found.root)
    rules = Rules(trusting_period_ns=None, level=level)
    for block in found:
        anchor = verified.below(block.height)
        try:
            if anchor is None:
                assert isinstance(found.root, Checkpoint)
                verify_root(block, found.root.height, found.root.hash, found.root.chain_id)
            else:
                verify(block, anchor, rules, MAX_TIME_NS)
        except BadProof as error:
            if error.cause is codes.NOT_ENOUGH_TRUST:
                break
            raise
        verified.add(block)
    return verified


def _root_to_json(root: Root) -> Json:
    if isinstance(root, Genesis):
        return {"genesis": root.hash.hex()}
    return {"height": root.height, "hash": root.hash.hex()}
