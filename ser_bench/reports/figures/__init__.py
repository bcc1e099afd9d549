"""Figures for papers, each drawn in one place: with a run, an audit or the like, and from Python (`ser_bench.figures`).

`style` has presets, type and legends, `looks` colours and markers, `saving` which files are written and when. `intervals` draws scores with
their intervals, `grids` shaded fields, `boards` all systems of a run, `systems` one of them, `ranks` the critical-difference diagram;
`runs` lists what a run has.
"""

from ser_bench.reports.figures.intervals import Mark, Panel, draw_intervals
from ser_bench.reports.figures.looks import LOOKS, Look, looks_of, looks_of_systems
from ser_bench.reports.figures.saving import Drawing, save, save_as, write_figures
from ser_bench.reports.figures.style import KINDS, STYLES, TITLES, Key, Style

__all__ = [
    "KINDS",
    "LOOKS",
    "STYLES",
    "TITLES",
    "Drawing",
    "Key",
    "Look",
    "Mark",
    "Panel",
    "Style",
    "draw_intervals",
    "looks_of",
    "looks_of_systems",
    "save",
    "save_as",
    "write_figures",
]
