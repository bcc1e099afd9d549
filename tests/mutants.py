"""What share of the planted faults the tests notice, per module: a table of what `mutmut run` left under ``mutants/``.

In:   mutmut's records, one per module, with the exit code of the tests for each mutant.
Out:  a line per module: mutants tried, killed, survived, in no test; and the names of those that live.
Rule: a mutant that no test reaches counts as alive, and one that was not tried yet counts as nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

SURVIVED, IN_NO_TEST = (0,), (5, 33)


class Share(NamedTuple):
    """A module's mutants that were tried, how many of them the tests killed, and the names of the others."""

    module: str
    tried: int
    alive: list[str]
    untested: list[str]

    @property
    def killed(self) -> int:
        return self.tried - len(self.alive) - len(self.untested)


def shares(folder: Path) -> Iterator[Share]:
    """The share of each module of which any mutant was tried."""
    for record in sorted(folder.rglob("*.py.meta")):
        codes = json.loads(record.read_text(encoding="utf-8"))["exit_code_by_key"]
        tried = {name: code for name, code in codes.items() if code is not None}
        alive, untested = ([name for name, code in tried.items() if code in kind] for kind in (SURVIVED, IN_NO_TEST))
        if tried:
            yield Share(record.relative_to(folder).as_posix().removesuffix(".meta"), len(tried), alive, untested)


def main(folder: Path) -> str | int:
    found = list(shares(folder))
    if not found:
        return f"{folder}: no mutant was tried there; run `make mutants`"
    for share in found:
        for name in [*share.alive, *share.untested]:
            print(name)
    alive, untested = ([name for share in found for name in names(share)] for names in (attrgetter("alive"), attrgetter("untested")))
    every = Share("all", sum(share.tried for share in found), alive, untested)
    print(f"{'module':<50} {'mutants':>8} {'killed':>8} {'survived':>8} {'in no test':>10} {'share':>7}")
    for share in [*found, every]:
        numbers = f"{share.tried:>8} {share.killed:>8} {len(share.alive):>8} {len(share.untested):>10}"
        print(f"{share.module:<50} {numbers} {share.killed / share.tried:>7.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:] or ["mutants"])))
