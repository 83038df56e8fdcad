"""Metrics at a budget of tokens through every command: evaluate, run, report, compare, gate, leaderboard, tune."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.collections import write_beir_folder
from support.command import evalkit, only_folder
from support.tiny_tokenizers import bert_tokenizer, t5_tokenizer

pytest.importorskip("tokenizers")
pytestmark = pytest.mark.usefixtures("blank_plots")

CONFIG = """\
name: t
datasets: [{source: beir_folder, name: small, path: small}]
tokenizer: bert
retriever: {depth: 4}
rerankers: {words: {backend: lexical}}
runs: {engine: {path: engine.trec, missing_queries: zero}}
depths: [2, 4]
metrics: [nDCG@20t, R@20t, nDCG@10]
"""
RUN = "q1 Q0 d2 1 2.0 engine\nq1 Q0 d1 2 1.0 engine\nq2 Q0 d3 1 1.0 engine\nq3 Q0 d5 1 1.0 engine\n"
METRICS = ("-m", "nDCG@20t", "-m", "R@20t", "-m", "nDCG@10")
TEXTS = ("--corpus", "small/corpus.jsonl", "--tokenizer", "bert")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a folder with a collection, a run and two tokenizers."""
    made = tmp_path_factory.mktemp("budgets")
    write_beir_folder(made / "small")
    (made / "bert").mkdir()
    (made / "t5").mkdir()
    bert_tokenizer(made / "bert")
    t5_tokenizer(made / "t5")
    (made / "engine.trec").write_text(RUN, encoding="utf-8")
    return made


def run(folder: Path, config: str, into: str) -> Path:
    """Run an experiment that must succeed; return its result folder."""
    (folder / f"{into}.yaml").write_text(config, encoding="utf-8")
    done = evalkit("run", f"{into}.yaml", "--into", into, cwd=folder)
    assert done.returncode == 0, done.stderr
    return only_folder(folder / into)


@pytest.fixture(scope="module")
def result(folder: Path) -> Path:
    """Return the result with the first tokenizer."""
    return run(folder, CONFIG, "first")


@pytest.fixture(scope="module")
def other(folder: Path) -> Path:
    """Return the result with another tokenizer."""
    return run(folder, CONFIG.replace("bert", "t5"), "second")


def read(result: Path, name: str) -> Any:
    """Return a document of a result."""
    return json.loads((result / name).read_bytes())


