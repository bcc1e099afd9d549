"""Feature sets: their sizes, names, fingerprints and recorded values; sums and tables of one's own."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.audio.clip import Clip
from ser_bench.corpora import Corpus
from ser_bench.errors import WrongCall
from ser_bench.features import catalogue, distinct_parts, known_extractors, parse_features
from ser_bench.features.extractors.mfcc import Mfcc
from ser_bench.features.extractors.opensmile import GROUPS, OpenSmile, Session
from ser_bench.features.sets import OwnTable
from tests.features.record import RECORDED, built_in, recorded, sample, voice

SIZES = {file.stem: recorded(file.stem)["columns"] for file in sorted(RECORDED.glob("*.json"))}


def test_every_set_has_its_official_size_and_no_column_twice():
    assert set(SIZES) == set(built_in()), "python -m tests.features.record NAME records a new set"
    for name, cls in built_in().items():
        assert len(set(cls().columns)) == len(cls().columns) == SIZES[name]


def test_every_set_lists_the_groups_that_its_columns_have_in_their_order():
    for cls in built_in().values():
        assert list(cls().group_sizes.items()) == list(Counter(cls().groups).items())


@pytest.mark.parametrize("name", SIZES)
def test_values_change_only_with_a_new_version(name):
    """Of each set ten values stand recorded with its version: `python -m tests.features.record` records them again."""
    extractor = known_extractors()[name]()
    kept = recorded(name)
    assert kept["version"] == extractor.version
    np.testing.assert_allclose(sample(extractor(voice())), kept["values"], rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("kind", ["shortest", "silent but for a click", "full scale", "low rate"])
def test_every_value_is_finite_on_strange_clips(name, kind):
    click = np.zeros(16_000, np.float32)
    click[800] = 0.5
    clips = {
        "shortest": Clip(voice().samples[:4410], 44_100),
        "silent but for a click": Clip(click, 16_000),
        "full scale": Clip(np.sign(voice().samples), 44_100),
        "low rate": Clip(voice().samples[:16_000], 8_000),
    }
    vector = known_extractors()[name]()(clips[kind])
    assert (vector.dtype, vector.shape) == (np.float32, (SIZES[name],))
    assert np.isfinite(vector).all()


def test_every_opensmile_column_has_a_group_of_the_table():
    groups = {group for group, _ in GROUPS}
    for cls in known_extractors().values():
        if issubclass(cls, OpenSmile):
            assert set(cls().groups) <= groups


def test_opensmile_gives_what_it_gives_on_its_own():
    import opensmile

    samples = voice().at(16_000)
    theirs = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02).process_signal(samples, 16_000)
    ours = known_extractors()["egemaps"]()
    assert [column.partition(".")[2] for column in ours.columns] == list(theirs.columns)
    np.testing.assert_array_equal(ours(voice()), theirs.to_numpy(np.float32)[0])


@pytest.mark.parametrize("name", ["gemaps", "egemaps", "is09", "is10", "is13", "compare", "emobase"])
def test_what_opensmile_heard_before_does_not_move_what_it_gives(name):
    kind = known_extractors()[name]
    heard = voice().at(16_000)
    clips = [Clip(part, 16_000) for part in (heard[:9_000], heard[5_000:6_600], heard[::2])]
    alone = [Session(kind.config).compute((clip.samples * 32_768).astype(np.int16)) for clip in clips]
    after = [kind()(clip) for clip in [clips[2], *clips]][1:]
    np.testing.assert_array_equal(after, alone)


@given(st.integers(2, 40), st.sampled_from([8_000, 16_000, 22_050]))
def test_another_parameter_is_another_fingerprint(n_mfcc, rate):
    changed = Mfcc(n_mfcc=n_mfcc, rate=rate)
    assert (changed.fingerprint == Mfcc().fingerprint) == (changed == Mfcc())


def test_a_library_s_version_and_the_set_s_own_are_in_the_fingerprint(monkeypatch):
    before = Mfcc().fingerprint
    monkeypatch.setattr(Mfcc, "version", 99)
    assert Mfcc().fingerprint != before
    monkeypatch.undo()
    monkeypatch.setattr("ser_bench.utils.spec._installed", lambda library: "0")
    assert Mfcc().fingerprint != before


def test_a_sum_carries_its_parts_names():
    joined = parse_features("egemaps+mfcc(n_mfcc=13)")
    assert joined.name == "egemaps+mfcc(n_mfcc=13)"
    assert [part.label for part in joined.parts] == ["egemaps", "mfcc(n_mfcc=13)"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("egemap", "did you mean 'egemaps'"),
        ("mfcc+mfcc", "more than once"),
        ("mfcc(n_mfc=13)", "did you mean 'n_mfcc'"),
        ("spectral(rate=8000)", "12801 to 192000"),
        ("missing.parquet", "no such file"),
        ("", "cannot read"),
        ("mfcc(n_mfcc=200)", "1 to 128"),
        ("mfcc(n_mfcc=0)", "1 to 128"),
        ("mfcc(frame=100)", "160 to 65536"),
        ("mfcc(frame=401)", "an even number"),
        ("spectral(hop=4096)", "32 to 2048"),
        ("spectral(functionals=mean+medan)", "'medan'"),
        ("mfcc(functionals=mean+mean)", "twice"),
        ("mfcc(functionals=all+mean)", "unknown functional 'all'"),
        ("mfcc(rate=0)", "4000 to 192000"),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused(text, said):
    with pytest.raises(WrongCall, match=said):
        parse_features(text)


OWN = pd.DataFrame({"a.x": [1.0, 2.0], "y": [3, 4]}, index=pd.Index(["c1", "c2"], name="clip"))


def test_a_table_of_one_s_own_goes_by_clip_or_by_a_column_clip(tmp_path):
    OWN.to_parquet(tmp_path / "mine.parquet")
    OWN.reset_index().to_parquet(tmp_path / "same.parquet")
    mine, same = (parse_features(str(tmp_path / f"{name}.parquet")).parts[0] for name in ("mine", "same"))
    assert mine.columns == same.columns == ("a.x", "y")
    assert (mine.groups, same.groups) == (("a", "mine"), ("a", "same"))


def test_a_path_may_have_a_plus_in_it(tmp_path):
    (tmp_path / "a+b").mkdir()
    OWN.to_parquet(tmp_path / "a+b" / "mine.parquet")
    assert parse_features(str(tmp_path / "a+b" / "mine.parquet")).name == "mine"


def test_two_tables_of_one_name_or_of_a_built_in_set_s_are_refused(tmp_path):
    paths = [tmp_path / folder / "mine.parquet" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        OWN.to_parquet(path)
    with pytest.raises(WrongCall, match="would both be called 'mine'"):
        distinct_parts([parse_features(str(path)) for path in paths])
    OWN.to_parquet(tmp_path / "egemaps.parquet")
    with pytest.raises(WrongCall, match="'egemaps' is the name of a built-in set"):
        parse_features(str(tmp_path / "egemaps.parquet"))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (OWN.assign(y=["3", "4"]), "column 'y' is not numeric"),
        (OWN.assign(y=[3, np.inf]), "column 'y' is not finite for clip 'c2'"),
        (OWN.set_index(pd.Index(["c1", "c1"])), "'c1' has more than one row"),
        (OWN.iloc[:0], "no rows"),
    ],
)
def test_a_table_that_cannot_serve_is_refused_by_name(tmp_path, table, said):
    table.to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(WrongCall, match=said):
        parse_features(str(tmp_path / "mine.parquet"))


def test_the_catalogue_lists_every_set():
    listed = {row["features"]: row for row in catalogue()}
    assert {name: listed[name]["dims"] for name in SIZES} == SIZES
    assert listed["egemaps"]["licence"].startswith("openSMILE")


def test_extractors_are_their_parameters():
    assert Mfcc(n_mfcc=13) == Mfcc(n_mfcc=13)
    assert dataclasses.asdict(Mfcc()) == {"n_mfcc": 20, "rate": 16_000, "frame": 2048, "hop": 512, "functionals": "all"}


def smile(*rows: tuple[str, float, float]) -> pd.DataFrame:
    """A frame as openSMILE's own package hands it out."""
    files, starts, ends = zip(*rows, strict=True)
    times = (pd.to_timedelta(list(side), unit="s") for side in (starts, ends))
    index = pd.MultiIndex.from_arrays([list(files), *times], names=["file", "start", "end"])
    return pd.DataFrame({"x": np.arange(len(rows), dtype=float)}, index=index)


