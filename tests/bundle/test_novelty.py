"""What is said of clips unlike those that a system was fitted on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_bench.audio.clip import Clip
from ser_bench.bundle.distance import MOST_CLIPS, _fitted, _in_order, cloud_of
from ser_bench.bundle.levels import CLIPPED, LEVELS, level_of
from ser_bench.bundle.novelty import KnownClips
from ser_bench.features.worker import AudioInfo
from ser_bench.models.packing import Packed, Unfit, unpack

RATE = 16_000
N, COLUMNS = 120, 9
VOICES = np.repeat([f"v{i}" for i in range(10)], 12)


def features(seed: int = 0, n: int = N) -> np.ndarray:
    """Correlated columns with a shift per voice, one of them heavy-tailed and one constant."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, COLUMNS)) @ rng.normal(size=(COLUMNS, COLUMNS)) + np.repeat(rng.normal(size=(n // 12, COLUMNS)), 12, axis=0)
    x[:, 0] = np.exp(2 * x[:, 0] / x[:, 0].std())
    x[:, 1] = 3.0
    return x.astype(np.float32)


def clips(n: int = N) -> pd.DataFrame:
    return pd.DataFrame({"rate": RATE, "seconds": np.linspace(1.2, 9, n), "peak": np.linspace(0.5, 1, n), "channels": 1})


@pytest.fixture(scope="module")
def known() -> KnownClips:
    return KnownClips.of(features(), VOICES, clips(), [RATE])


def heard(**changes: object) -> AudioInfo:
    return AudioInfo("d", 3.0, RATE, 1, "", 0.8)._replace(**changes)


def test_a_clip_like_the_training_clips_is_not_warned_of(known):
    assert known.warnings(features()[5], heard(), (0.8, 0.1, 0.0)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate": 8_000}, "sampled at 8,000 Hz, training clips at 16,000 Hz: what they have above 4,000 Hz is missing"),
        ({"peak": 0.01}, "much quieter than all training clips: peak -40 dB of full scale, theirs at least -6 dB"),
        ({"peak": 10.0}, "much louder than all training clips: peak 20 dB of full scale, theirs at most 0 dB"),
        ({"peak": 1e-4}, "near silence (peak -80 dB of full scale, RMS -80 dB): nothing can be heard"),
        ({"seconds": 0.5}, "much shorter than all training clips: 0.50 s, theirs at least 1.20 s"),
        ({"seconds": 60.0}, "much longer than all training clips: 60.0 s, theirs at most 9.0 s: cut it, or follow it in windows"),
    ],
)
def test_each_way_of_being_unlike_them_is_one_sentence(known, changes, said):
    assert known.warnings(features()[5], heard(**changes)) == [said]


def test_a_click_in_silence_and_clipped_samples_are_said(known):
    click = np.zeros(RATE, np.float32)
    click[100] = 0.02
    wave = np.clip(3 * np.sin(np.arange(RATE) / 30), -1, 1).astype(np.float32)
    (said,) = known.warnings(features()[5], heard(peak=0.02), LEVELS(Clip(click, RATE)))
    assert said.startswith("near silence (peak -34 dB of full scale, RMS -76 dB)")
    (said,) = known.warnings(features()[5], heard(peak=1.0), LEVELS(Clip(wave, RATE)))
    assert said.startswith("clipped: 78")


def test_a_rate_matters_only_as_far_as_the_features_hear_it():
    x = features()
    at_48k = clips().assign(rate=48_000)
    resampling, own = (KnownClips.of(x, VOICES, at_48k, rates) for rates in ([16_000], [16_000, None]))
    assert resampling.warnings(x[5], heard(rate=44_100)) == []
    assert "above 22,050 Hz is missing" in own.warnings(x[5], heard(rate=44_100))[0]
    (said,) = own.warnings(x[5], heard(rate=96_000))
    assert said.endswith("the features depend on the rate: resample it")


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("kind", ["float", "16 bits"])
def test_reaching_full_scale_is_no_clipping(rate, kind):
    rng = np.random.default_rng(rate)
    wave = np.cumsum(rng.normal(size=2 * rate))
    wave = np.sin(wave / 20) + 0.3 * np.sin(np.arange(2 * rate) * 0.03)
    wave = wave / np.abs(wave).max()
    quantised = np.round(wave * 32_767) / 32_768 if kind == "16 bits" else wave
    assert level_of(quantised.astype(np.float32)).clipped == 0
    assert level_of(np.clip(quantised * 2, -1, 32_767 / 32_768).astype(np.float32)).clipped > CLIPPED


def test_the_steps_of_a_quiet_wave_are_no_clipping():
    steps = np.trunc(32.8 * np.sin(np.arange(RATE) / 5)) / 32_768
    assert level_of(steps.astype(np.float32)).clipped == 0


def test_few_clips_of_speakers_who_were_left_out_are_warned_of():
    rates = []
    for seed in range(5):
        x, apart = features(seed, 360), np.repeat(np.arange(30), 12)
        cloud = cloud_of(x[:240], apart[:240])
        rates.append((cloud.distance(x[240:]) > 1).mean())
    assert np.mean(rates) < 0.03


def test_what_is_far_from_all_training_clips_is_said(known):
    far = features()[5] + np.float32(40)
    assert known.distance(far[None])[0] > 1.5
    (said,) = known.warnings(far, heard())
    assert said.startswith("far from all training clips")
    assert said.endswith("the probabilities mean little")
    assert known.distance(np.full((1, COLUMNS), np.inf, np.float32))[0] > 1


