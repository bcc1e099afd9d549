"""A run says on what it was computed: processor, BLAS kernels, instruction sets, and the variables that choose them."""

import json
import os
import platform

import pytest

from ser_bench.evaluation.environment import machine
from tests.kernels import chooses_kernels, printed
from tests.small import evaluate

TELL = "import json; from ser_bench.evaluation.environment import machine; print(json.dumps(machine()))"


def told(**variables: str) -> dict:
    """What another process says of this machine."""
    return json.loads(printed(TELL, **variables))


def test_a_run_says_on_which_kernels_it_was_computed(speech, tmp_path):
    about = json.loads((evaluate(speech, tmp_path).folder / "environment.json").read_text())["machine"]
    assert about["blas"] == machine()["blas"]
    assert all(library["version"] for library in about["blas"])
    assert about["numpy_simd"]
    assert about["cores"] == os.cpu_count()


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
