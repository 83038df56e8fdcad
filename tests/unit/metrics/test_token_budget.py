"""Metrics at a budget of tokens: which have one, and a list worked out by hand."""

from __future__ import annotations

from math import log2

import pytest

from evalkit.errors import InputError
from evalkit.metrics import evaluate, has_tie_bounds, parse_metric, parse_metrics, tie_bounds
from evalkit.metrics.budget_use import BudgetUse, budget_use
from evalkit.metrics.token_budget import has_budget
from evalkit.records import DocumentTokens, Qrels, Run

LENGTHS = {"long": 90, "a": 30, "b": 40, "c": 10, "d": 60}
QRELS = Qrels({"q": {"long": 3, "a": 1, "b": 1, "c": 0}}, tokens=DocumentTokens("tiny", "0" * 64, LENGTHS))
RUN = Run.from_rows("r", ["q"] * 5, ["a", "c", "d", "long", "b"], [5.0, 4.0, 3.0, 2.0, 1.0])


def value(metric: str) -> float:
    """Return the value of the one query."""
    return float(evaluate(RUN, QRELS, [metric]).values[0, 0])


def test_the_list_ends_before_the_document_that_crosses_the_budget() -> None:
    """30 + 10 + 60 tokens are 100: with 99 the list has two documents, with 100 three, and nothing is skipped."""
    assert [value(f"Judged@{budget}t") for budget in (29, 30, 99, 100)] == [0.0, 1.0, 1.0, 2 / 3]
    assert [value(f"R@{budget}t") for budget in (29, 30, 189, 190, 230)] == [0.0, 1 / 3, 1 / 3, 2 / 3, 1.0]


def test_the_ideal_list_of_ndcg_is_the_best_that_fits() -> None:
    """With 100 tokens the document of grade 3 alone is better than the two of grade 1, which fit together."""
    assert value("nDCG@100t") == pytest.approx(1 / 3)
    assert value("nDCG@89t") == pytest.approx(1 / (1 + 1 / log2(3)))
    assert value("nDCG@120t") == pytest.approx(1 / (3 + 1 / log2(3)))


def test_a_document_longer_than_the_budget_is_in_no_ideal_list() -> None:
    """Where nothing relevant fits, the value is 0."""
    assert value("nDCG@5t") == 0.0


def test_the_use_of_a_budget_is_counted() -> None:
    """Documents that fit, their tokens, and those that are left out."""
    assert budget_use(RUN, QRELS, parse_metric("nDCG@99t")) == BudgetUse(
        metric="nDCG@99t",
        queries=1,
        queries_cut=1,
        documents_left_out=3,
        mean_documents=2.0,
        mean_tokens=40.0,
        queries_without_documents=0,
        queries_with_bound=0,
    )


def test_a_relevant_document_of_unknown_length_makes_the_ideal_a_bound() -> None:
    """It counts as fitting, so the value may only be too low, and the query is counted."""
    qrels = Qrels({"q": {**QRELS.grades["q"], "unknown": 3}}, tokens=QRELS.tokens)
    metric = parse_metric("nDCG@100t")
    assert evaluate(RUN, qrels, [metric]).values[0, 0] == pytest.approx(1 / (3 + 3 / log2(3)))
    assert budget_use(RUN, qrels, metric).queries_with_bound == 1


def test_lengths_are_required() -> None:
    """Without them no value is computed, not even 0."""
    with pytest.raises(InputError, match="needs the number of tokens of every ranked document") as caught:
        evaluate(RUN, Qrels(QRELS.grades), ["nDCG@100t"])
    assert "tokenizer" in caught.value.hint


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("P@2000t", "precision divides by a number of places"),
        ("ERR@2000t", "no value at a budget"),
        ("Rprec@2000t", "no value at a budget"),
        ("nDCG(judged_only=True)@2000t", "remove"),
        ("nDCG@0t", "between 1 and"),
        ("nDCG@0.5t", "whole number of tokens"),
    ],
)
def test_metrics_without_a_meaning_at_a_budget_are_refused(metric: str, reason: str) -> None:
    """The message has the reason, and the hint what to write instead."""
    with pytest.raises(InputError) as caught:
        parse_metric(metric)
    assert reason in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


def test_ties_have_no_bounds_at_a_budget() -> None:
    """Another order of tied documents ends at another place."""
    assert not has_tie_bounds(parse_metric("nDCG@10t"))
    with pytest.raises(InputError, match="no tie bounds"):
        tie_bounds(RUN, QRELS, [parse_metric("nDCG@10t")])


def test_one_metric_with_a_budget_needs_lengths() -> None:
    """A cutoff is no budget."""
    assert has_budget(parse_metrics(["nDCG@10", "R@100t"]))
    assert not has_budget(parse_metrics(["nDCG@10"]))