def test_between_two_clusters_is_far_though_the_centre_is_near():
    rng = np.random.default_rng(0)
    sides = np.repeat([-1.0, 1.0], 60)[rng.permutation(N)]
    x = (rng.normal(size=(N, 4)) * 0.05 + sides[:, None]).astype(np.float32)
    cloud = cloud_of(x, VOICES)
    middle = np.zeros((1, 4), np.float32)
    assert cloud.distances(middle)[1] < cloud.inside
    assert cloud.distance(middle)[0] > 1


def test_distances_are_those_of_ledoit_and_wolf():
    from sklearn.covariance import LedoitWolf

    rng = np.random.default_rng(1)
    x = (rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6))).astype(np.float32)
    squashed = np.arcsinh((x - x.mean(0, dtype=np.float64)) / x.std(0, dtype=np.float64))
    expected = LedoitWolf().fit(squashed).mahalanobis(squashed)
    assert np.allclose(_fitted(x).distances(x)[1] ** 2, expected, rtol=1e-3)


def test_the_nearest_neighbour_is_found_as_by_the_plain_way():
    from sklearn.neighbors import NearestNeighbors

    x = features()
    cloud = _fitted(x[:100])
    squashed = np.arcsinh((x.astype(np.float64) - cloud.mean) * cloud.scale) - cloud.centre
    along = squashed @ cloud.axes.T
    expected = NearestNeighbors(n_neighbors=5).fit(cloud.points).kneighbors(along[100:])[0][:, 4]
    assert np.allclose(cloud.distances(x[100:])[0], expected, rtol=1e-4)


def test_more_columns_than_clips_give_the_same_distances_as_fewer():
    x = features()[:, 2:6]
    wide = np.tile(x, (1, 40))
    assert len(_fitted(wide).axes) == 4
    assert np.allclose(_fitted(wide).distances(wide)[0], _fitted(x).distances(x)[0] * np.sqrt(40), rtol=1e-3)


def test_no_name_and_no_order_of_clips_moves_a_bit(known):
    order = np.random.default_rng(3).permutation(N)
    renamed = np.array([f"z{100 - int(voice[1:])}" for voice in VOICES])
    other = KnownClips.of(features()[order], renamed[order], clips().iloc[order], [RATE])
    packed, again = known.pack(), other.pack()
    assert packed.values == again.values
    assert all(packed.arrays[name].tobytes() == again.arrays[name].tobytes() for name in packed.arrays)


def test_of_many_clips_as_many_are_kept_of_each_voice():
    x, voices = np.random.default_rng(0).normal(size=(MOST_CLIPS + 500, 2)).astype(np.float32), np.repeat([0, 1], [2200, 300])
    kept, codes = _in_order(x, voices)
    assert len(kept) == MOST_CLIPS
    assert min(np.bincount(codes)) == 300


def test_few_clips_and_one_speaker_are_said():
    few = KnownClips.of(features()[:8], VOICES[:8], clips(8), [RATE])
    assert few.cloud is None
    assert few.warnings(features()[0] + np.float32(100), heard()) == []
    assert "is not measured" in few.describe()[1]
    alone = KnownClips.of(features(), np.full(N, "v"), clips(), [RATE])
    assert "one speaker" in alone.describe()[1]
    assert "10 speakers: 16,000 Hz, 1.2 to 9.0 s" in KnownClips.of(features(), VOICES, clips()).describe()[0]


def test_what_is_unpacked_warns_of_the_same(known):
    again = unpack(known.pack(), COLUMNS, 4, KnownClips)
    assert np.array_equal(again.distance(features()), known.distance(features()))
    assert again.describe() == known.describe()
    few = KnownClips.of(features()[:8], VOICES[:8], clips(8))
    assert unpack(few.pack(), COLUMNS, 4, KnownClips) == few


def damaged(name: str, value: object) -> Packed:
    packed = KnownClips.of(features(), VOICES, clips()).pack()
    if name.startswith("cloud."):
        return Packed(packed.kind, {**packed.arrays, name: value}, packed.values)
    return Packed(packed.kind, packed.arrays, {**packed.values, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cloud.points", np.zeros((5, 3), np.float32)),
        ("cloud.points", np.zeros((0, 8), np.float32)),
        ("cloud.axes", np.full((8, COLUMNS), np.nan, np.float32)),
        ("cloud.axes", np.zeros((8, COLUMNS + 1), np.float32)),
        ("cloud.variances", np.zeros(8, np.float32)),
        ("cloud.mean", np.zeros(COLUMNS)),
        ("clips", 0),
        ("rate.least", 1e50),
        ("seconds.most", -1.0),
        ("cloud", {"kind": "known clips", "values": {}}),
    ],
)
def test_what_cannot_be_is_refused(name, value):
    with pytest.raises(Unfit):
        unpack(damaged(name, value), COLUMNS, 4, KnownClips)


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.floats(), max_size=2) | st.just({})
PACKED = KnownClips.of(features(), VOICES, clips()).pack()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(PACKED.values)), JSON, st.sampled_from(sorted(PACKED.arrays)), st.integers(0, 200), st.floats(width=32))
def test_whatever_a_file_says_is_refused_or_warns_as_numbers_do(value, said, array, at, number):
    changed = np.array(PACKED.arrays[array])
    changed.flat[at % changed.size] = number
    try:
        known = unpack(Packed(PACKED.kind, {**PACKED.arrays, array: changed}, {**PACKED.values, value: said}), COLUMNS, 4, KnownClips)
    except Unfit:
        return
    assert not np.isnan(known.distance(features())).any()
    assert all(isinstance(line, str) for line in [*known.describe(), *known.warnings(features()[0], heard())])