def corpus_of(*clips: str, folder: Path = Path("/corpus")) -> Corpus:
    return Corpus("mine", pd.DataFrame(index=pd.Index(clips, name="clip")), folder)


@pytest.mark.parametrize(
    ("rows", "clips"),
    [
        ([("a.wav", 0, 1.5), ("a.wav", 1.5, 3)], ["a.wav#0-1.5", "a.wav#1.5-3"]),
        ([("a.wav", 0, 1.5), ("b.wav", 0, 2)], ["a.wav", "b.wav"]),
        ([("/corpus/a.wav", 0, 1.5), ("./b.wav", 0, 2)], ["a.wav", "b.wav"]),
        ([("/corpus/a.wav", 1, 1.5), ("./b.wav", 0, 2)], ["a.wav#1-1.5", "b.wav#0-2"]),
    ],
)
def test_a_frame_of_opensmile_is_matched_by_file_and_segment(tmp_path, rows, clips):
    smile(*rows).to_parquet(tmp_path / "smile.parquet")
    (own,) = parse_features(str(tmp_path / "smile.parquet")).parts
    assert isinstance(own, OwnTable)
    assert list(own.named_as(corpus_of(*clips)).table.index) == clips


def test_a_part_of_a_file_never_stands_for_the_whole(tmp_path):
    smile(("a.wav", 0, 1.5), ("a.wav", 1.5, 3), ("b.wav", 1, 2)).to_parquet(tmp_path / "smile.parquet")
    (own,) = parse_features(str(tmp_path / "smile.parquet")).parts
    assert not own.named_as(corpus_of("a.wav", "b.wav")).table.index.isin(["a.wav", "b.wav"]).any()


def test_rows_without_names_are_refused(tmp_path):
    for name, table in {"counted": OWN.reset_index(drop=True), "path": OWN.rename_axis("path").reset_index()}.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
        with pytest.raises(WrongCall, match="matched with clips by name"):
            parse_features(str(tmp_path / f"{name}.parquet"))
    OWN.assign(embedding=[[1, 2], [3, 4]]).to_parquet(tmp_path / "lists.parquet")
    with pytest.raises(WrongCall, match="the column 'embedding' holds list values"):
        parse_features(str(tmp_path / "lists.parquet"))
