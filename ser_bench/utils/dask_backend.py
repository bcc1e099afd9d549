"""Work over the processes of a Dask cluster (the extra ``dask``).

In:   calls, the address of a scheduler whose workers see the same files under the same paths, and a folder for large arrays.
Out:  each call with its result, in the order in which they end.
Rule: results do not depend on who computed them. So workers run one thread each and the same versions as this process; what a
      dead worker had under way is done again by another, and a call that kills several is given up.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.utils.spec import versions

if TYPE_CHECKING:
    from distributed import Client

    from ser_bench.utils.array_files import ArrayFiles

SECONDS_TO_CONNECT = 15
SECONDS_FOR_WORKERS = 15
"""How long the first worker of a cluster that answers is waited for."""
SAME = ("ser-bench", "numpy", "scipy", "scikit-learn", "xgboost", "optuna", "librosa", "opensmile", "numba", "soundfile", "soxr", "torch")
"""What every worker must have in the same version as this process, or lack as it does, for results to be the same."""
ABSENT = "not installed"


def on_cluster(
    function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], address: str, folder: Path
) -> Iterator[tuple[tuple[Any, ...], Any, bool]]:
    """Yield every call, its result, and whether it killed its workers and so has none.

    Raises
    ------
    WrongCall
        Where there is no cluster, or one whose workers would not give the same results.
    WorkFailed
        Where the scheduler is lost on the way.
    """
    from ser_bench.utils.array_files import ArrayFiles

    with connect(address) as client, ArrayFiles(folder) as files:
        suspects = []
        # A second call per worker, so that none waits for its next; and no more, as calls hold their data.
        for call, result, died in _at_once(client, files, function, calls, lambda: 2 * len(client.nthreads())):
            if died:
                suspects.append(call)
            else:
                yield call, result, False
        # What only waited on a worker that died is not to blame: run alone, it kills none.
        yield from _at_once(client, files, function, suspects, lambda: 1)


def _at_once(
    client: Client, files: ArrayFiles, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], most: Callable[[], int]
) -> Iterator[tuple[tuple[Any, ...], Any, bool]]:
    """Every call, with no more than `most` under way."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker, as_completed

    waiting = iter(calls)
    under_way: dict[Any, tuple[Any, ...]] = {}
    finished = as_completed()

    def hand_out() -> None:
        for call in islice(waiting, max(0, most() - len(under_way))):
            future = client.submit(_as_here, versions(SAME), function, files.pack(call), pure=False)
            under_way[future] = call
            finished.add(future)

    hand_out()
    for future in finished:
        call = under_way.pop(future)
        try:
            yield call, future.result(), False
        except KilledWorker:
            yield call, None, True
        except CancelledError:
            raise WorkFailed("the Dask scheduler is gone; finished work is kept: the same command goes on from here") from None
        hand_out()


def _as_here(expected: dict[str, str], function: Callable[..., Any], packed: bytes) -> Any:
    """The call, on a worker that would give the same results: it may have come later than the others."""
    from distributed import get_worker

    from ser_bench.utils.array_files import unpack

    worker = get_worker()
    _refuse_worker(worker.address, worker.state.nthreads, versions(SAME), expected)
    return function(*unpack(packed))


def _refuse_worker(name: str, threads: int, theirs: dict[str, str], ours: dict[str, str]) -> None:
    """Raise WorkFailed for a worker of several threads or with other versions."""
    if threads > 1:
        raise WorkFailed(f"worker {name} runs several threads, which changes last digits; start it with --nthreads 1")
    for library in SAME:
        if theirs[library] != ours[library]:
            raise WorkFailed(
                f"{library} is {theirs[library] or ABSENT} on worker {name} and {ours[library] or ABSENT} here; install the same"
            )


def count_workers(address: str) -> int:
    """How many workers a cluster has."""
    with connect(address) as client:
        return len(client.nthreads())


def connect(address: str) -> Client:
    """A client of a cluster that is fit for use."""
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise WrongCall("--scheduler needs Dask: pip install distributed") from None
    # The errors below say what it would log of lost connections.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})
    client, why = None, ""
    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        why = str(error)
    if client is None:
        gc.collect()  # ends what there is of the client: in another thread, while the next one starts, each would wait for the other
        raise WrongCall(f"--scheduler {address}: no Dask scheduler answers there ({why}); start one with: dask scheduler")
    try:
        _check(client, address)
    except BaseException:
        client.close()
        raise
    return client


def _check(client: Client, address: str) -> None:
    from distributed import TimeoutError as TooLate

    start = f"start some with: dask worker {address} --nthreads 1 --nworkers 2"
    try:
        client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
    except TooLate:
        raise WrongCall(f"--scheduler {address} has no workers; {start}") from None
    found, threads = client.run(versions, SAME), client.nthreads()
    # A worker that joins between the two questions is checked as all late ones are: before it is given work.
    for worker in sorted(found.keys() & threads.keys()):
        _refuse_worker(worker, threads[worker], found[worker], versions(SAME))
