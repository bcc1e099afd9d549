"""`ser-bench corpora`: the catalogue, a corpus downloaded on its terms, what a corpus holds. Nothing is computed here."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_bench.cli.options import DEFAULTS, reading
from ser_bench.cli.output import print_entry, print_table, say, warn
from ser_bench.cli.parsing import Commands, keys_of
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.utils.formatting import number_of
from ser_bench.utils.progress import for_terminal

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora.base import CorpusInfo
    from ser_bench.corpora.obtaining import Obtained
    from ser_bench.corpora.overview import Overview

CHECKED = {
    "archive": "no checksum is published",
    "git-lfs": "files in Git LFS have checksums, others have none",
    "dataverse": "every file has a checksum",
}
MOST_SPEAKERS = 30
"""Up to so many speakers, each has a line of its own."""


@click.group(cls=Commands, invoke_without_command=True, short_help="List, download and inspect corpora.")
@click.pass_context
def corpora(context: click.Context) -> None:
    """The corpora that are recognised, what they hold, on which terms, and how to get them.

    \b
    Examples:
      ser-bench corpora                        (all of them)
      ser-bench corpora get ravdess            (download one that may be downloaded freely)
      ser-bench corpora show path/to/ravdess   (what is in a folder or table)
    """
    if context.invoked_subcommand is None:
        print_corpora()


@corpora.command("list")
def list_corpora() -> None:
    """All corpora that are recognised: size, language, emotions, licence, and how to obtain each."""
    print_corpora()


@corpora.command("get")
@click.argument("name")
@click.option("--to", metavar="FOLDER", help="The folder to create.  [default: NAME]")
@click.option("--yes", is_flag=True, help="Accept the licence without being asked.")
def get_corpus(name: str, to: str | None, yes: bool) -> None:
    """Download the corpus NAME, if it may be downloaded freely; its licence is shown first.

    The download is checked against the published size and checksum where there are any, unpacked, and compared with the
    official counts. A stopped download resumes with the same command. For other corpora, the owners' page and what to ask
    for are printed.

    \b
    Examples:
      ser-bench corpora get ravdess
      ser-bench corpora get emodb --to data/emodb --yes
    """
    from ser_bench.corpora import get
    from ser_bench.corpora.obtaining import facts_of

    facts = facts_of(name)
    print_terms(name, facts)
    if facts.archives and not yes:
        if not sys.stdin.isatty():
            raise WrongCall(f"{name}: nobody can be asked here whether the licence is accepted; --yes says that it is")
        yes = click.confirm("Download it under this licence?", err=True)
        if not yes:
            say("nothing was downloaded")
            return
    print_obtained(get(name, to=to, accept_licence=yes, progress=for_terminal()))


@corpora.command("show")
@click.argument("corpus")
@reading
@click.option(
    "--plot", metavar="FILE", help="Draw counts and durations: a .png, .svg or .pdf; of a folder of several corpora, one per corpus."
)
@click.option("--cache", metavar="FOLDER", default=DEFAULTS.cache, help=f"The feature store.  [default: {DEFAULTS.cache}]")
def show_corpus(corpus: str, plot: str | None, cache: str, **given: Any) -> None:
    """What CORPUS was recognised as and holds: clips per speaker and emotion, durations, five clips, warnings.

    No audio is decoded: durations come from the files' headers.

    \b
    Examples:
      ser-bench corpora show path/to/ravdess
      ser-bench corpora show clips.csv --plot clips.png
    """
    from ser_bench.corpora import load_corpora, show
    from ser_bench.reports.corpus_figure import check_figure, draw_corpus

    if plot:
        check_figure(Path(plot))
    found = load_corpora(corpus, cache=cache, **RunConfig(**keys_of("run", given)).reading)
    for one in found:
        overview = show(one)
        print_overview(overview)
        if plot:
            place = Path(plot) if len(found) == 1 else Path(plot).with_stem(f"{Path(plot).stem}-{one.name}")
            draw_corpus(overview, place)
            say(f"figure: {place}")


def print_corpora() -> None:
    """A paragraph per corpus: its size, emotions, licence, how to obtain it."""
    from ser_bench.corpora import catalogue, known_readers
    from ser_bench.corpora.obtaining import how_to_obtain

    readers = known_readers()
    for row in catalogue():
        facts = readers[row["corpus"]].facts
        say(row["corpus"], bold=True)
        if facts is None:
            print_entry("", "nothing is known of its release")
            continue
        language = f" ({row['language']})" if row["language"] else ""
        speakers = number_of(row["speakers"], "speaker")
        print_entry("clips", f"{row['clips']:,} of {speakers}{language}, {row['rate']:,} Hz; protocol {row['protocol'] or 'auto'}")
        print_entry("emotions", row["emotions"] or "not listed by its reader")
        print_entry("licence", row["licence"])
        print_entry("obtain", how_to_obtain(row["corpus"], facts))
        print_entry("citation", row["citation"])


def print_terms(name: str, facts: CorpusInfo) -> None:
    """The terms of a corpus, before it is downloaded."""
    from ser_bench.corpora.obtaining import download_size, in_bytes

    size = download_size(facts)
    say(name, bold=True)
    print_entry("licence", facts.licence)
    print_entry("citation", facts.citation)
    print_entry("owner", facts.obtain)
    if facts.request:
        print_entry("request", facts.request)
    for archive in facts.archives:
        checked = f"{archive.checksum.partition(':')[0].upper()} published" if archive.checksum else CHECKED[archive.kind]
        print_entry("download", f"{archive.url} ({in_bytes(archive.size) if archive.size else 'size not published'}; {checked})")
    if size and len(facts.archives) > 1:
        print_entry("in all", in_bytes(size))


def print_obtained(obtained: Obtained) -> None:
    """Where a corpus is now, whether it is as released, and what may come next."""
    clips = obtained.corpus.clips
    warn([*obtained.corpus.warnings, *obtained.differences])
    released = "" if obtained.differences else ", as released"
    speakers = number_of(clips["speaker"].nunique(), "speaker")
    say(f"{obtained.corpus.name}: {number_of(len(clips), 'clip')} of {speakers}{released}, in {obtained.folder}")
    say(f"look at it: ser-bench corpora show {obtained.folder}")
    say(f"evaluate on it: ser-bench run {obtained.folder}")


def print_overview(overview: Overview) -> None:
    """What a corpus holds."""
    corpus, counts, seconds = overview.corpus, overview.counts, overview.seconds.dropna()
    say(corpus.name, bold=True)
    print_entry("recognised", overview.recognised)
    print_entry("clips", f"{len(corpus.clips):,} of {number_of(len(counts), 'speaker')}, {number_of(counts.shape[1], 'emotion')}")
    if len(seconds):
        print_entry(
            "durations",
            f"{seconds.min():.2f} to {seconds.max():.2f} s, median {seconds.median():.2f} s; {seconds.sum() / 60:.0f} minutes in all",
        )
    kinds = Counter(overview.headers[["rate", "channels"]].dropna().itertuples(index=False, name=None)).most_common()
    if kinds:
        channels = {1: "mono", 2: "stereo"}
        told = [f"{rate:,.0f} Hz {channels.get(n, f'{n:.0f} channels')} ({count:,})" for (rate, n), count in kinds]
        print_entry("recorded at", ", ".join(told))
    if corpus.facts:
        print_entry("licence", corpus.facts.licence)
    say("")
    _print_counts(counts)
    say("")
    rows = [(row.Index, row.emotion, row.original, row.speaker, f"{row.seconds:.2f}") for row in overview.examples.itertuples()]
    print_table(("clip", "emotion", "original", "speaker", "seconds"), rows)
    say("")
    for line in overview.warnings:
        print_entry("warning", line)


def _print_counts(counts: pd.DataFrame) -> None:
    """Clips per speaker and emotion; of many speakers the fewest and the most that one has."""
    if len(counts) > MOST_SPEAKERS:
        rows = [
            (emotion, str(values.sum()), str((values > 0).sum()), str(values.min()), str(values.max()))
            for emotion, values in counts.items()
        ]
        print_table(("emotion", "clips", "speakers", "fewest", "most of a speaker"), rows)
        return
    rows = [
        (speaker, *map(str, values), str(sum(values))) for speaker, values in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
    total = counts.sum().tolist()
    print_table(("speaker", *map(str, counts.columns), "all"), [*rows, ("all", *map(str, total), str(sum(total)))])
