"""Who is who: spellings of one name, and names that may be one.

In:   a clip table's columns of names (speaker, emotion, gender, sentence, language).
Out:  the table with spellings joined that are surely one name, a line that counts them; and questions about names that may be one.
Rule: a speaker spelt in two ways is never taken as two people without a word. What only looks alike ('3' and '03') is asked about, and
      a name that says nothing ('nan', 'unknown') too; the answer is a corrected table, or ``--allow-similar-names``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ser_bench.config import EMOTION
from ser_bench.errors import WrongCall, quoted, writable
from ser_bench.utils.formatting import number_of
from ser_bench.utils.tables import is_missing

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("speaker", "emotion", "gender", "sentence", "language")
"""Columns of names."""
ASKED = ("speaker", "emotion")
"""Columns in which names that may be one stop a run."""
NOBODY = ("unknown", "unk", "undefined", "?", "n.a.", "n.n.", "anonymous")
"""Names that say who it is as little as the words for a missing value."""
FEW = 3


def plain(name: str) -> str:
    r"""A name without what no reader sees: case, Unicode form, invisible characters, space around it and its amount within.

    >>> plain(" Zo\u00eb\u200b  K "), plain("Zoe\u0308 k") == plain("zo\u00eb K")
    ('zoë k', True)
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    text = "".join(letter for letter in text if unicodedata.category(letter) not in {"Cf", "Cc"} or letter.isspace())
    return " ".join(unicodedata.normalize("NFKC", text).split())


def loose(name: str) -> str:
    """A name without what may or may not matter: besides what `plain` drops, leading zeros, a trailing ``.0`` and kinds of separators.

    >>> {loose(name) for name in ("3", "3.0", "03")}, loose("Spk_01") == loose("spk-1"), loose("10") == loose("1")
    ({'3'}, True, False)
    """
    text = re.sub(r"(?<=\d)\.0+$", "", plain(name))
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    return " ".join(re.split(r"[\s_-]+", text)).strip() or text


def join_spellings(clips: pd.DataFrame, target: str = EMOTION) -> tuple[pd.DataFrame, list[str]]:
    """The clip table with spellings of one name joined under the most frequent one, and a line for each column in which there were any.

    `emotion` holds the values of `target`.

    >>> import pandas as pd
    >>> joined, lines = join_spellings(pd.DataFrame({"speaker": ["Anna", "anna", "Anna "]}))
    >>> joined["speaker"].tolist(), lines
    (['Anna', 'Anna', 'Anna'], ["speaker: 2 clips under another spelling are joined: 'Anna ' (1) and 'anna' (1) as 'Anna'"])
    """
    lines = []
    for column in NAMED:
        if column not in clips:
            continue
        counts = _counts(clips[column])
        spellings: dict[str, list[str]] = {}
        for name in sorted(counts, key=lambda name: (-counts[name], name)):
            spellings.setdefault(plain(name) or name, []).append(name)
        several = [names for names in spellings.values() if len(names) > 1]
        if several:
            clips = clips.assign(**{column: clips[column].replace({name: names[0] for names in several for name in names[1:]})})
            told = [f"{' and '.join(f'{_quoted(n)} ({counts[n]})' for n in sorted(names[1:]))} as {_quoted(names[0])}" for names in several]
            others = sum(counts[name] for names in several for name in names[1:])
            joined = number_of(others, "clip under another spelling is", "clips under another spelling are")
            lines.append(f"{target if column == EMOTION else column}: {joined} joined: {first(told)}")
    return clips, lines


def _counts(names: pd.Series) -> dict[str, int]:
    """How many clips have each name, sorted by name; a dictionary, as single values of a Series are slow to look up."""
    return {str(name): int(n) for name, n in names.value_counts().sort_index().items()}


def questions(clips: pd.DataFrame, columns: Iterable[str] = NAMED) -> dict[str, str]:
    """What is to be asked about names, by column: those that may be one, and those that say nothing.

    >>> import pandas as pd
    >>> questions(pd.DataFrame({"speaker": ["3", "03", "nan", "4"]}))
    {'speaker': "'03' (1 clip) and '3' (1 clip) may be one, 'nan' (1 clip) may be no name"}
    """
    asked = {}
    for column in columns:
        if column not in clips:
            continue
        counts = _counts(clips.loc[clips[column] != "", column])
        alike: dict[str, list[str]] = {}
        for name in counts:
            alike.setdefault(loose(name), []).append(name)
        told = {name: f"{_quoted(name)} ({number_of(counts[name], 'clip')})" for name in counts}
        parts = [f"{' and '.join(told[name] for name in names)} may be one" for names in alike.values() if len(names) > 1]
        if column in ASKED:
            words = NOBODY if column == "speaker" else ()
            parts += [f"{told[name]} may be no name" for name in counts if is_missing(name) or plain(name) in words]
        if parts:
            asked[column] = first(parts)
    return asked


def refuse_unwritable(clips: pd.DataFrame, corpus: str) -> None:
    """Stop where a name holds what no file of text can hold.

    Raises
    ------
    WrongCall
        With the column, the name and its first clip.
    """
    for column, values in {"clip": clips.index.to_series(), **clips[[name for name in NAMED if name in clips]]}.items():
        wrong = next((name for name in values.unique() if isinstance(name, str) and not writable(name)), None)
        if wrong is not None:
            clip = clips.index[int((values == wrong).to_numpy().argmax())]
            raise WrongCall(
                f"{corpus}: {column} '{quoted(wrong)}' (clip {quoted(clip)}) holds a character that no file of text can; rename it"
            )


def ask(clips: pd.DataFrame, corpus: str, target: str = EMOTION) -> None:
    """Stop where speakers or emotions (or the values of another target) may be one under two names, or none.

    Raises
    ------
    WrongCall
        With the names, and how to answer.
    """
    asked = questions(clips, ASKED)
    if asked:
        told = "; ".join(f"{target if column == EMOTION else column}: {what}" for column, what in asked.items())
        raise WrongCall(f"{corpus}: {told}. Correct the table, or take names as they are with --allow-similar-names")


def remarks(clips: pd.DataFrame) -> list[str]:
    """Warnings of speakers whose rows contradict each other or are suspiciously few, and of other names that may be one."""
    lines = [f"{column}: {what}" for column, what in questions(clips, [name for name in NAMED if name not in ASKED]).items()]
    speakers = clips["speaker"].value_counts().sort_index()
    if single := list(speakers.index[speakers == 1]):
        lines.append(
            f"{number_of(len(single), 'speaker')} with a single clip, perhaps misspelt: {first([_quoted(name) for name in single])}"
        )
    for column in ("gender", "language"):
        if column not in clips:
            continue
        known = clips[clips[column] != ""].groupby("speaker")[column].unique()
        several = [f"{_quoted(str(who))} ({', '.join(map(quoted, sorted(found)))})" for who, found in known.items() if len(found) > 1]
        if several:
            lines.append(f"{number_of(len(several), 'speaker')} with more than one {column}: {first(several)}")
    return lines


def first(told: Sequence[str], most: int = FEW) -> str:
    """The first of some phrases, and how many more there are.

    >>> first(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")


def _quoted(name: str) -> str:
    """A name in quotes, what is invisible in it as its code."""
    return "'" + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in quoted(name)) + "'"
