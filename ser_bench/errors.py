"""The two ways a command ends early, each said in one line: what, where, what to do.

`WrongCall` ends with exit code 2 (the caller can mend it), `WorkFailed` with 1 (the work itself failed).
"""

import difflib
from collections.abc import Iterable


class SerBenchError(Exception):
    """Anything ser-bench says to its user instead of a traceback."""

    exit_code = 1


class WrongCall(SerBenchError):
    """A call, option or input that cannot be meant."""

    exit_code = 2


class WorkFailed(SerBenchError):
    """Work that was rightly asked for and did not succeed."""


def unknown(kind: str, name: str, known: Iterable[str]) -> WrongCall:
    """The error for a name nobody knows, with the nearest known one.

    >>> print(unknown("model", "smv", ["svm", "rf"]))
    unknown model 'smv': did you mean 'svm'? (known: rf, svm)
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f": did you mean '{near[0]}'?" if near else ""
    return WrongCall(f"unknown {kind} '{name}'{hint} (known: {', '.join(known)})")
