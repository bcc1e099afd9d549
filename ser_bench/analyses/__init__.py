"""WHY a system does what it does: ablation, importance, sweeps, leakage, other corpora, planning, audits.

`ablation` evaluates groups of columns, `importance` what a system depends on, `sweep` several values of a setting; `leakage` is the leak
gap, `cross_corpus` trains on one corpus and evaluates on another, `planning` says how many speakers a study needs. `audits` looks at a
corpus, one file per check.
"""
