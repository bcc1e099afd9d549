"""WHY a system does what it does: ablation, importance, sweeps, leakage, other corpora, planning, audits."""
