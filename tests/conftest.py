"""Where real speech lies, if anywhere; everything else in the tests is synthetic."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """The folder of real corpora, or a skip that says how to have one."""
    beside = Path(__file__).parents[2] / "shared" / "corpora"
    folder = Path(os.environ.get("SER_BENCH_CORPORA", beside))
    if not folder.is_dir():
        pytest.skip("no real speech here: set SER_BENCH_CORPORA to a folder that holds ravdess/ and emodb/")
    return folder.resolve()
