"""What a run was computed on and of: versions, machine, corpus.

In:   what is evaluated.
Out:  what `environment.json` holds.
Rule: nothing here changes a result or takes part in a hash.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_bench import scores
from ser_bench.corpora import clips_of_each
from ser_bench.evaluation.plan import PreparedData
from ser_bench.evaluation.study_storage import shown_command
from ser_bench.evaluation.units import library_versions
from ser_bench.utils.parallel import thread_pools
from ser_bench.utils.spec import versions

if TYPE_CHECKING:
    import pandas as pd

VECTOR_INSTRUCTIONS = ("sse", "ssse", "avx", "fma", "f16c", "amx", "asimd", "neon", "sve")
"""How the names of instruction sets begin that a numeric library may choose its routines by."""

NUMERIC_VARIABLES = ("OPENBLAS_", "MKL_", "BLIS_", "OMP_", "NPY_DISABLE_CPU", "NPY_ENABLE_CPU", "NUMBA_CPU", "GLIBC_TUNABLES")
"""How the names of environment variables begin that numeric libraries choose their routines by."""


OPTIONAL = ("torch",)
"""Libraries of extras that can change a result."""


def environment(prepared: PreparedData, *, seconds: Mapping[str, float], warnings: Sequence[str]) -> dict[str, Any]:
    """When and on what it is computed, corpus, feature sets, protocol, a hash of clips and folds per seed, seconds per stage, warnings."""
    about = evaluated(prepared)
    return {
        "computed": computed(),
        **surroundings(),
        "corpus": about.pop("corpus"),
        "features": prepared.sources,
        **about,
        "stages": {stage: round(took, 2) for stage, took in seconds.items()},
        "warnings": list(warnings),
    }


def evaluated(prepared: PreparedData) -> dict[str, Any]:
    """What is evaluated: corpus, protocol, and a hash of clips and folds per seed."""
    return {
        "corpus": describe_corpus(prepared),
        "protocol": str(prepared.eval_set.protocol),
        "folds": {str(seed): digest for seed, digest in prepared.eval_set.hashes.items()},
    }


def computed() -> dict[str, str]:
    """Now, in UTC; the version of ser-bench; and of a git checkout its commit, and whether files of it are changed."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "ser_bench": version("ser-bench"),
        "commit": commit_of(Path(__file__).parents[2]),
    }


def commit_of(checkout: Path) -> str:
    """The commit that a folder is at, as `computed` has it; empty of one that is no git checkout, or where git cannot tell."""
    if not (checkout / ".git").exists():  # a checkout around an environment that ser-bench is installed in is another project's
        return ""
    told = ("git", "--no-optional-locks", "describe", "--always", "--exclude=*", "--abbrev=10", "--dirty= with changes")
    elsewhere = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(told, cwd=checkout, capture_output=True, text=True, timeout=10, check=True, env=elsewhere).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def surroundings() -> dict[str, Any]:
    """Versions, machine and command."""
    return {
        "ser_bench": version("ser-bench"),
        "python": platform.python_version(),
        "versions": library_versions()
        | versions(("librosa", "opensmile", "soundfile", "soxr", "pandas", "pyarrow"))
        | {name: found for name, found in versions(OPTIONAL).items() if found},
        "machine": machine(),
        "command": shlex.join(["ser-bench", *shown_command(sys.argv[1:])]) if Path(sys.argv[0]).name == "ser-bench" else "",
    }


def machine() -> dict[str, Any]:
    """What of this machine reaches the last digits of a result: processor, instruction sets, BLAS kernels, and the settings of these.

    Of the process that asks; workers of a Dask cluster elsewhere may differ. Of OpenBLAS, `kernel` is the set of routines that it chose
    for the processor, or was told to choose by ``OPENBLAS_CORETYPE``.
    """
    model, flags = _processor()
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "model": model,
        "instructions": sorted(flag for flag in flags if flag.startswith(VECTOR_INSTRUCTIONS)),
        "cores": os.cpu_count(),
        "blas": _blas(),
        "numpy_simd": _numpy_simd(),
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith(NUMERIC_VARIABLES) and value},
    }


