"""Two blocks of a chain, made by hand from the types of the ledger: what a receipt is about, without a node."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import pytest

from mvchain.core import codec, merkle
from mvchain.core.errors import BadProof
from mvchain.core.hashing import EMPTY_HASH, sha256
from mvchain.core.keys import Purpose, SigningKey
from mvchain.core.timestamps import encode_timestamp
from mvchain.core.types import (
    AgencyNumber,
    BallotNumber,
    Hash,
    Height,
    PollNumber,
    Round,
    TimeMs,
    TimeNs,
)
from mvchain.ledger.block_id import BlockID, PartSetHeader
from mvchain.ledger.blocks import (
    Block,
    Commit,
    CommitSig,
    Flag,
    Header,
    block_id_of,
    consensus_hash,
    data_hash,
    results_hash,
)
from mvchain.ledger.endorsements import Kind, endorsement_sign_bytes
from mvchain.ledger.genesis import Genesis, make_entry
from mvchain.ledger.results import accepted_ballot
from mvchain.ledger.transactions import Ballot, make_transaction
from mvchain.ledger.validators import ValidatorSet, address_of
from mvchain.light.documents import BriefCommit, Path, Precommit
from mvchain.light.receipts import AcceptedBallot, OpenReceipt

SECOND = 1_000_000_000
MIDNIGHT = 1_772_982_000 * SECOND
"""2026-03-09 00:00 in Seoul, 2026-03-08T15:00:00Z."""
HEIGHT = Height(41)
"""Of the block with the ballots."""
ROUND = Round(1)
"""In which the block after it was decided."""
POLL = PollNumber(3)
FIRST_NUMBER = 1_233
"""Of the first ballot of the block, in its poll."""
DEFINITION = Hash(sha256(b"the definition of poll 3"))
NAMES = (
    ("서울특별시", "Seoul City"),
    ("강남구", "Gangnam District"),
    ("서울특별시교육청", "Seoul Office of Education"),
    ("종로구", "Jongno District"),
)


def seeded(text: str) -> SigningKey:
    """The signing key that belongs to this text."""
    return SigningKey.from_seed(sha256(text.encode()))


@dataclass(frozen=True)
class Chain:
    """A genesis document and the validators' keys, in the order of the set."""

    genesis: Genesis
    keys: tuple[SigningKey, ...]

    @property
    def validators(self) -> ValidatorSet:
        return self.genesis.validators()


@cache
def make_chain(agencies: int = 4, name: str = "pilot-2026", keys_of: str = "pilot") -> Chain:
    """A chain of that many agencies; chains of equal `keys_of` have equal keys."""
    keys = [seeded(f"{keys_of} validator {number}") for number in range(1, agencies + 1)]
    entries = tuple(
        make_entry(
            name,
            AgencyNumber(number),
            NAMES[number - 1] if number <= len(NAMES) else (f"제{number}기관", f"Agency {number}"),
            agency_key=seeded(f"{keys_of} agency {number}"),
            validator_key=key,
            node_key=seeded(f"{keys_of} node {number}"),
        )
        for number, key in enumerate(keys, 1)
    )
    ordered = sorted(keys, key=lambda key: address_of(key.public))
    return Chain(Genesis(name, TimeMs(1_770_000_000_000), entries), tuple(ordered))


def precommit(chain: Chain, index: int, block_id: BlockID, height: Height, /, **other: object) -> Precommit:
    """Validator `index` signs this block; `other` names what it signs instead of a precommit of this chain."""
    time_ns = TimeNs(MIDNIGHT + 3 * SECOND + index * 1_234_567)
    what = {"kind": Kind.PRECOMMIT, "height": height, "round_": ROUND, "block_id": block_id} | other
    message = endorsement_sign_bytes(**({"time_ns": time_ns, "chain_id": chain.genesis.chain_id} | what))  # type: ignore[arg-type]
    return Precommit(index, time_ns, chain.keys[index].sign(Purpose.CONSENSUS, message))


