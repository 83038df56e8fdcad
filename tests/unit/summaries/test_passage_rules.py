"""Latency and cost at a number of candidates, where these are scored passage by passage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.documents import billed, cost, summary, timed
from support.systems import noisy_set

from evalkit.latency.billing import fixed_per_call
from evalkit.results.passage_rows import PassageFacts, PassageSummary
from evalkit.summaries.depth_sweep import known_costs

SET = noisy_set(4, 3, {"bm25": 0.5, "r": 2.0}, seed=4)
FACTS = PassageFacts("t", "0" * 64, 2, 0, "max", 3, 12, 4.0, 6)
SENT = {f"q{number}": np.array([2, 4, 6]) for number in range(4)}
SPLIT = replace(SET, dataset="d", sent=SENT)
PASSAGES = (PassageSummary("d", FACTS, (2.0, 6.0, 12.0), 48, ()),)


def test_candidates_are_counted_in_passages() -> None:
    """The first 1, 2 and 3 candidates have 2, 6 and 12 passages; without passages they are 1, 2 and 3 texts."""
    assert SPLIT.sent_at_depths(3).tolist() == [[2, 6, 12]] * 4
    assert SPLIT.sent_at_depths(4).tolist() == [[2, 6, 12, 12]] * 4
    assert SET.sent_at_depths(3).tolist() == [[1, 2, 3]] * 4


def test_the_latency_of_a_depth_is_that_of_its_passages() -> None:
    """A call with 6 passages is what two candidates take; numbers between timed ones are interpolated."""
    found = replace(
        summary(latency=[timed("r", 2, 0.02, 0.02), timed("r", 12, 0.12, 0.12)], datasets=["d"]),
        passages=PASSAGES,
    )
    costs = known_costs(found, SPLIT, "r")
    assert costs.p95_s.tolist() == pytest.approx([0.02, 0.06, 0.12])
    plain = known_costs(replace(found, passages=None), replace(SPLIT, sent=None), "r")
    assert plain.p95_s[1:].tolist() == pytest.approx([0.02, 0.03])
    assert np.isnan(plain.p95_s[0])


def test_the_cost_of_a_depth_counts_the_calls_of_its_passages() -> None:
    """With at most 4 passages per call, 2, 6 and 12 passages take 1, 2 and 3 calls."""
    found = replace(
        summary(
            costs=[cost("r", 4, 48, usd_per_thousand_queries=3000.0)], datasets=["d"],
            billing=[billed("r", fixed_per_call(1.0), 4)],
        ),
        passages=PASSAGES,
    )  # fmt: skip
    costs = known_costs(found, SPLIT, "r").usd_per_thousand_queries
    assert costs.tolist() == pytest.approx([1000.0, 2000.0, 3000.0])
    assert found.cost_at("d", "r", 3) == 3000.0

    assert found.cost_at("d", "r", 2) is None
