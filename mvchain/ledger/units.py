"""What a transaction costs a block (consensus N2)."""

from mvchain.core.keys import TAGGED_KEY_BYTES
from mvchain.core.limits import ANSWER_ENTRIES_PER_UNIT, DEFINITION_BYTES_PER_UNIT, ROLL_KEYS_PER_UNIT
from mvchain.ledger.ballots import answer_entries
from mvchain.ledger.transactions import Ballot, GovernancePropose, PollRegister, RollAppend, Transaction


def transaction_units(tx: Transaction) -> int:
    """Work units of a transaction (N2), at least 1; they bound a block."""
    match tx.payload:
        case Ballot() as ballot:
            return 1 + answer_entries(ballot.answers) // ANSWER_ENTRIES_PER_UNIT
        case RollAppend() as chunk:
            return -(-len(chunk.keys) // (TAGGED_KEY_BYTES * ROLL_KEYS_PER_UNIT))
        case PollRegister() as register:
            return 1 + len(register.definition) // DEFINITION_BYTES_PER_UNIT
        case GovernancePropose() as propose:
            return 1 + len(propose.action) // DEFINITION_BYTES_PER_UNIT
        case _:
            return 1
