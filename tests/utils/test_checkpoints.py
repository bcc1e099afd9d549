"""Weights are read as PyTorch and NumPy save them; what else a file holds is refused, and nothing of it is run."""

import importlib.util
import io
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.errors import WrongCall
from ser_bench.utils.checkpoints import Checkpoint, read_checkpoint

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch, which writes such files, is not installed")
HERE = Path("weights.pth")
MAGIC = b"\x80\x02\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."


class Runs:
    """Calls something when it is unpickled."""

    def __init__(self, call: object, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple:
        return self.call, self.arguments


def archived(data_pickle: bytes) -> bytes:
    """A state dict as PyTorch has them since 1.6, with this pickle."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("archive/data.pkl", data_pickle)
        archive.writestr("archive/data/0", bytes(16))
    return kept.getvalue()


def streamed(data_pickle: bytes) -> bytes:
    """One as it was before, with this pickle."""
    return (
        MAGIC
        + pickle.dumps(1001, 2)
        + pickle.dumps({"little_endian": True}, 2)
        + data_pickle
        + pickle.dumps(["0"], 2)
        + (4).to_bytes(8, "little")
        + bytes(16)
    )


def of_four_numbers(view: bytes) -> bytes:
    """The pickle of one tensor, `a`, whose storage has four numbers; the instructions say which of them it has."""
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
    return b"\x80\x02}(X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n(" + storage + view + b"\x89}tRu."


def saved(arrays: dict[str, np.ndarray]) -> bytes:
    kept = io.BytesIO()
    np.savez(kept, **arrays)
    return kept.getvalue()


@needs_torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
def test_a_state_dict_is_read_as_it_was_saved(zipped):
    import torch

    state = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(3, 5)).state_dict()
    state |= {"turned": torch.arange(12.0).reshape(3, 4).T, "part": torch.arange(9.0)[2:5], "half": torch.ones(2, dtype=torch.float16)}
    state |= {"whole": torch.arange(3), "parameter": torch.nn.Parameter(torch.ones(3)), "one": torch.tensor(7.0)}
    kept = io.BytesIO()
    torch.save(state, kept, _use_new_zipfile_serialization=zipped)
    found = read_checkpoint(kept.getvalue(), HERE)
    assert found.shapes == {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name, tensor in state.items():
        np.testing.assert_array_equal(found[name], tensor.detach().float().numpy())


@needs_torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
def test_a_file_cut_anywhere_is_refused(zipped):
    import torch

    kept = io.BytesIO()
    torch.save({"a": torch.ones(40)}, kept, _use_new_zipfile_serialization=zipped)
    whole = kept.getvalue()
    for end in range(0, len(whole), 7):
        with pytest.raises(WrongCall, match=r"weights\.pth"):
            read_checkpoint(whole[:end], HERE)["a"]


@needs_torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
@pytest.mark.parametrize("found", ["whole network", "sparse"])
def test_what_is_more_than_tensors_is_refused_by_name(zipped, found):
    import torch

    kept = io.BytesIO()
    what = torch.nn.Linear(2, 2) if found == "whole network" else {"a": torch.ones(2).to_sparse()}
    torch.save(what, kept, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WrongCall, match="it names 'torch"):
        read_checkpoint(kept.getvalue(), HERE)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("as_saved", [archived, streamed, bytes], ids=["zip", "stream", "alone"])
def test_a_pickle_that_runs_something_is_refused_and_does_not(as_saved, protocol, tmp_path):
    ran = tmp_path / "ran"
    evil = pickle.dumps({"a": Runs(os.mkdir, str(ran))}, protocol)
    pickle.loads(evil)
    assert ran.exists()  # as it would be by whoever unpickles it
    ran.rmdir()
    with pytest.raises(WrongCall, match=r"^weights\.pth .*(mkdir|instruction|no state dict)"):
        read_checkpoint(as_saved(evil), HERE)
    assert not ran.exists()


def test_known_names_are_not_called_in_other_ways(tmp_path):
    for evil in ({"a": OrderedDict(b=1)}, Runs(OrderedDict, [("a", 1)]), OrderedDict, {"a": OrderedDict}, [1], {1: 2}):
        with pytest.raises(WrongCall, match=r"weights\.pth"):
            read_checkpoint(archived(pickle.dumps(evil, 2)), HERE)


def test_arrays_of_numpy_are_read_and_objects_among_them_are_not(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(3, np.int64)}
    found = read_checkpoint(saved(arrays), HERE)
    assert found.shapes == {"a": (2, 3), "b": ()}
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    with pytest.raises(WrongCall, match=r"weights\.pth"):
        read_checkpoint(saved({"a": np.array([Runs(os.mkdir, str(tmp_path / "ran"))])}), HERE)
    assert not (tmp_path / "ran").exists()


@given(st.integers(0, 400), st.integers(0, 255), st.sampled_from([archived, streamed]))
def test_a_changed_byte_ends_in_one_line(at, byte, as_saved):
    data = bytearray(as_saved(of_four_numbers(b"K\x00K\x04\x85K\x01\x85")))
    data[at % len(data)] = byte
    try:
        found = read_checkpoint(bytes(data), HERE)
        [found[name] for name in found.shapes]
    except WrongCall:
        found = None
    assert found is None or isinstance(found, Checkpoint)


@pytest.mark.parametrize("numbers", [b"K\x00K\x05\x85K\x01\x85", b"K\x04K\x01\x85K\x01\x85", b"K\x00J\xff\xff\xff\xff\x85K\x01\x85"])
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(numbers):
    with pytest.raises(WrongCall, match=r"beyond its storage|is none"):
        read_checkpoint(archived(of_four_numbers(numbers)), HERE)
