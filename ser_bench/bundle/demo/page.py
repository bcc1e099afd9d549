"""The page on which a model is tried, as one file of HTML.

In:   a bundle; the token of a start and the nonce of an answer.
Out:  HTML with its style and script inside, which loads nothing.
Rule: what a bundle says of itself (names, labels, numbers, card) is text on the page, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ser_bench.bundle.demo.answers import answer
from ser_bench.bundle.demo.server import LARGEST, LARGEST_MB, TOKEN, TOO_LARGE, DemoServer
from ser_bench.bundle.prediction import extractors_of
from ser_bench.bundle.shown import card_html, corpus_of, expected
from ser_bench.errors import printable, quoted
from ser_bench.reports.rendering import render
from ser_bench.utils.progress import Progress, Silent

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle

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
    card, corpus = card_html(bundle), corpus_of(bundle)

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
