"""The file of a fitted system: the same bytes for the same content, and nothing opened that is not as it was written."""

import os
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from ser_bench.bundle import archive
from ser_bench.bundle.archive import read_archive, write_archive
from ser_bench.errors import WorkFailed, WrongCall

ARRAYS = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array([1, 2]), "c": np.array([True, False])}
ABOUT = {"name": "é\u202e\n", "numbers": [1, 2.5, None], "inside": {"z": 1, "a": "blake2b:" + 64 * "0"}}


@pytest.fixture
def path(tmp_path):
    write_archive(tmp_path / "some.serb", ARRAYS, ABOUT)
    return tmp_path / "some.serb"


def refusal(path) -> str:
    with pytest.raises(WrongCall) as refused:
        read_archive(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_is_written_is_read(path):
    arrays, about = read_archive(path)
    assert about == ABOUT
    assert arrays.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.dtype == ARRAYS[name].dtype


def test_bytes_depend_on_the_content_alone(path, tmp_path):
    backwards = dict(reversed(ARRAYS.items()))
    write_archive(tmp_path / "other.serb", {**backwards, "b": np.asfortranarray(ARRAYS["b"])}, dict(reversed(ABOUT.items())))
    assert (tmp_path / "other.serb").read_bytes() == path.read_bytes()


def test_the_file_is_one_of_safetensors(path):
    np.testing.assert_array_equal(load_file(path)["b"], ARRAYS["b"])


def test_numbers_of_numpy_become_plain_and_what_is_no_number_none(tmp_path):
    write_archive(tmp_path / "x", ARRAYS, {"uar": np.float32(0.5), "interval": (np.nan, np.inf), "codes": np.arange(2), "path": tmp_path})
    assert read_archive(tmp_path / "x")[1] == {"uar": 0.5, "interval": [None, None], "codes": [0, 1], "path": str(tmp_path)}


def test_a_changed_byte_is_noticed_wherever_it_is(path):
    whole = path.read_bytes()
    for at in (*range(120), *range(120, len(whole), 23)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        said = refusal(path)
        assert "the command that wrote it makes it again" in said or "no fitted system" in said or "newer ser-bench" in said


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_a_file_that_breaks_off_is_refused(path, kept):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert "the command that wrote it makes it again" in refusal(path)


def test_a_file_of_a_newer_version_says_that_an_upgrade_reads_it(path, monkeypatch):
    monkeypatch.setattr(archive, "FORMAT", 2)
    write_archive(path, ARRAYS, ABOUT)
    monkeypatch.undo()
    assert "was made by a newer ser-bench (format 2, not 1): pip install -U ser-bench reads it" in refusal(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"PK\x03\x04" + bytes(100),
        b"\x80\x04\x95" + bytes(50),
        save(ARRAYS),
        save(ARRAYS, {"ser": "bench"}),
        struct.pack("<Q", 2**63),
    ],
    ids=["nothing", "a letter", "an archive", "a pickle", "arrays of others", "metadata of others", "a huge header"],
)
def test_what_others_wrote_is_no_system_of_ours(tmp_path, data):
    (tmp_path / "x.serb").write_bytes(data)
    assert refusal(tmp_path / "x.serb").endswith("is no fitted system of ser-bench: name a file that `ser-bench fit` wrote")


def test_what_is_no_file_is_refused(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "absent.serb")
    assert "cannot be read" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe, not a regular file" in refusal(tmp_path / "pipe")


@pytest.mark.parametrize("said", ["[]", "[[[[" * 30_000, '{"format":true}', '{"format":1,"seal":[]}', '{"format":NaN}', "{", '"é'])
def test_a_header_of_another_form_is_refused(tmp_path, said):
    (tmp_path / "x").write_bytes(save(ARRAYS, {archive.KEY: said}))
    assert "the command that wrote it makes it again" in refusal(tmp_path / "x")


def test_arrays_of_other_types_are_refused_though_the_seal_is_right(tmp_path):
    write_archive(tmp_path / "x", {"a": np.zeros(2, np.float16)}, {})
    assert "it holds arrays of another type" in refusal(tmp_path / "x")


def test_a_failed_write_leaves_what_there_was(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(archive, "LARGEST_FILE", 10)
    with pytest.raises(WorkFailed, match="at most"):
        write_archive(path, ARRAYS, {"other": 1})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WrongCall, match="cannot be written"):
        write_archive(tmp_path / "file" / "x.serb", ARRAYS, ABOUT)
