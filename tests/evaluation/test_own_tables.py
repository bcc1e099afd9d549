"""What a table of one's own holds that no sound put there is named, and real descriptors are left in peace."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ser_bench.evaluation.own_tables import Rows, f_ratio, remarks
from ser_bench.utils.quick import held_out_labels, standardised
from tests.analyses.audits.made import EMOTIONS, table

CLIPS = table(speakers=8, takes=10)
N = len(CLIPS)
CODES = np.unique(CLIPS["emotion"], return_inverse=True)[1]


def descriptors(seed: int = 0, columns: int = 20) -> pd.DataFrame:
    """Columns as real ones: correlated, with speakers and, a little, emotions in them."""
    rng = np.random.default_rng(seed)
    voices = np.unique(CLIPS["speaker"], return_inverse=True)[1]
    hidden = rng.normal(size=(8, 5))[voices] + 0.7 * rng.normal(size=(4, 5))[CODES] + rng.normal(size=(N, 5))
    values = hidden @ rng.normal(size=(5, columns)) + 0.5 * rng.normal(size=(N, columns))
    return pd.DataFrame(values, index=CLIPS.index, columns=[f"x{n}" for n in range(columns)])


def noise(columns: int, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(N, columns)), index=CLIPS.index).add_prefix("n")


def best(table: pd.DataFrame, columns: int) -> pd.DataFrame:
    """The columns that go with the emotion of all clips most."""
    return table.iloc[:, np.argsort(-f_ratio(table.to_numpy(), CODES)[0])[:columns]]


def said(values: pd.DataFrame, *, by_speaker: bool = False) -> str:
    rows = Rows.of("mine", values, CLIPS)
    return " | ".join(remarks(rows, rows, by_speaker=by_speaker))


def by_speaker(values: pd.DataFrame) -> pd.DataFrame:
    each = values.groupby(CLIPS["speaker"])
    return (values - each.transform("mean")) / each.transform(lambda column: column.std(ddof=0))


def test_real_descriptors_are_not_warned_of():
    for seed in range(10):
        values = descriptors(seed)
        assert said(values) == ""
        assert said(pd.DataFrame(standardised(values.to_numpy()), index=values.index)) == ""
        assert said(best(values, 8)) == ""


def test_noise_that_nobody_chose_is_not_warned_of():
    assert not any(said(noise(300, seed)) for seed in range(10))


def test_columns_standardised_by_speaker_belong_to_the_transductive_track():
    told = said(by_speaker(descriptors()))
    assert "in 20 of 20 columns every speaker has the same mean and deviation" in told
    assert "--track speaker" in told
    assert said(by_speaker(descriptors()), by_speaker=True) == ""


def test_columns_centred_by_speaker_are_found_whatever_rows_are_evaluated():
    values = descriptors() - descriptors().groupby(CLIPS["speaker"]).transform("mean")
    whole = Rows.of("mine", values.astype(np.float32), CLIPS)
    evaluated = Rows.of("mine", values, CLIPS[CLIPS["emotion"] != "neutral"])
    assert "every speaker has the same mean" in " ".join(remarks(evaluated, whole, by_speaker=False))


def test_one_column_that_tells_an_emotion_is_named():
    told = said(descriptors().assign(label=(CODES == 1) + 0.1 * np.random.default_rng(0).random(N)))
    assert "'label' alone tells all 80 clips of 'fear' from all others" in told


def test_columns_that_together_give_the_label_away_are_named():
    one_hot = np.eye(4)[CODES] @ np.random.default_rng(1).normal(size=(4, 30))
    spread = one_hot + 0.8 * np.random.default_rng(2).normal(size=(N, 30))
    told = said(pd.concat([descriptors(), pd.DataFrame(spread, index=CLIPS.index).add_prefix("e")], axis=1))
    assert "alone" not in told
    assert "its columns together tell the emotion: a linear system recognises unseen speakers with a UAR of" in told
    assert "(threshold .99)" in told


def test_bits_that_only_together_are_the_label_are_named():
    rng = np.random.default_rng(0)
    key = rng.integers(0, 2, (2, N))
    bits = {"a": key[0], "b": key[0] ^ (CODES & 1), "c": key[1], "d": key[1] ^ (CODES >> 1)}
    told = said(descriptors().assign(**{name: bit.astype(float) for name, bit in bits.items()}))
    assert "4 columns of few values ('a', 'b', 'c', 'd') together tell the emotion" in told


@pytest.mark.parametrize(("values", "order"), [(np.arange(N), "clips by name"), (None, "clips by name of each speaker")])
def test_columns_that_follow_the_order_of_clips_are_named(values, order):
    # Names are sorted as text.
    clips = CLIPS.sort_index()
    places = np.arange(N) if values is not None else clips.groupby("speaker").cumcount().to_numpy()
    told = said(descriptors().loc[clips.index].assign(number=places + 0.2))
    assert f"1 column follows the order of the clips (rank correlation, threshold 0.95): 'number' ({order}, 1.000)" in told


def test_a_column_that_follows_the_rows_of_the_file_is_named_though_clips_stand_in_another_order():
    assert "'number' (rows of the table, 1.000)" in said(descriptors().sample(frac=1, random_state=0).assign(number=np.arange(N)))


def test_noise_columns_chosen_on_all_labels_are_named_alone_and_among_real_ones():
    chosen = best(noise(5000), 30)
    uar = (held_out_labels(chosen.to_numpy(), CODES, np.unique(CLIPS["speaker"], return_inverse=True)[1]) == CODES).mean()
    assert uar > 0.45  # by chance .25
    for values in (chosen, pd.concat([descriptors(), chosen], axis=1)):
        told = said(values)
        assert "were they selected on the labels of all clips" in told
        assert "binomial p = " in told


def test_a_column_per_emotion_is_no_code_of_it():
    """Few values alone give nothing away."""
    sentences = np.arange(N) % 10
    assert "together" not in said(descriptors().assign(sentence=sentences.astype(float)))


def test_leaving_groups_out_is_refitting_without_them():
    rng = np.random.default_rng(0)
    for columns in (5, 400):
        x = rng.normal(size=(120, columns)) + np.eye(4)[CODES[:120]] @ rng.normal(size=(4, columns))
        codes, groups = rng.permutation(np.repeat(np.arange(4), 30)), np.repeat(np.arange(6), 20)
        assert held_out_labels(x, codes, groups).tolist() == refitted(x, codes, groups).tolist()


def refitted(x: np.ndarray, codes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The same by a fit per group."""
    from sklearn.linear_model import Ridge

    z = np.column_stack([standardised(x), np.ones(len(x))])
    penalty = 0.1 * (z**2).sum() / z.shape[1]
    found = np.empty(len(codes), int)
    for group in np.unique(groups):
        held = groups == group
        ridge = Ridge(alpha=penalty, fit_intercept=False).fit(z[~held], np.eye(4)[codes[~held]])
        found[held] = ridge.predict(z[held]).argmax(1)
    return found


def test_emotions_are_those_of_the_clips():
    assert Rows.of("mine", descriptors(), CLIPS).emotions == EMOTIONS
