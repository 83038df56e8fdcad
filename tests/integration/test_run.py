"""``evalkit run`` and ``evalkit report``, end to end, over a real HTTP path."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pandas as pd
import pytest
from support.collections import QRELS
from support.command import evalkit, evalkit_process, only_folder

CONFIG = """\
name: tiny
seed: 3
datasets:
  - {{source: beir_folder, path: {folder}}}
retriever: {{kind: bm25, depth: 5}}
rerankers:
  served: {{backend: http, serve: {{backend: lexical}}, concurrency: 2, batch_size: 2}}
  lexical: {{backend: lexical}}
  unchanged: {{backend: identity}}
depths: [2, 5]
metrics: [nDCG@10, MRR@10, R@5]
latency: {{batch_sizes: [1, 4], calls: 4}}
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a complete result folder, made once."""
    from support.collections import write_beir_folder

    base = tmp_path_factory.mktemp("run")
    config = base / "tiny.yaml"
    config.write_text(CONFIG.format(folder=write_beir_folder(base / "tiny")), encoding="utf-8")
    done = evalkit_process("run", config, "--into", base / "results")
    assert done.returncode == 0, done.stderr
    return only_folder(base / "results")


def summary(folder: Path) -> dict[str, object]:
    """Return the summary of a result."""
    return orjson.loads((folder / "summary.json").read_bytes())  # type: ignore[no-any-return]


def test_the_folder_holds_what_it_promises(result: Path) -> None:
    """Every file of the contract is there, and the manifest says complete."""
    names = {p.relative_to(result).as_posix() for p in result.rglob("*") if p.is_file()}
    assert {
        "manifest.json", "config.yaml", "config.resolved.yaml", "scores.parquet", "calls.parquet", "failures.jsonl",
        "values.parquet", "summary.json", "report.md", "report.html", "log.jsonl", "qrels/tiny.qrels.gz",
        "runs/tiny.bm25.d5.trec.gz", "runs/tiny.served.d2.trec.gz", "plots/tiny.quality-by-depth.svg",
        "plots/tiny.quality-by-depth.png", "plots/tiny.quality-by-depth.csv",
        "plots/tiny.latency-distribution.svg",
    } <= names  # fmt: skip
    manifest = orjson.loads((result / "manifest.json").read_bytes())
    assert manifest["status"] == "complete"
    (dataset,) = manifest["datasets"]
    assert dataset["empty_queries"] == ["q4"]
    assert dataset["counts"]["unanswerable_queries"] == 1
    assert dataset["counts"]["unjudged_queries_left_out"] == 1


def test_served_and_local_rank_alike(result: Path) -> None:
    """The same backend gives the same ranking, served over HTTP in small batches or called in this process."""
    for depth in (2, 5):
        runs = [
            pd.read_csv(result / f"runs/tiny.{tag}.d{depth}.trec.gz", sep=" ", header=None)
            for tag in ("served", "lexical")
        ]
        assert runs[0][[0, 2, 3]].equals(runs[1][[0, 2, 3]])


def test_identity_is_the_first_stage(result: Path) -> None:
    """The identity reranker has the first stage's values at every depth."""
    values = pd.read_parquet(result / "values.parquet")
    first, same = (
        values[values.reranker == tag].drop(columns="reranker").reset_index(drop=True)
        for tag in ("bm25", "unchanged")
    )
    assert first.equals(same)


def test_values_of_every_answerable_query_are_kept(result: Path) -> None:
    """Values hold the answerable queries, the empty one with 0, and never the unanswerable one."""
    values = pd.read_parquet(result / "values.parquet")
    assert set(values.query_id) == {q for q, docs in QRELS.items() if any(docs.values())}
    assert (values[values.query_id == "q4"].value == 0).all()


def test_every_call_is_recorded(result: Path) -> None:
    """calls.parquet holds every pass with its documents; timed calls never repeat a query within a cell."""
    calls = pd.read_parquet(result / "calls.parquet")
    assert set(calls["pass"]) == {"check", "quality", "warmup", "latency"}
    assert (calls.status == "ok").all()
    assert (calls.end_s >= calls.start_s).all()
    timed = calls[calls["pass"] == "latency"]
    assert not timed.duplicated(["reranker", "batch_size", "query_id"]).any()
    assert (timed.batch_size.isin([1, 4])).all()
    served = calls[(calls.reranker == "served") & (calls["pass"] == "quality")]
    assert served.batch_size.max() == 2
    assert (served.server_s > 0).all()
    assert "unchanged" not in set(timed.reranker)


def test_a_quantile_that_the_calls_cannot_carry_is_not_printed(result: Path) -> None:
    """Three timed calls carry no quantile: the report says how many it would take."""
    rows = summary(result)["latency"]
    assert all(row["p95_s"]["estimate"] is None and row["p95_s"]["needs"] == 72 for row in rows)  # type: ignore[attr-defined]
    assert "too few queries (3 of 72)" in (result / "report.md").read_text(encoding="utf-8")


def test_a_report_is_rebuilt_byte_for_byte(result: Path, tmp_path: Path) -> None:
    """Deleting everything derived and rebuilding it gives the same bytes, with the dataset gone."""
    raw = (
        "manifest.json",
        "config.yaml",
        "config.resolved.yaml",
        "scores.parquet",
        "calls.parquet",
        "texts.parquet",
        "failures.jsonl",
        "log.jsonl",
    )
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in raw:
        shutil.copy(result / name, copy / name)
    for name in ("qrels", "queries"):
        shutil.copytree(result / name, copy / name)
    done = evalkit("report", copy)
    assert done.returncode == 0, done.stderr
    for file in result.rglob("*"):
        if file.is_file() and file.name != "derived.json":  # its hashes include the name of the folder
            assert (copy / file.relative_to(result)).read_bytes() == file.read_bytes(), file.name


