"""A fitted system for use without ser-bench: ONNX and Core ML files.

In:   a bundle.
Out:  a file that takes features as extracted and gives calibrated probabilities and a decision: standardising, choice of columns, model
      and calibration are inside, and labels, columns, fingerprint and model card are in its metadata.
Rule: features are not extracted by it. What cannot be exported is refused before anything is written.

`operators` is the arithmetic that both formats have, `graphs` each model in it; `onnx_file` and `coreml_file` write it down.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ser_bench.errors import WrongCall, quoted
from ser_bench.utils.atomic import check_writable
from ser_bench.utils.spec import versions

if TYPE_CHECKING:
    from ser_bench.bundle.bundle import Bundle

FORMATS = {"onnx": ".onnx", "coreml": ".mlpackage"}
"""How files of each end."""
LIBRARIES = {"onnx": "onnx", "coreml": "coremltools"}


def beside(path: Path, form: str) -> Path:
    """Where an export is written that belongs to a bundle's file.

    >>> beside(Path("models/mine.serb"), "coreml").as_posix()
    'models/mine.mlpackage'
    """
    return path.with_suffix(FORMATS[form])


def check_format(path: Path) -> str:
    """Find out before any work whether a place can be exported to; the format that it names.

    Raises
    ------
    WrongCall
        For another ending, where a library is not installed, and where nothing can be written.
    """
    form = next((form for form, ending in FORMATS.items() if path.suffix == ending), None)
    if form is None:
        raise WrongCall(f"cannot export to '{quoted(str(path))}': name a file that ends in {' or '.join(FORMATS.values())}")
    library = LIBRARIES[form]
    if not versions((library,))[library]:
        raise WrongCall(f"exporting to {path} needs {library}: pip install 'ser-bench[export]'{NOT_EVERYWHERE.get(form, '')}")
    if path.exists() and (path.is_dir() if form == "onnx" else not (path / "Manifest.json").is_file()):
        raise WrongCall(f"{path} exists and is no {'file' if form == 'onnx' else 'Core ML package'}: name another place")
    check_writable("the export's folder", path.parent)
    return form


NOT_EVERYWHERE = {"coreml": " (on macOS, or Linux on x86-64)"}


def export_bundle(bundle: Bundle, path: Path) -> Path:
    """Write a bundle as ONNX (``.onnx``) or Core ML (``.mlpackage``, a folder), whole or not at all.

    Raises
    ------
    WrongCall
        As `check_format`.
    WorkFailed
        For a model that has no such form, and one that is too large for it.
    """
    from ser_bench.bundle.export.coreml_file import write_coreml
    from ser_bench.bundle.export.graphs import decide
    from ser_bench.bundle.export.onnx_file import write_onnx

    write = {"onnx": write_onnx, "coreml": write_coreml}[check_format(path)]
    write(partial(decide, bundle), len(bundle.columns), bundle.classes, about_of(bundle), path)
    return path


def about_of(bundle: Bundle) -> dict[str, str]:
    """What a file's metadata says: texts as they are, all else as JSON."""
    from importlib.metadata import version

    from ser_bench.bundle.archive import plain

    heard = bundle.preprocessing
    said = {
        "classes": bundle.classes,
        "columns": bundle.columns,
        "preprocessing": {"offset": heard.offset, "duration": heard.duration, "trim": heard.trim},
        "about": bundle.about,
    }
    return {
        "description": f"{bundle.model} on {bundle.features}: {', '.join(bundle.classes)}",
        "ser_bench": version("ser-bench"),
        "model": bundle.model,
        "features": bundle.features,
        "fingerprint": bundle.fingerprint,
        **{key: json.dumps(plain(value), ensure_ascii=False, sort_keys=True) for key, value in said.items()},
        "card": bundle.card,
    }
