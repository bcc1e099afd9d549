"""What a check hands over.

In:   what was found, in words.
Out:  a `Finding`.
Rule: a finding names clips or numbers. None is passed by not looking: what could not be checked is a note.
"""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("error", "warning", "note")


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
