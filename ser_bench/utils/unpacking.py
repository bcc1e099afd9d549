"""Archives from elsewhere, unpacked below a folder and nowhere else.

In:   a ZIP or tar archive, compressed or not; or any other file.
Out:  its files below a folder, with their paths; any other file as it is.
Rule: no member leaves the folder, is a link or a device, or stands there twice; an archive that grows beyond all measure is given up.
      What systems leave in archives beside the data (`__MACOSX`, `._*`, `.DS_Store`) is not unpacked.
"""

from __future__ import annotations

import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from ser_bench.errors import WorkFailed, quoted

MOST_FILES = 500_000
LEAST_BOUND, GROWTH = 2 << 30, 30
"""An archive may unpack to so many bytes, or to so many times its own size if that is more."""
BLOCK = 1 << 20
ARCHIVED = re.compile(r"\.(zip|tar|tgz|tbz2|txz|tar\.\w+)$", re.IGNORECASE)


def unpack(archive: Path, folder: Path, keep: str = "*") -> int:
    """Unpack an archive, and count its files.

    Parameters
    ----------
    archive : Path
    folder : Path
        Which is to be there, or not; a file that is there already is an error.
    keep : str
        Which files, as patterns of their paths with ``|`` between.

    Raises
    ------
    WorkFailed
        Naming the archive and the member that is not as it should be, or where there is nothing to unpack.
    """
    bound = max(LEAST_BOUND, GROWTH * archive.stat().st_size)
    written = count = 0
    try:
        for name, content in _members(archive):
            path = _inside(archive, name)
            if _junk(path) or not wanted(path, keep):
                continue
            count += 1
            written += _write(archive, folder / path, content, bound - written)
            if count > MOST_FILES:
                raise WorkFailed(f"{archive}: more than {MOST_FILES:,} files; it is not unpacked further")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise WorkFailed(f"{archive} cannot be unpacked: {quoted(error)}") from None
    if not count:
        raise WorkFailed(f"{archive} holds no file that is looked for ({keep})")
    return count


def wanted(path: PurePosixPath, keep: str) -> bool:
    """Whether a path matches one of several patterns.

    >>> wanted(PurePosixPath("a/b/c.wav"), "*/b/*.wav|*.csv"), wanted(PurePosixPath("a/c.txt"), "*.wav|*.csv")
    (True, False)
    """
    return any(fnmatchcase(str(path), pattern) for pattern in keep.split("|"))


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of an archive with their names, one open at a time."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as whole:
            for info in whole.infolist():
                if stat.S_ISLNK(info.external_attr >> 16):
                    raise WorkFailed(f"{archive}: '{quoted(info.filename)}' is a link; it is not unpacked")
                if not info.is_dir():
                    with whole.open(info) as content:
                        yield info.filename, content
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.isdir() and not member.isreg():
                    raise WorkFailed(f"{archive}: '{quoted(member.name)}' is a link or a device; it is not unpacked")
                content_of = tar.extractfile(member) if member.isreg() else None
                if content_of is not None:
                    with content_of:
                        yield member.name, content_of
    elif ARCHIVED.search(archive.name):
        raise WorkFailed(f"{archive} is no archive, or a torn one")
    else:
        with open(archive, "rb") as content:
            yield archive.name, content


def _inside(archive: Path, name: str) -> PurePosixPath:
    """The path of a member below the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or PureWindowsPath(name).drive or ".." in path.parts or not path.parts:
        raise WorkFailed(f"{archive}: '{quoted(name)}' would lie outside the folder; nothing of it is unpacked")
    return path


def _junk(path: PurePosixPath) -> bool:
    return "__MACOSX" in path.parts or path.name.startswith("._") or path.name in {".DS_Store", "Thumbs.db", "desktop.ini"}


def _write(archive: Path, target: Path, content: IO[bytes], bound: int) -> int:
    """Write a member, and count its bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with open(target, "xb") as file:
        while block := content.read(BLOCK):
            size += len(block)
            if size > bound:
                raise WorkFailed(f"{archive} grows to more than {GROWTH} times its size; it is not unpacked further")
            file.write(block)
    return size


def clear(folder: Path) -> None:
    """Remove what an earlier, unfinished unpacking left."""
    if folder.is_dir():
        shutil.rmtree(folder)
