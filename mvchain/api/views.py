"""What the public API asks of a node: one protocol, and the data that goes through it.

The shell implements `NodeView` over the running node; the API never sees the node itself. The synchronous
methods read memory or one or two records of the store and return at once: their time counts against the share
of the event loop that reads may take (N10).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from mvchain.api.acknowledgement import Acknowledgement
from mvchain.api.governance_view import ProposalView
from mvchain.core.errors import BrokenStorage, MvchainError
from mvchain.core.types import AgencyNumber, Hash, Height, PollNumber, RollNumber, Round, TaggedKey, TimeMs
from mvchain.ledger.blocks import Commit, Header
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.evidence import Offence
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.polls import PollDefinition
from mvchain.ledger.records import Agency, Poll, Roll, Signer, Tally


class TxState(StrEnum):
    """Where a transaction is on its way (N6): received, and then exactly one of the others."""

    RECEIVED = "received"
    COMMITTED = "committed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class TxStatus:
    """What became of a transaction that this node received or found in a block."""

    hash: Hash
    state: TxState
    height: Height | None = None
    """Of the block that holds it, once committed."""
    index: int | None = None
    """Its position there."""
    time_ms: TimeMs | None = None
    """That block's time."""
    poll: PollNumber | None = None
    """Of an accepted ballot."""
    number: int | None = None
    """Of an accepted ballot: its number in its poll, from 0; of a new roll or poll: its number."""
    error: MvchainError | None = None
    """Why it was rejected."""


@dataclass(frozen=True, slots=True)
class SubmitOutcome:
    """What was done with one transaction of a request.

    `status` is 202 received, 200 known already, 400 malformed, 409 conflicting with another pending one of
    the same voter, 413 too large, 422 inadmissible, 503 no room. `state` is set for 200 and 202, `error`
    otherwise.
    """

    hash: Hash
    status: int
    state: TxStatus | None = None
    error: MvchainError | None = None


class Submission(NamedTuple):
    """What was done with the transactions of a request, in its order, and the promise for those with 202."""

    outcomes: Sequence[SubmitOutcome]
    acknowledgement: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class PollView:
    """A poll as the ledger has it after the newest block."""

    number: PollNumber
    record: Poll
    definition: PollDefinition
    voters: int | None
    """How many have a ballot that counts as things stand; None for a void poll, where none does."""
    tally: Tally | None
    """The released result, or the running one of a poll with live release; None before the release."""


@dataclass(frozen=True, slots=True)
class RollView:
    """A roll as the ledger has it after the newest block."""

    number: RollNumber
    record: Roll


@dataclass(frozen=True, slots=True)
class SignerView:
    """A registered key of an agency: its own, an operator's or a poll service's (L4)."""

    agency: AgencyNumber
    signer: Signer


@dataclass(frozen=True, slots=True)
class BlockSummary:
    """A committed block in the list, with those who stand behind it."""

    header: Header
    hash: Hash
    transactions: int
    round: Round
    """Of the commit: the one that the next block carries, or at the tip the one that this node saw."""
    proposer: AgencyNumber
    members: tuple[AgencyNumber, ...]
    """Whose validators made up the set of that height, ascending."""
    committed: tuple[AgencyNumber, ...]
    """Whose precommits for the block the commit holds, ascending."""
    nil: tuple[AgencyNumber, ...]
    """Whose precommits for nil it holds, ascending."""


