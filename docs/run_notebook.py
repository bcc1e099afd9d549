"""Execute a notebook and keep what its cells show: `python docs/run_notebook.py docs/quickstart.ipynb [TARGET]`.

In:   a notebook of Python cells.
Out:  the same with outputs, written over it or to TARGET: text, HTML of the last expression, figures as PNG.
Rule: cells run in their order in one fresh interpreter, in a temporary folder; an error stops it, and nothing is written.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")


def execute(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with outputs."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    cells, count = [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            cell = cell | {"execution_count": count, "outputs": run_cell("".join(cell["source"]), scope, count)}
        cells.append(cell)
    return notebook | {"cells": cells}


def run_cell(source: str, scope: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """What a cell prints, shows as its last expression, and draws."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";") else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), f"<cell {count}>", "exec"), scope)
        if last is not None:
            value = eval(compile(last, f"<cell {count}>", "eval"), scope)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(keepends=True)})
    if value is not None:
        outputs.append({"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": shown(value)})
    return outputs + figures()


def shown(value: Any) -> dict[str, Any]:
    """A value as a notebook shows it."""
    data = {"text/plain": repr(value).splitlines(keepends=True)}
    page = value._repr_html_() if hasattr(value, "_repr_html_") else None
    return data | ({"text/html": page.splitlines(keepends=True)} if page else {})


def figures() -> list[dict[str, Any]]:
    """The open figures, which are closed."""
    from matplotlib import pyplot

    outputs = []
    for number in pyplot.get_fignums():
        drawn = io.BytesIO()
        pyplot.figure(number).savefig(drawn, format="png", dpi=80, bbox_inches="tight", metadata={"Software": None})
        data = {"image/png": base64.b64encode(drawn.getvalue()).decode(), "text/plain": ["<Figure>"]}
        outputs.append({"output_type": "display_data", "metadata": {}, "data": data})
    pyplot.close("all")
    return outputs


def main(source: Path, target: Path) -> None:
    """Execute one notebook and write it as another."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    target = target.resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        done = execute(notebook)
    target.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else sys.argv[1]))
