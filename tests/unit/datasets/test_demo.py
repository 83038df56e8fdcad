"""What the bundled collection promises."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from support.command import ROOT

from evalkit.datasets import load_dataset
from evalkit.datasets.demo import FOLDER
from evalkit.records import Dataset
from evalkit.text_analysis import Analyzer

FUNCTION_WORDS = (ROOT / "tests" / "support" / "function_words.txt").read_text(encoding="utf-8").split()


@pytest.fixture(scope="module")
def demo() -> Dataset:
    """Return the collection."""
    return load_dataset("demo")


def kinds() -> dict[str, str]:
    """Return query id -> kind."""
    rows: list[dict[str, Any]] = [
        orjson.loads(line) for line in (FOLDER / "queries.jsonl").read_bytes().splitlines()
    ]
    return {row["_id"]: row["metadata"]["kind"] for row in rows}


def test_the_collection_has_its_size(demo: Dataset) -> None:
    """At least 300 documents and 100 queries, no empty or repeated text, every judged document present."""
    counts = demo.origin.counts
    assert counts["documents"] >= 300
    assert counts["queries"] >= 100
    assert counts["unanswerable_queries"] >= 10
    assert counts["empty_documents"] == counts["judgments_without_document"] == 0
    assert counts["unjudged_queries_left_out"] == 0
    assert len(set(demo.corpus.texts)) == len(demo.corpus)


def test_grades_are_graded(demo: Dataset) -> None:
    """Grades run from 0 to 3, all are used, and every query has hard negatives or relevant documents judged."""
    used = Counter(g for docs in demo.qrels.grades.values() for g in docs.values())
    assert set(used) == {0, 1, 2, 3}
    assert all(len(docs) >= 4 for docs in demo.qrels.grades.values())
    assert sum(any(g == 0 for g in docs.values()) for docs in demo.qrels.grades.values()) >= 80


def test_unanswerable_queries_are_marked_and_judged(demo: Dataset) -> None:
    """The queries of kind unanswerable are exactly those without any grade above 0."""
    assert set(demo.qrels.unanswerable) == {q for q, kind in kinds().items() if kind == "unanswerable"}


def test_paraphrases_share_no_word_with_their_answers(demo: Dataset) -> None:
    """No stem of a paraphrase, function words aside, stands in a document that answers it (grade 2 or 3)."""
    analyzer = Analyzer("english")
    function_stems = {stem for word in FUNCTION_WORDS for stem in analyzer.terms(word)}
    texts = {query.query_id: query.text for query in demo.queries}
    paraphrases = [q for q, kind in kinds().items() if kind == "paraphrase"]
    assert len(paraphrases) >= 25
    for query_id in paraphrases:
        asked = set(analyzer.terms(texts[query_id])) - function_stems
        answers = [d for d, grade in demo.qrels.of(query_id).items() if grade >= 2]
        assert answers, query_id
        for doc_id in answers:
            shared = asked & set(analyzer.terms(demo.corpus.text(doc_id)))
            assert not shared, (query_id, doc_id, shared)
