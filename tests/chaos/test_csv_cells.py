"""Formulas as ids, texts, kinds and names of a collection: no CSV file of evalkit runs them in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import orjson
import pandas as pd
import pytest
from support.command import evalkit, only_folder

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

QUERIES, DOCUMENTS = 36, 6
IDS = ("=1+1", "@SUM(0)", '=HYPERLINK("x","y")', "+1+2", "-2+3", "\uff1d1+1", "\ufe611")
KINDS = ("=1+1", "@SUM(0)", "-1+1|cmd", "\t=1", "\r=1", "a\r=1", " =1", "\uff0b1", "-0.5")
NAME = "=cmd()"
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?%?")


def write_hostile(folder: Path) -> None:
    """Write a collection whose ids, texts and kinds of queries begin formulas."""
    (folder / "qrels").mkdir(parents=True)
    ids = [f"{IDS[q % len(IDS)]}q{q}" for q in range(QUERIES)]
    documents = [
        {"_id": f"=d{q}.{n}", "title": "", "text": f"=topic{q} word{n} " + "filler " * n}
        for q in range(QUERIES)
        for n in range(DOCUMENTS)
    ]
    queries = [
        {"_id": name, "text": f"=topic{q}", "metadata": {"kind": KINDS[q % len(KINDS)]}}
        for q, name in enumerate(ids)
    ]
    (folder / "corpus.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in documents))
    (folder / "queries.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in queries))
    judged = "".join(f"{name}\t=d{q}.{q % DOCUMENTS}\t1\n" for q, name in enumerate(ids))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")


def cells(text: str) -> Iterator[str]:
    """Yield the cells as a spreadsheet reads them."""
    for row in csv.reader(io.StringIO(text, newline="")):
        yield from row


def runs(cell: str) -> bool:
    """Return whether a spreadsheet would take a cell for a formula."""
    start = unicodedata.normalize("NFKC", cell.lstrip()[:1])
    return (start in {"=", "+", "-", "@"} or cell[:1] in {"\t", "\r", "\n"}) and not NUMBER.fullmatch(cell)


@pytest.mark.attack("input", "formulas as ids, texts, kinds and names, into every CSV file and output")
def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """Tables, charts, leaderboards, tuning and comparisons; JSON and Parquet hold the exact text."""
    write_hostile(tmp_path / NAME)
    content = {
        "name": "t",
        "datasets": [{"source": "beir_folder", "path": str(tmp_path / NAME)}],
        "retriever": {"depth": DOCUMENTS},
        "rerankers": {"z": {"backend": "lexical"}, "y": {"backend": "identity"}},
        "metrics": ["nDCG@10"],
    }
    (tmp_path / "c.json").write_text(json.dumps(content), encoding="utf-8")
    printed = ""
    for words in (
        ("run", "c.json", "--into", "out"),
        ("leaderboard", "out", "--format", "csv"),
        ("tune", "calibration", "out", "--save", "saved"),
        ("tune", "search", "out", "--save", "saved"),
        ("compare", "out", "--into", "compared"),
    ):
        done = evalkit(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        printed += done.stdout if words[0] == "leaderboard" else ""
    files = [*tmp_path.rglob("*.csv")]
    assert {file.relative_to(tmp_path).parts[0] for file in files} == {"out", "saved", "compared"}
    held = [cell for file in files for cell in cells(file.read_bytes().decode())]
    held += cells(printed)
    assert [cell for cell in held if runs(cell)] == []
    assert {f"'{NAME}", "'=1+1", "'@SUM(0)"} <= set(held)
    assert any(NUMBER.fullmatch(cell) and cell.startswith("-") for cell in held), "a loss stays a number"
    tables = only_folder(tmp_path / "out") / "tables"
    assert {row["dataset"] for row in json.loads((tables / "Data.json").read_bytes())} == {NAME}
    assert NAME in set(pd.read_parquet(tables / "Data.parquet")["dataset"])
