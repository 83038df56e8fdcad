"""Counts: of queries, of relevant, retrieved, and relevant retrieved documents."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from support.judged_runs import qrels_of, random_judgments, random_lists, run_of

from evalkit.metrics import evaluate, parse_metric
from evalkit.records import Qrels

COUNTS = ["NumQ", "NumRel", "NumRet", "NumRelRet", "NumRet(rel=1)", "NumRet(rel=2)", "NumRelRet(rel=2)"]


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_those_of_ir_measures(name: str) -> None:
    """For every query that the run has."""
    qrels, lists = qrels_of(random_judgments(4)), random_lists(4)
    ours = evaluate(run_of(lists), qrels, [name]).by_query(name)
    grades = {q: dict(docs) for q, docs in qrels.grades.items()}
    run = {q: {d: -float(n) for n, d in enumerate(docs)} for q, docs in lists.items()}
    found = ir_measures.iter_calc([ir_measures.parse_measure(name)], grades, run)
    assert ours == {one.query_id: one.value for one in found}
    assert len(ours) == 5


@pytest.mark.parametrize(("rel", "relevant"), [(1, 3), (2, 2), (3, 0)])
def test_relevant_documents_are_counted_from_a_grade(rel: int, relevant: int) -> None:
    """ir_measures has no NumRel for other grades than 1."""
    values = evaluate(run_of({"q": ["x"]}), Qrels({"q": {"a": 1, "b": 2, "c": 2}}), [f"NumRel(rel={rel})"])
    assert values.values.tolist() == [[float(relevant)]]


def test_a_query_that_the_run_lacks_keeps_what_is_true_of_it() -> None:
    """It is a query, and its relevant documents exist; nothing is retrieved for it."""
    qrels = Qrels({"q": {"a": 1}, "lacking": {"a": 1, "b": 2}})
    values = evaluate(run_of({"q": ["x", "a"]}), qrels, ["NumQ", "NumRel", "NumRet", "NumRelRet"])
    np.testing.assert_array_equal(values.values, [[1, 1, 2, 1], [1, 2, 0, 0]])


def test_counts_are_summed() -> None:
    """And nothing else is."""
    assert all(parse_metric(name).summed for name in COUNTS)
    assert not any(parse_metric(name).summed for name in ("nDCG@10", "ERR", "Rprec", "Judged@10"))


def test_all_retrieved_documents_differ_from_the_relevant_ones() -> None:
    """``NumRet(rel=1)`` is no other way to write ``NumRet``."""
    assert parse_metric("NumRet") != parse_metric("NumRet(rel=1)")
    assert parse_metric("NumRel") == parse_metric("NumRel(rel=1)")
