"""Files of fitted systems, damaged and forged: whether opening and using one can crash, run code or write a file.

    python benchmarks/fuzz_bundles.py [--mutants 10000] [--seed 0] [--kinds svm rf ...]

A mutant is a small file of one of the kinds of trained models, changed. `bytes` flips, cuts, inserts and repeats bytes as they are;
`sealed` changes fewer and renews the seal; `forged` changes arrays (values, types, shapes, names) and JSON values, and writes a rightly
sealed file of them, so that what is tested is how models check what they are given. It is opened, and where it opens it decides about
clips. Right is a refusal in one line, or decisions with probabilities that sum to one. Mutants are opened in processes of their own, so
that a crash is seen, and under an audit hook that notices what would write, run, connect to or load anything.
"""

from __future__ import annotations

import argparse
import collections
import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.bundle.archive import header_of, parse, seal_of, write_archive
from ser_bench.bundle.bundle import Bundle, load_bundle
from ser_bench.bundle.novelty import KnownClips
from ser_bench.errors import SerBenchError
from ser_bench.features.worker import AudioInfo
from ser_bench.models import Fitted, Split, known_models, parse_model, prepare_split
from ser_bench.models import svm as machines
from ser_bench.models.base import ConstantModel
from ser_bench.models.calibration import Calibrator

COLUMNS, CLASSES, CLIPS = 6, 3, 40
FAMILIES = {
    "logreg": "logreg",
    "mlp": "mlp(width=4)",
    "rf": "rf",
    "svm": "svm",
    "xgb": "xgb",
    "dense": "dense(layers=4,epochs=1,batch_norm=true)",
    "cnn": "cnn(layers=c2x3b-p2s-d-4,epochs=1)",
}
MACHINES = ("plain rbf", "plain linear", "approximate rbf", "approximate linear")
OTHERS = ("two logreg", "two svm", "narrowed mlp", "rotated logreg", "constant")
WATCHED = ("exec", "compile", "os.", "subprocess.", "socket.", "shutil.", "ctypes.dlopen", "pickle.", "marshal.", "import", "code.")
"""Beginnings of the names of audit events that nothing but the process itself may cause; `os.` but for what only looks."""
LOOKS = ("os.listdir", "os.scandir", "os.stat", "os.fwalk", "os.walk", "os.getxattr")
ENDS = ("refused", "refused when used", "decided", "WRONG")
AT_ONCE = 1000
"""Mutants of a process."""


def make_split(columns: int = COLUMNS, classes: int = CLASSES) -> Split:
    """A few clips."""
    rng = np.random.default_rng(0)
    y = np.arange(CLIPS) % classes
    x = (rng.normal(size=(CLIPS, columns)) + rng.normal(size=(classes, columns))[y]).astype(np.float32)
    return Split(x, y, x[:5], None, classes)


def kinds() -> list[str]:
    """The names of what `fitted_system` makes here."""
    return [name for name in (*FAMILIES, *MACHINES, *OTHERS) if name not in FAMILIES or not known_models()[name].lacks()]


def fitted_system(name: str) -> tuple[Fitted, int, int]:
    """A small trained model, with its columns and classes."""
    if name in FAMILIES:
        model = parse_model(FAMILIES[name])
        return prepare_split(model, make_split()).train(model.start, 0, 2), COLUMNS, CLASSES
    if name in MACHINES:
        split, params = make_split(), {"kernel": name.split()[1], "C": 1.0, "gamma": 1.0}
        if name.startswith("plain"):
            return machines.Svm().fit(split, params, 0), COLUMNS, CLASSES
        return machines.fit_approximately(split, params, machines.scale_of(split.x_train), np.ones(CLIPS)), COLUMNS, CLASSES
    if name == "constant":
        return ConstantModel(1, CLASSES), COLUMNS, CLASSES
    model = parse_model("mlp(width=4)" if "mlp" in name else name.split()[-1])
    if name.startswith("two"):
        return prepare_split(model, make_split(classes=2)).train(model.start, 0), COLUMNS, 2
    model.max_features = 5 if name.startswith("narrowed") else None  # type: ignore[misc]
    return prepare_split(model, make_split(columns=60)).train(model.start, 0, 2), 60, CLASSES


