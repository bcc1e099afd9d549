"""The tables of corpora, label schemes, feature sets, groups, models, recipes and options in README and docs/: `python docs/catalogues.py`.

In:   what is built in, and the pages, in which `<!-- table: NAME -->` stands before each table.
Out:  the tables, written again; with `--check` nothing is written, and the exit code is 1 where a table is not as it would be written.
Rule: rows keep their order on the page, new ones follow by name; what a group of columns is about is what an extractor's
      `about_groups` says, else what stands on the page.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ser_bench.api.options import PURPOSES, USED
from ser_bench.corpora import known_readers, known_schemes
from ser_bench.evaluation.recipes import catalogue, known_recipes
from ser_bench.features import Extractor, known_extractors
from ser_bench.models import known_models
from ser_bench.utils.plugins import provider

ROOT = Path(__file__).parents[1]
Rows = dict[str, tuple[str, ...]]


def corpora(_: Rows) -> Rows:
    """Each corpus with its official size, customary protocol, licence, citation and address."""
    rows = {}
    for name, reader in known_readers().items():
        facts = reader.facts
        if not provider(reader) and facts:
            sizes = (f"{facts.clips:,}", f"{facts.speakers:,}", f"{facts.rate:,}")
            got = f"`ser-bench corpora get {name}`, from " if facts.archives else ""
            rows[name] = (*sizes, reader.protocol or "", facts.licence, facts.citation, f"{got}{facts.obtain}")
    return rows


def labels(_: Rows) -> Rows:
    """Each label scheme with its description and mapping."""
    return {name: (scheme.description, scheme.mapping if scheme.columns else "") for name, scheme in known_schemes().items()}


def built_in() -> dict[str, Extractor]:
    """The extractors of this package, by name, with their default parameters."""
    return {name: cls() for name, cls in known_extractors().items() if not provider(cls)}


def features(_: Rows) -> Rows:
    """Each feature set with its size, description and source."""
    return {name: (f"{sum(one.group_sizes.values()):,}", one.description, one.source) for name, one in built_in().items()}


def groups(on_page: Rows) -> Rows:
    """Each group of columns with what it is about and how many columns of which set it has."""
    about, counts = {name: cells[0] for name, cells in on_page.items()}, {}
    for name, one in built_in().items():
        about = {**about, **one.about_groups}
        for group, n in one.group_sizes.items():
            counts.setdefault(group, []).append(f"`{name}` {n}")
    if missing := sorted(set(counts) - set(about)):
        sys.exit(f"groups without words: {', '.join(missing)}; name them in their extractor's about_groups")
    return {group: (about[group], ", ".join(sets)) for group, sets in counts.items()}


def models(_: Rows) -> Rows:
    """Each model with its description and the hyperparameters that are searched."""
    return {
        name: (model.description, ", ".join(f"`{key}`" for key in model.defaults))
        for name, model in known_models().items()
        if not provider(model)
    }


def recipes(_: Rows) -> Rows:
    """Each recipe with its title, corpus, system, split, what was claimed and what it needs."""
    rows = {}
    for row in catalogue():
        splits = dict.fromkeys(one.split.words for one in known_recipes()[row["recipe"]].experiments)
        rows[row["recipe"]] = (row["title"], row["corpus"], row["system"], " / ".join(splits), row["claimed"], row["needs"])
    return rows


def options(_: Rows) -> Rows:
    """Each key of a configuration with what it says and the commands that use it."""
    using = {key: [command for command, keys in USED.items() if key in keys] for key in PURPOSES}
    return {
        key: (PURPOSES[key], "all" if len(commands) == len(USED) else ", ".join(f"`{command}`" for command in commands))
        for key, commands in using.items()
    }


TABLES: dict[str, tuple[str, Callable[[Rows], Rows]]] = {
    "corpora": ("docs/corpora.md", corpora),
    "labels": ("docs/corpora.md", labels),
    "features": ("README.md", features),
    "groups": ("docs/groups.md", groups),
    "models": ("README.md", models),
    "recipes": ("docs/recipes.md", recipes),
    "options": ("docs/python.md", options),
}


def renewed(page: str, name: str, make: Callable[[Rows], Rows]) -> str:
    """The page with the rows of one table as the code has them."""
    found = re.search(rf"<!-- table: {name} -->\n(?P<head>\|.*\n\|.*\n)(?P<rows>(?:\|.*\n)*)", page)
    if not found:
        sys.exit(f"no table of {name} on its page: write <!-- table: {name} --> before it")
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in found["rows"].splitlines()]
    on_page = {first.strip("`"): tuple(others) for first, *others in cells}
    rows = make(on_page)
    order = [*(key for key in on_page if key in rows), *sorted(set(rows) - set(on_page))]
    text = "".join(f"| {' | '.join([f'`{key}`', *map(escaped, rows[key])])} |\n" for key in order)
    return page[: found.start("rows")] + text + page[found.end("rows") :]


def escaped(cell: str) -> str:
    """A cell's text, in which no line ends and no bar separates cells."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(cell.split()))


def main(arguments: Iterable[str] | None = None) -> int:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, and exit with 1 where a table is out of date")
    check = parser.parse_args(None if arguments is None else list(arguments)).check
    stale = []
    for name, (page, make) in TABLES.items():
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        after = renewed(before, name, make)
        if after != before:
            stale.append(name)
            if not check:
                path.write_text(after, encoding="utf-8")
    if check and stale:
        print(f"tables out of date: {', '.join(stale)}; run python docs/catalogues.py", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
