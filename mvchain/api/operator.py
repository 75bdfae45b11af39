"""What those who run polls, and the devices of voters, do through the API: sign, submit, wait, get a receipt.

A private key never leaves this side: a poll service relays ballots and never signs them (ledger L4). Every failure
is an `MvchainError`, a refusal by the chain an `ApiError` with the chain's code. To repeat a call after a lost
connection is safe: the same payload gives the same bytes, and `sequence` lets nothing take effect twice (L2).
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, TypeAlias

from mvchain.api.client import ApiError, Client, JsonObject
from mvchain.api.limits import MAX_WAIT_S, RETRY_AFTER_S
from mvchain.core import codes
from mvchain.core.errors import BadRequest, BadTransaction
from mvchain.core.hashing import sha256
from mvchain.core.keys import SigningKey, is_roll_key
from mvchain.core.merkle import CompactRange, leaf_hash
from mvchain.core.types import Hash, PollNumber, ProposalNumber, RollNumber, Signature, TaggedKey, TimeMs
from mvchain.ledger.admission import AdminPayload
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.keyspace import roll_item
from mvchain.ledger.polls import PollDefinition, encode_definition
from mvchain.ledger.proposals import GovernanceAction, encode_action
from mvchain.ledger.transactions import (
    Approve,
    Ballot,
    GovernanceApprove,
    GovernancePropose,
    GovernanceWithdraw,
    OperatorRegister,
    OperatorRevoke,
    PollClose,
    PollExtend,
    PollPause,
    PollRegister,
    PollResume,
    PollVoid,
    RollAppend,
    RollCreate,
    RollSeal,
    Scope,
    ServiceAuthorise,
    ServiceRevoke,
    make_transaction,
)

Entry: TypeAlias = tuple[TaggedKey, int]
"""A voter's key and weight."""
Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of keys done and of all keys."""

CHUNK_KEYS: Final = 1_900
CHUNK_WEIGHTED_KEYS: Final = 1_700
"""Keys of one chunk of a roll, without and with weights: 33 and up to 38 bytes each, of 64 KiB in all."""
CHUNKS_PER_REQUEST: Final = 14
"""Of 64 KiB at most each, so that they fit one body (LIM01)."""
RETRIES: Final = 60
"""How often what may succeed later is tried, RETRY_AFTER_S apart."""
COMMIT_WAITS: Final = 6
"""How often MAX_WAIT_S is waited for a commit: a minute, in which a chain that moves has made many blocks."""
OUTCOMES: Final = ("final", "void")
"""The states in which a poll stays."""

_NEXT: Final = 0
"""Stands for the sequence until `Operator` has asked for it."""
_NEW: Final = PollNumber(0)


class Operator:
    """Acts with the key of an operator, a poll service or an agency, one act after the other.

    Each method returns once its transaction is in a block. What needs approvals (L4) is then in the record and
    waits for them, named by the hash that the method returns.
    """

    def __init__(self, client: Client, key: SigningKey, genesis: Genesis) -> None:
        self._client = client
        self._key = key
        self._genesis = genesis
        self._turn = asyncio.Lock()

    @property
    def public_key(self) -> TaggedKey:
        """Whose acts these are."""
        return self._key.tagged

    # --- keys (L4) ---

    async def register_operator(self, key: TaggedKey, proof: Signature) -> Hash:
        """Give an operator's key the right to act for the agency; for the agency key.

        `proof` is the operator's `registration_proof`.
        """
        return await self._act(OperatorRegister(_NEXT, key, proof))

    async def revoke_operator(self, key: TaggedKey) -> Hash:
        """Take it away; for the agency key."""
        return await self._act(OperatorRevoke(_NEXT, key))

    async def authorise_service(self, key: TaggedKey, proof: Signature, scopes: Scope) -> Hash:
        """Let a poll service create polls, manage rolls, or both; `proof` is the service's `registration_proof`."""
        return await self._act(ServiceAuthorise(_NEXT, key, proof, scopes))

    async def revoke_service(self, key: TaggedKey) -> Hash:
        """Take that away."""
        return await self._act(ServiceRevoke(_NEXT, key))

    async def approve(self, action_hash: Hash) -> Hash:
        """Agree to a waiting action, named by the hash of the transaction that asks for it."""
        return await self._act(Approve(_NEXT, action_hash))

    # --- what the agencies decide together (L4); all with the agency key ---

    async def propose(self, action: GovernanceAction) -> ProposalNumber:
        """Ask the other agencies to agree to a change, and agree to it; the number of the proposal."""
        done = await self._committed(await self._act(GovernancePropose(_NEXT, encode_action(action))))
        return ProposalNumber(_integer(done, "number"))

    async def agree(self, proposal: ProposalNumber) -> Hash:
        """Agree to a proposal of another agency; it takes effect once more than two thirds do."""
        return await self._act(GovernanceApprove(_NEXT, proposal))

    async def withdraw(self, proposal: ProposalNumber) -> Hash:
        """Take back a proposal of one's own."""
        return await self._act(GovernanceWithdraw(_NEXT, proposal))

    # --- rolls (L5) ---

    async def create_roll(self, title: str, entries: Iterable[Entry], progress: Progress | None = None) -> RollNumber:
        """Make a roll of these voters, given in any order, and seal it; the number it got.

        Raises BadTransaction before anything is sent if a key is unsound or stands there twice.
        """
        ordered = _in_order(entries)
        created = await self._committed(await self._act(RollCreate(_NEXT, title)))
        number = RollNumber(_integer(created, "number"))
        await self._fill(number, ordered, progress)
        return number

    async def complete_roll(
        self, number: RollNumber, entries: Iterable[Entry], progress: Progress | None = None
    ) -> None:
        """Go on with a roll that `create_roll` could not finish, with the same voters.

        Raises BadRequest if what the roll has so far does not begin this list.
        """
        await self._fill(number, _in_order(entries), progress)

    async def _fill(self, number: RollNumber, ordered: Sequence[Entry], progress: Progress | None) -> None:
        roll = await self._client.roll(number)
        done = _integer(roll, "size")
        tree = CompactRange()
        for key, weight in ordered[:done]:
            tree.append(leaf_hash(roll_item(key, weight)))
        if roll.get("root") != tree.root().hex():
            raise BadRequest(codes.ROLL_DIFFERS, roll=number, size=done)
        weighted = any(weight != 1 for _, weight in ordered)
        per_chunk = CHUNK_WEIGHTED_KEYS if weighted else CHUNK_KEYS
        while done < len(ordered):
            stop = min(done + per_chunk * CHUNKS_PER_REQUEST, len(ordered))
            chunks = [ordered[i : min(i + per_chunk, stop)] for i in range(done, stop, per_chunk)]
            await self._act(*(_chunk(number, chunk, weighted) for chunk in chunks))
            for key, weight in ordered[done:stop]:
                tree.append(leaf_hash(roll_item(key, weight)))
            done = stop
            if progress is not None:
                progress(done, len(ordered))
        await self._act(RollSeal(_NEXT, number, tree.root(), tree.size))

    # --- polls (L6) ---

    async def register_poll(self, definition: PollDefinition | bytes, replaced: PollNumber = _NEW) -> PollNumber:
        """Put a definition, or its canonical bytes, on record; the poll's number.

        `replaced` is the poll whose definition it takes the place of, which must not be open yet.
        """
        data = definition if isinstance(definition, bytes) else encode_definition(definition)
        registered = await self._committed(await self._act(PollRegister(_NEXT, replaced, data)))
        return PollNumber(_integer(registered, "number"))

    async def pause(self, poll: PollNumber, reason: str) -> Hash:
        """Take no ballots until resumed."""
        return await self._act(PollPause(_NEXT, poll, reason))

    async def resume(self, poll: PollNumber, reason: str) -> Hash:
        """Take ballots again."""
        return await self._act(PollResume(_NEXT, poll, reason))

    async def extend(self, poll: PollNumber, closes_at_ms: TimeMs, reason: str) -> Hash:
        """Move the closing time, later only; needs approvals."""
        return await self._act(PollExtend(_NEXT, poll, closes_at_ms, reason))

    async def close(self, poll: PollNumber, reason: str) -> Hash:
        """Close before the time; needs approvals."""
        return await self._act(PollClose(_NEXT, poll, reason))

    async def void(self, poll: PollNumber, reason: str) -> Hash:
        """End the poll without a result; needs approvals."""
        return await self._act(PollVoid(_NEXT, poll, reason))

    # --- all of them ---

    async def _act(self, *payloads: AdminPayload) -> Hash:
        """Sign with the next sequences, submit, wait until the last is committed; its hash.

        Nothing is committed before what comes before it in sequence.
        """
        async with self._turn:
            signer = await self._client.signer(self._key.tagged)
            first = _integer(signer, "sequence") + 1
            raw_txs = [
                make_transaction(replace(payload, sequence=sequence), self._key, self._genesis.hash)
                for sequence, payload in enumerate(payloads, first)
            ]
            await submit_in_order(self._client, raw_txs)
            last = sha256(raw_txs[-1])
            await self._committed(last)
            return last

    async def _committed(self, tx_hash: Hash) -> JsonObject:
        return await await_committed(self._client, tx_hash)