def bundle_of(fitted: Fitted, columns: int, classes: int) -> Bundle:
    """A bundle around a trained model."""
    x = make_split(columns).x_train
    heard = pd.DataFrame({"rate": 16_000, "seconds": np.linspace(1, 3, CLIPS), "peak": 0.5, "channels": 1})
    names = tuple(f"column.{number}" for number in range(columns))
    return Bundle(
        features="spectral",
        fingerprint="0" * 8,
        columns=names,
        groups=("column",) * columns,
        preprocessing=Preprocessing(duration=3.0),
        model="some",
        fitted=fitted,
        probabilistic=not isinstance(fitted, machines.KernelSvm | machines.FittedSvm | machines.ApproximateSvm),
        calibrator=Calibrator(2.0, np.linspace(0, 1, classes)),
        mean=np.zeros(columns, np.float32),
        scale=np.ones(columns, np.float32),
        classes=("anger", "fear", "joy")[:classes],
        about={"quality": {"uar": 0.5, "interval": [0.4, None]}, "notes": ["some"]},
        card="# A card",
        known=KnownClips.of(x, np.arange(CLIPS) % 4, heard),
        average=np.zeros(columns, np.float32),
    )


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to four changes, half of them in the header or near its end."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not changed:
            return b""
        at = int(rng.integers(0, len(changed) if rng.random() < 0.5 else min(len(changed), 2500)))
        length = int(rng.integers(1, 40))
        match int(rng.integers(0, 5)):
            case 0:
                changed[at] ^= 1 << int(rng.integers(0, 8))
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = rng.bytes(length)
            case 3:
                changed[at:at] = changed[at : at + length]
            case _:
                del changed[at:]
    return bytes(changed)


def altered(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to three others in their places: in the header printable ones, behind it any."""
    changed, behind = bytearray(data), 8 + int.from_bytes(data[:8], "little")
    for _ in range(rng.integers(1, 4)):
        if rng.random() < 0.3:
            changed[int(rng.integers(8, behind))] = int(rng.choice(list(b'0123456789-.,"[]{}:aeFI')))
        else:
            changed[int(rng.integers(behind, len(changed)))] = int(rng.integers(0, 256))
    return bytes(changed)


def resealed(data: bytes) -> bytes:
    """The bytes with a seal that is right, where there is one to be found."""
    try:
        old = parse(header_of(data)["__metadata__"]["ser-bench"])["seal"].encode()
    except (ValueError, KeyError, AttributeError, RecursionError, UnicodeError):
        return data
    return data.replace(old, seal_of(data, old.decode()).encode(), 1)


def odd_value(value: Any, rng: np.random.Generator) -> Any:
    """A value that may not stand where it is put, or one near the one that did."""
    if isinstance(value, int | float) and rng.random() < 0.5:
        return value + int(rng.integers(-2, 3)) if rng.random() < 0.5 else value * 10.0 ** int(rng.integers(-3, 12))
    odd = [0, -1, 1, 2, 2**31, -(2**63), 2**63 - 1, 1e300, -1e300, 0.5, None, "", "a", "conv", [], {}, True, 10**400, [1, 2], {"a": 1}]
    return odd[int(rng.integers(0, len(odd)))]


def forged_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An array changed: a value, several, its type, its shape, its length."""
    array = array.copy()
    match int(rng.integers(0, 12)):
        case 0 | 1 | 2 | 3 | 4 | 5:
            flat, wild = array.reshape(-1), [0, 1, -1, 2, 7, 2**31 - 1, -(2**31), 1e30, -1e30, np.nan, np.inf, -np.inf]
            with np.errstate(all="ignore"):
                for _ in range(rng.integers(1, 4)):
                    flat[rng.integers(0, flat.size)] = np.array(wild[int(rng.integers(0, len(wild)))]).astype(array.dtype)
        case 6 | 7:
            array = rng.permutation(array.reshape(-1)).reshape(array.shape)
        case 8:
            kinds = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]
            with np.errstate(all="ignore"):
                array = array.astype(kinds[int(rng.integers(0, len(kinds)))])
        case 9:
            array = array.reshape(array.shape[::-1]) if rng.random() < 0.5 else array.reshape(-1)
        case 10:
            array = array[: rng.integers(0, len(array) + 1)]
        case _:
            array = np.concatenate([array, array[: rng.integers(0, len(array) + 1)]])
    return array


