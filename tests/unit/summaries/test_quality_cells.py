"""Runs and values from the raw scores of a result folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.result_folders import manifest_of, run_facts, score_rows, write_result
from support.systems import Scores, run_of

from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import BelowDepth, Qrels
from evalkit.summaries.quality_cells import QualityCell, derive_ceilings, derive_cells, placed_last

GRADES = {"q1": {"a": 1}, "q2": {"c": 2, "z": 1}, "q3": {"x": 1}, "q4": {"a": 0}}
"""q2 lacks a relevant candidate, q3 has no candidates, q4 is unanswerable."""
FIRST: Scores = {
    "q1": {"a": 3.0, "b": 2.0, "c": 1.0}, "q2": {"b": 3.0, "c": 2.0, "a": 1.0}, "q4": {"a": 2.0, "b": 1.0},
}  # fmt: skip
RERANKED: Scores = {
    "q1": {"a": 0.1, "b": 0.9, "c": 0.5}, "q2": {"b": 0.1, "c": 0.2, "a": 0.3}, "q4": {"a": 0.1, "b": 0.2},
}  # fmt: skip


def cells_of(
    path: Path,
    scores: list[dict[str, object]],
    depths: list[int],
    rerankers: tuple[str, ...] = ("r",),
    below_depth: BelowDepth = "dropped",
) -> dict[tuple[str, int], QualityCell]:
    """Return (tag, depth) -> cell of a result with these rows of scores."""
    manifest = manifest_of(["d"], rerankers)
    folder = write_result(path, {"d": GRADES}, scores, manifest=manifest)
    cells = list(
        derive_cells(folder, manifest, {"d": Qrels(GRADES)}, ["nDCG@10", "R@3"], depths, below_depth)
    )
    found = {(cell.reranker, cell.depth): cell for cell in cells}
    assert list(found) == [(tag, depth) for tag in ("bm25", *rerankers) for depth in depths]
    return found


def values_of(cell: QualityCell, metric: str = "nDCG@10") -> Mapping[str, float]:
    """Return query -> value."""
    return dict(zip(cell.values.query_ids, cell.values.of(metric).tolist(), strict=True))


def test_a_depth_reranks_the_first_candidates_only(tmp_path: Path) -> None:
    """At depth 2 each list has the first two candidates of the first stage, in the reranker's order."""
    rows = score_rows("d", "bm25", FIRST) + score_rows("d", "r", RERANKED)
    cells = cells_of(tmp_path / "f", rows, [2, 3])
    assert cells["r", 2].run.docs("q1") == ("b", "a")
    assert cells["r", 3].run.docs("q1") == ("b", "c", "a")
    assert cells["bm25", 3].run.docs("q2") == ("b", "c", "a")
    assert all(cell.not_scored == () for cell in cells.values())


def test_candidates_below_the_depth_are_kept(tmp_path: Path) -> None:
    """At depth 2 the third candidate stays third, without a score; the first stage has its whole list."""
    rows = score_rows("d", "bm25", FIRST) + score_rows("d", "r", RERANKED)
    cells = cells_of(tmp_path / "f", rows, [2, 3], below_depth="kept")
    assert cells["r", 2].run.docs("q1") == ("b", "a", "c")
    assert cells["r", 2].scores.docs("q1") == ("b", "a")
    assert cells["bm25", 2].run.docs("q1") == cells["bm25", 3].run.docs("q1") == ("a", "b", "c")
    assert values_of(cells["r", 2], "R@3") == values_of(cells["r", 3], "R@3")
    assert cells["r", 3].run is cells["r", 3].scores


def test_a_listwise_pass_is_followed_by_the_first_stage(tmp_path: Path) -> None:
    """Its scores at depth 2 order two candidates; the third is that of the first stage, scored at depth 3 or not."""
    passes = [
        *score_rows("d", "r", {"q1": {"a": 1.0, "b": 2.0}}, depth=2),
        *score_rows("d", "r", {"q1": {"a": 3.0, "b": 2.0, "c": 9.0}}, depth=3),
    ]
    cells = cells_of(tmp_path / "f", score_rows("d", "bm25", FIRST) + passes, [2, 3], below_depth="kept")
    assert cells["r", 2].run.docs("q1") == ("b", "a", "c")
    assert cells["r", 3].run.docs("q1") == ("c", "a", "b")
    assert cells["r", 2].run.query_ids == ("q1",)  # a query without scores has no ranking


