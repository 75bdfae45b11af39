"""mvchain.bench.sizes: bytes of receipts and proofs that JSON has no part in."""

from dataclasses import replace

import pytest

from mvchain.bench.sizes import binary_size
from mvchain.core.hashing import EMPTY_HASH, sha256
from mvchain.core.types import BallotNumber, Hash, TaggedKey
from mvchain.light.documents import BriefCommit, Path
from mvchain.light.proofs import Acceptance, Counted, PollProof, Superseded
from mvchain.light.receipts import OpenReceipt
from tests.light import helpers

ITEM = 34
"""A hash in msgpack: a byte for the type, one for the length, 32."""
SIGNATURE = 1 + 1 + (2 + 6 + 5) + (2 + 64)
"""[index, time, signature]: seconds of this century take 6 bytes with their tag, the 2,469,134 nanoseconds 5."""


def receipt(validators: int, ballots: int = 1) -> OpenReceipt:
    return helpers.make_blocks(helpers.make_chain(validators), ballots).receipt(0)


@pytest.mark.parametrize("validators", [4, 40])
def test_an_open_receipt(validators: int) -> None:
    """The same number as the bound of L11 is tested with, which is counted in another way."""
    assert binary_size(receipt(validators)) == helpers.binary_size(receipt(validators))


def test_every_aunt_and_signature_counts() -> None:
    small = receipt(4)
    assert binary_size(receipt(4, 2)) - binary_size(small) == 2 * ITEM
    without = replace(small, commit=replace(small.commit, signatures=small.commit.signatures[:-1]))
    assert binary_size(small) - binary_size(without) == SIGNATURE


def test_a_completed_receipt_and_a_superseded_ballot() -> None:
    opened = receipt(4)
    path = Path(0, 2, (EMPTY_HASH,))
    counted = Counted(opened.ballot, BallotNumber(7), TaggedKey(bytes(33)), path, path)
    proof = PollProof(
        chain_id=opened.chain_id,
        header=opened.header,
        commit=BriefCommit(opened.commit.round, opened.commit.parts, ()),
        validators=(),
        poll=helpers.POLL,
        record=b"r" * 100,
        record_path=Path(0, 1, ()),
        store_path=path,
        claim=counted,
    )
    header, parts = len(opened.header.encode()), len(opened.commit.parts.encode())
    assert 256 <= header < 65_536
    assert 32 <= parts < 256
    with_aunt, without_aunt = 1 + 2 + 1 + ITEM, 1 + 2 + 1
    commit = 1 + 1 + (2 + parts) + 1
    claim = 1 + ITEM + 1 + (2 + 33) + 2 * with_aunt
    assert binary_size(proof) == 1 + (3 + header) + commit + 1 + 1 + (2 + 100) + without_aunt + with_aunt + claim

    later = Superseded(counted, BallotNumber(9), Acceptance(path, 1, opened.next_header, proof.commit))
    accepted = 1 + with_aunt + 1 + (3 + len(opened.next_header.encode())) + commit
    assert binary_size(replace(proof, claim=later)) - binary_size(proof) == 1 + 1 + accepted


def test_the_names_of_members_do_not_count() -> None:
    """Nor does hex: another hash takes as much."""
    small = receipt(4)
    assert binary_size(replace(small, ballot=Hash(sha256(b"another")))) == binary_size(small) < len(small.encode()) / 2
