"""Windows: which samples are heard, and which clips are then too short."""

from pathlib import Path

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_bench.audio.clip import Clip, Unusable
from ser_bench.audio.preprocessing import Preprocessing
from ser_bench.errors import WrongCall
from ser_bench.features import known_extractors
from ser_bench.features.store.feature_store import FeatureStore

RATE = 8_000
SPEECH = np.concatenate([np.zeros(RATE), 0.5 * np.sin(np.arange(2 * RATE)), np.zeros(RATE)]).astype(np.float32)
CLIP = Clip(SPEECH, RATE)
WINDOWS = st.fixed_dictionaries(
    {
        "offset": st.sampled_from([0.0, 0.5, 1.0]),
        "duration": st.sampled_from([0.0, 2.5, 3.0]),
        "trim": st.sampled_from([0.0, 20.0, 60.0]),
        "variant": st.sampled_from(["", "noise", "noise(snr=10)", "noise(seed=1)", "gain", "noise+gain", "gain+noise"]),
    }
)


def test_a_clip_heard_whole_and_unchanged_is_the_clip():
    assert Preprocessing().vary(Preprocessing().window(CLIP), "key") is CLIP
    assert Preprocessing().label == ""


def test_the_window_is_what_librosa_loads_and_trims():
    heard = Preprocessing(offset=0.5, duration=2.0, trim=30.0).window(CLIP).samples
    np.testing.assert_array_equal(heard, librosa.effects.trim(SPEECH[RATE // 2 : RATE // 2 + 2 * RATE], top_db=30)[0])


def test_a_clip_shorter_than_the_duration_is_heard_to_its_end():
    assert Preprocessing(offset=1.0, duration=60.0).window(CLIP).seconds == 3.0


@pytest.mark.parametrize(("offset", "said"), [(4.0, "ends before 4 s"), (3.5, "constant"), (3.95, "shorter")])
def test_a_window_without_sound_makes_a_clip_unusable(offset, said):
    with pytest.raises(Unusable, match=said):
        Preprocessing(offset=offset).window(CLIP)


@given(WINDOWS, WINDOWS)
def test_another_way_of_hearing_is_another_place_in_the_store(one, other):
    """And only the window, not the variant, decides which clips are used."""
    shelves = [FeatureStore(Path("nowhere"), {"mfcc": known_extractors()["mfcc"]()}, Preprocessing(**how)) for how in (one, other)]
    fingerprints = [store.fingerprint("mfcc") for store in shelves]
    assert (fingerprints[0] == fingerprints[1]) == (one == other)
    windows = [{name: how[name] for name in ("offset", "duration", "trim")} for how in (one, other)]
    assert (shelves[0].audio.folder == shelves[1].audio.folder) == (windows[0] == windows[1])


def test_the_same_variant_written_otherwise_is_the_same():
    assert Preprocessing(variant="noise( snr = 10 )") == Preprocessing(variant="noise(snr=10.0)")


def test_a_window_that_cannot_be_meant_is_refused():
    with pytest.raises(WrongCall, match="duration: -1"):
        Preprocessing(duration=-1.0)
