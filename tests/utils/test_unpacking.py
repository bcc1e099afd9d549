"""An archive is unpacked below its folder and nowhere else, and no further than it may grow."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from ser_bench.errors import WorkFailed
from ser_bench.utils import unpacking
from ser_bench.utils.unpacking import unpack


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, content in files.items():
            whole.writestr(name, content)
    return path


def tarred(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as whole:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            whole.addfile(info, io.BytesIO(content))
    return path


def below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:xz"])
def test_files_keep_their_paths(tmp_path, mode):
    files = {"a/b c.wav": b"1", "é.txt": b"2"}
    if mode == "zip":
        archive = zipped(tmp_path / "archive", **files)
    else:
        archive = tarred(tmp_path / "archive", *((tarfile.TarInfo(name), content) for name, content in files.items()), mode=mode)
    assert unpack(archive, tmp_path / "out") == 2
    assert below(tmp_path / "out") == files


def test_a_file_that_is_no_archive_is_kept_as_it_is(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"a,b\n")
    unpack(tmp_path / "labels.csv", tmp_path / "out")
    assert below(tmp_path / "out") == {"labels.csv": b"a,b\n"}


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tgz", "a.tar.xz"])
def test_what_is_called_an_archive_and_is_none_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(WorkFailed, match=f"{name} is no archive"):
        unpack(tmp_path / name, tmp_path / "out")


def test_only_what_is_wanted_is_unpacked_and_no_system_s_own_files(tmp_path):
    archive = zipped(
        tmp_path / "a.zip", **{"r/wav/1.wav": b"1", "r/video/1.mp4": b"2", "r/wav/._1.wav": b"3", "__MACOSX/r/wav/1.wav": b"4"}
    )
    unpack(archive, tmp_path / "out", "*/wav/*|*.csv")
    assert below(tmp_path / "out") == {"r/wav/1.wav": b"1"}
    with pytest.raises(WorkFailed, match=r"holds no file that is looked for \(\*\.flac\)"):
        unpack(archive, tmp_path / "other", "*.flac")


@pytest.mark.parametrize("name", ["../out.wav", "a/../../out.wav", "/tmp/out.wav", "..\\out.wav", "C:\\out.wav"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_member_leaves_the_folder(tmp_path, name, kind):
    archive = zipped(tmp_path / "a", **{name: b"x"}) if kind == "zip" else tarred(tmp_path / "a", (tarfile.TarInfo(name), b"x"))
    before = set(tmp_path.rglob("*"))
    with pytest.raises(WorkFailed, match="would lie outside the folder"):
        unpack(archive, tmp_path / "deep" / "out")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_link_or_a_device_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("link")
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(WorkFailed, match="'link' is a link or a device"):
        unpack(tarred(tmp_path / "a.tar", (info, b"")), tmp_path / "out")


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        whole.writestr(info, "/etc/passwd")
    with pytest.raises(WorkFailed, match="is a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_bomb_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "LEAST_BOUND", 10_000)
    with pytest.raises(WorkFailed, match="grows to more than 30 times its size"):
        unpack(zipped(tmp_path / "a.zip", **{f"{i}": bytes(500_000) for i in range(3)}), tmp_path / "out")
    assert sum(map(len, below(tmp_path / "out").values())) <= 100_000


def test_too_many_files_are_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_FILES", 3)
    with pytest.raises(WorkFailed, match="more than 3 files"):
        unpack(zipped(tmp_path / "a.zip", **{f"{i}": b"" for i in range(9)}), tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_path_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as whole:
        for content in "xy":
            whole.writestr("one.wav", content)
    with pytest.raises(WorkFailed, match=r"cannot be unpacked: .*exists"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_torn_archive_is_named(tmp_path):
    whole = zipped(tmp_path / "a.zip", **{"a.wav": bytes(range(256)) * 99}).read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[:200] + b"?" * 40 + whole[240:])
    with pytest.raises(WorkFailed, match=r"b\.zip cannot be unpacked"):
        unpack(tmp_path / "b.zip", tmp_path / "out")
