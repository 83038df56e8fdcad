"""Laws of BM25's order."""

from __future__ import annotations

from typing import Any

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.config import validate_block
from evalkit.config.blocks import DatasetSettings
from evalkit.datasets.assemble import Parts, RawDocument, assemble
from evalkit.records import Dataset, Qrels, Query, Run
from evalkit.retrievers import open_retriever, retrieve_candidates
from evalkit.terms import Analyzer

WORDS = ["apple", "berry", "cherry", "plum", "grape"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
corpora = st.dictionaries(st.integers(0, 30).map(lambda n: f"doc{n}"), texts, min_size=2, max_size=12)


def dataset(corpus: dict[str, str], query: str) -> Dataset:
    """Return a dataset of one query."""
    documents = [RawDocument(d, "", text) for d, text in corpus.items()]
    parts = Parts("test", None, documents, [Query("q", query)], Qrels({"q": {"doc0": 1}}))
    return assemble(DatasetSettings(source="test"), parts)


def retrieve(corpus: dict[str, str], query: str, depth: int, **settings: Any) -> Run:
    """Return BM25's candidates."""
    checked = validate_block("retriever kind", {"kind": "bm25", **settings})
    held = dataset(corpus, query)
    return retrieve_candidates(open_retriever(checked, held), held, depth)  # type: ignore[arg-type]


@given(corpus=corpora, query=texts, depth=st.integers(1, 12), data=st.data())
def test_the_order_of_the_corpus_does_not_matter(
    corpus: dict[str, str], query: str, depth: int, data: st.DataObject
) -> None:
    """Shuffling the corpus file changes neither the documents returned, nor their order, nor a bit of a score."""
    shuffled = dict(data.draw(st.permutations(list(corpus.items()))))
    first, second = retrieve(corpus, query, depth), retrieve(shuffled, query, depth)
    assert first.docs("q") == second.docs("q")
    assert np.array_equal(first.scores, second.scores)


@given(corpus=corpora, query=texts)
def test_scores_are_those_of_bm25s(corpus: dict[str, str], query: str) -> None:
    """Every returned score is the one bm25s computes, and exactly the documents it scores above 0 are returned."""
    analyzer = Analyzer("english")
    model = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
    model.index(analyzer.all_terms(corpus.values()), show_progress=False)
    theirs = dict(zip(corpus, model.get_scores(analyzer.terms(query)).tolist(), strict=True))
    run = retrieve(corpus, query, len(corpus))
    ours = dict(zip(run.docs("q"), run.scores.tolist(), strict=True))
    assert set(ours) == {d for d, score in theirs.items() if score > 0}
    assert ours == pytest.approx({d: theirs[d] for d in ours}, rel=1e-5)


@given(corpus=corpora, query=texts, depth=st.integers(1, 12))
def test_a_cut_never_splits_by_chance(corpus: dict[str, str], query: str, depth: int) -> None:
    """A shallower list is the beginning of a deeper one, ties at the cut included."""
    assert retrieve(corpus, query, depth).docs("q") == retrieve(corpus, query, 100).docs("q")[:depth]
