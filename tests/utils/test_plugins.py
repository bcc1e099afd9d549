"""What other packages bring stops nothing that is built in, takes nobody's place, and is known by who provides it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ser_bench.utils.plugins as plugins
from ser_bench.config import RunConfig
from ser_bench.errors import WrongCall
from ser_bench.evaluation.plan import choose_models
from ser_bench.features import known_extractors, parse_features
from ser_bench.models import known_models
from tests.calling import call
from tests.evaluation.test_units import hashed

EXTRACTOR = """
from dataclasses import dataclass
import numpy as np
from ser_bench.features import Extractor

@dataclass(frozen=True)
class Theirs(Extractor):
    name, version, source, libraries = "{name}", 1, "theirs", ()
    rate: int = 16_000
    columns = ("a.b",)

    def __call__(self, clip):
        return np.zeros(1, np.float32)
"""
MODEL = """
from ser_bench.models.svm import Svm

class Theirs(Svm):
    name = "{name}"
"""

Bring = Callable[..., Path]


def distribution(folder: Path, name: str, code: str, *, room: str, version: str = "1.0", entry: str = "") -> Path:
    """An installed package of one module that registers its class `Theirs`."""
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir(parents=True)
    (folder / f"{name}.py").write_text(code)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(f"[ser_bench.{room}]\n{entry or name} = {name}:Theirs\n")
    return folder


@pytest.fixture
def bring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bring]:
    """Install a package for the time of a test."""
    brought = []

    def install(name: str, code: str, **how: str) -> Path:
        brought.append(name)
        sys.modules.pop(name, None)
        folder = distribution(tmp_path / f"{name}{len(brought)}", name, code, **how)
        monkeypatch.syspath_prepend(folder)
        return folder

    for remembered in (plugins._provider, plugins._say):
        remembered.cache_clear()
    yield install
    for name in brought:
        sys.modules.pop(name, None)
    plugins._provider.cache_clear()


@pytest.mark.parametrize("code", ["import no_such_module", "import sys; sys.exit(3)", "1 / 0", "", "Theirs = 3"])
def test_one_that_cannot_be_imported_is_named_once_and_stops_nothing(bring: Bring, code: str) -> None:
    bring("broken", code, room="extractors")
    with pytest.warns(UserWarning, match=r"extractors: 'broken' of broken 1\.0 is left out: importing broken:Theirs failed with") as said:
        found = [known_extractors() for _ in range(2)]
    assert "mfcc" in found[1]
    assert len(said) == 1


@pytest.mark.filterwarnings("ignore:.*is left out")
def test_who_asks_for_one_that_cannot_be_imported_learns_why(bring: Bring) -> None:
    bring("broken", "import no_such_module", room="extractors")
    bring("ruined", "1 / 0", room="models")
    with pytest.raises(WrongCall, match=r"feature set 'broken' of broken 1\.0 .*No module named 'no_such_module'"):
        parse_features("egemaps+broken")
    with pytest.raises(WrongCall, match=r"model 'ruined' of ruined 1\.0 .*ZeroDivisionError"):
        choose_models(RunConfig(models=("ruined",)))


@pytest.mark.filterwarnings("ignore:.*is left out")
def test_a_plug_in_of_a_built_in_name_is_refused_naming_both(bring: Bring) -> None:
    bring("theirs", MODEL.format(name="svm"), room="models")
    with pytest.raises(WrongCall) as refused:
        choose_models(RunConfig(models=("svm",)))
    said = str(refused.value)
    both = "ser-bench (ser_bench.models.svm.Svm) and theirs 1.0 (theirs.Theirs)"
    assert said.startswith(f"model 'svm' is left out: 2 are called so, of {both}; rename all but one")
    assert "\n" not in said


def test_two_packages_with_one_name_are_refused_naming_both_and_stop_nothing_else(bring: Bring) -> None:
    bring("one", EXTRACTOR.format(name="loud"), room="extractors")
    bring("other", EXTRACTOR.format(name="loud"), room="extractors", version="2.1")
    bring("third", EXTRACTOR.format(name="quiet"), room="extractors")
    with pytest.warns(UserWarning, match="'loud' is left out") as said:
        assert {"quiet", "mfcc"} <= set(known_extractors())
    assert len(said) == 1
    with pytest.raises(WrongCall, match=r"2 are called so, of one 1\.0 \(one\.Theirs\) and other 2\.1 \(other\.Theirs\)"):
        parse_features("loud")


def test_a_class_that_two_entries_register_is_one_plug_in(bring: Bring) -> None:
    bring("one", EXTRACTOR.format(name="loud"), room="extractors")
    bring("again", "from one import Theirs", room="extractors")
    assert "loud" in known_extractors()


@pytest.mark.filterwarnings("ignore:.*is left out")
def test_one_that_cannot_be_imported_takes_no_built_in_s_name(bring: Bring) -> None:
    bring("broken", "1 / 0", room="models", entry="svm")
    assert plugins.provider(type(choose_models(RunConfig(models=("svm",)))["svm"])) == ""


@pytest.mark.parametrize("change", [{"version": "1.1"}, {"name": "others"}])
def test_who_provides_it_is_part_of_hash_and_fingerprint(bring: Bring, change: dict[str, str]) -> None:
    made = []
    for how in ({"name": "theirs"}, {"name": "theirs"} | change):
        folders = [
            bring(how["name"], EXTRACTOR.format(name="loud"), room="extractors", version=how.get("version", "1.0")),
            bring(f"{how['name']}_model", MODEL.format(name="mine"), room="models", version=how.get("version", "1.0")),
        ]
        made.append((known_extractors()["loud"]().fingerprint, hashed(model=known_models()["mine"]())))  # type: ignore[call-arg]
        for folder in folders:
            sys.path.remove(str(folder))
            sys.modules.pop(folder.name.rstrip("0123456789"))
    assert all(one != other for one, other in zip(*made, strict=True))


def test_what_is_built_in_has_no_provider_and_the_hashes_that_it_had(bring: Bring) -> None:
    bring("theirs", EXTRACTOR.format(name="loud"), room="extractors")
    extractor = known_extractors()["mfcc"]()
    assert not {plugins.provider(thing) for thing in (*known_models().values(), type(extractor))} - {""}
    assert set(extractor.describe()) == {"name", "version", "parameters", "libraries", "rate", "columns"}
    assert known_extractors()["loud"]().describe()["provider"] == "theirs 1.0"


def test_the_command_line_says_it_in_one_line(bring: Bring, tmp_path: Path) -> None:
    bring("theirs", MODEL.format(name="svm"), room="models")
    ended = call("run", "tones(speakers=2,takes=1)", "-m", "svm", "--dry-run", cwd=tmp_path)
    assert ended.returncode == 2
    assert "theirs 1.0 (theirs.Theirs)" in ended.stderr.splitlines()[-1]


def test_what_is_installed_while_a_session_runs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert "late" not in known_models()
    os.utime(tmp_path, (0, 0))
    distribution(tmp_path, "late", MODEL.format(name="late"), room="models")
    assert "late" in known_models()
    sys.modules.pop("late")
