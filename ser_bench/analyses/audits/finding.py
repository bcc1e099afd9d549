"""A finding: what a check of an audit returns.

In:   what was found, in words.
Out:  a `Finding`.
Rule: a finding names clips or numbers. None is passed by not looking: what could not be checked is a note.
"""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("error", "warning", "note")
RIVAL = 0.8
"""Share of the best row's distance from chance from which delivery rivals it."""


class Finding(NamedTuple):
    """One thing found.

    Parameters
    ----------
    kind : {'error', 'warning', 'note'}
    check : str
        What was looked at.
    what : str
        What was found, in a sentence.
    """

    kind: str
    check: str
    what: str


def figure(value: float) -> str:
    """A score with two decimals and no zero before the point.

    >>> figure(0.714), figure(1.0), figure(-0.25)
    ('.71', '1.00', '-.25')
    """
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 0.995 else f"{value:.2f}"


def p_value(p: float) -> str:
    """A p-value with one significant digit below a tenth.

    >>> p_value(0.001), p_value(0.048), p_value(1.0), p_value(2e-9)
    ('.001', '.05', '1', '2e-09')
    """
    if p >= 0.995:
        return "1"
    return f"{p:.0e}" if p < 0.0005 else (f"{p:.2f}" if p >= 0.01 else f"{p:.3f}").removeprefix("0")


def against_board(uar: float, chance: float, best: float | None) -> tuple[bool, str]:
    """Whether a UAR comes near the best row's, and words that say how near.

    >>> against_board(0.5, 0.25, 0.55)
    (True, 'that is 83% of what the best system has above chance (UAR .55; a warning from 80% on)')
    >>> against_board(0.5, 0.25, 0.26)
    (True, 'that is more than the best system has above chance (UAR .26)')
    >>> against_board(0.2, 0.25, 0.2)
    (False, 'the best system is not above chance either (UAR .20)')
    """
    if best is None:
        return False, "no run of these clips in --out to compare with"
    if uar > max(best, chance):
        return True, f"that is more than the best system has above chance (UAR {figure(best)})"
    if best <= chance:
        return False, f"the best system is not above chance either (UAR {figure(best)})"
    share = max(uar - chance, 0) / (best - chance)
    return (
        share >= RIVAL,
        f"that is {share:.0%} of what the best system has above chance (UAR {figure(best)}; a warning from {RIVAL:.0%} on)",
    )
