"""The model card: what it always says, what it never says, and that names in it stay text."""

import copy
import re

import pytest
import yaml

from ser_bench.bundle.card import card_of

INTERVAL = {"uar_low": 0.4, "uar_high": 0.8}
ABOUT = {
    "corpus": {
        "name": "mine",
        "title": "mine",
        "licence": "CC BY 4.0",
        "citation": "Doe (2026)",
        "obtain": "",
        "labels": "all",
        "where": "",
        "target": "emotion",
        "clips": 48,
        "speakers": 4,
        "classes": {"anger": 24, "joy": 24},
        "genders": {},
        "languages": ["de"],
        "hours": 0.02,
        "fingerprint": "00",
        "notes": [],
    },
    "protocol": {
        "cv": "loso",
        "words": "leave-one-speaker-out cross-validation",
        "track": "train",
        "seeds": 1,
        "seed": 0,
        "class_weights": "balanced",
        "augmented": "",
    },
    "search": {
        "trials": 8,
        "inner": 4,
        "budget": "standard",
        "seed": 0,
        "params": {"C": 1.0},
        "rounds": None,
        "inner_uar": 0.9713,
        "how": "chosen",
        "fold": None,
        "held_out": [],
        "trained_clips": 48,
        "trained_speakers": 4,
    },
    "quality": {
        "uar": 0.6123,
        **INTERVAL,
        "war": 0.6,
        "war_low": 0.4,
        "war_high": 0.8,
        "macro_f1": 0.6,
        "f1_low": 0.4,
        "f1_high": 0.8,
        "auc": 0.7,
        "auc_low": 0.5,
        "auc_high": 0.9,
        "calibration_error": 0.1,
        "chance": 0.5,
        "cv": "loso",
        "track": "train",
        "speakers": 4,
        "clips": 48,
        "seeds": 1,
        "chosen_from": 1,
        "corrected": None,
        "notes": [],
        "by_class": {"anger": {"recall": 0.6, "recall_low": None, "recall_high": None, "precision": 0.5, "clips": 24}},
        "by_gender": {"female": {"uar": 0.7, "uar_low": None, "uar_high": None}},
        "speaker_range": {"lowest": 0.25, "median": 0.6, "highest": 0.9},
    },
    "features": {"spectral": "Doe (MIT)"},
    "versions": {"ser-bench": "0.1.0", "numpy": "2.0"},
    "made_of": ["emotion"],
    "notes": [],
}


def written(about, **how):
    card = card_of(about, **{"features": "spectral", "model": "svm", "n_columns": 250, **how})
    _, front, body = card.split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_front_matter_is_what_a_model_hub_reads():
    front, _ = written(ABOUT)
    assert front["language"] == ["de"]
    assert front["license"] == "other"
    assert front["pipeline_tag"] == "audio-classification"
    (result,) = front["model-index"][0]["results"]
    assert [(metric["type"], metric["value"]) for metric in result["metrics"]] == [
        ("recall", 0.6123),
        ("accuracy", 0.6),
        ("f1", 0.6),
        ("roc_auc", 0.7),
    ]


def test_it_always_says_where_emotion_recognition_is_restricted():
    for quality in (ABOUT["quality"], None):
        _, body = written({**ABOUT, "quality": quality})
        for words in ("workplace", "education", "(EU) 2024/1689, Article 5(1)(f)", "restricted elsewhere", "Out-of-scope use", "## Limits"):
            assert words in body


def test_it_says_no_score_but_those_of_unseen_speakers():
    front, body = written(ABOUT)
    assert ".971" not in body
    assert "Expected on unseen speakers of this kind: .612 [.400, .800] UAR" in body
    front, body = written({**ABOUT, "quality": None})
    assert "model-index" not in front
    assert "Not evaluated on unseen speakers" in body
    assert "Expected on" not in body


def test_the_best_of_several_claims_what_the_pick_is_worth():
    corrected = {"uar": 0.58, "uar_low": 0.38, "uar_high": 0.78}
    front, body = written({**ABOUT, "quality": {**ABOUT["quality"], "chosen_from": 25, "corrected": corrected}})
    assert front["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.58
    assert "best of 25 systems" in body
    assert "expect **.580 [.380, .780]**" in body


@pytest.mark.parametrize("odd", ["a|b", "<script>x</script>", "$x$", "a\nb: c", "](http://x)", "`x`", '"; rm', "--- #", "\u202ex", "ä: {é"])
def test_what_others_named_stays_text(odd):
    about = copy.deepcopy(ABOUT)
    about["corpus"] |= {"name": odd, "title": odd, "licence": odd, "citation": odd, "where": odd, "labels": odd, "notes": [odd]}
    about["corpus"] |= {"classes": {odd: 24, "joy": 24}, "languages": [odd]}
    about["quality"]["by_class"] = {odd: ABOUT["quality"]["by_class"]["anger"]}
    about["search"] |= {"how": odd, "params": {odd: odd}}
    front, body = written(about, features=odd, model=odd)
    assert front["license"] == "other"
    assert "language" not in front
    assert front["tags"] == written(ABOUT)[0]["tags"]
    assert body.count("\n") == written(ABOUT)[1].count("\n") + 2
    rows = [line for line in body.splitlines() if line.startswith("| ")]
    assert {len(line.replace("\\|", "").split("|")) for line in rows} == {4, 5, 7}
    assert "<script>" not in re.sub("`[^`]*`", "", body).replace("\\<script>", "")
