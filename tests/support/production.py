"""Settings for production, made up."""

from __future__ import annotations

from evalkit.config import reranker_settings
from evalkit.results.production_document import (
    HeldOutCheck,
    Production,
    ProductionRule,
    TunedData,
    TunedModel,
)
from evalkit.results.tuning_document import GoalRow, TunedDepth
from evalkit.stats import Interval
from evalkit.store import material_settings

SOME = Interval(0.5, 0.4, 0.6, 50)


def rule_of() -> ProductionRule:
    """Return settings of a lexical reranker: depth 2, threshold 1."""
    settings = material_settings(reranker_settings({"backend": "lexical"}))
    return ProductionRule(
        dataset="d",
        reranker="r",
        why_not=None,
        model=TunedModel("lexical", None, None, "unbounded", (), settings),
        depth=2,
        made_at=TunedDepth(2, "given"),
        threshold=1.0,
        threshold_why_not=None,
        goal=GoalRow("recall", 0.9, 0.95, "guaranteed"),
        probability=None,
        probability_why_not="too few queries",
        latency=None,
        usd_per_thousand_queries=None,
        held_out=HeldOutCheck(
            "nDCG@10",
            0.01,
            10,
            SOME,
            SOME,
            Interval(0.0, -0.01, 0.01, 50),
            "PASS",
            "",
            SOME,
            SOME,
            SOME,
            SOME,
        ),
        data=TunedData("0" * 64, None, "bm25", 0, 50, 50),
    )


def production(*rules: ProductionRule) -> Production:
    """Return the document with some settings."""
    return Production("0.1.0", "result", rules)
