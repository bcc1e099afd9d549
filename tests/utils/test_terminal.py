"""A table fits the terminal that it is printed on: every row and cell is there, and nothing in a cell is a command to it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from ser_bench.errors import printable
from ser_bench.utils.terminal import Part, TerminalTable

HEAD = ["rank", "features", "model", "UAR", "95% CI", "AUC"]
ROWS = [["1", "spectral+mfcc", "logreg", ".569", "[.459, .673]", ".904"], ["2", "egemaps", "svm", ".447", "[.319, .583]", ".820"]]
TEXTS = st.text(st.one_of(st.sampled_from("[]b/=\x1b\u202e \n\u97f3+"), st.characters(codec="utf-8")), max_size=30)


def printed(width: int, rows: list[list[str]] = ROWS, **about: object) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    parts = [Part(rows[:1], [""], "the best"), Part(rows[1:], [""] * len(rows[1:]))]
    table = TerminalTable(HEAD, parts, "title", **{"words": ["features", "model", "95% CI"], "names": 3, **about})
    console.print(table)
    return console.file.getvalue().splitlines()


def test_a_wide_terminal_has_a_line_per_row_in_its_part():
    assert [line.split() for line in printed(80)[1:]] == [
        ["rank", "features", "model", "UAR", "95%", "CI", "AUC"],
        ["the", "best"],
        ["1", "spectral+mfcc", "logreg", ".569", "[.459,", ".673]", ".904"],
        ["2", "egemaps", "svm", ".447", "[.319,", ".583]", ".820"],
    ]


def test_as_wide_as_it_says_each_row_is_one_line():
    rows = [[name * 30 for name in row] for row in ROWS]
    width = TerminalTable(HEAD, [Part(rows, ["", ""])]).width
    assert [line.split()[-1] for line in printed(width, rows)[-2:]] == [row[-1] for row in rows]
    assert len(printed(width - 1, rows)) > len(printed(width, rows))


def test_a_narrower_one_is_without_what_can_be_spared_and_says_so():
    said = "\n".join(printed(50, folded="features", spared=["AUC"]))
    assert "(no room for AUC)" in said
    assert ".904" not in said
    assert "spectral+mfcc  logreg  .569  [.459, .673]" in said


def test_a_narrow_one_has_scores_below_names_and_loses_none():
    one = ["1  spectral+mfcc  logreg", "      UAR .569,", "      95% CI [.459, .673],", "      AUC .904"]
    other = ["2  egemaps  svm", "      UAR .447,", "      95% CI [.319, .583],", "      AUC .820"]
    assert [line.rstrip() for line in printed(30)] == ["title", "the best", *one, *other]


@pytest.mark.parametrize("width", [24, 60, 200])
@given(st.lists(TEXTS, min_size=6, max_size=6))
def test_no_text_is_wider_than_the_terminal_or_a_command_to_it(width, cells):
    lines = printed(width, [cells, ROWS[1]])
    assert max(map(cell_len, lines)) <= width
    assert lines == [*map(printable, lines)]
    assert any("egemaps" in line for line in lines)
