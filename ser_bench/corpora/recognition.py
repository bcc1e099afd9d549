"""Which corpora the files of a folder are of: one, or several that were put together.

In:   a folder, and the audio files below it.
Out:  the corpora among them, each with its reader and its files, and lines on what was left over or could be read otherwise.
Rule: the reader that understands most of the names reads them; what it leaves is another corpus if a reader makes one of it. Two that
      understand the same names alike are asked about, never chosen between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ser_bench.corpora.base import FileNameReader
from ser_bench.corpora.names import first
from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.formatting import number_of

LEAST = 0.01
"""The share of a folder's audio files below which what a second reader understands are strays, no corpus."""
ALIKE = 0.5
"""The share of a corpus's files above which another reader that understands them as well is named."""
MANIFEST = "write a manifest: a CSV file with columns path, emotion, speaker"

Matches = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By reader: by file, what its name says."""


@dataclass(frozen=True)
class Recognised:
    """A corpus in a folder.

    Parameters
    ----------
    reader : FileNameReader
    files : list of str
        Those it is to read: all of the folder's where the corpus is alone there, otherwise its own.
    own : int
        How many of them its grammar understands.
    remarks : tuple of str
    """

    reader: FileNameReader
    files: list[str]
    own: int
    remarks: tuple[str, ...] = ()


def recognise(folder: Path, files: list[str], known: Mapping[str, type[FileNameReader]], chosen: str = "") -> list[Recognised]:
    """The corpora in a folder, the largest first.

    Parameters
    ----------
    folder : Path
    files : list of str
        Its audio files, relative to it.
    known : mapping of str to type of FileNameReader
        The readers by name.
    chosen : str
        The one to read; all without.

    Raises
    ------
    WrongCall
        Where no reader understands more than half of the files, two understand the same ones alike, or the chosen one none.
    """
    matched = {name: found for name, reader in known.items() if (found := reader().matches(files))}
    if chosen and chosen not in matched:
        raise WrongCall(f"{folder}: none of its {len(files)} audio files is named as those of {chosen}")
    shares = dict(_share_out(files, matched))
    if chosen and chosen not in shares:
        return [Recognised(known[chosen](), files, len(matched[chosen]))]
    if not chosen:
        _check(folder, files, shares, matched, known)
    return [
        Recognised(known[name](), mine if len(shares) > 1 else files, len(mine), tuple(_remarks(folder, files, name, shares, matched)))
        for name, mine in shares.items()
        if chosen in {"", name}
    ]


def _check(folder: Path, files: list[str], shares: Mapping[str, list[str]], matched: Matches, known: Iterable[str]) -> None:
    """Refuse a folder most of whose files no reader understands, or two alike."""
    if 2 * sum(map(len, shares.values())) <= len(files):
        near = f" ({max(matched, key=lambda name: len(matched[name]))} would explain {max(map(len, matched.values()))})" if matched else ""
        raise WrongCall(f"{folder}: nobody recognises its {len(files)} audio files{near}; known are {', '.join(known)}. Else {MANIFEST}")
    for name, mine in shares.items():
        if alike := [other for other, found in matched.items() if other not in shares and found.keys() >= set(mine)]:
            ways = " or ".join(f"{folder}#{one}" for one in (name, *alike))
            raise WrongCall(f"{folder}: {' and '.join((name, *alike))} recognise its files alike; name {ways}, or {MANIFEST}")


def _share_out(files: list[str], matched: Matches) -> Iterator[tuple[str, list[str]]]:
    """Each corpus with its files: the reader that understands most, then the one that understands most of what is left, and so on."""
    left = dict.fromkeys(files)
    for number in range(len(matched)):
        mine = {name: [file for file in found if file in left] for name, found in matched.items()}
        best = max(mine, key=lambda name: len(mine[name]))
        if number and not _is_corpus(matched[best], mine[best], len(files)):
            return
        yield best, mine[best]
        left = {file: None for file in left if file not in matched[best]}


def _is_corpus(said: Mapping[str, Mapping[str, str]], mine: list[str], n_files: int) -> bool:
    """Whether some files of a folder are enough of two speakers and emotions to be a corpus of their own."""
    several = all(len({said[file].get(column, file) for file in mine}) > 1 for column in ("speaker", "emotion"))
    return several and len(mine) >= LEAST * n_files


def _remarks(folder: Path, files: list[str], name: str, shares: Mapping[str, list[str]], matched: Matches) -> Iterator[str]:
    """What else is in a corpus's folder, and who else would read its files."""
    mine = set(shares[name])
    for other, found in matched.items():
        same = len(mine & found.keys())
        if other != name and same > ALIKE * len(mine):
            yield f"{other} would read {same} of the {len(mine)} files as well; if that is what they are, name {folder}#{other}"
    if len(shares) == 1:
        return
    counts = ", ".join(f"{other} ({len(own)})" for other, own in shares.items())
    yield f"{folder} holds several corpora, each of which is read by itself: {counts}"
    known = {file for own in shares.values() for file in own}
    if left := [file for file in files if file not in known]:
        told = number_of(len(left), f"audio file of {folder} is", f"audio files of {folder} are")
        yield f"{told} of none of its corpora and left out: {first([quoted(file) for file in left])}"
