"""mvchain.interop.tendermint_rs: its exit status alone does not say that it verified."""

import pytest

from mvchain.interop.processes import Ended
from mvchain.interop.tendermint_rs import fault_of

VERIFIED = "INFO Verified to height 12 on primary\n"
COMPARED = "INFO no divergence found between primary and witness 1f2e3d\n"
FAILED = "ERROR failed to run attack detector against witness 1f2e3d: io error\n"


@pytest.mark.parametrize(
    ("ended", "height", "fault"),
    [
        (Ended(0, VERIFIED + COMPARED), 12, None),
        (Ended(0, VERIFIED + COMPARED), None, None),
        (Ended(0, VERIFIED + COMPARED), 1, "it did not say that it verified it"),
        (Ended(0, COMPARED), None, "it did not say that it verified it"),
        (Ended(0, VERIFIED + FAILED), 12, "it did not compare the witness"),
        (Ended(1, VERIFIED + COMPARED), 12, "exit status 1"),
        (Ended(-1, "it was not done after 30 s"), 12, "exit status -1: it was not done after 30 s"),
    ],
)
def test_a_run_has_verified_and_compared(ended: Ended, height: int | None, fault: str | None) -> None:
    found = fault_of(ended, height)
    assert found is None if fault is None else found is not None and found.startswith(fault)