def evaluate(folder: Path, *words: str) -> Any:
    """Return the rows of ``evalkit evaluate``."""
    done = evalkit("evaluate", "small/qrels/test.tsv", "engine.trec", *words, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_evaluate_counts_tokens_and_names_the_tokenizer(folder: Path) -> None:
    """Values and counts are those of lists that end at the budget; other metrics have no such columns."""
    rows = {row["metric"]: row for row in evaluate(folder, *METRICS, *TEXTS)}
    budget, plain = rows["R@20t"], rows["nDCG@10"]
    assert budget["tokenizer"] == "bert"
    assert len(budget["tokenizer_sha256"]) == 64
    assert plain["tokenizer"] is None
    assert plain["documents_left_out"] is None
    assert 0 < budget["documents_left_out"] < 4
    assert 0 < budget["mean_tokens"] <= 20
    per_query = evaluate(folder, "-m", "R@20t", *TEXTS, "--per-query")
    assert [row["documents_left_out"] for row in per_query] == [None] * len(per_query)
    assert sum(row["value"] for row in per_query) / len(per_query) == pytest.approx(budget["value"])


def test_the_table_of_evaluate_has_sentences_instead_of_columns(folder: Path) -> None:
    """One on the tokenizer, one on each run and budget."""
    done = evalkit("evaluate", "small/qrels/test.tsv", "engine.trec", *METRICS, *TEXTS, cwd=folder)
    text = " ".join(done.stdout.split())
    assert "tokenizer_sha256" not in text
    assert "Tokens: counted with bert (sha256 " in text
    assert "engine, nDCG@20t and R@20t: " in text
    assert "do not fit; on average" in text


@pytest.mark.parametrize(
    ("words", "reason", "hint"),
    [
        (["-m", "nDCG@20t"], "--corpus and --tokenizer missing", "add --corpus FILE and --tokenizer NAME"),
        (["-m", "nDCG@20t", "--tokenizer", "bert"], "--corpus missing", "add --corpus FILE"),
        (["-m", "nDCG@20t", *TEXTS[:2]], "--tokenizer missing", "the model that reads the documents"),
        (["-m", "nDCG@10", *TEXTS], "only used by metrics at a budget", "-m nDCG@2000t"),
        (["-m", "P@20t", *TEXTS], "precision divides by a number of places", "use nDCG"),
        (
            ["-m", "R@20t", "--corpus", "part.jsonl", *TEXTS[2:]],
            "document 'd2' (query 'q1')",
            "give the texts",
        ),
        (["-m", "R@20t", "--corpus", "else.jsonl", *TEXTS[2:]], "contains none of the", "give the corpus"),
        (["-m", "R@20t", "--corpus", "twice.jsonl", *TEXTS[2:]], "occurs twice", "unique id"),
        (["-m", "R@20t", *TEXTS[:2], "--tokenizer", "small"], "tokenizer.json", "name a tokenizer.json"),
    ],
)
def test_what_evaluate_cannot_compute_is_refused(
    folder: Path, words: list[str], reason: str, hint: str
) -> None:
    """One line with the reason, a hint, exit code 2 and no number."""
    (folder / "part.jsonl").write_text('{"_id": "d1", "text": "cat"}\n', encoding="utf-8")
    (folder / "else.jsonl").write_text('{"_id": "x", "text": "cat"}\n', encoding="utf-8")
    (folder / "twice.jsonl").write_text('{"_id": "d1", "text": "cat"}\n' * 2, encoding="utf-8")
    done = evalkit("evaluate", "small/qrels/test.tsv", "engine.trec", *words, cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert reason in done.stderr
    assert hint in done.stderr


def test_a_run_values_its_systems_as_evaluate_does(folder: Path, result: Path) -> None:
    """The compared run has the values that evaluate computes from its file."""
    rows = {row["metric"]: row["value"] for row in evaluate(folder, *METRICS, *TEXTS)}
    quality = read(result, "summary.json")["quality"]
    found = {row["metric"]: row["mean"] for row in quality if row["reranker"] == "engine"}
    assert found == pytest.approx(rows)


def test_a_result_holds_the_lengths_and_names_the_tokenizer(result: Path) -> None:
    """The raw table has every ranked and judged document once; the manifest has the hash."""
    table = pd.read_parquet(result / "document_tokens.parquet")
    assert list(table.columns) == ["dataset", "doc_id", "tokens"]
    assert sorted(table["doc_id"]) == ["d1", "d2", "d3", "d4", "d5"]
    assert (table["tokens"] > 0).all()
    tokenizer = read(result, "manifest.json")["tokenizer"]
    assert tokenizer["name"] == "bert"
    assert len(tokenizer["sha256"]) == 64


def test_the_report_shows_how_much_of_each_list_fits(result: Path) -> None:
    """A row for each system, depth and metric with a budget; the best order has no value at a budget."""
    summary, text = read(result, "summary.json"), (result / "report.md").read_text(encoding="utf-8")
    rows = summary["token_budgets"]
    systems = [("bm25", 2), ("bm25", 4), ("words", 2), ("words", 4), ("engine", None)]
    assert [(row["reranker"], row["depth"]) for row in rows] == [one for one in systems for _ in range(2)]
    assert {row["metric"] for row in rows} == {"nDCG@20t", "R@20t"}
    assert all(one["best_order"]["nDCG@20t"] is None for one in summary["ceilings"])
    assert all(one["best_order"]["nDCG@10"] is not None for one in summary["ceilings"])
    assert "Token budgets" in text
    assert "counted with bert" in text


def test_the_report_is_rebuilt_without_the_tokenizer(folder: Path, result: Path, tmp_path: Path) -> None:
    """The same bytes, from the raw files alone."""
    copy = tmp_path / "copy"
    shutil.copytree(result, copy)
    (folder / "bert").rename(folder / "away")
    try:
        done = evalkit("report", copy, cwd=tmp_path)
    finally:
        (folder / "away").rename(folder / "bert")
    assert done.returncode == 0, done.stderr
    for file in result.rglob("*"):
        if file.is_file() and file.name != "derived.json":  # it names the folder
            assert (copy / file.relative_to(result)).read_bytes() == file.read_bytes(), file.name


def test_commands_on_results_take_the_metric(folder: Path, result: Path, tmp_path: Path) -> None:
    """Comparison, leaderboard, thresholds and gates work with values at a budget; depths cannot be swept."""
    assert "nDCG@20t" in evalkit("compare", result, cwd=folder).stdout
    assert "nDCG@20t" in evalkit("leaderboard", result, cwd=folder).stdout
    assert evalkit("tune", "threshold", result, cwd=folder).returncode == 0
    assert evalkit("tune", "search", result, cwd=folder).returncode == 0
    swept = evalkit("tune", "depth", result, cwd=folder)
    assert swept.returncode == 2
    assert "'nDCG@20t' cannot be computed for all depths" in swept.stderr
    assert "without a budget" in swept.stderr
    assert evalkit("baseline", "save", result, "main", cwd=tmp_path).returncode == 0
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{metric: nDCG@20t, max_drop: 0.5}]\n", encoding="utf-8")
    done = evalkit("gate", result, "--against", "main", "--rules", rules, cwd=tmp_path)
    assert "nDCG@20t" in done.stdout
    assert done.returncode in {0, 1}


def test_values_of_different_tokenizers_are_not_compared(
    folder: Path, result: Path, other: Path, tmp_path: Path
) -> None:
    """The primary metric is refused; other metrics are compared, without those at a budget, and with a note."""
    refused = evalkit("compare", result, other, cwd=folder)
    assert refused.returncode == 2
    assert "tokens of nDCG@20t counted with bert" in refused.stderr
    assert "same tokenizer" in refused.stderr
    plain = evalkit("compare", result, other, "--primary", "nDCG@10", "--json", cwd=folder)
    assert plain.returncode == 0, plain.stderr
    assert "not compared, as tokens were counted with different tokenizers: nDCG@20t, R@20t" in plain.stderr
    assert "@20t" not in plain.stdout
    board = evalkit("leaderboard", result, other, cwd=folder)
    assert "counted with bert" in " ".join(board.stdout.split())
    assert evalkit("baseline", "save", result, "main", cwd=tmp_path).returncode == 0
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{metric: nDCG@20t, max_drop: 0.5}]\n", encoding="utf-8")
    gate = evalkit("gate", other, "--against", "main", "--rules", rules, cwd=tmp_path)
    assert gate.returncode != 0
    assert "the tokenizer of small differ from the baseline" in " ".join(gate.stdout.split())
    assert "tokenizer" in evalkit("diff", result, other, cwd=folder).stdout


