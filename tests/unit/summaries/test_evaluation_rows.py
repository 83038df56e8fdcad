"""The rows of ``evalkit evaluate``."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.errors import InputError, UnknownNameError
from evalkit.metrics import parse_metrics
from evalkit.records import Qrels, Query, Run
from evalkit.summaries.evaluation_rows import (
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
    """Return everything that can be asked of the run."""
    return value_run(RUN, QRELS, METRICS, ties=True, unjudged=True)


def test_every_query_has_what_stands_beside_its_value() -> None:
    """Values, orders of ties, choices of unjudged documents; None where a metric has no such thing."""
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
    whole = {row["metric"]: row for row in mean_rows(valued())}
    for metric in ("RR@2", "nDCG@1"):
        parts = [row for row in rows if row["metric"] == metric and row["level"] != "all"]
        assert [(row["level"], row["n"]) for row in parts] == [("x", 2), ("y", 1)]
        for column in ("value", "best", "expected", "worst", "least", "most"):
            mean = np.average([row[column] for row in parts], weights=[row["n"] for row in parts])
            assert mean == pytest.approx(whole[metric][column])
    assert [row["n"] for row in rows if row["level"] == "all"] == [3] * 4


def test_queries_are_sorted_by_their_judgments_alone_or_by_their_file() -> None:
    """Relevant documents need no file; words and fields do; whatever cannot be is one clear line."""
    assert list(levels_by("relevant documents", QRELS, {}).values()) == [["q1", "q4"], ["q2"]]
    assert list(levels_by("words in the query", QRELS, QUERIES).values()) == [["q1", "q2", "q4"]]
    with pytest.raises(InputError, match="judgments alone do not tell queries apart by 'kind'"):
        levels_by("kind", QRELS, {})
    with pytest.raises(UnknownNameError, match="'knd'"):
        levels_by("knd", QRELS, QUERIES)
    with pytest.raises(InputError, match=r"lack 'q4', which is judged \(1 in all\)"):
        levels_by("kind", QRELS, {q: QUERIES[q] for q in ("q1", "q2")})


def test_the_note_tells_the_columns_that_are_there() -> None:
    """No word about what was not asked."""
    plain = value_run(RUN, QRELS, METRICS, ties=False, unjudged=False)
    assert "orders" not in note_on(list(mean_rows(plain)))
    assert "unjudged" not in note_on(list(mean_rows(plain)))
    assert "rough" in note_on(list(mean_rows(plain)))
    assert note_on(list(query_rows(plain))) == ""
    assert "all orders" in note_on(list(mean_rows(valued())))
    assert "all choices of unjudged" in note_on(list(mean_rows(valued())))
