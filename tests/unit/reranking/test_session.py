"""What the calls of one reranker share."""

from __future__ import annotations

import math
import warnings

import numpy as np
from support.scripted import CONTEXT, Scripted, item

from evalkit.errors import EvalkitWarning
from evalkit.records import RerankResponse, Usage
from evalkit.reranking import RerankerSession, make_call


def test_an_amount_that_cannot_be_used_is_told_once_for_each_field() -> None:
    """With the reranker, the field and the first value; also that of a plugin, which sent no reply."""
    session = RerankerSession("mine", Scripted(lambda _: Usage()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for value in ("1e+30", "2e+30"):
            session.tell_unusable(RerankResponse(np.zeros(1), unusable={"usage.total_tokens": value}))
        session.tell_unusable(RerankResponse(np.zeros(1), unusable={"usage.cost": "-1"}))
        session.tell_unusable(RerankResponse(np.zeros(1)))
        session.tell_unusable(None)
    assert [warning.category for warning in caught] == [EvalkitWarning] * 2
    assert str(caught[0].message).startswith(
        "mine: a reply has usage.total_tokens: 1e+30, not a number from 0 to 1e+12"
    )
    assert str(caught[1].message).startswith("mine: a reply has usage.cost: -1,")


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
    """With the setting and the score; a kind that the configuration does not state is not checked."""
    for stated, expected in ((True, 1), (False, 0)):
        reranker = Scripted(lambda _: Usage())
        reranker.score_kind = "probability"
        session = RerankerSession("mine", reranker, states_scores=stated)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for scores in ([0.0, 1.0], [0.5, 4.25], [-3.0]):
                session.warn_of_range(np.array(scores))
        text = (
            "mine: 'scores' is probability, from 0 to 1, but the API returned 4.25. Correct rerankers.mine.scores; the"
            " ranking does not depend on it."
        )
        assert [str(one.message) for one in caught] == [text] * expected
