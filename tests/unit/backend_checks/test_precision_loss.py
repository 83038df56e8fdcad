"""What fewer bits cost: laws of the comparison, and of the sample it rests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau
from support.documents import summary

from evalkit.backend_checks import PrecisionCheck, compare_precisions
from evalkit.metrics import parse_metric
from evalkit.records import Qrels, Run
from evalkit.report.model_precision import precision_lines
from evalkit.summaries.summary import precision_cost

CHECK = PrecisionCheck("mine", "tiny", "int8", "nDCG@10")
QRELS = Qrels.from_rows([("q1", "a", 1), ("q2", "b", 2), ("q3", "a", 0)])
METRIC = parse_metric("nDCG@10")


def run(scores: dict[str, list[float]]) -> Run:
    """Return a run in which the documents a, b, c, ... have the scores given."""
    rows = [(query, "abcdefgh"[i], score) for query, row in scores.items() for i, score in enumerate(row)]
    return Run.from_rows("mine", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=2, max_size=8),
)
def test_the_correlation_is_kendalls(pairs: list[tuple[float, float]]) -> None:
    """Tau-b of a query's two lists, pair by pair; None where a list holds one value only."""
    full, fewer = ([pair[side] for pair in pairs] for side in (0, 1))
    check = compare_precisions(CHECK, run({"q1": full}), run({"q1": fewer}), QRELS, METRIC)
    assert check.queries == ("q1",)
    if len(set(full)) == 1 or len(set(fewer)) == 1:
        assert check.correlations == (None,)
    else:
        assert check.correlations == (pytest.approx(kendalltau(full, fewer).statistic),)
    assert check.largest == pytest.approx(max(abs(one - other) for one, other in pairs))


def test_values_are_those_of_both_runs() -> None:
    """Values stand by query, in fp32 and in fewer bits; queries that nothing answers take no part."""
    full = run({"q1": [3.0, 2.0, 1.0], "q2": [3.0, 2.0, 1.0], "q3": [1.0, 2.0, 3.0]})
    fewer = run({"q1": [3.0, 2.0, 1.0], "q2": [1.0, 2.0, 0.5], "q3": [1.0, 2.0, 3.0]})
    check = compare_precisions(CHECK, full, fewer, QRELS, METRIC)
    assert check.queries == ("q1", "q2")
    assert check.full == pytest.approx((1.0, 1 / np.log2(3)))
    assert check.reduced == pytest.approx((1.0, 1.0))


def test_what_was_not_scored_both_ways_is_not_compared() -> None:
    """A query whose lists differ takes no part; where none is left, the check says so and has no figure."""
    check = compare_precisions(CHECK, run({"q1": [1.0, 2.0]}), run({"q1": [1.0]}), QRELS, METRIC)
    assert check.queries == ()
    assert check.largest is None
    assert check.missing is not None


def test_a_sentence_tells_the_cost_or_why_nobody_knows() -> None:
    """The line holds difference, interval, n and correlation; without figures it holds the reason, and no number."""
    full = run({"q1": [3.0, 2.0], "q2": [3.0, 2.0]})
    fewer = run({"q1": [3.0, 2.0], "q2": [1.0, 2.0]})
    known = compare_precisions(CHECK, full, fewer, QRELS, METRIC)
    unknown = PrecisionCheck("mine", "tiny", "int8", "nDCG@10", missing="there is no torch")
    rows = tuple(map(precision_cost, (known, unknown)))
    reported, unreported = precision_lines(replace(summary(), precision=rows))
    assert reported.startswith("tiny: mine in int8: +0.185 [")
    assert reported.endswith("nDCG@10 compared with fp32 on 2 queries; Kendall's tau with fp32 is 0.000.")
    assert unreported == "tiny: mine in int8: the effect of the precision is unknown: there is no torch."
    assert rows[1].difference.estimate is None


SCORES = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.permutations([1.0, 2.0, 3.0, 4.0]), min_size=1
)


@given(SCORES)
def test_a_run_compared_with_itself_loses_nothing(scores: dict[str, list[float]]) -> None:
    """Every correlation is 1, no score differs, and both precisions have the same values."""
    check = compare_precisions(CHECK, run(scores), run(scores), QRELS, METRIC)
    assert set(check.queries) == scores.keys() & {"q1", "q2"}
    assert check.correlations == (pytest.approx(1.0),) * len(check.queries)
    assert check.full == check.reduced
    assert check.largest == (0.0 if check.queries else None)


def test_the_largest_difference_is_that_of_the_same_document() -> None:
    """The order in which a run lists its documents changes nothing."""
    full = Run.from_rows("mine", ["q1", "q1"], ["a", "b"], [2.0, 1.0])
    fewer = Run.from_rows("mine", ["q1", "q1"], ["b", "a"], [1.25, 2.0])
    check = compare_precisions(CHECK, full, fewer, QRELS, METRIC)
    assert check.largest == 0.25
    assert check.correlations == (pytest.approx(1.0),)
