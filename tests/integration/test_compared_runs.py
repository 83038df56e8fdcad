"""Runs of other engines through every command: systems of their own, without a call and without a depth."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from support.api_runs import write_collection
from support.command import evalkit, only_folder

pytestmark = pytest.mark.usefixtures("blank_plots")

QUERIES = 40
CONFIG = """\
name: t
datasets: [{source: beir_folder, name: small, path: small}]
retriever: {depth: 6}
rerankers: {words: {backend: lexical}}
metrics: [nDCG@10, Judged@10]
runs:
  es: {path: es.trec, latencies: es.csv}
  weak: {path: weak.trec}
"""
ONLY_RUNS = CONFIG.replace("rerankers: {words: {backend: lexical}}\n", "")


def ranked(query: int, place: int) -> list[str]:
    """Return six documents: the relevant one at a place from 0, then those of the next query, which are unjudged."""
    docs = [f"d{(query + 1) % QUERIES}.{n}" for n in range(5)]
    return [*docs[:place], f"d{query}.{query % 6}", *docs[place:]]


def write_run(file: Path, places: Mapping[int, int]) -> None:
    """Write a run with the relevant document of each query at its place."""
    rows = [
        f"q{query} Q0 {doc} {rank} {9 - rank} engine\n"
        for query, place in places.items()
        for rank, doc in enumerate(ranked(query, place), start=1)
    ]
    file.write_text("".join(rows), encoding="utf-8")


def run(folder: Path, config: str, into: str, *words: str) -> Path:
    """Run an experiment that must succeed; return its result folder."""
    (folder / f"{into}.yaml").write_text(config, encoding="utf-8")
    done = evalkit("run", f"{into}.yaml", "--into", into, *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / f"{into}.out").write_text(done.stdout + done.stderr, encoding="utf-8")
    return only_folder(folder / into)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, blank_plots: None) -> Path:  # noqa: ARG001 - for what it does
    """Return a folder with a collection and the runs of two engines."""
    made = tmp_path_factory.mktemp("runs")
    write_collection(made / "small", QUERIES)
    write_run(made / "es.trec", {query: query % 2 for query in range(1, QUERIES)})
    with (made / "es.trec").open("a", encoding="utf-8") as file:
        file.write("q1 Q0 new 7 0.5 engine\nq99 Q0 d0.0 1 1.0 engine\n")
    write_run(made / "weak.trec", {query: 2 + query % 4 for query in range(QUERIES)})
    seconds = "".join(f"q{query},{0.01 * query}\n" for query in range(1, QUERIES))
    (made / "es.csv").write_text(f"query_id,seconds\n{seconds}q0,\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def result(folder: Path) -> Path:
    """Return the result of the first stage, a reranker and both runs."""
    return run(folder, CONFIG, "first")


def read(result: Path, name: str) -> Any:
    """Return a document of a result."""
    return orjson.loads((result / name).read_bytes())


def test_its_values_are_those_that_evaluate_prints(folder: Path, result: Path) -> None:
    """For every query and metric; the query that the file lacks has 0."""
    qrels = result / "qrels" / "small.qrels.gz"
    words = ("-m", "nDCG@10", "-m", "Judged@10", "--per-query", "--json")
    done = evalkit("evaluate", qrels, folder / "es.trec", *words)
    expected = {(row["query_id"], row["metric"]): row["value"] for row in json.loads(done.stdout)}
    values = pd.read_parquet(result / "values.parquet")
    own = values[values["reranker"] == "es"]
    found = dict(zip(zip(own["query_id"], own["metric"], strict=True), own["value"], strict=True))
    assert found == expected
    assert found["q0", "nDCG@10"] == 0.0
    assert len(found) == 2 * QUERIES


def test_it_has_no_depth_and_no_rank_of_the_first_stage(folder: Path, result: Path) -> None:
    """Unknown is null in every table and document, and its ranking is that of its file."""
    scores = pd.read_parquet(result / "scores.parquet")
    own = scores[scores["reranker"] == "es"]
    assert own[["retriever_rank", "depth", "list_rank"]].isna().all(axis=None)
    values = pd.read_parquet(result / "values.parquet")
    assert set(values[values["depth"].isna()]["reranker"]) == {"es", "weak"}
    rows = [row for row in read(result, "summary.json")["quality"] if row["reranker"] in {"es", "weak"}]
    assert [row["depth"] for row in rows] == [None] * 4
    written = pd.read_csv(result / "runs" / "small.es.run.trec.gz", sep=" ", header=None)
    given = pd.read_csv(folder / "es.trec", sep=" ", header=None)
    lists = [{q: [*rows[2]] for q, rows in table.groupby(0)} for table in (written, given[given[0] != "q99"])]
    assert lists[0] == lists[1]


def test_it_is_compared_with_the_candidates_it_has(result: Path) -> None:
    """The comparison names the runs; the shares of judged documents are their own."""
    (entry,) = read(result, "comparisons.json")["datasets"]
    assert entry["runs"] == ["es", "weak"]
    assert [one["contender"] for one in entry["comparisons"]] == ["words", "es", "weak"]
    shares = {one["contender"]: one["judged_contender"] for one in entry["sensitivity"]}
    assert shares["es"] == pytest.approx((1 / 7 + (QUERIES - 2) / 6) / (QUERIES - 1))
    assert shares["weak"] == pytest.approx(1 / 6)


def test_the_manifest_identifies_its_file(folder: Path, result: Path) -> None:
    """By the hash of its bytes, with what of it was used, left out and not found."""
    es, weak = read(result, "manifest.json")["runs"]
    assert (es["tag"], es["dataset"], weak["tag"]) == ("es", "small", "weak")
    assert es["sha256"] == hashlib.sha256((folder / "es.trec").read_bytes()).hexdigest()
    assert (es["queries"], es["missing_queries"], es["other_queries"]) == (QUERIES - 1, ["q0"], 1)
    assert (es["documents"], es["documents_not_in_corpus"]) == (6 * (QUERIES - 1) + 1, 1)
    assert (weak["missing_queries"], weak["latencies"]) == ([], None)


def test_what_a_run_lacks_is_a_warning(folder: Path, result: Path) -> None:
    """Queries without documents are listed, and documents outside the corpus are counted."""
    assert result.is_dir()
    printed = " ".join((folder / "first.out").read_text(encoding="utf-8").split())
    assert "small: es lacks 1 of 40 judged queries (q0): each counts as 0." in printed
    report = (result / "report.md").read_text(encoding="utf-8")
    assert "small: 1 of 203 documents of es are not in the corpus." in report


def test_its_latency_is_what_its_file_states(result: Path) -> None:
    """With too few queries for p95 that is unknown; a run without a file has none, and no call was made."""
    summary = read(result, "summary.json")
    (latency,) = summary["run_latencies"]
    assert (latency["reranker"], latency["queries"], latency["queries_unknown"]) == ("es", QUERIES - 1, 1)
    assert latency["p50_s"]["estimate"] == pytest.approx(0.2)
    assert latency["p95_s"]["estimate"] is None
    assert summary["latency"] == []
    calls = pd.read_parquet(result / "calls.parquet")
    assert set(calls["reranker"]) == {"words"}


def test_a_report_is_rebuilt_without_the_files_of_the_runs(folder: Path, result: Path) -> None:
    """From the result folder alone, with the same bytes."""
    files = [path for path in result.rglob("*") if path.is_file() and path.name != "log.jsonl"]
    before = {path: path.read_bytes() for path in files}
    hidden = folder / "hidden"
    hidden.mkdir()
    for name in ("es.trec", "weak.trec", "es.csv"):
        (folder / name).rename(hidden / name)
    try:
        done = evalkit("report", result)
    finally:
        for path in hidden.iterdir():
            path.rename(folder / path.name)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in files} == before


def test_runs_alone_are_compared_with_the_first_stage(folder: Path) -> None:
    """No reranker is needed; without one nothing is called, tuned or timed."""
    alone = run(folder, ONLY_RUNS, "alone")
    (entry,) = read(alone, "comparisons.json")["datasets"]
    assert [(one["baseline"], one["contender"]) for one in entry["comparisons"]] == [
        ("bm25", "es"), ("bm25", "weak"),
    ]  # fmt: skip
    assert pd.read_parquet(alone / "calls.parquet").empty
    assert read(alone, "tuning.json")["depth"] == []
    done = evalkit("bench", "alone.yaml", cwd=folder)
    assert (done.returncode, "runs are compared, never called" in done.stderr) == (2, True)
    done = evalkit("tune", "depth", alone)
    assert (done.returncode, "a run cannot be tuned" in done.stderr) == (2, True)


def test_a_run_is_a_baseline(folder: Path, result: Path) -> None:
    """Of a configuration, and of `evalkit compare`."""
    own = run(folder, CONFIG + "compare: {baseline: weak}\n", "baseline")
    (entry,) = read(own, "comparisons.json")["datasets"]
    assert {one["baseline"] for one in entry["comparisons"]} == {"weak"}
    done = evalkit("compare", result, "--baseline", "weak", "--json")
    rows = {row["contender"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {"bm25", "words", "es"}
    assert (rows["es"]["verdict"], rows["es"]["n"]) == ("better", QUERIES)


def gate(folder: Path, new: Path, old: Path | str, rules: str = "") -> tuple[int, dict[str, dict[str, Any]]]:
    """Gate a result; return the exit code and tag -> verdict."""
    words: tuple[str | Path, ...] = ()
    if rules:
        (folder / "gate.yaml").write_text(rules, encoding="utf-8")
        words = ("--rules", "gate.yaml")
    done = evalkit("gate", new, "--against", old, "--json", *words, cwd=folder)
    return done.returncode, {row["reranker"]: row for row in json.loads(done.stdout)}


@pytest.mark.long
def test_a_gate_judges_a_run_by_its_values_whatever_its_candidates(folder: Path, result: Path) -> None:
    """An unchanged file is identical, a worse one fails, and other candidates of the retriever do not concern it."""
    assert evalkit("baseline", "save", result, "base", cwd=folder).returncode == 0
    same = run(folder, CONFIG, "same")
    code, found = gate(folder, same, "base")
    assert (code, {tag: row["status"] for tag, row in found.items()}) == (
        0, {"words": "IDENTICAL", "es": "IDENTICAL", "weak": "IDENTICAL"},
    )  # fmt: skip
    shutil.copy(folder / "weak.trec", folder / "worse.trec")
    worse = run(folder, CONFIG.replace("es.trec", "worse.trec").replace("depth: 6", "depth: 3"), "worse")
    code, found = gate(folder, worse, "base")
    assert (code, found["es"]["status"], found["weak"]["status"]) == (3, "FAIL", "IDENTICAL")
    assert found["words"]["status"] == "INVALID"


def cut_off(folder: Path, queries: int) -> None:
    """Write the first queries of the run of an engine."""
    rows = (folder / "es.trec").read_text(encoding="utf-8").splitlines()
    wanted = {f"q{query}" for query in range(1, queries + 1)}
    kept = [row for row in rows if row.split()[0] in wanted]
    (folder / "cut.trec").write_text("\n".join(kept) + "\n", encoding="utf-8")


@pytest.mark.long
def test_a_cut_off_file_decides_nothing(folder: Path, result: Path) -> None:
    """Neither in the report, nor in a leaderboard, nor in a gate; and the report says why and what to do."""
    cut_off(folder, 15)
    config = CONFIG.replace("es.trec", "cut.trec")
    own = run(folder, config, "cut")
    (entry,) = read(own, "comparisons.json")["datasets"]
    rows = {row["contender"]: row for row in entry["comparisons"]}
    assert (rows["es"]["verdict"], rows["es"]["p"], rows["es"]["contender_missing"]) == (
        "undecided: missing queries", None, 25,
    )  # fmt: skip
    assert entry["coverage"]["es"]["missing_queries"] == 25
    assert "es" not in {row["contender"] for row in entry["exploratory"] + entry["slices"]}
    report = (own / "report.md").read_text(encoding="utf-8")
    assert "es lacks 25 of 40 judged queries: each counts as 0." in report
    assert "if the engine returned nothing for these queries" in report
    boards = json.loads(evalkit("leaderboard", own, "--format", "json").stdout)
    assert (boards[-1]["system"], boards[-1]["rank"], boards[-1]["missing"]) == ("es", None, 25)
    assert evalkit("baseline", "save", result, "whole", cwd=folder).returncode == 0
    assert evalkit("baseline", "save", own, "cut", cwd=folder).returncode == 0
    for new, old in ((own, "whole"), (run(folder, CONFIG, "whole"), "cut")):
        code, found = gate(folder, new, old)
        assert (code, found["es"]["status"], found["weak"]["status"]) == (3, "INVALID", "IDENTICAL")
        assert "lacks 25 of 40 judged queries" in found["es"]["sentence"]


@pytest.mark.long
def test_a_cut_off_file_of_candidates_decides_nothing_against_a_run(folder: Path) -> None:
    """The reranker is judged by the queries that have candidates; a run that has more of them is not."""
    write_run(folder / "few.trec", {query: query % 2 for query in range(15)})
    config = CONFIG.replace("retriever: {depth: 6}", "retriever: {kind: trec_run, path: few.trec, depth: 6}")
    own = run(folder, config, "candidates")
    (entry,) = read(own, "comparisons.json")["datasets"]
    found = {row["contender"]: row["verdict"] for row in entry["comparisons"]}
    assert {found["es"], found["weak"]} == {"undecided: missing queries"}
    assert found["words"] == "too few queries"  # 15 of the 40 queries have candidates
    report = (own / "report.md").read_text(encoding="utf-8")
    assert report.count("lacks 25 of 40 judged queries: each counts as 0.") >= 1
    assert "on the retriever and the run if the engine returned nothing" in report
    stated = run(folder, config.replace("depth: 6}", "depth: 6, missing_queries: zero}"), "stated-candidates")
    (entry,) = read(stated, "comparisons.json")["datasets"]
    assert "undecided: missing queries" not in {row["verdict"] for row in entry["comparisons"]}


@pytest.mark.long
def test_an_engine_that_returned_nothing_is_judged(folder: Path) -> None:
    """The configuration states it: then each missing query is a value of 0."""
    cut_off(folder, 15)
    stated = CONFIG.replace("{path: es.trec,", "{path: cut.trec, missing_queries: zero,")
    own = run(folder, stated, "stated")
    (entry,) = read(own, "comparisons.json")["datasets"]
    (row,) = [one for one in entry["comparisons"] if one["contender"] == "es"]
    assert row["p"] is not None
    assert entry["coverage"]["es"] == {
        "averaged_queries": 40, "missing_queries": 25, "queries_without_relevant": 0, "unjudged_queries": 0,
        "excluded_documents": 0, "no_document_judged": False, "missing_as_zero": True,
    }  # fmt: skip
    assert evalkit("baseline", "save", own, "stated", cwd=folder).returncode == 0
    code, found = gate(folder, run(folder, stated, "same-stated"), "stated")
    assert (code, found["es"]["status"]) == (0, "IDENTICAL")


def test_rules_on_calls_and_latency_do_not_apply_to_runs(folder: Path, result: Path) -> None:
    """A run has no calls that could fail; a rule on latency that names no reranker leaves runs out."""
    rules = (
        "rules:\n  - {max_failed: 0.1}\n  - {latency_to: words, batch_size: 1, max_ratio: 2}\n"
        "  - {reranker: es, latency_to: words, batch_size: 1, max_ratio: 2}\n"
    )
    done = evalkit("baseline", "save", result, "timed", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "gate.yaml").write_text(rules, encoding="utf-8")
    done = evalkit(
        "gate",
        run(folder, CONFIG, "again"),
        "--against",
        "timed",
        "--rules",
        "gate.yaml",
        "--json",
        cwd=folder,
    )
    rows = [(row["rule"], row["reranker"], row["status"], row["sentence"]) for row in json.loads(done.stdout)]
    failed = [row[1:] for row in rows if row[0].startswith("calls")]
    assert ("es", "PASS", "no calls: a run is read from its file") in failed
    latency = [row[1:] for row in rows if row[0].startswith("latency")]
    assert latency == [("es", "INVALID", "es is a run: it has no timed calls; no statistics computed")]


@pytest.mark.long
def test_the_same_run_in_two_results_is_one_system_of_a_leaderboard(folder: Path, result: Path) -> None:
    """By its file; another file under the same tag is another system."""
    same, other = (
        run(folder, ONLY_RUNS, "twin"),
        run(folder, ONLY_RUNS.replace("es.trec", "weak.trec"), "other"),
    )
    done = evalkit("leaderboard", result, same, "--format", "json")
    assert sorted(row["system"] for row in json.loads(done.stdout)) == ["bm25", "es", "weak", "words"]
    done = evalkit("leaderboard", result, other, "--format", "json")
    names = {f"es ({result.name})", f"es ({other.name})", "bm25", "weak", "words"}
    rows = json.loads(done.stdout)
    assert {row["system"] for row in rows} == names
    depths = {row["system"]: row["depth"] for row in rows}
    assert {name for name, depth in depths.items() if depth is None} == names - {"bm25", "words"}
    assert {row["p50_s"] for row in rows} == {None}


def test_two_versions_of_a_run_need_the_same_judgments_only(folder: Path, result: Path) -> None:
    """They are compared with each other although the retriever has other candidates."""
    text = ONLY_RUNS.replace("es.trec", "weak.trec").replace("depth: 6", "depth: 2")
    done = evalkit("compare", result, run(folder, text, "version"), "--json")
    assert done.returncode == 0, done.stderr
    es, weak = json.loads(done.stdout)
    assert (es["baseline"], es["contender"], es["verdict"]) == ("before", "after", "worse")
    assert weak["verdict"] == "identical"


def test_a_difference_of_two_results_names_the_file(folder: Path, result: Path) -> None:
    """A changed file is a cause, before the means that it changes."""
    other = run(folder, CONFIG.replace("es.trec", "weak.trec"), "changed")
    rows = json.loads(evalkit("diff", result, other, "--json").stdout)
    causes = {row["what"] for row in rows if row["about"] == "run"}
    assert {"es on small.sha256", "es on small.path", "es on small.queries"} <= causes
    assert any(row["what"] == "small es nDCG@10" for row in rows if row["about"] == "mean")


def test_tuning_leaves_runs_out_with_a_note(result: Path) -> None:
    """And refuses one that is named."""
    done = evalkit("tune", "depth", result, "--json")
    assert {row["reranker"] for row in json.loads(done.stdout)} == {"words"}
    assert "note: runs are not tuned, as they have no depth and are not called: es, weak" in done.stderr
    named = evalkit("tune", "threshold", result, "--reranker", "es")
    assert (named.returncode, "a run cannot be tuned" in named.stderr) == (2, True)
    assert "hint: name one of the rerankers: words" in named.stderr


@pytest.mark.long
def test_a_run_need_not_cover_every_dataset(folder: Path) -> None:
    """It is compared where it is, is left out of the mean of all datasets, and a gate does not miss it elsewhere."""
    two = CONFIG.replace("path: small}]", "path: small}, {source: beir_folder, name: other, path: small}]")
    two = two.replace("latencies: es.csv", "dataset: small").replace("weak.trec", "weak.trec, dataset: other")
    result = run(folder, two, "two")
    compared = read(result, "comparisons.json")
    assert [one["runs"] for one in compared["datasets"]] == [["es"], ["weak"]]
    assert [one["contender"] for one in compared["pooled"]] == ["words"]
    again = run(folder, two, "two-again")
    done = evalkit("gate", again, "--against", result)
    assert done.returncode == 0, done.stdout
    refused = evalkit("compare", result, "--baseline", "es")
    assert (refused.returncode, "unknown system 'es'" in refused.stderr) == (2, True)


def test_a_file_of_another_dataset_is_refused_before_anything_is_run(folder: Path) -> None:
    """One line with the file, and no result folder."""
    (folder / "foreign.trec").write_text("z1 Q0 d0.0 1 1.0 x\n", encoding="utf-8")
    (folder / "bad.yaml").write_text(CONFIG.replace("weak.trec", "foreign.trec"), encoding="utf-8")
    done = evalkit("run", "bad.yaml", "--into", "bad", cwd=folder)
    assert done.returncode == 2
    assert done.stderr == (
        "error: foreign.trec: the run 'weak' contains no query of 'small'\n  hint: use a run of this dataset\n"
    )
    assert not (folder / "bad").exists()
