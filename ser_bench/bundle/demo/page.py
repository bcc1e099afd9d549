"""The page on which a model is tried, as one file of HTML.

In:   a bundle; the token of a start and the nonce of an answer.
Out:  HTML with its style and script inside, which loads nothing.
Rule: what a bundle says of itself (names, labels, numbers, card) is text on the page, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from ser_bench.bundle.demo.answers import answer
from ser_bench.bundle.demo.markdown import to_html
from ser_bench.bundle.demo.server import LARGEST, LARGEST_MB, TOKEN, TOO_LARGE, DemoServer
from ser_bench.bundle.prediction import extractors_of
from ser_bench.errors import lines, printable, quoted
from ser_bench.reports.rendering import render
from ser_bench.utils.formatting import format_score, interval
from ser_bench.utils.progress import Progress, Silent

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle

LONGEST_CARD = 100_000
"""Characters up to which a card is rendered; a longer one is shown as it is written."""
LONGEST_NAME = 200
LONGEST_RECORDING = 300
"""Seconds after which a recording from the microphone ends by itself."""


def serve(bundle: Bundle, port: int = 0, *, progress: Progress | None = None) -> DemoServer:
    """A server of a bundle's page, listening; `serve_forever` answers.

    Parameters
    ----------
    bundle : Bundle
    port : int
        0 is any that is free.
    progress : Progress, optional
        Of what an extractor has to obtain before it can be used.

    Raises
    ------
    WorkFailed
        Where the port cannot be listened on.
    """
    for extractor in extractors_of(bundle):
        extractor.prepare(progress or Silent())
    return DemoServer(page_of(bundle), partial(answer, bundle), port)


def page_of(bundle: Bundle) -> Callable[[str, str], str]:
    """The page of a bundle, from the token of a start and the nonce of an answer."""
    text = lines(bundle.card.expandtabs(4))
    card = to_html(text, below=2) if len(text) <= LONGEST_CARD else f"<pre>{escape(text)}</pre>"
    corpus = quoted(_within(bundle.about, "corpus").get("title") or "")

    def page(token: str, nonce: str) -> str:
        settings = {
            "token": {"name": TOKEN, "value": token},
            "classes": [*map(printable, bundle.classes)],
            "largest": LARGEST,
            "tooLarge": TOO_LARGE,
            "longestRecording": LONGEST_RECORDING,
        }
        return render(
            "page.html.j2",
            room="ser_bench.bundle.demo",
            nonce=nonce,
            settings=settings,
            model=quoted(bundle.model, LONGEST_NAME),
            features=quoted(bundle.features, LONGEST_NAME),
            corpus=corpus,
            n_classes=len(bundle.classes),
            expected=expected(bundle),
            largest=LARGEST_MB,
            card=card,
        )

    return page


def expected(bundle: Bundle) -> str:
    """What the bundle's leaderboard row promises on unseen speakers, in a sentence.

    It is what cross-validation over speakers gave, never a score of the clips that the model was trained on, nor of a split that leaks.
    """
    quality = _within(bundle.about, "quality")
    corrected = _within(quality, "corrected")
    uar, low, high, chance = (_number((quality | corrected).get(name)) for name in ("uar", "uar_low", "uar_high", "chance"))
    if uar is None or str(quality.get("cv")).startswith("random"):
        return "How well it does on unseen speakers was not evaluated."
    within = "" if low is None or high is None else f", 95%\u00a0CI\u00a0{interval(low, high)}".replace(", .", ",\u00a0.")
    guessed = f", chance\u00a0{format_score(1 / len(bundle.classes) if chance is None else chance)}"
    chosen = ", corrected for its having been chosen as the best" if corrected else ""
    return f"Expected on unseen speakers: UAR\u00a0{format_score(uar)}{within}{guessed}{chosen}."


def _within(about: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A mapping in what a bundle says of itself, empty where it is something else."""
    found = about.get(key)
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None
