"""What pages show of a bundle: its corpus, its model card, what to expect of it.

In:   a bundle, which may be anybody's.
Out:  text, the card as HTML, and as a file of its own.
Rule: what a bundle says of itself is text, whatever it holds, and a score only where it is of unseen speakers.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.bundle.markdown import to_html
from ser_bench.errors import WrongCall, lines, quoted
from ser_bench.evaluation.leaderboard import chance_level
from ser_bench.evaluation.splits import parse_cv
from ser_bench.reports.rendering import render
from ser_bench.utils.atomic import write_text
from ser_bench.utils.formatting import format_score, interval

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle

LONGEST_CARD = 100_000
"""Characters up to which a card is rendered; a longer one is shown as it is written."""


def write_card(bundle: Bundle, file: Path) -> None:
    """Write the model card: as a page where the file's name ends in .html, else as the Markdown that it is."""
    page = file.suffix.lower() == ".html"
    write_text(file, render("card.html.j2", title=file.stem, card=card_html(bundle, below=0)) if page else bundle.card)


def card_html(bundle: Bundle, *, below: int = 2) -> str:
    """The model card, its headings below those of so many levels."""
    text = lines(bundle.card.expandtabs(4))
    return to_html(text, below=below) if len(text) <= LONGEST_CARD else f"<pre>{escape(text)}</pre>"


def corpus_of(bundle: Bundle) -> str:
    """The corpus that a bundle was trained on, as its owners write it; empty where it does not say."""
    return quoted(_within(bundle.about, "corpus").get("title") or "")


def expected(bundle: Bundle) -> str:
    """What the bundle's leaderboard row promises on unseen speakers, in a sentence.

    It is what cross-validation over speakers gave, never a score of the clips that the model was trained on, nor of a split that leaks.
    """
    quality = _within(bundle.about, "quality")
    corrected = _within(quality, "corrected")
    uar, low, high, chance = (_number((quality | corrected).get(name)) for name in ("uar", "uar_low", "uar_high", "chance"))
    if uar is None or not _of_unseen(quality.get("cv")):
        return "How well it does on unseen speakers was not evaluated."
    within = "" if low is None or high is None else f", 95%\u00a0CI\u00a0{interval(low, high)}".replace(", .", ",\u00a0.")
    guessed = f", chance\u00a0{format_score(chance_level(len(bundle.classes)) if chance is None else chance)}"
    chosen = ", corrected for its having been chosen as the best" if corrected else ""
    return f"Expected on unseen speakers: UAR\u00a0{format_score(uar)}{within}{guessed}{chosen}."


def _of_unseen(cv: object) -> bool:
    """Whether a bundle's own account of its split says that no speaker was shared; one that cannot be read does not."""
    try:
        return not parse_cv(str(cv)).leaky
    except WrongCall:
        return False


def _within(about: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A mapping in what a bundle says of itself, empty where it is something else."""
    found = about.get(key)
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
