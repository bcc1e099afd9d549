"""What long work tells: how much is done, and how long the rest takes by what it is expected to cost."""

import io
import sys

import pytest

from ser_bench.utils import progress
from ser_bench.utils.progress import Bar, Lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed, to be set."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_time_left_goes_by_the_share_of_the_work(clock, capsys):
    lines = Lines()
    lines.start("judging", 3)
    clock[0] = 60
    lines.advance("a dear one", share=0.75)
    assert "judging: 1 of 3, about 20 s left (a dear one)" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "steps", "told"), [(60, 4, "1 of 4, about 3 min 00 s left"), (40, 360, "1 of 360")])
def test_time_left_goes_by_number_where_nothing_is_known_of_costs_and_not_by_a_first_step_that_started_workers(
    seconds, steps, told, clock, capsys
):
    lines = Lines()
    lines.start("extracting", steps)
    clock[0] = seconds
    lines.advance()
    assert f"extracting: {told}\n" in capsys.readouterr().err


def test_the_bar_counts_what_is_done(capsys):
    bar = Bar()
    bar.start("judging", 2)
    bar.advance("best", share=0.9)
    bar.advance(share=0.1)
    bar.stop()
    assert "2/2" in capsys.readouterr().err


def test_a_bar_of_finished_work_ends_filled_whatever_its_shares_were(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("COLUMNS", "80")
    for done, filled in ((2, True), (1, False)):
        bar = Bar()
        bar.start("evaluating", 2)
        for _ in range(done):
            bar.advance("svm", share=0.3)
        bar.stop()
        last = shown.getvalue().splitlines()[-1]
        assert f"{done}/2" in last
        assert ("━" * 16 in last) == filled
