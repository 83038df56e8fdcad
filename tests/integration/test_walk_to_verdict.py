"""From documents and a log of searches to a verdict: the steps of configs/judging.md, with a stand-in judge.

Run it with ``pytest -s`` to see how long each step takes.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import ROOT, Done, evalkit
from support.rating import rating
from support.stand_in_judge import LENIENT, JudgeServer

from evalkit.datasets import load_dataset

httpx = pytest.importorskip("httpx")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

MINILM = ROOT / "configs" / "quickstart.all-MiniLM-L6-v2.trec.gz"
DRAWN = 90
SAMPLE = 60
CONFIG = "ours.yaml"
PAGE = "http://127.0.0.1:8000/v1"


@dataclass
class Walk:
    """A folder with the files of a team, and the grades that its people and its judge would give.

    Attributes
    ----------
    folder
        Where the commands run.
    grades
        ``(text of the query, text of the document)`` -> grade.
    clock
        Step -> seconds.
    """

    folder: Path
    grades: Mapping[tuple[str, str], int]
    clock: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        start = time.perf_counter()
        yield
        self.clock[name] = time.perf_counter() - start
        sys.stdout.write(f"{self.clock[name]:6.1f} s  {name}\n")

    def evalkit(self, *words: str | Path, code: int = 0) -> Done:
        """Run a command in the folder."""
        name = " ".join(map(str, words))
        with self.step(f"evalkit {name}"):
            done = evalkit(*words, cwd=self.folder)
        assert done.returncode == code, done.stderr
        return done

    def rate(self, *flags: str) -> tuple[int, str]:
        """Let a person grade what the page shows; return the number of documents, and what is printed at the end."""
        with (
            self.step(f"evalkit judge rate {CONFIG} {' '.join(flags)}"),
            rating(Path(CONFIG), *flags, cwd=self.folder) as page,
            httpx.Client() as client,
        ):
            click: dict[str, Any] = {"rater": "anna", "action": "open"}
            graded = 0
            while task := client.post(f"{page.address}click", json=click).raise_for_status().json()["task"]:
                grade = self.grades.get((task["query"], "".join(task["document"])), 0)
                click = {
                    "rater": "anna",
                    "action": "grade",
                    "grade": grade,
                    "task": task["key"],
                    "turn": task["turn"],
                }
                graded += 1
            return graded, page.stop()

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a file of judgments."""
        return [orjson.loads(line) for line in (self.folder / "judgments" / name).read_bytes().splitlines()]

    def raters(self) -> dict[str, dict[str, Any]]:
        """Return what ``judge list`` says of people and of the judge."""
        rows = orjson.loads(self.evalkit("judge", "list", CONFIG, "--json").stdout)
        return {row["kind"]: row for row in rows}


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """Write the demo collection as a folder of Markdown files, and its queries as a log with counts."""
    demo = load_dataset("demo")
    files = {}
    for doc_id in demo.corpus.doc_ids:
        file = tmp_path / "documents" / doc_id.partition("-")[0] / f"{doc_id}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {demo.corpus.text(doc_id)}\n", encoding="utf-8")
        files[doc_id] = f"# {demo.corpus.text(doc_id)}".strip()
    with (tmp_path / "searches.csv").open("w", encoding="utf-8", newline="") as log:
        rows = csv.writer(log)
        rows.writerow(["query", "count"])
        rows.writerows([query.text, 400 // (place + 1) + 1] for place, query in enumerate(demo.queries))
    texts = {query.query_id: query.text for query in demo.queries}
    grades = {
        (texts[query_id], files[doc_id]): int(grade)
        for query_id, judged in demo.qrels.grades.items()
        for doc_id, grade in judged.items()
    }
    return Walk(tmp_path, grades)


def write_replay(folder: Path) -> None:
    """Write the scores of a model, with the ids that documents and drawn queries have now."""
    demo = {query.query_id: query.text for query in load_dataset("demo").queries}
    with (folder / "queries.csv").open(encoding="utf-8", newline="") as file:
        drawn = {row["text"]: row["query_id"] for row in csv.DictReader(file)}
    lines = []
    for line in gzip.decompress(MINILM.read_bytes()).decode().splitlines():
        query_id, q0, doc_id, *rest = line.split()
        if demo[query_id] in drawn:
            path = f"{doc_id.partition('-')[0]}/{doc_id}.md"
            lines.append(" ".join([drawn[demo[query_id]], q0, path, *rest]))
    (folder / "minilm.trec").write_text("\n".join(lines) + "\n", encoding="utf-8")


def configure(folder: Path, url: str) -> None:
    """Edit what ``evalkit init --for judging`` wrote, as its comments say."""
    text = (folder / CONFIG).read_text(encoding="utf-8")
    for old, new in (
        (PAGE, f"{url}/v1"),
        ("human_sample: {queries: 40", f"human_sample: {{queries: {SAMPLE}"),
        ("lexical: {backend: lexical}", "minilm: {backend: replay, path: minilm.trec}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / CONFIG).write_text(text, encoding="utf-8")


def first_line(done: Done) -> str:
    """Return the decision, which is printed first."""
    return done.stdout.splitlines()[0]


def next_step(printed: str) -> str:
    """Return the last step that a command names, on one line."""
    return " ".join(printed.rpartition("next: ")[2].split())


def test_from_documents_and_a_log_to_a_verdict(walk: Walk) -> None:
    """Each stage states what its judgments are; no pair is judged twice; only people's judgments make a verdict."""
    done = walk.evalkit("queries", "sample", "searches.csv", "--into", "queries.csv", "-n", str(DRAWN))
    assert f"{DRAWN} of 108 different queries" in done.stdout
    walk.evalkit("init", CONFIG, "--for", "judging")
    write_replay(walk.folder)
    judge = JudgeServer(walk.grades, LENIENT)
    with judge.running() as url:
        configure(walk.folder, url)
        walk.evalkit("config", "check", CONFIG)
        unjudged(walk)
        pairs = judged_by_the_model(walk, judge)
        rated = sample_judged_by_people(walk, pairs)
        assert sum(judge.asked.values()) == pairs, "no later step asks the judge again"
    judged_by_people(walk, pairs, rated)
    sys.stdout.write(f"{sum(walk.clock.values()):6.1f} s  in all\n")


def unjudged(walk: Walk) -> None:
    """Rank everything; nothing is stated on quality."""
    done = walk.evalkit("run", CONFIG)
    assert first_line(done) == "Undecided: No query is judged"
    assert f"All {DRAWN} queries are unjudged" in done.stdout
    assert next_step(done.stdout).endswith(f"evalkit judge run {CONFIG}")
    page = (newest(walk.folder) / "report.html").read_text(encoding="utf-8")
    assert f"No reranker is compared. Measure a reranker with: evalkit bench {CONFIG}" in page


def judged_by_the_model(walk: Walk, judge: JudgeServer) -> int:
    """Let the judge grade the pool once; return its pairs. Its grades alone are an indication."""
    plan = orjson.loads(walk.evalkit("judge", "run", CONFIG, "--plan", "--json").stdout)
    pairs: int = plan[0]["calls"]
    assert not judge.asked
    done = walk.evalkit("judge", "run", CONFIG)
    assert f"{pairs} graded, 0 from the store" in done.stdout
    assert next_step(done.stdout).endswith(f"evalkit judge rate {CONFIG} --sample-only")
    assert len(judge.graded) == pairs
    assert set(judge.asked.values()) == {1}
    done = walk.evalkit("judge", "run", CONFIG, "--judge", "chat")
    assert f"0 graded, 0 from the store, {pairs} judged before" in done.stdout
    assert len(walk.lines("documents.chat.jsonl")) == sum(judge.asked.values()) == pairs
    done = walk.evalkit("judge", "audit", CONFIG, code=2)
    assert "no person has judged" in done.stderr
    done = walk.evalkit("run", CONFIG)
    assert first_line(done) == "Undecided: Judge only: models gave all judgments"
    assert f"the human sample of {SAMPLE} queries" in next_step(done.stdout)
    return pairs


def sample_judged_by_people(walk: Walk, pairs: int) -> int:
    """Let a person judge the human sample, and compare the judge with it; return the number of graded pairs."""
    rated, printed = walk.rate("--sample-only")
    assert f"anna: {rated} graded, 0 skipped" in printed
    assert next_step(printed) == f"evalkit judge audit {CONFIG}; evalkit run {CONFIG}"
    lines = walk.lines("people.jsonl")
    assert len({(line["query_id"], line["doc_id"]) for line in lines}) == len(lines) == rated
    drawn = orjson.loads((walk.folder / "judgments" / "documents.human_sample.json").read_bytes())
    assert len({line["query_id"] for line in lines}) == SAMPLE
    assert {line["query_id"] for line in lines} == set(drawn["query_ids"])
    found = walk.raters()
    assert (found["human"]["order"], found["human"]["counted"]) == (1, rated)
    assert (found["model"]["order"], found["model"]["counted"]) == (2, pairs - rated)
    done = walk.evalkit("judge", "audit", CONFIG)
    assert f"{rated} pairs of {SAMPLE} queries judged by both" in " ".join(done.stdout.split())
    done = walk.evalkit("run", CONFIG)
    assert first_line(done).startswith(("Keep: minilm", "Adopt: minilm")), "people's draw corrects the judge"
    share = round(100 * rated / pairs)
    page = re.sub(r"\s+", " ", (newest(walk.folder) / "report.html").read_text(encoding="utf-8"))
    assert f"human {share} %" in page
    assert "after 'at'" not in page, "there is no latency to explain"
    assert f"corrected ({SAMPLE} human + {DRAWN - SAMPLE} judge: " in page
    return rated


def judged_by_people(walk: Walk, pairs: int, rated: int) -> None:
    """Let a person judge the rest: the grades of the judge count nowhere, and there is a verdict."""
    rest, printed = walk.rate()
    assert rated + rest == pairs
    assert f"0 of {pairs} documents are not graded by a person" in printed
    found = walk.raters()
    assert (found["human"]["counted"], found["model"]["counted"]) == (pairs, 0)
    done = walk.evalkit("run", CONFIG)
    assert first_line(done) == "Adopt: minilm ranks better than bm25 on the queries sampled from the log"
    assert first_line(walk.evalkit("compare", newest(walk.folder))) == first_line(done)
    assert "human 100 %" in (newest(walk.folder) / "report.html").read_text(encoding="utf-8")


def newest(folder: Path) -> Path:
    """Return the newest result."""
    return max((folder / "results" / "ours").glob("2*"))
