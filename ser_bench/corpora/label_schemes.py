"""Which labels a corpus is evaluated on: every emotion as it is, some of them, some joined, or crossed with another column.

In:   a clip table; the name of a label scheme (a file of `schemes/`) or a file of the user's own.
Out:  the clips that the scheme evaluates, with its labels in `emotion`; lines that count what it leaves out and joins.
Rule: a scheme is one TOML file and no code. What it does not list is not evaluated, and reported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.config import EMOTION, labels_name
from ser_bench.corpora.names import first, plain
from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.utils.formatting import number_of
from ser_bench.utils.toml import named_or_read, read_toml

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
BETWEEN = " "
"""Stands between the words of a label."""
KEYS = ("description", "labels", "columns")
ADVICE = 'takes lines such as excitement = "happiness", with at least two labels'


@dataclass(frozen=True)
class LabelScheme:
    """Which labels a corpus is evaluated on.

    Parameters
    ----------
    name, description : str
    columns : mapping of str to mapping of str to str
        For each column that makes the label, which of its values become which word; the label is the words in this order. Without any,
        every emotion is its own label.
    own : bool
        Whether it is a file of the user's.
    """

    name: str
    description: str
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    own: bool = False

    @property
    def made_of(self) -> tuple[str, ...]:
        """The columns that make the label."""
        return tuple(self.columns) or (EMOTION,)

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The word of each column in each label that the scheme can make; nothing where every emotion is its own label.

        >>> LabelScheme("mine", "", {"gender": {"f": "not male", "m": "male"}, "emotion": {"joy": "joy"}}).parts
        {'not male joy': ('not male', 'joy'), 'male joy': ('male', 'joy')}
        """
        words = [dict.fromkeys(listed.values()) for listed in self.columns.values()]
        return {BETWEEN.join(label): label for label in product(*words)} if words else {}

    @property
    def mapping(self) -> str:
        """Which values become which label, in words.

        >>> LabelScheme("mine", "", {"gender": {"f": "female", "male": "male"}, "emotion": {"joy": "joy"}}).mapping
        'gender: f as female, male; emotion: joy'
        """
        said = {
            column: ", ".join(f"{value} as {word}" if value != word else value for value, word in words.items())
            for column, words in self.columns.items()
        }
        return "; ".join(words if column == EMOTION == self.made_of[0] else f"{column}: {words}" for column, words in said.items()) or ALL

    def to_toml(self) -> str:
        """The file that says the same."""
        lines = [f"description = {_in_toml(self.description)}"]
        for column, words in self.columns.items():
            lines += ["", "[labels]" if column == EMOTION else f"[columns.{_in_toml(column)}]"]
            lines += [f"{_in_toml(value)} = {_in_toml(word)}" for value, word in words.items()]
        return "\n".join(lines) + "\n"


def _in_toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


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


def scheme_named(name: str) -> LabelScheme:
    """The label scheme of that name, or in that file, where the name ends in ``.toml``.

    Raises
    ------
    WrongCall
        With the nearest known name, or with what is wrong with the file.
    """
    return named_or_read("label scheme", name, known_schemes, partial(read_scheme, own=True))


def read_scheme(file: Path, *, own: bool = False) -> LabelScheme:
    """A label scheme from a TOML file.

    It has a `description`; a table `labels` of emotion = label, unless every emotion is its own label or no emotion counts; and for each
    other column that makes the label a table such as ``columns.gender`` of value = word, whose words stand before the emotion's.

    Raises
    ------
    WrongCall
        Naming the file and what is wrong with it.
    """
    _, said = read_toml(file, "--labels")
    for key in said:
        if key not in KEYS:
            raise unknown(f"key of the label scheme {file}", key, KEYS)
    description = said.get("description")
    if not isinstance(description, str) or not description:
        raise WrongCall(f'{file}: the label scheme lacks its description = "..."')
    others = said.get("columns", {})
    if not isinstance(others, dict) or EMOTION in others:
        raise WrongCall(f"{file}: [columns.NAME] says which values of another column become which word; those of emotions are in [labels]")
    columns = {column: _words(words, f"[columns.{quoted(column)}]", file) for column, words in others.items()}
    columns |= {EMOTION: _words(said["labels"], "[labels]", file)} if "labels" in said else {}
    if columns and all(len(set(words.values())) < 2 for words in columns.values()):
        raise WrongCall(f"{file}: {'[labels]' if EMOTION in columns else '[columns]'} {ADVICE}")
    return LabelScheme(labels_name(file.name), description, columns, own)


def _words(words: Any, where: str, file: Path) -> dict[str, str]:
    """What values become, each value once whatever its case."""
    if not isinstance(words, dict) or not words or not all(isinstance(word, str) and word.strip() for word in words.values()):
        raise WrongCall(f"{file}: {where} {ADVICE}")
    folded = [plain(value) for value in words]
    if twice := [value for at, value in enumerate(words) if folded[at] in folded[:at]]:
        raise WrongCall(f"{file}: {where} has '{quoted(twice[0])}' twice, in another case")
    return {value: word.strip() for value, word in words.items()}


