"""Logs of searches in every format."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from evalkit.errors import DataFormatError, InputError
from evalkit.formats.query_logs import read_query_log


def test_every_format_gives_the_same_counts(tmp_path: Path) -> None:
    """Rows that repeat a query are added up, and so are counts; blank queries and counts of 0 are counted apart."""
    rows = [("red shoes", 3), ("blue hat", 1), ("red shoes", 2), ("", 4), ("green", 0)]
    frame = pd.DataFrame(rows, columns=["Search Term", "Query-Count"])
    frame.to_csv(tmp_path / "log.csv", index=False)
    frame.to_csv(tmp_path / "log.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_json(tmp_path / "log.jsonl", orient="records", lines=True)
    for suffix in ("csv", "tsv", "parquet", "jsonl"):
        log = read_query_log(tmp_path / f"log.{suffix}")
        assert log.counts == {"red shoes": 5, "blue hat": 1}, suffix
        assert (log.rows, log.blank, log.zero) == (5, 1, 1)
        assert (log.query_column, log.count_column) == ("Search Term", "Query-Count")


def test_a_text_file_has_one_search_per_line(tmp_path: Path) -> None:
    """It may be compressed; blank lines are no searches."""
    file = tmp_path / "log.txt.gz"
    file.write_bytes(gzip.compress(b"b\n a \n\nb\r\nc"))
    log = read_query_log(file)
    assert log.counts == {"b": 2, "a": 1, "c": 1}
    assert log.rows == 4
    with pytest.raises(InputError, match="has no columns"):
        read_query_log(file, "query")


def test_named_columns_come_before_usual_names(tmp_path: Path) -> None:
    """A usual name is a guess, which the user can correct."""
    file = tmp_path / "log.csv"
    file.write_text("query,raw,count,n\na,x,1,5\n")
    assert read_query_log(file).counts == {"a": 1}
    assert read_query_log(file, "raw", "n").counts == {"x": 5}
    with pytest.raises(DataFormatError, match="no column 'user'") as refused:
        read_query_log(file, "user")
    assert "query, raw, count, n" in (refused.value.hint or "")


def test_the_first_line_is_never_lost_as_a_name(tmp_path: Path) -> None:
    """A table without a usual name may have no header, so that it is refused."""
    file = tmp_path / "log.csv"
    file.write_text("red shoes\nblue hat\n")
    with pytest.raises(DataFormatError, match=r"log.csv:2 has no column with a usual name") as refused:
        read_query_log(file)
    assert ".txt" in (refused.value.hint or "")


@pytest.mark.parametrize("count", ["-1", "many", "nan", "", "1_000"])
def test_a_count_that_is_none_names_its_line(tmp_path: Path, count: str) -> None:
    """A wrong count would change every probability."""
    file = tmp_path / "log.csv"
    file.write_text(f"query,count\na,1\nb,{count}\n")
    with pytest.raises(DataFormatError, match=r"log.csv:3 has count"):
        read_query_log(file)


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    """There is nothing to draw from."""
    file = tmp_path / "log.csv"
    file.write_text("query,count\n")
    with pytest.raises(DataFormatError, match="has no rows"):
        read_query_log(file)
    file = tmp_path / "log.jsonl"
    file.write_text('{"query": 7}\n')
    with pytest.raises(DataFormatError, match="no text"):
        read_query_log(file)
