"""Compare `svm` on LIBSVM, which version 3 called, with the present version: CPU time of all units, UAR, and decisions that are equal.

    python benchmarks/libsvm.py path/to/ravdess -f egemaps is09 --seeds 5

Both share inner products and distances, search in the same way, and use the same outer and inner folds and number of trials.
"""

from __future__ import annotations

import argparse

import numpy as np
from boosting import compare
from sklearn.svm import _libsvm

from ser_bench.models.base import Params, Prediction, PreparedFit, Split
from ser_bench.models.kernels import radial
from ser_bench.models.svm import CACHE_MB, Machine, PreparedKernel, Svm


class Before(Svm):
    """Machines of version 3."""

    def plan(self, split: Split) -> PreparedFit:
        """Share inner products with LIBSVM."""
        return PlanBefore(self, split)


class PlanBefore(PreparedKernel):
    """Runs as version 3 made them."""

    def run(self, params: Params, seed: int, rounds: int | None = None) -> Prediction:
        """Train on a precomputed kernel, and add up margins in numpy."""
        held, kernel, c = self.products_eval, self.products, params["C"]
        if params["kernel"] == "rbf":
            gamma = np.float32(params["gamma"] * self.scale)
            held, kernel = radial(self.distances_eval, gamma), radial(self.distances, gamma)
        else:
            c *= self.scale
        _libsvm.set_verbosity_wrap(0)
        terms = {"kernel": "precomputed", "C": c, "cache_size": CACHE_MB, "sample_weight": self.weights}
        codes = np.searchsorted(self.present, self.split.y_train[self.order]).astype(np.float64)
        support, _, sizes, weights, offsets, *_ = _libsvm.fit(kernel.astype(np.float64), codes, **terms)
        machine = Machine(support, sizes, weights, offsets, self.present)
        return machine.predict(held[support].T, self.split.n_classes)


def main() -> None:
    """Compare version 3 with the present one."""
    compare(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter), Before(), Svm())


if __name__ == "__main__":
    main()