# --- for voters' devices, and for everybody ---


async def cast_ballot(  # noqa: PLR0917 - the last three are a ballot's own fields, in their order
    client: Client,
    key: SigningKey,
    genesis_hash: Hash,
    definition_hash: Hash,
    poll: PollNumber,
    answers: tuple[object, ...],
    revision: int = 0,
) -> Hash:
    """Sign a ballot over the definition that the voter saw and hand it in; the hash to ask for it (L2, L7).

    Returns once the node has received it for good (N6); see `await_committed` and `await_receipt`.
    """
    raw = make_transaction(Ballot(poll, revision, answers), key, genesis_hash, definition_hash)
    await submit_in_order(client, [raw])
    return sha256(raw)


async def submit_in_order(client: Client, raw_txs: Sequence[bytes]) -> None:
    """Hand in 1 to 1,000 transactions, of which each may rest on those before it.

    Where the node has no room, waits and goes on with the first that it did not take. Raises the first refusal.
    """
    left = list(raw_txs)
    for tries_left in reversed(range(RETRIES)):
        try:
            items = (await client.submit(left)).items
            taken, error = next(((i, item.error) for i, item in enumerate(items) if item.error), (len(left), None))
        except ApiError as refusal:
            taken, error = 0, refusal
        if error is None:
            return
        if not error.retryable or not tries_left:
            raise error
        del left[:taken]
        await asyncio.sleep(RETRY_AFTER_S)


