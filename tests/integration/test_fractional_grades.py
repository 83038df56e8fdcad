"""Fractional grades and judgments by raters, from the files of a user to the report."""

from __future__ import annotations

import gzip
import shutil
from math import log2
from pathlib import Path

import orjson
import pytest
from support.collections import QRELS, write_beir_folder
from support.command import Done, evalkit, only_folder

from evalkit.formats import judgment_lines, read_qrels
from evalkit.records import Judgment, Rater

ANNA, BEN = Rater("human", "anna"), Rater("human", "ben")
GRADES: dict[str, dict[str, float]] = {
    **QRELS,
    "q1": {"d1": 1.75, "d2": 5 / 3, "d5": 0.25},
    "q2": {"d3": 2, "d4": 0.5},
}
CONFIG = """\
name: tiny
datasets:
  - {{source: beir_folder, path: {folder}, split: {split}}}
retriever: {{kind: bm25, depth: 5}}
rerankers:
  lexical: {{backend: lexical}}
depths: [2, 5]
metrics: [nDCG@10, "nDCG(dcg='exp-log2')@10", MRR@10, R@5]
latency: {{batch_sizes: [1], calls: 4}}
"""
RAW = (
    "manifest.json", "config.yaml", "config.resolved.yaml", "scores.parquet", "calls.parquet", "texts.parquet",
    "failures.jsonl", "log.jsonl", "qrels", "queries",
)  # fmt: skip


def judged(rater: Rater = ANNA, grades: dict[str, dict[str, float]] = GRADES) -> bytes:
    """Return the lines of a rater."""
    return judgment_lines(
        Judgment(query_id, doc_id, float(grade), rater, "2026-01-01T00:00:00Z")
        for query_id, docs in grades.items()
        for doc_id, grade in docs.items()
    )


def failed(query_id: str, doc_id: str) -> bytes:
    """Return the line of a failure."""
    one = Judgment(query_id, doc_id, None, ANNA, "2026-01-02T00:00:00Z", failure="answer: no grade")
    return judgment_lines([one])


def evaluated(folder: Path, lines: bytes, *words: str) -> Done:
    """Evaluate a run against judgments of raters."""
    (folder / "j.jsonl").write_bytes(lines)
    (folder / "r.run").write_text("q1 Q0 d2 1 2.0 sys\nq1 Q0 d1 2 1.0 sys\n", encoding="utf-8")
    return evalkit("evaluate", "j.jsonl", "r.run", *words, cwd=folder)


def test_a_run_is_evaluated_against_judgments_of_raters(tmp_path: Path) -> None:
    """Grades keep their decimals; the last judgment of a pair counts; failures are counted in a note, not as 0."""
    graded = {"q1": {"d1": 0.0, "d2": 0.5, "d3": 1.0}}
    lines = judged(grades=graded) + judged(grades={"q1": {"d1": 1.75}}) + failed("q1", "d3")
    done = evaluated(tmp_path, lines, "-m", "nDCG@10", "-m", "RR", "-m", "Rprec", "--json")
    assert done.returncode == 0, done.stderr
    assert "j.jsonl: 1 of 3 pairs have a failure instead of a grade; they are unjudged" in done.stderr
    ndcg = (0.5 + 1.75 / log2(3)) / (1.75 + 0.5 / log2(3))
    assert [row["value"] for row in orjson.loads(done.stdout)] == [pytest.approx(ndcg), 0.5, 0.0]


def test_raters_that_disagree_are_named(tmp_path: Path) -> None:
    """In one line, with what to do; raters that agree are one set of judgments."""
    other = {**GRADES, "q2": {"d3": 1, "d4": 0.5}}
    done = evaluated(tmp_path, judged() + judged(BEN, other))
    assert done.returncode == 2
    assert "raters disagree on 1 pair (first: query 'q2', document 'd3': 'anna' with 2, 'ben' with 1)" in (
        done.stderr
    )
    assert "name one of them ('anna', 'ben')" in " ".join(done.stderr.split())
    assert evaluated(tmp_path, judged() + judged(BEN)).returncode == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a BEIR folder with fractional grades, as BEIR's table and as judgments of a rater with a failure."""
    made = write_beir_folder(tmp_path_factory.mktemp("fractional") / "tiny")
    rows = "".join(f"{q}\t{d}\t{grade}\n" for q, docs in GRADES.items() for d, grade in docs.items())
    (made / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}", encoding="utf-8")
    (made / "qrels" / "rated.jsonl").write_bytes(judged() + failed("q1", "d4"))
    return made


