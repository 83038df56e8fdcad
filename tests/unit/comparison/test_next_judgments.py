"""Which unjudged documents can change a difference, checked against whole evaluations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalkit.comparison.next_judgments import next_judgments
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels, Run

METRIC = "nDCG@5"


def run(tag: str, **lists: str) -> Run:
    """Return a run of one-letter documents, best first."""
    rows = [(query, doc, -float(rank)) for query, docs in lists.items() for rank, doc in enumerate(docs)]
    queries, docs, scores = zip(*rows, strict=True)
    return Run.from_rows(tag, queries, docs, scores)


def difference(one: Run, other: Run, qrels: Qrels, metric: str) -> float:
    """Return the mean difference by a whole evaluation."""
    values = [evaluate(system, qrels, parse_metrics([metric])).values for system in (one, other)]
    return float(np.mean(values[1] - values[0]))


@pytest.mark.parametrize("metric", [METRIC, "P@3", "RR@5", "AP"])
def test_the_change_is_that_of_a_whole_evaluation(metric: str) -> None:
    """Each document is judged with the highest grade, and everything is evaluated again."""
    one, other = run("a", q="abcdefg", r="abcd"), run("b", q="gfedcba", r="dxyz")
    qrels = Qrels({"q": {"a": 1, "g": 0, "c": 2}, "r": {"d": 1}})
    found = next_judgments(one, other, qrels, metric, 3)
    before = difference(one, other, qrels, metric)
    assert found.difference == pytest.approx(before)
    for judgment in found.judgments:
        grades = {query: dict(docs) for query, docs in qrels.grades.items()}
        grades[judgment.query_id][judgment.doc_id] = 3
        assert judgment.change == pytest.approx(difference(one, other, Qrels(grades), metric) - before)
    weights = [round(judgment.weight, 12) for judgment in found.judgments]
    assert weights == sorted(weights, reverse=True)
    assert not {judgment.doc_id for judgment in found.judgments if judgment.query_id == "q"} & {"a", "g", "c"}


def test_without_judgments_the_weight_is_the_difference_of_the_discounts() -> None:
    """Carterette, Allan and Sitaraman (2006): a document at the same rank of both decides nothing."""
    one, other = run("a", q="abcde"), run("b", q="acbxy")
    found = next_judgments(one, other, Qrels({}), METRIC, 3)
    assert (found.queries, found.difference, found.to_reverse, found.settled) == (0, None, None, False)
    discount = {rank: 1 / math.log2(rank + 1) for rank in range(1, 6)} | {None: 0.0}
    for judgment in found.judgments:
        wanted = discount[judgment.rank_contender] - discount[judgment.rank_baseline]
        assert judgment.change == pytest.approx(wanted)
    assert [judgment.doc_id for judgment in found.judgments] == ["d", "x", "e", "y", "b", "c"]
    ranks = {
        judgment.doc_id: (judgment.rank_baseline, judgment.rank_contender) for judgment in found.judgments
    }
    assert ranks["b"] == (2, 3)
    assert ranks["x"] == (None, 4)


def test_a_difference_is_settled_if_no_judgment_reverses_it() -> None:
    """With all documents judged nothing is left; one document that reverses the sign is counted."""
    one, other = run("a", q="ab", r="ab"), run("b", q="ba", r="ab")
    judged = Qrels({"q": {"a": 1, "b": 0}, "r": {"a": 1, "b": 0}})
    assert next_judgments(one, other, judged, METRIC, 3).settled
    open_ = next_judgments(one, other, Qrels({"q": {"a": 1}, "r": {"a": 1}}), METRIC, 3)
    assert (open_.to_reverse, open_.settled) == (1, False)
    lead = run("a", q="ac", r="ab", s="ab"), run("b", q="bc", r="ba", s="ba")
    found = next_judgments(
        *lead, Qrels({"q": {"a": 1, "b": 0, "c": 0}, "r": {"a": 1, "b": 0}, "s": {"a": 1}}), METRIC, 1
    )
    assert [(one.query_id, one.doc_id) for one in found.judgments] == [("s", "b")]
    assert found.settled
