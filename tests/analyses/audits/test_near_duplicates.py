"""A recording is found again whatever was done to it, and no take is taken for another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import ser_bench
from ser_bench.analyses.audits import Audit
from ser_bench.analyses.audits.near_duplicates import CopyPair, likeness, name_pairs
from ser_bench.audio import resample
from tests.analyses.audits.looking import look, said

CHECK = "near-identical audio"
RATE = 16_000
KINDS = (
    "may be one recording under two speakers (a split may part them)",
    "may be one recording under two emotions (listen to them: one label may be wrong)",
    "may be one recording, of one speaker and emotion",
)


def noisy(samples: np.ndarray) -> np.ndarray:
    return samples + np.random.default_rng(0).normal(0, 0.03 * samples.std(), len(samples))


def padded(samples: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(RATE // 3), samples, np.zeros(RATE)])


def encoded(suffix: str, **how: object) -> Callable[[Path, np.ndarray], Path]:
    def write(path: Path, samples: np.ndarray) -> Path:
        soundfile.write(path.with_suffix(suffix), samples, RATE, **how)
        return path.with_suffix(suffix)

    return write


def changed(change: Callable[[np.ndarray], np.ndarray], rate: int = RATE) -> Callable[[Path, np.ndarray], Path]:
    def write(path: Path, samples: np.ndarray) -> Path:
        soundfile.write(path, change(samples), rate)
        return path

    return write


CHANGES = {
    "mp3": encoded(".mp3"),
    "ogg": encoded(".ogg"),
    "8-bits": encoded(".wav", subtype="PCM_U8"),
    "22-khz": changed(lambda samples: resample(samples, RATE, 22_050), 22_050),
    "8-khz": changed(lambda samples: resample(samples, RATE, 8_000), 8_000),
    "softer": changed(lambda samples: samples / 5),
    "upside-down": changed(lambda samples: -samples),
    "padded": changed(padded),
    "cut": changed(lambda samples: samples[RATE // 20 : -RATE // 20]),
    "noisy": changed(noisy),
    "stereo": changed(lambda samples: np.stack([samples, 0.6 * noisy(samples)], axis=1)),
    "all": changed(lambda samples: resample(padded(noisy(samples / 3)), RATE, 11_025), 11_025),
}


@pytest.fixture
def folder(speech: Path, tmp_path: Path) -> Path:
    """Takes of four synthetic speakers: `clips.csv` and its audio."""
    return Path(shutil.copytree(speech / "corpus", tmp_path / "corpus"))


def plant(folder: Path, copies: dict[str, tuple[int, str, str]]) -> pd.DataFrame:
    """Add changed copies, by change: of the clip in that row, under that speaker and emotion; returns the table before."""
    clips = pd.read_csv(folder / "clips.csv", dtype=str)
    rows = []
    for change, (row, speaker, emotion) in copies.items():
        samples, _ = soundfile.read(folder / clips.loc[row, "path"], dtype="float32")
        path = CHANGES[change](folder / f"{change}.wav", samples)
        rows.append({**clips.loc[row], "path": path.name, "speaker": speaker, "emotion": emotion})
    pd.concat([clips, pd.DataFrame(rows)]).to_csv(folder / "clips.csv", index=False)
    return clips


@pytest.fixture(scope="module")
def found(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, pd.DataFrame]:
    """An audit of takes with a changed copy of some, each under another speaker, and the takes."""
    folder = Path(shutil.copytree(speech / "corpus", tmp_path_factory.mktemp("planted") / "corpus"))
    clips = pd.read_csv(folder / "clips.csv", dtype=str)
    speakers = sorted(set(clips["speaker"]))
    after = {speaker: speakers[number - 1] for number, speaker in enumerate(speakers)}
    plant(folder, {change: (3 * n, after[clips["speaker"][3 * n]], clips["emotion"][3 * n]) for n, change in enumerate(CHANGES)})
    return look(folder), clips


@pytest.mark.parametrize("change", CHANGES)
def test_a_recording_is_found_again_whatever_was_done_to_it(found, change):
    audit, clips = found
    told = said(audit, "warning", CHECK)
    pairs = [pair for pair in told.split("; ") if f"{change}." in pair]
    assert any(clips["path"][3 * list(CHANGES).index(change)] in pair for pair in pairs)


def test_jobs_change_no_finding(found, folder):
    clips = found[1]
    plant(folder, {"mp3": (0, clips["speaker"].iloc[-1], clips["emotion"][0])})
    options = {"cache": str(folder / "store"), "out": str(folder / "results")}
    alone, together = (ser_bench.audit(folder / "clips.csv", jobs=jobs, **options).findings for jobs in (1, 2))
    assert (alone["check"] == CHECK).any()
    pd.testing.assert_frame_equal(alone, together)


def test_no_take_is_taken_for_an_unchanged_copy_of_another(found):
    # A synthetic voice's takes differ little: under two speakers some pass for shifted copies.
    told = next(what for what in said(found[0], "warning", CHECK).split(" | ") if what.startswith(KINDS[0]))
    pairs = told.split("; ")
    assert len([pair for pair in pairs if "(the first" not in pair]) == len(CHANGES)
    assert len(pairs) <= len(CHANGES) + 2


def test_takes_alone_are_not_told_of(folder):
    assert not said(look(folder), "warning", CHECK)


def test_two_speakers_two_emotions_and_neither_are_told_apart(folder):
    clips = pd.read_csv(folder / "clips.csv", dtype=str)
    (a, b), (x, y) = (sorted(set(clips[column]))[:2] for column in ("speaker", "emotion"))
    row = clips.index[(clips["speaker"] == a) & (clips["emotion"] == x)][0]
    plant(folder, {"softer": (row, b, x), "padded": (row, a, y), "cut": (row, a, x)})
    path, audit = clips["path"][row], look(folder)
    told = said(audit, "warning", CHECK).split(" | ")
    speakers, emotions, neither = (named_pairs(next(what for what in told if what.startswith(kind))) for kind in KINDS)
    assert {frozenset([f"{one} ({a})", f"softer.wav ({b})"]) for one in (path, "cut.wav", "padded.wav")} == speakers
    assert {frozenset([f"{one} ({x})", f"padded.wav ({y})"]) for one in (path, "cut.wav", "softer.wav")} == emotions
    assert {frozenset([path, "cut.wav"])} == neither


def named_pairs(told: str) -> set[frozenset[str]]:
    """The pairs that a finding names."""
    return {frozenset(pair.split(" ~ ")) for pair in told.rpartition(": ")[2].split("; ")}


def test_a_whole_copied_corpus_is_told_in_a_few_lines():
    clips = pd.DataFrame({"speaker": [f"s{n % 40}" for n in range(2000)] + [f"new-s{n % 40}" for n in range(2000)], "emotion": "anger"})
    clips.index = pd.Index([f"{n}.wav" for n in range(4000)])
    (finding,) = name_pairs(clips, [CopyPair(n, n + 2000, 1 / 1.1, -1.65) for n in range(2000)])
    assert "2,000 pairs of 4,000 of 4,000 clips, between new-s0 ~ s0 50" in finding.what
    assert "and 35 more" in finding.what
    assert len(finding.what) < 800


def test_equal_samples_are_told_of_once_as_identical(folder):
    clips = pd.read_csv(folder / "clips.csv", dtype=str)
    other = clips.index[clips["speaker"] != clips["speaker"][0]][0]
    shutil.copy(folder / clips["path"][0], folder / clips["path"][other])
    found = look(folder)
    assert said(found, "warning", "identical audio") or said(found, "error", "identical audio")
    assert not said(found, "warning", CHECK)


def test_neither_silence_nor_a_hum_in_common_makes_two_recordings_alike():
    one, other = np.random.default_rng(0).normal(0, 0.1, (2, 8000)).astype(np.float32)
    hum = np.sin(2 * np.pi * 50 * np.arange(8000) / 8000).astype(np.float32)
    assert likeness(one + hum, other + hum) < 0.3
    assert likeness(np.zeros(8000, np.float32), np.zeros(8000, np.float32)) == 0
