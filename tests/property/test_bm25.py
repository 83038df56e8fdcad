"""Laws of BM25: its scores, its order, its parts."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from support.bm25 import plain_search, scores_of, scores_of_bm25s

from evalkit.config import validate_block
from evalkit.config.blocks import DatasetSettings
from evalkit.datasets.assemble import Parts, RawDocument, assemble
from evalkit.records import Dataset, Qrels, Query, Run
from evalkit.retrievers import (
    bm25_scores,
    bm25_search,
    bm25_tokens,
    open_retriever,
    retrieve_candidates,
)
from evalkit.retrievers.bm25 import rank_ids
from evalkit.retrievers.bm25_counts import count, merge_statistics
from evalkit.retrievers.bm25_index import split_rows
from evalkit.retrievers.bm25_scores import Bm25Index, score
from evalkit.retrievers.bm25_search import TopDocuments, merge, search
from evalkit.text_analysis import Analyzer

WORDS = ["apple", "berry", "cherry", "plum", "grape"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
any_words = st.lists(
    st.sampled_from([*WORDS, "the", "x", "Äpfel", "naïve", "तीन", "東京", "ﬁne", "İI", "U.S."]), max_size=9
)
any_texts = st.one_of(any_words.map(" ".join), st.text(st.characters(), max_size=20))
weights = {"k1": st.sampled_from([0.0, 0.9, 1.5]), "b": st.sampled_from([0.0, 0.4, 1.0])}
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


@given(corpus=corpora, query=texts, depth=st.integers(1, 12))
def test_a_cut_never_splits_by_chance(corpus: dict[str, str], query: str, depth: int) -> None:
    """A shallower list is the beginning of a deeper one, ties at the cut included."""
    assert retrieve(corpus, query, depth).docs("q") == retrieve(corpus, query, 100).docs("q")[:depth]


@given(
    text=any_texts,
    language=st.sampled_from(["english", "german", "arabic", "hindi", "turkish", "chinese", "thai"]),
)
def test_terms_are_counted_as_the_analyzer_gives_them(text: str, language: str) -> None:
    """Whatever the text: with or without letters of ASCII, stop words, single letters, repeats, lone surrogates."""
    analyzer = Analyzer(language)
    counts = count([text, text], analyzer)
    held = dict(zip(counts.terms.to_pylist(), counts.counts[::2].tolist(), strict=True))
    assert held == Counter(analyzer.terms(text))
    assert counts.rows.tolist() == [0, 1] * len(held)
    assert counts.lengths.tolist() == [len(analyzer.terms(text))] * 2


@given(documents=st.lists(any_texts, max_size=12), **weights)
def test_scores_are_those_of_bm25s(documents: list[str], k1: float, b: float) -> None:
    """Bit for bit, for the same terms in the same documents; documents may be empty, or all be."""
    analyzer = Analyzer("english")
    counts = count(documents, analyzer)
    ours = scores_of(score(counts, counts.statistics, k1, b))
    assert ours == scores_of_bm25s(analyzer.all_terms(documents), k1, b)


@given(documents=st.lists(any_texts, max_size=12))
def test_pieces_of_work_change_nothing(documents: list[str]) -> None:
    """Texts encoded together and scores computed together may be few or many."""
    analyzer = Analyzer("english")
    counts = count(documents, analyzer)
    whole = scores_of(score(counts, counts.statistics, 0.9, 0.4))
    with patch.object(bm25_tokens, "_CHUNK_CHARACTERS", 10), patch.object(bm25_scores, "_BLOCK", 2):
        counts = count(documents, analyzer)
        assert scores_of(score(counts, counts.statistics, 0.9, 0.4)) == whole


Sent = TypeVar("Sent")


def sent(value: Sent) -> Sent:
    """Return what arrives in another process."""
    return pickle.loads(pickle.dumps(value))  # type: ignore[no-any-return]  # noqa: S301


@given(
    documents=st.lists(any_texts, max_size=12),
    queries=st.lists(any_texts, max_size=4),
    shards=st.integers(1, 5),
    depth=st.integers(1, 12),
    data=st.data(),
)
def test_parts_are_one_index(
    documents: list[str], queries: list[str], shards: int, depth: int, data: st.DataObject
) -> None:
    """Counted, scored and searched apart, with nothing but values sent between: the same list, bit for bit."""
    analyzer = Analyzer("english")
    ranks = np.array(data.draw(st.permutations(range(len(documents)))), dtype=np.int64)
    asked = analyzer.all_terms(queries)
    parts = split_rows(len(documents), shards)
    counts = [sent(count(documents[part], sent(analyzer))) for part in parts]
    whole = sent(merge_statistics(sent(one.statistics) for one in counts))
    indexes = [sent(score(one, whole, 0.9, 0.4)) for one in counts]
    tops = [
        sent(search(index, ranks[part], asked, depth)) for index, part in zip(indexes, parts, strict=True)
    ]
    alone = count(documents, analyzer)
    expected = search(score(alone, alone.statistics, 0.9, 0.4), ranks, asked, depth)
    assert rows(merge(tops, depth)) == rows(expected)


def rows(tops: TopDocuments) -> list[list[tuple[int, float]]]:
    """Return id rank and score of each row, by query."""
    return [list(zip(ranks.tolist(), scores.tolist(), strict=True)) for ranks, scores in tops]


def skewed_index(seed: int, documents: int) -> Bm25Index:
    """Return an index whose terms are rare with high scores, or common with low ones, as those of a query are.

    Some scores are equal, and the lowest are so low that a sum depends on its order.
    """
    rng = np.random.default_rng(seed)
    held, scores = [], []
    for _ in range(6):
        share = rng.choice([0.02, 0.1, 0.5, 0.9])
        held.append(np.flatnonzero(rng.random(documents) < share).astype(np.int32))
        rows = len(held[-1])
        spread = rng.choice([rng.random(rows), rng.integers(1, 4, rows) / 4, np.zeros(rows)])
        scores.append(np.float32((1e-9 if share == 0.9 else -np.log(share)) * (0.5 + spread)))
    found = [one for one in range(6) if len(held[one])]
    indptr = np.cumsum([0, *(len(held[one]) for one in found)])
    data = np.concatenate([np.empty(0, np.float32), *scores])
    terms = pa.array([f"t{one}" for one in found], pa.large_string())
    return Bm25Index(terms, indptr, np.concatenate(held), data, np.maximum.reduceat(data, indptr[:-1]))


@given(
    seed=st.integers(0, 2**32 - 1),
    documents=st.sampled_from([1, 10, 300]),
    query=st.lists(st.integers(0, 7).map("t{}".format), max_size=8),
    depth=st.integers(1, 12),
    lookup=st.sampled_from([0, 8]),
    many=st.sampled_from([0, 1 << 17]),
    common=st.sampled_from([0, 16]),
    group=st.sampled_from([1, 2, 64]),
)
def test_rows_that_are_never_read_would_not_have_been_found(
    seed: int, documents: int, query: list[str], depth: int, lookup: int, many: int, common: int, group: int
) -> None:
    """However much is left out: the same as all sums in the order of terms and one sort, bit for bit."""
    index = skewed_index(seed, documents)
    ranks = np.random.default_rng(seed).permutation(documents)
    with (
        patch.object(bm25_search, "_LOOKUP_COST", lookup),
        patch.object(bm25_search, "_MIN_POSTINGS_TO_PRUNE", many),
        patch.object(bm25_search, "_COMMON_SHARE", common),
        patch.object(bm25_search, "_GROUP", group),
    ):
        found = search(index, ranks, [query, query], depth)
    expected = plain_search(scores_of(index), ranks.tolist(), query, depth)
    assert rows(found) == [expected, expected]


@given(ids=st.lists(st.text(), unique=True))
def test_ranks_are_the_ascending_order_of_ids(ids: list[str]) -> None:
    """As Python compares them, code point by code point."""
    ranks = rank_ids(ids).tolist()
    assert [doc_id for _, doc_id in sorted(zip(ranks, ids, strict=True))] == sorted(ids)


@given(corpus=corpora, query=texts, depth=st.integers(1, 12), shards=st.integers(1, 4))
def test_the_retriever_gives_a_run_in_its_order(
    corpus: dict[str, str], query: str, depth: int, shards: int
) -> None:
    """Its columns are what sorting its rows anew would give, whatever the number of parts."""
    run = retrieve(corpus, query, depth, shards=shards)
    assert same(run, retrieve(corpus, query, depth))
    anew = Run.from_rows("bm25", ["q"] * len(run), run.doc_ids, run.scores)
    assert same(run, anew)


def same(one: Run, other: Run) -> bool:
    """Return whether two runs have the same rows in the same order, bit for bit."""
    columns = (one.query_ids, one.doc_ids, one.offsets.tolist(), one.scores.tolist())
    return columns == (other.query_ids, other.doc_ids, other.offsets.tolist(), other.scores.tolist())
