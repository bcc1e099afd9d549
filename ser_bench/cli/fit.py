"""`ser-bench fit`: one system fitted on all speakers, kept in a file to be used. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ser_bench.bundle.export import FORMATS
from ser_bench.cli.options import OUT, SEARCH, extracting, reading, segment, splitting
from ser_bench.cli.output import print_entry, print_skipped, print_table, say, warn
from ser_bench.cli.parsing import Command, keys_of
from ser_bench.utils.progress import for_terminal
from ser_bench.utils.shown import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ser_bench.api.bundles import Made


@click.command(cls=Command, short_help="Fit one system on all speakers, and write it to a file.")
@click.argument("corpus", required=False)
@click.option("-f", "--features", multiple=True, metavar="FEATURES", help="The feature set; + joins several.  [default: egemaps]")
@click.option("-m", "--model", "models", multiple=True, metavar="MODEL", help="The model; svm(C=1) fixes C.  [default: svm]")
@click.option("-o", "--to", required=True, metavar="FILE", help="The file to write, such as model.serb.")
@click.option(
    "--card", metavar="FILE", help="Also write the model card to a file: a page (.html), else Markdown; it is in the bundle in any case."
)
@click.option(
    "--export",
    "exports",
    multiple=True,
    type=click.Choice(list(FORMATS)),
    help="Also write it for other runtimes, beside --to: model.onnx, model.mlpackage; repeatable. `ser-bench export` does so later.",
)
@click.option("--from", "from_run", metavar="RUN", help="Fit a row of this run folder with hyperparameters chosen there: no new search.")
@click.option("--rank", type=int, metavar="N", help="With --from: the row, by its rank on --track; or -f and -m name it.  [default: 1]")
@click.option(
    "--fold",
    type=int,
    metavar="K",
    help="With --from: fit on the training speakers of outer fold K (of --seed) alone, so that the system predicts held-out clips as the "
    "run did.",
)
@click.option("--no-evaluation", is_flag=True, help="Do not evaluate the system; its model card then says so.")
@click.option("--track", metavar="TRACK", help="Standardise with training-set statistics (train) or not at all (none).  [default: train]")
@SEARCH
@splitting
@OUT
@reading
@segment
@extracting
def fit(
    corpus: str | None,
    to: str,
    card: str | None,
    exports: tuple[str, ...],
    from_run: str | None,
    rank: int | None,
    fold: int | None,
    no_evaluation: bool,
    **given: Any,
) -> None:
    """Fit one system on all speakers of CORPUS, and write it to a file with the score to expect of it on new ones.

    Hyperparameters are searched for on speaker-grouped inner folds of all speakers, and the model is trained on all clips. The score to
    expect is the row that `run` would give the same system: it is evaluated here with --cv and --seeds, which takes as long as a run of
    it and reuses finished fits below --out. With --from, a row of a finished run is fitted instead, with the hyperparameters that
    most of its searches chose, or else those with the median inner score. The same command writes the same bytes, whatever --jobs.

    \b
    Examples:
      ser-bench fit tones -f spectral -m svm -o model.serb
      ser-bench fit path/to/emodb -f audioemotion26 -m svm -o model.serb --card model.md
      ser-bench fit --from results/ravdess-1a2b3c4d --rank 1 -o model.serb
      ser-bench fit --from results/ravdess-1a2b3c4d -f compare -m mlp -o model.serb
    """
    from ser_bench.api.bundles import FitRequest, fit_bundle
    from ser_bench.api.exports import export, places
    from ser_bench.api.options import OF_A_ROW, OF_EVALUATION, USED

    idle = USED["fit"] - OF_A_ROW if from_run else OF_EVALUATION if no_evaluation else ()
    options = keys_of("fit", given, idle=tuple(idle))
    named = options.pop("corpus", ())
    asked = FitRequest(corpus or next(iter(named), None), from_run, rank, fold, evaluate=not no_evaluation)
    files = places(to, exports)
    made = fit_bundle(asked, to=to, card=card, progress=for_terminal(), options=options)
    print_made(made, to, card)
    for file in files:
        say(f"exported: {export(made.bundle, file)}")


def print_made(made: Made, to: str, card: str | None) -> None:
    """What was fitted, the score to expect of it, and where it is."""
    from ser_bench.bundle.card import map_scored, text_of

    warn(made.warnings)
    if made.evaluation is not None:
        print_skipped(made.evaluation.skipped, made.evaluation.folder)
    about, bundle = made.bundle.about, made.bundle
    search, quality = about["search"], about["quality"]
    say(f"{bundle.features} with {bundle.model}, trained on {about['corpus']['title']}", bold=True)
    whom = "all speakers" if search["fold"] is None else f"the training speakers of outer fold {search['fold']}"
    print_entry("trained on", f"{search['trained_clips']:,} clips of {search['trained_speakers']} speakers ({whom})")
    print_entry("hyperparameters", f"{', '.join(f'{key}={value}' for key, value in sorted(search['params'].items()))}; {search['how']}")
    if quality:
        head = ("on unseen speakers", "value", "95% CI")
        rows = [("UAR", *map_scored(quality, "uar")), *corrected(quality), ("WAR", *map_scored(quality, "war"))]
        rows += [(f"recall of {name}", *map_scored(found, "recall")) for name, found in quality["by_class"].items()]
        rows += [(f"UAR, {name}", *map_scored(found, "uar")) for name, found in quality["by_gender"].items()]
        rows += [(f"UAR of the {name} speaker", text_of(value), "") for name, value in quality["speaker_range"].items()]
        print_table(head, rows)
        print_entry(
            "evaluated", f"{quality['cv']}, track {quality['track']}, {counted(seeds=quality['seeds'], speakers=quality['speakers'])}"
        )
    else:
        say("not evaluated: no score on unseen speakers is known")
    if made.evaluation is not None:
        say(f"report: {made.evaluation.page}")
    say(f"bundle: {to}{f', card: {card}' if card else ''}")


def corrected(quality: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The score corrected for selection, as a row; none where the system was not picked as the best of several."""
    from ser_bench.bundle.card import map_scored

    found = quality["corrected"]
    return [(f"UAR, corrected: best of {quality['chosen_from']}", *map_scored(found, "uar"))] if found else []
