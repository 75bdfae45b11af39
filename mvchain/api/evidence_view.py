"""What a running node knows of misbehaviour, for its public API: no rules, only looking up."""

from collections.abc import Sequence
from itertools import islice

from mvchain.api.views import Accused, DuplicateProposals, EvidenceCounts, EvidenceView, ForkView
from mvchain.core.types import Address
from mvchain.ledger.blocks import decode_evidence_list
from mvchain.ledger.convictions import Conviction
from mvchain.ledger.endorsements import Endorsement, Proposal
from mvchain.ledger.evidence import DuplicateEndorsementEvidence
from mvchain.ledger.records import Agency
from mvchain.node.replica import Replica
from mvchain.node.watch import signed_both


class EvidenceOfReplica:
    """Implements `views.NodeView.evidence`."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def counts(self) -> EvidenceCounts:
        """How much of each kind there is."""
        watch = self._replica.watch
        committed = self._replica.state.convictions.count
        return EvidenceCounts(committed, len(watch.pending), len(watch.proposals), len(watch.forks))

    def view(self, after: int, limit: int, *, messages: bool) -> EvidenceView:
        """See `views.NodeView.evidence`."""
        convictions, watch = self._replica.state.convictions, self._replica.watch
        numbers = range(after + 1, min(after + limit, convictions.count) + 1)
        return EvidenceView(
            counts=self.counts(),
            committed=[self._committed(n, convictions.record(n), messages=messages) for n in numbers],
            pending=[self._pending(evidence, messages=messages) for evidence in watch.pending[:limit]],
            duplicate_proposals=[self._proposals(*pair) for pair in islice(reversed(watch.proposals.values()), limit)],
            forks=[
                ForkView(own, other, [self._agency(address) for address in signed_both(own, other)])
                for own, other in watch.forks.values()
            ],
        )

    def _committed(self, number: int, record: Conviction, *, messages: bool) -> Accused:
        found: Sequence[Endorsement] = ()
        if messages:
            held = decode_evidence_list(self._replica.store.evidence(record.block_height) or b"")
            found = next(((e.first, e.second) for e in held if e.hash == record.evidence_hash), ())
        agency, height = self._agency(record.offence.address), record.block_height
        return Accused(agency, record.offence, record.evidence_hash, number, height, found)

    def _pending(self, evidence: DuplicateEndorsementEvidence, *, messages: bool) -> Accused:
        found = (evidence.first, evidence.second) if messages else ()
        return Accused(self._agency(evidence.offence.address), evidence.offence, evidence.hash, None, None, found)

    def _proposals(self, first: Proposal, second: Proposal) -> DuplicateProposals:
        validators = self._replica.state.validators_at(first.height)
        return DuplicateProposals(self._agency(validators.proposer(first.height, first.round).address), (first, second))

    def _agency(self, address: Address) -> Agency:
        agency = self._replica.state.agency_of_validator(address)
        assert agency is not None, address.hex()
        return agency
