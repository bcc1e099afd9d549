"""`ser-bench demo`: a local page on which a fitted model can be tried. Nothing is computed here."""

from __future__ import annotations

import webbrowser
from threading import Thread

import click

from ser_bench.cli.output import say, warn
from ser_bench.cli.parsing import Command
from ser_bench.utils.processes import Stopped
from ser_bench.utils.progress import for_terminal


@click.command(cls=Command, short_help="Try a fitted system on a local page.")
@click.argument("model", metavar="MODEL.serb")
@click.option(
    "--port", type=click.IntRange(1024, 65535), metavar="PORT", help="Port of 127.0.0.1 to listen on.  [default: any that is free]"
)
@click.option("--no-browser", is_flag=True, help="Print the page's address, and open no browser.")
def demo(model: str, port: int | None, no_browser: bool) -> None:
    """Try a fitted model on a local page: drop a file or record; see probabilities, warnings and the model card.

    The page is for this computer alone (127.0.0.1), loads nothing from elsewhere, and keeps recordings in memory only. A recording
    may have up to 50 MB. Ctrl-C ends it.

    \b
    Examples:
      ser-bench demo model.serb
      ser-bench demo model.serb --no-browser --port 8000
    """
    from ser_bench.bundle.bundle import load_bundle
    from ser_bench.bundle.demo.page import serve

    bundle = load_bundle(model)
    warn(bundle.check_extractors())
    with serve(bundle, port or 0, progress=for_terminal()) as server:
        say(server.address)
        if not no_browser:
            say("opening it in your browser; Ctrl-C ends it", err=True)
            # Some browsers of terminals return only when they are closed.
            Thread(target=webbrowser.open, args=[server.address], daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt as asked:
            if isinstance(asked, Stopped):
                raise
