"""Figures as files: which a command writes, in which kinds, and that they are left where nothing has changed.

In:   what is to be drawn, and a digest of what it is drawn from.
Out:  in `figures/` those that every call writes, as SVG and PNG; in `figures/<style>/` all of them, as PDF, SVG and PNG, with captions
      as text.
Rule: the same figure is the same bytes. A style that was asked for once is kept up to date by later calls, as no figure may show what
      is not so any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ser_bench.errors import printable
from ser_bench.reports.drawing import own_settings
from ser_bench.reports.figures.style import DEFAULT, KINDS, STYLES, Style
from ser_bench.reports.made import make_if_changed
from ser_bench.utils.atomic import write_text, write_whole

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

FOLDER = "figures"
CAPTION = "txt"
"""How the names of captions end."""
SLOW = ("pdf",)
"""Kinds that are written only where a style is asked for: their fonts take longer than all else."""
DOTS = 160
"""Dots of a PNG per inch, where no style says how many."""


class Drawing(NamedTuple):
    """A figure that can be drawn: the name of its files, its caption, and itself in a style, or None where there is nothing to draw.

    `always` says that it is drawn without a style being asked for, too.
    """

    name: str
    caption: str
    draw: Callable[[Style], Figure | None]
    always: bool = False


def write_figures(folder: Path, drawings: Sequence[Drawing], source: str, style: str = "") -> None:
    """Write the figures of a folder: those that are always drawn, and all of them in `style` and in other styles that are there.

    Parameters
    ----------
    folder : Path
        Of a run, an ablation or the like.
    drawings : sequence of Drawing
    source : str
        A digest of what they are drawn from.
    style : str
        One of `STYLES`; empty for none.
    """
    if always := [drawing for drawing in drawings if drawing.always]:
        _keep(folder, FOLDER, always, DEFAULT, [kind for kind in KINDS if kind not in SLOW], source)
    for name, look in STYLES.items():
        if name == style or (folder / FOLDER / name).is_dir():
            _keep(folder, f"{FOLDER}/{name}", drawings, look, [*KINDS, CAPTION], source)


def _keep(folder: Path, place: str, drawings: Sequence[Drawing], style: Style, kinds: Sequence[str], source: str) -> None:
    """Draw figures into a folder below `folder`, unless they lie there as they were drawn from the same."""

    def make() -> None:
        for drawing in drawings:
            _draw(drawing, style, folder / place, kinds)

    make_if_changed(folder, [f"{place}/{drawing.name}.{kind}" for drawing in drawings for kind in kinds], source, make)


def _draw(drawing: Drawing, style: Style, folder: Path, kinds: Sequence[str]) -> None:
    """Draw one figure; where there is nothing to draw, what was drawn before goes."""
    figure = drawing.draw(style)
    if figure is None:
        for kind in (*KINDS, CAPTION):
            (folder / f"{drawing.name}.{kind}").unlink(missing_ok=True)
        return
    with own_settings():
        save(figure, folder, drawing.name, [kind for kind in kinds if kind != CAPTION], style.dots)
    if CAPTION in kinds:
        write_text(folder / f"{drawing.name}.{CAPTION}", f"{printable(drawing.caption)}\n")


def save(figure: Figure, folder: Path, name: str, kinds: Sequence[str] | None = None, dots: int = DOTS) -> None:
    """Write a picture in some of `KINDS`, in all without; inside `own_settings`, the same bytes for the same picture.

    `Figure.savefig` would draw it twice for each kind, the first time for its layout; here the layout of the PNG serves all.
    """
    figure.dpi = dots
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for kind in KINDS if kinds is None else kinds:
        write_whole(folder / f"{name}.{kind}", partial(_write, figure, kind, KINDS[kind], dots))


def save_as(figure: Figure, path: str | os.PathLike[str], dots: int = DOTS) -> None:
    """Write a picture as the kind that the file's name ends in; the same bytes for the same picture."""
    kind = Path(path).suffix.lower().removeprefix(".")
    write_whole(Path(path), partial(_write, figure, kind, KINDS[kind], dots))


def _write(figure: Figure, kind: str, metadata: Mapping[str, Any], dots: int, file: Any) -> None:
    """Write a picture that is laid out."""
    figure.dpi = dots  # which vector graphics leave as their own
    match kind:
        case "png":
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            FigureCanvasAgg(figure).print_png(file, metadata=metadata)
        case "svg":
            from matplotlib.backends.backend_svg import FigureCanvasSVG

            FigureCanvasSVG(figure).print_svg(file, metadata=metadata)
        case "pdf":  # whose fonts take as long to import as the two others to write
            from matplotlib.backends.backend_pdf import FigureCanvasPdf

            FigureCanvasPdf(figure).print_pdf(file, metadata=metadata)
