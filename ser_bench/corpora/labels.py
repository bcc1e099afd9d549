"""What emotions are called.

In:   a corpus's own words.
Out:  nouns of one vocabulary.
Rule: what has no place in the vocabulary keeps its own word. Only plain English words are understood: codes and other languages'
      words are for a corpus's reader, or for the user's own label scheme, to translate.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ser_bench.corpora.names import first, plain
from ser_bench.errors import quoted

if TYPE_CHECKING:
    import pandas as pd

EMOTIONS = ("anger", "boredom", "calm", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")

BEYOND = ("excitement", "frustration")
"""Nouns of emotions that several corpora annotate, outside the vocabulary."""

SYNONYMS = {
    "angry": "anger",
    "bored": "boredom",
    "calmness": "calm",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "excited": "excitement",
    "afraid": "fear",
    "fearful": "fear",
    "frustrated": "frustration",
    "scared": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "neutrality": "neutral",
    "pleasant surprise": "surprise",
    "pleasant surprised": "surprise",
    "pleasantly surprised": "surprise",
    "sad": "sadness",
    "surprised": "surprise",
}


def name_emotion(word: str) -> str:
    """The vocabulary's noun for an emotion; a word that it lacks stays as it is.

    >>> name_emotion("Happy"), name_emotion("pride")
    ('happiness', 'pride')
    """
    spaced = re.sub(r"[_\s-]+", " ", plain(word)).strip()
    noun = SYNONYMS.get(spaced, spaced)
    return noun if noun in (*EMOTIONS, *BEYOND) else word.strip()


def unknown_emotions(clips: pd.DataFrame) -> list[str]:
    """A line that counts labels which are no known emotion, if there are any: nobody guesses what codes stand for.

    >>> import pandas as pd
    >>> unknown_emotions(pd.DataFrame({"emotion": ["gio", "anger", "gio"]}))
    ["labels that are no known emotion stay as they are: 'gio' (2); a file for --labels can say what they are"]
    """
    counts = clips["emotion"].value_counts().sort_index()
    odd = [f"'{quoted(str(label))}' ({n})" for label, n in counts.items() if label not in (*EMOTIONS, *BEYOND)]
    told = "labels that are no known emotion stay as they are: {}; a file for --labels can say what they are"
    return [told.format(first(odd, 8))] if odd else []


def single_speaker_labels(clips: pd.DataFrame) -> list[str]:
    """Labels that only one speaker ever shows: no model can learn them from anyone else."""
    voices = clips.groupby("emotion")["voice"].nunique()
    return sorted(voices.index[voices == 1])
