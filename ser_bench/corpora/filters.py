"""Which clips of a corpus are kept: a small language of comparisons, read here and never run as code.

In:   an expression such as ``gender == 'female' and not emotion in ['calm', 'surprise']``, and a clip table.
Out:  the clips for which it is true, and a line for whatever it does that may not be meant.
Rule: nothing that is handed in is evaluated as code. A comparison with a missing value is neither true nor false, and keeps nothing,
      with `not` before it or without; only `COLUMN is missing` finds it. docs/filters.md tells the language.
"""

from __future__ import annotations

import difflib
import operator
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ser_bench.config import EMOTION
from ser_bench.corpora.labels import name_emotion
from ser_bench.corpora.targets import CORPUS_EMOTION
from ser_bench.errors import WrongCall, quoted, unknown
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 10_000
"""Characters of an expression."""
DEEPEST = 50
"""Brackets, and `not`s, inside each other."""
MOST_LISTED = 8
"""Values of a column that a message lists."""
TOKENS = re.compile(
    r"""(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<name>`(?:[^`]|``)+`)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>==|!=|<=|>=|[<>()\[\],])""",
    re.VERBOSE,
)
KEYWORDS = ("and", "or", "not", "in", "is", "missing")
ORDERS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
INSTEAD = {"=": "==", "&": "and", "|": "or", "~": "not", "!": "not", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}
"""What is meant by signs that the language does not have."""


class Token(NamedTuple):
    """A piece of an expression: its kind (a group of `TOKENS`, a keyword, a sign or ``end``), what it says, and where it begins."""

    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class ColumnComparison:
    """`column` compared with `values` by ``in``, ``==``, ``!=`` or an order; with a single value, but for ``in``."""

    column: Token
    sign: str
    values: tuple[str | float, ...]


@dataclass(frozen=True)
class Missing:
    """Whether a column has no value."""

    column: Token


@dataclass(frozen=True)
class Not:
    """What is true where `part` is false."""

    part: Node


@dataclass(frozen=True)
class Joined:
    """Parts joined by ``and`` or ``or``."""

    word: str
    parts: tuple[Node, ...]


Node = ColumnComparison | Missing | Not | Joined


class Truth(NamedTuple):
    """Of each clip, whether an expression is true and whether it is false; neither where that hangs on a missing value."""

    yes: np.ndarray
    no: np.ndarray


def filter_clips(clips: pd.DataFrame, where: str, name: str, target: str = EMOTION) -> tuple[pd.DataFrame, list[str]]:
    """The clips that an expression keeps.

    Parameters
    ----------
    clips : DataFrame
        Clip table; the name of its index counts as a column.
    where : str
    name : str
        The corpus's, for messages.
    target : str
        The column whose values `emotion` holds; `emotion` means the corpus's emotions in an expression, whatever is predicted.

    Returns
    -------
    clips : DataFrame
    warnings : list of str
        Values that no clip has, clips left out for a missing value, and an expression that keeps everything.

    Raises
    ------
    WrongCall
        Where the expression cannot be read, names a column that is not there, compares what cannot be compared, or keeps nothing.
    """
    about = f'--where "{quoted(where)}"'
    try:
        tree = parse(where)
        table = ClipTable(clips if target == EMOTION else clips.drop(columns=EMOTION).rename(columns={CORPUS_EMOTION: EMOTION}))
        found = table.truth(tree)
    except WrongCall as error:
        raise WrongCall(f"{about}: {error}") from None
    doubts = list(dict.fromkeys(table.doubts))
    if not found.yes.any():
        why = "".join(f"; {doubt}" for doubt in doubts)
        raise WrongCall(f"{about} keeps none of the {len(clips)} clips of {name}{why}")
    if found.yes.all():
        doubts.append(f"it keeps all {len(clips)} clips of {name}")
    if unknowns := int((~found.yes & ~found.no).sum()):
        column = quoted(", ".join(table.blank))
        doubts.append(f"{number_of(unknowns, 'clip is', 'clips are')} left out as {column} is missing; `is missing` would find them")
    return clips[found.yes], [f"{about}: {doubt}" for doubt in doubts]


def parse(where: str) -> Node:
    """The tree of an expression.

    >>> parse("not age > 30")
    Not(part=ColumnComparison(column=Token(kind='word', text='age', place=4), sign='>', values=(30.0,)))

    Raises
    ------
    WrongCall
        Saying where it cannot be read, and what to write there.
    """
    if len(where) > LONGEST:
        raise WrongCall(f"it has {len(where):,} characters, and {LONGEST:,} are allowed")
    return _Reader(list(_tokens(where))).whole()