async def await_committed(client: Client, tx_hash: Hash) -> JsonObject:
    """What the node says of the transaction once it is in a block.

    Raises ApiError with the cause if it was rejected after all, BadRequest if it still waits after a minute.
    """
    for _ in range(COMMIT_WAITS):
        status = await client.transaction(tx_hash, wait=True)
        if status.get("state") == "committed":
            return status
        if status.get("state") == "rejected":
            raise _rejection(status)
    raise BadRequest(codes.NOT_COMMITTED_YET, tx=tx_hash.hex(), seconds=COMMIT_WAITS * MAX_WAIT_S)


async def await_outcome(client: Client, poll: PollNumber, seconds: int) -> JsonObject:
    """The poll once it is final, or void and without a result; after so many seconds, the poll as it is then."""
    found = await client.poll(poll)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while found.get("state") not in OUTCOMES:
                await asyncio.sleep(RETRY_AFTER_S)
                found = await client.poll(poll)
    return found


async def await_receipt(client: Client, ballot: Hash) -> bytes:
    """The receipt of an accepted ballot, unverified, once the block after it proves its acceptance (L11)."""
    for tries_left in reversed(range(RETRIES)):
        try:
            return await client.receipt(ballot)
        except ApiError as error:
            if not error.retryable or not tries_left:
                raise
        await asyncio.sleep(RETRY_AFTER_S)
    raise AssertionError("the last try returns or raises")


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Ascending by key, each sound and there once."""
    ordered = sorted(entries)
    if not ordered:
        raise BadTransaction(codes.ROLL_LIST_EMPTY)
    for key, _ in ordered:
        if not is_roll_key(key):
            raise BadTransaction(codes.ROLL_ENTRY_UNSOUND, key=key.hex())
    for (before, _), (key, _) in pairwise(ordered):
        if before == key:
            raise BadTransaction(codes.ROLL_ENTRY_TWICE, key=key.hex())
    return ordered


def _chunk(number: RollNumber, entries: Sequence[Entry], weighted: bool) -> RollAppend:
    weights = tuple(weight for _, weight in entries) if weighted else ()
    return RollAppend(_NEXT, number, b"".join(key for key, _ in entries), weights)


def _integer(document: JsonObject, name: str) -> int:
    value = document.get(name)
    if type(value) is not int:
        raise BadRequest(codes.ANSWER_MALFORMED, url="the node", why=f"it has no {name}")
    return value


def _rejection(status: JsonObject) -> ApiError:
    error: Any = status.get("error")
    try:
        return ApiError(422, error)
    except (KeyError, TypeError, ValueError):
        why = "it does not say why the transaction was rejected"
        raise BadRequest(codes.ANSWER_MALFORMED, url="the node", why=why) from None
