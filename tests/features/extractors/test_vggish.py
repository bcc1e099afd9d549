"""VGGish: patches and network against other ways to compute them; weights by their content; what is said where they are missing."""

import importlib.util
import os
import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate2d, get_window

from ser_bench.audio.clip import Clip
from ser_bench.corpora import load_corpus
from ser_bench.errors import WorkFailed, WrongCall
from ser_bench.features import ExtractionOptions, extract_corpus, parse_features
from ser_bench.features.extractors import vggish as room
from ser_bench.features.extractors.vggish import LAYERS, RELEASED, VGGish
from ser_bench.features.signal.vggish import BANDS, PATCH_FRAMES, PATCH_SAMPLES, RATE, VggishSizes, log_mel, make_network, patches
from ser_bench.utils import download
from ser_bench.utils.checkpoints import read_checkpoint
from ser_bench.utils.parallel import Workers
from ser_bench.utils.progress import Silent
from tests.features.record import voice
from tests.serving import Served, serving

TINY = VggishSizes(((2,), (3,), (4, 4), (5, 5)), (6, 7, 8))
VALUES = {"embedding": 8, "pool4": TINY.pooled}


def weights(seed: int = 0, sizes: VggishSizes = TINY) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(shape).astype(np.float32) / 3 for name, shape in sizes.shapes().items()}


def noise(n: int, rate: int = RATE) -> Clip:
    return Clip((0.1 * np.random.default_rng(n).standard_normal(n)).astype(np.float32), rate)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of seeded random weights of a network as VGGish, of a few channels."""
    monkeypatch.setattr(room, "SIZES", TINY)
    monkeypatch.setattr(room, "LAYERS", VALUES)
    np.savez(tmp_path / "tiny.npz", **weights())
    return tmp_path / "tiny.npz"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the released weights are kept."""
    monkeypatch.setattr(room, "released_place", lambda: tmp_path / "cache" / "vggish.pth")
    monkeypatch.setattr(download, "PAUSE", 0.0)
    return tmp_path / "cache"


