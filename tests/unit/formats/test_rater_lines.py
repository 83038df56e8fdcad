"""Lines of judgments by raters: what no rater can give is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import judgment_lines, read_judgment_lines
from evalkit.records import Judgment, Rater


@pytest.mark.parametrize("grade", [-100, -100.0])
def test_an_exclusion_is_no_grade_of_a_rater(tmp_path: Path, grade: float) -> None:
    """-100 keeps a document out of lists, where qrels say so; as the grade of a rater it is refused with its line."""
    rater = Rater("human", "anna")
    rows = [
        Judgment("q", doc, value, rater, "2026-01-01T00:00:00Z") for doc, value in (("a", 2.0), ("b", grade))
    ]
    path = tmp_path / "people.jsonl"
    path.write_bytes(judgment_lines(rows))
    text = said(lambda: list(read_judgment_lines(path)))
    assert f"{path}:2: grade -100 excludes a document" in text
    assert "qrels of the dataset" in text
