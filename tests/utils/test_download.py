"""A file is downloaded whole and as published, whatever the server does, or it is not there and one line says why."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ser_bench.errors import WorkFailed
from ser_bench.utils import download
from ser_bench.utils.progress import Silent
from tests.serving import Served, serving

CONTENT = bytes(range(256)) * 40
MD5, SHA256 = (f"{name}:{hashlib.new(name, CONTENT).hexdigest()}" for name in ("md5", "sha256"))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)


def fetch(url: str, tmp_path: Path, **published: object) -> str:
    return download.fetch(f"{url}/file", tmp_path / "file", progress=Silent(), **published)  # type: ignore[arg-type]


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize("published", [{}, {"checksum": MD5}, {"checksum": SHA256, "size": len(CONTENT)}], ids=["nothing", "md5", "all"])
def test_a_file_comes_whole_and_its_checksum_is_told(tmp_path, published):
    with serving(file=Served(CONTENT)) as (url, _):
        assert fetch(url, tmp_path, **published) == SHA256
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert left(tmp_path) == ["file"]


def test_what_is_there_is_not_fetched_again(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    with serving(file=Served(b"")) as (url, files):
        fetch(url, tmp_path, checksum=MD5)
        assert files["/file"].asked == []


def test_a_dropped_connection_goes_on_where_it_was(tmp_path):
    with serving(file=Served(CONTENT, drops_after=3_000)) as (url, files):
        fetch(url, tmp_path, checksum=MD5, size=len(CONTENT))
        assert files["/file"].asked == ["", "bytes=3000-", "bytes=6000-", "bytes=9000-"]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_later_call_goes_on_where_an_earlier_one_was_stopped(tmp_path):
    (tmp_path / ".file.part").write_bytes(CONTENT[:4_000])
    with serving(file=Served(CONTENT)) as (url, files):
        fetch(url, tmp_path, checksum=MD5)
        assert files["/file"].asked == ["bytes=4000-"]


def test_a_server_that_refuses_ranges_is_asked_from_the_start(tmp_path):
    (tmp_path / ".file.part").write_bytes(CONTENT[:4_000])
    with serving(file=Served(CONTENT, ranges=False)) as (url, _):
        fetch(url, tmp_path, checksum=MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_that_refuses_ranges_and_always_drops_is_given_up(tmp_path):
    with serving(file=Served(CONTENT, ranges=False, drops_after=2_000)) as (url, files):
        with pytest.raises(WorkFailed, match=r"the connection broke off, 5 times in a row; 2,000 bytes are kept, the same command goes on"):
            fetch(url, tmp_path)
        assert len(files["/file"].asked) == 1 + download.TRIES
    assert left(tmp_path) == [".file.part"]


def test_what_an_earlier_file_left_is_thrown_away(tmp_path):
    (tmp_path / ".file.part").write_bytes(CONTENT + b"more")
    with serving(file=Served(CONTENT)) as (url, _):
        fetch(url, tmp_path, checksum=MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_wrong_bytes_are_not_kept(tmp_path):
    with serving(file=Served(CONTENT[::-1])) as (url, _), pytest.raises(WorkFailed, match="not the checksum that is published"):
        fetch(url, tmp_path, checksum=MD5, size=len(CONTENT))
    assert left(tmp_path) == []


def test_another_size_than_published_is_refused_before_it_is_fetched(tmp_path):
    with serving(file=Served(CONTENT)) as (url, _), pytest.raises(WorkFailed, match=r"10,240 bytes are offered, 9 are published"):
        fetch(url, tmp_path, size=9)
    assert left(tmp_path) == []


def test_an_overloaded_server_is_asked_again(tmp_path):
    with serving(file=Served(CONTENT, fails=[503, 429])) as (url, _):
        fetch(url, tmp_path, checksum=MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(("fails", "said"), [([403], "the server answers 403"), ([503] * 9, "answers 503 .* 5 times in a row")])
def test_a_server_that_has_nothing_is_named_with_its_answer(tmp_path, fails, said):
    with serving(file=Served(CONTENT, fails=fails)) as (url, _), pytest.raises(WorkFailed, match=f"{url}/file: .*{said}"):
        fetch(url, tmp_path)


def test_a_server_that_is_not_there_is_named(tmp_path):
    with serving() as (url, _):
        pass
    with pytest.raises(WorkFailed, match=f"{url}/file: .*refused"):
        fetch(url, tmp_path)


def test_nothing_but_the_web_is_read(tmp_path):
    with pytest.raises(WorkFailed, match="is no address of a web server"):
        download.fetch("file:///etc/passwd", tmp_path / "file", progress=Silent())


def test_progress_counts_megabytes_once_although_the_download_starts_again(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MEGABYTE", 1_000)
    steps: list[str] = []

    class Told(Silent):
        def start(self, what: str, total: int) -> None:
            steps.append(f"{what} {total}")

        def advance(self, note: str = "", share: float | None = None) -> None:
            steps.append("+")

    (tmp_path / ".file.part").write_bytes(b"x" * 5_000)
    with serving(file=Served(CONTENT, ranges=False)) as (url, _):
        download.fetch(f"{url}/file", tmp_path / "file", progress=Told())
    assert steps == ["downloading file (MB) 11", *["+"] * 11]
