"""A run folder holds what its schema says, and on what it was computed: processor, BLAS kernels, and the variables that choose them."""

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pandas as pd
import pytest

from ser_bench.evaluation.environment import commit_of, machine
from ser_bench.evaluation.result_folder import CONFIGURATION, ENVIRONMENT, MADE
from ser_bench.evaluation.run_folder import LEARNING, TABLES, RunFolder
from tests.kernels import chooses_kernels, printed
from tests.small import evaluate

TELL = "import json; from ser_bench.evaluation.environment import machine; print(json.dumps(machine()))"


def told(**variables: str) -> dict:
    """What another process says of this machine."""
    return json.loads(printed(TELL, **variables))


def test_a_run_says_on_which_kernels_it_was_computed(finished):
    about = json.loads((finished.folder / "environment.json").read_text())["machine"]
    assert about["blas"] == machine()["blas"]
    assert all(library["version"] for library in about["blas"])
    assert about["numpy_simd"]
    assert about["cores"] == os.cpu_count()


def test_a_run_says_when_it_was_computed(finished):
    made = json.loads((finished.folder / "environment.json").read_text())["computed"]
    age = datetime.now(UTC) - datetime.fromisoformat(made["at"])
    assert timedelta() <= age < timedelta(days=1)
    assert made["ser_bench"] == version("ser-bench")


@pytest.mark.skipif(not shutil.which("git"), reason="no git here")
def test_a_checkout_has_a_commit_and_a_mark_where_it_is_changed(tmp_path):
    def git(*words: str) -> str:
        named = ("-c", "user.name=a", "-c", "user.email=b", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *named, *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    file = tmp_path / "file"
    file.write_text("as it was")
    assert commit_of(tmp_path) == ""
    git("init")
    git("add", "file")
    git("commit", "-m", "one")
    git("tag", "v1")
    commit = git("rev-parse", "--short=10", "HEAD")
    assert commit_of(tmp_path) == commit
    file.write_text("changed")
    assert commit_of(tmp_path) == f"{commit} with changes"
    (tmp_path / "inside").mkdir()
    assert commit_of(tmp_path / "inside") == ""


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="no /proc/cpuinfo here")
def test_the_processor_and_its_vector_instructions_are_named():
    about = machine()
    assert about["model"] or platform.machine() != "x86_64"
    assert about["instructions"] == sorted(set(about["instructions"]))
    assert "sse2" in about["instructions"] or platform.machine() != "x86_64"


@chooses_kernels
def test_the_kernel_is_the_one_in_use_and_not_the_one_asked_for():
    nehalem, unknown = told(OPENBLAS_CORETYPE="Nehalem"), told(OPENBLAS_CORETYPE="no such processor")
    assert {library["kernel"] for library in nehalem["blas"]} == {"Nehalem"}
    assert unknown["blas"] == told()["blas"]
    assert unknown["variables"]["OPENBLAS_CORETYPE"] == "no such processor"


def test_only_variables_that_choose_numeric_routines_are_kept():
    about = told(OMP_NUM_THREADS="1", SECRET="x", NUMBA_CACHE_DIR="/somewhere", MKL_CBWR="COMPATIBLE")
    assert about["variables"]["OMP_NUM_THREADS"] == "1"
    assert about["variables"]["MKL_CBWR"] == "COMPATIBLE"
    assert not {"SECRET", "NUMBA_CACHE_DIR"} & set(about["variables"])


@pytest.mark.usefixtures("pages")
def test_every_table_of_a_run_has_the_columns_of_its_schema(speech, tmp_path):
    folder = evaluate(speech, tmp_path, learning_curves=True, test_variant="gain").folder
    for table in TABLES:
        path = folder / table.name
        if path.suffix == ".csv":
            assert tuple(pd.read_csv(path).columns) == table.columns, table.name
        else:
            assert set(table.columns) <= set(pd.read_parquet(path).columns), table.name
    written = {path.name for path in folder.iterdir() if path.suffix in {".csv", ".parquet", ".toml", ".json"}}
    assert written == {*(table.name for table in TABLES), CONFIGURATION, ENVIRONMENT, MADE}


def test_a_run_read_back_is_what_it_came_to(speech, tmp_path):
    found = evaluate(speech, tmp_path, learning_curves=False)
    read = RunFolder(found.folder).read()
    for name in ("leaderboard", "predictions", "trials", "refits", "resolutions"):
        pd.testing.assert_frame_equal(getattr(read, name), getattr(found, name), check_dtype=False, check_exact=False, atol=1e-4, obj=name)
    assert read.learning.empty
    assert list(read.learning.columns) == list(LEARNING.columns)