def forge_value(values: Any, rng: np.random.Generator) -> None:
    """Change one value in JSON, somewhere inside."""
    while isinstance(values, dict | list) and values:
        places = list(values) if isinstance(values, dict) else list(range(len(values)))
        place = places[int(rng.integers(0, len(places)))]
        inner = values[place]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            values = inner
        elif rng.random() < 0.15:
            del values[place]
            return
        else:
            values[place] = odd_value(inner, rng)
            return


def forged(arrays: dict[str, np.ndarray], values: dict[str, Any], rng: np.random.Generator, path: Path) -> None:
    """Write a rightly sealed file of changed arrays and values."""
    arrays, values = dict(arrays), json.loads(json.dumps(values))
    for _ in range(rng.integers(1, 3)):
        if rng.random() < 0.3:
            inner = values.get("fitted")
            forge_value(inner["values"] if isinstance(inner, dict) and inner.get("values") and rng.random() < 0.7 else values, rng)
            continue
        name, other = (list(arrays)[int(rng.integers(0, len(arrays)))] for _ in range(2))
        if rng.random() < 0.1:
            arrays[name], arrays[other] = arrays[other], arrays[name]
        elif rng.random() < 0.05:
            del arrays[name]
        else:
            arrays[name] = forged_array(arrays[name], rng)
    write_archive(path, arrays, values)


@contextmanager
def noticing(seen: list[str]) -> Iterator[None]:
    """Have `seen` get the name of whatever happens that should not; hooks cannot be taken away, so that there is one, which is armed."""
    if not hasattr(noticing, "armed"):
        noticing.armed = None  # type: ignore[attr-defined]

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            armed = noticing.armed  # type: ignore[attr-defined]
            if armed is None:
                return
            writes = event == "open" and any(letter in str(arguments[1] or "") for letter in "wax+")
            again = event == "ctypes.dlopen" and arguments[0] in noticing.loaded  # type: ignore[attr-defined]
            if writes or (event.startswith(WATCHED) and event not in LOOKS and not again):
                armed.append(f"{event} {str(arguments)[:100]}")

        sys.addaudithook(hook)
    # What limits the threads of libraries asks for them again.
    noticing.loaded = {None, *(library["filepath"] for library in threadpool_info())}  # type: ignore[attr-defined]
    noticing.armed = seen  # type: ignore[attr-defined]
    try:
        yield
    finally:
        noticing.armed = None  # type: ignore[attr-defined]


def use(path: Path) -> str:
    """Open a file and decide about clips: how that ended, in a word; what is wrong raises an error that is not ser-bench's own."""
    rng = np.random.default_rng(1)
    try:
        bundle = load_bundle(path)
    except SerBenchError as error:
        return one_line(error, "refused")
    try:
        x = (rng.normal(size=(4, len(bundle.columns))) * 3).astype(np.float32)
        found = bundle.decide(x)
        with np.errstate(all="ignore"):
            said = bundle.known.warnings(bundle.standardised(x)[0], AudioInfo("", 2.0, 16_000, 1, "", 0.5)) if bundle.known else []
    except SerBenchError as error:
        return one_line(error, "refused when used")
    sums = bool(np.abs(found.scores.sum(1) - 1).max() < 1e-6)
    known = bool(((found.predicted >= 0) & (found.predicted < len(bundle.classes))).all())
    if not (sums and known and all(isinstance(warning, str) for warning in said) and found.scores.shape == (4, len(bundle.classes))):
        raise ValueError(f"decisions {found.predicted} with probabilities {found.scores}")
    return "decided"


def one_line(error: SerBenchError, end: str) -> str:
    """How it ended, where that was said in one line."""
    if "\n" in str(error) or len(str(error)) > 400:
        raise ValueError(f"the refusal is no line: {str(error)[:500]!r}")
    return end


