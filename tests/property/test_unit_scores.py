"""Laws of the map from scores to 0..1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from evalkit.records import ScoreKind
from evalkit.server.unit_scores import to_unit

RANGES = {"logit": 30.0, "cosine": 1.0, "probability": 1.0, "unbounded": 1e6}


@pytest.mark.parametrize("kind", RANGES)
@given(data=st.data())
def test_the_map_keeps_the_order_and_the_range(kind: ScoreKind, data: st.DataObject) -> None:
    """Mapped scores lie in 0..1, and a clearly higher score stays higher."""
    bound = RANGES[kind]
    low = 0.0 if kind == "probability" else -bound
    scores = np.array(data.draw(st.lists(st.floats(low, bound), min_size=2, max_size=20)))
    mapped = to_unit(scores, kind)
    assert ((mapped >= 0) & (mapped <= 1)).all()
    order = np.argsort(scores)
    assert (np.diff(mapped[order]) >= 0).all()
    clearly = np.diff(scores[order]) > 1e-2
    if kind != "unbounded":
        assert (np.diff(mapped[order])[clearly] > 0).all()


@given(scores=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_scores_of_unknown_meaning_are_not_mapped(scores: list[float]) -> None:
    """They may be probabilities already, which no function may move."""
    assert to_unit(np.array(scores), "unknown").tolist() == scores


@given(scores=st.lists(st.floats(-700, 700), min_size=1))
def test_logits_map_by_the_sigmoid(scores: list[float]) -> None:
    """A logit's map is scipy's float64 sigmoid."""
    assert to_unit(np.array(scores), "logit") == pytest.approx(expit(scores), rel=1e-14)
