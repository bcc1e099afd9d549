"""Pages of the site that are kept elsewhere: README, CONTRIBUTING and CHANGELOG, and the Python interface from its docstrings.

In: the configuration of MkDocs. Out: pages beside those of docs/, with links that hold there: a page of docs/ or a picture is linked as
a neighbour, any other file of the repository at its home.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import ser_bench
from ser_bench import scores

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
PICTURES = "https://raw.githubusercontent.com/ser-bench/ser-bench/main/docs/"
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace(f"]({PICTURES}", "](docs/")
        files.append(File.generated(config, page, content=LINK.sub(lambda link: _moved(link, config["repo_url"]), text)))
    files.append(File.generated(config, "api.md", content=_interface()))
    return files


def _moved(link: re.Match[str], home: str) -> str:
    target, anchor = link[1], link[2] or ""
    if not (ROOT / target).exists():
        raise FileNotFoundError(f"no such file: {target}, to which a page links")
    if target in PAGES or target.startswith("docs/"):
        return f"]({PAGES.get(target, target.removeprefix('docs/'))}{anchor})"
    return f"]({home}/blob/main/{target}{anchor})"


def _interface() -> str:
    """Every public name, at the module that defines it."""
    lines = ["# Python interface", "", "## ser_bench", ""]
    lines += [_entry(ser_bench, name) for name in ser_bench.__all__]
    lines += ["## ser_bench.scores", "", (scores.__doc__ or "").strip(), ""]
    lines += [_entry(scores, name) for name in scores.__all__]
    return "\n".join(lines)


def _entry(module: Any, name: str) -> str:
    """A name by the module that it is defined in, which is where its docstring is read."""
    value = getattr(module, name)
    home = getattr(value, "__module__", "") if callable(value) else ""
    return f"::: {home or module.__name__}.{name}\n" if home.startswith("ser_bench") else f"::: {module.__name__}.{name}\n"
