"""Nothing that is handed in is unpickled, evaluated or imported: the package's own code, read line by line, has no way to."""

import ast
from pathlib import Path

import pytest

import ser_bench

HOUSE = Path(ser_bench.__file__).parent
NAMES = {"eval", "exec", "compile", "__import__", "literal_eval"}
METHODS = {"query", "eval", "read_pickle", "to_pickle", "unsafe_load", "full_load", "system", "popen", "literal_eval"}
MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "runpy", "subprocess", "yaml"}
LOADS = {"joblib", "torch"}
IMPORTERS = {"utils/plugins.py", "utils/partial_imports.py", "__init__.py"}
"""Files that may import by name: the plug-ins that packages registered, modules that callers name in full, and the package's own rooms."""
READS_YAML = "utils/headers.py"
"""The file that may import PyYAML, and of it only what makes no object of a tag."""
STARTS_GIT = "evaluation/environment.py"
"""The file that may start a process: git, with arguments of its own, in the package's folder."""
SENDS_CALLS = "utils/array_files.py"
"""The file that may pickle: calls between a run's own processes, which Dask would pickle itself, and in whose tasks alone they travel."""
ALLOWED = {("yaml", READS_YAML), ("subprocess", STARTS_GIT), ("pickle", SENDS_CALLS), ("cloudpickle", SENDS_CALLS)}
PLAIN_YAML = {"load", "SafeLoader", "CSafeLoader", "YAMLError"}


def unsafe_yaml(tree: ast.AST) -> list[str]:
    """Loaders and functions of PyYAML that could make an object of a tag."""
    of_yaml = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "yaml"]
    named = [(node.lineno, node.attr) for node in of_yaml]
    asked = [(node.lineno, node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant) and str(node.value).endswith("Loader")]
    bare = [
        (node.lineno, "load without a loader")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and node.func in of_yaml
        and getattr(node.func, "attr", "") == "load"
        and "Loader" not in {word.arg for word in node.keywords}
    ]
    return [f"{line} uses {name} of yaml" for line, name in [*named, *asked, *bare] if name not in PLAIN_YAML]


def faults(tree: ast.AST, file: str) -> list[str]:
    found = [f"{file}:{fault}" for fault in unsafe_yaml(tree)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            unread = [name for name in modules if name.split(".")[0] in MODULES and (name, file) not in ALLOWED]
            found += [f"{file}:{node.lineno} imports {name}" for name in unread]
        if not isinstance(node, ast.Call):
            continue
        place = f"{file}:{node.lineno}"
        if isinstance(node.func, ast.Name) and node.func.id in NAMES:
            found.append(f"{place} calls {node.func.id}")
        if isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            fixed = bool(node.args) and isinstance(node.args[0], ast.Constant)
            if (name == "import_module" and not fixed and file not in IMPORTERS) or (name == "import_alone" and not fixed):
                found.append(f"{place} imports by name")
        if isinstance(node.func, ast.Attribute):
            of = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if (node.func.attr in METHODS and of != "platform") or (node.func.attr in {"load", "loads"} and of in LOADS):
                found.append(f"{place} calls {of}.{node.func.attr}")
        for keyword in node.keywords:
            value = getattr(keyword.value, "value", None)
            if (keyword.arg == "allow_pickle" and value is not False) or (keyword.arg == "shell" and value is not False):
                found.append(f"{place} passes {keyword.arg}")
    return found


@pytest.mark.parametrize("file", sorted(HOUSE.rglob("*.py")), ids=lambda file: file.relative_to(HOUSE).as_posix())
def test_no_file_can_run_what_it_is_given(file):
    assert not faults(ast.parse(file.read_text(encoding="utf-8")), file.relative_to(HOUSE).as_posix())


@pytest.mark.parametrize(
    "line",
    [
        "clips.query(where)",
        "clips.eval(where)",
        "eval(text)",
        "ast.literal_eval(text)",
        "import pickle",
        "from pickle import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=yes)",
        "joblib.load(path)",
        "pd.read_pickle(path)",
        "__import__(name)",
        "importlib.import_module(name)",
        "import_alone(name)",
        "os.system(name)",
        "import yaml",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.load(text, Loader=getattr(yaml, 'CLoader'))",
        "yaml.load(text)",
        "yaml.unsafe_load(text)",
    ],
)
def test_each_way_to_run_something_would_be_found(line):
    assert faults(ast.parse(line), "any.py")
