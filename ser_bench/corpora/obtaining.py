"""Corpora from their owners: downloaded if that is free to everybody, and named with what to ask for if not.

In:   a reader's facts (`CorpusInfo.archives`), a folder, the user's consent to the licence.
Out:  the corpus in that folder, read as `load_corpus` reads it, and what of it is not as it was released.
Rule: the folder is there whole or not at all; what has come so far lies beside it, and the same call goes on there. Nothing is kept
      that is not what its owners publish. What downloading and unpacking need is imported only then, as every list of corpora passes here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote

from ser_bench.corpora.base import Archive, Corpus, CorpusInfo, FileNameReader
from ser_bench.corpora.loading import known_readers, load_corpus
from ser_bench.errors import SerBenchError, WorkFailed, WrongCall
from ser_bench.utils import plugins
from ser_bench.utils.atomic import write_text
from ser_bench.utils.calls import named_arguments
from ser_bench.utils.progress import Progress, Silent, progress_of

AT_ONCE = 4
"""Files of one corpus that are fetched at the same time."""
SOURCE, BUILT_IN = "SOURCE.txt", "built in"
POINTER = re.compile(r"version https://git-lfs\.github\.com/spec/\S+\noid (?P<checksum>sha256:[0-9a-f]{64})\nsize (?P<size>\d+)\n")
"""What a repository holds in the place of a file that is in Git LFS."""


class Obtained(NamedTuple):
    """A corpus that was downloaded: where it is, the corpus, and in what it differs from the release."""

    folder: Path
    corpus: Corpus
    differences: list[str]


class RemoteFile(NamedTuple):
    """A file of a list of files: its address, its path below the corpus folder, what is published of it."""

    url: str
    path: PurePosixPath
    size: int
    checksum: str


def facts_of(name: str) -> CorpusInfo:
    """What is known of a corpus by name.

    Raises
    ------
    WrongCall
        Where there is no reader of that name, or nothing is known of its corpus.
    """
    facts = plugins.find("corpus", name, known_readers()).facts
    if facts is None:
        raise WrongCall(f"{name}: its reader does not tell where the corpus is to be had")
    return facts


def languages_of(reader: type[FileNameReader]) -> str:
    """The languages of a reader's corpus, such as ``de``; empty where it does not tell."""
    return (reader.facts.languages if reader.facts else "") or reader.constants.get("language", "")


def download_size(facts: CorpusInfo) -> int:
    """Bytes to download, 0 where that is not known."""
    sizes = [archive.size for archive in facts.archives]
    return sum(sizes) if sizes and all(sizes) else facts.size


def how_to_obtain(name: str, facts: CorpusInfo) -> str:
    """How a corpus is to be had, in words."""
    size = download_size(facts)
    if facts.archives:
        return f"ser-bench corpora get {name}{f' ({in_bytes(size)})' if size else ''}, from {facts.obtain}"
    return f"{facts.obtain}{f'; {facts.request}' if facts.request else ''}{f' ({in_bytes(size)})' if size else ''}"


def in_bytes(size: int) -> str:
    """A size for reading.

    >>> in_bytes(208_468_073), in_bytes(1_664_512_929), in_bytes(20_000)
    ('208 MB', '1.7 GB', '20 kB')
    """
    for unit, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.{int(unit == 1e9)}f} {word}"
    return f"{size} bytes"


@named_arguments()
def get(name: str, *, to: str | Path | None = None, accept_licence: bool = False, progress: Progress | bool | None = None) -> Obtained:
    """Download a corpus that may be downloaded freely.

    Parameters
    ----------
    name : str
        Of its reader.
    to : str or Path, optional
        The folder that it becomes; `name` in the working folder without.
    accept_licence : bool
        That its licence (`catalogue`) was read and is kept to.
    progress : bool or Progress, optional
        As in `run`.

    Returns
    -------
    Obtained

    Raises
    ------
    WrongCall
        For an unknown corpus, a folder that holds something else, or where the licence is not accepted.
    WorkFailed
        Where the owners want to be asked, or the download does not succeed: the same call goes on where it was.
    """
    facts, folder = facts_of(name), Path(os.path.abspath(Path(to or name).expanduser()))
    if facts.obtain.startswith(BUILT_IN):
        raise WrongCall(f"{name} is {facts.obtain}; name it wherever a corpus is asked for")
    if not facts.archives:
        raise WorkFailed(f"{name} cannot be downloaded freely: {facts.request or 'ask for it'} at {facts.obtain}")
    if not accept_licence:
        raise WrongCall(f"{name} is under the licence '{facts.licence}': accept_licence=True (--yes) says that it is accepted")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SOURCE).is_file():
        raise WrongCall(f"{folder} holds something else: name a new folder with --to")
    if not (folder / SOURCE).is_file():
        _download(name, facts, folder, progress_of(progress))
    try:
        corpus = load_corpus(str(folder))
    except SerBenchError as error:
        raise WorkFailed(f"{name} was downloaded, but cannot be read: {error}") from None
    if corpus.name != name:
        raise WorkFailed(f"what was downloaded to {folder} as {name} is recognised as {corpus.name}")
    return Obtained(folder, corpus, against_release(corpus))


