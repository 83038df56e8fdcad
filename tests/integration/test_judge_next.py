"""``evalkit judge next`` and ``judge list``: what to judge next, and who judged what."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import Any

import orjson
import pytest
from support.command import evalkit
from support.judging import asked, judged, write_experiment

NEXT = ("judge", "next", "latest", "--contender", "other")
RUNS = {
    "rankvicuna": "dl19.bm25.rerank-rankvicuna-7b.trec",
    "repllama": "dl19.repllama.top100.trec",
    "splade": "dl19.splade_pp_ed.top100.trec",
}


def rows_of(*words: str | Path, cwd: Path) -> list[dict[str, Any]]:
    """Return what a command prints as JSON."""
    done = evalkit(*words, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = orjson.loads(done.stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an experiment that was run, whose judge counts."""
    write_experiment(
        tmp_path,
        queries=6,
        dataset=", judgments: [{judge: noting}]",
        rest="runs: {other: {path: other.trec}}\n",
    )
    lines = (f"q{q} Q0 d{q}.{5 - place} {place} {9 - place} other\n" for q in range(6) for place in range(6))
    (tmp_path / "other.trec").write_text("".join(lines), encoding="utf-8")
    assert evalkit("run", "c.yaml", cwd=tmp_path).returncode == 0
    return tmp_path


def test_documents_come_in_the_order_of_their_influence_and_can_be_judged(folder: Path) -> None:
    """The judge is sent the first ones; the next call begins with others, until none is left."""
    (row,) = rows_of(*NEXT, "-n", "4", cwd=folder)
    assert (row["baseline"], row["contender"], row["metric"]) == ("bm25", "other", "nDCG@5")
    weights = [one["weight"] for one in row["judgments"]]
    assert weights == sorted(weights, reverse=True)
    first = {(one["query_id"], one["doc_id"]) for one in row["judgments"]}
    (done,) = rows_of(*NEXT, "-n", "4", "--judge", "noting", cwd=folder)
    assert done["graded"] == len(first)
    assert set(asked(folder)) == first
    (row,) = rows_of(*NEXT, cwd=folder)
    assert not first & {(one["query_id"], one["doc_id"]) for one in row["judgments"]}
    for _ in range(10):
        evalkit(*NEXT, "--judge", "noting", cwd=folder)
    (row,) = rows_of(*NEXT, cwd=folder)
    assert (row["judgments"], row["settled"]) == ([], True)
    assert set(asked(folder).values()) == {1}


def test_the_text_states_the_limits(folder: Path) -> None:
    """Judgments in this order are no random sample, and the reader learns it where they are offered."""
    said = " ".join(evalkit(*NEXT, "-n", "2", cwd=folder).stdout.split())
    assert "settle these queries only; they are no random sample" in said
    assert "unjudged documents can change it" in said
    assert "with fewer than 20 judged documents, there is no probability of the sign" in said
    evalkit(*NEXT, "-n", "16", "--judge", "noting", cwd=folder)
    (row,) = rows_of(*NEXT, cwd=folder)
    assert 0.5 <= row["probability"] <= 1
    assert row["more"] >= 0
    said = " ".join(evalkit(*NEXT, cwd=folder).stdout.split())
    assert "is ahead with a probability of" in said or "no judgment of them can reverse the sign" in said


def test_a_sign_by_a_judge_alone_is_named_as_such(folder: Path) -> None:
    """Without a person no sign is settled without that limit, and the next step is to let people judge."""
    rmtree(folder / "many" / "qrels")
    assert evalkit("run", "c.yaml", cwd=folder).returncode == 0
    settled = False
    for _ in range(12):
        evalkit(*NEXT, "-n", "5", "--judge", "noting", cwd=folder)
        done = evalkit(*NEXT, cwd=folder)
        assert done.returncode == 0, done.stderr
        said = " ".join(done.stdout.split())
        assert ", by the judge's grades alone; " in said
        assert "next: evalkit judge rate" in said
        assert "no person has judged, and a judge's grades alone decide nothing" in said
        settled |= "settled, by the judge's grades alone: no judgment of them" in said
        assert "settled: " not in said
    assert settled


def test_the_settings_of_a_result_are_those_that_it_was_run_with(folder: Path) -> None:
    """Also those of its ``--set``: the metric, and the judge, are not those of the file alone."""
    assert evalkit("run", "c.yaml", "--set", "metrics=[nDCG@3]", cwd=folder).returncode == 0
    (row,) = rows_of(*NEXT, cwd=folder)
    assert row["metric"] == "nDCG@3"
    (row,) = rows_of(*NEXT, "--set", "metrics=[nDCG@4]", cwd=folder)
    assert row["metric"] == "nDCG@4"
    results = [str(path.parent) for path in sorted((folder / "results" / "judged").glob("*/manifest.json"))]
    done = evalkit("judge", "next", *results, "--contender", "other", "--json", cwd=folder)
    assert "run with different settings, which are not used: metrics=[nDCG@3]" in done.stderr


def test_grades_in_this_order_enter_a_correction_once_all_are_there(folder: Path) -> None:
    """The order makes no other grades, but a part of them is no sample: the command that asks for the rest is named."""
    config = folder / "c.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "{judge: noting}]", "{judge: noting}], human_sample: {queries: 2}"
    )
    config.write_text(text, encoding="utf-8")
    done = evalkit(*NEXT, "-n", "4", "--judge", "noting", cwd=folder)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "count in a correction by people once the judge has answered for all documents" in said
    assert "evalkit judge run c.yaml --judge noting" in said
    before = set(asked(folder))
    assert evalkit("judge", "run", "c.yaml", "--judge", "noting", cwd=folder).returncode == 0
    assert set(asked(folder).values()) == {1}
    assert before < set(asked(folder))
    config.write_text(
        text.replace("[{judge: noting}]", "[{judge: noting}, {judge: sol}]").replace(
            "judges: {", "judges: {sol: {backend: noting}, "
        ),
        encoding="utf-8",
    )
    done = evalkit(*NEXT, "--judge", "noting", cwd=folder)
    assert (done.returncode, "several judges: noting, sol" in done.stderr) == (2, True)


