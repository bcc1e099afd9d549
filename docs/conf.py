"""The documentation site: Sphinx reads the Markdown of docs/, and three pages that are kept at the top of the repository.

In:   docs/*.md and the notebook; README, CONTRIBUTING and CHANGELOG; the docstrings of the public names.
Out:  site/, by `make docs`, where any warning is an error.
Rule: links hold as they do in the repository: a page of docs/ or a picture is linked as a neighbour, any other file at its home.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from inspect import isclass, isfunction, ismodule
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HOME = "https://github.com/ser-bench/ser-bench"
PICTURES = "https://raw.githubusercontent.com/ser-bench/ser-bench/main/docs/"
ELSEWHERE = {"index": "README.md", "contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
ABOVE = re.compile(r"\]\(\.\./([^)#\s]+)")
KINDS = {"autoclass": isclass, "autofunction": isfunction, "automodule": ismodule}
"""What Sphinx describes names with, by what they are."""
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")

project = "ser-bench"
author = copyright = "The ser-bench developers"
release = metadata.version("ser-bench")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}
html_theme = "furo"
html_title = "ser-bench"
html_copy_source = False
myst_heading_anchors = 4
default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False


def setup(app: Any) -> None:
    """Have sources read as this site needs them."""
    app.connect("source-read", read_source)


def read_source(app: Any, page: str, source: list[str]) -> None:
    """Put what is kept elsewhere into its page, and make Markdown of a notebook."""
    if page in ELSEWHERE:
        text = (ROOT / ELSEWHERE[page]).read_text(encoding="utf-8").replace(f"]({PICTURES}", "](docs/")
        source[0] = f"{LINK.sub(_moved, text)}\n{source[0]}"
    elif page == "api":
        source[0] += _interface()
    elif Path(app.env.doc2path(page)).suffix == ".ipynb":
        source[0] = "\n\n".join(part for cell in json.loads(source[0])["cells"] for part in _cell(cell))
    else:
        source[0] = ABOVE.sub(_above, source[0])


def _moved(link: re.Match[str]) -> str:
    """A link of a page at the top of the repository, as it is from docs/."""
    target, anchor = link[1], link[2] or ""
    if not (ROOT / target).exists():
        raise FileNotFoundError(f"no such file: {target}, to which a page links")
    pages = {file: f"{page}.md" for page, file in ELSEWHERE.items()}
    if target in pages or target.startswith("docs/"):
        return f"]({pages.get(target, target.removeprefix('docs/'))}{anchor})"
    return f"]({HOME}/blob/main/{target}{anchor})"


def _above(link: re.Match[str]) -> str:
    """A link of a page of docs/ to what lies above it, as it is on the site."""
    if not (ROOT / link[1]).exists():
        raise FileNotFoundError(f"no such file: {link[1]}, to which a page links")
    pages = {file: f"{page}.md" for page, file in ELSEWHERE.items()}
    return f"]({pages.get(link[1], f'{HOME}/blob/main/{link[1]}')}"


def _cell(cell: dict[str, Any]) -> list[str]:
    """A notebook's cell as Markdown: its source, and what it printed, showed and drew."""
    text = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return [text]
    return [f"```python\n{text}\n```", *(_output(output) for output in cell["outputs"])]


def _output(output: dict[str, Any]) -> str:
    data = {kind: "".join(lines) for kind, lines in output.get("data", {}).items()}
    if "image/png" in data:
        picture = f"data:image/png;base64,{data['image/png'].strip()}"
        return f'```{{raw}} html\n<img alt="The figure that the cell above draws" src="{picture}">\n```'
    if "text/html" in data:
        table = data["text/html"].replace('<table border="1" class="dataframe">', '<table class="docutils">')
        return f'```{{raw}} html\n<div class="table-wrapper">{table}</div>\n```'
    return f"```text\n{''.join(output.get('text', [])) or data['text/plain']}\n```"


def _interface() -> str:
    """Every public name, by the module that a reader imports it from."""
    import ser_bench
    from ser_bench import figures, scores

    lines = ["## ser_bench", *(_entry(ser_bench, name) for name in ser_bench.__all__)]
    lines += ["## ser_bench.figures", *(_entry(figures, name) for name in figures.__all__)]
    lines += ["## ser_bench.scores", (scores.__doc__ or "").strip(), *(_entry(scores, name) for name in scores.__all__)]
    return "\n\n".join(["", *lines, ""])


def _entry(module: Any, name: str) -> str:
    value = getattr(module, name)
    kind = next((kind for kind, fits in KINDS.items() if fits(value)), "autodata")
    members = "   :members:\n" if kind == "autoclass" else ""
    return f"```{{eval-rst}}\n.. {kind}:: {module.__name__}.{name}\n{members}```"
