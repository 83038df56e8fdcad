"""The gate on the bundled collection: every verdict, its sentence and its exit code, from the command line."""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import orjson
import pytest
from support.command import ROOT, evalkit, only_folder

from evalkit.datasets import load_dataset
from evalkit.formats import read_run, write_run
from evalkit.records import Run

pytestmark = pytest.mark.usefixtures("blank_plots")

RUN = ROOT / "configs" / "quickstart.all-MiniLM-L6-v2.trec.gz"
CONFIG = """\
name: gated
datasets: [{dataset}]
retriever: {{depth: {depth}}}
rerankers:
  model: {{backend: replay, path: {run}}}
metrics: [nDCG@10, MRR@10]
"""
Change = Callable[[str, tuple[str, ...], np.ndarray], Iterator[tuple[str, float]]]


@cache
def bundled_run() -> Run:
    """Return the bundled run, read once."""
    return read_run(RUN)


def changed_run(path: Path, change: Change) -> Path:
    """Write the bundled run with other scores."""
    rows = [(q, d, s) for q, docs, scores in bundled_run() for d, s in change(q, docs, scores)]
    write_run(Run.from_rows("model", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]), path)
    return path


def result(folder: Path, run: Path, dataset: str = "demo", depth: int = 100) -> Path:
    """Run an experiment with a replayed reranker; return its result folder, complete or not."""
    folder.mkdir()
    config = folder / "c.yaml"
    config.write_text(CONFIG.format(dataset=dataset, depth=depth, run=run), encoding="utf-8")
    done = evalkit("run", config, "--into", folder / "results")
    assert done.returncode in {0, 3}, done.stderr
    return only_folder(folder / "results")


def better(query_id: str, docs: tuple[str, ...], scores: np.ndarray) -> Iterator[tuple[str, float]]:
    """Move what is relevant to one query in eight up a little."""
    grades = load_dataset("demo").qrels.of(query_id)
    lift = 0.02 if hash_of(query_id) % 8 == 0 else 0.0
    yield from ((d, float(s) + lift * (grades.get(d, 0) > 0)) for d, s in zip(docs, scores, strict=True))


def noisy(query_id: str, docs: tuple[str, ...], scores: np.ndarray) -> Iterator[tuple[str, float]]:
    """Add noise: as good on average, another order in each query."""
    rng = np.random.default_rng(hash_of(query_id))
    yield from zip(docs, (scores + rng.normal(0, 0.03, len(docs))).tolist(), strict=True)


def worse(query_id: str, docs: tuple[str, ...], scores: np.ndarray) -> Iterator[tuple[str, float]]:
    """Turn half of the queries round."""
    sign = -1.0 if hash_of(query_id) % 2 else 1.0
    yield from zip(docs, (sign * scores).tolist(), strict=True)


def ten_missing(query_id: str, docs: tuple[str, ...], scores: np.ndarray) -> Iterator[tuple[str, float]]:
    """Leave out ten queries."""
    if query_id not in bundled_run().query_ids[50:60]:
        yield from zip(docs, scores.tolist(), strict=True)


def hash_of(text: str) -> int:
    """Return a number that a text decides."""
    return int.from_bytes(text.encode(), "big") % 9973


