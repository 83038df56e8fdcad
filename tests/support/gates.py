"""Both sides of a gate from values of one metric, and the verdicts of a rule on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evalkit.comparison.gate_verdicts import GateVerdict
from evalkit.comparison.score_origins import ScoreOrigin
from evalkit.config import GateRule
from evalkit.records import MetricValues
from evalkit.summaries.gate_evidence import Evidence
from evalkit.workflows.gate import judge_rule
from evalkit.workflows.gate_case import Terms

N, ALPHA, METRIC = 60, 0.05, "nDCG@10"
NOISE = np.random.default_rng(1).normal(0, 0.02, N)


def values(mean: float, noise: Sequence[float] | None = None, queries: int = N) -> MetricValues:
    """Return values of one metric around a mean."""
    around = np.full(queries, mean) + (NOISE[:queries] if noise is None else np.asarray(noise))
    return MetricValues("t", (METRIC,), tuple(f"q{n}" for n in range(queries)), around[:, None])


def evidence(name: str, means: Mapping[str, MetricValues], **changes: Any) -> Evidence:
    """Return one side with a first stage of mean 0.3 on dataset d."""
    own = {("d", tag): one for tag, one in {"bm25": values(0.3), **means}.items()}
    fields: dict[str, Any] = {
        "name": name, "first_stage": "bm25", "values": own, "unscored": dict.fromkeys(own, 0),
        "prints": {"d": {"judgments": "j", "candidates": "c", "depth": "6"}}, "rounds": {}, "calls": {},
        "origins": dict.fromkeys(own, ScoreOrigin(fresh=60)),
    }  # fmt: skip
    return Evidence(**fields | changes)


def rule(**fields: Any) -> GateRule:
    """Return a rule on the metric, unless it is one on latency or failures."""
    others = {"latency_to", "max_failed", "threshold", "max_cost_per_1k"}
    metric = {} if others & fields.keys() else {"metric": METRIC}
    return GateRule(**metric, **fields)


def verdicts(one: GateRule, new: Evidence, old: Evidence) -> list[GateVerdict]:
    """Return all verdicts of a rule."""
    return list(judge_rule(one, new, old, Terms(ALPHA)))


def only(one: GateRule, new: Evidence, old: Evidence) -> GateVerdict:
    """Return the one verdict of a rule."""
    (found,) = verdicts(one, new, old)
    return found
