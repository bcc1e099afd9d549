"""A corpus of one's own by an entry point, as docs/corpora.md has it word for word; `test_one_file.py` adds one by a file."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_bench.corpora import load_corpus
from ser_bench.utils import plugins
from tests.calling import call

HOUSE = Path(__file__).parents[2]
SECTION = (HOUSE / "docs" / "corpora.md").read_text(encoding="utf-8").partition("## Adding a corpus")[2].partition("\n## ")[0]
(MODULE,) = re.findall(r"`quartet\.py`:\n\n```python\n(.*?)```", SECTION, re.DOTALL)
(ENTRY,) = re.findall(r'```toml\n\[project\.entry-points\."ser_bench\.corpora"\]\n(.*?)```', SECTION, re.DOTALL)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Three speakers whose emotions differ in loudness."""
    folder, rng = tmp_path / "recordings", np.random.default_rng(0)
    folder.mkdir()
    for speaker in ("anna", "ben", "cleo"):
        for emotion, level in {"W": 0.6, "F": 0.3, "N": 0.1}.items():
            for take in range(4):
                soundfile.write(folder / f"quartet_{speaker}_{emotion}_{take}.wav", rng.normal(0, level / 4, 4_000).clip(-1, 1), 16_000)
    return folder


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's module and entry as an installed package."""
    about = tmp_path / "site" / "quartet-1.0.dist-info"
    about.mkdir(parents=True)
    (tmp_path / "site" / "quartet.py").write_text(MODULE, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: quartet\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ser_bench.corpora]\n" + ENTRY.replace('"', ""))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()
    plugins._provider.cache_clear()
    yield
    sys.modules.pop("quartet", None)
    plugins._provider.cache_clear()


def test_the_page_needs_few_lines() -> None:
    prose = re.sub(r"```.*?```", "", SECTION, flags=re.DOTALL)
    assert len([line for line in prose.splitlines() if line.strip()]) <= 15
    assert len([line for line in (MODULE + ENTRY).splitlines() if line.strip()]) <= 15


@pytest.mark.usefixtures("installed")
def test_a_package_s_corpus_is_listed_recognised_shown_and_evaluated(recordings: Path, tmp_path: Path) -> None:
    assert "quartet" in call("corpora").stdout.splitlines()
    corpus = load_corpus(recordings)
    assert (corpus.name, len(corpus.clips), sorted(set(corpus.clips["emotion"]))) == ("quartet", 36, ["anger", "happiness", "neutral"])
    assert "recognised   quartet, language de" in call("corpora", "show", recordings).stdout
    small = ["-f", "spectral", "-m", "logreg", "--trials", 1, "--inner", 2, "--seeds", 1, "--jobs", 1, "--no-learning-curves"]
    done = call("run", recordings, *small, "--out", tmp_path / "out", "--cache", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "quartet, 3 emotions (anger, happiness, neutral), 36 clips of 3 speakers" in " ".join(done.stdout.split())