def same(_query_id: str, docs: tuple[str, ...], scores: np.ndarray) -> Iterator[tuple[str, float]]:
    """Change nothing."""
    yield from zip(docs, scores.tolist(), strict=True)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved baseline."""
    folder = tmp_path_factory.mktemp("baseline")
    saved = evalkit("baseline", "save", result(folder / "r", RUN), "release-1", "--into", folder)
    assert saved.returncode == 0, saved.stderr
    assert f"commit it\nnext: evalkit gate RESULT --against {folder / 'release-1'}" in saved.stdout
    return folder / "release-1"


CASES: list[tuple[str, Change, str, int, str]] = [
    ("identical", same, "IDENTICAL", 0, "all values of nDCG@10 are equal (n=96 queries)"),
    ("slightly better", better, "PASS", 0, "nDCG@10 not worse than baseline by more than 0.0100: Δ +"),
    ("noisy-equal", noisy, "CANNOT TELL", 1, "More queries are unlikely to help: with 1920 more"),
    ("clearly worse", worse, "FAIL", 1, "nDCG@10 worse by more than 0.0100: Δ -"),
    (
        "ten failed queries",
        ten_missing,
        "INVALID",
        3,
        "has no scores for 10 of 97 queries: 10 x",
    ),
]


@pytest.mark.parametrize(
    ("name", "change", "status", "code", "sentence"), CASES, ids=[case[0] for case in CASES]
)
def test_every_verdict_has_its_sentence_and_its_exit_code(
    tmp_path: Path, baseline: Path, name: str, change: Change, status: str, code: int, sentence: str
) -> None:
    """A new version that is the same, better, as good but noisy, worse, or not whole."""
    folder = result(tmp_path / "new", changed_run(tmp_path / "new.trec.gz", change))
    done = evalkit("gate", folder, "--against", baseline)
    sys.stdout.write(f"\n{name}: exit {done.returncode}\n{done.stdout}")
    assert done.returncode == code, done.stdout + done.stderr
    assert f"\n{status}" in done.stdout
    assert sentence in " ".join(done.stdout.split())
    (row,) = orjson.loads((folder / "gates.json").read_bytes())["verdicts"]
    assert row["status"] == status
    assert (row["estimate"] is None) == (status == "INVALID")


@pytest.mark.long
def test_other_candidates_and_other_judgments_are_no_regression(tmp_path: Path, baseline: Path) -> None:
    """INVALID, exit 3: what was measured on other things is not compared."""
    shallow = result(tmp_path / "shallow", RUN, depth=50)
    demo = Path(sys.modules["evalkit"].__file__ or "").parent / "datasets" / "demo_data"
    shutil.copytree(demo, tmp_path / "demo")
    qrels = next((tmp_path / "demo" / "qrels").glob("*.tsv"))
    lines = qrels.read_text(encoding="utf-8").splitlines()
    qrels.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    block = f"{{source: beir_folder, path: {tmp_path / 'demo'}, name: demo, split: {qrels.stem}}}"
    rejudged = result(tmp_path / "rejudged", RUN, block)
    fewer = changed_corpus(tmp_path / "fewer")
    block = f"{{source: beir_folder, path: {fewer}, name: demo, split: {qrels.stem}}}"
    for folder, what in (
        (shallow, "the candidates and the depth of demo"),
        (rejudged, "the judgments of demo"),
        (result(tmp_path / "other", RUN, block), "the candidates of demo"),
    ):
        done = evalkit("gate", folder, "--against", baseline)
        sys.stdout.write(f"\n{what}: exit {done.returncode}\n{done.stdout}")
        assert done.returncode == 3
        assert f"INVALID demo: model: {what} differ from the baseline; no statistics computed" in " ".join(
            done.stdout.split()
        )


def changed_corpus(folder: Path) -> Path:
    """Return a copy of the demo in which one unjudged document ranks for another query."""
    demo = Path(sys.modules["evalkit"].__file__ or "").parent / "datasets" / "demo_data"
    shutil.copytree(demo, folder)
    file = folder / "corpus.jsonl"
    rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    judged = {d for docs in load_dataset("demo").qrels.grades.values() for d in docs}
    odd = (
        next(row for row in rows if row["_id"] not in judged)
        if any(r["_id"] not in judged for r in rows)
        else rows[0]
    )
    odd["text"] = "password " * 5
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return folder


def test_rules_outputs_and_open_questions(tmp_path: Path, baseline: Path) -> None:
    """Several rules at once; JUnit, a job summary and annotations say the same; an open question may warn."""
    folder = result(tmp_path / "new", changed_run(tmp_path / "n.trec.gz", noisy))
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "on_cannot_tell: warn\nrules:\n  - {metric: nDCG@10, max_drop: 0.01}\n  - {metric: nDCG@10, retain: 0.1}\n"
        "  - {metric: MRR@10, min: 0.2}\n  - {max_failed: 0.0}\n"
        "  - {metric: nDCG@10, max_drop: 0.2, reranker: model}\n",
        encoding="utf-8",
    )
    junit, summary = tmp_path / "out" / "junit.xml", tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    words = ("gate", folder, "--against", baseline, "--rules", rules, "--junit", junit, "--summary", summary)
    done = evalkit(*words, env={"GITHUB_ACTIONS": "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    statuses = [row["status"] for row in orjson.loads((folder / "gates.json").read_bytes())["verdicts"]]
    assert statuses[0] == "CANNOT TELL"
    assert set(statuses[2:]) == {"PASS"}
    suite = ET.parse(junit).getroot()  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "0", "0")
    assert suite.get("skipped") == str(statuses.count("CANNOT TELL"))
    assert summary.read_text(encoding="utf-8").startswith("before\n### evalkit: gate passed: ")
    assert "::warning title=CANNOT TELL demo model::" in done.stdout
    rules.write_text(rules.read_text(encoding="utf-8").replace("warn", "fail"), encoding="utf-8")
    strict = evalkit(*words[:-2], "--json", env={"GITHUB_ACTIONS": ""})
    assert strict.returncode == 1
    assert [row["status"] for row in orjson.loads(strict.stdout)] == statuses


@pytest.mark.parametrize(
    ("rules", "message"),
    [("rules: []", "rules"), ("rules: [{metric: nDCG@10}]", "exactly one of: max_drop"),
     ("rules: [{metric: nDCG@10, max_drop: 0.01, min: 0.5}]", "exactly one of"),
     ("rules: [{max_drop: 0.01}]", "needs 'metric' with 'max_drop'"),
     ("rules: [{metric: nDCG@x, max_drop: 1}]", "not a metric name"),
     ("rules: [{latency_to: a, max_ratio: 2}]", "needs 'batch_size'"),
     ("rules: [{metrik: nDCG@10}]", "did you mean 'metric'"),
     ("rules: [{max_failed: 0, metric: nDCG@10}]", "must not have 'metric' with 'max_failed'"), ("rules: {", "r.yaml:"),
     ("on_cannot_tell: maybe\nrules: [{max_failed: 0}]", "on_cannot_tell")],
)  # fmt: skip
def test_wrong_rules_are_told_with_their_place(
    tmp_path: Path, baseline: Path, rules: str, message: str
) -> None:
    """File, line and column; exit 2; nothing is judged."""
    file = tmp_path / "r.yaml"
    file.write_text(rules + "\n", encoding="utf-8")
    done = evalkit("gate", tmp_path, "--against", baseline, "--rules", file)
    assert done.returncode == 2
    assert "r.yaml:" in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_baselines_that_are_none_are_told(tmp_path: Path, baseline: Path) -> None:
    """A missing, damaged or foreign baseline, a name that is no name, a folder that is something else."""
    folder = result(tmp_path / "new", RUN)
    missing = evalkit("gate", folder, "--against", tmp_path / "nothing")
    assert (missing.returncode, "is neither a baseline nor a result folder" in missing.stderr) == (2, True)
    shutil.copytree(baseline, tmp_path / "damaged")
    (tmp_path / "damaged" / "values.parquet").write_bytes(gzip.compress(b"no"))
    damaged = evalkit("gate", folder, "--against", tmp_path / "damaged")
    assert (damaged.returncode, "is damaged" in damaged.stderr) == (2, True)
    for name, message in (("../x", "is not a valid folder name"), ("new", "exists and is not a baseline")):
        done = evalkit("baseline", "save", folder, name, "--into", tmp_path)
        assert (done.returncode, message in done.stderr) == (2, True)
    itself = evalkit("gate", folder, "--against", folder)
    assert (itself.returncode, itself.stdout.startswith("gate passed: 1 IDENTICAL")) == (0, True)


def test_repeated_runs_and_nights(tmp_path: Path, baseline: Path) -> None:
    """Several results are averaged into the last one; nights count from one gate to the next."""
    changed = changed_run(tmp_path / "n.trec.gz", noisy)
    config = CONFIG.format(dataset="demo", depth=100, run=changed)
    (tmp_path / "c.yaml").write_text(config, encoding="utf-8")
    for _ in range(2):
        done = evalkit("run", tmp_path / "c.yaml", "--into", tmp_path / "nightly", "--refresh")
        assert done.returncode == 0, done.stderr
    folders = sorted((tmp_path / "nightly").glob("2*"))
    assert len(folders) == 2
    for nights, folder in enumerate(folders, 1):
        done = evalkit("gate", folder, "--against", baseline, "--nights")
        assert done.returncode == 0, done.stdout + done.stderr
        finding = f"no alarm demo: model: nDCG@10 max_drop 0.01: no lasting drop in {nights} night"
        assert finding in " ".join(done.stdout.split())
    once = orjson.loads((folders[1] / "gates.json").read_bytes())
    both = evalkit("gate", *folders, "--against", baseline)
    assert both.returncode == 1
    twice = orjson.loads((folders[1] / "gates.json").read_bytes())
    assert twice["repeats"] == [str(folders[0])]
    assert twice["verdicts"] == once["verdicts"], "a replayed run repeats itself"