@dataclass(frozen=True)
class Blocks:
    """Block H with its ballots, and block H+1, which has nothing but the results of H."""

    chain: Chain
    ballots: tuple[bytes, ...]
    results: tuple[AcceptedBallot, ...]
    header: Header
    next_header: Header
    next_id: BlockID

    def receipt(self, index: int, signers: Iterable[int] | None = None) -> OpenReceipt:
        """The receipt of ballot `index`, signed by just enough validators unless `signers` says by whom."""
        chain = self.chain
        if signers is None:
            signers = range(len(chain.keys) * 2 // 3 + 1)
        hashes = [sha256(ballot) for ballot in self.ballots]
        return OpenReceipt(
            chain_id=chain.genesis.chain_id,
            ballot=Hash(hashes[index]),
            header=self.header,
            next_header=self.next_header,
            included=path_to(hashes, index),
            accepted=path_to([leaf_of(result) for result in self.results], index),
            result=self.results[index],
            commit=BriefCommit(
                ROUND,
                self.next_id.parts,
                tuple(precommit(chain, i, self.next_id, self.next_header.height) for i in signers),
            ),
            validators=tuple(validator.public_key for validator in chain.validators),
        )


def leaf_of(result: AcceptedBallot) -> bytes:
    """What the results hash is made of."""
    return accepted_ballot(result.poll, result.number, result.voter, result.units).encode()


def path_to(items: Sequence[bytes], index: int) -> Path:
    """The way up from item `index`."""
    proof = merkle.prove(items, index)
    return Path(proof.index, proof.total, tuple(Hash(aunt) for aunt in proof.aunts))


@cache
def make_blocks(chain: Chain, count: int) -> Blocks:
    """Blocks H and H+1, block H with `count` ballots, each of another voter."""
    voters = [seeded(f"voter {i}") for i in range(count)]
    payload = Ballot(POLL, 0, (2,))
    ballots = tuple(make_transaction(payload, voter, chain.genesis.hash, DEFINITION) for voter in voters)
    results = tuple(
        AcceptedBallot(POLL, BallotNumber(FIRST_NUMBER + i), voter.tagged, units=1) for i, voter in enumerate(voters)
    )
    validators, params = chain.validators, chain.genesis.params
    header = Header(
        version_app=1,
        chain_id=chain.genesis.chain_id,
        height=HEIGHT,
        time_ns=TimeNs(MIDNIGHT + 123_400_000),
        last_block_id=BlockID(sha256(b"block 40"), PartSetHeader(1, sha256(b"its parts"))),
        last_commit_hash=sha256(b"commit of block 40"),
        data_hash=data_hash([sha256(ballot) for ballot in ballots]),
        validators_hash=validators.hash,
        next_validators_hash=validators.hash,
        consensus_hash=consensus_hash(params.max_bytes, params.max_units),
        app_hash=sha256(b"state after block 40"),
        last_results_hash=EMPTY_HASH,
        evidence_hash=EMPTY_HASH,
        proposer_address=validators.proposer(HEIGHT, Round(0)).address,
    )
    block_id = block_id_of(header, Block(header, ballots, (), commit_of_40()).encode())
    commit = commit_of(chain, block_id, HEIGHT)
    following = replace(
        header,
        height=Height(HEIGHT + 1),
        time_ns=TimeNs(MIDNIGHT + 2 * SECOND),
        last_block_id=block_id,
        last_commit_hash=commit.hash(),
        data_hash=EMPTY_HASH,
        app_hash=sha256(b"state after block 41"),
        last_results_hash=results_hash([accepted_ballot(r.poll, r.number, r.voter, r.units) for r in results]),
        proposer_address=validators.proposer(Height(HEIGHT + 1), ROUND).address,
    )
    next_id = block_id_of(following, Block(following, (), (), commit).encode())
    return Blocks(chain, ballots, results, header, following, next_id)


def commit_of_40() -> Commit:
    """A stand-in: nothing that a receipt shows depends on it."""
    return Commit(Height(HEIGHT - 1), Round(0), BlockID(sha256(b"block 40"), PartSetHeader(1, bytes(32))), ())


def commit_of(chain: Chain, block_id: BlockID, height: Height) -> Commit:
    """Every validator's precommit for this block."""
    signed = [precommit(chain, i, block_id, height) for i in range(len(chain.keys))]
    entries = tuple(
        CommitSig(Flag.COMMIT, address_of(chain.keys[one.index].public), one.time_ns, one.signature) for one in signed
    )
    return Commit(height, ROUND, block_id, entries)


def resigned(chain: Chain, receipt: OpenReceipt, signers: Iterable[int], **other: object) -> OpenReceipt:
    """The receipt with these validators' signatures, made anew for its next header."""
    height = receipt.next_header.height
    signatures = [precommit(chain, i, receipt.block_id, height, **other) for i in signers]
    return with_signatures(receipt, *signatures)


def with_signatures(receipt: OpenReceipt, *signatures: Precommit) -> OpenReceipt:
    """The receipt with these signatures in place of its own."""
    return replace(receipt, commit=replace(receipt.commit, signatures=signatures))


def relinked(receipt: OpenReceipt, **changes: object) -> OpenReceipt:
    """The receipt with another header H, changed so, and a next header that names it."""
    header = replace(receipt.header, **changes)  # type: ignore[arg-type]
    last = BlockID(header.hash(), receipt.next_header.last_block_id.parts)
    return replace(receipt, header=header, next_header=replace(receipt.next_header, last_block_id=last))


def code_of(call: Callable[..., object], *args: object) -> str:
    """Code of the BadProof that the call must raise; its texts must be complete."""
    with pytest.raises(BadProof) as caught:
        call(*args)
    assert caught.value.detail
    assert caught.value.remedy
    return caught.value.code


def binary_size(receipt: OpenReceipt) -> int:
    """What the receipt would take as bytes: msgpack of all of it, headers as protobuf (C29), nothing as text."""
    paths = [(path.index, path.total, path.aunts) for path in (receipt.included, receipt.accepted)]
    result = receipt.result
    signatures = [(one.index, encode_timestamp(one.time_ns), one.signature) for one in receipt.commit.signatures]
    return len(
        codec.encode(
            (
                receipt.ballot,
                receipt.header.encode(),  # holds the chain id
                receipt.next_header.encode(),
                paths,
                (result.poll, result.number, result.voter, result.units),
                receipt.commit.round,
                receipt.commit.parts.encode(),
                signatures,
                receipt.validators,
            )
        )
    )