def _processor() -> tuple[str, list[str]]:
    """Its model and its instruction sets, as Linux names them; elsewhere what Python knows, and none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor(), []
    told = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return told.get("model name") or platform.processor(), (told.get("flags") or told.get("features") or "").split()


def _blas() -> list[dict[str, str]]:
    """The BLAS libraries of numpy and scipy with versions and kernels; where none can be asked, the one that numpy was built with."""
    import scipy.linalg  # noqa: F401  (its BLAS is loaded with it)

    loaded = [
        {
            "file": Path(library["filepath"]).name,
            "library": library["internal_api"],
            "version": library["version"] or "",
            "kernel": library.get("architecture") or "",
        }
        for library in thread_pools().info()
        if library["user_api"] == "blas"
    ]
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return sorted(loaded, key=lambda library: library["file"]) or [{"library": built["name"], "version": built["version"], "kernel": ""}]


def corpus_title(about: Mapping[str, Any], name: str = "") -> str:
    """A corpus's name as its owners write it, by what a folder says of itself; earlier versions did not say it: then its own, or `name`."""
    corpus = about.get("corpus", {})
    return str(corpus.get("title") or corpus.get("name") or name)


def corpus_titles(abouts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each corpus's name as its owners write it, by its own; corpora that would be written alike keep theirs.

    Parameters
    ----------
    abouts : iterable of mapping
        What folders say of themselves: each of one corpus (`corpus`) or of several (`corpora`).

    Examples
    --------
    >>> corpus_titles([{"corpus": {"name": "emodb", "title": "EMO-DB"}}, {"corpora": [{"name": "mine"}]}])
    {'emodb': 'EMO-DB', 'mine': 'mine'}
    """
    described = [corpus for about in abouts for corpus in (about.get("corpora") or [about.get("corpus", {})]) if "name" in corpus]
    titles = {corpus["name"]: corpus_title({"corpus": corpus}) for corpus in described}
    written = Counter(titles.values())
    return {name: title if written[title] == 1 else name for name, title in titles.items()}


def titled(table: pd.DataFrame, about: Mapping[str, Any], *columns: str) -> pd.DataFrame:
    """A table in whose columns of corpora these are called as their owners do, by what its folder says of itself: for reading."""
    titles = corpus_titles([about])
    return table.assign(**{column: [titles.get(name, name) for name in table[column]] for column in columns})


def _numpy_simd() -> list[str]:
    """The instruction sets that numpy chooses its loops for, here and with its settings."""
    found = np.show_config(mode="dicts")["SIMD Extensions"]
    return [*found["baseline"], *found.get("found", [])]


def describe_corpus(prepared: PreparedData) -> dict[str, Any]:
    """What is evaluated, with whom to cite for it.

    `title` is its name as its owners write it; `fingerprint` is of every clip's content, emotion and speaker; `effective_speakers` is how
    many speakers of equal weight the UAR is worth; `emotions` are the classes, whatever the target.
    """
    clips, facts = prepared.eval_set.clips, prepared.corpus.facts
    tested = clips[prepared.eval_set.evaluated]
    return {
        "name": prepared.corpus.name,
        "title": (facts and facts.title) or prepared.corpus.name,
        "clips": len(clips),
        "speakers": clips["voice"].nunique(),
        "effective_speakers": round(scores.effective_voices(clips_of_each(tested)), 1),
        "target": prepared.eval_set.target,
        "emotions": {str(emotion): int(n) for emotion, n in clips["emotion"].value_counts().sort_index().items()},
        "hours": round(float(clips["seconds"].sum()) / 3600, 3),
        "licence": facts.licence if facts else "",
        "citation": facts.citation if facts else "",
        "fingerprint": hashlib.blake2b(clips[["key", "emotion", "speaker"]].to_csv(index=False).encode(), digest_size=8).hexdigest(),
    }
