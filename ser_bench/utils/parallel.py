"""Work over processes, one thread each, on this machine or on a cluster; results come as they are finished.

In:   a function, the arguments of each call, `Workers`.
Out:  each call's result as it ends; `Died` where its process did.
Rule: no result depends on the process that it comes from, or on their number; processes of this machine end with this one.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ser_bench.utils.processes import shared_folder, with_this_process

Item = TypeVar("Item")
Result = TypeVar("Result")


@cache
def keep_memory() -> None:
    """Have this process keep the memory that it frees, for arrays of the same size as the next clip's.

    glibc returns large arrays to the system at once; fetching their pages again costs as much as computing what is in them.
    Elsewhere nothing is done.
    """
    import ctypes

    trim_threshold, top_pad, mmap_threshold = -1, -2, -3
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, megabytes in ((mmap_threshold, 32), (trim_threshold, 256), (top_pad, 64)):
            mallopt(parameter, megabytes << 20)


def on_one_thread() -> AbstractContextManager[Any]:
    """Let every library compute on one thread: several would add up numbers in another order."""
    return thread_pools().limit(limits=1)


def thread_pools() -> Any:
    """The libraries with threads of their own: looked for again when there are more modules, as that takes milliseconds."""
    return _thread_pools(len(sys.modules))


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class Died(NamedTuple):
    """A call whose process died, twice: the second time with no other under way."""

    call: tuple[Any, ...]


@dataclass(frozen=True)
class Workers:
    """Who does the work: processes of this machine or, with the address of a scheduler, those of its Dask cluster.

    These find large arrays in `folder`, which they see under the same path.
    """

    jobs: int = 1
    scheduler: str = ""
    folder: Path = Path()

    @property
    def number(self) -> int:
        """How many there are just now."""
        if not self.scheduler:
            return self.jobs
        from ser_bench.utils.dask_backend import count_workers

        return count_workers(self.scheduler)


def in_parallel(
    function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], workers: Workers, meanwhile: Callable[[], object] | None = None
) -> Iterator[Any]:
    """Yield `function(*call)` of every call, in the order in which they end, or `Died` for one that kills its process.

    With one job all is done in this process, on one thread as in a worker, so that sums come out the same.
    With several of this machine, this process calls `meanwhile` once they are at work, while it would only wait for them.
    """
    if workers.scheduler:
        from ser_bench.utils.dask_backend import on_cluster

        found = on_cluster(function, calls, workers.scheduler, workers.folder.resolve())
        yield from (Died(call) if died else result for call, result, died in found)
    elif workers.jobs == 1:
        yield from (_on_one_thread(function, call) for call in calls)
    else:
        yield from over_processes(function, calls, workers.jobs, meanwhile)


def in_batches(
    function: Callable[[list[Item]], list[Result]],
    items: Iterable[Item],
    workers: Workers,
    size: int,
    died: Callable[[Item], Result],
) -> Iterator[Result]:
    """Yield what `function` makes of items, `size` at a time, as they end; of one whose process dies, what `died` makes."""
    left = iter(items)
    batches = iter(lambda: list(islice(left, size)), [])
    for result in in_parallel(function, ((batch,) for batch in batches), workers):
        if not isinstance(result, Died):
            yield from result
            continue
        for again in one_by_one(function, (([item],) for item in result.call[0])):
            yield from [died(item) for item in again.call[0]] if isinstance(again, Died) else again


def over_processes(
    function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], jobs: int, meanwhile: Callable[[], object] | None = None
) -> Iterator[Any]:
    """Yield results, or `Died`, over processes of this machine; `meanwhile` as in `in_parallel`.

    A process that dies takes what its neighbours were doing with it. So whatever was under way is done again, one call
    at a time, and the rest goes on in new ones.
    """
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    waiting = enumerate(calls)
    under_way: dict[int, tuple[Any, ...]] = {}

    def hand_out() -> Iterator[Any]:
        for number, call in waiting:
            under_way[number] = call
            yield delayed(_numbered)(number, function, call)

    while True:
        try:
            how = {"inner_max_num_threads": 1, "max_nbytes": "1M", "temp_folder": shared_folder(), **with_this_process()}
            parallel = Parallel(jobs, return_as="generator_unordered", **how)
            results = parallel(hand_out())
            if meanwhile:
                meanwhile()
                meanwhile = None
            for number, result in results:
                del under_way[number]
                yield result
            return
        except TerminatedWorkerError:
            suspects = list(under_way.values())
            under_way.clear()
        yield from one_by_one(function, suspects)


def one_by_one(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield `function(*call)` of every call in turn, in one process beside this; where that dies, `Died`, and a new one goes on."""
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    executor = ProcessPoolExecutor(1, **with_this_process())
    try:
        for call in calls:
            try:
                yield executor.submit(function, *call).result()
            except TerminatedWorkerError:
                executor = ProcessPoolExecutor(1, **with_this_process())
                yield Died(call)
    finally:
        executor.shutdown(kill_workers=True)


def _on_one_thread(function: Callable[..., Any], call: tuple[Any, ...]) -> Any:
    with on_one_thread():
        return function(*call)


def _numbered(number: int, function: Callable[..., Any], call: tuple[Any, ...]) -> tuple[int, Any]:
    return number, function(*call)
