"""What reports were made from, so that those of an unchanged run are left as they are, and its results need not be computed again.

In:   a run folder, the names of files in it, a digest of all that they are made from, and a way to make them.
Out:  the files, and in `made.json` the digest and a hash of each of them; beside them, what else is to be known the next time.
Rule: they are left only if what they would be made from is the same to the last bit, the code and its libraries included, and if every
      file is still as it was made. What was made with a warning is made, and warned of, again.
"""

from __future__ import annotations

import hashlib
import json
import platform
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ser_bench.evaluation.analysis_folders import AblationFolder, AuditFolder, RecipeFolder
from ser_bench.evaluation.result_folder import ResultFolder
from ser_bench.evaluation.run_folder import RunFolder
from ser_bench.reports.players import sounds
from ser_bench.reports.rendering import way_back
from ser_bench.utils.spec import versions

LIBRARIES = ("numpy", "pandas", "scipy", "matplotlib", "jinja2", "pillow", "optuna", "scikit-learn", "numba", "soundfile", "soxr")
BESIDE = (AuditFolder, AblationFolder, RecipeFolder)
"""Kinds of folders that a run's page shows."""
FOR_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""Warnings that Python shows nobody else: they do not say that anything is missing from what is made."""
PAGES = (".html", ".md")
"""How the names of files end that pages are not made from."""


def make_if_changed(folder: Path, names: Iterable[str], source: str, make: Callable[[], None]) -> bool:
    """Make files of a folder, unless they are there as they were made from the same.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        Of the files, below the folder; `make` may leave some out.
    source : str
        A digest of what they are made from.
    make : callable

    Returns
    -------
    bool
        Whether they were made.
    """
    names = sorted(names)
    record, key = ResultFolder(folder).read_made(), names[0]
    if _unchanged(folder, record.get(key), source, names):
        return False
    with warnings.catch_warnings(record=True) as said:
        make()
    for one in said:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    record.pop(key, None)
    if all(issubclass(one.category, FOR_DEVELOPERS) for one in said):
        record[key] = {"from": source, "files": _hashes(folder, names)}
    ResultFolder(folder).write_made(record)
    return True


def keep(folder: Path, key: str, source: str, names: Iterable[str], what: dict[str, Any]) -> None:
    """Keep what was made from `source` along with files of these names, as JSON, under a key."""
    kept_in = ResultFolder(folder)
    kept_in.write_made(kept_in.read_made() | {key: {"from": source, "files": _hashes(folder, sorted(names)), "what": what}})


def kept(folder: Path, key: str, source: str, names: Iterable[str]) -> dict[str, Any] | None:
    """What is kept under a key, if it was made from the same, and files of these names, and no others, are as they were then."""
    found = ResultFolder(folder).read_made().get(key)
    return dict(found["what"]) if found and _unchanged(folder, found, source, sorted(names)) else None


def made_quietly(folder: Path, names: Iterable[str]) -> bool:
    """Whether files were all made without a warning."""
    made = (entry["files"] for entry in ResultFolder(folder).read_made().values() if isinstance(entry, dict) and "what" not in entry)
    return {*names} <= {name for files in made for name in files}


def digest_of(*parts: str | bytes) -> str:
    """A digest of the code, its libraries and what is made from.

    >>> digest_of("a", "bc") == digest_of("ab", "c")
    False
    """
    covered = hashlib.blake2b(_code().encode(), digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        covered.update(len(data).to_bytes(8, "little") + data)
    return covered.hexdigest()


def page_source(folder: RunFolder) -> str:
    """A digest of all that a run's page is made from: the files of its folder, the audio that it links, and audits and ablations beside.

    Of `environment.json` without the seconds, which no page shows.
    """
    about = {name: value for name, value in folder.read_about().items() if name != "stages"}
    own = [path for path in _sources(folder) if path != folder.environment]
    here = folder.path.absolute()
    beside = [
        path
        for other in sorted(here.parent.iterdir())
        if other != here and any(kind(other).known for kind in BESIDE)
        for path in [other, *_sources(ResultFolder(other))]
    ]
    contents = [part for path in [*own, *beside] for part in (str(path.name), path.read_bytes() if path.is_file() else b"")]
    return digest_of(json.dumps(about, sort_keys=True), json.dumps(_audio(folder)), way_back(folder.path), *contents)


def _audio(folder: RunFolder) -> list[tuple[str, str, int, int]]:
    """Of each clip that a page can play: its name, address, size and time of change."""
    found = sounds(folder.read_configuration(), folder.path, folder.read_clips())
    states = ((clip, sound.address, sound.file.stat()) for clip, sound in found.items())
    return [(clip, address, state.st_size, state.st_mtime_ns) for clip, address, state in states]


def _sources(folder: ResultFolder) -> list[Path]:
    return [path for path in folder.files if path.suffix not in PAGES]


def _unchanged(folder: Path, found: Any, source: str, names: list[str]) -> bool:
    return isinstance(found, dict) and found.get("from") == source and found.get("files") == _hashes(folder, names)


def _hashes(folder: Path, names: list[str]) -> dict[str, str]:
    """A hash of each file, nothing of one that is not there."""
    paths = {name: folder / name for name in names}
    return {name: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() if path.is_file() else "" for name, path in paths.items()}


@cache
def _code() -> str:
    """A digest of every file of the package and of the versions of the libraries that pages and pictures are made with."""
    package = Path(__file__).parents[1]
    covered = hashlib.blake2b(json.dumps([platform.python_version(), versions(LIBRARIES)]).encode(), digest_size=16)
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            covered.update(path.relative_to(package).as_posix().encode() + hashlib.blake2b(path.read_bytes()).digest())
    return covered.hexdigest()
