"""What emotions are called, and which of them a corpus is evaluated on.

In:   a corpus's own words or codes; a clip table and a label scheme's name.
Out:  nouns of one vocabulary; the clips that the scheme evaluates, with its labels.
Rule: what has no place in the vocabulary keeps its own word, and what has no place in a scheme is not evaluated.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.corpora.names import first, plain
from ser_bench.errors import WrongCall, quoted, unknown

if TYPE_CHECKING:
    import pandas as pd

EMOTIONS = ("anger", "boredom", "calm", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")

BEYOND = ("excitement", "frustration")
"""Nouns of emotions that several corpora annotate, outside the vocabulary."""

SYNONYMS = {
    "ang": "anger",
    "angry": "anger",
    "bored": "boredom",
    "calmness": "calm",
    "contemptuous": "contempt",
    "dis": "disgust",
    "disgusted": "disgust",
    "exc": "excitement",
    "excited": "excitement",
    "afraid": "fear",
    "fea": "fear",
    "fearful": "fear",
    "fru": "frustration",
    "frustrated": "frustration",
    "scared": "fear",
    "hap": "happiness",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "neu": "neutral",
    "neutrality": "neutral",
    "pleasant surprise": "surprise",
    "pleasant surprised": "surprise",
    "pleasantly surprised": "surprise",
    "sad": "sadness",
    "sur": "surprise",
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


@dataclass(frozen=True)
class LabelScheme:
    """Which labels a corpus is evaluated on.

    Parameters
    ----------
    name, description : str
    labels : mapping of str to str, or None
        Emotion to label; emotions that it lacks are not evaluated. None: every emotion is its own label.
    """

    name: str
    description: str
    labels: Mapping[str, str] | None


@cache
def known_schemes() -> dict[str, LabelScheme]:
    """All label schemes by name: one per file of `schemes/`, which is named after it.

    Raises
    ------
    WrongCall
        Naming the file that is no label scheme.
    """
    files = sorted((Path(__file__).parent / "schemes").glob("*.toml"))
    return {file.stem: read_scheme(file) for file in files}


def read_scheme(file: Path) -> LabelScheme:
    """A label scheme from a TOML file: `description`, and a table `labels` of emotion = label unless every emotion is its own label.

    Raises
    ------
    WrongCall
        Naming the file and what is wrong with it.
    """
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongCall(f"{file} cannot be read: {quoted(error)}") from None
    for key in said:
        if key not in ("description", "labels"):
            raise unknown(f"key of the label scheme {file}", key, ("description", "labels"))
    description, labels = said.get("description"), said.get("labels")
    if not isinstance(description, str) or not description:
        raise WrongCall(f'{file}: the label scheme lacks its description = "..."')
    if labels is not None:
        words = isinstance(labels, dict) and all(isinstance(label, str) for label in labels.values())
        if not words or len(set(labels.values())) < 2:
            raise WrongCall(f'{file}: [labels] takes lines such as excitement = "happiness", with at least two labels')
    return LabelScheme(file.stem, description, labels)


def scheme_named(name: str) -> LabelScheme:
    """The label scheme of that name.

    Raises
    ------
    WrongCall
        With the nearest known name.
    """
    known = known_schemes()
    if name not in known:
        raise unknown("label scheme", name, known)
    return known[name]


def apply_labels(clips: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """The clips that a label scheme evaluates, `emotion` holding its labels.

    Parameters
    ----------
    clips : DataFrame
        Clip table.
    scheme : str
        A name in `known_schemes`.

    Raises
    ------
    WrongCall
        For an unknown scheme, and for one that leaves fewer than two labels.
    """
    labels, whole = scheme_named(scheme).labels, clips["emotion"].unique()
    if labels is not None:
        kept = clips[clips["emotion"].isin(list(labels))]
        clips = kept.assign(emotion=kept["emotion"].map(labels))
    found = sorted(clips["emotion"].unique())
    if len(found) < 2:
        had = first([f"'{emotion}'" for emotion in sorted(whole)], 8)
        raise WrongCall(
            f"--labels {scheme} leaves {' and '.join(found) or 'no label'} of {had}: at least two labels are needed to evaluate anything"
        )
    return clips


def scheme_losses(clips: pd.DataFrame, scheme: str) -> list[str]:
    """What a known label scheme leaves out of a clip table, what it joins, and what it finds nowhere: one line each, with numbers of clips.

    >>> import pandas as pd
    >>> for line in scheme_losses(pd.DataFrame({"emotion": ["fear", "excitement", "happiness", "anger"]}), "big4"):
    ...     print(line)
    --labels big4 leaves out 1 clip(s): fear (1)
    --labels big4 joins: excitement (1) into happiness
    --labels big4 finds no clip of: neutral, sadness
    """
    labels = scheme_named(scheme).labels
    if labels is None:
        return []
    counts = {str(emotion): int(n) for emotion, n in clips["emotion"].value_counts().sort_index().items()}
    left = [f"{emotion} ({n})" for emotion, n in counts.items() if emotion not in labels]
    joined = [f"{emotion} ({n}) into {labels[emotion]}" for emotion, n in counts.items() if labels.get(emotion, emotion) != emotion]
    dropped = sum(n for emotion, n in counts.items() if emotion not in labels)
    lines = [f"--labels {scheme} leaves out {dropped} clip(s): {first(left, 8)}"] if left else []
    lines += [f"--labels {scheme} joins: {first(joined, 8)}"] if joined else []
    absent = sorted(set(labels.values()) - {labels[emotion] for emotion in counts if emotion in labels})
    return lines + ([f"--labels {scheme} finds no clip of: {', '.join(absent)}"] if absent else [])


def single_speaker_labels(clips: pd.DataFrame) -> list[str]:
    """Labels that only one speaker ever shows: no model can learn them from anyone else."""
    voices = clips.groupby("emotion")["voice"].nunique()
    return sorted(voices.index[voices == 1])
