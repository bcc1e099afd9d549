"""What many tests stand on: a few synthetic clips; and where real speech lies, if anywhere."""

import dataclasses
import gc
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numba
import pytest
import soundfile
from hypothesis import settings

import ser_bench
from ser_bench.reports import drawing, figures
from ser_bench.results import Results
from tests.small import FOR_PEOPLE, THOROUGH, evaluate, with_pages

KINDS_OF_PICTURES = dict(figures.KINDS)


def for_floats(vectorize: Callable[..., Any]) -> Callable[..., Any]:
    """`numba.guvectorize` for floats alone, as sound is: librosa, once imported, has it compile for whole numbers too, for ten seconds."""

    def vectorized(signatures: Sequence[str], *rest: Any, **how: Any) -> Any:
        return vectorize([signature for signature in signatures if "(int" not in signature], *rest, **how)

    return vectorized


numba.guvectorize = for_floats(numba.guvectorize)

# No test asserts a time: a busy machine is no failure.
settings.register_profile("repeated", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=100)
settings.register_profile("random", deadline=None)
settings.load_profile("thorough" if THOROUGH else "repeated")

LONGEST = (
    "test_faults.py",
    "test_leaks.py",
    "test_names.py",
    "test_odd_names.py",
    "test_python.py",
    "test_repeat.py",
    "test_speaker_groups.py",
)
NETWORKS = ("test_brackets.py", "test_models.py", "test_nested_cv.py", "test_networks.py", "test_recipes.py", "test_vggish.py")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks: that of pytest-xdist is there without it, too."""
    config.addinivalue_line("markers", "thorough: what only `make test-thorough` runs")
    config.addinivalue_line("markers", "xdist_group(name): what goes to one process of several")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with long files that would come last: no process of several is left alone with one at the end.

    Files that need the same costly thing, a browser, PyTorch or the server of `warm.py`, go to one process, and each other file to any.
    Before pytest-xdist does the same, as it reads the groups there.
    """
    if not THOROUGH:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("thorough")])
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    items.sort(key=lambda item: item.path.name not in LONGEST)
    looking = {item.path for item in items if "browser" in getattr(item, "fixturenames", ())}
    for item in items:
        if item.path in looking:
            group = "browser"
        elif item.path.name in NETWORKS:
            group = "networks"
        else:
            group = "warm" if hasattr(getattr(item, "module", None), "warm") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of each later collection of garbage, as it stays to the end, and collect less often."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def pytest_sessionfinish() -> None:
    """Leave garbage to the end of the process: pytest collects it five times, at a second each, looking through all that was imported."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """No test cuts the power, so none waits until files are on the disk, sound too; `test_atomic.py` asks for the calls themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        patch.setattr(os, "sync", lambda: None, raising=False)
        patch.setattr(soundfile.SoundFile, "flush", lambda file: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def plain_fonts() -> Iterator[None]:
    """Fonts of PDF pictures as matplotlib embeds them in a third of the time; `test_drawing.py` asks for what publishers take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(drawing.SETTINGS, "pdf.fonttype", 3)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_kind_of_picture() -> Iterator[None]:
    """Pictures as SVG alone, as each kind takes as long as fitting; who looks at others asks for `every_kind_of_picture`."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in set(KINDS_OF_PICTURES) - {"svg"}:
            patch.delitem(figures.KINDS, kind)
        yield


@pytest.fixture
def every_kind_of_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures in all kinds that the package writes."""
    for kind, metadata in KINDS_OF_PICTURES.items():
        monkeypatch.setitem(figures.KINDS, kind, metadata)


@pytest.fixture(scope="session", autouse=True)
def tables_alone() -> Iterator[None]:
    """Runs without page and pictures, which take a third of their time, and other analyses without pictures; who looks asks for `pages`."""
    with pytest.MonkeyPatch.context() as patch:
        for place, name, _ in FOR_PEOPLE:
            patch.setattr(place, name, lambda *about: None)
        yield


@pytest.fixture
def pages() -> Iterator[None]:
    """Pages and pictures; a fixture of a wider scope makes its runs inside `with_pages`."""
    with with_pages():
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_by_this_process_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test's killed processes shared is not cleared, and told of, by a command of another test at the same time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path_factory.mktemp("shared")))
        yield


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """The folder of real corpora, or a skip that says how to have one."""
    beside = Path(__file__).parents[2] / "shared" / "corpora"
    folder = Path(os.environ.get("SER_BENCH_CORPORA", beside))
    if not folder.is_dir():
        pytest.skip("no real speech here: set SER_BENCH_CORPORA to a folder that holds ravdess/, emodb/ and emovo/")
    return folder.resolve()


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`corpus/clips.csv`, a manifest of a few synthetic clips, their audio beside it; `store` is for features of them."""
    folder = tmp_path_factory.mktemp("speech")
    corpus = ser_bench.load_corpus("tones(speakers=4,takes=2)", cache=folder / "made")
    audio = folder / "corpus"
    shutil.copytree(corpus.folder, audio)
    table = corpus.clips[["emotion", "speaker", "gender"]].rename_axis("path").reset_index()
    table.to_csv(audio / "clips.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def finished(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What `evaluate` gives without options, to be looked at."""
    with with_pages():
        return evaluate(speech, tmp_path_factory.mktemp("finished"))


@pytest.fixture
def first(finished: Results, tmp_path: Path) -> Results:
    """The same, in a folder of the test's own: its run and units lie in `tmp_path`."""
    shutil.copytree(finished.folder.parent, tmp_path, dirs_exist_ok=True)
    return dataclasses.replace(finished, folder=tmp_path / finished.folder.name)
