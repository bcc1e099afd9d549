"""`ser-bench export`: a fitted system as ONNX or Core ML. Nothing is computed here."""

from __future__ import annotations

import click

from ser_bench.cli.output import say
from ser_bench.cli.parsing import Command


@click.command(cls=Command, short_help="Write a fitted system as ONNX or Core ML.")
@click.argument("bundle")
@click.argument("file")
def export(bundle: str, file: str) -> None:
    """Write the fitted system BUNDLE for use without ser-bench: as ONNX (FILE.onnx) or Core ML (FILE.mlpackage).

    Features as extracted go in, calibrated probabilities and the decision come out. Which columns it takes, in which order, and the
    model card are in the file's metadata. It needs the extra: pip install 'ser-bench[export]'.

    \b
    Examples:
      ser-bench export model.serb model.onnx
      ser-bench export model.serb Model.mlpackage
    """
    from ser_bench.api import export as write

    say(f"exported: {write(bundle, file)}")
