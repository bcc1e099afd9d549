"""What is lacking or mixed in an evaluation is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

import ser_bench
from ser_bench.config import RunConfig
from ser_bench.corpora.losses import cut_segments, losses, mixed_kinds
from ser_bench.evaluation.plan import prepare_data
from ser_bench.utils.progress import Silent


def test_segments_in_milliseconds_are_suspected():
    clips = pd.DataFrame({"start": [0.0, 0], "end": [1500.0, 2], "seconds": [2.0, 2]}, index=["a.wav#0-1500", "b.wav#0-2"])
    (told,) = cut_segments(clips)
    assert told.startswith("1 segment ends after its file does")
    assert told.endswith("these seem to be milliseconds")


def test_speech_and_song_together_are_told():
    (told,) = mixed_kinds(pd.DataFrame({"kind": ["speech", "speech", "song"]}))
    assert told.startswith("song (1) and speech (2) are evaluated together")
    assert not mixed_kinds(pd.DataFrame({"kind": ["speech"]}))


def test_a_whole_and_balanced_corpus_lacks_nothing():
    clips = pd.DataFrame({"speaker": list("aabb"), "emotion": ["x", "y"] * 2, "seconds": 1.0})
    assert losses(clips, whole=True, by_speaker=True) == []


def test_a_run_tells_what_it_left_out(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(0), []
    for speaker in "abc":
        for emotion in ("angry", "excited", "happy", "frustrated", "sad"):
            soundfile.write(tmp_path / f"{speaker}{emotion}.wav", rng.normal(0, 0.1, 4000), 8000)
            rows.append((f"{speaker}{emotion}.wav", emotion, speaker, 0, 1500))
    pd.DataFrame(rows, columns=["path", "emotion", "speaker", "start", "end"]).to_csv(tmp_path / "clips.csv", index=False)
    config = RunConfig(labels="big4", cache=str(tmp_path / "store"), jobs=1).for_corpus(str(tmp_path / "clips.csv"))
    warnings = " | ".join(prepare_data(config, ["audioemotion26"], Silent()).warnings)
    assert "'angry' as anger (3)" in warnings
    assert "--labels big4 leaves out 3 clips: frustration (3)" in warnings
    assert "--labels big4 joins: excitement (3) into happiness" in warnings
    assert "12 segments end after their file does" in warnings
    assert len(ser_bench.splits(tmp_path / "clips.csv", labels="big4", cache=str(tmp_path / "store"))) == 12
