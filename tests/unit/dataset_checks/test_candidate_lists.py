"""Checks of the first stage's lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.inspected import CLEAN, DOCUMENTS, LISTS, QUERIES, by_code, check_input, dataset

from evalkit.dataset_checks import candidate_lists


def test_lists_that_are_shorter_than_asked() -> None:
    """Empty lists and short ones are two findings; a list as long as the corpus allows is neither."""
    found = by_code(candidate_lists.short_lists(check_input(CLEAN, {"q1": ["d1"]}, depth=2)))
    assert found["no_candidates"].examples == ("q2",)
    assert found["no_candidates"].counts == {"queries": 1, "answerable": 1}
    assert found["short_lists"].counts == {"queries": 1, "asked": 2, "shortest": 1}
    everything = by_code(candidate_lists.short_lists(check_input(CLEAN, LISTS, depth=50)))
    assert set(everything) == {"depth_beyond_corpus"}
    assert not list(candidate_lists.short_lists(check_input(CLEAN)))


def test_a_barred_document_makes_no_list_short() -> None:
    """A query that may not find its own document can find one fewer than the corpus holds."""
    data = dataset({"q1": "x", "d2": "y"}, {"q1": "x"}, {"q1": {"d2": 1}})
    assert set(by_code(candidate_lists.short_lists(check_input(data, {"q1": ["d2"]}, depth=2)))) == {
        "depth_beyond_corpus"
    }


def test_the_judged_share_is_the_metric() -> None:
    """Judged@n of the candidates over answerable queries; pooled judgments that cover little are a warning."""
    (found,) = candidate_lists.judged_share(check_input(CLEAN, LISTS, metrics=["nDCG@1"], depth=3))
    assert found.counts == pytest.approx({"Judged@1": 1.0, "Judged@3": 2 / 3})
    assert found.severity == "warning"
    sparse = dataset(DOCUMENTS, QUERIES, {"q1": {"d1": 1}, "q2": {"d3": 1}})
    (note,) = candidate_lists.judged_share(check_input(sparse, LISTS, depth=3))
    assert note.severity == "note"


def test_the_judged_share_ends_at_the_longest_list() -> None:
    """No list has 100 documents, so no share of 100 is reported."""
    (found,) = candidate_lists.judged_share(check_input(CLEAN, LISTS, metrics=["R@50"], depth=100))
    assert list(found.counts) == ["Judged@3"]


def test_a_list_is_not_short_because_documents_are_excluded() -> None:
    """In a small corpus they limit the list, as equal ids do."""
    excluded = {"q1": frozenset({"d2", "not in the corpus"})}
    lists = {"q1": ["d1", "d3"], "q2": ["d3", "d2", "d1"]}
    codes = {
        one.code for one in candidate_lists.short_lists(check_input(replace(CLEAN, excluded=excluded), lists))
    }
    assert "short_lists" not in codes
    codes = {one.code for one in candidate_lists.short_lists(check_input(CLEAN, lists))}
    assert "short_lists" in codes
