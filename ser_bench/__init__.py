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
    "ablate": "ser_bench.api",
    "audit": "ser_bench.api",
    "cross": "ser_bench.api",
    "splits": "ser_bench.api",
    "score": "ser_bench.api",
    "leaderboard": "ser_bench.api",
    "plan_study": "ser_bench.api",
    "SerBenchError": "ser_bench.errors",
    "WrongCall": "ser_bench.errors",
    "WorkFailed": "ser_bench.errors",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ser_bench' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
