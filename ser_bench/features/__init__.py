"""HOW a clip becomes numbers: extractors, one file per family, and the store that remembers what they computed.

`extract` fills the store for a corpus, `worker` puts one clip through all extractors that lack it, `sets` reads what stands behind `-f`,
`base` is what an extractor owes the others, `changed` has features of clips whose sound was changed. The extractors themselves are in
`extractors/`, what they share in `signal/`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ser_bench.features.base import Copies, Extractor, Features, feature_label
from ser_bench.features.changed import ChangedClips, extract_changed, refuse_own
from ser_bench.features.extract import Extraction, ExtractionOptions, count_missing, extract_corpus, fill_store
from ser_bench.features.sets import FeatureSet, FeatureSource, called, distinct_parts, known_extractors, parse_features

__all__ = [
    "ChangedClips",
    "Copies",
    "Extraction",
    "ExtractionOptions",
    "Extractor",
    "FeatureSet",
    "FeatureSource",
    "Features",
    "called",
    "catalogue",
    "count_missing",
    "distinct_parts",
    "extract_changed",
    "extract_corpus",
    "feature_label",
    "fill_store",
    "known_extractors",
    "parse_features",
    "refuse_own",
]


def catalogue() -> list[dict[str, Any]]:
    """The feature sets, each with dimensions, parameters and their defaults, groups, rate (Hz), source and licence."""
    rows = []
    for name, cls in known_extractors().items():
        extractor = cls()
        sizes = extractor.group_sizes
        rate = extractor.rate or "own"
        rows.append(
            {
                "features": name,
                "description": cls.description,
                "dims": sum(sizes.values()),
                "parameters": ", ".join(f"{key}={value}" for key, value in dataclasses.asdict(extractor).items()),  # type: ignore[call-overload]
                "groups": ", ".join(sizes),
                "rate": rate,
                "source": cls.source,
                "licence": cls.licence,
            }
        )
    return rows