def _tokens(where: str) -> Iterator[Token]:
    place = 0
    while place < len(where):
        if where[place].isspace():
            place += 1
            continue
        match = TOKENS.match(where, place)
        if not match:
            raise WrongCall(_unreadable(where, place))
        kind, text = str(match.lastgroup), match.group()
        if kind in {"text", "name"}:
            text = text[1:-1].replace(text[0] * 2, text[0])
        elif kind == "sign" or text in KEYWORDS:
            kind = text
        yield Token(kind, text, place)
        place = match.end()
    yield Token("end", "", place)


def _unreadable(where: str, place: int) -> str:
    sign = where[place]
    if sign in "'\"`":
        return _at(place, f"{sign} is opened and not closed")
    hint = f": write {INSTEAD[sign]}" if sign in INSTEAD else ""
    return _at(place, f"cannot read '{quoted(where[place : place + 20].split()[0])}'{hint}")


def _at(place: int, what: str) -> str:
    return f"at character {place + 1}, {what}"


class _Reader:
    """Reads tokens from the left, a method a rule of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.next, self.depth = tokens, 0, 0

    def whole(self) -> Node:
        """The expression, with nothing behind it."""
        tree = self.either()
        if self.here.kind != "end":
            raise self.wrong("'and' or 'or'")
        return tree

    @property
    def here(self) -> Token:
        return self.tokens[self.next]

    def take(self, *kinds: str) -> Token | None:
        """The token here, if it is of one of these kinds; reading then goes on behind it."""
        token = self.here
        if token.kind not in kinds:
            return None
        self.next += 1
        return token

    def wrong(self, expected: str) -> WrongCall:
        found = f"'{quoted(self.here.text)}' stands" if self.here.kind != "end" else "the expression ends"
        return WrongCall(_at(self.here.place, f"{found} where {expected} is expected"))

    def either(self) -> Node:
        """Parts joined by ``or``."""
        return self.joined("or", self.both)

    def both(self) -> Node:
        """Parts joined by ``and``, which binds more than ``or``."""
        return self.joined("and", self.one)

    def joined(self, word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self.take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def one(self) -> Node:
        """A comparison, an expression in brackets, or what ``not`` turns round."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise WrongCall(_at(self.here.place, f"more than {DEEPEST} brackets and nots stand inside each other"))
        node: Node
        if self.take("not"):
            node = Not(self.one())
        elif self.take("("):
            node = self.either()
            if not self.take(")"):
                raise self.wrong("')'")
        else:
            node = self.comparison()
        self.depth -= 1
        return node

    def comparison(self) -> Node:
        column = self.take("word", "name")
        if not column:
            raise self.wrong("a column" + (" (names with spaces or signs in `backticks`)" if self.here.kind == "text" else ""))
        if self.take("is"):
            turned = self.take("not")
            if not self.take("missing"):
                raise self.wrong("'missing'")
            return Not(Missing(column)) if turned else Missing(column)
        if sign := self.take("==", "!=", *ORDERS):
            return ColumnComparison(column, sign.kind, (self.value(),))
        turned = self.take("not")
        if not self.take("in"):
            raise self.wrong("one of == != < <= > >=, 'in', 'not in', 'is missing'")
        among = ColumnComparison(column, "in", self.values())
        return Not(among) if turned else among

    def values(self) -> tuple[str | float, ...]:
        """A list in square or round brackets."""
        opened = self.take("[", "(")
        if not opened:
            raise self.wrong("a list such as ['anger', 'fear']")
        closing = "]" if opened.kind == "[" else ")"
        found = [self.value()]
        while self.take(","):
            if self.here.kind != closing:
                found.append(self.value())
        if not self.take(closing):
            raise self.wrong(f"',' or '{closing}'")
        return tuple(found)

    def value(self) -> str | float:
        """A number or quoted text."""
        if token := self.take("number"):
            return float(token.text)
        if token := self.take("text"):
            return token.text
        if self.here.kind == "word":
            name = quoted(self.here.text)
            raise WrongCall(_at(self.here.place, f"'{name}' is neither a number nor quoted text: write '{name}' in quotes"))
        raise self.wrong("a number or quoted text")


