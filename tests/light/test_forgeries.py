"""Forged receipts and proofs are refused, each with its reason; what they were made from is not."""

from collections import Counter

import pytest

from mvchain.light.verify import VerifiedProof, verify
from tests.light.forgeries import Forgery, receipt_forgeries
from tests.light.helpers import code_of, make_chain
from tests.light.polls import POLL, RECORD, good_proofs
from tests.light.proof_forgeries import proof_forgeries


@pytest.mark.parametrize(("forgeries", "least"), [(receipt_forgeries(), 300), (proof_forgeries(), 300)])
def test_there_are_hundreds_of_them(forgeries: tuple[Forgery, ...], least: int) -> None:
    assert len({forgery.data for forgery in forgeries}) >= least
    assert max(Counter(forgery.name for forgery in forgeries).values()) == 1


@pytest.mark.parametrize("forgery", receipt_forgeries(), ids=lambda forgery: forgery.name)
def test_a_receipt(forgery: Forgery) -> None:
    assert code_of(verify, forgery.data, forgery.chain.genesis) == forgery.cause.code


@pytest.mark.parametrize("forgery", proof_forgeries(), ids=lambda forgery: forgery.name)
def test_a_proof(forgery: Forgery) -> None:
    assert code_of(verify, forgery.data, forgery.chain.genesis) == forgery.cause.code


@pytest.mark.parametrize("agencies", [1, 4, 40])
def test_good_proofs(agencies: int) -> None:
    chain = make_chain(agencies)
    for name, proof in good_proofs(chain).items():
        verified = verify(proof.encode(), chain.genesis)
        assert isinstance(verified, VerifiedProof)
        assert (verified.poll, verified.claim) == (POLL, proof.claim), name
        assert verified.record.definition_hash == RECORD.definition_hash