def test_the_ceiling_counts_what_stays_below_the_depth(tmp_path: Path) -> None:
    """The best order of one candidate is that of the first stage where the others stay, and no value is above it."""
    rows = score_rows("d", "bm25", FIRST) + score_rows("d", "r", RERANKED)
    for below_depth in ("kept", "dropped"):
        cells = cells_of(tmp_path / below_depth, rows, [1, 2, 3], below_depth=below_depth)
        first = [cells["bm25", depth] for depth in (1, 2, 3)]
        ceilings = list(derive_ceilings(first, {"d": Qrels(GRADES)}, ["nDCG@10", "R@3"]))
        for ceiling in ceilings:
            assert (ceiling.best.values >= cells["r", ceiling.depth].values.values - 1e-12).all()
        assert [ceiling.pairs for ceiling in ceilings] == [3, 6, 8]
        if below_depth == "kept":
            assert ceilings[0].best.values.tolist() == cells["bm25", 1].values.values.tolist()


def test_values_are_those_of_the_run(tmp_path: Path) -> None:
    """An independent evaluation of the same lists gives the same values; unanswerable queries have none."""
    rows = score_rows("d", "bm25", FIRST) + score_rows("d", "r", RERANKED)
    cell = cells_of(tmp_path / "f", rows, [3])["r", 3]
    expected = evaluate(run_of("r", RERANKED), Qrels(GRADES), parse_metrics(["nDCG@10", "R@3"]))
    assert cell.values.query_ids == expected.query_ids == ("q1", "q2", "q3")
    assert cell.values.values.tolist() == expected.values.tolist()


def test_a_query_without_candidates_counts_as_zero(tmp_path: Path) -> None:
    """The first stage found nothing, so no reranker could do better: the value is 0 and not missing."""
    rows = score_rows("d", "bm25", FIRST) + score_rows("d", "r", RERANKED)
    cells = cells_of(tmp_path / "f", rows, [3])
    assert [values_of(cells[tag, 3])["q3"] for tag in ("bm25", "r")] == [0.0, 0.0]


def test_a_run_is_evaluated_whole_and_without_a_depth(tmp_path: Path) -> None:
    """Whatever the depths are: its documents are no candidates, and a query that it lacks counts as 0."""
    own: Scores = {"q1": {"z": 9.0, "y": 8.0, "x": 7.0, "a": 6.0}, "q3": {"x": 1.0}}
    rows = score_rows("d", "bm25", FIRST) + [
        row | {"retriever_rank": None} for row in score_rows("d", "es", own)
    ]
    manifest = replace(manifest_of(["d"], []), runs=(run_facts("es"), run_facts("es", dataset="other")))
    folder = write_result(tmp_path / "f", {"d": GRADES}, rows, manifest=manifest)
    qrels = {"d": Qrels(GRADES)}
    *first, cell = derive_cells(folder, manifest, qrels, ["nDCG@10", "R@3"], [1, 2], "kept")
    assert [(one.reranker, one.depth) for one in first] == [("bm25", 1), ("bm25", 2)]
    assert (cell.reranker, cell.depth, cell.not_scored) == ("es", None, ())
    assert cell.run.docs("q1") == ("z", "y", "x", "a")
    expected = evaluate(run_of("es", own), Qrels(GRADES), parse_metrics(["nDCG@10", "R@3"]))
    assert cell.values.query_ids == expected.query_ids == ("q1", "q2", "q3")
    assert cell.values.values.tolist() == expected.values.tolist()
    assert values_of(cell)["q2"] == 0.0


def test_a_query_without_scores_has_no_value(tmp_path: Path) -> None:
    """A failed query counts as missing and never as 0, whether or not a failure is recorded."""
    scored = {query_id: docs for query_id, docs in RERANKED.items() if query_id != "q2"}
    rows = score_rows("d", "bm25", FIRST) + score_rows("d", "r", scored)
    cells = cells_of(tmp_path / "f", rows, [3])
    assert cells["r", 3].not_scored == ("q2",)
    assert list(values_of(cells["r", 3])) == ["q1", "q3"]
    assert cells["bm25", 3].not_scored == ()


def test_a_reranker_without_any_score_has_no_value(tmp_path: Path) -> None:
    """It has not even the 0 of queries without candidates: its mean is unknown and not 0."""
    cells = cells_of(tmp_path / "f", score_rows("d", "bm25", FIRST), [3])
    cell = cells["r", 3]
    assert cell.not_scored == ("q1", "q2", "q4")
    assert cell.values.query_ids == ()
    assert cell.values.values.shape == (0, 2)


def test_without_any_candidates_every_system_has_zero(tmp_path: Path) -> None:
    """If the first stage found nothing at all, no query is missing: all values are 0."""
    cells = cells_of(tmp_path / "f", [], [3])
    for cell in cells.values():
        assert values_of(cell) == {"q1": 0.0, "q2": 0.0, "q3": 0.0}
        assert cell.not_scored == ()


