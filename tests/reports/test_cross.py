"""The matrices across corpora say each note once, with the rows that it is about."""

import pandas as pd

from ser_bench.reports.cross import matrices


def test_a_note_about_all_rows_of_a_corpus_names_the_corpus_alone():
    rows = [
        {"train": train, "test": test, "features": "egemaps", "model": model, "track": "train", "status": "ok", "uar": 0.5}
        | {"uar_low": 0.4, "uar_high": 0.6, "loss": 0.1, "loss_low": 0.0, "loss_high": 0.2, "notes": "reduced" if test == "b" else ""}
        for train in "ab"
        for test in "ab"
        for model in ("svm", "rf")
    ]
    rows[0]["notes"] = "late"
    rows[-1]["notes"] = "reduced; late"
    rows[1] |= {"status": "failed", "notes": "no memory; at all"}
    (matrix,) = matrices(pd.DataFrame(rows))
    assert matrix.notes == [
        "a -> a, egemaps svm: late",
        "a -> a, egemaps rf: no memory; at all",
        "on b: reduced",
        "b -> b, egemaps rf: late",
    ]
