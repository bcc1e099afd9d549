"""Honest leaderboards for hand-crafted speech-emotion features.

>>> import ser_bench
>>> results = ser_bench.run("tones", features="spectral", models="svm")  # doctest: +SKIP
>>> results.leaderboard[["features", "model", "uar", "uar_low", "uar_high"]]  # doctest: +SKIP
"""

from typing import Any

_HOMES = {
    "load_corpus": "ser_bench.corpora",
    "extract": "ser_bench.features.extract",
    "run": "ser_bench.api",
    "run_config": "ser_bench.api",
    "ablate": "ser_bench.api",
    "audit": "ser_bench.api",
    "cross": "ser_bench.api",
    "splits": "ser_bench.api",
    "score": "ser_bench.api",
    "leaderboard": "ser_bench.api",
    "plan_study": "ser_bench.api",
    "fit": "ser_bench.api",
    "load": "ser_bench.api",
    "export": "ser_bench.api",
    "RunConfig": "ser_bench.config",
    "Corpus": "ser_bench.corpora",
    "FileNameReader": "ser_bench.corpora",
    "Extractor": "ser_bench.features",
    "Model": "ser_bench.models",
    "Results": "ser_bench.results",
    "Crossed": "ser_bench.results",
    "Ablated": "ser_bench.results",
    "Audited": "ser_bench.results",
    "Reproduced": "ser_bench.results",
    "Merged": "ser_bench.evaluation.merge",
    "SerBenchError": "ser_bench.errors",
    "WrongCall": "ser_bench.errors",
    "WrongArgument": "ser_bench.errors",
    "WorkFailed": "ser_bench.errors",
}
_MODULES = ("figures",)
__all__ = sorted([*_HOMES, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ser-bench")
    if name not in {*_HOMES, *_MODULES}:
        raise AttributeError(f"module 'ser_bench' has no attribute '{name}'")
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"ser_bench.{name}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
