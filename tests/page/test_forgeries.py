"""The page refuses what Python refuses, with the same code, and claims what Python claims (security ED09)."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvchain.core.errors import BadProof
from mvchain.light.verify import VerifiedProof, VerifiedReceipt, verify
from tests.ledger.chain_helpers import mutations
from tests.light.forgeries import CHAIN, RECEIPT, Forgery, receipt_forgeries
from tests.light.handed_over import HISTORIES, ONE_BY_ONE, handed_over, handover_forgeries
from tests.light.helpers import Chain, make_blocks, make_chain
from tests.light.polls import POLL, good_proofs
from tests.light.proof_forgeries import proof_forgeries
from tests.page.node import Refused, ask_page


@pytest.mark.parametrize(
    "forgeries", [receipt_forgeries(), proof_forgeries(), handover_forgeries()], ids=["receipts", "proofs", "handovers"]
)
def test_forgeries(forgeries: Sequence[Forgery]) -> None:
    found = ask_page([{"do": "verify", "file": one.data, "genesis": one.chain.genesis.encode()} for one in forgeries])
    wrong = {
        one.name: (one.cause.code, verdict)
        for one, verdict in zip(forgeries, found, strict=True)
        if verdict != Refused(one.cause.code)
    }
    assert wrong == {}


GOOD = (
    RECEIPT.encode(),
    *(proof.encode() for proof in good_proofs().values()),
    ONE_BY_ONE.receipt().encode(),
    ONE_BY_ONE.proof().encode(),
)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(GOOD).flatmap(mutations), min_size=50, max_size=50))
def test_any_damage(files: list[bytes]) -> None:
    """Bytes changed, added, doubled or taken away: the same code as in Python, or both find nothing wrong."""
    found = ask_page([{"do": "verify", "file": file, "genesis": CHAIN.genesis.encode()} for file in files])
    codes = [verdict.code if isinstance(verdict, Refused) else None for verdict in found]
    assert codes == [code_or_none(file) for file in files]


def code_or_none(file: bytes) -> str | None:
    """Python's verdict: the code of the refusal."""
    try:
        verify(file, CHAIN.genesis)
    except BadProof as error:
        return error.code
    return None


def claims_of_all(verified: VerifiedReceipt | VerifiedProof, chain: Chain) -> dict[str, Any]:
    """What the page must claim of any file."""
    vouchers = verified.vouchers
    return {
        "chainId": chain.genesis.chain_id,
        "height": verified.height,
        "timeNs": verified.time_ns,
        "vouching": [{"number": one.number, "nameKo": one.name_ko, "nameEn": one.name_en} for one in vouchers.vouching],
        "later": [key.hex() for key in vouchers.later],
        "agencies": vouchers.agencies,
        "engine": "webcrypto",
    }


@pytest.mark.parametrize("agencies", [1, 2, 3, 4, 7, 40])
def test_good_receipts(agencies: int) -> None:
    chain = make_chain(agencies)
    receipts = [make_blocks(chain, ballots).receipt(at) for ballots in (1, 2, 7, 300) for at in (0, ballots - 1)]
    found = ask_page([{"do": "verify", "file": one.encode(), "genesis": chain.genesis.encode()} for one in receipts])
    for receipt, claims in zip(receipts, found, strict=True):
        verified = verify(receipt.encode(), chain.genesis)
        assert isinstance(verified, VerifiedReceipt)
        accepted = verified.accepted
        assert claims == {
            **claims_of_all(verified, chain),
            "type": "accepted",
            "ballot": verified.ballot.hex(),
            "poll": accepted.poll,
            "number": accepted.number,
            "voter": accepted.voter.hex(),
            "units": accepted.units,
            "signed": {"height": receipt.next_header.height, "hash": receipt.next_header.hash().hex()},
        }


@pytest.mark.parametrize("history", HISTORIES)
def test_receipts_and_proofs_of_later_sets(history: str) -> None:
    made = handed_over(history)
    files = [made.receipt().encode(), made.proof().encode()]
    found = ask_page([{"do": "verify", "file": file, "genesis": CHAIN.genesis.encode()} for file in files])
    for file, claims in zip(files, found, strict=True):
        assert claims_of_all(verify(file, CHAIN.genesis), CHAIN).items() <= claims.items()


CLAIMED = {
    "question": (),
    "result": (),
    "on_roll": ("voter", "weight"),
    "recorded": ("size", "root"),
    "counted": ("ballot", "number", "voter"),
    "superseded": ("ballot", "number", "voter", "countedNumber"),
    "not_counted": ("voter",),
}
"""What the page gives of each claim beside what it gives of all; definition and tally are compared elsewhere."""
OF_ALL = {"type", "record", "poll", "chainId", "height", "timeNs", "vouching", "later", "agencies", "signed", "engine"}


@pytest.mark.parametrize("agencies", [1, 4, 40])
def test_good_proofs(agencies: int) -> None:
    chain = make_chain(agencies)
    proofs = good_proofs(chain)
    found = ask_page(
        [{"do": "verify", "file": one.encode(), "genesis": chain.genesis.encode()} for one in proofs.values()]
    )
    for proof, claims in zip(proofs.values(), found, strict=True):
        verified = verify(proof.encode(), chain.genesis)
        assert isinstance(verified, VerifiedProof)
        assert claims_of_all(verified, chain).items() <= claims.items()
        assert claims["poll"] == POLL
        assert claims["signed"] == {"height": proof.header.height, "hash": proof.header.hash().hex()}
        assert claims["record"]["state"] == verified.record.state.name.lower()
        assert claims["record"]["ballotsSize"] == verified.record.ballots_size
        shown = {"question": {"definition"}, "result": {"definition", "tally"}}.get(claims["type"], set())
        assert claims.keys() == OF_ALL | shown | {*CLAIMED[claims["type"]]}
        said = proof.claim.to_json()
        for name in CLAIMED[claims["type"]]:
            assert claims[name] == said["counted_number" if name == "countedNumber" else name], name
        if shown:
            assert claims["definition"]["title"]["ko"] == "자전거 이름"
            assert [option["id"] for option in claims["definition"]["questions"][0]["options"]] == ["a", "b", "c"]
        if claims["type"] == "result":
            assert claims["tally"]["kept"]["questions"][0]["totals"] == [20, 8, 0]
