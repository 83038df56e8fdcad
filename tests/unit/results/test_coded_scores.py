"""Runs of coded scores are those of the same rows with names."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.records import Names, Run
from evalkit.results.coded_scores import run_of_scores

ROWS = st.lists(
    st.tuples(st.sampled_from("qpr"), st.sampled_from("abcde"), st.integers(-3, 3)),
    min_size=1,
    unique_by=lambda row: row[:2],
)


@given(rows=ROWS)
def test_numbers_give_the_run_that_names_give(rows: list[tuple[str, str, int]]) -> None:
    """With names that no row has, and rows of a query that are not adjacent, too."""
    query_ids, doc_ids, scores = zip(*rows, strict=True)
    queries, docs = Names.of_rows("xrpq")[0], Names.of_rows("edzcba")[0]
    columns = {
        "query_id": np.array([queries.codes[one] for one in query_ids]),
        "doc_id": np.array([docs.codes[one] for one in doc_ids]),
        "score": np.array(scores, dtype=np.float64),
    }
    run, place = run_of_scores("r", queries, docs, columns)
    expected = Run.from_rows("r", query_ids, doc_ids, columns["score"])
    assert (run.query_ids, run.doc_ids, run.scores.tolist()) == (
        expected.query_ids,
        expected.doc_ids,
        expected.scores.tolist(),
    )
    assert [doc_ids[row] for row in place] == list(run.doc_ids)
