"""Fitted systems for use without ser-bench.

In:   a bundle, or its file.
Out:  an ONNX or Core ML file.
Rule: nothing is computed here that `bundle.export` does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.utils.calls import named_arguments
from ser_bench.utils.spec import ValueKind

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle


def _is_bundle(value: object) -> bool:
    from ser_bench.bundle.bundle import Bundle

    return isinstance(value, Bundle)


@named_arguments(kinds={"Bundle": ValueKind("a Bundle", _is_bundle)})
def export(bundle: str | Path | Bundle, to: str | Path) -> Path:
    """Write a fitted system as ONNX (``.onnx``) or Core ML (``.mlpackage``): features in, calibrated probabilities and a decision out.

    Parameters
    ----------
    bundle : str, Path or Bundle
        What `fit` gave, or the file that it wrote.
    to : str or Path
        The file, whose ending says the format. An existing one is replaced.

    Returns
    -------
    Path

    Raises
    ------
    WrongCall
        In one line: for another ending, an absent library (``pip install 'ser-bench[export]'``) or a file that is no bundle.
    WorkFailed
        For a model that cannot be exported.

    Examples
    --------
    >>> import ser_bench
    >>> ser_bench.export("model.serb", "model.onnx")  # doctest: +SKIP
    """
    from ser_bench.bundle.bundle import Bundle, load_bundle
    from ser_bench.bundle.export import check_format, export_bundle

    check_format(Path(to))
    return export_bundle(bundle if isinstance(bundle, Bundle) else load_bundle(bundle), Path(to))


def places(to: str | Path, forms: Iterable[str]) -> list[Path]:
    """The files that a bundle at `to` will be exported to, checked before an hour's work; errors as `export`."""
    from ser_bench.bundle.export import beside, check_format

    files = [beside(Path(to), form) for form in dict.fromkeys(forms)]
    for file in files:
        check_format(file)
    return files
