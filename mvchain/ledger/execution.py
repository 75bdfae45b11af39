"""Executing one block: transactions in order, then what is due by its time (ledger L3, L7 to L9).

`apply` checks a transaction by the admission predicate and carries it out, or refuses it and leaves no trace;
so a proposer tries what waits, and a validator takes one refusal as that of the block. `finish` counts, opens
and closes, and gives the outcome. Nothing here touches the committed state.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from mvchain.core import codes
from mvchain.core.errors import BadProof, BadTransaction
from mvchain.core.limits import MAX_CONVICTIONS, MAX_COUNTING_UNITS, MAX_OPENING_UNITS
from mvchain.core.merkle import leaf_hash, root_of_leaf_hashes
from mvchain.core.types import Address, BallotNumber, Height, PollNumber, TimeMs, TimeNs
from mvchain.ledger import keyspace
from mvchain.ledger.actions import apply_admin
from mvchain.ledger.admission import check, check_ballot
from mvchain.ledger.block_groups import block_groups
from mvchain.ledger.blocks import Commit, TxResult
from mvchain.ledger.convictions import Conviction
from mvchain.ledger.counting import count
from mvchain.ledger.draft import Draft
from mvchain.ledger.evidence import DuplicateEndorsementEvidence, Offence
from mvchain.ledger.history import Records, encode_final_proof
from mvchain.ledger.lifecycle import turned
from mvchain.ledger.logs import finished_writes
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.polls import PollDefinition
from mvchain.ledger.records import Poll, PollState
from mvchain.ledger.results import accepted
from mvchain.ledger.settling import settle
from mvchain.ledger.state import State
from mvchain.ledger.state_tree import StateTree
from mvchain.ledger.tally import tally_units
from mvchain.ledger.tenures import with_proof
from mvchain.ledger.transactions import Ballot, Transaction, decode_transaction
from mvchain.ledger.units import transaction_units
from mvchain.ledger.work import PollWork

_Records: TypeAlias = dict[str, dict[int, bytes]]


class Execution:
    """Of block `height` with time `time_ns`, on the state after block `height - 1`.

    The signatures of `last_commit` and of `evidence` must have been verified.

    Raises:
        BadProof: a piece of evidence is not new, or one too many of its validator (EVIDENCE_NOT_NEW).
    """

    def __init__(
        self,
        state: State,
        height: Height,
        time_ns: TimeNs,
        *,
        last_commit: Commit,
        evidence: Sequence[DuplicateEndorsementEvidence],
    ) -> None:
        assert height == state.height + 1, (height, state.height)
        assert time_ns > state.time_ns or height == 1, (time_ns, state.time_ns)
        self.height = height
        self.time_ns = time_ns
        self.units_left = state.params.max_units
        if state.counting:
            # Neither counting nor transactions starve the other (N2).
            self.units_left = min(self.units_left, MAX_COUNTING_UNITS)
        self._state = state
        self._draft = Draft(state, TimeMs(time_ns // 1_000_000))
        self._txs: list[Transaction] = []
        self._results: list[TxResult] = []
        self._numbers: list[int] = []
        self._mark_proven(last_commit)
        self._convict(evidence)

    def _convict(self, evidence: Sequence[DuplicateEndorsementEvidence]) -> None:
        """Records whom the evidence names, by the key that signed (I8, ATK13); once for each double signing."""
        convictions = self._draft.changes.convictions
        found: list[Offence] = []
        for piece in evidence:
            offence, agency = piece.offence, self._state.agency_of_validator(piece.offence.address)
            if not self._state.convictions.admits(offence, found):
                raise BadProof(codes.EVIDENCE_NOT_NEW, address=offence.address.hex(), limit=MAX_CONVICTIONS)
            assert agency is not None, "verified evidence is of a validator of its height"
            found.append(offence)
            convictions.append(Conviction(agency.number, offence, self.height, piece.hash))

    def _mark_proven(self, last_commit: Commit) -> None:
        """Whoever signed the block before, for it or for nil, has shown that its validator runs (L4)."""
        for entry in last_commit.signatures:
            number = self._state.unproven.get(Address(entry.address))
            if number is not None:
                self._draft.put_agency(with_proof(self._draft.agency(number), Address(entry.address)))

    def apply(self, tx: Transaction) -> TxResult:
        """The result of the transaction as the next one of the block.

        The signature must have been verified, over `admission.context_of` the committed state.

        Raises:
            BadTransaction: it is not admissible, or too large for what the block has left (BLOCK_FULL).
        """
        units = transaction_units(tx)
        payload = tx.payload
        cost = units
        if isinstance(payload, Ballot) and payload.poll not in self._draft.changes.works:
            # The first ballot of a poll in this block: its totals will be copied and written.
            cost += self._state.tally_units(payload.poll)
        if cost > self.units_left:
            raise BadTransaction(codes.BLOCK_FULL, units=cost, left=self.units_left)
        if isinstance(payload, Ballot):
            number: int = self._apply_ballot(tx, payload)
        else:
            check(self._draft, tx)
            number = apply_admin(self._draft, tx, payload)
        result = accepted(tx, number, units)
        self.units_left -= cost
        self._txs.append(tx)
        self._results.append(result)
        self._numbers.append(number)
        return result

    def _apply_ballot(self, tx: Transaction, ballot: Ballot) -> BallotNumber:
        """Accepts a ballot; its number in the poll (L7)."""
        draft, poll, voter = self._draft, ballot.poll, tx.signer
        definition, weight, previous = check_ballot(draft, voter, ballot)
        work = draft.work(poll)
        if previous is not None:
            superseded = self._ballot_at(poll, keyspace.unpack_voter(previous)[1])
            work.tally.remove(definition, superseded.answers, weight)
        work.tally.add(definition, ballot.answers, weight)
        number = BallotNumber(work.ballots.size)
        work.ballots.append(leaf_hash(tx.hash))
        writes = draft.writes
        writes[keyspace.voter_key(poll, voter)] = keyspace.pack_voter(ballot.revision, number)
        writes[keyspace.ballot_key(poll, number)] = keyspace.pack_place(self.height, len(self._txs))
        return number

    def _ballot_at(self, poll: PollNumber, number: BallotNumber) -> Ballot:
        place = self._draft.writes.get(keyspace.ballot_key(poll, number))
        if place is not None:
            payload = self._txs[keyspace.unpack_place(place)[1]].payload
        else:
            payload = decode_transaction(self._state.stored.ballot(poll, number)).payload
        assert isinstance(payload, Ballot), (poll, number)
        return payload

    def finish(self) -> Outcome:
        """The last step of the block: counting, opening, closing, roots. To be called once."""
        disputed = count(self._draft)
        self._turn()
        settle(self._draft)
        writes = self._draft.writes
        records = self._write_records()
        tree = self._state.tree.changed(records)
        replaced = self._write_history(records, tree)
        self._write_works()
        writes[keyspace.BLOCK_KEY] = keyspace.pack_block(self.height, self.time_ns)
        results = tuple(self._results)
        groups = block_groups([tx.hash for tx in self._txs], results)
        return Outcome(
            height=self.height,
            time_ns=self.time_ns,
            writes=writes,
            numbers=tuple(self._numbers),
            results=results,
            results_hash=root_of_leaf_hashes(groups.results),
            turned_polls=self._turned_polls(),
            disputed=tuple(disputed),
            changes=self._draft.changes,
            tree=tree,
            replaced=replaced,
            groups=groups,
        )

    def _turn(self) -> None:
        """Opens and closes what is due (L6)."""
        draft = self._draft
        opening: list[tuple[int, PollNumber, Poll, PollDefinition]] = []
        for number in sorted({*self._state.due_polls(draft.time_ms), *draft.changes.polls}):
            poll = draft.poll(number)
            assert poll is not None, number
            after = turned(number, poll, draft.time_ms)
            if after is poll:
                continue
            if after.state is PollState.OPEN:
                definition = draft.definition(after.definition_hash)
                opening.append((tally_units(definition), number, after, definition))
            else:
                draft.put_poll(number, after)
        self._open(opening)

    def _open(self, opening: list[tuple[int, PollNumber, Poll, PollDefinition]]) -> None:
        """Opens polls, the smallest first, so that none is kept waiting by giants; what is too much stays due."""
        units_left = MAX_OPENING_UNITS
        for units, number, poll, definition in sorted(opening, key=lambda found: found[:2]):
            if units > units_left != MAX_OPENING_UNITS:
                return
            units_left -= units
            self._draft.put_poll(number, poll)
            self._draft.changes.works[number] = PollWork.start(definition)

    def _turned_polls(self) -> frozenset[PollNumber]:
        """Polls whose state or definition is another than before the block."""
        found = set()
        for number, poll in self._draft.changes.polls.items():
            before = self._state.poll(number)
            if before is None or (before.state, before.definition_hash) != (poll.state, poll.definition_hash):
                found.add(number)
        return frozenset(found)

    def _write_records(self) -> _Records:
        """Writes the changed records; those of the state tree by store and number."""
        draft, changes = self._draft, self._draft.changes
        for number, work in changes.works.items():
            # Once per block, not per ballot: only what is in a header has to have a root.
            poll = draft.poll(number)
            assert poll is not None, number
            if poll.ballots_size != work.ballots.size:
                poll = replace(poll, ballots_root=work.ballots.root(), ballots_size=work.ballots.size)
                draft.put_poll(number, poll)
        records: _Records = {
            "chain": {} if changes.chain is None else {1: changes.chain.encode()},
            "governance": {n: proposal.encode() for n, proposal in changes.proposals.items()},
            "agencies": {n: agency.encode() for n, agency in changes.agencies.items()},
            "evidence": dict(enumerate((c.encode() for c in changes.convictions), self._state.convictions.count + 1)),
            "polls": {n: poll.encode() for n, poll in changes.polls.items()},
            "rolls": {n: roll.encode() for n, roll in changes.rolls.items()},
            # New polls get an empty entry, so that the numbers of the store follow one another (L9).
            # A final poll comes here once, in the block that writes its tally: nothing changes it any more.
            "tallies": {
                n: draft.writes.get(keyspace.numbered(keyspace.TALLIES, n)) or b""
                for n, poll in changes.polls.items()
                if poll.state is PollState.FINAL or self._state.poll(n) is None
            },
        }
        for store in ("agencies", "chain", "evidence", "governance", "polls", "rolls"):
            for n, value in records[store].items():
                draft.writes[keyspace.record_place(store, n)] = value
        return {store: values for store, values in records.items() if values}

    def _write_history(self, records: _Records, tree: StateTree) -> Records:
        """Writes what the records were before, and the proof of each poll that is final now (L9)."""
        writes, history = self._draft.writes, self._state.history
        replaced = {store: {n: history.current(store, n) for n in values} for store, values in records.items()}
        writes |= history.writes(self.height, replaced)
        for number, poll in self._draft.changes.polls.items():
            if poll.state is PollState.FINAL:
                proof = encode_final_proof(self.height, tree.prove("polls", number))
                writes[keyspace.numbered(keyspace.FINAL_PROOFS, number)] = proof
        return replaced

    def _write_works(self) -> None:
        """Writes what runs beside the tree, and removes what has ended."""
        draft, changes = self._draft, self._draft.changes
        for number, work in changes.works.items():
            draft.writes[keyspace.numbered(keyspace.WORKS, number)] = work.encode()
            draft.writes |= finished_writes(keyspace.BALLOTS_LOG, number, work.ballots)
        for number, poll in changes.polls.items():
            if poll.state in (PollState.FINAL, PollState.VOID):
                draft.writes[keyspace.numbered(keyspace.WORKS, number)] = None
        for roll_number, entries in changes.ranges.items():
            draft.writes[keyspace.numbered(keyspace.RANGES, roll_number)] = entries.encode()
            draft.writes |= finished_writes(keyspace.ROLL_LOG, roll_number, entries)
        for roll_number, roll in changes.rolls.items():
            if roll.sealed:
                draft.writes[keyspace.numbered(keyspace.RANGES, roll_number)] = None
