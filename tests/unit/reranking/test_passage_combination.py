"""The score of a document from those of its passages."""

from __future__ import annotations

from itertools import accumulate
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.config import PassageRule
from evalkit.reranking.passage_combination import combine_scores

DOCUMENTS = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=7), max_size=6)


@given(DOCUMENTS)
def test_every_rule_is_its_definition(documents: list[list[float]]) -> None:
    """Highest, first, and mean of the three highest, or of all of fewer passages; document by document."""
    scores = np.array([score for passages in documents for score in passages])
    starts = np.array([0, *accumulate(map(len, documents))][:-1], dtype=np.int64)
    assert combine_scores(scores, starts, "max").tolist() == [max(one) for one in documents]
    assert combine_scores(scores, starts, "first").tolist() == [one[0] for one in documents]
    top = [float(np.mean(sorted(one, reverse=True)[:3])) for one in documents]
    assert combine_scores(scores, starts, "mean_top3").tolist() == pytest.approx(top)


@given(st.floats(-1e6, 1e6))
def test_the_only_passage_is_the_document(score: float) -> None:
    """A short document has the score of its one passage, bit for bit, whatever the rule."""
    for rule in get_args(PassageRule):
        assert combine_scores(np.array([score]), np.array([0]), rule).tolist() == [score]
