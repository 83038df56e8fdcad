"""The files next to a report's pages, and how text comes into them: tables as files, Markdown, snippets."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import failure

from evalkit.comparison import ComparisonSet, System
from evalkit.records import MetricValues, Qrels, Query, Run
from evalkit.report import explorer
from evalkit.report.explorer import as_script, explorer_data, explorer_note
from evalkit.report.numbers import bounded_text
from evalkit.report.table import Table, as_markdown, markdown_text
from evalkit.report.table_files import file_names, table_rows, write_tables
from evalkit.report.warnings import ANY_REMEDY, REMEDIES, failure_tables
from evalkit.results.raw_tables import MOST_CHARACTERS, snippet

TEXT = st.text(st.characters(codec="utf-8"))
ANY_TEXT = st.text(st.characters())  # halves of surrogate pairs among them


def test_an_interval_is_three_columns_and_a_number_a_number(tmp_path: Path) -> None:
    """CSV and JSON hold values, bounds and counts as numbers, unknown as nothing, and words as words."""
    table = Table(
        "d: t",
        ("system", "mean", "calls", "p95"),
        (
            ("a", bounded_text(1 / 3, 0.25, 0.75), "1,200", "n/a (needs 72 queries, has 3)"),
            ("-", "-", "3", "$1.5"),
        ),
    )
    rows = table_rows(table)
    assert rows == [
        {"system": "a", "mean": 1 / 3, "mean lower": 0.25, "mean upper": 0.75, "calls": 1200,
         "p95": "n/a (needs 72 queries, has 3)"},
        {"system": None, "mean": None, "mean lower": None, "mean upper": None, "calls": 3, "p95": 1.5},
    ]  # fmt: skip
    write_tables(tmp_path, file_names([table]))
    assert json.loads((tmp_path / "d-t.json").read_text(encoding="utf-8")) == rows
    with (tmp_path / "d-t.csv").open(encoding="utf-8", newline="") as file:
        held = list(csv.DictReader(file))
    assert held[0]["mean lower"] == "0.25"
    assert held[1]["mean"] == ""
    parquet = pd.read_parquet(tmp_path / "d-t.parquet")
    assert parquet["calls"].tolist() == [1200, 3]
    assert parquet["mean"].isna().tolist() == [False, True]
    assert parquet["p95"].tolist() == [
        "n/a (needs 72 queries, has 3)",
        "1.5",
    ]  # a column with a word in it holds words


@given(cells=st.lists(ANY_TEXT, max_size=3))
def test_whatever_a_table_holds_can_be_written(
    cells: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No text, and no lack of rows, keeps a table from its files; Parquet holds the rows of the CSV."""
    folder = tmp_path_factory.mktemp("tables")
    table = Table("t", ("a", "b"), tuple((cell, "1") for cell in cells if cell.isprintable()), left=1)
    write_tables(folder, file_names([table]))
    assert len(pd.read_parquet(folder / "t.parquet")) == len(table.rows)


def test_every_table_has_a_file_of_its_own() -> None:
    """Titles that differ only in what a file name cannot hold, or in case, do not overwrite each other."""
    tables = [Table(title, ("a",), ((str(n),),)) for n, title in enumerate(("d: x", "d; x", "D: X", "d: x"))]
    assert list(file_names(tables).values()) == ["d-x", "d-x-2", "D-X-3", "d-x-4"]


def test_the_files_of_a_dataset_and_a_system_have_their_names() -> None:
    """As in the names of run files: no table of another dataset or system moves them, and ordinary names are kept."""

    def name(dataset: str, system: str, title: str) -> str:
        (found,) = file_names([Table(title, ("a",), (), dataset=dataset, system=system)]).values()
        return found

    assert name("nfcorpus", "", "nfcorpus: tests of nDCG@10") == "nfcorpus-tests-of-nDCG-10"
    assert name("x", "bge-v1.5", "x: bge-v1.5 by depth") == "x-bge-v1.5-by-depth"
    assert name("a b", "", "a b: quality") == "a-b-c8687a08-quality"
    assert name("x", "X", "x: X by depth") == "x-x-4b68ab38-by-depth"
    assert name("x", "P", "x: probabilities from P (cosine), 5 candidates") == (
        "x-probabilities-from-p-5c62e091-cosine-5-candidates"
    )


@given(cells=st.lists(TEXT, min_size=2, max_size=2))
def test_a_cell_cannot_break_a_markdown_table(cells: list[str]) -> None:
    """Whatever a cell holds, the row has one line and its own number of columns, and no tag or code begins in it."""
    lines = as_markdown(Table("t", ("a", "b"), (tuple(cells),), left=2)).splitlines()
    assert len(lines) == 3
    unescaped = re.sub(r"\\.", "", lines[2])
    assert unescaped.count("|") == 3
    assert not set("<`*") & set(unescaped)


