"""How often the check of scores blames what is right, and finds what is wrong, on real queries and documents.

Right are rerankers of words, rounded, cut off at 0 or turned into ranks, over candidates that match and candidates
drawn at random: no query needs to share a word with any of them. ``pytest -s`` prints the counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.configs import config_of
from support.faulty import hashed_score

from evalkit.backend_checks import check_dependence
from evalkit.experiment.eval_sets import EvalSet, prepare_eval_sets
from evalkit.experiment.exchanged_queries import exchange_queries
from evalkit.records import RerankRequest, Run
from evalkit.rerankers import load_reranker
from evalkit.reranking import Caps

Scores = NDArray[np.float64]
LANGUAGES = {"xquad/de": "german", "xquad/ar": "arabic", "xquad/zh": "chinese"}
COLLECTIONS = ("scifact", "cranfield", "cisi", "medline", "trec-dl19-pool", "xquad/en", *LANGUAGES)
SIZES = (None, 8, 4, 2, 1)
"""Most documents of a call."""


def lexical(request: RerankRequest, language: str = "english") -> Scores:
    """Return the scores of the lexical reranker."""
    return load_reranker("lexical", language=language).score(request).scores


def shared_words(request: RerankRequest) -> Scores:
    """Return the share of the query's words that a document has: exactly 0 for most."""
    words = set(request.query.lower().split())
    return np.array([len(words & set(text.lower().split())) / len(words) for text in request.documents])


def pairs(request: RerankRequest) -> Scores:
    """Return the hash of each pair."""
    return np.array([hashed_score(request.query, text) for text in request.documents])


def texts(request: RerankRequest) -> Scores:
    """Return the hash of each document: the query is ignored."""
    return np.array([hashed_score("", text) for text in request.documents])


RIGHT: dict[str, Callable[[RerankRequest], Scores]] = {
    "lexical": lexical,
    "half precision": lambda one: lexical(one).astype(np.float16).astype(np.float64),
    "two digits": lambda one: np.round(1 / (1 + np.exp(-lexical(one))), 2),
    "saturated": lambda one: np.round(1 / (1 + np.exp(2 - 3 * lexical(one))), 2),
    "cut off at 0": lambda one: np.where(shared_words(one) < 0.6, 0.0, np.round(shared_words(one), 2)),
    "ranks": lambda one: np.argsort(np.argsort(lexical(one), kind="stable")) + 1.0,
    "pairs": pairs,
    "hardly the query": lambda one: texts(one) + 0.01 * pairs(one),
}
WRONG: dict[str, Callable[[RerankRequest], Scores]] = {
    "constant": lambda one: np.full(len(one.documents), 0.5),
    "lengths": lambda one: np.array([float(len(text)) for text in one.documents]),
    "documents, two digits": lambda one: np.round(texts(one), 2),
    "documents, with noise": lambda one: texts(one) + 1e-7 * pairs(one),
    "queries": lambda one: np.full(len(one.documents), hashed_score(one.query, "")),
    "places": lambda one: 1 / (1.0 + np.arange(len(one.documents))),
}


def with_random_candidates(eval_set: EvalSet) -> EvalSet:
    """Return the dataset with candidates that have nothing to do with the query."""
    rng, doc_ids = np.random.default_rng(0), eval_set.dataset.corpus.doc_ids
    rows = [
        (query.query_id, doc_ids[place], -float(rank))
        for query in eval_set.dataset.queries
        for rank, place in enumerate(rng.choice(len(doc_ids), 20, replace=False).tolist())
    ]
    query_ids, found, scores = zip(*rows, strict=True)
    return EvalSet(eval_set.dataset, Run.from_rows("random", query_ids, found, scores))


def alarms_and_misses(eval_set: EvalSet, seeds: int) -> tuple[list[str], list[str], int]:
    """Return what is blamed wrongly, what is missed where a call takes 8 documents or more, and how much was tried."""
    alarms, misses, tried = [], [], 0
    for size in SIZES:
        for seed in range(seeds):
            sample = exchange_queries([eval_set], Caps(size), seed, 50)
            for name, score in RIGHT.items():
                check = check_dependence(name, sample, score, ranks=name == "ranks")
                tried += 1
                if "broken" in {check.on_query, check.on_document}:
                    alarms.append(f"{name}, calls of {size}, seed {seed}: {check.evidence()}")
            for name, score in WRONG.items() if size in {None, 8} else ():
                check = check_dependence(name, sample, score, ranks=False)
                if "broken" not in {check.on_query, check.on_document}:
                    misses.append(f"{name}, calls of {size}, seed {seed}: {check.evidence()}")
    return alarms, misses, tried


def judge(eval_set: EvalSet, name: str, seeds: int) -> None:
    """Fail if anything right is blamed or anything wrong is missed, with candidates that match and random ones."""
    for kind, one in (("matching", eval_set), ("random", with_random_candidates(eval_set))):
        alarms, misses, tried = alarms_and_misses(one, seeds)
        sys.stdout.write(f"{name}, {kind} candidates: {len(alarms)} false alarms in {tried} checks\n")
        assert not alarms
        assert not misses


def test_nothing_right_is_blamed_on_the_demo(tmp_path: Path) -> None:
    """And everything wrong is found."""
    (eval_set,) = prepare_eval_sets(config_of(tmp_path, datasets=["demo"], retriever={"depth": 50}))
    judge(eval_set, "demo", seeds=2)


@pytest.mark.long
@pytest.mark.parametrize("name", COLLECTIONS)
def test_nothing_right_is_blamed_on_real_collections(name: str, tmp_path: Path, test_data: Path) -> None:
    """In four languages, also where the lexical reranker has the wrong one."""
    block = {"source": "beir_folder", "path": str(test_data / "collections" / name), "split": "test"}
    language = LANGUAGES.get(name, "english")
    config = config_of(tmp_path, datasets=[block], retriever={"depth": 50, "language": language})
    (eval_set,) = prepare_eval_sets(config)
    judge(eval_set, name, seeds=6)
