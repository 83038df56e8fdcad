"""Replayed runs: stored scores, and candidates that the file lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from evalkit.errors import CallError
from evalkit.records import RerankRequest
from evalkit.rerankers.replay import Replay

REQUEST = RerankRequest("q", "text", ("A", "B", "C", "D"), ("a", "b", "c", "d"))


def replay(folder: Path, missing: Literal["fail", "last"]) -> Replay:
    """Return the replay of a file with scores of the documents a, c and e."""
    file = folder / "run.trec"
    file.write_text("q Q0 c 1 2.0 x\nq Q0 a 2 1.0 x\nq Q0 e 3 -4.0 x\n", encoding="utf-8")
    return Replay(Replay.Settings(path=file, missing=missing))


def test_documents_without_a_score_are_last_and_not_in_the_list(tmp_path: Path) -> None:
    """They are below all scores of the file, in candidate order, and only the others have a place in its list."""
    found = replay(tmp_path, "last").score(REQUEST)
    assert found.scores.tolist() == [1.0, -5.0, 2.0, -6.0]
    assert (found.missing, found.order is not None and found.order.tolist()) == (2, [2, 0])
    assert found.ignored == 1, "the document e of the file is no candidate"


def test_a_list_without_any_score_has_an_empty_order(tmp_path: Path) -> None:
    """Every score of an unknown query is made up."""
    found = replay(tmp_path, "last").score(RerankRequest("other", "text", ("A", "B"), ("a", "b")))
    assert (found.missing, found.order is not None and found.order.tolist()) == (2, [])


def test_a_missing_score_fails_the_query(tmp_path: Path) -> None:
    """With ``fail``; where nothing is missing there is no list, as before."""
    with pytest.raises(CallError, match="has no score for 2 of 4 candidates"):
        replay(tmp_path, "fail").score(REQUEST)
    whole = replay(tmp_path, "fail").score(RerankRequest("q", "text", ("A", "C"), ("a", "c")))
    assert (whole.missing, whole.order) == (0, None)
