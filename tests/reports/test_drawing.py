"""Pictures are the same bytes and are made at all, whatever the user's own settings of matplotlib are."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from ser_bench.reports.drawing import own_settings
from ser_bench.reports.figures import KINDS, save
from ser_bench.reports.figures.saving import DOTS

DRAW = """
from pathlib import Path
from ser_bench.reports.figures import LOOKS, Drawing, Mark, Panel, draw_intervals, write_figures
from ser_bench.reports.spectrograms import _webp
import numpy as np
panel = Panel("t $x$", [Mark("a $\\\\frac{ b", 0.5, 0.4, 0.6, LOOKS[0])], {"chance": 0.25}, "names")
write_figures(Path(), [Drawing("x", "T", lambda style: draw_intervals([panel], style), always=True)], "", "column")
Path("figures/x.webp").write_text(_webp(np.zeros((4, 4), np.uint8)))
import matplotlib
print(matplotlib.rcParams["font.size"])
"""


def drawn(folder: Path, settings: bytes = b"", **environment: str) -> tuple[dict[str, str], str]:
    """Hashes of the pictures that another process draws, and the size of letters that it has afterwards."""
    folder.mkdir()
    if settings:
        (folder / "matplotlibrc").write_bytes(settings)
    home = {"PYTHONPATH": str(Path(__file__).parents[2]), "MPLBACKEND": "agg", **environment}
    done = subprocess.run([sys.executable, "-c", DRAW], cwd=folder, env=os.environ | home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in (folder / "figures").rglob("x.*")}, done.stdout.strip()


@pytest.mark.usefixtures("every_kind_of_picture")
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_picture_is_what_matplotlib_writes_with_the_layout_of_its_png(tmp_path, kind):
    def figure() -> Figure:
        made = Figure(figsize=(4, 2), layout="constrained")
        axes = made.subplots()
        axes.plot([0, 1], [0, 1])
        axes.set_xlabel("a name of the axis")
        made.suptitle("a title")
        return made

    with own_settings():
        save(figure(), tmp_path, "x")
        by_itself = figure()
        by_itself.savefig(tmp_path / "layout.png", dpi=DOTS)
        by_itself.set_layout_engine("none")
        by_itself.savefig(tmp_path / "by itself", format=kind, dpi=DOTS, metadata=KINDS[kind])
    assert (tmp_path / f"x.{kind}").read_bytes() == (tmp_path / "by itself").read_bytes()


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Pictures without settings of the user's, and their hashes."""
    folder = tmp_path_factory.mktemp("usual") / "w"
    return folder / "figures", drawn(folder)[0]


@pytest.mark.parametrize(
    ("settings", "environment", "size"),
    [
        (b"text.usetex: True\nfont.size: 30\nsavefig.dpi: 12\naxes.facecolor: red\nsvg.fonttype: path\n", {}, "30.0"),
        (b"fo\xff\xfe", {"MPLBACKEND": "nonsense"}, "10.0"),
        pytest.param(b"backend: rubbish\n", {}, "10.0", marks=pytest.mark.thorough),
    ],
    ids=["odd", "unreadable, with no backend", "no backend"],
)
def test_no_setting_of_the_users_changes_a_byte_and_all_are_theirs_again_afterwards(usual, tmp_path, settings, environment, size):
    assert drawn(tmp_path / "w", settings, **environment) == (usual[1], size)


def test_fonts_of_pdf_pictures_are_those_that_publishers_take(usual):
    picture = (usual[0] / "column" / "x.pdf").read_bytes()
    assert b"/FontFile2" in picture  # TrueType
    assert b"/Type3" not in picture
