"""What Byzantine nodes do: they run the production code, and what they send is altered on its way out (S3 to S12, S24).

Each behaviour is made for one node and gets every message to every peer; it returns what is sent in its place. It
signs with the node's own key and past its sign guard. None forges another's signature, except where a forgery that
does not hold is what it is about.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from random import Random
from typing import TYPE_CHECKING, Final

from mvchain.core.types import Hash, Height, Round, Signature
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID
from mvchain.ledger.blocks import Header
from mvchain.ledger.endorsements import NO_ROUND, Endorsement, Kind, Proposal
from mvchain.node.candidates import make_block
from mvchain.node.message import Message
from mvchain.node.wire import (
    BlockResponse,
    CompactProposal,
    Endorsements,
    HaveTransactions,
    NoBlock,
    OwnMessages,
    Status,
    Transactions,
)
from mvchain.sim.forgeries import (
    OTHER_ID,
    candidate_of,
    changed_header,
    compact,
    misshapen,
    misshapen_proposal,
    own_endorsements,
    own_proposal,
    signed,
    tricked,
)
from mvchain.sim.node import Node
from mvchain.sim.reading import PREVOTE, read_endorsement

if TYPE_CHECKING:
    from mvchain.sim.simulation import Simulation

Behaviour = Callable[[Message, Node], Sequence[Message]]
_FAR: Final = 1 << 62


def equivocate(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """As a proposer: one block to some, another valid one to the others (S3)."""
    others: dict[tuple[int, int], CompactProposal] = {}
    fooled = {peer.id for peer in run.cluster.everybody if random.random() < 0.5}

    def act(message: Message, to: Node) -> Sequence[Message]:
        proposal = own_proposal(node, message)
        if proposal is None or to.id not in fooled or proposal.height != node.replica.machine.height:
            return (message,)
        place = (proposal.height, proposal.round)
        if place not in others:
            mempool = list(node.replica.mempool.ready())
            chosen = [tx for tx in mempool if random.random() < 0.5]
            others[place] = compact(node, proposal, make_block(node.replica.base(), node.address, chosen, ()).block)
        return (others[place],)

    return act


def contradict(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """Two prevotes, two precommits, or both: one to some, another to the others, or both to all (S4)."""
    fooled = {peer.id for peer in run.cluster.everybody if random.random() < 0.5}
    both = random.random() < 0.5
    kinds = random.choice(((Kind.PREVOTE,), (Kind.PRECOMMIT,), (Kind.PREVOTE, Kind.PRECOMMIT)))

    def act(message: Message, to: Node) -> Sequence[Message]:
        own = [mine for mine in own_endorsements(node, message) if mine.kind in kinds]
        if not own or not (both or to.id in fooled):
            return (message,)
        other = tuple(signed(node, replace(mine, block_id=_another(node, mine))) for mine in own)
        return (message, Endorsements(other)) if both else (Endorsements(other),)

    return act


def _another(node: Node, mine: Endorsement) -> BlockID:
    """A different value for the same step: a block that is about, else nil, else one that nobody has."""
    about = [proposal.block_id for proposal in node.replica.machine.keeper.proposals.values()]
    choices = [block_id for block_id in (*about, NIL_BLOCK_ID, OTHER_ID) if block_id != mine.block_id]
    return choices[0]


Made = dict[tuple[int, int], CompactProposal]
"""Proposals in place of the node's own, by height and round."""


