"""What commands import: a heavy library only where its work is done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.bundle.systems import RATE, system, voice

HEAVY = ("scipy", "pandas", "pyarrow", "sklearn", "librosa", "opensmile", "xgboost", "optuna", "matplotlib", "numba", "joblib", "dask")
SMALL = ("--cv", "group:2", "--trials", "1", "--inner", "2", "--jobs", "1")
RUN = ("run", "tones(speakers=4,takes=1)", "-f", "gemaps", "-m", "svm", "-m", "rf", *SMALL)


def imported(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command has imported when it ends well."""
    told = folder / "modules.json"
    code = (
        "import atexit, json, pathlib, sys\n"
        f"atexit.register(lambda: pathlib.Path({str(told)!r}).write_text(json.dumps(sorted(sys.modules))))\n"
        f"sys.argv = ['ser-bench', *{list(arguments)!r}]\n"
        "from ser_bench.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return set(json.loads(told.read_text()))


def test_help_imports_no_heavy_library(tmp_path):
    assert not imported(tmp_path, "--help") & set(HEAVY)


@pytest.mark.parametrize("command", ["corpora", "labels", "features", "models"])
def test_a_list_imports_no_heavy_library(tmp_path, command):
    assert not imported(tmp_path, command) & {*HEAVY, "http.client", "asyncio"}


def test_a_finished_run_imports_nothing_that_fits_hears_or_draws(tmp_path):
    first = imported(tmp_path, *RUN)
    assert not first & {"sklearn", "scipy.stats", "scipy.optimize", "matplotlib.backends.backend_pdf"}
    again = imported(tmp_path, *RUN)
    unneeded = (
        "opensmile",
        "librosa",
        "sklearn",
        "xgboost",
        "optuna",
        "numba",
        "scipy.stats",
        "scipy.signal",
        "scipy.optimize",
        "matplotlib",
    )
    assert not again & {*unneeded, "PIL", "jinja2"}


def test_extracting_imports_what_computes_and_no_more(tmp_path):
    modules = imported(tmp_path, "extract", "tones(speakers=4,takes=1)", "-f", "spectral+mfcc", "--jobs", "1")
    assert not modules & {"librosa", "sklearn", "opensmile", "optuna", "xgboost", "matplotlib", "joblib"}
    assert not modules & {f"scipy.{part}" for part in ("fft", "linalg", "ndimage", "signal", "special", "stats")}


def test_predicting_a_clip_imports_what_hears_and_no_more(tmp_path):
    model, clip = system().save(tmp_path / "model.serb"), tmp_path / "clip.wav"
    soundfile.write(clip, voice(300), RATE)
    modules = imported(tmp_path, "predict", str(model), str(clip), "--format", "table", "--explain")
    assert modules & set(HEAVY) == {"scipy", "numba"}
    assert not modules & {
        "rich",
        "http.client",
        "ser_bench.reports",
        "ser_bench.corpora",
        "scipy.stats",
        "scipy.signal",
        "scipy.optimize",
    }
