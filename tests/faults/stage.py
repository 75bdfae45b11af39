"""One honest node of four that stands before its next height, its production dispatch, and a validator's key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mvchain.core.errors import BadPeer, MvchainError
from mvchain.core.types import Hash
from mvchain.node import wire
from mvchain.node.dispatch import Dispatch
from mvchain.node.snapshots import Snapshots
from mvchain.node.wire import Message
from tests.ledger.state_helpers import key_of
from tests.node.test_candidates import Scene


@dataclass
class NoteShell:
    """The shell of a dispatch: notes what is sent and who is dropped; time stands until it is moved."""

    now_ms: int = 1_000
    sent: list[tuple[str, Message]] = field(default_factory=list)
    closed: dict[str, MvchainError] = field(default_factory=dict)
    room: bool = True
    to_judge: list[tuple[bytes, ...]] = field(default_factory=list)

    def send(self, peer: str, message: Message) -> bool:
        self.sent.append((peer, wire.decode(wire.encode(message))))
        return True

    def close(self, peer: str, error: BadPeer) -> None:
        self.closed[peer] = error

    def call_later(self, delay_ms: int, action: Callable[[], None]) -> None:
        pass

    def clock_ms(self) -> int:
        return self.now_ms

    def has_room(self, peer: str, count: int) -> bool:
        return self.room

    def judge(self, peer: str, raw: Sequence[bytes]) -> None:
        self.to_judge.append(tuple(raw))

    def ended(self, tx_hash: Hash) -> None:
        pass

    def committed(self) -> None:
        pass


class Stage:
    """`scene.evil` proposes the next height; its key is ours, and it is the peer `evil` of the dispatch."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.node = self.scene.honest[0]
        self.replica = self.node.replica
        self.keeper = self.replica.machine.keeper
        self.shell = NoteShell()
        self.dispatch = Dispatch(
            self.replica,
            self.node.journal,
            self.shell,
            snapshots=Snapshots(Path("/node/snapshots"), self.node.disk),
            vouched=False,
        )
        self.connect("evil", self.scene.evil.number)

    def connect(self, name: str, number: int) -> None:
        self.dispatch.connected(name, key_of(f"node{number}").public)
        self.answers(name)

    def say(self, data: bytes | Message, peer: str = "evil") -> MvchainError | None:
        """Bytes or a message of this peer arrive; what it is dropped for, if it is."""
        self.shell.closed.clear()
        try:
            message = wire.decode(data) if isinstance(data, bytes) else data
        except BadPeer as error:
            return error
        self.dispatch.received(peer, message)
        return self.shell.closed.get(peer)

    def answers(self, peer: str = "evil") -> list[Message]:
        """What went to this peer since the last call."""
        found = [message for name, message in self.shell.sent if name == peer]
        self.shell.sent.clear()
        return found
