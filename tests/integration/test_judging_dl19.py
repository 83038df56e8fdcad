"""Judges that err as planned, on runs of TREC DL 2019: killed, refused and disturbed, each pair is judged once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from support.command import evalkit, start_evalkit
from support.confused_judges import CONTRACTS, ORDER, ConfusedJudge, share_of
from support.dl19_runs import RUN_FILES
from support.killer import Killer, killing
from support.stand_in_judge import LENIENT, Texts, human_grades

from evalkit.datasets import load_dataset
from evalkit.store.database import Database

pytestmark = pytest.mark.long
QUERIES = 17
CUTOFF = 10
RUNS = {tag: RUN_FILES[tag] for tag in ("bm25", "rm3", "repllama", "splade", "tasb")}
CONCURRENCY = 4
KILLS = 5
Pair = tuple[str, str]


@dataclass(frozen=True)
class Pool:
    """A part of DL19: the first documents of some queries in several runs, some of them with an order to the judge.

    Attributes
    ----------
    folder
        Collection and runs.
    texts
        Query id and document id of the pool -> their texts.
    grades
        Grades of NIST by the texts.
    """

    folder: Path
    texts: Mapping[Pair, Texts]
    grades: Mapping[Texts, int]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Write a part of DL19."""
    data = os.environ.get("EVALKIT_TEST_DATA")
    if not data:
        pytest.skip("EVALKIT_TEST_DATA is unset: no real collections")
    collection, folder = Path(data) / "collections" / "trec-dl19-pool", tmp_path_factory.mktemp("dl19")
    judged = [line.split("\t") for line in (collection / "qrels" / "test.tsv").read_text().splitlines()]
    queries = sorted({row[0] for row in judged[1:]}, key=share_of)[:QUERIES]
    pairs: dict[Pair, None] = {}
    for tag, name in RUNS.items():
        rows = [line.split() for line in (Path(data) / "runs" / name).read_text().splitlines()]
        kept = [row for row in rows if row[0] in queries and int(row[3]) <= CUTOFF]
        (folder / f"{tag}.trec").write_text("".join(" ".join(row) + "\n" for row in kept))
        pairs |= dict.fromkeys((row[0], row[2]) for row in kept)
    docs = {doc_id for _, doc_id in pairs}
    corpus = [orjson.loads(line) for line in (collection / "corpus.jsonl").read_bytes().splitlines()]
    kept_docs = [_with_order(row) for row in corpus if row["_id"] in docs]
    asked = [orjson.loads(line) for line in (collection / "queries.jsonl").read_bytes().splitlines()]
    (folder / "small" / "qrels").mkdir(parents=True)
    _write_lines(folder / "small" / "corpus.jsonl", kept_docs)
    _write_lines(folder / "small" / "queries.jsonl", [row for row in asked if row["_id"] in queries])
    lines = ["\t".join(row) for row in judged if row[0] in {"query-id", *queries}]
    (folder / "small" / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n")
    dataset = load_dataset({"source": "beir_folder", "path": str(folder / "small")})
    words = {query.query_id: query.text for query in dataset.queries}
    texts = {
        (query_id, doc_id): (words[query_id], dataset.corpus.text(doc_id))
        for query_id, doc_id in pairs
        if doc_id in dataset.corpus
    }
    return Pool(folder, texts, human_grades(dataset))


def _with_order(row: dict[str, Any]) -> dict[str, Any]:
    """Return a document, in one of six with an order to the judge at its end."""
    return {**row, "text": f"{row['text']} {ORDER}"} if share_of("order", row["_id"]) < 1 / 6 else row


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    """Return a process that runs and kills commands."""
    with killing() as one:
        yield one


def write_config(folder: Path, pool: Pool, judge: ConfusedJudge, url: str) -> None:
    """Write the configuration of a judge and of the runs that are compared."""
    others = "".join(f"  {tag}: {{path: '{pool.folder / tag}.trec'}}\n" for tag in RUNS if tag != "bm25")
    (folder / "c.yaml").write_text(
        f"name: dl\ndatasets: [{{source: beir_folder, path: '{pool.folder / 'small'}', name: dl19,"
        f" judgments: [{{judge: it}}]}}]\n"
        f"retriever: {{kind: trec_run, path: '{pool.folder / 'bm25.trec'}', tag: bm25}}\n"
        f"metrics: [nDCG@{CUTOFF}]\nruns:\n{others}judges: {{it: {judge.settings(url)}}}\n",
        encoding="utf-8",
    )


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the whole lines of the judge's file."""
    file = folder / "judgments" / "dl19.it.jsonl"
    lines = file.read_bytes().splitlines(keepends=True) if file.is_file() else []
    return [orjson.loads(line) for line in lines if line.endswith(b"\n")]


def written(folder: Path) -> set[Pair]:
    """Return the pairs in the judge's file."""
    return {(row["query_id"], row["doc_id"]) for row in rows_of(folder)}


WORDS = ("judge", "run", "c.yaml", "--judge", "it", "--all")


def kill_at_random(folder: Path, judge: ConfusedJudge, after: int) -> None:
    """Start the judge, and kill it once it has made some more requests."""
    process = start_evalkit(*WORDS, cwd=folder)
    wanted, deadline = len(judge.received) + after, time.monotonic() + 60
    while len(judge.received) < wanted and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.attack("crash", "a judge is killed at any time, also while it writes")
@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_pair_is_judged_once(contract: str, pool: Pool, killer: Killer, tmp_path: Path) -> None:
    """Killed by SIGKILL at random times and before random writes, then resumed to the end.

    Every pair has one line: the grade of the planted confusion, or the failure that was planted. What was on the disk
    at a kill is not asked again. What can be asked again are the calls in flight, and the answers that came while a
    write was under way or that it was writing: those of a tenth of a second at most.
    """
    judge = ConfusedJudge(contract, pool.grades, frozenset(text for _, text in pool.texts.values()))
    chance = np.random.default_rng(CONTRACTS.index(contract))
    lost: Counter[Texts] = Counter()
    with judge.running() as url:
        write_config(tmp_path, pool, judge, url)
        for kill in range(KILLS):
            if kill % 2:
                kill_at_random(tmp_path, judge, int(chance.integers(30, 90)))
            else:
                ended = killer.run(*WORDS, below=tmp_path, cwd=tmp_path, at=int(chance.integers(100, 300)))
                assert ended.code == -9, ended
            time.sleep(5 * judge.delay_s)  # calls in flight end at the server
            on_disk = {pool.texts[pair] for pair in saved(tmp_path)}
            unsaved = set(judge.received) - on_disk
            assert len(unsaved) <= 3 * CONCURRENCY
            assert all(count == 1 for texts, count in Counter(judge.received).items() if texts not in lost)
            lost.update(unsaved)
        earlier, stored = rows_of(tmp_path), len(saved(tmp_path) - written(tmp_path))
        done = evalkit(*WORDS, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    repeated = {texts: count - 1 for texts, count in Counter(judge.received).items() if count > 1}
    assert all(count <= lost[texts] for texts, count in repeated.items())
    check_judgments(tmp_path, pool, judge)
    check_counts(done.stdout, rows_of(tmp_path)[len(earlier) :], stored)
    check_audit(tmp_path, pool, judge)


def saved(folder: Path) -> set[Pair]:
    """Return the pairs in the judge's file or in the store, from which a resumed run writes them."""
    file = folder / "results" / "dl" / "scores.sqlite"
    if not file.is_file():
        return written(folder)
    with closing(Database(file, "read")) as base:
        stored = base.rows("SELECT content FROM judgments") if base.has_judgments else []
    rows = [orjson.loads(content) for (content,) in stored]
    return written(folder) | {(row["query_id"], row["doc_id"]) for row in rows}


def check_judgments(folder: Path, pool: Pool, judge: ConfusedJudge) -> None:
    """Check that each pair of the pool has one line, with the planted grade or failure."""
    rows = rows_of(folder)
    found = {(row["query_id"], row["doc_id"]): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == pool.texts.keys()
    assert len(set(judge.received)) == len(rows)
    for pair, row in found.items():
        kind = judge.failure_of(pool.texts[pair])
        assert (row["grade"] is None) == (kind is not None), row
        assert row.get("failure", "").partition(":")[0] == (kind or "")
        assert kind is not None or row["grade"] == judge.grade_of(pool.texts[pair])
    kinds = Counter(judge.failure_of(texts) for texts in pool.texts.values())
    assert kinds["refusal"] >= 5
    assert kinds["answer"] >= 5
    assert judge.limited >= 20
    assert sum(ORDER in text for _, text in pool.texts.values()) >= 40


def check_counts(said: str, rows: list[dict[str, Any]], stored: int) -> None:
    """Check that the last run says what it appended: grades from the store, and failures of its own by kind."""
    (line,) = [line for line in said.splitlines() if " graded" in line]
    recalled = sum(row.get("failure") is None for row in rows[:stored])
    new = rows[stored:]
    kinds = Counter(row.get("failure", "").partition(":")[0] for row in new)
    failed = "".join(f", {kinds[kind]} without a grade ({kind})" for kind in sorted(kinds) if kind)
    assert line.startswith(f"dl19: {kinds['']} graded{failed}, {recalled} from the store")


def check_audit(folder: Path, pool: Pool, judge: ConfusedJudge) -> None:
    """Check that the audit finds the planted confusion: exactly, and within the error of sampling."""
    done = evalkit("judge", "audit", "c.yaml", "--judge", "it", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (audit,) = orjson.loads(done.stdout)
    expected = np.zeros((4, 4), dtype=int)
    for texts in pool.texts.values():
        if texts in pool.grades and judge.failure_of(texts) is None:
            expected[pool.grades[texts], judge.grade_of(texts)] += 1
    matrix = np.array(audit["agreement"]["matrix"])
    assert audit["agreement"]["levels"] == [0, 1, 2, 3]
    assert np.array_equal(matrix.T, expected)  # its rows are the judge's levels
    counts = expected.sum(axis=1)
    assert counts.min() >= 20
    for grade, planted in LENIENT.items():
        shares = expected[grade] / counts[grade]
        error = np.sqrt(np.array(planted) * (1 - np.array(planted)) / counts[grade])
        assert (np.abs(shares - planted) <= 4 * error + 1 / counts[grade]).all(), (grade, shares)
