"""What grows with a corpus: CPU time and peak memory of each part of a run by number of clips, with their exponents.

    python benchmarks/scale.py                                                        (some minutes)
    python benchmarks/scale.py models --clips 1000 4000 16000 -m svm
    python benchmarks/scale.py scores page --clips 100000                             (that many clips of 1,000 speakers)
    python benchmarks/scale.py features --clips 100000 --columns 1000

Features and predictions are made up, audio is not; a speaker has a hundred clips.

models    one trial with the defaults on an inner split of three quarters of the clips, UAR on the other quarter's speakers; a tuned unit of
          `--budget` with one of six speaker groups held out, and its final fit alone; and one of predefined train, dev and test parts.
          `svm` is measured exact, as far as that goes, and approximate, whatever the size.
scores    predictions of `--rows` systems: scored with intervals, ranked and tested, the best corrected, differences that could be detected.
page      the reports of that run, and how soon Chromium draws its page (as in `page.py`).
dask      tuned units of `--models` in one process and on two workers of a Dask cluster, on this machine: wall time, and on a busy machine
          rather processor time; what the main process does alone meanwhile and after; and how many times as fast a run of `--rows`
          such rows is with many workers (Amdahl), refits not counted.
features  the store read, units of it in two processes, and the same values as a user's table, read and checked.

Each part runs in a process of its own, beside what makes its data; GB is the most that process has held so far. *power* is the exponent
since the size before, by which the last column says what 100,000 clips would take; with that the models end in minutes per row, and of
all rows together.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PER_SPEAKER, EMOTIONS, GROUPS = 100, 8, 6
GOAL = 100_000
"""Clips that times are extrapolated to."""
CORES = 2
PART_ROWS = 5000
"""Clips that are added to a store at a time."""
UNITS = 4
MANY = (2, 10, 100)
"""Workers that a run's speed is told of."""
MOST_EXACT = 10_000
"""Clips up to which an exact svm is measured: it needs a kernel of their number squared."""


class Step(NamedTuple):
    """What a step took: CPU seconds, gigabytes held by its process at most until then, and what else is to be said."""

    name: str
    seconds: float
    gigabytes: float
    note: str = ""


