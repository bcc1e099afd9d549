"""What `ser-bench corpora` prints: the catalogue, the terms of one corpus, what was downloaded, what a corpus holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ser_bench.cli.output import print_entry, print_table, say, warn

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
"""Speakers up to which each has a line of its own."""


def print_corpora() -> None:
    """A paragraph per corpus: its size, emotions, licence, how to obtain it."""
    from ser_bench.corpora import catalogue, known_readers
    from ser_bench.corpora.obtaining import how_to_obtain

    readers = known_readers()
    for row in catalogue():
        facts = readers[row["corpus"]].facts
        say(row["corpus"], bold=True)
        if facts is None:
            print_entry("", "nothing is known of it as released")
            continue
        language = f" ({row['language']})" if row["language"] else ""
        print_entry(
            "clips", f"{row['clips']:,} of {_speakers(row['speakers'])}{language}, {row['rate']:,} Hz; protocol {row['protocol'] or 'auto'}"
        )
        print_entry("emotions", row["emotions"] or "as its table has them")
        print_entry("licence", row["licence"])
        print_entry("obtain", how_to_obtain(row["corpus"], facts))
        print_entry("citation", row["citation"])


def _speakers(number: int) -> str:
    return f"{number:,} speaker{'s' if number > 1 else ''}"


def print_terms(name: str, facts: CorpusInfo) -> None:
    """On which terms a corpus is to be had, before it is."""
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
    say(f"{obtained.corpus.name}: {len(clips):,} clips of {clips['speaker'].nunique()} speakers{released}, in {obtained.folder}")
    say(f"look at it: ser-bench corpora show {obtained.folder}")
    say(f"evaluate on it: ser-bench run {obtained.folder}")


def print_overview(overview: Overview) -> None:
    """What a corpus holds."""
    corpus, counts, seconds = overview.corpus, overview.counts, overview.seconds.dropna()
    say(corpus.name, bold=True)
    print_entry("recognised", overview.recognised)
    print_entry("clips", f"{len(corpus.clips):,} of {len(counts)} speakers, {counts.shape[1]} emotions")
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
