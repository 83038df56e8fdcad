"""What fewer bits cost: rank correlation with fp32, and the difference of the primary metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalkit.stats import mean_interval
from evalkit.summaries.latency_cells import CONFIDENCE, fields


def precision_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each reranker that ran with fewer bits, what a sample scored again in fp32 tells."""
    return [_row(check) for check in manifest.get("precision_checks", [])]


def _row(check: Mapping[str, Any]) -> dict[str, Any]:
    full, reduced = np.array(check["full"], dtype=float), np.array(check["reduced"], dtype=float)
    told = np.array([tau for tau in check["correlations"] if tau is not None], dtype=float)
    kept = ("dataset", "reranker", "precision", "metric", "largest", "missing")
    return {name: check[name] for name in kept} | {
        "correlation": fields("mean", mean_interval(told, CONFIDENCE)),
        "in_fp32": fields("mean", mean_interval(full, CONFIDENCE)),
        "difference": fields("mean", mean_interval(reduced - full, CONFIDENCE)),
    }
