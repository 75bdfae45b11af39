"""A node whose API works on a real state: what is admissible is in a block at once."""

from collections.abc import Sequence

from mvchain.api.views import ReceiptView, RollView, SignerView, Submission, SubmitOutcome, TxState, TxStatus
from mvchain.core import codes
from mvchain.core.errors import BadRequest, BadTransaction
from mvchain.core.hashing import sha256
from mvchain.core.types import Hash, RollNumber, TaggedKey, TimeMs
from mvchain.ledger.admission import context_of
from mvchain.ledger.transactions import Ballot, Kind, Transaction, decode_transaction, verify_signature
from tests.ledger.state_helpers import World


class LedgerNode:
    """`NodeView` as far as operators and voters ask for it, with faults to order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.requests: list[list[Kind]] = []
        """What came, request by request, refused or not."""
        self.room: list[int] = []
        """How many transactions the next requests find room for; no bound once it is empty."""
        self.stuck = False
        """Whether what is received stays received."""
        self.rejects: Kind | None = None
        """What is received, and rejected afterwards."""
        self.receipts_asked = 0
        self.receipts_missing = 0
        """How often a receipt is not there yet."""
        self._status: dict[Hash, TxStatus] = {}

    async def submit(self, raw_txs: Sequence[bytes], source: str) -> Submission:
        self.requests.append([decode_transaction(raw).payload.kind for raw in raw_txs])
        room = self.room.pop(0) if self.room else len(raw_txs)
        outcomes = []
        for raw in raw_txs:
            outcomes.append(self._judge(raw, has_room=room > 0))
            room -= 1
        return Submission(outcomes, None)

    def _judge(self, raw: bytes, *, has_room: bool) -> SubmitOutcome:
        tx_hash = sha256(raw)
        if tx_hash in self._status:
            return SubmitOutcome(tx_hash, 200, self._status[tx_hash])
        if not has_room:
            return SubmitOutcome(tx_hash, 503, error=BadTransaction(codes.POOL_FULL))
        tx = decode_transaction(raw)
        if self.stuck or tx.payload.kind is self.rejects:
            late = BadTransaction(codes.POLL_NOT_OPEN, poll=1, state="closed")
            state = TxState.RECEIVED if self.stuck else TxState.REJECTED
            self._status[tx_hash] = TxStatus(tx_hash, state, error=None if self.stuck else late)
            return SubmitOutcome(tx_hash, 202, TxStatus(tx_hash, TxState.RECEIVED))
        try:
            if not verify_signature(tx, self.world.genesis.hash, context_of(self.world.state, tx)):
                raise BadTransaction(codes.BAD_SIGNATURE, tx=tx_hash.hex())
            self._commit(tx)
        except BadTransaction as error:
            return SubmitOutcome(tx_hash, 422, error=error)
        return SubmitOutcome(tx_hash, 202, TxStatus(tx_hash, TxState.RECEIVED))

    def _commit(self, tx: Transaction) -> None:
        self.world.block(tx)
        state = self.world.state
        number = None
        match tx.payload.kind:
            case Kind.ROLL_CREATE:
                number = state.roll_count
            case Kind.POLL_REGISTER:
                number = state.poll_count
            case Kind.GOVERNANCE_PROPOSE:
                number = state.proposal_count
            case Kind.BALLOT:
                assert isinstance(tx.payload, Ballot)
                number = self.world.poll(tx.payload.poll).ballots_size - 1
        self._status[tx.hash] = TxStatus(
            tx.hash, TxState.COMMITTED, state.height, 0, TimeMs(self.world.now_ms), number=number
        )

    def transaction(self, tx_hash: Hash) -> TxStatus | None:
        return self._status.get(tx_hash)

    async def wait_committed(self, tx_hash: Hash, timeout_s: float) -> None:
        """Nothing ever changes while waiting."""

    def roll(self, number: int) -> RollView | None:
        record = self.world.state.roll(RollNumber(number))
        return None if record is None else RollView(RollNumber(number), record)

    def signer(self, key: TaggedKey) -> SignerView | None:
        found = self.world.state.signer(key)
        return None if found is None else SignerView(found[0].number, found[1])

    @property
    def proofs(self) -> "LedgerNode":
        return self

    def receipt(self, tx_hash: Hash, *, completed: bool | None) -> ReceiptView:
        self.receipts_asked += 1
        if tx_hash not in self._status:
            raise BadRequest(codes.BALLOT_UNKNOWN)
        if self.receipts_missing:
            self.receipts_missing -= 1
            raise BadRequest(codes.RECEIPT_NOT_YET, retry_after_s=1)
        return ReceiptView(b'{"ballot":"%s"}' % tx_hash.hex().encode(), completed=False)