class Mutants:
    """Mutants of one file, by number.

    Parameters
    ----------
    bundle : Bundle
    folder : Path
        Where files are written.
    """

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        self.path, self.mutant = folder / "whole.serb", folder / "mutant.serb"
        bundle.save(self.path)
        self.data, self.packed = self.path.read_bytes(), bundle.pack()
        self.values = json.loads(json.dumps(self.packed.values))

    def make(self, number: int, seed: int) -> str:
        """Write one; how it was made."""
        rng = np.random.default_rng([seed, number])
        how = ("bytes", "sealed", "forged", "forged")[number % 4]
        if how == "forged":
            forged(dict(self.packed.arrays), self.values, rng, self.mutant)
        else:
            self.mutant.write_bytes(damaged(self.data, rng) if how == "bytes" else resealed(altered(self.data, rng)))
        return how


def open_mutants(name: str, mutants: Mutants, numbers: range, seed: int, tell: Callable[[int], object]) -> tuple[Counts, list[str]]:
    """Open that many mutants of one file: how many ended how, by (file, how made, how ended), and what went wrong."""
    ended: Counts = collections.Counter()
    wrong: list[str] = []
    for number in numbers:
        tell(number)
        how = mutants.make(number, seed)
        seen: list[str] = []
        before = sorted(mutants.mutant.parent.iterdir())
        try:
            with noticing(seen):
                end = use(mutants.mutant)
        except Exception:
            wrong.append(f"{name}, mutant {number} ({how}): {traceback.format_exc().strip()}")
            end = "WRONG"
        wrong += [f"{name}, mutant {number} ({how}): {event}" for event in seen]
        if sorted(mutants.mutant.parent.iterdir()) != before:
            wrong.append(f"{name}, mutant {number} ({how}): a file was written")
        ended[name, how, end] += 1
    return ended, wrong


def child(name: str, first: int, last: int, seed: int) -> None:
    """Open mutants of one file, and print what came of it as JSON; before each its number, so that a crash has one."""
    with tempfile.TemporaryDirectory() as folder:
        mutants = Mutants(bundle_of(*fitted_system(name)), Path(folder))
        use(mutants.path)  # what is imported late is imported now
        (Path(folder) / "mutant.serb").touch()
        ended, wrong = open_mutants(name, mutants, range(first, last), seed, lambda number: print(number, file=sys.stderr, flush=True))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"ended": [[*key, count] for key, count in ended.items()], "wrong": wrong, "peak": used}))


Counts = collections.Counter[tuple[str, str, str]]


def open_all(names: list[str], each: int, seed: int) -> tuple[Counts, list[str], int]:
    """Open mutants in processes of their own: how many ended how, what went wrong, and the most memory of a process (KB)."""
    total: Counts = collections.Counter()
    wrong: list[str] = []
    peak = 0
    for name in names:
        for first in range(0, each, AT_ONCE):
            place = [name, str(first), str(min(each, first + AT_ONCE))]
            line = [sys.executable, "-P", __file__, "--seed", str(seed), "--child", *place]
            done = subprocess.run(line, capture_output=True, text=True, check=False)
            if done.returncode:
                wrong.append(f"{name}: the process of mutants {place[1:]} ended with {done.returncode}: {done.stderr[-2000:]}")
                continue
            said = json.loads(done.stdout)
            total.update({(of, how, end): count for of, how, end, count in said["ended"]})
            wrong, peak = wrong + said["wrong"], max(peak, said["peak"])
    return total, wrong, peak


def main() -> None:
    """Print one row per file and way of making mutants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=[])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], int(options.child[1]), int(options.child[2]), options.seed)
        return
    chosen = options.kinds or kinds()
    started = time.perf_counter()
    total, wrong, peak = open_all(chosen, -(-options.mutants // len(chosen)), options.seed)
    print(f"{'file':22} {'made':7}" + "".join(f"{end:>19}" for end in ENDS))
    for name, how in sorted({key[:2] for key in total}):
        print(f"{name:22} {how:7}" + "".join(f"{total[name, how, end]:19,}" for end in ENDS))
    print(
        f"{sum(total.values()):,} mutants in {time.perf_counter() - started:.0f} s, at most {peak / 1024:.0f} MB; {len(wrong)} went wrong"
    )
    print("\n".join(wrong[:20]))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
