"""A sweep over depths gives what evaluating each depth on its own gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.metrics import evaluate, parse_metrics, sweep
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import BelowDepth, Qrels, Run, append_below

METRICS = parse_metrics(
    [
        "nDCG@3",
        "nDCG",
        "nDCG(dcg='exp-log2')@5",
        "RR",
        "RR(rel=2)@2",
        "AP",
        "AP(rel=2)@4",
        "P@3",
        "R@2",
        "Success@1",
        "nDCG(judged_only=True)@3",
        "AP(judged_only=True)",
        "RR(judged_only=True)@2",
        "P(judged_only=True)@2",
        "nDCG(gains={0:2,1:5,2:1},judged_only=True)@4",
        "ERR",
        "ERR@3",
        "NumQ",
        "NumRel(rel=2)",
        "NumRelRet",
    ]
)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[Run, Run, Qrels]:
    """Return candidates, the same with other scores (ties among them), and judgments."""
    rows, grades = [], {}
    for query_id in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)):
        docs = draw(st.lists(st.integers(0, 30), min_size=0, max_size=12, unique=True))
        rows += [
            (query_id, f"d{doc}", -float(rank), float(draw(st.integers(0, 4))))
            for rank, doc in enumerate(docs)
        ]
        judged = draw(st.dictionaries(st.integers(0, 30), st.integers(-1, 3), min_size=1, max_size=8))
        grades[query_id] = {f"d{doc}": grade for doc, grade in judged.items()}

    def run(column: int) -> Run:
        return Run.from_rows("r", [r[0] for r in rows], [r[1] for r in rows], [r[column] for r in rows])  # type: ignore[misc]

    return run(2), run(3), Qrels(grades)


def cut_to(first_stage: Run, reranked: Run, depth: int) -> Run:
    """Return the reranked documents among the first candidates."""
    among = {q: set(first_stage.docs(q)[:depth]) for q in first_stage.query_ids}
    return reranked.where(np.array([d in among[q] for q, docs, _ in reranked for d in docs], dtype=np.bool_))


@given(rankings(), st.integers(1, 14), st.sampled_from(["kept", "dropped"]))
def test_every_depth_equals_its_own_evaluation(
    data: tuple[Run, Run, Qrels], deepest: int, below_depth: BelowDepth
) -> None:
    """For every metric with a kernel, every query, every depth, ties and short lists and both rules below the depth."""
    first_stage, reranked, qrels = data
    swept = sweep_depths(first_stage, reranked, qrels, METRICS, deepest, below_depth)
    for depth in range(1, deepest + 1):
        ranking = cut_to(first_stage, reranked, depth)
        if below_depth == "kept":
            ranking = append_below(ranking, first_stage, depth)
        alone = evaluate(ranking, qrels, METRICS)
        assert swept.query_ids == alone.query_ids
        for metric in alone.metrics:
            assert swept.of(metric)[:, depth - 1] == pytest.approx(alone.of(metric), abs=1e-12), (
                metric,
                depth,
            )


@given(rankings(), st.integers(1, 14))
def test_candidates_below_the_depth_keep_their_first_stage_order(
    data: tuple[Run, Run, Qrels], depth: int
) -> None:
    """A kept ranking holds every candidate once: the reranked ones as without the others, then the rest in order."""
    first_stage, reranked, _ = data
    above = cut_to(first_stage, reranked, depth)
    ranking = append_below(above, first_stage, depth)
    for query_id, docs, scores in ranking:
        assert docs == (*above.docs(query_id), *first_stage.docs(query_id)[depth:])
        tail = scores[len(above.docs(query_id)) - 1 :].astype(np.float32)
        assert (np.diff(tail) < 0).all()
    rebuilt = Run.from_rows(
        "r", [q for q, docs, _ in ranking for _ in docs], list(ranking.doc_ids), ranking.scores
    )
    assert rebuilt.doc_ids == ranking.doc_ids


@given(rankings(), st.integers(1, 14))
def test_no_candidate_is_lost_where_they_are_kept(data: tuple[Run, Run, Qrels], deepest: int) -> None:
    """Recall over the whole list is the same at every depth, that of all candidates."""
    first_stage, reranked, qrels = data
    everything = parse_metrics(["R@1000"])
    swept = sweep_depths(first_stage, reranked, qrels, everything, deepest, "kept").values[0]
    assert (swept == evaluate(first_stage, qrels, everything).values).all()


@pytest.mark.parametrize("below_depth", ["kept", "dropped"])
def test_parts_of_the_queries_give_what_all_give(
    monkeypatch: pytest.MonkeyPatch, below_depth: BelowDepth
) -> None:
    """Values are bitwise the same, whatever the number of queries in memory at once."""
    rng = np.random.default_rng(2)
    queries, docs = [f"q{n}" for n in range(9) for _ in range(8)], [f"d{n % 8}" for n in range(72)]
    first, again = (Run.from_rows("r", queries, docs, rng.integers(0, 6, 72).astype(float)) for _ in range(2))
    qrels = Qrels({f"q{n}": {f"d{d}": int(rng.integers(-1, 3)) for d in rng.choice(9, 5)} for n in range(11)})
    whole = sweep_depths(first, again, qrels, METRICS, 6, below_depth).values
    monkeypatch.setattr(sweep, "_CELLS", 40)
    assert np.array_equal(sweep_depths(first, again, qrels, METRICS, 6, below_depth).values, whole)


def test_a_metric_that_cannot_be_swept_is_reported() -> None:
    """One clear line with those that can."""
    run = Run.from_rows("r", ["q"], ["d"], np.array([1.0]))
    with pytest.raises(InputError, match=r"'Judged@3' cannot be computed for all depths"):
        sweep_depths(run, run, Qrels({"q": {"d": 1}}), parse_metrics(["Judged@3"]), 2, "kept")
