"""Tests that share what is costly share a process: `pytest_collection_modifyitems` of `conftest.py`."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all tests")
def test_pytest_xdist_has_read_the_groups(request):
    """Where it has not, as with pytest 9.2, fixtures of modules are made once per process, and nothing else tells."""
    assert request.node.nodeid.partition("@")[2] == str(request.path)
