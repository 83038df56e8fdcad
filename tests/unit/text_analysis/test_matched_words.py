"""Where the words of a query are in a text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.text_analysis import Analyzer, matched_parts

ENGLISH, CHINESE = Analyzer("english"), Analyzer("chinese")


def test_words_are_found_in_all_their_forms() -> None:
    """Forms with the same stem match, stop words do not."""
    parts = matched_parts(ENGLISH, "how to move the regions", "Moving to a region; the MOVES.")
    assert parts == ["", "Moving", " to a ", "region", "; the ", "MOVES", "."]


def test_bigrams_that_overlap_are_one_match() -> None:
    """A word of three characters is marked as one."""
    assert matched_parts(CHINESE, "数据库", "这个数据库很大") == ["这个", "数据库", "很大"]


@settings(deadline=None)
@given(query=st.text(), text=st.text())
def test_the_parts_are_the_text(query: str, text: str) -> None:
    """No character is lost or changed, whatever the texts are; matches are every second part and never empty."""
    for analyzer in (ENGLISH, CHINESE):
        parts = matched_parts(analyzer, query, text)
        assert "".join(parts) == text
        assert len(parts) % 2 == 1
        assert all(parts[1::2])
