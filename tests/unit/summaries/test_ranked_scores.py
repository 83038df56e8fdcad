"""Runs of one system at several depths, compared with runs that are built from the rows of each depth."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from support.result_folders import manifest_of, score_rows, write_result
from support.systems import Scores

from evalkit.records import Run
from evalkit.summaries.ranked_scores import ScoreRows

SCORES = st.sampled_from((-0.0, 0.0, 1.5, 2.0))
LISTS = st.dictionaries(
    st.sampled_from("pqr"), st.dictionaries(st.sampled_from("abcde"), SCORES, min_size=1), min_size=1
)


@settings(max_examples=40)
@given(LISTS, st.integers(1, 5))
def test_a_run_at_a_depth_is_that_of_its_rows(scores: Scores, depth: int) -> None:
    """Documents with equal scores, too; the candidates are ranked as the table says."""
    rows = score_rows("d", "bm25", scores)
    with TemporaryDirectory() as path:
        folder = write_result(Path(path) / "f", {"d": {"p": {"a": 1}}}, rows, manifest=manifest_of(["d"], ()))
        found = ScoreRows.read(folder, "d", "bm25").ranked().within(depth)
    kept = [row for row in rows if row["retriever_rank"] <= depth]
    queries, docs, values = ([row[name] for row in kept] for name in ("query_id", "doc_id", "score"))
    expected = Run.from_rows("bm25", queries, docs, values)
    assert found.run.query_ids == expected.query_ids
    assert found.run.doc_ids == expected.doc_ids
    assert found.run.scores.tolist() == expected.scores.tolist()
    ranks = {(row["query_id"], row["doc_id"]): row["retriever_rank"] for row in rows}
    pairs = [(query_id, doc_id) for query_id, docs, _ in found.run for doc_id in docs]
    assert found.ranks.tolist() == found.candidate_ranks.tolist() == [ranks[pair] for pair in pairs]
