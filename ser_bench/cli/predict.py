"""`ser-bench predict`: emotions of recordings by a fitted system. Nothing is computed here."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_bench.cli.output import say, warn, write
from ser_bench.cli.parsing import Command
from ser_bench.errors import WrongCall, lines, unknown

if TYPE_CHECKING:
    from ser_bench.bundle.extraction import Sound
    from ser_bench.bundle.prediction import PredictionOptions
    from ser_bench.bundle.rows import Layout, PredictionRow

FORMATS = ("table", "jsonl", "csv")


@click.command(cls=Command, short_help="Predict the emotion of audio files.")
@click.argument("model", metavar="MODEL.serb")
@click.argument("audio", nargs=-1, metavar="AUDIO...")
@click.option("--format", "form", metavar="FORMAT", help="table, jsonl (JSON lines) or csv.  [default: table on a terminal; else csv]")
@click.option("-o", "--to", type=Path, metavar="FILE", help="The file to write: JSON lines if it ends in .jsonl, else CSV.")
@click.option(
    "--plot",
    type=Path,
    metavar="FILE",
    help="Draw probabilities: a radar chart per clip (bars for two classes), with --window lines over time. A .png, .svg or .pdf.",
)
@click.option(
    "--out", metavar="FOLDER", help="Also write a page and a CSV to a folder below FOLDER, such as results, and list it in its index.html."
)
@click.option("--window", type=float, metavar="S", help="Follow long recordings: predict windows of S seconds, one row per window.")
@click.option("--hop", type=float, metavar="S", help="With --window: seconds from the beginning of one window to the next.  [default: S]")
@click.option(
    "--explain", is_flag=True, help="Also report what each feature group contributed to the decision, in rows and beside radar charts."
)
@click.option("--record", type=float, metavar="S", help="Record S seconds from the microphone, beside or instead of AUDIO.")
@click.option("--jobs", type=int, metavar="N", help="Number of worker processes.  [default: one per core; one for a few clips]")
def predict(
    model: str,
    audio: tuple[str, ...],
    form: str | None,
    to: Path | None,
    plot: Path | None,
    out: str | None,
    record: float | None,
    **how: Any,
) -> None:
    """Predict the emotion of each AUDIO with the fitted system MODEL.serb, with the probability of each emotion.

    AUDIO is a file (.wav, .flac, .ogg, .mp3), a folder (searched recursively), a pattern in quotes, or - for a WAV
    file on standard input. A clip that cannot be predicted has a row that says why; one that is unlike the training clips has a warning.

    \b
    Examples:
      ser-bench predict model.serb clip.wav
      ser-bench predict model.serb recordings/ "more/**/*.flac" -o predictions.csv
      ser-bench predict model.serb recordings/ --out results
      ser-bench predict model.serb a.wav b.wav --plot radar.png --explain
      ser-bench predict model.serb meeting.wav --window 3 --hop 1 --plot emotions.pdf
      arecord -f S16_LE -r 16000 | ser-bench predict model.serb - --window 3 --hop 1
    """
    from ser_bench.bundle.bundle import load_bundle
    from ser_bench.bundle.inputs import named_sounds
    from ser_bench.bundle.prediction import Tally
    from ser_bench.bundle.prediction import predict as predicted
    from ser_bench.bundle.rows import Layout

    form = check_form(form, to)
    check_places(to, plot, out)
    asked = asked_for(**how)
    if not audio and record is None:
        raise WrongCall("predict: name recordings: files, folders, patterns or - for standard input; or --record SECONDS")
    left_out: list[str] = []
    sounds = named_sounds(audio, left_out)
    bundle = load_bundle(model)
    warn([*bundle.check_extractors(), *left_out])
    sounds += [] if record is None else [recorded(record)]
    layout, tally = Layout.of(bundle, explain=asked.explain), Tally(sounds, keep=bool(plot or out))
    rows = tally.counted(predicted(bundle, sounds, asked))
    if to:
        write_rows(rows, layout, form, to)
        say(f"{tally.predicted} of {len(sounds)} predicted: {to}")
    else:
        print_rows(rows, layout, form, sounds, timed=asked.windows is not None)
    if plot:
        draw(plot, tally.kept, layout, asked)
    if out:
        from ser_bench.bundle.page import Predicted, publish_predictions

        say(f"page: {publish_predictions(Predicted(bundle, Path(model), tally.kept, asked), out)}", err=True)
    tally.check()


def recorded(seconds: float) -> Sound:
    """What the microphone records; messages about it go to stderr."""
    from ser_bench.bundle.extraction import Samples, Sound, Span
    from ser_bench.bundle.microphone import record

    return Sound(Span("microphone"), Samples(*record(seconds, say=lambda line: say(line, err=True))))


def write_rows(rows: Iterator[PredictionRow], layout: Layout, form: str, to: Path) -> None:
    """Write rows to a file, whole or not at all."""
    from ser_bench.bundle.rows import as_csv, as_json_lines
    from ser_bench.utils.atomic import write_text

    write_text(to, "".join((as_json_lines if form == "jsonl" else as_csv)(rows, layout)))


def print_rows(rows: Iterator[PredictionRow], layout: Layout, form: str, sounds: list[Sound], *, timed: bool) -> None:
    """Print rows as they come."""
    from ser_bench.bundle.rows import as_csv, as_json_lines

    if form == "table":
        from ser_bench.bundle.listing import Listing

        width = shutil.get_terminal_size((80, 24)).columns
        for line in Listing.of(layout, [sound.span.name for sound in sounds], width, timed=timed).lines(rows):
            write(line)
        return
    for text in (as_json_lines if form == "jsonl" else as_csv)(rows, layout):
        write(lines(text) if sys.stdout.isatty() else text, end="")


def draw(plot: Path, rows: list[PredictionRow], layout: Layout, asked: PredictionOptions) -> None:
    """Draw rows, and say which are not drawn."""
    from ser_bench.bundle.pictures import draw_clips, draw_windows

    left_out = draw_windows(plot, rows, layout) if asked.windows else draw_clips(plot, rows, layout)
    warn([left_out] if left_out else [])
    say(f"picture: {plot}", err=True)


def check_form(form: str | None, to: Path | None) -> str:
    """The format that was asked for, or that suits where rows go."""
    if form is None:
        if to:
            return "jsonl" if to.suffix.lower() == ".jsonl" else "csv"
        return "table" if sys.stdout.isatty() else "csv"
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if to and form == "table":
        raise WrongCall("--format table is for a terminal: -o writes csv or jsonl")
    return form


def check_places(to: Path | None, plot: Path | None, out: str | None) -> None:
    """Refuse places that cannot be written to, before any work."""
    from ser_bench.utils.atomic import check_place, check_writable

    if to:
        check_place("-o", to)
    if plot:
        if plot.suffix.lower() not in (".png", ".svg", ".pdf"):
            raise WrongCall(f"--plot {plot}: pictures end in .png, .svg or .pdf")
        check_place("--plot", plot)
    if out:
        check_writable("--out", Path(out))


def asked_for(window: float | None, hop: float | None, explain: bool, jobs: int | None) -> PredictionOptions:
    """How sounds are to be predicted."""
    from ser_bench.bundle.prediction import PredictionOptions
    from ser_bench.bundle.windows import Windows
    from ser_bench.utils.progress import for_terminal

    return PredictionOptions(Windows.wanted(window, hop), explain, jobs or 0, for_terminal())
