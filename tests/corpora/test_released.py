"""What is not as released is a modified copy, named as one, without a published figure beside it."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from ser_bench import api
from ser_bench.config import RunConfig
from ser_bench.corpora import Corpus, CorpusInfo, differences, load_corpus, name_copy
from ser_bench.corpora.base import PublishedResult
from ser_bench.evaluation.leaderboard import references
from ser_bench.evaluation.plan import prepare_data
from ser_bench.utils.progress import Silent
from tests.corpora.trees import make_tree
from tests.small import WITHOUT_CURVES

PUBLISHED = (PublishedResult("theirs", "nested", uar=0.6),)
SAVEE = [f"{a}/{e}{n}.wav" for a, e, n in product(("DC", "JE"), ("a", "sa"), ("01", "02"))]


def corpus_of(table: pd.DataFrame, /, **facts: object) -> Corpus:
    known = {"clips": 4, "speakers": 2, "rate": 16_000, "seconds": 8.0, "human": 0.8, "published": PUBLISHED} | facts
    return Corpus("c", table, Path(), facts=CorpusInfo(licence="", citation="", obtain="", **known))  # type: ignore[arg-type]


def clips_of(n: int = 4, rate: int = 16_000, seconds: float = 2.0) -> pd.DataFrame:
    stems = [f"{number}.wav" for number in range(n)]
    told = {"speaker": ["1", "2"] * (n // 2), "emotion": ["fear"] * (n // 2) + ["anger"] * (n // 2)}
    return pd.DataFrame({**told, "original": "W", "rate": rate, "seconds": seconds}, index=stems)


def briefly(table: pd.DataFrame, /, **facts: object) -> list[str]:
    return [found.brief for found in differences(corpus_of(table, **facts), table, [])]


def test_a_corpus_as_released_differs_in_nothing() -> None:
    assert briefly(clips_of()) == []
    assert name_copy([], corpus_of(clips_of()).facts) == ""
    assert {"human", "published: theirs"} <= set(references(corpus_of(clips_of()), "all", clips_of())["name"])


@pytest.mark.parametrize(
    ("clips", "facts", "told"),
    [
        (clips_of(rate=8000), {}, ["8,000 Hz instead of 16,000"]),
        (clips_of(seconds=1.5), {}, ["6 s in all instead of 8"]),
        (clips_of(), {"clips": 6}, ["4 of the 6 clips"]),
        (clips_of(), {"clips": 2}, ["4 clips instead of 2"]),
        (clips_of(), {"speakers": 3}, ["2 speakers instead of 3"]),
        (clips_of(seconds=2.001), {}, []),
        (clips_of(seconds=1.5), {"seconds": None}, []),
    ],
)
def test_rate_length_and_counts_are_each_held_against_the_release(clips: pd.DataFrame, facts: dict[str, object], told: list[str]) -> None:
    assert briefly(clips, **facts) == told


def test_some_clips_at_another_rate_are_counted() -> None:
    clips = clips_of()
    clips.loc["1.wav", "rate"] = 8000
    assert briefly(clips) == ["1 clip at 8,000 Hz instead of 16,000"]


def test_a_window_of_each_clip_says_nothing_of_lengths() -> None:
    assert differences(corpus_of(clips_of(seconds=1.5)), clips_of(seconds=1.5), [], whole=False) == []


def test_clips_that_a_filter_left_out_are_no_difference_and_copies_count_once() -> None:
    whole = clips_of()
    doubled = pd.concat([whole, whole.set_axis([f"again/{clip}" for clip in whole.index])])
    assert differences(corpus_of(whole), whole.iloc[:2], []) == []
    assert differences(corpus_of(doubled), whole, [f"again/{clip}" for clip in whole.index]) == []
    assert differences(corpus_of(doubled), whole.iloc[:2], ["again/0.wav", "again/1.wav"]) == []
    (more,) = differences(corpus_of(doubled), doubled, [])
    assert more.what == "4 clips more than the official 4"


def test_of_another_target_only_rates_are_compared_and_nothing_published_stands_beside() -> None:
    clips = clips_of(2, rate=8000)
    corpus = Corpus("c", clips, Path(), facts=corpus_of(clips).facts, target="intensity")
    assert [found.brief for found in differences(corpus, clips, [])] == ["8,000 Hz instead of 16,000"]
    assert set(references(corpus_of(clips_of()), "all", clips_of(), "intensity")["name"]) == {"chance", "majority"}


def test_where_there_are_several_releases_none_is_called_a_modified_copy_alone() -> None:
    clips = clips_of()
    corpus = corpus_of(clips, clips=5, release="1.11")
    told = name_copy(differences(corpus, clips, []), corpus.facts)
    assert told == "not release 1.11, or a modified copy of it: 4 of the 5 clips"


@pytest.mark.usefixtures("pages")
def test_a_copy_of_a_part_at_another_rate_is_named_in_every_row_and_report(tmp_path: Path) -> None:
    make_tree(tmp_path / "savee", SAVEE)
    options = {**WITHOUT_CURVES, "features": ("recording",), "models": ("logreg",), "out": str(tmp_path), "cache": str(tmp_path / "store")}
    (results,) = api.run_config(RunConfig(corpus=(str(tmp_path / "savee"),), **options), progress=False)
    note = "modified copy of the release: 8 of the 480 clips, 2 speakers instead of 4, 16,000 Hz instead of 44,100"
    assert note in results.leaderboard["notes"].iloc[0]
    assert f"{note}; published figures are not set beside its scores" in results.warnings
    for file in ("leaderboard.md", "leaderboard.csv", "report.html"):
        assert note in (results.folder / file).read_text(encoding="utf-8")
    assert set(pd.read_csv(results.folder / "references.csv")["name"]) == {"chance", "majority"}
    found = results.findings.set_index("check")["what"]
    assert "472 of the 480 released files are missing" in set(found["official facts"])


def test_a_doubled_corpus_is_counted_after_copies_went(tmp_path: Path) -> None:
    make_tree(tmp_path / "savee", SAVEE)
    shutil.copytree(tmp_path / "savee" / "DC", tmp_path / "savee" / "copy" / "DC")
    config = RunConfig(jobs=1, cache=str(tmp_path / "store")).for_corpus(load_corpus(tmp_path / "savee"))
    prepared = prepare_data(config, ["recording"], Silent())
    assert len(prepared.skipped) == 4
    assert prepared.differences[0].what == "472 of the 480 released files are missing"


def test_the_real_emovo_is_a_modified_copy_and_ravdess_is_not(real_corpora: Path) -> None:
    for name, rate, told in (("emovo", 16_000, ["16,000 Hz instead of 48,000"]), ("ravdess", 48_000, [])):
        corpus = load_corpus(real_corpora / name)
        assert corpus.facts is not None
        assert corpus.facts.seconds is not None
        heard = corpus.clips.assign(rate=rate, seconds=corpus.facts.seconds / len(corpus.clips))
        assert [found.brief for found in differences(corpus, heard, [])] == told