@dataclass(frozen=True, slots=True)
class BlockView:
    """A committed block without its transactions."""

    header: Header
    tx_hashes: Sequence[Hash]
    commit: Commit
    """Precommits of more than two thirds for this block."""


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt file (ledger L11)."""

    document: bytes
    """Canonical JSON."""
    completed: bool
    """Whether it is the completed form, which never changes again."""


class EvidenceCounts(NamedTuple):
    """How much of each kind there is (I8)."""

    committed: int
    """Double signings that the chain holds evidence of; numbered from 1 to this."""
    pending: int
    """Those whose evidence no block holds yet, as far as this node knows."""
    duplicate_proposals: int
    """Rounds whose proposer signed two proposals, as this node saw."""
    forks: int
    """Heights for which this node saw two valid commits: more than a third of the validators must be faulty."""


@dataclass(frozen=True, slots=True)
class StatusView:
    """Where this node stands."""

    chain_id: str
    genesis_hash: Hash
    agency: AgencyNumber | None
    """Whose validator this is; None for an observer."""
    base_height: Height
    """Lowest block it holds."""
    height: Height
    block_hash: Hash
    app_hash: Hash
    """After executing the block at `height`; the next header carries it."""
    block_time_ms: TimeMs
    pending: int
    """Transactions received and not yet in a block."""
    catching_up: bool
    polls: int
    """Polls are numbered from 1 to this."""
    evidence: EvidenceCounts
    filling_steps: int
    """How many are left until everything below the snapshot is here that this node joined by (`node.backfill`)."""
    snapshots: tuple[Height, ...]
    """Heights of those that nodes can join by, the newest first."""
    alarms: tuple[MvchainError, ...]
    """What its operator has to see to; none if all is well."""


@dataclass(frozen=True, slots=True)
class NodesView:
    """Where this chain can be read over HTTP, as this node's operator knows it."""

    agency: AgencyNumber | None
    """Whose node this is; None for an observer."""
    url: str
    """Under which the public reaches this node, without a path; "" if the operator names none."""
    others: tuple[str, ...]
    """The same of nodes of other agencies."""


@dataclass(frozen=True, slots=True)
class Accused:
    """Evidence against a validator's key, and whose it is."""

    agency: Agency
    offence: Offence
    hash: Hash
    """Of the evidence (C66)."""
    number: int | None
    """Of its record on the chain; None as long as no block holds it."""
    block_height: Height | None
    """Of the block that holds it."""
    messages: Sequence[Endorsement]
    """The two that contradict each other; none if they were not asked for, or that block is not here."""


@dataclass(frozen=True, slots=True)
class DuplicateProposals:
    """Two proposals of one round."""

    agency: Agency
    messages: tuple[Proposal, Proposal]


