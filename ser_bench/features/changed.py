"""Features of clips whose sound was changed: copies to train on, conditions to evaluate under.

In:   a corpus, feature sets, names of clips, and variants.
Out:  a matrix per variant and feature set, in the order of the clips, and why some clips have no row.
Rule: a variant is one more kind of preprocessing: its features are kept in the store as those of any other, and computed once.
      What is drawn at random is drawn from a clip's content, so that no file name and no order reaches a value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ser_bench.errors import WrongCall
from ser_bench.features.base import Features
from ser_bench.features.extract import ExtractionOptions, extract_corpus
from ser_bench.features.sets import FeatureSet, OwnTable, distinct_parts

if TYPE_CHECKING:
    import pandas as pd

    from ser_bench.corpora import Corpus


@dataclass(frozen=True)
class ChangedClips:
    """Clips as they are heard under a variant.

    Parameters
    ----------
    variant : str
    measured : array of bool, shape (n_clips,)
        Which of the clips that were asked for have features.
    matrices : dict of str to Features
        By feature set, a row per measured clip, in the order in which clips were asked for.
    reasons : dict of str to str
        Why other clips have none, by their names.
    """

    variant: str
    measured: np.ndarray
    matrices: dict[str, Features]
    reasons: dict[str, str]


def extract_changed(
    corpus: Corpus, keys: pd.Series, feature_sets: list[FeatureSet], variants: Sequence[str], options: ExtractionOptions
) -> list[ChangedClips]:
    """The features of clips under each of some variants, all of which are extracted where the store lacks them.

    Parameters
    ----------
    corpus : Corpus
    keys : Series of str
        The content keys of the clips that are asked for, by their names.
    feature_sets : list of FeatureSet
    variants : sequence of str
        What is done to clips after what is done to all (`options.preprocessing`).
    options : ExtractionOptions

    Raises
    ------
    WrongCall
        For a user-supplied table, whose vectors cannot be had of another sound.
    """
    refuse_own(feature_sets, "clips with their sound changed need")
    asked = dataclasses.replace(corpus, clips=corpus.clips.loc[keys.index], ignored=(), warnings=())
    return [_under(asked, keys, feature_sets, variant, options) for variant in variants]


def refuse_own(feature_sets: list[FeatureSet], why: str) -> None:
    """Refuse a user-supplied table where features of changed sound are needed."""
    for part in distinct_parts(feature_sets):
        if isinstance(part, OwnTable):
            raise WrongCall(f"{part.called} holds finished vectors, and {why} features of other sounds; leave one of the two out")


def _under(asked: Corpus, keys: pd.Series, feature_sets: list[FeatureSet], variant: str, options: ExtractionOptions) -> ChangedClips:
    extraction = extract_corpus(asked, feature_sets, dataclasses.replace(options, preprocessing=options.preprocessing.changed(variant)))
    found = extraction.clips["key"].reindex(keys.index)
    measured = (found == keys).to_numpy(bool)
    reasons = dict(zip(extraction.skipped["clip"], extraction.skipped["reason"], strict=True))
    reasons |= {clip: "its file changed while it was read" for clip in keys.index[~measured] if clip not in reasons}
    rows = extraction.clips.index.get_indexer(keys.index[measured])
    return ChangedClips(variant, measured, {name: matrix.take(rows) for name, matrix in extraction.matrices.items()}, reasons)
