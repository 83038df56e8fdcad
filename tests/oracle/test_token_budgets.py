"""Metrics at a budget of tokens on real collections, compared with a computation that shares no code with evalkit."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from math import log2
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.command import evalkit

Grades = dict[str, dict[str, int]]
GAINS = {0: 1, 1: 8, 2: 2}


def read_judgments(file: Path) -> Grades:
    """Return query id -> document id -> grade of a BEIR table."""
    grades: Grades = defaultdict(dict)
    with file.open(encoding="utf-8") as lines:
        for query_id, doc_id, grade in list(csv.reader(lines, delimiter="\t"))[1:]:
            grades[query_id][doc_id] = int(grade)
    return {query_id: own for query_id, own in grades.items() if max(own.values()) > 0}


def read_run(file: Path) -> dict[str, list[str]]:
    """Return query id -> documents: descending by score, equal scores descending by document id."""
    rows: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        query_id, _, doc_id, _, score, _ = line.split()
        rows[query_id].append((float(score), doc_id))
    return {query_id: [doc_id for _, doc_id in sorted(own, reverse=True)] for query_id, own in rows.items()}


def count_tokens(corpus: Path, tokenizer: Path) -> dict[str, int]:
    """Return the number of tokens of every document, one text at a time."""
    tokenizers = pytest.importorskip("tokenizers")
    own = tokenizers.Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    own.no_truncation()
    with corpus.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = {row["_id"]: f"{row['title']} {row['text']}".strip() for row in rows}
    return {doc_id: len(own.encode(text, add_special_tokens=False).ids) for doc_id, text in texts.items()}


def gain_of(metric: str, grade: int) -> float:
    """Return the gain of a grade under a metric."""
    if "gains" in metric:
        return GAINS.get(grade, grade)
    return 2.0**grade - 1 if "exp" in metric else max(grade, 0)


def best_value(gains: dict[str, float], tokens: dict[str, int], budget: int) -> float:
    """Return the highest discounted cumulative gain of a list that fits: a table of the lists of every length and size.

    Documents come in descending order of gain, so that adding one at the end of a list is the best place for it.
    """
    fitting = {doc: gain for doc, gain in gains.items() if gain > 0 and tokens[doc] <= budget}
    size = min(budget, sum(tokens[doc] for doc in fitting))
    table: NDArray[np.float64] = np.full((len(fitting) + 1, size + 1), -np.inf)
    table[0, 0] = 0.0
    discounts = 1 / np.log2(np.arange(len(fitting)) + 2.0)[:, None]
    for doc in sorted(fitting, key=lambda doc: -fitting[doc]):
        longer = table[:-1, : size + 1 - tokens[doc]] + fitting[doc] * discounts
        table[1:, tokens[doc] :] = np.maximum(table[1:, tokens[doc] :], longer)
    return float(table.max())


def expected_value(
    metric: str, docs: list[str], grades: dict[str, int], tokens: dict[str, int], budget: int
) -> float:
    """Return the value of one query by the definition."""
    used = np.cumsum([tokens[doc] for doc in docs])
    inside = docs[: int((used <= budget).sum())]
    if metric == "R":
        return sum(grades.get(doc, 0) > 0 for doc in inside) / sum(grade > 0 for grade in grades.values())
    gains = {doc: gain_of(metric, grade) for doc, grade in grades.items()}
    dcg = sum(gains.get(doc, 0.0) / log2(place + 2) for place, doc in enumerate(inside))
    best = best_value(gains, tokens, budget)
    return dcg / best if best else 0.0


METRICS = ["nDCG", "nDCG(dcg='exp-log2')", "nDCG(gains={0:1,1:8,2:2})", "R"]


@pytest.mark.parametrize(
    ("collection", "judgments", "run"),
    [
        ("scifact", "qrels/test.tsv", "scifact.bm25-top100.rerank-ms-marco-MiniLM-L-6-v2.trec"),
        pytest.param("trec-dl19-pool", "qrels_in_pool.tsv", "dl19.bm25.top100.trec", marks=pytest.mark.long),
    ],
)
def test_values_at_a_budget_follow_the_definition(
    test_data: Path, collection: str, judgments: str, run: str
) -> None:
    """Every query, with budgets that fit no document, some, and all."""
    folder, budgets = test_data / "collections" / collection, (3, 60, 300, 2000, 10_000_000)
    tokenizer = test_data / "models" / "bert-base-uncased-tokenizer"
    tokens, grades = count_tokens(folder / "corpus.jsonl", tokenizer), read_judgments(folder / judgments)
    words = [word for name in METRICS for budget in budgets for word in ("-m", f"{name}@{budget}t")]
    file = test_data / "runs" / run
    done = evalkit(
        "evaluate", folder / judgments, file, *words, "--corpus", folder / "corpus.jsonl",
        "--tokenizer", tokenizer, "--per-query", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {(row["metric"], row["query_id"]): row["value"] for row in json.loads(done.stdout)}
    lists = read_run(file)
    for name in METRICS:
        for budget in budgets:
            for query_id, own in grades.items():
                expected = expected_value(name, lists.get(query_id, []), own, tokens, budget)
                assert found[f"{name}@{budget}t", query_id] == pytest.approx(expected, abs=1e-12)