@pytest.mark.parametrize("text", ["0.7410 [-0.0455, 1.5275]", "max_length_tokens", "score >= 0.5", "nDCG@10"])
def test_what_reports_say_is_left_alone_in_markdown(text: str) -> None:
    """Intervals, names and bounds read the same in the file as on the page."""
    assert markdown_text(text) == text


@given(text=ANY_TEXT)
def test_no_data_ends_the_script_that_holds_it(text: str) -> None:
    """The JSON of a page holds no tag, and is the data all the same."""
    held = snippet(text)
    script = str(as_script({"text": held}))
    assert "<" not in script
    assert json.loads(script) == {"text": held}


@given(text=ANY_TEXT | st.just("x" * 100_000))
def test_a_snippet_is_short_and_can_be_written(text: str) -> None:
    """It begins as the text does, is cut at a bound, and UTF-8 can hold it."""
    cut = snippet(text)
    assert len(cut) <= MOST_CHARACTERS
    assert cut.encode().decode() == cut
    assert cut[:-1] == text[: len(cut) - 1].encode("utf-8", "replace").decode()


def field_of(queries: int) -> ComparisonSet:
    """Return two systems on queries of which each moves more than the one before."""
    ids = tuple(f"q{i}" for i in range(queries))
    docs = [f"d{i}" for i in range(30)]
    systems = {}
    for tag, sign in (("bm25", 1.0), ("mine", -1.0)):
        rows = [(q, d, sign * i) for q in ids for i, d in enumerate(docs)]
        run = Run.from_rows(tag, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
        values = np.full((queries, 1), 0.5) if tag == "bm25" else np.linspace(0.5, 1, queries)[:, None]
        systems[tag] = System(tag, run, MetricValues(tag, ("nDCG@10",), ids, values))
    qrels = Qrels({q: {"d15": 2, "gone": 1, "d0": 0} for q in ids})
    return ComparisonSet("d", qrels, systems, {q: Query(q, f"text of {q}") for q in ids}, None, 30)


def explored(queries: int, texts: dict[str, str]) -> dict[str, Any]:
    """Return what the page holds of that field."""
    data = explorer_data([field_of(queries)], "nDCG@10", {"d": texts})
    assert data is not None
    return data


def test_the_explorer_holds_both_ends_of_every_list() -> None:
    """The first ten of each system, what is relevant behind them or not found, with grade and rank in both lists."""
    (one,) = explored(3, {"d15": "fifteen"})["datasets"]
    held = one["lists"]["2"]
    ranks = {one["docs"][doc]: column for doc, *column in zip(held["docs"], *held["ranks"], strict=True)}
    assert len(ranks) == 22
    assert (ranks["d29"], ranks["d0"], ranks["d15"], ranks["gone"]) == ([1, 30], [30, 1], [15, 16], [0, 0])
    assert dict(zip((one["docs"][doc] for doc in held["docs"]), held["grades"], strict=True))["d0"] == 0
    assert one["texts"][one["docs"].index("d15")] == "fifteen"
    assert (one["systems"], one["best"], one["values"][1]) == (["bm25", "mine"], 1, [0.5, 0.75, 1.0])


def test_a_bound_that_bites_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that moved most keep their lists, all keep their values, and the page says how many."""
    monkeypatch.setattr(explorer, "MOST_QUERIES", 2)
    data = explored(5, {"d15": "fifteen"})
    (one,) = data["datasets"]
    assert (list(one["lists"]), len(one["values"][0])) == (["4", "3"], 5)
    assert "d: document lists are included for the 2 of 5 queries" in explorer_note(data)
    monkeypatch.setattr(explorer, "MOST_QUERIES", 100)
    monkeypatch.setattr(explorer, "MOST_CHARACTERS", 6)
    data = explored(5, {"d29": "twenty-nine", "d15": "fifteen"})
    (one,) = data["datasets"]
    assert (len(one["lists"]), [text for text in one["texts"] if text]) == (5, ["twenty-nine"])
    assert "d: texts are included for the first 0 of them" in explorer_note(data)


def test_nothing_to_explore_is_none() -> None:
    """Where quality was not measured, or no query has a value."""
    assert explorer_data([], "nDCG@10", {}) is None
    assert explorer_data([field_of(0)], "nDCG@10", {}) is None


def test_failures_of_one_kind_are_one_row_with_a_remedy() -> None:
    """What the error says to do, else what is known of its kind, else where to look."""
    others = [failure(kind="http", http_status=500), failure(kind="model", hint="set expect_model")]
    (table,) = failure_tables([failure(), failure(query_id="q2"), *others])
    assert [cells[5] for cells in table.rows] == [REMEDIES["timeout"], ANY_REMEDY, "set expect_model"]
    assert [cells[-1] for cells in table.rows] == ["2", "1", "1"]
    assert failure_tables([]) == []
