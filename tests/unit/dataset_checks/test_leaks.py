"""Checks for queries of the train split and in documents."""

from __future__ import annotations

from dataclasses import replace

from support.inspected import CLEAN, DOCUMENTS, QUERIES, check_input, dataset

from evalkit.dataset_checks import leaks
from evalkit.records import Query


def test_queries_of_the_train_split() -> None:
    """A query leaks if its text stands in the train split, whatever its id, case and white space."""
    seen = replace(check_input(CLEAN), train=(Query("t1", "WHAT does the  fox do"), Query("t2", "other")))
    (found,) = leaks.trained_on(seen)
    assert found.examples == ("q1",)
    assert found.counts == {"queries": 1, "asked": 2, "train_queries": 2}
    assert not list(leaks.trained_on(check_input(CLEAN)))


def test_queries_that_stand_in_a_document() -> None:
    """Five words in a row, without punctuation, as whole words; shorter queries and cut words are chance."""
    documents = {
        **DOCUMENTS,
        "d4": "He asked: what DOES the fox do? Nothing.",
        "d5": "somewhat does the fox dox",
    }
    asked = {**QUERIES, "q3": "the fox"}
    data = dataset(documents, asked, {"q1": {"d4": 1}, "q2": {"d3": 1}, "q3": {"d1": 1}})
    (found,) = leaks.verbatim_queries(check_input(data))
    assert found.examples == ("q1 in d4",)
    assert found.counts == {"queries": 1, "looked_for": 1, "in_a_relevant_document": 1}