@dataclass(frozen=True, slots=True)
class ForkView:
    """Two valid commits for one height, and who signed both."""

    own: Commit
    """For the block that this node decided."""
    other: Commit
    signed_both: Sequence[Agency]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What is known of misbehaviour: all forks, and a page of all else."""

    counts: EvidenceCounts
    committed: Sequence[Accused]
    """By number."""
    pending: Sequence[Accused]
    """The oldest ones."""
    duplicate_proposals: Sequence[DuplicateProposals]
    """The newest ones."""
    forks: Sequence[ForkView]


class Check(NamedTuple):
    """One line of the readiness report."""

    name: str
    ok: bool
    detail: str


class Proofs(Protocol):
    """What a node can prove (ledger L10). Each answer is a document of its own, for `mvchain.light.verify`.

    All raise BadRequest: POLL_UNKNOWN; NOT_FILLED_IN where the node has not got it yet; RECEIPT_NOT_YET while the block
    is being made that proves what is asked for; POLL_NOT_FINAL where the claim is about the end.
    """

    def receipt(self, tx_hash: Hash, *, completed: bool | None) -> ReceiptView:
        """The open or the completed receipt of a ballot; with None the completed one if its poll is final.

        Raises BadRequest(BALLOT_UNKNOWN) for what is no accepted ballot.
        """

    def question(self, poll: PollNumber) -> bytes:
        """What is asked, as of the newest block that can be proved; of a final poll, as it was at the end."""

    def result(self, poll: PollNumber) -> bytes:
        """The result of a final poll."""

    def on_roll(self, poll: PollNumber, voter: TaggedKey) -> bytes:
        """That a key may answer; raises BadRequest(VOTER_NOT_ON_ROLL) if it may not."""

    def recorded(self, poll: PollNumber, size: int) -> bytes:
        """That the first `size` ballots are still the first ones; raises BadRequest(FEWER_BALLOTS)."""

    def not_counted(self, poll: PollNumber, voter: TaggedKey) -> bytes:
        """That no ballot of a key counts in a final poll; raises BadRequest(BALLOT_COUNTS) if one does."""

    def light_block(self, height: int, *, from_genesis: bool) -> bytes | None:
        """A header with all that vouches for it (C85), and the handovers from genesis; None if it is not held here."""


class NodeView(Protocol):
    """A running node, seen from its public API."""

    async def submit(self, raw_txs: Sequence[bytes], source: str) -> Submission:
        """Judges each of 1 to 1,000 untrusted byte strings of any size by the full predicate (N6).

        Returns when those received are in the synced journal: one outcome for each, in order; a refusal does
        not stop it. `source` names the submitter for the fair shares of the mempool (N9). When the caller
        stops waiting, what was judged stays judged.
        """

    def storage_broke(self, error: BrokenStorage) -> None:
        """The disk failed under a reader: the node ends rather than guess (faults S16)."""

    def transaction(self, tx_hash: Hash) -> TxStatus | None:
        """The status of a transaction, None if this node does not know it."""

    async def wait_committed(self, tx_hash: Hash, timeout_s: float) -> None:
        """Returns once the received transaction is committed or rejected, or after `timeout_s`."""

    def polls(self, after: int, limit: int, *, running: bool = False, agency: int | None = None) -> Sequence[PollView]:
        """Up to `limit` polls with numbers above `after`, ascending; their tallies may be left out.

        With `running` only those that have not ended, which costs no reading; with `agency` only that agency's.
        """

    def poll(self, number: int) -> PollView | None:
        """One poll, None if there is none of this number."""

    def roll(self, number: int) -> RollView | None:
        """One roll, None if there is none of this number."""

    def double_signings(self, agency: Agency) -> int:
        """How often the chain convicts the agency's validator keys, past ones included (I8)."""

    def agencies(self) -> Sequence[Agency]:
        """Every agency that ever ran this chain, by number."""

    def connected(self) -> Collection[AgencyNumber]:
        """Agencies whose nodes are connected to this one, its own included."""

    def params(self) -> ConsensusParams:
        """Consensus parameters in force."""

    def proposals(self, after: int, limit: int) -> Sequence[ProposalView]:
        """Up to `limit` proposals of governance with numbers above `after`, ascending."""

    def proposal(self, number: int) -> ProposalView | None:
        """One proposal, None if there is none of this number."""

    def signer(self, key: TaggedKey) -> SignerView | None:
        """Whose key this is, None if it was never registered."""

    def block(self, height: int) -> BlockView | None:
        """A committed block, None if this node does not hold it."""

    def blocks(self, after: int, limit: int) -> Sequence[BlockSummary]:
        """Up to `limit` of the blocks above height `after` that this node holds, ascending."""

    def block_bytes(self, height: int) -> tuple[bytes, bytes] | None:
        """Encoded block (L1) and encoded commit for it, None if this node does not hold it."""

    def status(self) -> StatusView:
        """Where this node stands."""

    def nodes(self) -> NodesView:
        """This node and others that can be asked."""

    @property
    def proofs(self) -> Proofs:
        """What this node can prove."""

    def evidence(self, after: int, limit: int, *, messages: bool) -> EvidenceView:
        """Up to `limit` of each kind; of the committed ones, those with numbers above `after`."""

    def ballots_between(self, low: bytes, high: bytes) -> Sequence[Hash]:
        """Hashes of a few committed transactions: those whose first 8 bytes are from `low` to `high`."""

    def genesis(self) -> bytes:
        """The genesis document as the operators signed it (JSON)."""

    def health(self) -> Sequence[Check]:
        """Whether this node is ready to take ballots, check by check."""
