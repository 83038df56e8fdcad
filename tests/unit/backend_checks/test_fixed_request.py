"""The request with fixed texts."""

from __future__ import annotations

import pytest

from evalkit.backend_checks.fixed_request import fixed_request


@pytest.mark.parametrize("documents", [1, 2])
def test_it_has_short_different_texts_and_ids_that_no_run_file_can_have(documents: int) -> None:
    """A column of a run file has no space in it."""
    request = fixed_request(documents)
    assert len(set(request.documents)) == len(set(request.doc_ids)) == documents
    assert all(0 < len(text) < 80 for text in (request.query, *request.documents))
    assert all(" " in name for name in (request.query_id, *request.doc_ids))