def run(folder: Path, split: str, base: Path) -> Path:
    """Run the experiment on a split; return its result folder."""
    config = base / f"{split}.yaml"
    config.write_text(CONFIG.format(folder=folder, split=split), encoding="utf-8")
    done = evalkit("run", config, "--into", base / f"results-{split}")
    assert done.returncode == 0, done.stderr
    return only_folder(base / f"results-{split}")


@pytest.mark.long
def test_a_report_on_fractional_grades_is_rebuilt_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    """The judgments of the result are those of the dataset to the last bit, and the page shows them in short."""
    result = run(folder, "test", tmp_path)
    text = gzip.decompress((result / "qrels" / "tiny.qrels.gz").read_bytes()).decode()
    assert "q1 0 d1 1.75\nq1 0 d2 1.6666666666666667\nq1 0 d5 0.25\nq2 0 d3 2\n" in text
    assert read_qrels(result / "qrels" / "tiny.qrels.gz").grades["q1"] == GRADES["q1"]
    page = (result / "report.html").read_text(encoding="utf-8")
    assert "1.667" in page
    assert "1.6666666" not in page.replace("grade_1.6666666666666667", "")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in RAW:
        copied = shutil.copytree if (result / name).is_dir() else shutil.copy
        copied(result / name, copy / name)
    done = evalkit("report", copy)
    assert done.returncode == 0, done.stderr
    for file in result.rglob("*"):
        if file.is_file() and file.name != "derived.json":  # its hashes include the name of the folder
            assert (copy / file.relative_to(result)).read_bytes() == file.read_bytes(), file.name


@pytest.mark.long
def test_judgments_of_raters_are_the_judgments_of_a_dataset(folder: Path, tmp_path: Path) -> None:
    """Of a BEIR folder they give the same values as BEIR's own file, and the failure is counted."""
    one, other = (run(folder, split, tmp_path) for split in ("test", "rated"))
    assert (one / "values.parquet").read_bytes() == (other / "values.parquet").read_bytes()
    (facts,) = orjson.loads((other / "manifest.json").read_bytes())["datasets"]
    assert facts["counts"]["failed_judgments"] == 1
    assert "failed judgments" in (other / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "block",
    [
        "{{source: beir_folder, path: {0}, split: rated}}",
        "{{source: trec_files, corpus: {0}/corpus.jsonl, queries: {0}/queries.jsonl, qrels: {0}/qrels/rated.jsonl}}",
        (
            "{{source: tables, corpus: {{path: {0}/corpus.jsonl}}, queries: {{path: {0}/queries.jsonl}},"
            " qrels: {{path: {0}/qrels/rated.jsonl}}}}"
        ),
    ],
)
def test_every_source_of_files_takes_judgments_of_raters(folder: Path, tmp_path: Path, block: str) -> None:
    """With their grades and a note on failures, in the table and as JSON; exports keep the decimals or round them."""
    spec = block.format(folder)
    done = evalkit("dataset", "info", spec, "--json")
    assert done.returncode == 0, done.stderr
    assert "1 of 11 pairs have a failure instead of a grade" in done.stderr
    (facts,) = orjson.loads(done.stdout)
    assert facts["failed_judgments"] == 1
    assert facts["grades"]["1.75"] == facts["grades"]["1.6666666666666667"] == 1
    shown = " ".join(evalkit("dataset", "info", spec).stdout.split())
    assert "1 pairs that a rater failed to grade are unjudged" in shown
    done = evalkit("dataset", "export", spec, tmp_path / "x.qrels")
    assert "fractional grades rounded; .csv and .xlsx files keep them" in done.stdout
    assert read_qrels(tmp_path / "x.qrels").grades["q1"] == {"d1": 2, "d2": 2, "d5": 0}
    evalkit("dataset", "export", spec, tmp_path / "x.csv")
    assert "d1,1.75" in (tmp_path / "x.csv").read_text(encoding="utf-8")


def test_the_checks_of_a_dataset_show_its_grades(folder: Path) -> None:
    """With their decimals, and as judgments with grades."""
    done = evalkit("dataset", "check", f"{{source: beir_folder, path: {folder}}}", "--json")
    found = {one["code"]: one for one in orjson.loads(done.stdout)}["grades"]
    assert found["what"].startswith("graded judgments: ")
    assert "1 of grade 1.75, 1 of grade 1.667" in found["what"]
