"""The sample of the dependence check: which queries and documents are sent together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.inspected import candidates, dataset

from evalkit.backend_checks import ExchangedQueries, check_dependence
from evalkit.backend_checks.score_dependence import CALLS, DOCUMENTS
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.exchanged_queries import exchange_queries
from evalkit.experiment.passage_view import PassageView
from evalkit.records import Corpus
from evalkit.rerankers import load_reranker
from evalkit.reranking import Caps
from evalkit.reranking.token_estimates import request_bytes
from evalkit.results.passage_rows import PassageFacts

WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")


def data(
    queries: tuple[str, ...] = WORDS[:6],
    documents: tuple[str, ...] = tuple(f"text of {word}" for word in WORDS),
    relevant: int = 0,
    name: str = "tiny",
) -> EvalSet:
    """Return queries that all have the same candidates; document `relevant` is judged relevant to the odd ones."""
    texts = {f"d{n}": text for n, text in enumerate(documents)}
    asked = {f"q{n}": text for n, text in enumerate(queries)}
    judged = {query: {f"d{relevant}": n % 2} for n, query in enumerate(asked)}
    made = dataset(texts, asked, judged)
    return EvalSet(replace(made, name=name), candidates({query: list(texts) for query in asked}))


def exchanged(
    *eval_sets: EvalSet, size: int | None = None, seed: int = 1, depth: int = 9
) -> ExchangedQueries:
    """Return the sample."""
    return exchange_queries(eval_sets, Caps(size), seed, depth)


@given(
    queries=st.integers(2, 8),
    documents=st.integers(1, 8),
    size=st.none() | st.integers(1, 30),
    seed=st.integers(0, 9),
)
def test_all_queries_get_the_same_different_documents(
    queries: int, documents: int, size: int | None, seed: int
) -> None:
    """At most four calls, no call with more documents than it takes, no text twice."""
    sample = exchanged(data(WORDS[:queries], WORDS[:documents]), size=size, seed=seed)
    assert sample.missing is None
    assert 2 <= len(sample.requests) <= CALLS
    sent: dict[str, list[str]] = {}
    for one in sample.requests:
        assert len(one.documents) <= min(size or DOCUMENTS, DOCUMENTS)
        sent.setdefault(one.query, []).extend(one.documents)
    assert len({tuple(texts) for texts in sent.values()}) == 1
    texts = next(iter(sent.values()))
    assert len(set(texts)) == len(texts) >= 2
    assert len(sent) == (min(queries, CALLS) if (size or 9) > 1 else 2)


@pytest.mark.parametrize("size", [None, 4, 2, 1])
def test_a_query_is_among_the_documents(size: int | None) -> None:
    """So that a reranker of words has something to match, also where no candidate shares a word with a query."""
    sample = exchanged(data(documents=("zulu one", "zulu two", "zulu three")), size=size)
    assert {text for one in sample.requests for text in one.documents} & {
        one.query for one in sample.requests
    }
    lexical = load_reranker("lexical")
    check = check_dependence("r", sample, lambda one: lexical.score(one).scores, ranks=False)
    assert check.found == "dependent"


def test_relevant_documents_come_first() -> None:
    """Queries with a judged relevant candidate are preferred, and it is sent even where a call takes little."""
    for size in (None, 4):
        sample = exchanged(data(relevant=7), size=size)
        assert sample.answerable == 3
        assert [one.query_id for one in sample.requests[3:]] != ["q1"]
        assert {one.query_id for one in sample.requests} > {"q1", "q3", "q5"}
        assert all("d7" in one.doc_ids for one in sample.requests)
    assert exchanged(data(relevant=7), depth=3).answerable == 0


def test_the_seed_draws_the_queries() -> None:
    """The same ones for the same seed; others may be drawn for another."""
    drawn = [tuple(one.query_id for one in exchanged(data(WORDS), seed=seed).requests) for seed in range(9)]
    assert len(set(drawn)) > 1
    assert drawn == [
        tuple(one.query_id for one in exchanged(data(WORDS), seed=seed).requests) for seed in range(9)
    ]


@pytest.mark.parametrize(
    ("eval_set", "missing"),
    [
        (data(WORDS[:1]), "no two queries with candidates differ in their words"),
        (data(("Alpha?", "alpha", "alpha the")), "no two queries with candidates differ in their words"),
        (data(("the", "???", "und", "1")), "no two queries with candidates differ in their words"),
        (data(()), "no query has candidates"),
    ],
    ids=["one query", "the same words", "no words", "no query"],
)
def test_what_cannot_be_compared_says_why(eval_set: EvalSet, missing: str) -> None:
    """Nothing is sent: a reranker of words could not tell these queries apart."""
    sample = exchanged(eval_set)
    assert (sample.requests, sample.missing) == ((), missing)


def test_texts_that_are_empty_or_the_same_are_sent_once() -> None:
    """Case and white space make no difference."""
    sample = exchanged(data(documents=("", " ", "One  text", "one text", "alpha")))
    assert sorted(sample.requests[0].documents) == sorted(
        {"One  text", "alpha", *(one.query for one in sample.requests)}
    )


def test_the_first_dataset_that_can_be_compared_is_sent() -> None:
    """Others are passed over; if none can be compared, the reason is that of the first with candidates."""
    poor = data(WORDS[:1], name="poor")
    assert exchanged(data((), name="empty"), poor, data(name="rich")).dataset == "rich"
    found = exchanged(data((), name="empty"), poor, data(("the",), name="other"))
    assert (found.dataset, found.requests) == ("poor", ())


def test_a_limit_in_bytes_counts_too() -> None:
    """As many documents as fit; where only one fits, two queries are sent with two documents each."""
    long = data(documents=tuple(f"{word} " * 50 for word in WORDS))
    few = exchange_queries([long], Caps(bytes=700), 1, 9)
    assert all(request_bytes(one.query, one.documents) <= 700 for one in few.requests)
    assert {len(one.documents) for one in few.requests} == {6}, "two long documents, and four short ones"
    single = exchange_queries([long], Caps(bytes=100), 1, 9)
    assert [len(one.documents) for one in single.requests] == [1] * CALLS


def test_passages_of_relevant_documents_are_sent() -> None:
    """The first passages of a relevant document replace those of the first candidates, as its text would."""
    one = data(relevant=7)
    ids = {doc: (f"{doc}#1", f"{doc}#2") for doc in one.dataset.corpus.doc_ids}
    texts = {sent: f"{one.dataset.corpus.text(doc)} {sent}" for doc, own in ids.items() for sent in own}
    corpus = Corpus(tuple(texts), tuple(texts.values()))
    facts = PassageFacts("t", "0" * 64, 2, 0, "max", 8, 16, 2.0, 2)
    passages = PassageView(replace(one.dataset, corpus=corpus), ids, "max", facts)
    sample = exchanged(replace(one, passages=passages), depth=8)
    assert any("d7#" in text for request in sample.requests for text in request.documents)
