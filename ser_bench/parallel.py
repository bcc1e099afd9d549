"""Work over processes, one thread each; results come as they are finished."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from ser_bench.errors import WorkFailed


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


def in_parallel(function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], jobs: int) -> Iterator[Any]:
    """Yield `function(*call)` of every call, in the order in which they end.

    Raises
    ------
    WorkFailed
        Where a worker process was killed.
    """
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    parallel = Parallel(min(jobs, len(calls)), return_as="generator_unordered", inner_max_num_threads=1, max_nbytes="1M")
    try:
        yield from parallel(delayed(function)(*call) for call in calls)
    except TerminatedWorkerError:
        raise WorkFailed(
            "a worker process was killed, most likely for want of memory; what is finished is kept: "
            "run the same command again, with fewer --jobs if it recurs"
        ) from None