@pytest.mark.parametrize("words", [("--baseline", "nothing"), ("--contender", "nothing")])
def test_an_unknown_system_is_named(folder: Path, words: tuple[str, str]) -> None:
    """Exit code 2."""
    done = evalkit("judge", "next", "latest", *words, cwd=folder)
    assert done.returncode == 2
    assert "unknown system 'nothing'" in done.stderr


def test_the_list_has_all_raters_and_says_which_count(folder: Path) -> None:
    """The dataset's own judgments come first, then the files in their order, then files that do not count."""
    evalkit("judge", "run", "c.yaml", "--judge", "noting", cwd=folder)
    line = {
        "query_id": "q0", "doc_id": "d0.1", "grade": 1.5, "rater": {"kind": "human", "name": "ann"},
        "at": "2026-11-30T00:00:00+00:00", "doc_sha256": "0" * 64,
    }  # fmt: skip
    more = [
        line,
        line | {"doc_id": "d0.2", "doc_sha256": None},
        line | {"doc_id": "d0.3", "grade": None, "failure": "skip: no"},
    ]
    del more[2]["doc_sha256"]
    (folder / "judgments" / "many.people.jsonl").write_bytes(
        b"".join(orjson.dumps(one) + b"\n" for one in more)
    )
    own, noting, ann = rows_of("judge", "list", "c.yaml", cwd=folder)
    assert (own["rater"], own["order"], own["pairs"], own["file"]) == ("qrels", 1, 6, None)
    count = len(judged(folder))
    assert (noting["order"], noting["pairs"], noting["counted"]) == (2, count, count)
    assert sum(noting["grades"].values()) == count
    assert (noting["tokens"], noting["cost_usd"]) == (7 * count, None)
    assert (ann["rater"], ann["order"], ann["counted"]) == ("ann", None, None)
    assert (ann["grades"], ann["failed"], ann["stale"]) == ({"1.5": 1}, 1, 1)
    counted = folder / "judgments" / "many.noting.jsonl"
    gone = orjson.loads(counted.read_bytes().splitlines()[0]) | {"query_id": "gone"}
    counted.write_bytes(counted.read_bytes() + orjson.dumps(gone) + b"\n")
    said = evalkit("judge", "list", "c.yaml", cwd=folder).stdout
    assert "many: 1 judgment of queries that the dataset does not have; they do not count" in said
    assert "ann does not count: add judgments/many.people.jsonl to 'judgments:'" in said
    assert said.endswith("next: evalkit judge audit c.yaml\n")
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.long
def test_grades_of_real_judges_on_real_runs(tmp_path: Path, test_data: Path) -> None:
    """TREC DL 2019: each pair of the pool once, with the grade of the file; a pair that it lacks is a failure."""
    collection, runs = test_data / "collections" / "trec-dl19-pool", test_data / "runs"
    qrels = test_data / "judgments" / "dl19.umbrela-gpt-4o.qrels"
    files = "".join(f"  {tag}: {{path: '{runs / name}'}}\n" for tag, name in RUNS.items())
    (tmp_path / "c.yaml").write_text(
        f"name: dl\ndatasets: [{{source: beir_folder, path: '{collection}', split: test, name: dl19}}]\n"
        f"retriever: {{kind: trec_run, path: '{runs / 'dl19.bm25.top100.trec'}', tag: bm25}}\n"
        f"metrics: [nDCG@10]\nruns:\n{files}"
        f"judges: {{umbrela: {{backend: replay, path: '{qrels}', concurrency: 4}}}}\n",
        encoding="utf-8",
    )
    graded = {}
    for line in qrels.read_text(encoding="utf-8").splitlines():
        query_id, _, doc_id, grade = line.split()
        graded[query_id, doc_id] = float(grade)
    pool = set()
    for name in ("dl19.bm25.top100.trec", *RUNS.values()):
        ranks: dict[str, list[tuple[float, str]]] = {}
        for line in (runs / name).read_text(encoding="utf-8").splitlines():
            query_id, _, doc_id, _, score, _ = line.split()
            ranks.setdefault(query_id, []).append((float(score), doc_id))
        for query_id, docs in ranks.items():
            pool |= {(query_id, doc_id) for _, doc_id in sorted(docs, reverse=True)[:10]}
    corpus = {orjson.loads(line)["_id"] for line in (collection / "corpus.jsonl").read_bytes().splitlines()}
    wanted = {pair for pair in pool if pair[1] in corpus}
    queries = {orjson.loads(line)["_id"] for line in (collection / "queries.jsonl").read_bytes().splitlines()}
    wanted = {pair for pair in wanted if pair[0] in queries}
    done = evalkit("judge", "run", "c.yaml", "--judge", "umbrela", "--all", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = judged(tmp_path, "dl19.umbrela.jsonl")
    found = {(row["query_id"], row["doc_id"]): row["grade"] for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == wanted
    assert all(grade == graded.get(pair) for pair, grade in found.items())
    assert evalkit("judge", "run", "c.yaml", "--judge", "umbrela", "--all", cwd=tmp_path).returncode == 0
    assert judged(tmp_path, "dl19.umbrela.jsonl") == rows
