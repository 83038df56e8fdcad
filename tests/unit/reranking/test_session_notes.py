"""What the user is informed of about one reranker, once."""

from __future__ import annotations

import warnings

import numpy as np

from evalkit.errors import EvalkitWarning
from evalkit.records import RerankResponse
from evalkit.reranking.session_notes import SessionNotes


def test_an_amount_that_cannot_be_used_is_shown_once_for_each_field() -> None:
    """With the reranker, the field and the first value."""
    notes = SessionNotes("mine")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for value in ("1e+30", "2e+30"):
            notes.unusable_amounts(RerankResponse(np.zeros(1), unusable={"usage.total_tokens": value}))
        notes.unusable_amounts(RerankResponse(np.zeros(1), unusable={"usage.cost": "-1"}))
        notes.unusable_amounts(RerankResponse(np.zeros(1)))
        notes.unusable_amounts(None)
    assert [warning.category for warning in caught] == [EvalkitWarning] * 2
    assert str(caught[0].message).startswith(
        "mine: a reply has usage.total_tokens: 1e+30, not a number from 0 to 1e+12"
    )
    assert str(caught[1].message).startswith("mine: a reply has usage.cost: -1,")


def test_a_score_outside_the_stated_range_is_reported_once() -> None:
    """With the setting and the score; a kind without a range has no score outside it."""
    texts = {}
    for kind in ("probability", "logit"):
        notes = SessionNotes("mine")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for scores in ([0.0, 1.0], [0.5, 4.25], [-3.0]):
                notes.range_of_scores(np.array(scores), kind)  # type: ignore[arg-type]
        texts[kind] = [str(one.message) for one in caught]
    text = (
        "mine: 'scores' is probability, from 0 to 1, but the API returned 4.25. Correct rerankers.mine.scores; the"
        " ranking does not depend on it."
    )
    assert texts == {"probability": [text], "logit": []}
