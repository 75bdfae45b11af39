"""Nodes in memory, honest and lying, and a driver without network and clock for the light client's core."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mvchain.core import codes
from mvchain.core.errors import BadRequest, MvchainError
from mvchain.core.types import Height, TimeNs
from mvchain.light.blocks import LightBlock
from mvchain.light.client import Answers, Ask, LightClient, Notice, Pause, Source, Standing, Step
from mvchain.light.rules import Rules
from mvchain.light.trust import Root, TrustStore
from tests.light.helpers import SECOND
from tests.light.light_chain import GENESIS, LightChain

T = TypeVar("T")
Answer = LightBlock | MvchainError


@dataclass
class Node:
    """Shows a chain up to its newest block."""

    chain: LightChain
    newest: int | None = None
    """None: all of it."""
    down: bool = False
    asked: list[Height | None] = field(default_factory=list)

    def answer(self, height: Height | None) -> Answer:
        """What it gives when it is asked; None is its newest block."""
        self.asked.append(height)
        if self.down:
            return BadRequest(codes.SERVER_UNREACHABLE, url="node", why="Connection refused")
        newest = self.newest if self.newest is not None else len(self.chain)
        if height is None:
            height = Height(newest)
        if not 1 <= height <= newest:
            return BadRequest(codes.BLOCK_UNKNOWN, height=height)
        return self.chain[height]


@dataclass
class Liar(Node):
    """Answers at some heights with something else."""

    lies: dict[int | None, Answer] = field(default_factory=dict)

    def answer(self, height: Height | None) -> Answer:
        """The lie for this height, if there is one."""
        honest = super().answer(height)
        return self.lies.get(height, honest)


class Network:
    """A client and its nodes, named a, b, c, … in this order; `a` is the primary."""

    def __init__(
        self,
        *nodes: Node,
        now_ns: int,
        root: Root = GENESIS,
        rules: Rules | None = None,
        sequential: bool = False,
        remembered: Sequence[LightBlock] = (),
    ) -> None:
        self.nodes = {Source(name): node for name, node in zip("abcdefgh", nodes, strict=False)}
        self.now_ns = TimeNs(now_ns)
        self.notices: list[tuple[str, Standing, str]] = []
        self.pauses = 0
        self.on_pause: Callable[[], None] = lambda: None
        store = TrustStore(root)
        for block in remembered:
            store.add(block)
        self.client = LightClient(store, tuple(self.nodes), rules or Rules(), self._report, sequential=sequential)

    def _report(self, notice: Notice) -> None:
        if notice.reason is not None:
            str(notice.reason)  # its texts must be complete
        self.notices.append((notice.source, notice.standing, "" if notice.reason is None else notice.reason.code))

    def run(self, step: Step[T]) -> T:
        """Drives the step to its end."""
        try:
            request = next(step)
            while True:
                if isinstance(request, Pause):
                    self.now_ns = TimeNs(self.now_ns + round(request.seconds * SECOND))
                    self.pauses += 1
                    self.on_pause()
                    request = step.send(Answers(self.now_ns, {}))
                else:
                    request = step.send(Answers(self.now_ns, self._blocks(request)))
        except StopIteration as end:
            value: T = end.value
            return value

    def _blocks(self, request: Ask) -> dict[Source, Answer]:
        return {source: self.nodes[source].answer(height) for source, height in request.heights.items()}

    def advance(self) -> LightBlock:
        return self.run(self.client.advance())

    def block_at(self, height: int) -> LightBlock:
        return self.run(self.client.block_at(Height(height)))

    def trusted(self) -> list[int]:
        """Heights of the trusted blocks."""
        return [block.height for block in self.client.store]

    def asked(self, name: str) -> Sequence[int | None]:
        """What this node was asked for since the last call."""
        node = self.nodes[Source(name)]
        asked, node.asked = node.asked, []
        return asked
