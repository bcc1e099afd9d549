"""Work over processes: everything is done once, and a process that dies costs one call."""

import os
import signal
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from ser_bench.utils.parallel import Died, Workers, in_parallel


def double(number: int, deadly: tuple[int, ...]) -> int:
    if number in deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_call_is_done_once(jobs):
    assert sorted(in_parallel(double, ((n, ()) for n in range(40)), Workers(jobs))) == list(range(0, 80, 2))


def blas_threads(rows: int) -> list[int]:
    np.ones((rows, rows)) @ np.ones((rows, rows))
    return sorted({library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"})


def test_work_in_this_process_has_one_thread_and_afterwards_as_many_as_before():
    with threadpool_limits(2):
        assert list(in_parallel(blas_threads, [(3,)] * 2, Workers(1))) == [[1], [1]]
        assert blas_threads(3) == [2]


def test_a_call_that_kills_its_process_is_named_and_the_rest_goes_on():
    deadly = (3, 17)
    results = list(in_parallel(double, [(n, deadly) for n in range(40)], Workers(2)))
    died = [result.call[0] for result in results if isinstance(result, Died)]
    assert sorted(died) == [3, 17]
    assert sorted(result for result in results if not isinstance(result, Died)) == [2 * n for n in range(40) if n not in deadly]


def once_there(file: str) -> bool:
    """Whether a file is there, within a minute."""
    end = time.monotonic() + 60
    while not os.path.exists(file) and time.monotonic() < end:
        time.sleep(0.01)
    return os.path.exists(file)


def test_this_process_does_something_else_while_others_work(tmp_path):
    calls = [(str(tmp_path / "made"),)] * 3
    assert list(in_parallel(once_there, calls, Workers(2), (tmp_path / "made").touch)) == [True] * 3


def test_an_error_in_a_call_is_the_caller_s():
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(divmod, [(1, 0)] * 3, Workers(2)))
