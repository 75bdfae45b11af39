"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with vectors and real elections: `MVCHAIN_SHARED` or `../shared` beside the checkout."""
    found = Path(os.environ.get("MVCHAIN_SHARED", Path(__file__).resolve().parents[1].parent / "shared"))
    if not (found / "vectors").is_dir():
        pytest.skip("reference data is not here (set MVCHAIN_SHARED to its folder)")
    return found
