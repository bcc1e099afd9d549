"""Work over a real Dask scheduler and its workers, on this machine's loopback."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ser_bench.api import run
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.utils import array_files, dask_backend
from ser_bench.utils.parallel import Died, Workers, in_parallel
from tests import warm
from tests.utils.test_parallel import double
from tests.utils.test_processes import wait_until

Start = Callable[..., warm.Process]
DASK = """
import runpy
import dask
dask.config.refresh()  # with the settings of this process
runpy.run_module("dask", run_name="__main__")
"""


@contextlib.contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Starts a part of a cluster; all are stopped at the end."""
    parts = []

    def start(*arguments: str) -> warm.Process:
        # A call that kills its worker is given up at once; and workers find the calls that these tests define.
        settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
        parts.append(warm.start(*arguments, "--no-dashboard", code=DASK, cwd=folder, env=settings))
        return parts[-1]

    try:
        yield start
    finally:
        for part in parts:
            part.kill()
            part.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler that answers."""

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with starting(tmp_path_factory.mktemp("scheduler")) as start:
        start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        assert wait_until(answers)
        yield f"tcp://127.0.0.1:{port}"


@pytest.fixture
def address(scheduler: str) -> Iterator[str]:
    """A scheduler that knows no worker, nor any of the test's afterwards."""
    from distributed import Client

    yield scheduler
    with Client(scheduler) as client:
        assert wait_until(lambda: not client.scheduler_info()["workers"])


@pytest.fixture
def start(address: str, tmp_path: Path) -> Iterator[Start]:
    with starting(tmp_path) as start:
        yield start


def start_worker(start: Start, address: str, threads: int = 1) -> warm.Process:
    return start("worker", address, "--host", "127.0.0.1", "--nthreads", str(threads), "--no-nanny")


def test_every_call_is_done_and_one_that_kills_its_worker_is_named(start: Start, address: str) -> None:
    for _ in range(3):
        start_worker(start, address)
    with dask_backend.connect(address) as client:
        client.wait_for_workers(3, timeout=30)
    results = list(in_parallel(double, [(n, (7,)) for n in range(30)], Workers(scheduler=address)))
    assert [result.call[0] for result in results if isinstance(result, Died)] == [7]
    assert sorted(result for result in results if not isinstance(result, Died)) == [2 * n for n in range(30) if n != 7]
    assert Workers(scheduler=address).number == 1


def test_a_run_on_a_cluster_that_loses_a_worker_equals_a_local_one(
    start: Start, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_files, "LARGE", 1 << 10)  # features, too
    options = {"features": "spectral", "models": "logreg", "trials": 2, "inner": 2, "budget": "smoke", "cv": "loso"}
    corpus = "tones(speakers=4,takes=1)"
    here = run(corpus, out=str(tmp_path / "here"), cache=str(tmp_path / "here"), jobs=1, learning_curves=False, **options)
    worker, _ = (start_worker(start, address) for _ in range(2))
    ended = threading.Event()

    def kill_once_something_is_done() -> None:
        while not list((tmp_path / "there").glob("units/*.parquet")) and not ended.wait(0.02):
            pass
        worker.send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill_once_something_is_done)
    killer.start()
    try:
        with contextlib.chdir(tmp_path):
            # Relative folders: the workers have other working folders.
            how = {"backend": "dask", "scheduler": address, "out": "there", "cache": "store", "learning_curves": False}
            found = run(corpus, **options, **how)
    finally:
        ended.set()
        killer.join()
    there = tmp_path / "there" / here.folder.name
    assert not found.failures
    assert (there / "predictions.parquet").read_bytes() == (here.folder / "predictions.parquet").read_bytes()


def read_rows(values: np.ndarray, copy: Copy, seconds: float) -> tuple[bytes, bool, int]:
    """What a call sees of its arrays, whether it could change them, and in which process."""
    time.sleep(seconds)
    return values[1:].tobytes("A") + copy.values.tobytes("A"), values.flags.writeable or copy.values.flags.writeable, os.getpid()


@dataclass(frozen=True)
class Copy:
    """What holds an array deep within a call."""

    values: np.ndarray


def test_large_arrays_are_written_once_and_reach_workers_that_come_later_as_they_are(
    start: Start, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, turned = np.random.default_rng(0).random((2, 400, 500), np.float32)
    saved, save = [], np.save
    monkeypatch.setattr(np, "save", lambda path, *given, **how: (saved.append(path), save(path, *given, **how)))
    monkeypatch.setattr(array_files, "LARGE", values.nbytes)
    turned = turned.T
    first = start_worker(start, address)
    found = in_parallel(read_rows, ((values, Copy(turned), 0.05) for _ in range(40)), Workers(scheduler=address, folder=tmp_path / "new"))
    seen = [next(found)]
    start_worker(start, address)
    with dask_backend.connect(address) as client:
        client.wait_for_workers(2, timeout=30)
    seen += [next(found) for _ in range(8)]
    first.send_signal(signal.SIGKILL)
    seen += found
    assert len(seen) == 40
    assert {content for content, _, _ in seen} == {values[1:].tobytes() + turned.tobytes("A")}
    assert not any(changeable for _, changeable, _ in seen)
    assert len({process for _, _, process in seen}) == 2
    assert len(saved) == 2
    assert not list((tmp_path / "new").iterdir())


def test_a_folder_that_workers_do_not_see_is_named(start: Start, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_worker(start, address)
    monkeypatch.setattr(array_files.ArrayFiles, "file_of", lambda files, array: tmp_path / "elsewhere.npy")
    with pytest.raises(WorkFailed, match=r"does not see .*elsewhere\.npy: do all workers share the folder"):
        list(in_parallel(double, [(np.zeros(array_files.LARGE), ())], Workers(scheduler=address, folder=tmp_path)))


def test_workers_of_several_threads_are_refused(start: Start, address: str) -> None:
    start_worker(start, address, threads=2)
    with pytest.raises(WorkFailed, match="several threads"):
        dask_backend.connect(address)


def test_a_cluster_without_workers_or_none_at_all_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import Client

    monkeypatch.setattr(dask_backend, "SECONDS_FOR_WORKERS", 0.2)
    with pytest.raises(WrongCall, match=r"has no workers; start some with: dask worker tcp://127\.0\.0\.1"):
        dask_backend.connect(address)
    monkeypatch.setattr(dask_backend, "SECONDS_TO_CONNECT", 0.5)

    def clients() -> set[int]:
        return {id(held) for held in gc.get_objects() if issubclass(type(held), Client)}  # a proxy of what is gone has no class to ask for

    others = clients()
    with pytest.raises(WrongCall, match="no Dask scheduler answers there"):
        dask_backend.connect("tcp://127.0.0.1:9")
    assert clients() <= others
    with pytest.raises(WrongCall, match="--scheduler"):
        dask_backend.connect("127.0.0.1:x")


def test_a_worker_with_other_versions_is_refused(start: Start, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start_worker(start, address)
    monkeypatch.setattr("ser_bench.utils.spec._installed", lambda library: "0.0")
    with pytest.raises(WorkFailed, match=r"ser-bench is .* and 0\.0 here; install the same"):
        dask_backend.connect(address)