def test_a_configuration_needs_a_tokenizer_for_a_budget(folder: Path) -> None:
    """The problem has file and line, and nothing is run."""
    (folder / "none.yaml").write_text(CONFIG.replace("tokenizer: bert\n", ""), encoding="utf-8")
    done = evalkit("run", "none.yaml", cwd=folder)
    assert done.returncode == 2
    assert "none.yaml:7:11: 'nDCG@20t' has a budget of tokens" in done.stderr
    assert "add 'tokenizer: NAME'" in done.stderr


def test_a_run_with_documents_without_text_is_refused_before_anything_is_scored(folder: Path) -> None:
    """Their length is unknown, so no list that holds them has an end."""
    (folder / "odd.trec").write_text(RUN + "q1 Q0 d99 3 0.5 engine\n", encoding="utf-8")
    (folder / "odd.yaml").write_text(CONFIG.replace("engine.trec", "odd.trec"), encoding="utf-8")
    done = evalkit("run", "odd.yaml", "--into", "odd", cwd=folder)
    assert done.returncode == 2
    assert "run 'engine': the number of tokens of document 'd99' (query 'q1') is unknown" in done.stderr
    assert not list((folder / "odd").glob("*Z-*"))


@pytest.mark.parametrize("damage", ["missing", "twice", "negative", "document"])
def test_a_damaged_table_of_lengths_is_found(result: Path, tmp_path: Path, damage: str) -> None:
    """No value is computed from it."""
    copy = tmp_path / "copy"
    shutil.copytree(result, copy)
    file = copy / "document_tokens.parquet"
    table = pd.read_parquet(file)
    if damage == "missing":
        file.unlink()
    elif damage == "twice":
        pd.concat([table, table[:1]]).to_parquet(file)
    elif damage == "negative":
        table.assign(tokens=-1).to_parquet(file)
    else:
        table[1:].to_parquet(file)
    done = evalkit("report", copy, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_manifest_without_the_tokenizer_is_damaged(result: Path, tmp_path: Path) -> None:
    """Values at a budget cannot be attributed to a tokenizer."""
    copy = tmp_path / "copy"
    shutil.copytree(result, copy)
    manifest = read(copy, "manifest.json")
    del manifest["tokenizer"]
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = evalkit("report", copy, cwd=tmp_path)
    assert done.returncode == 2
    assert "no tokenizer is named that counted the tokens of 'nDCG@20t'" in done.stderr


@pytest.mark.long
def test_figures_of_scifact(test_data: Path) -> None:
    """Reranked lists of scifact: 2,000 tokens hold about five abstracts, and no value is above 1."""
    scifact, runs = test_data / "collections" / "scifact", test_data / "runs"
    names = ("ms-marco-MiniLM-L-6-v2", "all-MiniLM-L6-v2")
    files = [runs / f"scifact.bm25-top100.rerank-{name}.trec" for name in names]
    tokenizer = test_data / "models" / "bert-base-uncased-tokenizer"
    words = ["-m", "nDCG@2000t", "-m", "R@2000t", "--corpus", scifact / "corpus.jsonl"]
    done = evalkit(
        "evaluate", scifact / "qrels" / "test.tsv", *files, *words, "--tokenizer", tokenizer, "--json"
    )
    rows = json.loads(done.stdout)
    assert [round(row["value"], 4) for row in rows] == [0.6676, 0.7468, 0.6428, 0.7542]
    assert [row["documents_left_out"] for row in rows] == [28268, 28268, 28096, 28096]
    assert all(1700 < row["mean_tokens"] <= 2000 and row["queries_with_bound"] == 0 for row in rows)


def test_runs_are_compared_at_a_budget(folder: Path) -> None:
    """With the texts and the tokenizer, which is named; the values are those of evaluate."""
    (folder / "other.trec").write_text("q1 Q0 d1 1 2.0 other\nq2 Q0 d3 1 1.0 other\nq3 Q0 d5 1 1.0 other\n")
    words = ["engine.trec", "other.trec", "--qrels", "small/qrels/test.tsv"]
    budget = ["--primary", "nDCG@20t"]
    done = evalkit("compare", *words, *budget, *TEXTS, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "tokens were counted with bert" in done.stderr
    compared = next(one for one in json.loads(done.stdout) if one["metric"] == "nDCG@20t")
    (row,) = evaluate(folder, "-m", "nDCG@20t", *TEXTS)
    assert (compared["baseline"], compared["baseline_mean"]) == ("engine", pytest.approx(row["value"]))
    without = evalkit("compare", *words, *budget, cwd=folder)
    assert without.returncode == 2
    assert "--corpus and --tokenizer missing" in without.stderr
    unused = evalkit("compare", *words, *TEXTS, cwd=folder)
    assert unused.returncode == 2
    assert "only used by metrics at a budget of tokens" in unused.stderr


def test_texts_are_for_run_files_alone(folder: Path, result: Path) -> None:
    """A result has the lengths of its documents."""
    done = evalkit("compare", result, *TEXTS, cwd=folder)
    assert done.returncode == 2
    assert "--corpus and --tokenizer require --qrels" in done.stderr
