"""Numbers, names and tables as text: the same everywhere that they are read.

In:   values, names, rows.
Out:  text; of names nothing that Markdown would take for more than text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench.errors import printable

if TYPE_CHECKING:
    import pandas as pd

MARKDOWN = re.compile(
    r"[\\`*~$]|\](?=[(\[:])|<(?=[a-zA-Z/!?])|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\."
    r"|^(?:[#+-](?=[#-]*(?:\s|$))|>|=(?==*$)|\d+[.)](?=\s|$))|(?<=\s)#(?=#*$)"
)
"""What Markdown would read as more than text, by its last character: anywhere, and at the ends of a line; pages copy by it, too."""

IN_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": r"\textasciigrave{}"}
IN_TEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "-": "{}-", ",": "{},"}
IN_TEX |= {"\u00b1": r"$\pm$", "\u0394": r"$\Delta$", "\u2265": r"$\geq$", **{letter: f"\\{letter}" for letter in "&%$#_{}"}}
TEX = re.compile(r"[\\~^`<>|\u00b1\u0394\u2265&%$#_{}]|(?<=-)-|(?<=,),")
"""What LaTeX would read as more than text, or as a ligature; pages copy by it, too."""


def escaped(text: str) -> str:
    r"""Text for Markdown, in which no name makes a link, a picture, code, a formula or HTML; `table_line` sees to bars.

    >>> escaped("<b>*a*</b> [b](http://c) n_mfcc $x$ p < .05")
    '\\<b>\\*a\\*\\</b> [b\\](http\\://c) n_mfcc \\$x\\$ p < .05'
    """
    return MARKDOWN.sub(lambda match: f"{match.group()[:-1]}\\{match.group()[-1]}", printable(text))


def escaped_for_tex(text: str) -> str:
    r"""Text for LaTeX, in which no name is a command.

    >>> print(escaped_for_tex("a_b --c \\input{d}"))
    a\_b -{}-c \textbackslash{}input\{d\}
    """
    return TEX.sub(lambda match: IN_TEX[match.group()], printable(text))


def table_line(cells: Sequence[str]) -> str:
    """A line of a Markdown table, in which no cell can break it."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: Sequence[str] = ()) -> list[str]:
    """A Markdown table; columns of `words` stand to the left, others to the right, all to the left without."""
    rule = ["---" if not words or name in words else "---:" for name in head]
    return [table_line(head), "| " + " | ".join(rule) + " |", *map(table_line, rows)]


def records(block: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as mappings from column to value, of Python's own types; None where pandas has its NA.

    As `DataFrame.to_dict`, in half of its time.

    >>> import pandas as pd
    >>> records(pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": ["x", "y"], "c": [0.5, 1.0]}))
    [{'a': 1, 'b': 'x', 'c': 0.5}, {'a': None, 'b': 'y', 'c': 1.0}]
    """
    import pandas as pd

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        return None if value is pd.NA else value

    names = [str(column) for column in block.columns]
    return [dict(zip(names, map(plain, row), strict=True)) for row in block.astype(object).to_numpy()]


def listed(names: Iterable[str]) -> str:
    """Names as a sentence has them; at least one.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def plural(n: float, one: str, many: str) -> str:
    """The word for so many.

    >>> plural(1, "is", "are"), plural(0, "is", "are")
    ('is', 'are')
    """
    return one if n == 1 else many


def number_of(n: float, one: str, many: str = "") -> str:
    """How many of what; `many` where it is more than `one` and an s.

    >>> number_of(1.4, "minute"), number_of(0, "unit"), number_of(1234, "clip has", "clips have")
    ('1 minute', '0 units', '1,234 clips have')
    """
    return f"{n:,.0f} {plural(round(n), one, many or f'{one}s')}"


def from_to(low: float, high: float, form: str = ",") -> str:
    """A range, or one number where both ends are the same as written.

    >>> from_to(16000, 16000), from_to(1.25, 9, ".1f")
    ('16,000', '1.2 to 9.0')
    """
    first, last = format(low, form), format(high, form)
    return first if first == last else f"{first} to {last}"


def format_score(value: float, digits: int = 3) -> str:
    """A number with so many digits after the point, and no zero alone before it; empty for a missing value.

    >>> [format_score(value) for value in (0.5, -0.25, 1.0, 10.0, -0.0, np.nan)], format_score(0.05, 2)
    (['.500', '-.250', '1.000', '10.000', '.000', ''], '.05')
    """
    return "" if np.isnan(value) else re.sub(r"^(-?)0\.", r"\1.", f"{value + 0.0:.{digits}f}")


def format_seconds(value: float) -> str:
    """Whole seconds, below ten to a tenth.

    >>> format_seconds(0.04), format_seconds(0.44), format_seconds(9.96), format_seconds(1234.5)
    ('0.0', '0.4', '10', '1,234')
    """
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def signed(value: float, digits: int = 3) -> str:
    """`format_score` with its sign.

    >>> signed(0.05), signed(-0.25), signed(-0.0), signed(0.1, 1)
    ('+.050', '-.250', '+.000', '+.1')
    """
    return f"{'' if value < 0 else '+'}{format_score(value, digits)}"


def interval(low: float, high: float) -> str:
    """Both ends of an interval.

    >>> interval(0.25, 0.5)
    '[.250, .500]'
    """
    return f"[{format_score(low)}, {format_score(high)}]"


def p_value(p: float) -> str:
    """A p, empty where there is none.

    >>> p_value(0.04), p_value(0.0001)
    ('.040', '<.001')
    """
    return "<.001" if p < 0.001 else format_score(p)


def p_words(p: float) -> str:
    """A p as a sentence has it.

    >>> p_words(0.04), p_words(0.0001)
    ('p = .040', 'p < .001')
    """
    return "p < .001" if p < 0.001 else f"p = {format_score(p)}"
