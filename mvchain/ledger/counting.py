"""Counting after a poll has closed, spread over blocks (ledger L8).

The voters are taken in ascending order of their keys, each with the latest ballot, which is read from its
block and counted again; the counted tree grows beside it. Only blocks committed before are read: a poll that
closes in one block is counted from the next on, and takes no more ballots by then.
"""

from dataclasses import replace

from mvchain.core.limits import MAX_COUNTING_UNITS
from mvchain.core.merkle import GROUP, CompactRange, leaf_hash
from mvchain.core.types import PollNumber
from mvchain.ledger import keyspace
from mvchain.ledger.admission import eligible_weight
from mvchain.ledger.draft import Draft
from mvchain.ledger.lifecycle import without_outdated
from mvchain.ledger.logs import finished_writes
from mvchain.ledger.records import Poll, PollState, Tally
from mvchain.ledger.recount import Recount
from mvchain.ledger.tally import tally_hash
from mvchain.ledger.transactions import Ballot, decode_transaction
from mvchain.ledger.units import transaction_units
from mvchain.ledger.work import Progress


def count(draft: Draft) -> list[PollNumber]:
    """One block's share of the counting, all polls together, in order of their numbers.

    Returns the polls whose two counts differ: disputed (L8).
    """
    units_left = MAX_COUNTING_UNITS
    disputed = []
    first = True
    for number in draft.state.counting_polls():
        poll = draft.poll(number)
        assert poll is not None, number
        if poll.state is not PollState.COUNTING:  # voided by this block
            continue
        units = draft.state.tally_units(number)
        if units > units_left and not first:
            break
        units_left, recount, counted = _count_poll(draft, number, poll, units_left - units, get_on=first)
        first = False
        if recount is None:
            break
        if _finish(draft, number, poll, recount, counted):
            disputed.append(number)
    return disputed


def _count_poll(
    draft: Draft, number: PollNumber, poll: Poll, units_left: int, *, get_on: bool
) -> tuple[int, Recount | None, CompactRange]:
    """Counts on until the poll or the units end: units left, the recount if complete, the counted tree.

    With `get_on` one ballot is counted however large it is, or the counting would never end.
    """
    state = draft.state
    work = draft.work(number)
    definition = draft.definition(poll.definition_hash)
    recount = Recount.decode(work.progress.recount)
    counted = CompactRange.decode(work.progress.counted)
    last_key = work.progress.last_key
    for voter, ballot_number in state.stored.voters(number, last_key):
        tx = decode_transaction(state.stored.ballot(number, ballot_number))
        units = transaction_units(tx)
        if units > units_left and not get_on:
            work.progress = Progress(last_key, counted.encode(), recount.encode())
            draft.writes |= finished_writes(keyspace.COUNTED_LOG, number, counted)
            return 0, None, counted
        weight = eligible_weight(state, poll, voter)
        assert weight is not None, (number, voter.hex())
        assert isinstance(tx.payload, Ballot), tx.hash.hex()
        recount.add(definition, tx.payload.answers, weight)
        if counted.size % GROUP == 0:
            draft.writes[keyspace.group_key(keyspace.COUNTED_LOG, number, counted.size // GROUP)] = voter
        counted.append(leaf_hash(keyspace.counted_item(voter, ballot_number)))
        last_key, get_on = voter, False
        units_left -= units
    draft.writes |= finished_writes(keyspace.COUNTED_LOG, number, counted)
    return units_left, recount, counted


def _finish(draft: Draft, number: PollNumber, poll: Poll, recount: Recount, counted: CompactRange) -> bool:
    """Makes the poll final; whether it is disputed."""
    definition = draft.definition(poll.definition_hash)
    kept, recounted = draft.work(number).tally.result(), recount.result(definition)
    disputed = kept != recounted
    tally = Tally(kept, recounted if disputed else None).encode()
    draft.writes[keyspace.numbered(keyspace.TALLIES, number)] = tally
    final = replace(
        poll,
        state=PollState.FINAL,
        counted_root=counted.root(),
        counted_size=counted.size,
        tally_hash=tally_hash(tally),
        disputed=disputed,
    )
    draft.put_poll(number, without_outdated(number, final))
    return disputed
