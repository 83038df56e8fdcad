"""Laws of reading many ordinary lines at once: nothing differs from reading each line by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.errors import DataFormatError
from evalkit.formats import qrels_rows, read_qrels, read_run, run_rows, text_files

IDS = st.sampled_from(["q1", "q2", "d1", "d2", "#", "#1", "d#1", "é", "a\u00a0b", "a\x1cb", "x_1"])
BLANKS = st.sampled_from([" ", " ", " ", "   ", " " * 300, "\t", "  ", "\t\t", "\f", "\r", " \t"])
NUMBERS = st.sampled_from(
    ["1", "2", "0", "-1", "2.0", "1_0", "٣", "nan", "1e0", "+1", "0x1", "1001", "2.5", "word"]
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", "\r", " \n", "\t\n", " more\n", ""])


def lines(*columns: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return lines that are mostly ordinary, with the given columns."""
    usual = st.tuples(*columns).map(lambda cells: " ".join(cells) + "\n")
    tabs = st.tuples(*columns).map(lambda cells: "\t".join(cells) + "\n")
    blanks = st.tuples(*columns).map(lambda cells: "  " + "  ".join(cells) + " \n")
    odd = st.tuples(BLANKS, ENDS, st.integers(1, 8), *columns).map(
        lambda parts: parts[0].join(parts[3 : 3 + parts[2]]) + parts[1]
    )
    return st.one_of(usual, usual, tabs, tabs, blanks, odd)


RUN_LINES = lines(IDS, st.just("Q0"), IDS, NUMBERS, NUMBERS, st.sampled_from(["tag", "ta", "other"]))
QRELS_LINES = st.one_of(lines(IDS, st.sampled_from("01"), IDS, NUMBERS), lines(IDS, IDS, NUMBERS))
HEADERS = st.sampled_from(
    ["", "query-id\tcorpus-id\tscore\n", "query_id\tsubtopic\tdoc_id\tgrade\n", "# a comment\n"]
)

SIZES = st.sampled_from([1, 12, 40, 120, 10**6])
"""Bytes of a block."""


def read_in_blocks(read: Callable[[], Any], size: int) -> Any:
    """Return what a reader finds in blocks of so many bytes, or the message of its error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "FIRST_BYTES", size)
        patch.setattr(text_files, "BLOCK_BYTES", size)
        return outcome(read)


def read_with_care(read: Callable[[], Any]) -> Any:
    """Return what a reader finds that reads each line by itself, or the message of its error."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (run_rows, qrels_rows):
            patch.setattr(module, "ordinary_rows", lambda *_: None)
        return outcome(read)


def outcome(read: Callable[[], Any]) -> Any:
    """Return what a reader finds, or the message of its error."""
    try:
        return read()
    except DataFormatError as error:
        return str(error), error.hint


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(RUN_LINES, max_size=8).map("".join), size=SIZES)
def test_a_run_is_the_same_in_blocks_of_any_size(text: str, size: int, tmp_path: Path) -> None:
    """Rows, tag and errors do not depend on how many lines are read at once."""
    path = tmp_path / "run"
    path.write_text(text, newline="", encoding="utf-8")

    def read() -> Any:
        run = read_run(path)
        return run.tag, [(query_id, docs, scores.tolist()) for query_id, docs, scores in run]

    assert read_in_blocks(read, size) == read_with_care(read)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=HEADERS, text=st.lists(QRELS_LINES, max_size=8).map("".join), size=SIZES)
def test_judgments_are_the_same_in_blocks_of_any_size(
    header: str, text: str, size: int, tmp_path: Path
) -> None:
    """Grades, subtopics and errors do not depend on how many lines are read at once."""
    path = tmp_path / "qrels"
    path.write_text(header + text, newline="", encoding="utf-8")
    assert read_in_blocks(lambda: read_qrels(path), size) == read_with_care(lambda: read_qrels(path))
