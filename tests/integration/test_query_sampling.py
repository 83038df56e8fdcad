"""Queries drawn from a log with the command, and the means that a report has of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import evalkit, only_folder

from evalkit.formats import read_rows


def write_log(folder: Path, queries: int = 400) -> Path:
    """Write a log with spellings and frequencies that fall with the rank."""
    rows = []
    for rank in range(1, queries + 1):
        spellings = [f"Query {rank}", f"query  {rank}", f"query {rank}"]
        rows += [spellings[i % 3] for i in range(1 + 900 // rank)]
    np.random.default_rng(0).shuffle(rows)
    log = folder / "log.txt"
    log.write_text("\n".join(rows))
    return log


def test_a_draw_is_repeated_from_its_record(tmp_path: Path) -> None:
    """The order of the log does not matter; another seed gives other queries; each format has the same ones."""
    log = write_log(tmp_path)
    done = evalkit("queries", "sample", log, "--into", tmp_path / "a.csv", "-n", "60", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "60 of 400 different queries" in done.stdout
    record = json.loads((tmp_path / "a.csv.draw.json").read_text())
    lines = log.read_text().split("\n")
    (tmp_path / "other.csv").write_text("query\n" + "\n".join(reversed(lines)))
    words = ("-n", record["queries"], "--by", record["design"], "--seed", record["seed"])
    again = evalkit(
        "queries", "sample", tmp_path / "other.csv", "--into", tmp_path / "b.jsonl", *map(str, words)
    )
    assert again.returncode == 0, again.stderr
    first, second = (
        [{k: str(v) for k, v in row.items()} for _, row in read_rows(tmp_path / name)]
        for name in ("a.csv", "b.jsonl")
    )
    assert first == second
    third = evalkit("queries", "sample", log, "--into", tmp_path / "c.csv", "-n", "60", "--json")
    assert {row["query_id"] for row in json.loads(third.stdout)} != {row["query_id"] for row in first}


@pytest.mark.parametrize("design", ["frequency", "strata", "distinct"])
def test_the_record_adds_up(tmp_path: Path, design: str) -> None:
    """Traffic, strata and probabilities: sum(1 / p) over a stratum is near its size, and exact for equal ones."""
    log = write_log(tmp_path)
    done = evalkit("queries", "sample", log, "--into", tmp_path / "s.jsonl", "-n", "80", "--by", design)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "s.jsonl.draw.json").read_text())
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert record["population"] == {"distinct_queries": 400, "traffic": len(log.read_text().split("\n"))}
    assert sum(one["drawn"] for one in record["strata"]) == len(rows) == 80
    assert sum(one["traffic"] for one in record["strata"]) == record["population"]["traffic"]
    assert all(0 < row["inclusion_probability"] <= 1 for row in rows)
    for stratum in record["strata"]:
        mine = [row for row in rows if row["stratum"] == stratum["stratum"]]
        assert len(mine) == stratum["drawn"]
        if stratum["stratum"] != "drawn":
            assert sum(1 / row["inclusion_probability"] for row in mine) == pytest.approx(stratum["queries"])
        else:
            factors = {round(row["frequency"] / row["inclusion_probability"], 6) for row in mine}
            assert len(factors) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "500"], "has 400 different queries, but 500 are asked for"),
        (["-n", "5", "--query", "q"], "has no columns"),
        (["-n", "0"], "0 is not in the range"),
    ],
)
def test_wrong_input_is_one_line(tmp_path: Path, words: list[str], message: str) -> None:
    """Exit code 2, and nothing is written."""
    done = evalkit("queries", "sample", write_log(tmp_path), "--into", tmp_path / "s.csv", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["log.txt"]


def test_a_file_of_queries_is_never_replaced(tmp_path: Path) -> None:
    """Judgments may belong to it."""
    log = write_log(tmp_path)
    assert evalkit("queries", "sample", log, "--into", tmp_path / "s.csv", "-n", "5").returncode == 0
    for name, message in (("s.csv", "exists"), ("s.txt", "unknown format")):
        done = evalkit("queries", "sample", log, "--into", tmp_path / name, "-n", "9")
        assert done.returncode == 2
        assert message in done.stderr
    assert len(list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))) == 5


def test_a_text_that_begins_like_a_formula_is_kept_or_refused(tmp_path: Path) -> None:
    """A spreadsheet must not run a text of a stranger, and a quoted one would be read back otherwise: no CSV file."""
    log = tmp_path / "log.csv"
    log.write_text('query,count\n"=1+1",3\nshoes,2\n')
    done = evalkit("queries", "sample", log, "--into", tmp_path / "s.csv", "-n", "2")
    assert done.returncode == 2
    assert "begin like a formula of a spreadsheet, such as '=1+1'" in done.stderr
    assert "s.jsonl" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"log.csv"}
    evalkit("queries", "sample", log, "--into", tmp_path / "s.jsonl", "-n", "2")
    assert '"=1+1"' in (tmp_path / "s.jsonl").read_text()


def write_world(folder: Path, **fields: Any) -> Path:
    """Write a collection of sampled queries and two runs: `new` is better for rare queries, worse for frequent ones."""
    log = write_log(folder)
    done = evalkit("queries", "sample", log, "--into", folder / "q.jsonl", "-n", "150")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (folder / "q.jsonl").read_text().splitlines()]
    corpus, qrels, runs = [], ["query_id\tdoc_id\tgrade"], {"old": [], "new": []}  # type: ignore[var-annotated]
    for number, row in enumerate(rows):
        docs = [f"d{number}-{i}" for i in range(3)]
        corpus += [json.dumps({"doc_id": doc, "text": f"{row['text']} {doc}"}) for doc in docs]
        qrels += [f"{row['query_id']}\t{doc}\t{int(doc == docs[0])}" for doc in docs]
        frequent = row["frequency"] > 15
        for name, first in (
            ("old", docs if frequent else docs[::-1]),
            ("new", docs[::-1] if frequent else docs),
        ):
            runs[name] += [f"{row['query_id']} Q0 {doc} {i + 1} {3 - i} x" for i, doc in enumerate(first)]
    (folder / "corpus.jsonl").write_text("\n".join(corpus))
    (folder / "qrels.tsv").write_text("\n".join(qrels))
    for name, lines in runs.items():
        (folder / f"{name}.trec").write_text("\n".join(lines) + "\n")
    names = {
        "frequency_field": "frequency",
        "inclusion_field": "inclusion_probability",
        "stratum_field": "stratum",
    }
    dataset = {
        "source": "tables", "name": "log", "corpus": {"path": "corpus.jsonl"}, "queries": {"path": "q.jsonl"},
        "qrels": {"path": "qrels.tsv"}, **names, **fields,
    }  # fmt: skip
    config = {
        "name": "log", "datasets": [dataset], "retriever": {"kind": "trec_run", "path": "old.trec", "tag": "old"},
        "runs": {"new": {"path": "new.trec"}}, "metrics": ["MRR@10"],
    }  # fmt: skip
    (folder / "c.yaml").write_text(json.dumps(config))
    return folder / "c.yaml"


def test_a_report_says_which_population_each_mean_describes(tmp_path: Path) -> None:
    """Better on the plain mean, worse by traffic: undecided; and `report` builds the same pages from the folder."""
    config = write_world(tmp_path)
    done = evalkit("run", config, "--into", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "The plain mean of new is higher than that of old, but the traffic mean is lower" in done.stdout
    folder = only_folder(tmp_path / "out")
    page = (folder / "report.md").read_text()
    assert "## Weighted by traffic" in page
    assert "distinct-query mean" in page
    weighted = json.loads((folder / "comparisons.json").read_text())["datasets"][0]["weighted"]
    traffic = weighted["traffic_mean"]["rows"][1]["difference"]
    distinct = weighted["distinct_query_mean"]["rows"][1]["difference"]
    assert traffic["upper"] < 0 < distinct["lower"]
    assert "| frequency |" not in page, "frequencies are weights, not types of queries"
    (folder / "derived.json").unlink(missing_ok=True)
    again = evalkit("report", folder)
    assert again.returncode == 0, again.stderr
    assert (folder / "report.md").read_text() == page


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"frequency_field": "hits"}, "no query of log has the frequency field 'hits'"),
        ({"frequency_field": "stratum"}, "has stratum '"),
        ({"inclusion_field": "frequency"}, "a probability is at most 1"),
    ],
)
def test_wrong_weights_stop_before_anything_runs(
    tmp_path: Path, fields: dict[str, str], message: str
) -> None:
    """A weight is a positive number, and a probability at most 1; the error names the query."""
    done = evalkit("run", write_world(tmp_path, **fields), "--into", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr
