"""Whether a file may be read at all: regular, and of a size that fits.

In:   a path.
Out:  nothing, or an `OSError` whose ``strerror`` is one short phrase.
Rule: looked at before it is opened: a pipe would be waited for, and a device has no end.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

LARGEST_FILE = 1 << 31
"""Bytes of a file that is read as a whole."""
KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}


def check_regular(path: str | Path, largest: int = LARGEST_FILE) -> None:
    """Refuse what is no regular file, or too large; folders and what is not there are left to whoever opens them.

    Raises
    ------
    OSError
    """
    found = os.stat(path)
    kind = KINDS.get(stat.S_IFMT(found.st_mode))
    if kind:
        raise OSError(0, f"{kind}, not a regular file", str(path))
    if found.st_size > largest:
        unit, word = (1 << 30, "GB") if largest >= 1 << 30 else (1 << 20, "MB")
        raise OSError(0, f"a file of {found.st_size / unit:.1f} {word}, where at most {largest / unit:g} {word} are read", str(path))
