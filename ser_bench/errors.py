"""The two ways a command ends early, each said in one line: what, where, what to do; and how names that others chose are quoted.

`WrongCall` ends with exit code 2 (the caller can correct it), `WorkFailed` with 1 (the work itself failed).
Rule: no control character reaches a terminal, and no message holds more than the beginning of a long value.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

LONGEST_QUOTE = 80
"""Characters of a value that a message shows."""
UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""What no file of text holds: the character of no code, and halves of surrogate pairs."""
JOINERS = "\u200c\u200d"
"""Format characters that belong to words and emoji, and change nothing around them."""


class SerBenchError(Exception):
    """Anything ser-bench says to its user instead of a traceback."""

    exit_code = 1


class WrongCall(SerBenchError):
    """A call, option or input that cannot be meant."""

    exit_code = 2


class WrongArgument(WrongCall, TypeError):
    """A call from Python with a name or a kind of value that the function does not take."""


class WorkFailed(SerBenchError):
    """Work that was rightly asked for and did not succeed."""


class Damaged(WrongCall):
    """A file that ser-bench wrote and that is not as it was written."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be read ({quoted(why)}): the command that wrote it makes it again")
        self.path, self.why = path, quoted(why)


def reason(error: Exception) -> str:
    """An error in one line: what ser-bench says itself as it is, others with their kind.

    >>> reason(WorkFailed("no room")), reason(KeyError("rank"))
    ('no room', "KeyError: 'rank'")
    """
    said = " ".join(str(error).split())
    return said if isinstance(error, SerBenchError) else f"{type(error).__name__}: {said}"


def unknown(kind: str, name: str, known: Iterable[str]) -> WrongCall:
    """The error for a name nobody knows, with the nearest known one.

    >>> print(unknown("model", "smv", ["svm", "rf"]))
    unknown model 'smv': did you mean 'svm'? (known: rf, svm)
    """
    known = sorted(known)
    same = [other for other in known if other.casefold() == name.casefold()]
    near = same or difflib.get_close_matches(name[:LONGEST_QUOTE], known, n=1, cutoff=0.5)
    hint = f": did you mean '{near[0]}'?" if near else ""
    return WrongCall(f"unknown {kind} '{quoted(name)}'{hint} (known: {', '.join(known)})")


def printable(text: str) -> str:
    r"""The text with control characters, line breaks and marks that turn the direction of reading written out, for a line on a terminal.

    >>> printable("a\x1b[31mb\u202ec\n")
    'a\\x1b[31mb\\u202ec\\n'
    """
    return "".join(map(_written_out, text)) if not text.isascii() or not text.isprintable() else text


def writable(text: str) -> bool:
    r"""Whether a file of text can hold it.

    >>> writable("\U0001f600"), writable("a\0"), writable("\ud83d")
    (True, False, False)
    """
    return not UNWRITABLE.search(text)


def lines(text: str) -> str:
    """`printable` for text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def _written_out(letter: str) -> str:
    hidden = unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and letter not in JOINERS
    return ascii(letter)[1:-1] if hidden else letter


def quoted(value: object, longest: int = LONGEST_QUOTE) -> str:
    """A value in a message: one line, its beginning alone where it is long.

    >>> quoted("a" * 100) == "a" * 79 + "…"
    True
    """
    text = value if isinstance(value, str) else "bytes" if isinstance(value, bytes | bytearray | memoryview) else str(value)
    return printable(text if len(text) <= longest else f"{text[: longest - 1]}…")
