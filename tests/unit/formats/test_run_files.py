"""TREC runs: scores decide the order, and a file of distances is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import DataFormatError
from evalkit.formats import read_run


def written(path: Path, scores: list[float]) -> Path:
    """Write one query with these scores at the ranks 1, 2, ..."""
    rows = (f"q Q0 d{rank} {rank} {score!r} t\n" for rank, score in enumerate(scores, start=1))
    path.write_text("".join(rows), encoding="utf-8")
    return path


def test_distances_are_refused(tmp_path: Path) -> None:
    """Ordered by such scores the ranking would be the opposite of the engine's."""
    with pytest.raises(DataFormatError, match="the scores rise with the ranks, as distances do"):
        read_run(written(tmp_path / "d.trec", [0.1 * n for n in range(12)]))


@given(scores=st.lists(st.floats(-5, 5), min_size=2, max_size=30, unique=True))
def test_every_other_order_is_that_of_the_scores(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float]
) -> None:
    """Whatever the rank column says, if some score falls with the rank."""
    scores = [*scores, min(scores) - 1.0]
    run = read_run(written(tmp_path_factory.mktemp("run") / "a.trec", scores))
    expected = sorted(range(len(scores)), key=lambda place: -scores[place])
    assert run.docs("q") == tuple(f"d{place + 1}" for place in expected)


def test_a_few_rising_scores_are_no_evidence(tmp_path: Path) -> None:
    """Ranks that were never filled in say nothing either."""
    assert read_run(written(tmp_path / "few.trec", [0.1, 0.2, 0.3])).docs("q") == ("d3", "d2", "d1")
    rows = "".join(f"q Q0 d{n} 0 {n / 10} t\n" for n in range(20))
    (tmp_path / "unranked.trec").write_text(rows, encoding="utf-8")
    assert read_run(tmp_path / "unranked.trec").docs("q")[0] == "d19"
