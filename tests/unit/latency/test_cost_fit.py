"""The fit of a call's latency by a fixed time and a time per document, token or character."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.latency import Sample, fit_cost

SIZES = (1, 4, 16, 64)


def sample(seconds: float, **causes: float) -> Sample:
    """Return a cell of five queries that all took the same time for the same quantities."""
    columns = {name: np.full(5, value) for name, value in causes.items()}
    return Sample(
        np.full(5, seconds), np.array([f"q{i}" for i in range(5)], dtype=object), np.arange(5), columns
    )


@settings(max_examples=20)
@given(fixed=st.floats(0.001, 1.0), per_document=st.floats(0.001, 1.0))
def test_a_line_without_noise_is_recovered(fixed: float, per_document: float) -> None:
    """Both parts are the true ones, their bounds have no width, and every median lies on the line."""
    cells = [sample(fixed + per_document * size, documents=size) for size in SIZES]
    fit = fit_cost(cells, ["documents"], 0.95, seed=1)
    assert fit is not None
    assert fit.fixed_s == pytest.approx([fixed] * 3, rel=1e-6, abs=1e-9)
    assert fit.per_unit_s[0] == pytest.approx([per_document] * 3, rel=1e-6)
    assert fit.is_straight
    assert (fit.cells, fit.calls) == (4, 20)


@pytest.mark.parametrize("unknown", [1, len(SIZES)], ids=["in one cell", "in every cell"])
def test_an_unknown_quantity_is_not_fitted(unknown: int) -> None:
    """Where calls report no tokens there is no time per token, alone or together with the documents."""
    cells = [
        sample(0.1 * size, documents=size, tokens=np.nan if place < unknown else 9.0 * place)
        for place, size in enumerate(SIZES)
    ]
    assert fit_cost(cells, ["tokens"], 0.95, seed=1) is None
    assert fit_cost(cells, ["documents", "tokens"], 0.95, seed=1) is None
    assert fit_cost(cells, ["documents"], 0.95, seed=1) is not None


def test_causes_that_cannot_be_separated_are_not_fitted() -> None:
    """One constant quantity, one that is a multiple of the other, or too few cells."""
    together = [sample(0.1 * size, documents=size, tokens=9.0 * size) for size in SIZES]
    constant = [sample(0.1 * size, documents=size, tokens=9.0) for size in SIZES]
    assert fit_cost(together, ["documents", "tokens"], 0.95, seed=1) is None
    assert fit_cost(constant, ["tokens"], 0.95, seed=1) is None
    assert fit_cost(together[:2], ["documents"], 0.95, seed=1) is None


def test_a_curve_is_not_called_straight() -> None:
    """Latency that grows with the square of the documents is off the line, and the fit says where."""
    fit = fit_cost([sample(0.01 * size**2, documents=size) for size in SIZES], ["documents"], 0.95, seed=1)
    assert fit is not None
    assert not fit.is_straight
    assert fit.worst_at in SIZES