def test_a_pass_for_one_depth_counts_at_that_depth_only(tmp_path: Path) -> None:
    """Scores of a listwise reranker at depth 2 say nothing about depth 3, and the reverse."""
    two = score_rows("d", "r", {"q1": {"a": 1.0, "b": 2.0}}, depth=2)
    three = score_rows("d", "r", {"q1": {"a": 3.0, "b": 2.0, "c": 1.0}}, depth=3)
    cells = cells_of(tmp_path / "f", score_rows("d", "bm25", FIRST) + two + three, [1, 2, 3])
    assert cells["r", 2].run.docs("q1") == ("b", "a")
    assert cells["r", 3].run.docs("q1") == ("a", "b", "c")
    assert cells["r", 1].run.query_ids == ()


def test_datasets_do_not_mix(tmp_path: Path) -> None:
    """Two datasets may share ids of queries and documents; each has its own scores and missing queries."""
    judged = {"d1": {"q": {"a": 1}}, "d2": {"q": {"b": 1}, "p": {"a": 1}}}
    both = {"q": {"a": 2.0, "b": 1.0}}
    rows = [
        *score_rows("d1", "bm25", both), *score_rows("d2", "bm25", {**both, "p": {"a": 1.0}}),
        *score_rows("d1", "r", both), *score_rows("d2", "r", {"q": {"a": 1.0, "b": 2.0}}),
    ]  # fmt: skip
    manifest = manifest_of(["d1", "d2"], ["r"])
    folder = write_result(tmp_path / "f", judged, rows, manifest=manifest)
    qrels = {name: Qrels(grades) for name, grades in judged.items()}
    cells = {
        (cell.dataset, cell.reranker): cell
        for cell in derive_cells(folder, manifest, qrels, ["RR"], [2], "dropped")
    }
    assert values_of(cells["d1", "r"], "RR") == {"q": 1.0}
    assert values_of(cells["d2", "r"], "RR") == {"q": 1.0}
    assert (cells["d1", "r"].not_scored, cells["d2", "r"].not_scored) == ((), ("p",))


def cell(scores: Scores, depth: int, grades: Mapping[str, Mapping[str, int]]) -> QualityCell:
    """Return the cell of a first stage."""
    run = run_of("bm25", scores).cut(depth)
    return QualityCell("d", "bm25", depth, run, evaluate(run, Qrels(grades), parse_metrics(["nDCG@10"])), ())


@given(
    grades=st.dictionaries(
        st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1
    ).filter(lambda grades: max(grades.values()) > 0),
    order=st.permutations("abcdef"),
)  # fmt: skip
def test_recall_and_best_order_grow_with_the_depth(grades: dict[str, int], order: list[str]) -> None:
    """More candidates never lower the ceiling; recall is the share of relevant documents among the candidates."""
    scores = {"q": {doc_id: float(-rank) for rank, doc_id in enumerate(order)}}
    first = [cell(scores, depth, {"q": grades}) for depth in range(1, 7)]
    ceilings = list(derive_ceilings(first, {"d": Qrels({"q": grades})}, ["nDCG@10"]))
    relevant = {doc_id for doc_id, grade in grades.items() if grade > 0}
    assert [one.depth for one in ceilings] == [1, 2, 3, 4, 5, 6]
    for one in ceilings:
        assert one.recall.tolist() == pytest.approx([len(relevant & set(order[: one.depth])) / len(relevant)])
    best = np.array([one.best.of("nDCG@10")[0] for one in ceilings])
    assert (np.diff(best) >= -1e-12).all()
    assert (best >= np.array([one.values.of("nDCG@10")[0] for one in first]) - 1e-12).all()
    if relevant <= set(order):
        assert best[-1] == pytest.approx(1.0)


def test_a_result_without_queries_has_an_empty_ceiling() -> None:
    """No judged query: no recall and no values, instead of an error."""
    (ceiling,) = derive_ceilings([cell({}, 3, {})], {"d": Qrels({})}, ["nDCG@10"])
    assert ceiling.recall.shape == (0,)
    assert ceiling.best.query_ids == ()


def ranked(*rows: tuple[str, str, float | None]) -> dict[str, np.ndarray]:
    """Return columns of scores: query, document, and rank in the replayed list."""
    names = ("query_id", "doc_id", "list_rank")
    return {
        name: np.array(column, dtype=object)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def test_made_up_scores_are_those_without_a_rank() -> None:
    """They are named by query; without any, nothing is named, whatever the ranks."""
    columns = ranked(("q", "a", 1), ("q", "b", None), ("p", "a", None))
    assert placed_last(columns, 2) == {"q": frozenset("b"), "p": frozenset("a")}
    assert placed_last(columns, 0) == {}


def test_older_results_do_not_say_which_scores_were_made_up() -> None:
    """Without any rank it is unknown, unless all scores were made up."""
    columns = ranked(("q", "a", None), ("q", "b", None))
    assert placed_last(columns, 1) is None
    assert placed_last(columns, 2) == {"q": frozenset("ab")}
