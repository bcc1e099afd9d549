"""Templates are compiled once, and a page never depends on where that is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2.bccache import Bucket

from ser_bench.reports import rendering
from ser_bench.reports.rendering import kept_compiled


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of templates as they are compiled."""
    names: list[str] = []
    compile_one = jinja2.Environment.compile

    def note(self: jinja2.Environment, source: str, name: str, *rest: Any) -> Any:
        names.append(name)
        return compile_one(self, source, name, *rest)

    monkeypatch.setattr(jinja2.Environment, "compile", note)
    return names


def rendered(folder: Path, text: str) -> str:
    environment = jinja2.Environment(loader=jinja2.DictLoader({"page": text}), bytecode_cache=kept_compiled(folder))
    return environment.get_template("page").render(who="x")


def test_a_template_is_compiled_once_until_it_changes(tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert [rendered(tmp_path, "{{ who }}"), rendered(tmp_path, "{{ who }}")] == ["x", "x"]
    assert len(compiled) == 1
    assert rendered(tmp_path, "{{ who }}!") == "x!"
    assert len(compiled) == 2
    changed = tmp_path / "rendering.py"
    changed.touch()
    monkeypatch.setattr(rendering, "__file__", str(changed))
    assert rendered(tmp_path, "{{ who }}!") == "x!"
    assert len(compiled) == 3
    assert len(list(tmp_path.glob("*.jinja"))) == 1


def test_what_was_kept_and_is_torn_is_compiled_again(tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    rendered(tmp_path, "{{ who }}")
    (kept,) = tmp_path.glob("*.jinja")
    for length in (0, 3, len(kept.read_bytes()) // 2, len(kept.read_bytes()) - 1):
        kept.write_bytes(kept.read_bytes()[:length])
        assert rendered(tmp_path, "{{ who }}") == "x"
    assert len(compiled) == 5


def test_a_page_is_made_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    assert kept_compiled(tmp_path / "none") is None
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    with monkeypatch.context() as disk:
        disk.setattr(Bucket, "write_bytecode", full)
        assert rendered(tmp_path, "{{ who }}") == "x"
    assert rendered(tmp_path, "{{ who }}") == "x"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert kept_compiled(tmp_path) is None
