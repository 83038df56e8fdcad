"""What the calls of one reranker share."""

from __future__ import annotations

import math
import warnings

import numpy as np
from support.scripted import CONTEXT, Scripted, item

from evalkit.errors import EvalkitWarning
from evalkit.records import Usage
from evalkit.reranking import RerankerSession, make_call


def test_a_call_is_recorded_with_known_amounts_only() -> None:
    """Scores are kept; every amount that no table holds is unknown, and named."""
    usage = Usage(tokens=2**63, units=math.nan, cost_usd=math.inf, characters=5)
    attempt = make_call(Scripted(lambda _: usage), item(3), CONTEXT)
    assert attempt.failure is None
    assert attempt.response is not None
    assert attempt.response.usage == attempt.call.usage == Usage(characters=5)
    assert attempt.call.cost_usd is None
    assert set(attempt.response.unusable) == {"tokens", "units", "cost_usd"}


def test_a_score_outside_the_stated_range_is_reported_once() -> None:
    """A kind that the configuration does not state is not checked."""
    for stated, expected in ((True, 1), (False, 0)):
        reranker = Scripted(lambda _: Usage())
        reranker.score_kind = "probability"
        session = RerankerSession("mine", reranker, states_scores=stated)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for scores in ([0.0, 1.0], [0.5, 4.25], [-3.0]):
                session.check_range(np.array(scores))
        assert [one.category for one in caught] == [EvalkitWarning] * expected
