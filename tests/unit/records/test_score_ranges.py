"""Scores outside the range of their kind are found; rounding is none."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.records import ScoreKind, outside_range


@pytest.mark.parametrize(
    ("kind", "scores", "found"),
    [
        ("probability", [0.0, 1.0, 0.5], None),
        ("probability", [-1e-9, 1 + 1e-9], None),
        ("probability", [0.5, 1.5, -3.0], -3.0),
        ("cosine", [-1.0, 1.0000001], None),
        ("cosine", [-1.2, 1.1], -1.2),
        ("logit", [-50.0, 50.0], None),
        ("unbounded", [1e9], None),
        ("unknown", [-7.0], None),
        ("rank", [1.0, 0.5], None),
        ("probability", [], None),
    ],
)
def test_the_score_furthest_outside_is_returned(
    kind: ScoreKind, scores: list[float], found: float | None
) -> None:
    """Only probabilities and cosines have a range."""
    assert outside_range(np.array(scores, dtype=np.float64), kind) == found
