"""What the page shows of progress, pace and agreement."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.rating import Rated, tasks

from evalkit.web.rating_view import agreement_view, recent_seconds_each


def test_the_pace_is_the_median_without_pauses() -> None:
    """A lunch break, a clock that goes back and a time that is none change no pace; few judgments have none."""
    times = [
        "2026-12-01T09:00:00+00:00",
        "2026-12-01T09:00:04+00:00",
        "2026-12-01T12:00:00+00:00",
        "yesterday",
    ]
    times += ["2026-12-01T12:00:04+00:00", "2026-12-01T12:00:10+00:00", "2026-12-01T12:00:01+00:00"]
    assert recent_seconds_each(times) == 4
    assert recent_seconds_each(times[:3]) is None


def test_agreement_compares_with_every_other_rater() -> None:
    """A pair that three raters graded gives two comparisons."""
    grades = {"a": {"anna": 3.0, "ben": 2.0, "carl": 3.0}, "b": {"ben": 1.0, "carl": 1.0}, "c": {"anna": 0.0}}
    assert agreement_view(grades, "anna") == {"pairs": 2, "equal": 1, "within_one": 2}
    assert agreement_view(grades, "dora") is None


def test_progress_counts_the_query_the_sample_and_all(tmp_path: Path) -> None:
    """Counts are pairs; the number of a query is its place in the order."""
    rated = Rated(tmp_path, tasks(3, 2, sampled=1))
    view = rated.open("anna")
    for _ in range(3):
        view = rated.act(view, "grade", 1)
    progress = view["progress"]
    assert progress["query"] == {"done": 1, "total": 2}
    assert progress["sample"] == {"done": 2, "total": 2}
    assert progress["all"] == {"done": 3, "total": 6}
    assert (progress["query_number"], progress["queries"], progress["own"]) == (2, 3, 3)
    view = rated.act(view, "grade", 1)
    assert view["seconds_each"] == 4
    assert view["minutes_left"] == pytest.approx(8 / 60)
