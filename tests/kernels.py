"""Work in a process of its own, whose libraries are told which routines to choose."""

import os
import platform
import subprocess
import sys

import pytest

from ser_bench.evaluation.environment import machine

CHOOSE = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES")


def printed(code: str, **variables: str) -> str:
    """What a program prints under these variables, and none else that choose routines."""
    kept = {name: value for name, value in os.environ.items() if name not in CHOOSE}
    return subprocess.run([sys.executable, "-c", code], env=kept | variables, check=True, capture_output=True, text=True).stdout


chooses_kernels = pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"} or any(blas["library"] != "openblas" for blas in machine()["blas"]),
    reason="this BLAS has no kernels of several processors",
)
