"""Queries that a model wrote are marked in every output, and carry no gate alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import evalkit, only_folder


def write_world(folder: Path, synthetic: int, queries: int = 60) -> Path:
    """Write a collection with a first stage that finds nothing first and a run that finds everything first."""
    folder.mkdir()
    rows, corpus, qrels, runs = [], [], ["query_id\tdoc_id\tgrade"], {"old": [], "new": []}  # type: ignore[var-annotated]
    for number in range(queries):
        written = {"metadata": {"synthetic": True}} if number < synthetic else {}
        rows.append(json.dumps({"_id": f"q{number}", "text": f"question {number}", **written}))
        docs = [f"d{number}-{i}" for i in range(3)]
        corpus += [json.dumps({"doc_id": doc, "text": f"text {doc}"}) for doc in docs]
        qrels += [f"q{number}\t{doc}\t{int(doc == docs[0])}" for doc in docs]
        for name, order in (("old", docs[::-1]), ("new", docs)):
            runs[name] += [f"q{number} Q0 {doc} {i + 1} {3 - i} x" for i, doc in enumerate(order)]
    for name, content in (("queries.jsonl", rows), ("corpus.jsonl", corpus), ("qrels.tsv", qrels)):
        (folder / name).write_text("\n".join(content) + "\n")
    for name, content in runs.items():
        (folder / f"{name}.trec").write_text("\n".join(content) + "\n")
    dataset = {
        "source": "tables", "name": "made", "corpus": {"path": "corpus.jsonl"}, "queries": {"path": "queries.jsonl"},
        "qrels": {"path": "qrels.tsv"},
    }  # fmt: skip
    config = {
        "name": "made", "datasets": [dataset], "retriever": {"kind": "trec_run", "path": "old.trec", "tag": "old"},
        "runs": {"new": {"path": "new.trec"}}, "metrics": ["MRR@10"],
    }  # fmt: skip
    (folder / "c.yaml").write_text(json.dumps(config))
    assert evalkit("run", folder / "c.yaml", "--into", folder / "out").returncode == 0
    return only_folder(folder / "out")


@pytest.mark.parametrize(("synthetic", "marked"), [(60, True), (10, True), (0, False)])
def test_every_output_says_synthetic_queries(tmp_path: Path, synthetic: int, *, marked: bool) -> None:
    """The first line of a command and of the report, the table of data, and the facts of the dataset."""
    folder = write_world(tmp_path / "w", synthetic)
    page = (folder / "report.md").read_text()
    compared = evalkit("compare", folder)
    info = evalkit("dataset", "info", tmp_path / "w" / "c.yaml")
    assert compared.returncode == info.returncode == 0, compared.stderr + info.stderr
    assert ("(synthetic queries)" in page) == marked
    assert ("(synthetic queries)" in (folder / "report.html").read_text()) == marked
    assert ("(synthetic queries)" in compared.stdout.split("\n")[0]) == marked
    assert ("synthetic queries" in info.stdout) == marked
    entry = json.loads((folder / "comparisons.json").read_text())["datasets"][0]
    assert entry.get("synthetic_queries") == (synthetic or None)


@pytest.mark.parametrize(
    ("synthetic", "allowed", "code", "status"),
    [
        (60, False, 1, "CANNOT TELL"),
        (31, False, 1, "CANNOT TELL"),
        (60, True, 0, "PASS"),
        (30, False, 0, "PASS"),
    ],
)
def test_a_gate_on_synthetic_queries_alone_cannot_tell(
    tmp_path: Path, synthetic: int, code: int, status: str, *, allowed: bool
) -> None:
    """With 30 queries of people it decides; otherwise only if the rules allow it, and then it says so."""
    folder = write_world(tmp_path / "w", synthetic)
    rules = {"rules": [{"metric": "MRR@10", "min": 0.5, "reranker": "new"}], "allow_synthetic": allowed}
    (tmp_path / "rules.yaml").write_text(json.dumps(rules))
    done = evalkit("gate", folder, "--against", folder, "--rules", tmp_path / "rules.yaml")
    assert done.returncode == code, done.stdout + done.stderr
    assert status in done.stdout
    assert ("Add queries of people" in done.stdout) == (status == "CANNOT TELL")
    assert ("synthetic queries" in " ".join(done.stdout.split())) == (synthetic > 30)


def test_the_mark_of_synthetic_queries_survives(tmp_path: Path) -> None:
    """An import as a folder and a sample keep it; a file that has no place for it is written with a note."""
    write_world(tmp_path / "w", 60)
    imported = evalkit("dataset", "import", tmp_path / "w" / "c.yaml", "--into", tmp_path / "folder")
    assert imported.returncode == 0, imported.stderr
    (tmp_path / "c.yaml").write_text(
        "name: made\ndatasets: [{source: beir_folder, path: folder, name: made, sample: {queries: 40}}]\n"
        "retriever: {kind: trec_run, path: w/old.trec, tag: old}\nruns: {new: {path: w/new.trec}}\nmetrics: [MRR@10]\n"
    )
    done = evalkit("run", tmp_path / "c.yaml", "--into", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "(synthetic queries)" in done.stdout.split("\n")[0]
    entry = json.loads((only_folder(tmp_path / "out") / "comparisons.json").read_text())["datasets"][0]
    assert entry["synthetic_queries"] == 40
    for suffix in ("csv", "qrels"):
        done = evalkit("dataset", "export", tmp_path / "w" / "c.yaml", tmp_path / f"made.{suffix}")
        assert "does not say that its queries are synthetic" in " ".join(done.stderr.split())


@pytest.mark.long
def test_a_baseline_keeps_the_mark(tmp_path: Path) -> None:
    """A gate against it cannot tell, although the queries of the new result have lost their mark."""
    folder = write_world(tmp_path / "w", 60)
    saved = evalkit("baseline", "save", folder, "made", cwd=tmp_path)
    assert saved.returncode == 0, saved.stderr
    assert "a model wrote 60 of 60 queries" in " ".join(saved.stderr.split())
    unmarked = write_world(tmp_path / "unmarked", 0)
    for against in (folder, tmp_path / "results" / "baselines" / "made"):
        done = evalkit("gate", unmarked, "--against", against)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "synthetic queries: no verdict" in " ".join(done.stdout.split())
    for command in (("leaderboard",), ("compare",)):
        assert "(synthetic queries)" in " ".join(evalkit(*command, folder).stderr.split())
