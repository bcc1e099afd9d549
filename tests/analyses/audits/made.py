"""Clip tables without audio, as checks of columns and labels need them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from ser_bench.evaluation.splits import Protocol
from ser_bench.evaluation.units import EvaluationSet

EMOTIONS = ("anger", "fear", "neutral", "sadness")


def table(speakers: int = 6, takes: int = 6, emotions: tuple[str, ...] = EMOTIONS) -> pd.DataFrame:
    """As many takes of every emotion by every speaker."""
    rows = [(f"s{speaker}", emotion, take) for speaker in range(speakers) for emotion in emotions for take in range(takes)]
    clips = pd.DataFrame(rows, columns=["speaker", "emotion", "take"])
    clips["voice"], clips["path"], clips["key"] = clips["speaker"], [f"{n}.wav" for n in clips.index], clips.index.astype(str)
    return clips.drop(columns="take").set_axis(clips["path"].rename("clip"))


def prepared(clips: pd.DataFrame) -> Any:
    """What stands to be evaluated, as far as columns are asked."""
    folds = np.unique(clips["voice"], return_inverse=True)[1]
    return SimpleNamespace(eval_set=EvaluationSet("made", "all", clips, Protocol("loso"), {0: folds}))
