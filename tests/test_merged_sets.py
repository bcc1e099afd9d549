"""A folder in which several corpora were put together is evaluated, audited and extracted as what it is: several corpora."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

import ser_bench
from ser_bench import api
from ser_bench.api.options import corpora_of, load_each
from ser_bench.config import RunConfig, read_config
from ser_bench.errors import WrongCall
from tests.corpora.trees import make_tree
from tests.small import WITHOUT_CURVES

CREMAD = [f"Crema/{a}_{s}_{e}_XX.wav" for a, s, e in product((1001, 1002, 1003), ("DFA", "IEO"), ("ANG", "SAD"))]
SAVEE = [f"Savee/{a}_{e}{n}.wav" for a, e, n in product(("DC", "JE"), ("a", "sa"), ("01", "02"))]


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("merged") / "audio", [*CREMAD, *SAVEE])


def test_a_run_of_a_merged_folder_has_a_block_per_corpus_each_of_which_can_be_repeated(merged: Path, tmp_path: Path) -> None:
    options = {
        **WITHOUT_CURVES,
        "features": ("recording",),
        "models": ("logreg",),
        "out": str(tmp_path),
        "cache": str(merged.parent / "store"),
    }
    results = api.run_config(RunConfig(corpus=(str(merged),), **options), progress=False)
    assert [(found.leaderboard["corpus"].iloc[0], found.leaderboard["clips"].iloc[0]) for found in results] == [
        ("cremad", 12),
        ("savee", 8),
    ]
    assert all(any("holds several corpora" in line for line in found.warnings) for found in results)
    sources = [read_config(found.folder / "run.toml")["corpus"] for found in results]
    assert sources == [(f"{merged}#cremad",), (f"{merged}#savee",)]
    again = ser_bench.run(*sources[1], **options, progress=False)
    assert (again.folder, again.fitted) == (results[1].folder, 0)


def test_what_takes_one_corpus_names_those_found(merged: Path, tmp_path: Path) -> None:
    for call in (ser_bench.run, ser_bench.splits, ser_bench.ablate):
        with pytest.raises(WrongCall, match=r"holds several corpora: cremad \(12 clips\), savee \(8 clips\); name one, such as .*#cremad"):
            call(merged, cache=str(tmp_path), progress=False)


def test_a_folder_named_on_both_sides_is_loaded_once(merged: Path) -> None:
    loaded = load_each(RunConfig(corpus=(str(merged), f"{merged}#savee", str(merged))))
    assert {source: [corpus.name for corpus in found] for source, found in loaded.items()} == {
        str(merged): ["cremad", "savee"],
        f"{merged}#savee": ["savee"],
    }
    assert [corpus.name for corpus in corpora_of(RunConfig(corpus=(str(merged),)))] == ["cremad", "savee"]