def test_the_html_report_stands_alone(result: Path) -> None:
    """report.html refers to no other file and no other host, and contains each chart in two sizes."""
    page = (result / "report.html").read_text(encoding="utf-8")
    charts = page.count('<div class="chart"')
    rows_of_the_first_screen = page.count('<svg class="forest"')
    assert page.count("<svg") == page.count("</svg>") == 2 * charts + rows_of_the_first_screen
    assert 2 < charts <= len(list((result / "plots").glob("*.svg")))
    assert "default-src 'none'" in page
    for reference in ('src="', "@import", "<link", "url(http", "<script src"):
        assert reference not in page


def test_every_table_and_plot_has_its_data_beside_it(result: Path) -> None:
    """CSV and JSON of every table with numbers as numbers, CSV, PNG and SVG of every plot."""
    tables = {file.name for file in (result / "tables").iterdir()}
    assert {name.removesuffix(".csv") for name in tables if name.endswith(".csv")} == {
        name.removesuffix(".json") for name in tables if name.endswith(".json")
    }
    rows = orjson.loads((result / "tables" / "tiny-tests-of-nDCG-10.json").read_bytes())
    by_system = {row["system"]: row for row in rows}
    assert by_system["bm25"]["verdict"] == "baseline"
    assert by_system["lexical"]["difference to bm25"] == 0.0
    quality = orjson.loads((result / "tables" / "tiny-quality.json").read_bytes())
    assert all(row["nDCG@10 lower"] < row["nDCG@10"] for row in quality)
    assert any(row["nDCG@10"] != round(row["nDCG@10"], 4) for row in quality), "files keep full precision"
    plots = [file.stem for file in (result / "plots").glob("*.csv")]
    assert all((result / "plots" / f"{name}{end}").is_file() for name in plots for end in (".png", ".svg"))


def test_replay_gives_a_stored_run_its_values(tmp_path: Path, beir_folder: Path, result: Path) -> None:
    """Replaying a run gives its ranking again; a candidate that it lacks fails its query, or goes last if told so."""
    stored = result / "runs" / "tiny.lexical.d5.trec.gz"
    config = tmp_path / "c.yaml"
    template = (
        "name: t\ndatasets: [{{source: beir_folder, path: {folder}}}]\nretriever: {{depth: 5}}\n"
        "rerankers:\n  stored: {{backend: replay, path: {path}{more}}}\nmetrics: [nDCG@10]\n"
    )
    config.write_text(template.format(folder=beir_folder, path=stored, more=""), encoding="utf-8")
    done = evalkit("run", config, "--into", tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    again = only_folder(tmp_path / "whole") / "runs" / "tiny.stored.d5.trec.gz"
    columns = [0, 2, 3, 4]
    assert pd.read_csv(again, sep=" ", header=None)[columns].equals(
        pd.read_csv(stored, sep=" ", header=None)[columns]
    )

    partial = tmp_path / "partial.trec"
    partial.write_text("q1 Q0 d1 1 2.0 part\nq2 Q0 d3 1 1.0 part\n", encoding="utf-8")
    config.write_text(template.format(folder=beir_folder, path=partial, more=""), encoding="utf-8")
    failed = evalkit("run", config, "--into", tmp_path / "failing")
    assert failed.returncode == 3
    failures = only_folder(tmp_path / "failing") / "failures.jsonl"
    reported = [orjson.loads(line) for line in failures.read_bytes().splitlines()]
    assert {failure["query_id"] for failure in reported} == {"q1", "q2", "q3", "q5"}
    assert all("has no score for" in failure["message"] for failure in reported)
    config.write_text(
        template.format(folder=beir_folder, path=partial, more=", missing: last"), encoding="utf-8"
    )
    last = evalkit("run", config, "--into", tmp_path / "last")
    assert last.returncode == 0, last.stderr
    warned = " ".join(last.stderr.split())
    assert "stored is not the ranking of its file:" in warned
    assert "candidates of bm25 are not in the file and are ranked last." in warned
    assert "hint: To compare the run of the file itself, list it under `runs:` instead." in warned
    scores = pd.read_parquet(only_folder(tmp_path / "last") / "scores.parquet")
    scored = scores[(scores["reranker"] == "stored") & scores["list_rank"].notna()]
    assert set(zip(scored["query_id"], scored["doc_id"], strict=True)) <= {("q1", "d1"), ("q2", "d3")}


def test_no_text_of_a_document_is_kept_where_none_may_be(tmp_path: Path, beir_folder: Path) -> None:
    """With ``keep_texts: false`` neither a file nor the page holds a word of a document; all else is there."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: quiet\ndatasets: [{{source: beir_folder, path: {beir_folder}}}]\nkeep_texts: false\n"
        "rerankers: {lexical: {backend: lexical}}\n",
        encoding="utf-8",
    )
    done = evalkit("run", config, "--into", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "out")
    assert not (folder / "texts.parquet").exists()
    assert "warm roof" not in (folder / "report.html").read_text(encoding="utf-8")
    loud = evalkit("run", config, "--into", tmp_path / "loud", "--set", "keep_texts=true")
    assert loud.returncode == 0
    assert "warm roof" in (only_folder(tmp_path / "loud") / "report.html").read_text(encoding="utf-8")
