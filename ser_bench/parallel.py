"""Work over processes, one thread each; results come as they are finished."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple


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


class Died(NamedTuple):
    """A call whose process died, twice: the second time with no other under way."""

    call: tuple[Any, ...]


def in_parallel(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[Any]:
    """Yield `function(*call)` of every call, in the order in which they end, or `Died` for one that kills its process.

    A process that dies takes what its neighbours were doing with it. So whatever was under way is done again, one call
    at a time, and the rest goes on in new ones. With one job there is no process but this one.
    """
    if jobs == 1:
        yield from (function(*call) for call in calls)
        return
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
            parallel = Parallel(jobs, return_as="generator_unordered", inner_max_num_threads=1, max_nbytes="1M")
            for number, result in parallel(hand_out()):
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

    executor = ProcessPoolExecutor(1)
    try:
        for call in calls:
            try:
                yield executor.submit(function, *call).result()
            except TerminatedWorkerError:
                executor = ProcessPoolExecutor(1)
                yield Died(call)
    finally:
        executor.shutdown()


def _numbered(number: int, function: Callable[..., Any], call: tuple[Any, ...]) -> tuple[int, Any]:
    return number, function(*call)
