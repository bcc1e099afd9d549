"""A page's paragraph on how scores were come by says what was done in this run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ser_bench.evaluation.run_folder import RunFolder
from tests.reports import fabricate

REFITS, BOUND = "from refits without pairs of folds", "the largest correction that overlapping training sets can call for"


@pytest.fixture
def method(tmp_path: Path):
    """What a run's page says of its method, with the refits that are left."""

    def written(keep) -> str:
        cells, found, lines = fabricate.write_run(tmp_path)
        refits = keep(pd.read_parquet(tmp_path / "refits.parquet"))
        (tmp_path / "refits.parquet").unlink()
        if refits is not None:
            refits.to_parquet(tmp_path / "refits.parquet", index=False)
        fabricate.publish(RunFolder(tmp_path), cells, found, lines, refits)
        return (tmp_path / "report.html").read_text().partition('id="method-text"')[2].partition("</p>")[0]

    return written


def test_refits_are_named_where_every_row_has_them(method):
    said = method(lambda refits: refits)
    assert REFITS in said
    assert BOUND not in said


@pytest.mark.parametrize("keep", [lambda refits: None, lambda refits: refits[:0]], ids=["no file", "no rows"])
def test_the_bound_is_named_where_nothing_was_refitted(method, keep):
    said = method(keep)
    assert f"with {BOUND}, as no row could be fitted again without pairs of folds" in said
    assert REFITS not in said


def test_rows_without_refits_are_counted_beside_the_others(method):
    said = method(lambda refits: refits[refits["model"] != "rf"])
    assert f"{REFITS}, but for 1 row without refits, which have {BOUND}" in said
