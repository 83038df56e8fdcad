"""The rows of ``evalkit evaluate``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.systems import run_of

from evalkit.errors import InputError, UnknownNameError
from evalkit.metrics import parse_metrics
from evalkit.records import Coverage, GradeFacts, MetricValues, Qrels, Query, Run
from evalkit.stats import bounded_interval
from evalkit.summaries.evaluation_rows import (
    COVERAGE_COLUMNS,
    Valued,
    levels_by,
    mean_rows,
    note_on,
    query_rows,
    slice_rows,
    value_run,
)

QRELS = Qrels({"q1": {"a": 1, "b": 0}, "q2": {"c": 2, "d": 1}, "q3": {"e": 0}, "q4": {"f": 1}})
RUN = Run.from_rows("sys", ["q1"] * 3 + ["q2"] * 2, ["a", "b", "x", "c", "y"], [1.0, 1.0, 0.5, 1.0, 2.0])
METRICS = parse_metrics(["RR@2", "nDCG@1", "Judged@2", "Bpref"])
QUERIES = {
    q: Query(q, text, {"kind": kind})
    for q, text, kind in [("q1", "one", "x"), ("q2", "two words", "y"), ("q4", "three", "x")]
}


def valued() -> Valued:
    """Return the run with all bounds."""
    return value_run(RUN, QRELS, METRICS, ties=True, unjudged=True)


def test_every_query_has_its_value_and_its_bounds() -> None:
    """Values, orders of ties, choices of unjudged documents; None where a metric has no such bounds."""
    rows = {(row["query_id"], row["metric"]): row for row in query_rows(valued())}
    assert len(rows) == 3 * 4
    first = rows["q1", "RR@2"]
    assert (first["value"], first["best"], first["expected"], first["worst"]) == (0.5, 1.0, 0.75, 0.5)
    second = rows["q2", "nDCG@1"]
    assert (second["value"], second["least"]) == (0.0, 0.0)
    assert second["most"] == pytest.approx(0.5)  # y of grade 1 above c of grade 2
    assert rows["q2", "Judged@2"]["best"] == 0.5
    assert rows["q2", "Judged@2"]["most"] is None
    assert [rows["q1", "Bpref"][name] for name in ("best", "expected", "worst", "least", "most")] == [
        None
    ] * 5


def test_slices_divide_the_mean() -> None:
    """The means of all levels, weighted by their queries, are the mean over all, in every column."""
    rows = list(slice_rows(valued(), "kind", levels_by("kind", QRELS, QUERIES)))
    overall = {row["metric"]: row for row in mean_rows(valued())}
    for metric in ("RR@2", "nDCG@1"):
        parts = [row for row in rows if row["metric"] == metric and row["level"] != "all"]
        assert [(row["level"], row["n"]) for row in parts] == [("x", 2), ("y", 1)]
        for column in ("value", "best", "expected", "worst", "least", "most"):
            mean = np.average([row[column] for row in parts], weights=[row["n"] for row in parts])
            assert mean == pytest.approx(overall[metric][column])
    assert [row["n"] for row in rows if row["level"] == "all"] == [3] * 4


def test_queries_are_grouped_by_their_judgments_or_by_their_file() -> None:
    """Relevant documents need no file; words and fields do; anything else is an error in one line."""
    assert list(levels_by("relevant documents", QRELS, {}).values()) == [["q1", "q4"], ["q2"]]
    assert list(levels_by("words in the query", QRELS, QUERIES).values()) == [["q1", "q2", "q4"]]
    with pytest.raises(InputError, match="the judgments contain no query field 'kind'"):
        levels_by("kind", QRELS, {})
    with pytest.raises(UnknownNameError, match="'knd'"):
        levels_by("knd", QRELS, QUERIES)
    with pytest.raises(InputError, match=r"1 judged queries are missing in the queries file \(first: 'q4'\)"):
        levels_by("kind", QRELS, {q: QUERIES[q] for q in ("q1", "q2")})


def test_the_note_explains_only_the_columns_that_are_shown() -> None:
    """Bounds that are not computed are not mentioned."""
    plain = value_run(RUN, QRELS, METRICS, ties=False, unjudged=False)
    assert "orders" not in note_on(list(mean_rows(plain)))
    assert "unjudged" not in note_on(list(mean_rows(plain)))
    assert "inaccurate" in note_on(list(mean_rows(plain)))
    assert note_on(list(query_rows(plain))) == ""
    assert "all orders" in note_on(list(mean_rows(valued())))
    assert "all possible judgments of unjudged" in note_on(list(mean_rows(valued())))


LISTS = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3", "q4", "q5"]),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3).map(float), min_size=1),
)
"""Random runs with many ties."""


@given(LISTS)
def test_bounds_contain_the_value(scores: Mapping[str, Mapping[str, float]]) -> None:
    """The worst order is at most the expected and the value, the best at least both; the same for judgments."""
    for row in query_rows(value_run(run_of("r", scores), QRELS, METRICS, ties=True, unjudged=True)):
        if row["best"] is not None:
            assert row["worst"] - 1e-12 <= row["value"] <= row["best"] + 1e-12
            assert row["worst"] - 1e-12 <= row["expected"] <= row["best"] + 1e-12
        if row["most"] is not None:
            assert row["least"] - 1e-12 <= row["value"] <= row["most"] + 1e-12


@given(LISTS)
def test_means_have_the_interval_of_values_between_0_and_1(scores: Mapping[str, Mapping[str, float]]) -> None:
    """The interval has a width, contains the mean and is inside [0, 1]; every query counts."""
    found = value_run(run_of("r", scores), QRELS, METRICS, ties=False, unjudged=False)
    per_query: dict[str, list[float]] = {}
    for row in query_rows(found):
        per_query.setdefault(row["metric"], []).append(row["value"])
    for row in mean_rows(found):
        values = np.array(per_query[row["metric"]])
        assert (row["run"], row["n"]) == ("r", 3)
        assert row["value"] == pytest.approx(values.mean())
        expected = bounded_interval(values)
        assert (row["lower"], row["upper"]) == pytest.approx((expected.lower, expected.upper))
        assert 0 <= row["lower"] <= row["value"] <= row["upper"] <= 1
        assert row["lower"] < row["upper"]


def test_without_queries_means_are_unknown() -> None:
    """No judgments: no rows per query, and means of None with n = 0 in every column."""
    empty = value_run(run_of("r", {}), Qrels({}), METRICS, ties=True, unjudged=True)
    assert list(query_rows(empty)) == []
    for row in mean_rows(empty):
        columns = ("value", "lower", "upper", "best", "expected", "worst", "least", "most")
        assert [row[name] for name in columns] == [None] * 8
        assert row["n"] == 0
    assert levels_by("relevant documents", Qrels({}), {}) == {}
    assert note_on([]) == ""


def test_a_level_of_one_query_has_no_interval() -> None:
    """One value has a mean and no bounds; levels that are not given have no rows."""
    rows = list(slice_rows(valued(), "kind", {" 1": ["q2"]}))
    (row,) = [row for row in rows if row["level"] == "1" and row["metric"] == "RR@2"]
    assert (row["n"], row["lower"], row["upper"]) == (1, None, None)
    assert {row["level"] for row in rows} == {"all", "1"}
    assert {row["by"] for row in rows} == {"kind"}


@given(st.permutations(["q1", "q2", "q4"]))
def test_the_order_of_a_level_does_not_matter(order: list[str]) -> None:
    """Values are found by the id of the query."""
    rows = list(slice_rows(valued(), "any", {"x": order}))
    for metric in ("RR@2", "nDCG@1"):
        of_all, of_level = (row for row in rows if row["metric"] == metric)
        assert of_all["value"] == pytest.approx(of_level["value"])
        assert of_all["n"] == of_level["n"]


def test_unknown_values_are_none_and_not_averaged() -> None:
    """A query without a value is not a 0: the mean and its bounds are over the others, and n counts these."""
    known = np.array([[np.nan, np.nan], [0.5, np.nan], [1.0, np.nan]])
    values = MetricValues("r", ("AP", "RR"), ("q1", "q2", "q4"), known)
    found = Valued(values, {"best": values}, Coverage.of(RUN, QRELS), GradeFacts.of(QRELS))
    assert [row["value"] for row in query_rows(found)] == [None, None, 0.5, None, 1.0, None]
    ap, rr = mean_rows(found)
    assert (ap["value"], ap["best"], ap["n"]) == (0.75, 0.75, 2)
    assert (rr["value"], rr["lower"], rr["best"], rr["n"]) == (None, None, None, 0)


def test_means_say_which_queries_they_rest_on() -> None:
    """The columns of the coverage follow all others; queries have no such columns."""
    for row in mean_rows(valued()):
        assert tuple(row)[-len(COVERAGE_COLUMNS) :] == COVERAGE_COLUMNS
        assert (row["missing_queries"], row["queries_without_relevant"]) == (1, 1)
    assert all(set(COVERAGE_COLUMNS).isdisjoint(row) for row in query_rows(valued()))


def test_excluded_documents_are_taken_out_of_lists_and_judgments() -> None:
    """The values are those of the shorter list, with the excluded document unjudged."""
    excluded = Qrels({"q1": {"a": 1, "b": -100}, "q2": {"c": 2, "d": 1}})
    run = run_of("r", {"q1": {"b": 2.0, "a": 1.0}, "q2": {"b": 2.0, "c": 1.0}})
    found = value_run(run, excluded, parse_metrics(["RR", "Judged@2"]), ties=False, unjudged=False)
    assert found.values.of("RR").tolist() == [1.0, 0.5]
    assert found.coverage.excluded_documents == 1
