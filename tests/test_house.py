"""Imports run one way, so that every room can be understood without those above it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ser_bench

HOUSE = Path(ser_bench.__file__).parent
FLOORS = (
    "errors",
    "utils",
    "scores",
    "audio",
    "config",
    "corpora",
    "features",
    "models",
    "evaluation",
    "analyses",
    "reports",
    "bundle",
    "results",
    "figures",
    "api",
    "cli",
    "__main__",
)
MAPPED = ("api", "analyses", "audio", "bundle", "evaluation", "features", "reports")
"""Rooms whose docstring says what each of their files is for."""
HEIGHT = {room: height for height, room in enumerate(FLOORS)}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module", autouse=True)
def nodes_are_forgotten() -> Iterator[None]:
    """A million objects, which each later collection of garbage would look through."""
    yield
    nodes_of.cache_clear()


def imports(file: Path) -> set[str]:
    """The rooms that a file names in any import, those inside functions too."""
    found = set()
    for node in nodes_of(file):
        if isinstance(node, ast.ImportFrom) and node.module == "ser_bench":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ser_bench."):
            found.add(room_of(node.module))
    return found


@pytest.mark.parametrize("file", sorted(HOUSE.rglob("*.py")), ids=lambda file: file.relative_to(HOUSE).as_posix())
def test_a_room_imports_nothing_from_above(file):
    room = file.relative_to(HOUSE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    assert room in HEIGHT, f"{room} has no place in the house yet"
    assert all(HEIGHT[other] < HEIGHT[room] or other == room for other in imports(file))


def test_reports_show_and_never_score():
    scoring = [file.name for file in (HOUSE / "reports").rglob("*.py") if "scores" in imports(file)]
    assert scoring == [], "scores are handed to reports: see evaluation/scoring.py and evaluation/diagnostics.py"


def modules_imported(file: Path) -> set[Path]:
    """The files that a file imports, inside functions too, but for what only types name."""
    of_types = {
        id(node)
        for block in nodes_of(file)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in nodes_of(file):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "ser_bench" and id(node) not in of_types:
            place = HOUSE.parent.joinpath(*str(node.module).split("."))
            for name in (alias.name for alias in node.names):
                homes = (place / f"{name}.py", place / name / "__init__.py", place.with_suffix(".py"), place / "__init__.py")
                found.add(next(home for home in homes if home.exists()))
    return found - {file}


def circle(imported: dict[Path, set[Path]]) -> list[Path]:
    """Files that import each other in turn, the first of them once more at the end; none where imports run one way."""
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other():
    one, other = HOUSE / "one.py", HOUSE / "other.py"
    assert set(circle({one: {other}, other: {one}})) == {one, other}
    assert circle({file: modules_imported(file) for file in HOUSE.rglob("*.py")}) == []


def listing() -> str:
    """The rooms from the top to the bottom, each with what the first paragraph of its docstring says."""
    lines = []
    for room in reversed(FLOORS[:-1]):
        folder = (HOUSE / room).is_dir()
        said = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py" if folder else HOUSE / f"{room}.py").read_text())) or ""
        lines.append(f"    {room + ('/' if folder else '.py'):13} {said.split(chr(10) * 2)[0].replace(chr(10), ' ')}")
    return "\n".join(lines)


def test_contributing_lists_the_rooms_as_they_describe_themselves():
    page = HOUSE.parent / "CONTRIBUTING.md"
    assert listing() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("room", MAPPED)
def test_a_room_s_docstring_says_where_everything_is(room):
    said = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text())) or ""
    assert {file.stem for file in (HOUSE / room).glob("*.py")} - {"__init__"} <= set(re.findall(r"`(\w+)`", said))


def test_no_two_classes_share_a_name():
    homes = defaultdict(list)
    for file in sorted(HOUSE.rglob("*.py")):
        for node in nodes_of(file):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(file.relative_to(HOUSE).as_posix())
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def where_is_what() -> list[tuple[str, str]]:
    """The files in the table of CONTRIBUTING, each with a name that is said to be defined there, or none."""
    page = (HOUSE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = page.partition("## Where is what")[2].partition("\n## ")[0].partition("|---|---|\n")[2]
    places = re.findall(r"`([\w.]+/[\w/.]+)`(?::((?:[ ,]+`\w+`)+))?", rows)
    return [(file, name) for file, names in places for name in re.findall(r"\w+", names) or [""]]


def test_contributing_says_where_is_what():
    found = where_is_what()
    assert ("audio/clip.py", "decode") in found
    for file, name in found:
        text = (HOUSE / file).read_text(encoding="utf-8")
        assert re.search(rf"^(?:(?:def|class) )?{name}\b", text, re.MULTILINE) or not name, f"{file} has no {name}"
