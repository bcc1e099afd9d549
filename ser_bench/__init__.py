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
    "reproduce": "ser_bench.api",
    "fit": "ser_bench.api",
    "load": "ser_bench.api",
    "export": "ser_bench.api",
    "RunConfig": "ser_bench.config",
    "Bundle": "ser_bench.bundle.bundle",
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
    "figures": "ser_bench",
    "SerBenchError": "ser_bench.errors",
    "WrongCall": "ser_bench.errors",
    "WrongArgument": "ser_bench.errors",
    "WorkFailed": "ser_bench.errors",
}
__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ser-bench")
    if name not in _HOMES:
        raise AttributeError(f"module 'ser_bench' has no attribute '{name}'")
    from importlib import import_module

    home = _HOMES[name]
    return import_module(f"{home}.{name}") if home == "ser_bench" else getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