class ClipTable:
    """The clip table, as an expression sees it; what may not be meant is kept in `doubts`, columns with missing values in `blank`."""

    def __init__(self, clips: pd.DataFrame) -> None:
        self.clips = clips
        self.doubts: list[str] = []
        self.blank: list[str] = []

    def truth(self, node: Node) -> Truth:
        """Where an expression is true and where it is false, by the logic of three values."""
        if isinstance(node, Not):
            yes, no = self.truth(node.part)
            return Truth(no, yes)
        if isinstance(node, Joined):
            first, *others = map(self.truth, node.parts)
            for other in others:
                yes, no = (
                    (first.yes & other.yes, first.no | other.no) if node.word == "and" else (first.yes | other.yes, first.no & other.no)
                )
                first = Truth(yes, no)
            return first
        column = self._column(node.column)
        missing = _is_missing(column)
        if isinstance(node, Missing):
            return Truth(missing, ~missing)
        if missing.any() and node.column.text not in self.blank:
            self.blank.append(node.column.text)
        found = self._compared(column, missing, node)
        return Truth(found & ~missing, ~found & ~missing)

    def _column(self, token: Token) -> pd.Series:
        name, index = token.text, self.clips.index
        if name == index.name and name not in self.clips:
            return index.to_series()
        if name not in self.clips:
            known = [str(column) for column in (index.name, *self.clips.columns) if column]
            raise WrongCall(_at(token.place, str(unknown("column", name, known))))
        return self.clips[name]

    def _compared(self, column: pd.Series, missing: np.ndarray, node: ColumnComparison) -> np.ndarray:
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        numeric = is_numeric_dtype(column) and not is_bool_dtype(column)
        if node.sign in ORDERS:
            return ORDERS[node.sign](_numbers(column, missing, node, numeric=numeric), _number(node))
        found = self._among_numbers(column, node) if numeric else self._among_texts(column, missing, node)
        return ~found if node.sign == "!=" else found

    def _among_numbers(self, column: pd.Series, node: ColumnComparison) -> np.ndarray:
        values, found = column.to_numpy(float, na_value=np.nan), np.zeros(len(column), bool)
        for number in node.values:
            if isinstance(number, str):
                raise WrongCall(_at(node.column.place, f"'{node.column.text}' holds numbers: write them without quotes"))
            same = values == number
            if not same.any() and not np.isnan(values).all():
                nearest = values[np.nanargmin(np.abs(values - number))]
                self.doubts.append(f"no clip has {number:g} as {node.column.text}; the nearest is {nearest:g}")
            found |= same
        return found

    def _among_texts(self, column: pd.Series, missing: np.ndarray, node: ColumnComparison) -> np.ndarray:
        texts = np.array([_composed(str(value)) for value in column.astype(object).where(~missing, "")], dtype=object)
        known, found = sorted(set(texts[~missing])), np.zeros(len(column), bool)
        for value in node.values:
            if isinstance(value, float):
                raise WrongCall(_at(node.column.place, _as_text(node.column.text, value, known)))
            if not value:
                raise WrongCall(_at(node.column.place, f"to find clips without it, write `{quoted(node.column.text)} is missing`"))
            same = (texts == _composed(value)) & ~missing
            if not same.any():
                self.doubts.append(_nobody(node.column.text, value, known))
            found |= same
        return found


def _is_missing(column: pd.Series) -> np.ndarray:
    return (column.isna() | (column.astype(object) == "")).to_numpy(bool)


def _composed(text: str) -> str:
    """The one way of writing letters that can be written in several."""
    return unicodedata.normalize("NFC", text)


def _number(node: ColumnComparison) -> float:
    value = node.values[0]
    if isinstance(value, str):
        raise WrongCall(_at(node.column.place, f"{node.sign} compares with a number, and '{quoted(value)}' is text"))
    return value


def _numbers(column: pd.Series, missing: np.ndarray, node: ColumnComparison, *, numeric: bool) -> np.ndarray:
    """A column's numbers, also where it holds them as text, as those of a manifest do; NaN where missing."""
    import pandas as pd

    if numeric:
        return column.to_numpy(float, na_value=np.nan)
    read = pd.to_numeric(column.astype(object).where(~missing, None).map(str), errors="coerce").to_numpy(float)
    if (strange := np.isnan(read) & ~missing).any():
        text = quoted(column.iloc[int(strange.argmax())])
        raise WrongCall(
            _at(node.column.place, f"'{node.column.text}' holds text, such as '{text}', which {node.sign} cannot compare with a number")
        )
    return read


def _as_text(column: str, number: float, known: Sequence[str]) -> str:
    """What to write where a number is compared with text."""
    alike = [text for text in known if _is_number(text) and float(text) == number]
    return f"'{column}' holds text: write {' or '.join(repr(text) for text in alike[:MOST_LISTED]) or repr(f'{number:g}')}, in quotes"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)\s*", text, re.ASCII) is not None


def _nobody(column: str, value: str, known: Sequence[str]) -> str:
    """That no clip has a value, and the nearest that some have."""
    noun = name_emotion(value) if column == "emotion" else value
    folded = {text.casefold(): text for text in known}
    near = difflib.get_close_matches(noun.casefold()[:200], folded, n=1, cutoff=0.5)
    listed = ", ".join(f"'{quoted(text)}'" for text in known[:MOST_LISTED]) + (", ..." if len(known) > MOST_LISTED else "")
    hint = f"did you mean '{quoted(folded[near[0]])}'?" if near else f"there are {listed}" if known else "it is missing everywhere"
    return f"no clip has '{quoted(value)}' as {column}: {hint}"
