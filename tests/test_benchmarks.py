"""The scripts of `benchmarks/`: each starts, reads only options that it has, and the simulations print figures.

All of them run in one process, so that heavy libraries are imported once; nothing here measures.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import warm
from tests.small import THOROUGH

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.name for path in BENCHMARKS.glob("*.py"))
COMMANDS = [name for name in SCRIPTS if "ArgumentParser(" in (BENCHMARKS / name).read_text()]
ONE_EACH = [
    "clock.py --times 1 --only help",
    "confounds.py columns --repetitions 1",
    "coverage.py --repetitions 1 --settings 1",
    "intervals.py recall --repetitions 1",
    "planning.py plan --repetitions 1",
    "scale.py scores --clips 100 --rows 2",
    "size.py equal --repetitions 2 --settings 1",
]
OTHERS = [
    "confounds.py speakers --repetitions 1",
    "confounds.py tables --repetitions 1",
    "intervals.py mixture --repetitions 1",
    "planning.py cover --repetitions 1 --sentences 2 --speakers 10",
    "scale.py models features --clips 100 -m logreg --budget smoke",
    "scale.py page --clips 100 --rows 2",
    "size.py equivalent --repetitions 1 --settings 1",
    "size.py worse --repetitions 1 --settings 1",
]
SHORTEST = [*ONE_EACH, *(OTHERS if THOROUGH else ())]
RUN_ALL = """
import contextlib, io, json, pathlib, runpy, sys, traceback

folder, told, *lines = sys.argv[1:]
sys.path[0] = folder  # as it is for each of them
ended = {}
for line in lines:
    said, code = io.StringIO(), 0
    sys.argv = [str(pathlib.Path(folder, line.split()[0])), *line.split()[1:]]
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            code = traceback.format_exc()
    ended[line] = [code, said.getvalue()]
pathlib.Path(told).write_text(json.dumps(ended))
"""

Ended = dict[str, tuple[int | str, str]]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """How each script ends, asked for help or with the least to do: 0 or what went wrong, and what it printed."""
    told = tmp_path_factory.mktemp("benchmarks") / "ended.json"
    lines = [*(f"{name} --help" for name in SCRIPTS), *SHORTEST]
    stderr = told.with_name("stderr")
    process = warm.start(BENCHMARKS, told, *lines, code=RUN_ALL, stderr=stderr)
    assert not process.wait(), stderr.read_text()
    return json.loads(told.read_text())


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_benchmark_starts_and_every_command_says_how_it_is_called(ended, name):
    code, said = ended[f"{name} --help"]
    assert code == 0, code
    assert said.startswith(f"usage: {name}") == (name in COMMANDS)


@pytest.mark.parametrize("line", SHORTEST)
def test_a_simulation_prints_finite_figures(ended, line):
    code, said = ended[line]
    assert code == 0, code
    rows = [row for row in said.splitlines() if re.search(r"\d\.\d|\.\d{3}", row)]
    assert rows[-1:]
    assert not re.search(r"\b(?:nan|inf)\b", said)


def namespaces(tree: ast.AST) -> Iterator[str]:
    """The names by which a script has its options."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation and ast.unparse(node.annotation) == "argparse.Namespace":
            yield node.arg
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".parse_args()"):
            yield ast.unparse(node.targets[0])


def given(tree: ast.AST) -> Iterator[str]:
    """The options that a script has, as attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "parser.add_argument":
            words = [ast.literal_eval(word) for word in node.args]
            yield next((word for word in words if word.startswith("--")), words[0]).lstrip("-").replace("-", "_")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_reads_only_options_that_it_has(name):
    tree = ast.parse((BENCHMARKS / name).read_text())
    known = set(namespaces(tree))
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) in known]
    kept = {node.attr for node in used if isinstance(node.ctx, ast.Store)}
    assert {node.attr for node in used} <= {*given(tree), *kept}