def apply_labels(clips: pd.DataFrame, scheme: LabelScheme, target: str = EMOTION) -> pd.DataFrame:
    """The clips that a label scheme evaluates, `emotion` holding its labels.

    Listeners' recognition of emotions (`recognised`) is left out where labels are no longer these.

    Parameters
    ----------
    clips : DataFrame
        Clip table.
    scheme : LabelScheme
    target : str
        The column whose values `emotion` holds.

    Raises
    ------
    WrongCall
        For a scheme of emotions where these are not the target, one about a column that is not there, and one that leaves fewer than two
        labels.
    """
    whole = clips[EMOTION].unique()
    if scheme.columns:
        check_scheme(clips, scheme, target)
        words = _labels_of(clips, scheme)
        kept = clips[words.notna()]
        labelled = kept.assign(emotion=words[words.notna()])
        same = labelled[EMOTION].equals(kept[EMOTION])
        clips = labelled if same else labelled.drop(columns="recognised", errors="ignore")
    found = sorted(clips[EMOTION].unique())
    if len(found) < 2:
        had = first([f"'{emotion}'" for emotion in sorted(whole)], 8)
        raise WrongCall(f"--labels {scheme.name} leaves {' and '.join(found) or 'no label'} of {had}: at least two labels are needed")
    return clips


def labels_of_target(scheme: LabelScheme, target: str) -> str:
    """What labels are called beside a score: the scheme, and of what where that is not emotions.

    >>> labels_of_target(known_schemes()["all"], "stress"), labels_of_target(known_schemes()["big4"], "emotion")
    ('stress', 'big4')
    """
    return scheme.name if target == EMOTION else target if not scheme.columns else f"{target}: {scheme.name}"


def check_scheme(clips: pd.DataFrame, scheme: LabelScheme, target: str) -> None:
    """Refuse a scheme that is about other labels than these clips have; errors as `apply_labels`."""
    if target != EMOTION and not scheme.own:
        raise WrongCall(
            f"--labels {scheme.name} is about emotions, and the target is '{quoted(target)}': leave it out, or name a file of its labels"
        )
    if absent := [column for column in scheme.made_of if column not in clips]:
        known = ", ".join(quoted(column) for column in sorted(map(str, clips.columns)))
        raise WrongCall(f"--labels {scheme.name} needs the column '{quoted(absent[0])}', which this corpus lacks (found: {known})")


def _labels_of(clips: pd.DataFrame, scheme: LabelScheme) -> pd.Series:
    """The label of each clip; missing where the scheme lists none."""
    words = [_column_words(clips[column], listed) for column, listed in scheme.columns.items()]
    labels = words[0]
    for more in words[1:]:
        labels = labels.str.cat(more, sep=BETWEEN)
    return labels


def _column_words(values: pd.Series, listed: Mapping[str, str]) -> pd.Series:
    return values.map(plain).map({plain(value): word for value, word in listed.items()})


def scheme_losses(clips: pd.DataFrame, scheme: LabelScheme) -> list[str]:
    """What a label scheme leaves out of a clip table, and what it joins, one line each with the number of clips; and what it finds nowhere.

    >>> import pandas as pd
    >>> for line in scheme_losses(pd.DataFrame({"emotion": ["fear", "excitement", "happiness", "anger"]}), known_schemes()["big4"]):
    ...     print(line)
    --labels big4 leaves out 1 clip: fear (1)
    --labels big4 joins: excitement (1) into happiness
    --labels big4 finds no clip of neutral, sadness
    """
    lines = []
    for column, listed in scheme.columns.items():
        words = _column_words(clips[column], listed)
        counts = clips[column].value_counts().sort_index()
        word_of = dict(zip(clips[column], words.where(words.notna(), ""), strict=True))
        about = "" if column == EMOTION else f"{column} "
        left = [f"{about}{quoted(str(value)) or 'blank'} ({n})" for value, n in counts.items() if not word_of[value]]
        joined = [f"{quoted(str(value))} ({n}) into {word_of[value]}" for value, n in counts.items() if word_of[value] not in {"", value}]
        absent = _absent(scheme, listed, clips[column], words)
        lines += [f"leaves out {number_of(int(words.isna().sum()), 'clip')}: {first(left, 8)}"] if left else []
        lines += [f"joins: {first(joined, 8)}"] if joined else []
        lines += [f"finds no clip of {about}{first(absent, 8)}"] if absent else []
    return [f"--labels {scheme.name} {line}" for line in lines]


def _absent(scheme: LabelScheme, listed: Mapping[str, str], values: pd.Series, words: pd.Series) -> list[str]:
    """What no clip has: labels; of a file of the user's own also values, which may be misspelt."""
    if scheme.own:
        found = set(values.map(plain))
        return [quoted(value) for value in listed if plain(value) not in found]
    return sorted(set(listed.values()) - set(words.dropna()))