def by_loops(patch: np.ndarray, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The last pooling and the embedding of one patch, image by image in double precision."""
    images, names = [patch.astype(np.float64)], [name for name in arrays if name.endswith("weight")]
    for stage in TINY.convolutions:
        for _ in stage:
            kernels, biases = (arrays[names[0].replace("weight", kind)] for kind in ("weight", "bias"))
            summed = [sum(correlate2d(image, kernel, "same") for image, kernel in zip(images, of, strict=True)) for of in kernels]
            images = [np.maximum(image + bias, 0) for image, bias in zip(summed, biases, strict=True)]
            names = names[1:]
        images = [image.reshape(len(image) // 2, 2, -1, 2).max(axis=(1, 3)) for image in images]
    pooled = x = np.array([images[channel][at] for at in np.ndindex(images[0].shape) for channel in range(len(images))])
    for name in names:
        x = np.array(
            [max(float(row @ x + bias), 0) for row, bias in zip(arrays[name], arrays[name.replace("weight", "bias")], strict=True)]
        )
    return pooled, x


def test_a_network_is_what_loops_over_images_give():
    arrays = weights()
    some = patches(noise(4 * PATCH_SAMPLES).samples)
    kept = type("Kept", (), {"shapes": TINY.shapes(), "__getitem__": lambda _, name: arrays[name]})()
    for dense, number in ((False, 0), (True, 1)):
        found = make_network(kept, TINY, dense=dense)(some)
        wanted = np.stack([by_loops(patch, arrays)[number] for patch in some])
        assert wanted.any()
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch, whose network this is compared with, is not installed")
def test_a_network_is_that_of_pytorch(tiny, tmp_path):
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    before = 1
    for stage in TINY.convolutions:
        for channels in stage:
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
            before = channels
        layers += [nn.MaxPool2d(2)]
    units = [TINY.pooled, *TINY.dense]
    dense = [layer for n_in, n_out in pairwise(units) for layer in (nn.Linear(n_in, n_out), nn.ReLU())]
    theirs = nn.ModuleDict({"features": nn.Sequential(*layers), "embeddings": nn.Sequential(*dense)})
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth", _use_new_zipfile_serialization=False)
    clip = noise(3 * RATE)
    with torch.no_grad():
        pooled = theirs["features"](torch.from_numpy(patches(clip.samples))[:, None])
        wanted = theirs["embeddings"](pooled.permute(0, 2, 3, 1).flatten(1)).mean(0)
    found = VGGish(weights=str(tmp_path / "theirs.pth"))(clip)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_log_mel_is_that_of_the_definition_frame_by_frame():
    samples = voice().at(RATE)[:8_000]
    window, turns = get_window("hann", 400), np.outer(np.arange(257), np.arange(400)) / 512
    transform = np.exp(-2j * np.pi * turns)
    mel = 2595 * np.log10(1 + np.arange(257) * 31.25 / 700)
    low, high = 2595 * np.log10(1 + 125 / 700), 2595 * np.log10(1 + 7500 / 700)
    step = (high - low) / 65
    found = log_mel(samples)
    assert len(found) == 1 + (8_000 - 400) // 160
    for number in (0, 17, len(found) - 1):
        magnitudes = np.abs(transform @ (samples[160 * number :][:400] * window))
        bands = [
            sum(max(1 - abs(at - low - band * step) / step, 0) * m for at, m in zip(mel, magnitudes, strict=True)) for band in range(1, 65)
        ]
        np.testing.assert_allclose(found[number], np.log(np.array(bands) + 0.01), atol=1e-4)


@pytest.mark.parametrize(("samples", "n"), [(1, 1), (PATCH_SAMPLES, 1), (30_959, 1), (30_960, 2), (60 * RATE, 62)])
def test_patches_follow_each_other_and_only_the_first_is_filled_up(samples, n):
    clip = noise(samples)
    found = patches(clip.samples)
    assert found.shape == (n, PATCH_FRAMES, BANDS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[-1], patches(clip.samples[(n - 1) * PATCH_FRAMES * 160 :])[0])


def test_a_clip_shorter_than_a_patch_is_the_one_with_zeros_behind_it(tiny):
    clip = noise(4_000)
    longer = Clip(np.concatenate([clip.samples, np.zeros(PATCH_SAMPLES - 4_000, np.float32)]), RATE)
    extractor = VGGish(weights=str(tiny))
    np.testing.assert_array_equal(extractor(clip), extractor(longer))


@pytest.mark.parametrize("layer", LAYERS)
def test_values_are_the_mean_over_patches_and_always_the_same(tiny, layer):
    extractor = VGGish(weights=str(tiny), layer=layer)
    clip = noise(5 * 44_100, 44_100)
    found = extractor(clip)
    assert (found.dtype, found.shape) == (np.float32, (VALUES[layer],)) == (np.float32, (len(extractor.columns),))
    each = [by_loops(patch, weights())[layer == "embedding"] for patch in patches(clip.at(RATE))]
    assert len(each) == 5
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-4, atol=1e-5)
    room.network_of.cache_clear()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(extractor))(Clip(clip.samples, clip.rate)), found)


def test_the_released_network_has_its_sizes():
    shapes = VggishSizes().shapes()
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 72_141_184
    assert [name for name in shapes if "weight" in name] == [
        *(f"features.{place}.weight" for place in (0, 3, 6, 8, 11, 13)),
        *(f"embeddings.{place}.weight" for place in (0, 2, 4)),
    ]
    assert (shapes["embeddings.0.weight"], LAYERS) == ((4096, 12_288), {"embedding": 128, "pool4": 12_288})
    assert {layer: len(VGGish(layer=layer).columns) for layer in LAYERS} == LAYERS


def test_weights_count_by_their_content_and_not_by_their_place(tiny, tmp_path):
    moved, other = tmp_path / "moved and renamed.npz", tmp_path / "other.npz"
    moved.write_bytes(tiny.read_bytes())
    np.savez(other, **weights(seed=1))
    (first,), (again,), (differs,) = (parse_features(f"vggish(weights={path})").parts for path in (tiny, moved, other))
    assert (first.label, first.fingerprint) == (again.label, again.fingerprint)
    assert first.label != differs.label
    assert len({VGGish().fingerprint, VGGish(layer="pool4").fingerprint, first.fingerprint, differs.fingerprint}) == 4
    assert (VGGish().label, VGGish(layer="pool4").label) == ("vggish", "vggish(layer=pool4)")
    assert str(tmp_path) not in str(first.describe())


def test_the_released_file_given_by_its_path_is_the_default(tiny, monkeypatch):
    monkeypatch.setattr(room, "_content", lambda *_: RELEASED)
    given = VGGish(weights=str(tiny))
    assert (given.label, given.fingerprint) == ("vggish", VGGish().fingerprint)


def test_weights_that_changed_since_they_were_looked_at_are_not_used(tiny):
    extractor = VGGish(weights=str(tiny))
    np.savez(tiny, **weights(seed=1))
    with pytest.raises(WrongCall, match="it changed, or is damaged"):
        extractor(noise(RATE))


@pytest.mark.parametrize(("given", "said"), [("layer=pool5", "did you mean 'pool4'"), ("weights=nowhere.pth", "No such file")])
def test_a_call_that_cannot_be_meant_is_refused(given, said):
    with pytest.raises(WrongCall, match=said):
        parse_features(f"vggish({given})")


def test_a_file_of_other_weights_is_refused_before_any_clip_is_measured(tiny, tmp_path):
    other = weights() | {"features.3.weight": np.zeros((3, 9, 3, 3), np.float32)}
    np.savez(tmp_path / "other.npz", **other)
    with pytest.raises(WrongCall, match=r"no weights of VGGish: features\.3\.weight is of shape \(3, 9, 3, 3\), not \(3, 2, 3, 3\)"):
        VGGish(weights=str(tmp_path / "other.npz")).prepare(Silent())


def test_a_file_that_would_run_something_is_refused_and_does_not(tiny, tmp_path):
    class Runs:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "ran"),)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(WrongCall, match="nothing of it was run"):
        VGGish(weights=str(tmp_path / "evil.pth")).prepare(Silent())
    assert not (tmp_path / "ran").exists()


def test_without_weights_one_line_says_what_is_missing_and_how_to_give_it(cache, speech, tmp_path, monkeypatch):
    corpus = load_corpus(speech / "corpus" / "clips.csv")
    with serving() as (url, _):
        monkeypatch.setattr(room, "URL", f"{url}/vggish.pth")
        with pytest.raises(WorkFailed) as missing:
            extract_corpus(corpus, [parse_features("vggish")], ExtractionOptions(tmp_path / "store", Workers(1)))
    line = str(missing.value)
    assert "\n" not in line
    for said in ("289 MB", "/vggish.pth", str(cache), "weights=FILE", "404"):
        assert said in line


def test_released_weights_are_downloaded_once_and_held_against_their_checksum(cache, tiny, monkeypatch):
    content = tiny.read_bytes()
    with serving(**{"vggish.pth": Served(content)}) as (url, files):
        monkeypatch.setattr(room, "URL", f"{url}/vggish.pth")
        with pytest.raises(WorkFailed, match=f"SHA-256 begins with {RELEASED}, and was not kept"):
            VGGish().prepare(Silent())
        assert not list(cache.iterdir())
        monkeypatch.setattr(room, "RELEASED", room.content_of(str(tiny)))
        extractor = VGGish()
        extractor.prepare(Silent())
        extractor.prepare(Silent())
        assert len(files["/vggish.pth"].asked) == 2
    np.testing.assert_array_equal(extractor(noise(RATE)), VGGish(weights=str(tiny))(noise(RATE)))


def test_nothing_is_asked_for_where_the_store_has_all_rows(tiny, speech, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(VGGish, "prepare", lambda self, progress: asked.append(self.label))
    feature_set = parse_features(f"vggish(weights={tiny})")
    corpus, options = load_corpus(speech / "corpus" / "clips.csv"), ExtractionOptions(tmp_path / "store", Workers(1))
    first, second = (extract_corpus(corpus, [feature_set], options).features(feature_set) for _ in range(2))
    assert len(asked) == 1
    assert first.values.shape[1] == VALUES["embedding"]
    np.testing.assert_array_equal(first.values, second.values)


def test_arrays_of_the_file_are_those_that_were_saved(tiny):
    found = read_checkpoint(tiny.read_bytes(), tiny)
    assert found.shapes == TINY.shapes()
    assert all(np.array_equal(found[name], array) for name, array in weights().items())
