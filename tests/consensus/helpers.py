"""Machines with a small driver around them, and short ways to write down messages.

Validators have equal power, so validator i of the set proposes in round i of height 1 (C35, C80).
Signatures are zeros: the machine leaves them to its caller.
"""

from collections import deque
from hashlib import sha256

from mvchain.consensus.effects import (
    Decide,
    Diverged,
    DuplicateProposal,
    Effect,
    MakeProposal,
    Misbehaviour,
    NeedBlock,
    Precommit,
    Prevote,
    ScheduleTimeout,
    TimeoutKind,
)
from mvchain.consensus.inputs import (
    BlockReady,
    EndorsementReceived,
    Input,
    ProposalReceived,
    Start,
    TimeoutElapsed,
)
from mvchain.consensus.machine import Machine
from mvchain.core.types import Address, Height, PublicKey, Round, Signature, TimeNs
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID, PartSetHeader
from mvchain.ledger.endorsements import Endorsement, Kind, Proposal
from mvchain.ledger.genesis import ConsensusParams
from mvchain.ledger.validators import Validator, ValidatorSet

NIL = NIL_BLOCK_ID
PARAMS = ConsensusParams()
SIGNATURE = Signature(bytes(64))

SignedMessage = Proposal | Endorsement


def validator_set(n: int) -> ValidatorSet:
    return ValidatorSet(tuple(Validator(PublicKey(sha256(b"validator %d" % i).digest())) for i in range(n)))


FOUR = validator_set(4)


def block(name: str) -> BlockID:
    """A block by name; one whose name starts with "bad" is invalid for every driver here."""
    block_id = BlockID(sha256(name.encode()).digest(), PartSetHeader(1, sha256(b"parts of " + name.encode()).digest()))
    if name.startswith("bad"):
        BAD_BLOCKS.add(block_id)
    return block_id


BAD_BLOCKS: set[BlockID] = set()
A, B, C = block("A"), block("B"), block("C")


def endorse(
    kind: Kind,
    index: int,
    round_: int,
    block_id: BlockID,
    *,
    validators: ValidatorSet = FOUR,
    height: int = 1,
) -> Endorsement:
    return Endorsement(
        kind,
        Height(height),
        Round(round_),
        block_id,
        TimeNs(0),
        validators[index].address,
        index,
        SIGNATURE,
    )


def prevote(index: int, round_: int, block_id: BlockID, height: int = 1) -> EndorsementReceived:
    return EndorsementReceived(endorse(Kind.PREVOTE, index, round_, block_id, height=height))


def precommit(index: int, round_: int, block_id: BlockID, height: int = 1) -> EndorsementReceived:
    return EndorsementReceived(endorse(Kind.PRECOMMIT, index, round_, block_id, height=height))


def propose(round_: int, block_id: BlockID, pol_round: int = -1, *, height: int = 1) -> ProposalReceived:
    return ProposalReceived(Proposal(Height(height), Round(round_), Round(pol_round), block_id, TimeNs(0), SIGNATURE))


def ready(block_id: BlockID) -> BlockReady:
    return BlockReady(block_id, block_id not in BAD_BLOCKS)


def elapsed(kind: TimeoutKind, round_: int) -> TimeoutElapsed:
    return TimeoutElapsed(kind, Round(round_))


class Node:
    """A machine with a driver that signs at once, loses nothing and hands out what it sent.

    Args:
        index: of the own validator in the set; None follows only.
        has_blocks: answer `NeedBlock` at once; else `wanted` collects them.
    """

    def __init__(
        self,
        index: int | None,
        validators: ValidatorSet = FOUR,
        height: int = 1,
        has_blocks: bool = True,
    ) -> None:
        self.index = index
        self.validators = validators
        self.height = Height(height)
        self.has_blocks = has_blocks
        self.log: list[Input] = []
        self.effects: list[Effect] = []
        self.sent: list[SignedMessage] = []
        self.signed: dict[tuple[str, int], SignedMessage] = {}
        self.timers: list[ScheduleTimeout] = []
        self.wanted: list[BlockID] = []
        self.blocks: set[BlockID] = set()
        self.misbehaviour: list[Misbehaviour | DuplicateProposal] = []
        self.decision: BlockID | None = None
        self.new_block = f"by {index}"
        self.machine = self.fresh_machine()

    def fresh_machine(self) -> Machine:
        me: Address | None = None if self.index is None else self.validators[self.index].address
        return Machine(self.height, self.validators, me, PARAMS)

    def start(self, wait: bool = False) -> None:
        self.feed(Start(wait=wait))

    def receive(self, *messages: SignedMessage) -> None:
        for message in messages:
            match message:
                case Proposal():
                    self.feed(ProposalReceived(message))
                case Endorsement():
                    self.feed(EndorsementReceived(message))

    def elapse(self, kind: TimeoutKind, round_: int) -> None:
        """Let a timer run out; it must have been asked for."""
        assert (kind, round_) in [(timer.kind, timer.round) for timer in self.timers], "no such timer"
        self.feed(elapsed(kind, round_))

    def feed(self, *events: Input) -> None:
        inputs = deque(events)
        while inputs:
            event = inputs.popleft()
            self.log.append(event)
            for effect in self.machine.step(event):
                self.effects.append(effect)
                inputs.extend(self.carry_out(effect))

    def carry_out(self, effect: Effect) -> list[Input]:
        """Do what the machine asks; returns what is to be fed back."""
        match effect:
            case MakeProposal(round=round_, block_id=again, pol_round=pol_round):
                made = again or block(f"{self.new_block} {self.height} {round_}")
                return [BlockReady(made, valid=True), self.sign_proposal(round_, made, pol_round)]
            case Prevote(round=round_, block_id=block_id):
                return [self.sign_endorsement(Kind.PREVOTE, round_, block_id)]
            case Precommit(round=round_, block_id=block_id):
                return [self.sign_endorsement(Kind.PRECOMMIT, round_, block_id)]
            case ScheduleTimeout():
                self.timers.append(effect)
            case NeedBlock(block_id=block_id):
                if self.has_blocks:
                    return [ready(block_id)]
                self.wanted.append(block_id)
            case Decide(block_id=block_id):
                assert self.decision is None, "decided twice"
                self.decision = block_id
            case Diverged():
                raise AssertionError("diverged")
            case Misbehaviour() | DuplicateProposal():
                self.misbehaviour.append(effect)
        return []

    def sign_proposal(self, round_: Round, block_id: BlockID, pol_round: Round) -> ProposalReceived:
        event = propose(round_, block_id, pol_round, height=self.height)
        self.send(("proposal", round_), event.proposal)
        return event

    def sign_endorsement(self, kind: Kind, round_: Round, block_id: BlockID) -> EndorsementReceived:
        assert self.index is not None
        message = endorse(kind, self.index, round_, block_id, validators=self.validators, height=self.height)
        self.send((kind.name, round_), message)
        return EndorsementReceived(message)

    def send(self, what: tuple[str, int], message: SignedMessage) -> None:
        """A correct node signs one message of a kind in a round (faults I2)."""
        assert self.signed.setdefault(what, message) == message, "signed twice"
        self.sent.append(message)
