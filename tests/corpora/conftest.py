"""Folders of every corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpora.distributed import STRAY, TREES
from tests.corpora.trees import make_tree


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every tree, made once; the second clip of each is stereo, and hidden copies and notes lie beside."""
    made = {}
    for name, tree in TREES.items():
        folder = tmp_path_factory.mktemp(name)
        mono = [file for at, file in enumerate(tree.rows) if at != 1]
        first = Path(next(iter(tree.rows)))
        beside = [(first.parent / stray.format(first.name)).as_posix() for stray in STRAY]
        make_tree(folder, [*mono, *tree.unlabelled, *tree.stray, *beside])
        make_tree(folder, [list(tree.rows)[1]], channels=2)
        for file, text in tree.tables.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        made[name] = folder
    return made
