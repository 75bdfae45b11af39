"""mvchain.bench.chain and receipts: a poll held without a network, whose receipts hold."""

from pathlib import Path

import pytest

from mvchain.api.proof_view import ProofView
from mvchain.bench import chain as module
from mvchain.bench import receipts
from mvchain.bench.chain import Chain, hold_poll
from mvchain.demo.elections import POLL
from mvchain.demo.progress import Narrator
from mvchain.light.proofs import Counted, Superseded
from mvchain.light.verify import VerifiedReceipt, verify, verify_proof

OTHERS, VOTERS, TWICE = 3, 60, 5


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OTHER_POLLS", OTHERS)
    monkeypatch.setattr(receipts, "SAMPLE", TWICE)
    monkeypatch.setattr(receipts, "CHECKS", 2 * TWICE)


@pytest.mark.parametrize(("validators", "quorum"), [(1, 1), (4, 3), (7, 5)])
def test_receipts_of_a_chain_without_its_network(tmp_path: Path, validators: int, quorum: int) -> None:
    with Chain(tmp_path / "chain", validators) as chain:
        held = hold_poll(chain, VOTERS, TWICE, Narrator())
        proofs = ProofView(chain.replica)
        record = chain.replica.state.poll(POLL)
        assert record is not None
        assert (record.counted_size, record.ballots_size) == (VOTERS, VOTERS + TWICE)
        assert chain.replica.state.poll_count == 1 + OTHERS
        assert (len(held.counted), len(held.superseded)) == (VOTERS - TWICE, TWICE)
        assert chain.largest_block == VOTERS + TWICE
        for ballot in held.counted:
            opened = verify(proofs.receipt(ballot, completed=False).document, chain.genesis)
            completed = verify_proof(proofs.receipt(ballot, completed=True).document, chain.genesis)
            assert isinstance(opened, VerifiedReceipt)
            assert isinstance(completed.claim, Counted)
            assert opened.ballot == completed.claim.ballot == ballot
            assert len(opened.vouchers.vouching) == len(completed.vouchers.vouching) == quorum
        for ballot in held.superseded:
            claim = verify_proof(proofs.receipt(ballot, completed=True).document, chain.genesis).claim
            assert isinstance(claim, Superseded)
            assert claim.superseded.ballot == ballot


def test_measuring_its_receipts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "VALIDATORS", (4,))
    report = receipts.measure_receipts(tmp_path, VOTERS, 2, Narrator())
    assert (report.counted, report.largest_block, report.polls) == (VOTERS, VOTERS + TWICE, 1 + OTHERS)
    assert [(one.validators, one.kind) for one in report.figures] == [(4, "open"), (4, "counted"), (4, "superseded")]
    for one in report.figures:
        assert 0 < one.binary_bytes < one.json_bytes
        assert len(one.checking_ms.values) == len(one.making_ms.values) == 2
        assert min(one.checking_ms.values) > 0
