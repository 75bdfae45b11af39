"""A running light client: it follows the chain, remembers what it verified, and answers with nothing else.

No rules of its own: what is believed is decided in `mvchain.light.client`, `.rules` and `.verify`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from mvchain.core import codec, codes, merkle, strict_json
from mvchain.core.errors import BadProof, BadRequest, MvchainError
from mvchain.core.hashing import sha256
from mvchain.core.limits import MAX_BLOCK_BYTES, MAX_COMMIT_BYTES, MAX_PROOF_BYTES
from mvchain.core.types import Hash, Height, PollNumber, TaggedKey
from mvchain.ledger.blocks import Block, Header
from mvchain.ledger.genesis import Genesis
from mvchain.ledger.records import PollState
from mvchain.light import proofs
from mvchain.light.blocks import LightBlock
from mvchain.light.client import SEQUENTIAL_BLOCKS, Divergence, LightClient, Source, Step
from mvchain.light.documents import MAX_HEIGHT, Path
from mvchain.light.driver import Driver
from mvchain.light.fetch_http import HttpNode
from mvchain.light.fetch_rpc import RpcNode
from mvchain.light.proofs import Counted, NotCounted, OnRoll, Recorded, Superseded, decode_proof
from mvchain.light.receipts import decode_receipt
from mvchain.light.rules import verify_body
from mvchain.light.verify import VerifiedProof, VerifiedReceipt, verify, verify_proof

T = TypeVar("T")

FOLLOW_S: Final = 2.0
"""Between two looks at whether there is a later block."""
MSGPACK: Final = "application/msgpack"
MAX_BLOCK_ANSWER_BYTES: Final = MAX_BLOCK_BYTES + MAX_COMMIT_BYTES + 16
MAX_TRANSACTION_ANSWER_BYTES: Final = 64 * 1024
CLAIMS: Final[Mapping[str, type[proofs.Claim]]] = {
    "question": proofs.Question,
    "result": proofs.Result,
    "recorded": Recorded,
    "on_roll": OnRoll,
    "not_counted": NotCounted,
}
"""What can be claimed about a poll, by the names of the REST API."""


@dataclass(frozen=True, slots=True)
class PollQuestion:
    """Which claim about which poll is to be proved."""

    poll: PollNumber
    claim: str = "question"
    voter: TaggedKey | None = None
    """Of on_roll and not_counted."""
    size: int | None = None
    """Of recorded."""

    @property
    def path(self) -> str:
        """Where a node answers it."""
        voter = "" if self.voter is None else f"&voter={self.voter.hex()}"
        size = "" if self.size is None else f"&size={self.size}"
        return f"/v1/proofs/polls/{self.poll}?claim={self.claim}{voter}{size}"

    def is_answered_by(self, proof: VerifiedProof) -> bool:
        """Whether the proof is of this claim and no other."""
        claim = proof.claim
        return (
            proof.poll == self.poll
            and isinstance(claim, CLAIMS[self.claim])
            and (not isinstance(claim, OnRoll | NotCounted) or claim.voter == self.voter)
            and (not isinstance(claim, Recorded) or claim.size == self.size)
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """A transaction that is in a block, with the way up to the data hash of its header."""

    block: LightBlock
    path: Path


class Follower:
    """A light client and its nodes, at most one step of it under way at a time.

    Args:
        genesis: to verify what is about polls and ballots; None if it is not known.
        save: keeps the encoded store, whenever it has changed.
    """

    def __init__(
        self,
        client: LightClient,
        nodes: Mapping[Source, HttpNode | RpcNode],
        genesis: Genesis | None,
        save: Callable[[bytes], None],
    ) -> None:
        self.client = client
        self.genesis = genesis
        self._nodes = nodes
        self._driver = Driver(nodes)
        self._save = save
        self._turn = asyncio.Lock()
        self._divergence: Divergence | None = None

    async def follow(self, report: Callable[[LightBlock], None], trouble: Callable[[MvchainError], None]) -> NoReturn:
        """Go on for ever: report each newest block, and once what keeps the client from going on.

        Raises:
            Divergence: two truths.
            BadProof: TRUST_EXPIRED, which does not get better.
        """
        reported = 0
        told = ""
        while True:
            before = self.client.store.newest
            try:
                newest = await self.advance()
            except Divergence:
                raise
            except MvchainError as error:
                if error.cause is codes.TRUST_EXPIRED:
                    raise
                if error.code != told:
                    trouble(error)
                told = error.code
            else:
                told = ""
                if newest.height > reported:
                    report(newest)
                    reported = newest.height
                if newest.height - (before.height if before else 0) >= SEQUENTIAL_BLOCKS:
                    continue  # more of them may wait
            await asyncio.sleep(FOLLOW_S)

    # --- blocks ---

    async def advance(self) -> LightBlock:
        """The newest block, verified. Raises as `LightClient.advance`; after a divergence, that for ever."""
        return await self._run(self.client.advance)

    async def block_at(self, height: Height) -> LightBlock:
        """The block at this height, verified. Raises as `LightClient.block_at`; after a divergence, that for ever."""
        return await self._run(lambda: self.client.block_at(height))

    async def body_at(self, height: Height) -> tuple[LightBlock, bytes, Block]:
        """The block at this height with its encoded body, both verified."""
        trusted = await self.block_at(height)

        async def attempt(node: HttpNode) -> tuple[LightBlock, bytes, Block]:
            answer = await self._get(node, f"/v1/blocks/{height}", MAX_BLOCK_ANSWER_BYTES, MSGPACK)
            parts = codec.decode(answer, "the answer", max_bytes=MAX_BLOCK_ANSWER_BYTES, error=BadProof)
            match parts:
                case (bytes(encoded), bytes()):
                    return trusted, encoded, verify_body(encoded, trusted)
            raise BadProof(codes.MALFORMED, what="the answer", why="it is not a block and its commit")

        return await self._first(attempt)

    async def transaction(self, tx_hash: Hash) -> Placed:
        """Where the transaction is, proved by the block that holds it.

        Raises:
            BadRequest: NOT_PROVABLE if the nodes say that it is in no block; whether that is so cannot be verified.
        """

        async def attempt(node: HttpNode) -> Placed:
            answer = await self._get(node, f"/v1/transactions/{tx_hash.hex()}", MAX_TRANSACTION_ANSWER_BYTES)
            said = strict_json.loads(answer, "the answer", max_bytes=MAX_TRANSACTION_ANSWER_BYTES, error=BadProof)
            match said:
                case {"height": int(height), "index": int(index)} if (
                    type(height) is type(index) is int and 1 <= height <= MAX_HEIGHT
                ):
                    block, _, body = await self._named(Height(height))
                case {"state": "received" | "rejected" as state}:
                    raise BadRequest(codes.NOT_PROVABLE, state=state)
                case _:
                    raise BadProof(codes.MALFORMED, what="the answer", why="it says no height")
            hashes = [sha256(tx) for tx in body.txs]
            if not 0 <= index < len(hashes) or hashes[index] != tx_hash:
                raise BadProof(codes.ANOTHER_ANSWER, what=f"the transaction is not in block {height} where it says")
            return Placed(block, Path.of(merkle.prove(hashes, index)))

        return await self._first(attempt)

    async def _named(self, height: Height) -> tuple[LightBlock, bytes, Block]:
        """The block at a height that a node named in its answer: if nobody has it, that answer is wrong."""
        try:
            return await self.body_at(height)
        except BadRequest as error:
            if error.cause is not codes.BLOCK_UNKNOWN:
                raise
            raise BadProof(codes.ANOTHER_ANSWER, what=f"it names block {height}, which is nowhere") from error

    # --- polls and ballots ---

    async def poll_proof(self, question: PollQuestion) -> tuple[bytes, VerifiedProof]:
        """A proof about a poll as it is now, or as it stays, and what it says."""
        genesis = self._known_genesis()
        newest = self.client.store.newest

        async def attempt(node: HttpNode) -> tuple[bytes, VerifiedProof]:
            document = await self._get(node, question.path, MAX_PROOF_BYTES)
            proof = verify_proof(document, genesis)
            if not question.is_answered_by(proof):
                raise BadProof(codes.ANOTHER_ANSWER, what=f"it is another claim, or about poll {proof.poll}")
            if newest is not None and proof.height < newest.height and proof.record.state is not PollState.FINAL:
                raise BadProof(codes.STALE_PROOF, height=proof.height, newest=newest.height)
            await self._check_on_this_chain(decode_proof(document).header)
            return document, proof

        return await self._first(attempt)

    async def receipt(self, ballot: Hash, form: str | None) -> tuple[bytes, VerifiedReceipt | VerifiedProof]:
        """The receipt of a ballot, `open`, `completed` or, with None, as complete as it can be; and what it says."""
        genesis = self._known_genesis()
        path = f"/v1/proofs/ballots/{ballot.hex()}" + ("" if form is None else f"?form={form}")

        async def attempt(node: HttpNode) -> tuple[bytes, VerifiedReceipt | VerifiedProof]:
            document = await self._get(node, path, MAX_PROOF_BYTES)
            verified = verify(document, genesis)
            if _ballot_of(verified) != ballot or form == (
                "completed" if isinstance(verified, VerifiedReceipt) else "open"
            ):
                raise BadProof(codes.ANOTHER_ANSWER, what="it is another receipt")
            opened = isinstance(verified, VerifiedReceipt)
            await self._check_on_this_chain(
                decode_receipt(document).next_header if opened else decode_proof(document).header
            )
            return document, verified

        return await self._first(attempt)

    def _known_genesis(self) -> Genesis:
        if self.genesis is None:
            raise BadRequest(codes.NEEDS_GENESIS)
        return self.genesis

    async def _check_on_this_chain(self, header: Header) -> None:
        """A proof has a quorum of its own; the other nodes must show the same block all the same (C94)."""
        if (await self.block_at(header.height)).header != header:
            raise BadProof(codes.NOT_ON_THIS_CHAIN, height=header.height)

    # --- asking ---

    async def _run(self, step: Callable[[], Step[LightBlock]]) -> LightBlock:
        async with self._turn:
            if self._divergence is not None:
                raise self._divergence
            newest = self.client.store.newest
            try:
                block = await self._driver.run(step())
            except Divergence as divergence:
                self._divergence = divergence
                raise
            if self.client.store.newest is not newest:
                self._save(self.client.store.encode())
            return block

    async def _first(self, attempt: Callable[[HttpNode], Awaitable[T]]) -> T:
        """What the first node gives that holds; if none does, why the first did not."""
        failures: list[MvchainError] = []
        for source in self.client.order:
            node = self._nodes[source]
            if isinstance(node, HttpNode):
                try:
                    return await attempt(node)
                except Divergence:
                    raise
                except MvchainError as error:
                    failures.append(error)
        raise failures[0] if failures else BadRequest(codes.NO_REST_NODE)

    @staticmethod
    async def _get(node: HttpNode, path: str, max_bytes: int, accept: str | None = None) -> bytes:
        return await asyncio.to_thread(node.get, path, max_bytes, accept)


def _ballot_of(verified: VerifiedReceipt | VerifiedProof) -> Hash | None:
    """The ballot that a receipt is about; None for a proof of something else."""
    if isinstance(verified, VerifiedReceipt):
        return verified.ballot
    match verified.claim:
        case Counted(ballot) | Superseded(Counted(ballot)):
            return ballot
    return None