def forget_lock(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """Amnesia: endorses whatever is proposed in the round, and proposes anew in each, locked or not (S5)."""
    return _amnesia(node, {})


def _amnesia(node: Node, made: Made) -> Behaviour:
    def act(message: Message, to: Node) -> Sequence[Message]:
        proposal = own_proposal(node, message)
        if proposal is not None and proposal.height == node.replica.machine.height and proposal.round > 0:
            return (_propose_anew(node, made, proposal.height, proposal.round),)
        own = own_endorsements(node, message)
        if not own:
            return (message,)
        return (Endorsements(tuple(_endorse_anything(node, made, mine) for mine in own)),)

    return act


def _propose_anew(node: Node, made: Made, height: Height, round_: Round) -> CompactProposal:
    """A block that is no earlier one, of the height that the node is at."""
    place = (height, round_)
    if place not in made:
        block = make_block(node.replica.base(), node.address, (), ()).block
        blank = Proposal(height, round_, NO_ROUND, OTHER_ID, block.header.time_ns, Signature(bytes(64)))
        made[place] = compact(node, blank, block)
    return made[place]


def _endorse_anything(node: Node, made: Made, mine: Endorsement) -> bytes:
    anew = made.get((mine.height, mine.round))
    if anew is not None:
        proposal: Proposal | None = Proposal.decode(anew.proposal)
    else:
        proposal = node.replica.machine.keeper.proposals.get(mine.round)
    if proposal is None or proposal.height != mine.height:
        return mine.encode()
    return signed(node, replace(mine, block_id=proposal.block_id))


def be_silent(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """Signs nothing that anybody gets to see; at times, for ever (S6)."""
    share = random.choice((0.5, 1.0))

    def act(message: Message, to: Node) -> Sequence[Message]:
        return () if own_endorsements(node, message) and random.random() < share else (message,)

    return act


def propose_nothing(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """Never shows its proposals (S7)."""

    def act(message: Message, to: Node) -> Sequence[Message]:
        return () if own_proposal(node, message) else (message,)

    return act


def propose_invalid(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """One field of the header is changed in each of its proposals (S8)."""
    names = [field.name for field in fields(Header)]
    made: dict[tuple[int, int], CompactProposal] = {}

    def act(message: Message, to: Node) -> Sequence[Message]:
        proposal = own_proposal(node, message)
        block = candidate_of(node, proposal) if proposal else None
        if proposal is None or block is None:
            return (message,)
        place = (proposal.height, proposal.round)
        if place not in made:
            header = changed_header(block.header, random.choice(names), random)
            made[place] = compact(node, proposal, replace(block, header=header))
        return (made[place],)

    return act


def withhold(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """Keeps the transactions of its blocks to itself, announces what it does not have, or sends junk (S9, S23)."""

    def act(message: Message, to: Node) -> Sequence[Message]:
        if isinstance(message, Transactions):
            spoilt = tuple(item[:-1] + bytes((item[-1] ^ 1,)) for item in message.items)
            return random.choice(((), (message,), (Transactions(spoilt),), (message,) * 5))
        if isinstance(message, HaveTransactions) and random.random() < 0.5:
            made_up = tuple(Hash(random.randbytes(32)) for _ in range(20))
            return (HaveTransactions(made_up), message)
        return (message,)

    return act


def forge(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """Numbers out of range, rounds and heights far ahead, forged proofs of lock, others' names (S10, S11 of ATK01)."""

    def act(message: Message, to: Node) -> Sequence[Message]:
        if random.random() > 0.2:
            return (message,)
        own = own_endorsements(node, message)
        if own:
            return (message, Endorsements((misshapen(node, own[0], random),)))
        proposal = own_proposal(node, message)
        if proposal is not None and isinstance(message, CompactProposal):
            bad = misshapen_proposal(node, proposal, random)
            return (replace(message, proposal=bad), message)
        return (message,)

    return act


def trick_commit(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """The last commit in its proposals counts someone twice, holds garbage, a stranger or another block (S11)."""

    def act(message: Message, to: Node) -> Sequence[Message]:
        proposal = own_proposal(node, message)
        block = candidate_of(node, proposal) if proposal else None
        if proposal is None or block is None or not block.last_commit.signatures:
            return (message,)
        commit = tricked(block.last_commit, random)
        header = replace(block.header, last_commit_hash=commit.hash())
        return (compact(node, proposal, replace(block, header=header, last_commit=commit)),)

    return act


def mutate(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """One field of a few messages is one more, one less, or an earlier value, and signed again (S24)."""
    left = random.randint(1, 5)
    earlier: list[Endorsement] = []

    def act(message: Message, to: Node) -> Sequence[Message]:
        nonlocal left
        own = own_endorsements(node, message)
        if not own or left == 0 or random.random() > 0.1:
            earlier.extend(own)
            return (message,)
        left -= 1
        mine = own[0]
        old = random.choice(earlier) if earlier else mine
        changed = random.choice(
            (
                replace(mine, height=Height(max(1, mine.height + random.choice((-1, 1))))),
                replace(mine, round=Round(max(0, mine.round + random.choice((-1, 1))))),
                replace(mine, kind=Kind(3 - mine.kind)),
                replace(mine, block_id=old.block_id),
                replace(mine, time_ns=old.time_ns),
                replace(mine, round=old.round),
            )
        )
        return (Endorsements((signed(node, changed),)),)

    return act


def lie_about_blocks(run: "Simulation", node: Node, random: Random) -> Behaviour:
    """Claims heights it does not have, then lower ones; serves bad blocks, none, or slowly (S21)."""
    claims = random.choice((1, 5, 1_000, _FAR))

    def act(message: Message, to: Node) -> Sequence[Message]:
        if isinstance(message, Status):
            ahead = random.choice((0, claims))
            height = Height(message.height + ahead)
            base = random.choice((message.base_height, Height(0), Height(height + 1)))
            return (replace(message, holdings=replace(message.holdings, height=height), base_height=base),)
        if isinstance(message, BlockResponse):
            at = random.randrange(len(message.block))
            spoilt = message.block[:at] + bytes((message.block[at] ^ 1,)) + message.block[at + 1 :]
            return random.choice(
                (
                    (),
                    (replace(message, block=spoilt),),
                    (replace(message, commit=message.commit[:-2]),),
                    (replace(message, height=Height(message.height + 1)),),
                    (NoBlock(message.height),),
                )
            )
        if isinstance(message, OwnMessages):
            return random.choice(((), (OwnMessages((), ()),), (message,)))
        return (message,)

    return act


BEHAVIOURS: Final = (
    equivocate,
    contradict,
    forget_lock,
    be_silent,
    propose_nothing,
    propose_invalid,
    withhold,
    forge,
    trick_commit,
    mutate,
    lie_about_blocks,
)


def corrupt(behaviour: Callable[["Simulation", Node, Random], Behaviour]) -> Callable[["Simulation", Random], None]:
    """The kind of fault that makes faulty nodes behave so, beside what they do already."""

    def begin(run: "Simulation", random: Random) -> None:
        for node in run.faulty:
            run.liars.add(node.address)
            run.lossy.add(node.address)
            node.shameless = True
            node.alter = _both(node.alter, behaviour(run, node, random))

    return begin


def _both(former: Behaviour | None, new: Behaviour) -> Behaviour:
    if former is None:
        return new
    return lambda message, to: [result for altered in former(message, to) for result in new(altered, to)]


def hide_decision(run: "Simulation", random: Random) -> None:
    """One node hears all and is heard by none. A traitor shows its precommits to that one alone, to the others some
    for nil, and takes in none itself. So the lonely one decides what the others are locked on, and the traitor
    proposes something new as soon as it is its turn (NS1, S5).
    """
    if not run.faulty:
        return
    traitor = run.faulty[0]
    lonely = random.choice([node for node in run.cluster.nodes if node not in run.faulty])
    ways = {(lonely.id, node.id) for node in run.cluster.everybody}
    run.cluster.after(50, lambda: run.cluster.network.cut.update(ways))  # once it has asked whether it may sign (N4)
    run.liars.add(traitor.address)
    run.lossy.add(traitor.address)
    made: Made = {}

    def hear(message: Message) -> Message | None:
        if run.healed or not isinstance(message, Endorsements):
            return message
        kept = []
        for item in message.items:
            try:
                read = read_endorsement(item)
            except ValueError:
                continue  # misshapen by another one
            if read.type == PREVOTE:
                kept.append(item)
            elif read.height == traitor.replica.machine.height and read.block_id:
                propose(Height(read.height), Round(read.round + 1))
        return Endorsements(tuple(kept)) if kept else None

    def propose(height: Height, round_: Round) -> None:
        if (height, round_) not in made and run.cluster.proposer(height, round_) is traitor:
            message = _propose_anew(traitor, made, height, round_)
            for peer in sorted(traitor.peers):
                run.cluster.send(traitor, run.cluster.named(peer), message)

    def act(message: Message, to: Node) -> Sequence[Message]:
        own = own_endorsements(traitor, message)
        if to is lonely or run.healed or not own or (own[0].height, own[0].round) in made:
            return (message,)
        shown = (replace(mine, block_id=NIL_BLOCK_ID) if mine.kind is Kind.PRECOMMIT else mine for mine in own)
        return (Endorsements(tuple(signed(traitor, mine) for mine in shown)),)

    traitor.shameless = True
    traitor.hear = hear
    traitor.alter = _both(_both(traitor.alter, _amnesia(traitor, made)), act)


def twins(run: "Simulation", random: Random) -> None:
    """Each faulty node has a twin: the same keys, another disk, and both run the unmodified code (S12), but that in
    some runs they do not give up when they find out.
    """
    shameless = random.random() < 0.7
    for node in run.faulty:
        run.liars.add(node.address)
        run.lossy.add(node.address)
        node.shameless = run.cluster.add_twin(node.number).shameless = shameless
