"""What emotions are called, and which of them a corpus is judged on.

In:   a corpus's own words or codes; a clip table and a label scheme's name.
Out:  nouns of one vocabulary; the clips that the scheme judges, with its labels.
Rule: what has no place in the vocabulary keeps its own word, and what has no place in a scheme is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ser_bench.errors import WrongCall, unknown

if TYPE_CHECKING:
    import pandas as pd

EMOTIONS = ("anger", "boredom", "calm", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")

SYNONYMS = {
    "angry": "anger",
    "bored": "boredom",
    "calmness": "calm",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "neutrality": "neutral",
    "sad": "sadness",
    "surprised": "surprise",
}


def name_emotion(word: str) -> str:
    """The vocabulary's noun for an emotion; a word that it lacks stays as it is.

    >>> name_emotion("Happy"), name_emotion("pride")
    ('happiness', 'pride')
    """
    plain = word.strip().lower()
    noun = SYNONYMS.get(plain, plain)
    return noun if noun in EMOTIONS else word.strip()


@dataclass(frozen=True)
class LabelScheme:
    """Which labels a corpus is judged on.

    Parameters
    ----------
    name, description : str
    labels : mapping of str to str, or None
        Emotion to label; emotions that it lacks are not judged. None: every emotion is its own label.
    """

    name: str
    description: str
    labels: Mapping[str, str] | None


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        LabelScheme("all", "every emotion of the corpus", None),
        LabelScheme(
            "big4",
            "anger, happiness (with excitement), neutral and sadness",
            {"anger": "anger", "excitement": "happiness", "happiness": "happiness", "neutral": "neutral", "sadness": "sadness"},
        ),
    )
}


def apply_labels(clips: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """The clips that a label scheme judges, `emotion` holding its labels.

    Parameters
    ----------
    clips : DataFrame
        Clip table.
    scheme : str
        A name in `SCHEMES`.

    Raises
    ------
    WrongCall
        For an unknown scheme, and for one that leaves fewer than two labels.
    """
    if scheme not in SCHEMES:
        raise unknown("label scheme", scheme, SCHEMES)
    labels = SCHEMES[scheme].labels
    if labels is not None:
        judged = clips[clips["emotion"].isin(list(labels))]
        clips = judged.assign(emotion=judged["emotion"].map(labels))
    found = sorted(clips["emotion"].unique())
    if len(found) < 2:
        raise WrongCall(f"--labels {scheme} leaves {' and '.join(found) or 'no label'}: at least two labels are needed to judge anything")
    return clips


def lonely_labels(clips: pd.DataFrame) -> list[str]:
    """Labels that only one speaker ever shows: no model can learn them from anyone else."""
    voices = clips.groupby("emotion")["voice"].nunique()
    return sorted(voices.index[voices == 1])
