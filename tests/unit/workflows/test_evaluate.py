"""TREC files in, rows out: which rows, under which names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.messages import said

from evalkit.errors import InputError, UnknownNameError
from evalkit.workflows.compare import compare_runs
from evalkit.workflows.evaluate import EvaluationOptions, evaluate_files

QRELS = "q1 0 a 2\nq1 0 b 0\nq2 0 b 1\nq3 0 c 1\nq4 0 a 0\n"
GOOD = {"q1": ["a", "b", "c"], "q2": ["b", "a"], "q3": ["a", "c"]}
POOR = {"q1": ["c", "b", "a"], "q2": ["a", "c"], "q3": ["c", "a"]}


def write_run(file: Path, tag: str, lists: dict[str, list[str]]) -> Path:
    """Write a run in TREC's format."""
    rows = [
        f"{q} Q0 {d} {rank + 1} {-rank} {tag}" for q, docs in lists.items() for rank, d in enumerate(docs)
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    """Return the judgments; q4 is not answerable."""
    file = tmp_path / "qrels.txt"
    file.write_text(QRELS, encoding="utf-8")
    return file


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Return two runs with tags of their own."""
    return [write_run(tmp_path / "1.trec", "good", GOOD), write_run(tmp_path / "2.trec", "poor", POOR)]


def reciprocal_ranks(lists: dict[str, list[str]]) -> dict[str, float]:
    """Return the reciprocal rank of the relevant document of each answerable query."""
    relevant = {"q1": "a", "q2": "b", "q3": "c"}
    return {q: 1 / (lists[q].index(d) + 1) if d in lists[q] else 0.0 for q, d in relevant.items()}


def rows_of(qrels: Path, runs: list[Path], **options: Any) -> list[dict[str, Any]]:
    """Return the rows of MRR@10 alone."""
    return evaluate_files(qrels, runs, EvaluationOptions(metrics=["MRR@10"], **options)).rows


def test_a_mean_is_taken_over_the_answerable_queries(qrels: Path, runs: list[Path]) -> None:
    """One row for each run and metric, in the order of the files, with the number of queries."""
    rows = rows_of(qrels, runs)
    assert [(row["run"], row["n"]) for row in rows] == [("good", 3), ("poor", 3)]
    for row, lists in zip(rows, (GOOD, POOR), strict=True):
        assert row["value"] == pytest.approx(np.mean(list(reciprocal_ranks(lists).values())))


def test_without_metrics_there_are_two(qrels: Path, runs: list[Path]) -> None:
    """nDCG@10 and MRR@10."""
    rows = evaluate_files(qrels, runs[:1], EvaluationOptions()).rows
    assert [row["metric"] for row in rows] == ["nDCG@10", "MRR@10"]


def test_every_query_has_its_value(qrels: Path, runs: list[Path]) -> None:
    """Instead of means, and even where properties of queries are given."""
    rows = rows_of(qrels, runs, per_query=True, by="relevant documents")
    found = {(row["run"], row["query_id"]): row["value"] for row in rows}
    expected = {("good", q): value for q, value in reciprocal_ranks(GOOD).items()}
    assert found == expected | {("poor", q): value for q, value in reciprocal_ranks(POOR).items()}


def test_a_query_that_a_run_lacks_counts_as_zero(qrels: Path, tmp_path: Path) -> None:
    """As trec_eval has it with all judged queries: a system that returns nothing is not rewarded."""
    run = write_run(tmp_path / "part.trec", "part", {"q1": ["a"]})
    (row,) = rows_of(qrels, [run])
    assert (row["value"], row["n"]) == (pytest.approx(1 / 3), 3)


def test_runs_with_the_same_tag_are_named_by_their_files(
    qrels: Path, runs: list[Path], tmp_path: Path
) -> None:
    """Both of them; a run whose tag is its own keeps it."""
    twin = write_run(tmp_path / "3.trec", "good", POOR)
    assert [row["run"] for row in rows_of(qrels, [*runs, twin])] == ["1.trec", "poor", "3.trec"]


def test_means_by_level_add_up_to_the_mean_over_all(qrels: Path, runs: list[Path], tmp_path: Path) -> None:
    """By a field of the queries: each answerable query is in one level, and the first row holds all of them."""
    queries = tmp_path / "queries.jsonl"
    kinds = {"q1": "short", "q2": "long", "q3": "short", "q4": "long"}
    queries.write_text(
        "".join(f'{{"_id": "{q}", "text": "x", "kind": "{kind}"}}\n' for q, kind in kinds.items()),
        encoding="utf-8",
    )
    rows = rows_of(qrels, runs[:1], by="kind", queries=queries)
    assert {row["level"]: row["n"] for row in rows} == {"all": 3, "short": 2, "long": 1}
    assert rows[0]["level"] == "all"
    parts = sum(row["value"] * row["n"] for row in rows[1:])
    assert parts == pytest.approx(rows[0]["value"] * rows[0]["n"])


def test_columns_appear_if_they_are_asked_for(qrels: Path, runs: list[Path]) -> None:
    """Bounds over ties and over unjudged documents contain the value."""
    (plain,) = rows_of(qrels, runs[:1])
    (more,) = rows_of(qrels, runs[:1], ties=True, unjudged=True)
    assert set(more) - set(plain) == {"best", "expected", "worst", "least", "most"}
    assert more["worst"] <= more["value"] <= more["best"]
    assert more["least"] <= more["value"] <= more["most"]


def test_queries_that_cannot_be_grouped_are_reported(qrels: Path, runs: list[Path], tmp_path: Path) -> None:
    """Without a file, with a file that lacks a judged query, and with one that lacks the property."""
    assert "the judgments contain no query field 'kind'" in said(lambda: rows_of(qrels, runs, by="kind"))
    few = tmp_path / "few.jsonl"
    few.write_text('{"_id": "q1", "text": "x"}\n', encoding="utf-8")
    assert "missing in the queries file (first: 'q2')" in said(
        lambda: rows_of(qrels, runs, by="kind", queries=few)
    )
    few.write_text("".join(f'{{"_id": "q{n}", "text": "x"}}\n' for n in (1, 2, 3)), encoding="utf-8")
    with pytest.raises(UnknownNameError, match="unknown kind of query 'kind'"):
        rows_of(qrels, runs, by="kind", queries=few)


def test_files_that_cannot_be_read_are_reported(qrels: Path, runs: list[Path], tmp_path: Path) -> None:
    """Whichever of them it is, and a metric that is none."""
    gone = tmp_path / "gone"
    assert "gone" in said(lambda: rows_of(gone, runs))
    assert "gone" in said(lambda: rows_of(qrels, [gone]))
    assert "nDCG@x" in said(lambda: evaluate_files(qrels, runs, EvaluationOptions(metrics=["nDCG@x"])))


def test_what_means_rest_on_is_in_their_rows(qrels: Path, tmp_path: Path) -> None:
    """Queries that the run lacks, that nothing is relevant for, that are not judged, and excluded documents."""
    qrels.write_text(QRELS + "q1 0 x -100\nq2 0 y -1\nq3 0 y 11\n#q9 0 a 1\n", encoding="utf-8")
    lists = {"q1": ["x", "a"], "q7": ["a"], "q8": ["a"], "q4": ["a"]}
    run = write_run(tmp_path / "r.trec", "r", lists)
    evaluation = evaluate_files(qrels, [run], EvaluationOptions(metrics=["MRR@10"]))
    (row,) = evaluation.rows
    assert row["value"] == pytest.approx(1 / 3)  # x is removed, so that a is first; q2 and q3 count as 0
    assert list(row)[:6] == ["run", "metric", "value", "lower", "upper", "n"]
    assert {name: row[name] for name in list(row)[6:]} == {
        "missing_queries": 2,
        "queries_without_relevant": 1,
        "unjudged_queries": 2,
        "excluded_documents": 1,
        "no_document_judged": False,
        "judged_by_subtopic": False,
        "negative_grades": 1,
        "grades_above_10": 1,
        "commented_rows": 1,
    }
    assert evaluation.coverage[0].missing == ("q2", "q3")
    assert evaluation.commented == {str(qrels): (9,), str(run): ()}


def test_missing_queries_of_a_level_are_those_of_its_queries(qrels: Path, tmp_path: Path) -> None:
    """Queries without a relevant document or judgments have no level; they are counted over all queries."""
    run = write_run(tmp_path / "part.trec", "part", {"q1": ["a"], "q9": ["a"]})
    queries = tmp_path / "queries.jsonl"
    queries.write_text(
        "".join(
            f'{{"_id": "q{n}", "text": "x", "kind": "{kind}"}}\n' for n, kind in enumerate("xxyx", start=1)
        ),
        encoding="utf-8",
    )
    rows = rows_of(qrels, [run], by="kind", queries=queries)
    names = ("level", "missing_queries", "queries_without_relevant", "unjudged_queries")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("all", 2, 1, 1),
        ("x", 1, None, None),
        ("y", 1, None, None),
    ]


def test_nothing_in_common_is_refused(qrels: Path, runs: list[Path], tmp_path: Path) -> None:
    """Zeros for other queries are no result; the hint shows the first query of both."""
    stranger = write_run(tmp_path / "other.trec", "other", {"1": ["a"]})
    with pytest.raises(InputError, match="run 'other' contains none of the judged queries") as refused:
        rows_of(qrels, [*runs, stranger])
    assert "'1'" in str(refused.value.hint)
    assert "'q1'" in str(refused.value.hint)
    qrels.write_text("q1 0 a 0\n", encoding="utf-8")
    assert "contains no query with a relevant document" in said(lambda: rows_of(qrels, runs))


def test_judgments_by_text_ask_for_the_table_of_queries(runs: list[Path], tmp_path: Path) -> None:
    """A run with ids has nothing in common with them; a comparison asks for judgments with ids."""
    judged = tmp_path / "case_basic.csv"
    judged.write_text("query,docid,rating\nstar wars,a,3\nstar trek,b,1\n", encoding="utf-8")
    assert "add --queries FILE with the ids" in said(lambda: rows_of(judged, runs))
    assert "use judgments with the ids of the runs" in said(lambda: compare_runs(judged, runs))


def test_ordinary_metrics_use_the_highest_grade_over_subtopics(qrels: Path, tmp_path: Path) -> None:
    """The same values as judgments with these grades have, and the rows say so."""
    run = write_run(tmp_path / "r.trec", "r", {"1": ["a", "b"]})
    values = []
    for text in ("1 1 a 0\n1 2 a 1\n1 2 b 2\n", "1 0 a 1\n1 0 b 2\n"):
        qrels.write_text(text, encoding="utf-8")
        (row,) = evaluate_files(qrels, [run], EvaluationOptions(metrics=["nDCG@10"])).rows
        values.append(row["value"])
        assert row["judged_by_subtopic"] == (len(values) == 1)
    assert values[0] == values[1]
