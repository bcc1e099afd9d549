"""What the folders that clips lie in say of them, against what their own names say.

In:   a clip table, and a reader's pattern of folder names.
Out:  warnings, one line per column, with counts.
Rule: a file name counts, since folders are what copies are sorted into; where the two disagree, that is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ser_bench.corpora.labels import EMOTIONS, name_emotion
from ser_bench.corpora.names import first
from ser_bench.errors import quoted
from ser_bench.utils.formatting import number_of, plural

if TYPE_CHECKING:
    import pandas as pd

COMPARED = ("speaker", "emotion")


def disagreements(clips: pd.DataFrame, pattern: str, emotions: Mapping[str, str]) -> list[str]:
    r"""Clips in a folder of another speaker or emotion.

    Parameters
    ----------
    clips : DataFrame
        Clip table, whose index are paths relative to the corpus folder.
    pattern : str
        Searched in the path of a clip's folder; its groups `speaker` and `emotion` say what a folder is of. Without a group `emotion`
        the nearest folder that is called after an emotion does.
    emotions : mapping of str to str
        The corpus's codes to nouns.

    >>> import pandas as pd
    >>> clips = pd.DataFrame({"speaker": ["07", "08"], "emotion": ["fear", "fear"]}, index=["Actor_07/sad/a.wav", "Actor_07/fear/b.wav"])
    >>> for line in disagreements(clips, r"Actor_(?P<speaker>\d\d)", {}):
    ...     print(line)
    1 clip lies in the folder of another speaker than its name says, which counts: Actor_07/fear/b.wav (08, folder 07)
    1 clip lies in the folder of another emotion than its name says, which counts: Actor_07/sad/a.wav (fear, folder sadness)
    """
    parents = {clip: str(clip).rpartition("/")[0] for clip in clips.index}
    said = {parent: _said(parent, pattern, emotions) for parent in dict.fromkeys(parents.values())}
    lines = []
    for column in COMPARED:
        told = [
            f"{quoted(clip)} ({value}, folder {other})"
            for clip, value in clips[column].items()
            if (other := said[parents[clip]].get(column, value)) != value
        ]
        if told:
            lie = number_of(len(told), "clip lies", "clips lie")
            count = plural(len(told), "its name says, which counts", "their names say, which count")
            lines.append(f"{lie} in the folder of another {column} than {count}: {first(told)}")
    return lines


def _said(parent: str, pattern: str, emotions: Mapping[str, str]) -> dict[str, str]:
    """What the path of a folder says, by column."""
    found = [match.groupdict() for match in re.finditer(pattern, parent)] if pattern else []
    said = {column: value for column, value in found[-1].items() if value} if found else {}
    words = [said.pop("emotion")] if "emotion" in said else reversed(parent.split("/"))
    nouns = [noun for word in words if (noun := name_emotion(emotions.get(word, word) if len(word) > 1 else word)) in EMOTIONS]
    return said | ({"emotion": nouns[0]} if nouns else {})
