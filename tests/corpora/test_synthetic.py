"""The embedded corpus is made once, whole, and the same everywhere."""

import re
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.corpora import load_corpus
from ser_bench.corpora.synthetic import CUES, EMOTIONS, RATE, VERSION, Tones, draw_voices, synthesise
from ser_bench.errors import WorkFailed, WrongCall

SMALL = Tones(speakers=2, emotions=2, takes=2)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.wav")}


def test_the_corpus_has_the_size_that_is_asked_for(tmp_path: Path) -> None:
    corpus = load_corpus("tones(speakers=4, takes=1)", cache=tmp_path)
    assert (corpus.name, corpus.protocol) == ("tones(speakers=4,takes=1)", "group:4")
    assert len(corpus.clips) == 4 * len(EMOTIONS)
    assert corpus.clips.groupby("speaker")["gender"].first().tolist() == ["male", "female"] * 2
    assert "speaker03/03-anger-1.wav" in corpus.clips.index


def test_too_few_speakers_for_four_groups_are_left_out_one_by_one(tmp_path: Path) -> None:
    assert load_corpus("tones(speakers=2,takes=1)", cache=tmp_path).protocol == "loso"


def test_equal_seeds_make_equal_files_and_others_do_not(tmp_path: Path) -> None:
    made = contents(SMALL.make(tmp_path / "a"))
    assert made == contents(SMALL.make(tmp_path / "b"))
    assert set(made) == set(other := contents(Tones(2, 2, 2, seed=1).make(tmp_path / "a")))
    assert not set(made.values()) & set(other.values())


def test_a_made_corpus_is_used_again(tmp_path: Path) -> None:
    first = SMALL.make(tmp_path)
    (first / "mark").touch()
    assert SMALL.make(tmp_path) == first
    assert (first / "mark").exists()
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_two_processes_make_it_at_once(tmp_path: Path) -> None:
    with get_context("spawn").Pool(2) as pool:
        folders = pool.map(SMALL.make, [tmp_path, tmp_path], chunksize=1)
    assert folders[0] == folders[1]
    assert len(contents(folders[0])) == 8
    assert list(tmp_path.iterdir()) == [folders[0]]


def test_a_rename_that_comes_too_late_keeps_the_other_process_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Tones._write

    def overtaken(self: Tones, folder: Path) -> None:
        write(self, folder)
        monkeypatch.setattr(Tones, "_write", write)
        self.make(tmp_path)

    monkeypatch.setattr(Tones, "_write", overtaken)
    assert len(contents(SMALL.make(tmp_path))) == 8


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkFailed, match="choose another --cache"):
        SMALL.make(tmp_path / "file")


def test_files_are_mono_16_bit_at_16_khz_and_about_a_second(tmp_path: Path) -> None:
    for path in SMALL.make(tmp_path).rglob("*.wav"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (RATE, 1, "PCM_16")
        assert 1 <= info.duration <= 1.5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("tones(speakers=1)", "speakers is 1; it can be 2 to 99"),
        ("tones(emotions=9)", "emotions is 9"),
        ("tones(cue=loud)", "did you mean 'loudness'? (known: all, loudness, pitch, tempo, timbre)"),
        ("tones(speeker=4)", "did you mean 'speakers'"),
        ("tones(speakers=many)", "takes a whole number"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(call: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(WrongCall, match=re.escape(said)):
        load_corpus(call, cache=tmp_path)


@given(n=st.integers(2, 30), seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_no_two_voices_have_the_same_habits(n: int, seed: int) -> None:
    habits = np.stack([voice.habits for voice in draw_voices(n, seed)])
    assert all(len(np.unique(column)) == n for column in habits.T)


@pytest.mark.parametrize("cue", CUES)
def test_a_planted_cue_moves_alone(cue: str) -> None:
    reach = np.stack([Tones(cue=cue)._reach(emotion) for emotion in EMOTIONS])
    assert np.ptp(reach, axis=0).astype(bool).tolist() == [cue == other for other in CUES]
    assert len(np.unique(reach[:, CUES.index(cue)])) == len(EMOTIONS)


def test_reach_is_heard() -> None:
    voice = draw_voices(2, 0)[0]

    def level(decibels: float) -> float:
        clip = synthesise(voice, np.array([0, decibels, 0, 0]), np.random.default_rng(0))
        return 20 * np.log10(np.sqrt(np.mean(clip**2)))

    assert level(6) - level(0) == pytest.approx(6, abs=0.1)


def test_the_synthesis_changes_only_with_its_version() -> None:
    clip = synthesise(draw_voices(2, 0)[1], np.zeros(4), np.random.default_rng(0))
    recorded = {1: (16_800, 0.005455, 0.038867, 0.003331)}
    assert (len(clip), clip.std(), np.abs(clip).max(), np.abs(np.diff(clip)).mean()) == pytest.approx(recorded[VERSION], rel=1e-3)


def test_a_split_that_knows_the_voice_pays(tmp_path: Path) -> None:
    from sklearn.metrics import recall_score
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    clips = load_corpus("tones", cache=tmp_path).clips
    features = np.stack([log_bands(soundfile.read(path)[0]) for path in clips["path"]])
    model = make_pipeline(StandardScaler(), SVC(C=3))

    def uar(**split: object) -> float:
        return recall_score(clips["emotion"], cross_val_predict(model, features, clips["emotion"], **split), average="macro")

    honest = uar(cv=GroupKFold(4), groups=clips["speaker"])
    leaky = uar(cv=StratifiedKFold(4, shuffle=True, random_state=0))
    assert honest > 2 / len(EMOTIONS)
    assert leaky > honest + 0.15


def log_bands(samples: np.ndarray) -> np.ndarray:
    """Mean and spread over frames of the log energy in 16 bands."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 512)[::256] * np.hanning(512)
    bands = np.array_split(np.abs(np.fft.rfft(frames)) ** 2, np.unique(np.geomspace(2, 256, 17).astype(int))[:-1], axis=1)
    energy = np.log(np.stack([band.sum(axis=1) for band in bands], axis=1) + 1e-8)
    return np.concatenate([energy.mean(axis=0), energy.std(axis=0)])
