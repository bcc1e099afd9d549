"""`ser-bench recipes`: published systems, one line per recipe, or one recipe in full. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ser_bench.cli.output import print_entry, print_table, say
from ser_bench.cli.parsing import Command
from ser_bench.utils.formatting import number_of

if TYPE_CHECKING:
    from ser_bench.evaluation.recipes import Recipe

HEAD = ("recipe", "system", "corpus", "claimed", "needs")


@click.command(cls=Command, short_help="List published systems that `run --recipe` runs.")
@click.argument("name", required=False)
def recipes(name: str | None) -> None:
    """Published systems that `run --recipe` runs: what each is, what was claimed, what it needs; NAME shows one in full.

    \b
    Examples:
      ser-bench recipes
      ser-bench recipes speech-emotion-analyzer-2018
    """
    from ser_bench.evaluation.recipes import catalogue, recipe_named

    if name:
        print_recipe(recipe_named(name))
    else:
        print_table(HEAD, [[row[key] for key in HEAD] for row in catalogue()])


def print_recipe(recipe: Recipe) -> None:
    """One recipe in full."""
    from ser_bench.evaluation.splits import TRACKS

    say(recipe.name, bold=True)
    print_entry("title", recipe.title)
    print_entry("source", f"{recipe.source} ({recipe.year})")
    print_entry("corpus", recipe.corpus)
    print_entry("needs", recipe.needs or "nothing else")
    for one in recipe.experiments:
        say("")
        say(one.name or "the system", bold=True)
        heard = [f"{key} {value:g}" for key in ("offset", "duration", "trim") if (value := getattr(one, key))]
        print_entry("clips", ", ".join([f"labels '{one.labels}'", *([f"where {one.where}"] if one.where else []), *heard]))
        print_entry("features", f"{one.features}, {TRACKS[one.scaling]}")
        print_entry("model", f"{one.model}, class weights {one.class_weights}")
        if one.augment:
            copies = f"{number_of(one.augment_times, 'changed copy', 'changed copies')} of each"
            print_entry(
                "augmented",
                f"{' and '.join(one.augment)}, {copies}{f', of {chr(44).join(one.augment_only)} alone' if one.augment_only else ''}",
            )
        print_entry("split", one.split.words)
        for claim in one.claimed:
            value = f"{'over ' if claim.over else ''}{claim.value:g}"
            print_entry("claimed", f"{claim.metric} {value} on {claim.part} clips{f' ({claim.about})' if claim.about else ''}")
        if one.why:
            print_entry("why", one.why)
    say("")
    for line in [*(f"the published system also had {wanted.what}" for wanted in recipe.wanted), *recipe.notes]:
        print_entry("note", line)
