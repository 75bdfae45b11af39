"""What the result of an accepted transaction says, and how little of it has to be stored (ledger L3, C70).

| transaction | data of its result |
|---|---|
| ballot | poll, number in its poll, signer |
| roll.create, poll.register, governance.propose | number of the roll, of the poll, of the proposal |
| any other | empty |

So the results hash in the next header proves who was accepted as which number without showing the ballot. All of it
but one number follows from the transaction; the store keeps that number alone.
"""

from mvchain.core import codec
from mvchain.core.types import BallotNumber, PollNumber, TaggedKey
from mvchain.ledger.blocks import TxResult
from mvchain.ledger.transactions import Ballot, Transaction

NO_NUMBER = -1
"""Stored for transactions whose result has no data."""


def accepted_ballot(poll: PollNumber, number: BallotNumber, voter: TaggedKey, units: int) -> TxResult:
    """The result of a ballot."""
    return TxResult(0, codec.encode((poll, number, voter)), units, units)


def accepted(tx: Transaction, number: int, units: int) -> TxResult:
    """The result of any transaction, from the number that was assigned to it or `NO_NUMBER`.

    Args:
        units: `transaction_units(tx)`.
    """
    payload = tx.payload
    if isinstance(payload, Ballot):
        return accepted_ballot(payload.poll, BallotNumber(number), tx.signer, units)
    data = b"" if number == NO_NUMBER else codec.encode((number,))
    return TxResult(0, data, units, units)
