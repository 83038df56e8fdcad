"""Tables in JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.messages import said

from evalkit.formats import read_rows


@pytest.mark.parametrize(
    "text", ['[{"a": 1}, {"a": 2}]', '[\n {"a": 1},\n {"a": 2}\n]\n', '\n[{"a": 1},\n{"a": 2}]']
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_a_list_of_objects_is_a_table(tmp_path: Path, text: str, name: str) -> None:
    """On one line or on several; positions are items of the list."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert list(read_rows(file)) == [(f"{file}, item 1", {"a": 1}), (f"{file}, item 2", {"a": 2})]


def test_lines_stay_lines(tmp_path: Path) -> None:
    """One object per line, as before."""
    file = tmp_path / "x.json"
    file.write_text('{"a": 1}\n\n{"a": [1]}\n', encoding="utf-8")
    assert list(read_rows(file)) == [(f"{file}:1", {"a": 1}), (f"{file}:3", {"a": [1]})]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n "rows": [1]\n}', "is one JSON document, not JSON Lines; its keys: 'rows'"),
        ('{\n "requests": []\n}', "is a request of Elasticsearch's _rank_eval, not a table"),
        ('{"requests": []}', "is a request of Elasticsearch's _rank_eval, not a table"),
        ('{"judgmentRatings": []}', "is a judgment list of OpenSearch, not a table"),
        ('[{"a": 1}, 2]', "item 2 is not a JSON object"),
        ("[1]", "x.json:1 is not a JSON object"),
        ("7", "x.json:1 is not a JSON object"),
        ('[{"a": 1},\n{"a" 2}]', "x.json:2 is not JSON"),
        ('{"a": 1}\n{"a": \n', "x.json:2 is not JSON"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """Documents of other tools by their kind, others by their keys, faults by their line."""
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    assert problem in said(lambda: list(read_rows(file)))


def test_a_document_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held in memory."""
    monkeypatch.setattr("evalkit.formats.json_tables.MOST_CHARACTERS", 10)
    file = tmp_path / "x.json"
    file.write_text('[\n{"a": 1},\n{"a": 2}]', encoding="utf-8")
    assert "is larger than 10 characters" in said(lambda: list(read_rows(file)))
