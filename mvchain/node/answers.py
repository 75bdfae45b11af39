"""What a node tells its peers about what it holds; reads the replica and changes nothing (N4, N8)."""

from dataclasses import replace

from mvchain.consensus import exchange
from mvchain.core.limits import MAX_BLOCK_EVIDENCE, MAX_ENDORSEMENTS_PER_MESSAGE, MAX_OWN_MESSAGES
from mvchain.core.types import Address, Hash, Height, PublicKey
from mvchain.ledger.blocks import Commit
from mvchain.ledger.commits import precommits_of
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.transactions import Transaction
from mvchain.ledger.validators import address_of
from mvchain.node.candidates import compact
from mvchain.node.message import Message
from mvchain.node.recorded import Record
from mvchain.node.rejoin import SILENT_HEIGHTS
from mvchain.node.replica import Replica
from mvchain.node.wire import Endorsements, Evidence, OwnMessages, Status


class Answers:
    """The answers of one node, each as of now."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def status(self) -> Status:
        """Where this node is and what it holds, for anti-entropy (N8).

        A proposal whose block was never begun here, as after a crash, is not claimed, so that peers send it again.
        """
        machine, blocks = self._replica.machine, self._replica.blocks
        held = exchange.known(machine.keeper)
        rounds = tuple(r for r in held.proposals if blocks.knows(machine.keeper.proposals[r].block_id))
        return Status(replace(held, proposals=rounds), int(machine.phase), self._replica.store.base_height)

    def missing_for(self, status: Status) -> list[Message]:
        """What a peer with this status lacks and this node holds; of blocks, only valid ones are passed on."""
        answer = exchange.missing_for(self._replica.machine.keeper, status.holdings)
        candidates = self._replica.blocks.candidates
        messages: list[Message] = [
            compact(proposal.encode(), candidates[proposal.block_id])
            for proposal in answer.proposals
            if proposal.block_id in candidates
        ]
        encoded = [endorsement.encode() for endorsement in answer.endorsements]
        messages += (
            Endorsements(tuple(encoded[start : start + MAX_ENDORSEMENTS_PER_MESSAGE]))
            for start in range(0, len(encoded), MAX_ENDORSEMENTS_PER_MESSAGE)
        )
        return messages

    def transaction(self, tx_hash: Hash) -> Transaction | None:
        """A transaction that waits, or that a block being decided holds."""
        return self._replica.mempool.get(tx_hash) or self._replica.blocks.transaction(tx_hash)

    def evidence(self) -> Evidence:
        """What waits for a block, the oldest first, as far as one message holds."""
        return Evidence(tuple(piece.encode() for piece in self._replica.watch.pending[:MAX_BLOCK_EVIDENCE]))

    def block(self, height: Height) -> tuple[bytes, bytes] | None:
        """A decided block (C57) and the precommits that decided it (C50)."""
        stored = self._replica.store.block(height)
        return None if stored is None else (stored.block().encode(), stored.commit)

    def own_messages(self, address: Address) -> OwnMessages:
        """Proposals and endorsements of one validator that this node holds at its height (N4)."""
        machine, validators = self._replica.machine, self._replica.state.validators
        proposals, endorsements = self._held()
        own = [
            proposal.encode()
            for proposal in sorted(proposals, key=lambda proposal: proposal.round, reverse=True)
            if validators.proposer(machine.height, proposal.round).address == address
        ]
        held = [item.encode() for item in endorsements if item.address == address]
        held += [item.encode() for item in self.committed(address)]
        return OwnMessages(tuple(own[:MAX_OWN_MESSAGES]), tuple(held[:MAX_OWN_MESSAGES]))

    def _held(self) -> tuple[list[Proposal], list[Endorsement]]:
        """All of this height; before this node takes part, its log alone has them: all may have restarted at once."""
        keeper, records = self._replica.machine.keeper, self._replica.unreplayed()
        proposals = [Proposal.decode(payload) for kind, payload in records if kind == Record.PROPOSAL]
        newest_first = (payload for kind, payload in reversed(records) if kind == Record.ENDORSEMENT)
        endorsements = [Endorsement.decode(payload) for payload in newest_first]
        return [*proposals, *keeper.proposals.values()], [*endorsements, *keeper.endorsements()]

    def committed(self, address: Address) -> list[Endorsement]:
        """A validator's precommits in the commits of the last heights, newest first (N4)."""
        last, found = self._replica.tip.height, list[Endorsement]()
        for height in range(last, max(last - SILENT_HEIGHTS, 0), -1):
            commit = self._replica.store.commit(Height(height))
            if commit is not None:
                found += (sig for sig in precommits_of(Commit.decode(commit)) if sig.address == address)
        return found

    def validator_of_node(self, node_key: PublicKey) -> Address | None:
        """The validator, at the height being decided, of the agency that has this node key."""
        number = self._replica.state.owner_of(node_key)
        if number is None or node_key not in (agency := self._replica.state.agency(number)).node_keys:
            return None
        key = agency.validator_at(self._replica.machine.height)
        return None if key is None else address_of(key)
