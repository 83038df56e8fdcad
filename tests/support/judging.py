"""A judge in a plugin file that writes down what it is asked, and small experiments that it judges."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from support.api_runs import write_collection
from support.command import Done, evalkit

PLUGIN = '''
import os
import time
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np

from evalkit.config import JudgeSettings, Price, Traffic
from evalkit.errors import CallError, Remedy
from evalkit.records import Rater, RerankResponse, Usage, text_sha256

HERE = Path(__file__).parent


class Noting:
    """Grades by the texts alone, and notes each request in a file before it answers."""

    class Settings(JudgeSettings):
        backend: Literal["noting"] = "noting"
        prompt: str = "p"
        pause_s: float = 0.0
        refuses: str = ""
        fails: str = ""
        limited_every: int = 0
        usd: float = 0.0
        last_grade: int = 3

        immaterial = frozenset({"concurrency", "pause_s", "refuses", "fails", "limited_every", "usd"})

        def traffic(self):
            price = Price(usd_per_thousand_requests=self.usd * 1000, as_of=date(2026, 11, 30)) if self.usd else None
            return Traffic(retries=3, retry_wait_s=0.01, price=price)

    pointwise = True
    score_kind = "unbounded"

    def __init__(self, settings):
        self._settings = settings
        self._asked = 0

    @property
    def known_rater(self):
        deciding = self._settings.deciding()
        return Rater("model", "noting", text_sha256(self._settings.prompt), "0 to 3", deciding)

    def rater(self, response):
        known = self.known_rater
        return Rater("model", response.model, known.prompt_sha256, known.scale, known.settings)

    def score(self, request):
        (text,) = request.documents
        self._asked += 1
        line = f"{request.query_id} {request.doc_ids[0]} {os.getpid()}\\n".encode()
        with open(HERE / "asked.txt", "ab", 0) as file:
            file.write(line)
        time.sleep(self._settings.pause_s)
        if self._settings.limited_every and self._asked % self._settings.limited_every == 0:
            raise CallError("http", "too many", http_status=429, remedy=Remedy(transient=True, wait_s=0.01))
        if self._settings.fails and self._settings.fails in text:
            raise CallError("broken", "the connection broke", remedy=Remedy(transient=True))
        if self._settings.refuses and self._settings.refuses in text:
            raise CallError("refusal", "the judge refused", body="I cannot grade this.")
        grade = int(text_sha256(request.instructed_query + text), 16) % (self._settings.last_grade + 1)
        return RerankResponse(np.array([float(grade)]), raw=str(grade), model="noting-1", usage=Usage(tokens=7))

    def close(self):
        pass
'''


def write_experiment(
    folder: Path, queries: int = 4, settings: str = "", dataset: str = "", rest: str = "", candidates: int = 6
) -> Path:
    """Write a collection of some candidates a query, without other judgments than one a query, and a judge for it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "many").exists():
        write_collection(folder / "many", queries, candidates)
    (folder / "noting.py").write_text(PLUGIN, encoding="utf-8")
    config = folder / "c.yaml"
    config.write_text(
        f"name: judged\ndatasets: [{{source: beir_folder, path: many{dataset}}}]\nretriever: {{depth: 6}}\n"
        f"rerankers: {{lexical: {{backend: lexical}}}}\nmetrics: [nDCG@5]\nplugins: [noting.py]\n"
        f"judges: {{noting: {{backend: noting, concurrency: 3{settings}}}}}\n{rest}",
        encoding="utf-8",
    )
    return config


def asked(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often the judge was asked for each pair."""
    file = folder / "asked.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    pairs: Counter[tuple[str, str]] = Counter()
    for line in lines:
        query_id, doc_id, _ = line.split()
        pairs[query_id, doc_id] += 1
    return pairs


def judged(folder: Path, name: str = "many.noting.jsonl") -> list[dict[str, Any]]:
    """Return the lines of a judge's file."""
    file = folder / "judgments" / name
    return [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.is_file() else []


def judge(folder: Path, *words: str, code: int = 0) -> Done:
    """Judge with the experiment of a folder."""
    done = evalkit("judge", "run", "c.yaml", "--judge", "noting", *words, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done
