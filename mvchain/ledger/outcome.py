"""What executing a block has come to: everything that makes it durable, and all that changes with it."""

from dataclasses import dataclass, field

from mvchain.core.merkle import CompactRange
from mvchain.core.types import AgencyNumber, Hash, Height, PollNumber, ProposalNumber, RollNumber, TimeNs
from mvchain.ledger.block_groups import BlockGroups
from mvchain.ledger.blocks import TxResult
from mvchain.ledger.convictions import Conviction
from mvchain.ledger.history import Records
from mvchain.ledger.polls import PollDefinition
from mvchain.ledger.proposals import Proposal
from mvchain.ledger.records import Agency, Chain, Poll, Roll
from mvchain.ledger.state_tree import StateTree
from mvchain.ledger.work import PollWork


@dataclass(slots=True)
class Changes:
    """New values of what the state keeps in memory."""

    chain: Chain | None = None
    agencies: dict[AgencyNumber, Agency] = field(default_factory=dict)
    proposals: dict[ProposalNumber, Proposal] = field(default_factory=dict)
    polls: dict[PollNumber, Poll] = field(default_factory=dict)
    rolls: dict[RollNumber, Roll] = field(default_factory=dict)
    definitions: dict[Hash, PollDefinition] = field(default_factory=dict)
    running: dict[PollNumber, int] = field(default_factory=dict)
    """Of polls registered: `tally.running_units`."""
    works: dict[PollNumber, PollWork] = field(default_factory=dict)
    convictions: list[Conviction] = field(default_factory=list)
    """New ones, to be added in this order."""
    ranges: dict[RollNumber, CompactRange] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one block. `State.commit` takes it once `writes` are durable."""

    height: Height
    time_ns: TimeNs
    writes: dict[bytes, bytes | None]
    """By key; None removes the key."""
    numbers: tuple[int, ...]
    """Of each transaction: what its result says beyond it (`results`), all that has to be stored of a result."""
    results: tuple[TxResult, ...]
    results_hash: Hash
    """Stands in the next header (C70)."""
    turned_polls: frozenset[PollNumber]
    """Polls whose state or definition changed: their waiting ballots must be judged again (N9)."""
    disputed: tuple[PollNumber, ...]
    """Polls that became final with two different tallies: the alarm of L8."""
    changes: Changes
    tree: StateTree
    """After the block."""
    replaced: Records
    """What the changed records of the tree were before."""
    groups: BlockGroups

    @property
    def app_hash(self) -> Hash:
        """Of the state after the block; stands in the next header (C148)."""
        return self.tree.app_hash
