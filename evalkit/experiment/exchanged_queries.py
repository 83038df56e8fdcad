"""The sample of the dependence check: a few queries of a dataset, each with the same documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

import numpy as np

from evalkit.backend_checks.score_dependence import CALLS, DOCUMENTS, ExchangedQueries
from evalkit.experiment.eval_sets import EvalSet
from evalkit.records import Query, RerankRequest
from evalkit.reranking import Caps, call_ends
from evalkit.text_analysis import normal_form
from evalkit.text_analysis.content_words import content_words

_LOOKED_AT = 64
"""Queries of a random sample among which those with a judged relevant candidate are preferred."""


def exchange_queries(eval_sets: Sequence[EvalSet], caps: Caps, seed: int, depth: int) -> ExchangedQueries:
    """Return the requests of the first dataset that has enough different queries and documents.

    The documents are candidates of all sampled queries, judged relevant ones first, and the texts of the queries
    themselves: each query then shares its words with a document, also where no candidate contains them.

    Parameters
    ----------
    eval_sets
        Datasets with their candidates.
    caps
        Limits of one call.
    seed
        Seed of the random sample.
    depth
        Candidates per query that are considered.
    """
    missing = ExchangedQueries("", (), missing="no query has candidates")
    for eval_set in eval_sets:
        if len(eval_set.candidates):
            found = _exchange(eval_set, caps, seed, depth)
            if found.missing is None:
                return found
            missing = missing if missing.dataset else found
    return missing


def _exchange(eval_set: EvalSet, caps: Caps, seed: int, depth: int) -> ExchangedQueries:
    """Return the requests of one dataset."""
    name = eval_set.dataset.name
    sampled = _sampled_queries(eval_set, seed, depth)
    if len(sampled) < 2:
        return ExchangedQueries(name, (), missing="no two queries with candidates differ in their words")
    documents = list(islice(_distinct(_in_turn(sampled)), DOCUMENTS))
    longest = max((one.query.instructed_text for one in sampled), key=len)
    in_one_call = next(call_ends(longest, tuple(one.text for one in documents), caps), 0)
    if len(documents) < 2:
        return ExchangedQueries(name, (), missing="no two candidates differ in their text")
    calls = (
        1 if in_one_call > 1 else 2
    )  # where a call takes one document, two queries are sent with two documents
    queries, documents = sampled[: CALLS // calls], documents[: max(in_one_call, 2)]
    sent = {one.doc_id for one in documents}
    return ExchangedQueries(
        name,
        tuple(
            RerankRequest(
                one.query.query_id,
                one.query.text,
                tuple(document.text for document in part),
                tuple(document.doc_id for document in part),
                instruction=one.query.instruction,
            )
            for one in queries
            for part in ([documents] if calls == 1 else [[document] for document in documents])
        ),
        answerable=sum(not sent.isdisjoint(one.relevant) for one in queries),
    )


@dataclass(frozen=True, slots=True)
class _Document:
    """A document of the sample; its id is no document's where its text is that of a query."""

    doc_id: str
    text: str


@dataclass(frozen=True, slots=True)
class _SampledQuery:
    """A query with its candidates, judged relevant ones first."""

    query: Query
    relevant: frozenset[str]
    candidates: tuple[_Document, ...]

    def documents(self, *, text_first: bool) -> Iterator[_Document]:
        """Yield the first candidate and the text of the query, in either order, then the other candidates."""
        first, *others = self.candidates
        text = _Document(f"query {self.query.query_id}", self.query.text)
        yield from (text, first) if text_first else (first, text)
        yield from others


def _sampled_queries(eval_set: EvalSet, seed: int, depth: int) -> list[_SampledQuery]:
    """Return a few random queries that differ in their words, those with a relevant candidate first."""
    with_candidates = [one for one in eval_set.dataset.queries if eval_set.candidates.docs(one.query_id)]
    drawn = np.random.default_rng(seed).permutation(len(with_candidates))[:_LOOKED_AT]
    different: dict[frozenset[str], Query] = {}
    for place in drawn.tolist():
        if words := content_words(with_candidates[place].text):
            different.setdefault(words, with_candidates[place])
    sampled = [_with_candidates(eval_set, query, depth) for query in different.values()]
    return sorted(sampled, key=lambda one: not one.relevant)[:CALLS]


def _with_candidates(eval_set: EvalSet, query: Query, depth: int) -> _SampledQuery:
    """Return a query with as many of its candidates as may be sent."""
    grades = eval_set.dataset.qrels.of(query.query_id)
    found = eval_set.sent_docs(query.query_id, depth)
    relevant = [sent_id for sent_id in found if grades.get(eval_set.document_of(sent_id), 0) > 0]
    chosen = list(dict.fromkeys((*relevant[:2], *found)))[:DOCUMENTS]
    texts = tuple(_Document(doc_id, eval_set.sent_dataset.corpus.text(doc_id)) for doc_id in chosen)
    return _SampledQuery(query, frozenset(relevant), texts)


def _in_turn(sampled: Sequence[_SampledQuery]) -> Iterator[_Document]:
    """Yield one document of each query, then another one of each.

    The first ones are a candidate and a query's text by turns, so that both are sent where a call takes few documents.
    """
    lists = (one.documents(text_first=place % 2 == 1) for place, one in enumerate(sampled))
    for documents in zip_longest(*lists):
        yield from (document for document in documents if document is not None)


def _distinct(documents: Iterator[_Document]) -> Iterator[_Document]:
    """Yield the documents whose text is neither empty nor that of an earlier one."""
    seen = {""}
    for document in documents:
        form = normal_form(document.text)
        if form not in seen:
            seen.add(form)
            yield document