def against_release(corpus: Corpus) -> list[str]:
    """In what a corpus differs from its release, as far as a look at its table tells; nothing where it does not, or no release is known."""
    facts = corpus.facts
    if facts is None or facts.obtain.startswith(BUILT_IN):
        return []
    here = {"clips": len(corpus.clips), "speakers": corpus.clips["speaker"].nunique()}
    return [f"{n:,} {what} instead of the released {getattr(facts, what):,}" for what, n in here.items() if facts.differs(what, n)]


def _download(name: str, facts: CorpusInfo, folder: Path, progress: Progress) -> None:
    """All archives of a corpus, unpacked; the folder appears when it is whole."""
    from ser_bench.utils.download import fetch
    from ser_bench.utils.unpacking import clear

    work = folder.with_name(f".{folder.name}-download")
    whole = work / "whole"
    clear(work / "unpacked")
    lines = [name, facts.citation, f"Licence: {facts.licence}", f"From: {facts.obtain}", ""]
    for archive in facts.archives:
        came = fetch(archive.url, work / archive.name, size=archive.size, checksum=archive.checksum, progress=progress)
        lines.append(f"{archive.url}\n  {archive.checksum or 'no checksum is published'}; {came}")
        if archive.kind == "archive":
            _unpack(archive, work)
        else:
            _fetch_all([*_listed(archive, work, whole)], whole, progress)
    if (work / "unpacked").is_dir():
        whole.mkdir(exist_ok=True)
        for entry in (work / "unpacked").iterdir():
            os.replace(entry, whole / entry.name)
    write_text(whole / SOURCE, "\n".join(lines) + "\n")
    if folder.is_dir():
        folder.rmdir()
    os.replace(whole, folder)
    clear(work)


def _unpack(archive: Archive, work: Path) -> None:
    """Unpack what came; where no checksum said that it is right, it is fetched again the next time if it cannot be."""
    from ser_bench.utils.unpacking import unpack

    try:
        unpack(work / archive.name, work / "unpacked", archive.keep)
    except WorkFailed:
        if not archive.checksum:
            (work / archive.name).unlink()
        raise


def _fetch_all(files: list[RemoteFile], folder: Path, progress: Progress) -> None:
    """Every file of a list into its place; what is there as published is not fetched again."""
    from concurrent.futures import ThreadPoolExecutor

    if not files:
        if not folder.is_dir():
            raise WorkFailed("the list of files is empty: the owners have changed it; see their page")
        return
    progress.start("downloading files", len(files))
    take = partial(_fetch_one, folder=folder)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for _ in pool.map(take, files):
            progress.advance()
    finally:
        pool.shutdown(cancel_futures=True)
        progress.stop()


def _fetch_one(file: RemoteFile, folder: Path) -> None:
    from ser_bench.utils.download import fetch

    fetch(file.url, folder / file.path, size=file.size, checksum=file.checksum, progress=Silent())


def _listed(archive: Archive, work: Path, whole: Path) -> Iterator[RemoteFile]:
    """The files that an archive is a list of."""
    from ser_bench.utils.unpacking import clear, unpack

    if archive.kind == "dataverse":
        yield from _of_dataverse(archive, work / archive.name)
        return
    pointers = work / "pointers"
    clear(pointers)
    unpack(work / archive.name, pointers, archive.keep)
    for path in sorted(path for path in pointers.rglob("*") if path.is_file()):
        below = PurePosixPath(*path.relative_to(pointers).parts[1:])  # the repository's own folder stands first
        found = POINTER.match(path.read_bytes()[:1000].decode("utf-8", "replace"))
        if found:
            yield RemoteFile(archive.files + quote(str(below)), below, int(found["size"]), found["checksum"])
        else:
            (whole / below).parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, whole / below)


def _of_dataverse(archive: Archive, listing: Path) -> Iterator[RemoteFile]:
    from ser_bench.utils.unpacking import wanted

    try:
        found = json.loads(listing.read_bytes())["data"]
        for entry in found.get("latestVersion", found)["files"]:
            file = entry["dataFile"]
            path = PurePosixPath(entry.get("directoryLabel", ""), PurePosixPath(file["filename"]).name)
            if wanted(path, archive.keep) and ".." not in path.parts and not path.is_absolute():
                yield RemoteFile(f"{archive.files}{int(file['id'])}", path, int(file["filesize"]), f"md5:{file['md5']}")
    except (ValueError, KeyError, TypeError, AttributeError):
        listing.unlink()
        raise WorkFailed(f"{archive.url} is no list of files any more; see the owner's page") from None