def held() -> float:
    """The most memory that this process has held, in gigabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e9 if sys.platform == "darwin" else 1e6)


def timed(name: str, function: Callable[..., Any], *given: Any) -> tuple[Step, Any]:
    """A step, and what it came to."""
    began = time.process_time()
    result = function(*given)
    return Step(name, time.process_time() - began, held()), result


def make_up(clips: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors that depend on emotion and speaker, the classes not linearly separable: values, emotions and speakers as numbers."""
    rng = np.random.default_rng(0)
    speakers = max(8, clips // PER_SPEAKER)
    who = rng.integers(0, speakers, clips)
    y = rng.integers(0, EMOTIONS, clips)
    kinds = rng.integers(0, 3, clips)
    x = rng.standard_normal((clips, columns), np.float32)
    x += rng.normal(0, 0.42, (EMOTIONS, 3, columns)).astype(np.float32)[y, kinds]
    x += rng.normal(0, 0.5, (speakers, columns)).astype(np.float32)[who]
    return x, y, who


def measure_model(name: str, title: str, options: argparse.Namespace, clips: int) -> Iterator[Step]:
    """A model's trials on an inner split, and a unit tuned."""
    from threadpoolctl import threadpool_limits

    from ser_bench.config import BUDGETS
    from ser_bench.evaluation.nested_cv import SearchTerms, fit_held, tune_unit
    from ser_bench.evaluation.scaling import UnitData, scaled_split
    from ser_bench.models import known_models
    from ser_bench.models import svm as machines
    from ser_bench.models.base import prepare_split
    from ser_bench.scores import uar

    machines.EXACT_CLIPS = {"svm exact": clips, "svm approximate": 0}.get(title, machines.EXACT_CLIPS)
    model, (x, y, who), budget = known_models()[name](), make_up(clips, options.columns), BUDGETS[options.budget]
    classes = tuple(f"emotion {number}" for number in range(EMOTIONS))
    with threadpool_limits(1):
        for some in (slice(200), slice(None)):  # what is compiled or imported at the first call is no part of the growth
            data = UnitData(x[some], y[some], who[some].astype(str), who[some] % GROUPS > 0, classes)
            split = scaled_split(data, data.x, who[some] % 4 > 0, who[some] % 4 == 0)
            plan = prepare_split(model, split)
            first, _ = timed(f"{title}, first trial", plan.run, dict(model.defaults), 0)
            another, prediction = timed(f"{title}, another", plan.run, dict(model.defaults), 1)
        assert split.y_eval is not None
        reached = uar(split.y_eval, prediction.predicted)
        yield first
        yield another._replace(note=f"UAR {reached:.3f}")
        del plan, split
        groups = who % (GROUPS - 1)
        parts = dataclasses.replace(data, train=groups > 0, selecting=groups == 1)
        tune = partial(tune_unit, terms=SearchTerms(model.trials(budget.trials), budget.inner, seed=0, fold_seed=0))
        for kind, units_data in (("group", data), ("predefined", parts)):
            step, unit = timed(f"{title}, {kind} unit", tune, units_data, model)
            yield step._replace(note=f"UAR {uar(y[~units_data.train], unit.predicted):.3f}")
            if kind == "group":  # what follows without a pair of folds, though of one group more
                again = partial(fit_held, params=unit.params, rounds=unit.rounds, seed=0)
                yield timed(f"{title}, final fit", again, data, model)[0]


def made_clips(clips: int, cv: str) -> Any:
    """A clip table as a run has it; of predefined parts, the test part is held out whole."""
    import pandas as pd
    from page import EMOTIONS as NAMES

    rng = np.random.default_rng(0)
    speakers = max(8, clips // PER_SPEAKER)
    who = np.sort(rng.integers(0, speakers, clips))
    voice = np.array([f"{number:04}" for number in range(speakers)])[who]
    index = pd.Index([f"{name}/{number:06}.wav" for number, name in enumerate(voice)], name="clip")
    named = {"emotion": np.array(NAMES)[rng.integers(0, len(NAMES), clips)], "speaker": voice, "voice": voice}
    told = {"gender": np.where(who % 2, "female", "male"), "seconds": 3.0}
    return pd.DataFrame({**named, **told, "fold_0": 0 if cv == "predefined" else who % GROUPS}, index)


def measure_scores(options: argparse.Namespace, clips: int) -> Iterator[Step]:
    """What a run does with predictions, but for writing."""
    from page import evaluate

    from ser_bench.evaluation.leaderboard import evidence_of, rank, resolutions
    from ser_bench.evaluation.metrics import metric_table

    table = made_clips(clips, options.cv)
    cells, predictions = evaluate(table, options.rows, options.cv)
    step, found = timed("predictions gathered", evidence_of, predictions, cells, None)
    yield step
    step, board = timed("scored, ranked, tested", rank, found, cells)
    yield step
    yield timed("best corrected, detectable differences", resolutions, board, found)[0]
    yield timed("all metrics with intervals", metric_table, found, table, board)[0]


def measure_page(options: argparse.Namespace, clips: int) -> Iterator[Step]:
    """The reports of a run, and its page in a browser."""
    from page import browser, fastest, write_run

    with tempfile.TemporaryDirectory() as name, browser(f"{name}/profile") as driver:
        seconds = write_run(Path(name), made_clips(clips, options.cv), options.rows, options.cv)
        page = Path(name) / "run" / "report.html"
        yield Step("reports made", seconds, held(), f"page {page.stat().st_size / 1e6:.2f} MB")
        if driver is None:
            return
        for what, milliseconds in zip(("page drawn", "its details opened"), fastest(driver, page), strict=True):
            yield Step(what, milliseconds / 1000, held(), "Chromium's main thread")


def measure_features(options: argparse.Namespace, clips: int) -> Iterator[Step]:
    """Features as the store and as a user's table have them."""
    import pandas as pd

    from ser_bench.evaluation.own_tables import Rows, remarks
    from ser_bench.features.sets import read_own
    from ser_bench.utils.parallel import Workers, in_parallel
    from ser_bench.utils.processes import end_workers

    with tempfile.TemporaryDirectory() as name:
        x, y, who = make_up(clips, options.columns)
        table = made_clips(clips, options.cv).assign(emotion=y.astype(str), speaker=who.astype(str))
        file, keys = Path(name) / "own.parquet", [f"{number:032x}" for number in range(clips)]
        columns = [f"column.{number}" for number in range(options.columns)]
        pd.DataFrame(x, table.index, columns).to_parquet(file)
        store = fill_store(Path(name), keys, x)
        step, values = timed("store read", store.matrix, "made", keys)
        yield step
        assert np.array_equal(values, x)
        del x
        taken = list(in_parallel(take_unit, ((values, y, who, fold) for fold in range(UNITS)), Workers(CORES)))
        end_workers()
        seconds, most, own = (max(column) for column in zip(*taken, strict=True))
        alone = f"of which {own:.2f} its own, {values.nbytes / 1e9:.2f} all clips' features"
        yield Step("a unit's split, in a worker", seconds, most, f"{alone}; main process {held():.2f}")
        del values, store
        step, own = timed("user's table read", read_own, file)
        yield step
        step, rows = timed("its rows", Rows.of, "own", own.table, table)
        yield step
        yield timed("it is checked", lambda: remarks(rows, rows, by_speaker=False))[0]


def fill_store(cache: Path, keys: Sequence[str], x: np.ndarray) -> Any:
    """A store that holds these values."""
    from dataclasses import dataclass

    from ser_bench.audio.clip import Clip
    from ser_bench.audio.preprocessing import Preprocessing
    from ser_bench.features.base import Extractor
    from ser_bench.features.store.feature_store import FeatureStore
    from ser_bench.features.worker import AudioInfo, ExtractionResult

    @dataclass(frozen=True)
    class Made(Extractor):
        name, version, source, libraries = "made", 1, "made up", ("numpy",)
        rate: int = 16_000
        columns = tuple(f"column.{number}" for number in range(x.shape[1]))

        def __call__(self, clip: Clip) -> np.ndarray:
            raise NotImplementedError("its values are made up")

    store = FeatureStore(cache, {"made": Made()}, Preprocessing())
    for begin in range(0, len(keys), PART_ROWS):
        end = begin + PART_ROWS
        rows = zip(keys[begin:end], x[begin:end], strict=True)
        store.add([ExtractionResult(key, heard=AudioInfo(key), vectors={"made": ("", values)}) for key, values in rows])
    store.compact()
    return store


def take_unit(values: np.ndarray, y: np.ndarray, who: np.ndarray, fold: int) -> tuple[float, float, float]:
    """What a refit without a pair of folds begins with: CPU seconds, gigabytes held at most, and those of them shared with nobody now."""
    from ser_bench.evaluation.scaling import UnitData, scaled_split, standardised_beforehand

    began = time.process_time()
    groups = who % GROUPS
    rows = np.flatnonzero(groups != fold)
    mine = {"y": y[rows], "voices": who[rows].astype(str), "train": groups[rows] != (fold + 1) % GROUPS}
    data = UnitData(x=values, **mine, classes=tuple(map(str, range(EMOTIONS))), rows=rows)
    split = scaled_split(data, standardised_beforehand(data), data.train, ~data.train)
    assert len(split.y_train) < len(rows)
    return time.process_time() - began, held(), unshared()


def unshared() -> float:
    """The memory that this process alone has, in gigabytes; unknown but on Linux."""
    file = Path("/proc/self/smaps_rollup")
    lines = file.read_text().splitlines() if file.exists() else []
    private = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(private) / 1e6 if private else float("nan")


def measure_dask(options: argparse.Namespace, clips: int) -> Iterator[Step]:
    """Tuned units in this process and on a cluster of two workers, what the main process does alone, and what follows for many workers."""
    from distributed import Client, LocalCluster
    from page import write_run

    from ser_bench.config import BUDGETS
    from ser_bench.utils.parallel import Workers, in_parallel

    tune, units = units_of(options, clips)
    warm_up(options)
    began, mine = time.perf_counter(), time.process_time()
    fitting = sum(result.seconds for result in in_parallel(tune, units, Workers()))
    alone, computed = time.perf_counter() - began, time.process_time() - mine
    yield Step("units in one process, wall time", alone, held(), f"{len(units)} units, {computed:.1f} s of processor time")
    with (
        tempfile.TemporaryDirectory() as name,
        LocalCluster(n_workers=CORES, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(warm_up, options)
        workers = Workers(scheduler=cluster.scheduler_address, folder=Path(name))
        spent, began, fits = client.run(time.process_time), time.perf_counter(), Counter[int]()
        for worker, seconds in in_parallel(partial(fit_where, tune), units, workers):
            fits[worker] += seconds
        wall = time.perf_counter() - began
        most, busiest = max(client.run(held).values()), max(after - spent[one] for one, after in client.run(time.process_time).items())
        mine = time.process_time()
        list(in_parallel(receive, units, workers))  # without the seconds of waiting for fits, in which it keeps the cluster alive
        handing = time.process_time() - mine
    yield Step(f"on {CORES} Dask workers, wall time", wall, most, f"{wall / alone:.2f} of the time; GB are of a worker")
    yield Step("busier worker, processor time", busiest, most, f"{busiest / computed:.2f} of that of one process")
    share, grown = max(fits.values()) / fits.total(), fits.total() / fitting
    yield Step(
        "of which fits", max(fits.values()), most, f"{share:.2f} of all workers' fits, which took {grown:.2f} times those of one process"
    )
    yield Step("main process handing out units", handing, held(), "processor time, the scheduler's too")
    with tempfile.TemporaryDirectory() as name:
        table = made_clips(clips, options.cv)
        reports = write_run(Path(name), table, options.rows, options.cv)
    yield Step("main process scoring, and its page", reports, held(), f"{options.rows} rows")
    as_run = options.rows / len(options.models) * BUDGETS[options.budget].seeds
    handing, fitting = handing * as_run, fitting * as_run
    share = (handing + reports) / (handing + reports + fitting)
    faster = ", ".join(f"{1 / (share + (1 - share) / many):.0f} times with {many}" for many in MANY)
    yield Step("units of all rows and seeds", fitting, held(), f"serial {share:.4f}; as fast as one worker: {faster}")


def units_of(options: argparse.Namespace, clips: int) -> tuple[Callable[..., Any], list[tuple[Any, ...]]]:
    """What tunes a unit, and a unit per model and speaker group, the dearest first, as a run has them."""
    from ser_bench.config import BUDGETS
    from ser_bench.evaluation.nested_cv import SearchTerms, tune_unit
    from ser_bench.evaluation.scaling import UnitData
    from ser_bench.models import known_models

    (x, y, who), budget = make_up(clips, options.columns), BUDGETS[options.budget]
    classes, models = tuple(map(str, range(EMOTIONS))), [known_models()[name]() for name in options.models]
    models.sort(key=lambda model: -model.fit_seconds(clips, options.columns))
    units = [(UnitData(x, y, who.astype(str), who % GROUPS != fold, classes), model) for model in models for fold in range(GROUPS)]
    return partial(tune_unit, terms=SearchTerms(budget.trials, budget.inner, seed=0, fold_seed=0)), units


def fit_where(tune: Callable[..., Any], *unit: Any) -> tuple[int, float]:
    """The process that tunes a unit, and the processor time of that alone, without what Dask does in it."""
    return os.getpid(), tune(*unit).seconds


def receive(data: Any, _: Any) -> int:
    """What is left of a unit without its fits."""
    clips: int = data.n_train
    return clips


def warm_up(options: argparse.Namespace) -> None:
    """Have this process import and compile what units need."""
    tune, units = units_of(options, 800)
    for unit in units[::GROUPS]:
        tune(*unit)


def in_own_process(part: Callable[..., Iterator[Step]], *given: Any) -> Iterator[Step]:
    """The steps of a part, which a process of its own takes."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_steps, args=(sender, part, given))
    process.start()
    sender.close()
    while (step := _receive(receiver)) is not None:
        yield step
    process.join()
    if process.exitcode:
        sys.exit(f"{part.__name__} ended with {process.exitcode}")


def _send_steps(sender: Any, part: Callable[..., Iterator[Step]], given: tuple[Any, ...]) -> None:
    atexit._clear()  # what is to be cleared away by the process that this one was forked from
    for step in part(*given):
        sender.send(step)
    sender.close()
    atexit._run_exitfuncs()  # which a forked process leaves out


def _receive(receiver: Any) -> Step | None:
    try:
        step: Step = receiver.recv()
    except EOFError:
        return None
    return step


def print_steps(sizes: Sequence[int], steps_of: Callable[[int], Iterator[Step]]) -> dict[str, float]:
    """Print a line per step and size; returns the seconds of each step at `GOAL` clips, where there are sizes to tell."""
    before: dict[str, tuple[int, float]] = {}
    at_goal = {}
    for clips in sizes:
        for name, seconds, gigabytes, note in steps_of(clips):
            power = text = ""
            if name in before and min(before[name][1], seconds) > 0:
                exponent = np.log(seconds / before[name][1]) / np.log(clips / before[name][0])
                at_goal[name] = seconds * (GOAL / clips) ** exponent
                power, text = f"{exponent:.1f}", f"{at_goal[name]:,.1f}"
            elif clips == GOAL:
                at_goal[name] = seconds
            before[name] = clips, seconds
            print(f"{name:42}{clips:>8,}{seconds:>10.2f}{gigabytes:>7.2f}{power:>7}{text:>12}  {note}".rstrip(), flush=True)
    return at_goal


def print_minutes(title: str, at_goal: dict[str, float], options: argparse.Namespace) -> np.ndarray:
    """What a row of a run of `GOAL` clips takes; returns the minutes with speaker groups, and with one predefined split."""
    from ser_bench.config import BUDGETS
    from ser_bench.evaluation.refits import PAIRS

    unit, fixed, refit = (at_goal.get(f"{title}, {step}") for step in ("group unit", "predefined unit", "final fit"))
    if unit is None or fixed is None or refit is None:
        return np.full(2, np.nan)
    seeds = BUDGETS[options.budget].seeds
    minutes = np.array([GROUPS * seeds * unit + 2 * PAIRS * refit, seeds * fixed]) / 60 / CORES
    print(f"{title}: {GOAL:,} clips, `{options.budget}`, {seeds} seeds, {CORES} cores: {in_words(minutes)}", flush=True)
    return minutes


def in_words(minutes: np.ndarray) -> str:
    """Minutes with speaker groups, and with one predefined split."""
    return f"{minutes[0]:.0f} min with {GROUPS} speaker groups, {minutes[1]:.0f} min with one predefined split"


def main() -> None:
    """Print the table, part by part."""
    from ser_bench.models import known_models

    parts = {"scores": measure_scores, "page": measure_page, "features": measure_features, "dask": measure_dask}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="models, scores, page, features, dask; all of them but the last without")
    parser.add_argument("--clips", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--columns", type=int, default=88)
    parser.add_argument("-m", "--models", nargs="+", default=sorted(name for name, model in known_models().items() if not model.lacks()))
    parser.add_argument("--budget", default="standard", help="of a tuned unit")
    parser.add_argument("--rows", type=int, default=25, help="systems scored and shown")
    parser.add_argument("--cv", default=f"group:{GROUPS}", choices=[f"group:{GROUPS}", "predefined"], help="of predictions")
    options = parser.parse_args()
    asked = options.parts or ["models", "scores", "page", "features"]
    if strange := [part for part in asked if part not in {"models", *parts}]:
        parser.error(f"there is no part '{strange[0]}'; models, scores, page, features, dask are")
    print(f"{'':42}{'clips':>8}{'s':>10}{'GB':>7}{'power':>7}{f'{GOAL:,}':>12}")
    total = np.zeros(2)
    for name in options.models if "models" in asked else ():
        for title in ("svm exact", "svm approximate") if name == "svm" else (name,):
            sizes = [clips for clips in options.clips if title != "svm exact" or clips <= MOST_EXACT]
            at_goal = print_steps(sizes, lambda clips: in_own_process(measure_model, name, title, options, clips))  # noqa: B023
            minutes = print_minutes(title, at_goal, options)
            total += 0 if title == "svm exact" else minutes
    if np.isfinite(total).all() and total.any():
        print(f"all of these, without svm exact: {in_words(total)}", flush=True)
    for part in asked:
        if part in parts:
            print_steps(options.clips, lambda clips: in_own_process(parts[part], options, clips))  # noqa: B023


if __name__ == "__main__":
    main()
