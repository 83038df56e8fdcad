"""Metrics at a budget of tokens: ``nDCG@2000t`` values what fits into a context window of 2,000 tokens.

evalkit's own definition. Documents are taken in the order of their ranks. The list ends before the document with which
the texts have more tokens than the budget: this document is left out, and so are all after it. The metric is computed
on these lists. R and AP divide by all relevant documents, whether they fit or not; the ideal list of nDCG is the best
that the budget allows (see `best_packing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.metrics import definitions
from evalkit.metrics.metric import Metric
from evalkit.metrics.ranked import JudgedLengths, RankedGrades
from evalkit.records import DocumentTokens, Qrels, Run, grade_column

Ints = NDArray[np.int64]


def has_budget(metrics: Iterable[Metric]) -> bool:
    """Return whether any metric has a budget of tokens."""
    return any(metric.budget_tokens is not None for metric in metrics)


def check(metric: Metric) -> None:
    """Check that a metric with a budget of tokens has a meaning; one without a budget passes.

    Raises
    ------
    InputError
        If it has none.
    """
    if metric.budget_tokens is None:
        return
    able = definitions.join_names([one for one in definitions.DEFINITIONS if one.at_budget], "or")
    if metric.judged_only:
        raise InputError(
            f"{metric.label!r}: judged_only removes documents from the list that use up the budget",
            "remove judged_only",
        )
    if metric.definition is None or not metric.definition.at_budget:
        reason = metric.definition.no_budget if metric.definition else ""
        takes_cutoff = metric.definition is not None and metric.definition.takes_cutoff
        other = f", or give {metric.name} a cutoff in documents" if takes_cutoff else ""
        raise InputError(
            f"{metric.label!r} has no value at a budget of tokens{f': {reason}' if reason else ''}",
            f"use {able} at a budget, e.g. nDCG@{metric.budget_tokens}t{other}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class ListLengths:
    """The lengths of the ranked lists of q queries, and of their judged documents.

    Attributes
    ----------
    query
        ``(n,)`` row of the query of each ranked document; documents are in the order of their ranks.
    used
        ``(n,)`` tokens of the list down to each document, this one included.
    judged_tokens
        ``(j,)`` tokens of the judged documents, in the order of the judgments; -1 where unknown.
    """

    query: Ints
    used: Ints
    judged_tokens: Ints

    def ends(self, budget: int, queries: int) -> Ints:
        """Return the ``(q,)`` numbers of documents before the list has more tokens than the budget."""
        return np.bincount(self.query[self.used <= budget], minlength=queries)


def list_lengths(run: Run, qrels: Qrels, query_ids: Sequence[str], metric: Metric) -> ListLengths:
    """Return the lengths of the lists and of the judged documents of some queries.

    Raises
    ------
    InputError
        If lengths were not counted, or not for a ranked document.
    """
    tokens = qrels.tokens
    if tokens is None:
        raise InputError(
            f"{metric.label!r} needs the number of tokens of every ranked document",
            "name a tokenizer: in a configuration with 'tokenizer: NAME'; on the command line with --corpus"
            " FILE --tokenizer NAME",
        )
    starts, stops = run.spans(query_ids)
    sizes = stops - starts
    query = np.repeat(np.arange(len(sizes)), sizes)
    docs = chain.from_iterable(
        run.doc_ids[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    )
    length = _tokens_of(docs, len(query), tokens)
    if (length < 0).any():
        raise _unknown_length(run, query_ids, starts, query, length)
    total = np.cumsum(length)
    above = np.concatenate(([0], total))[_first_rows(query)]
    judged = chain.from_iterable(qrels.of(query_id) for query_id in query_ids)
    number = sum(len(qrels.of(query_id)) for query_id in query_ids)
    return ListLengths(query, total - above, _tokens_of(judged, number, tokens))


def _first_rows(query: Ints) -> Ints:
    """Return the ``(n,)`` first row of each row's query; queries are ascending."""
    return np.searchsorted(query, query)


def _tokens_of(doc_ids: chain[str], number: int, tokens: DocumentTokens) -> Ints:
    counts = tokens.counts
    return np.fromiter((counts.get(doc_id, -1) for doc_id in doc_ids), dtype=np.int64, count=number)


def _unknown_length(
    run: Run, query_ids: Sequence[str], starts: Ints, query: Ints, length: Ints
) -> InputError:
    row = int(np.argmax(length < 0))
    number = int(query[row])
    place = row - int(np.searchsorted(query, number))
    doc_id, lacking = run.doc_ids[int(starts[number]) + place], int((length < 0).sum())
    more = f" and {lacking - 1} other ranked documents" if lacking > 1 else ""
    return InputError(
        f"run {run.tag!r}: the number of tokens of document {doc_id!r} (query {query_ids[number]!r}){more} is unknown",
        "give the texts of all ranked documents",
    )


def cut_lists(
    run: Run, qrels: Qrels, ranked: RankedGrades, metrics: Sequence[Metric]
) -> dict[int | None, RankedGrades]:
    """Return budget -> the lists that end at it, for every budget of the metrics.

    Parameters
    ----------
    run, qrels
        The run, and judgments with the lengths of documents.
    ranked
        The whole lists of both.
    metrics
        The metrics; those without a budget are ignored.

    Raises
    ------
    InputError
        See `list_lengths`.
    """
    with_budget = {metric.budget_tokens: metric for metric in metrics if metric.budget_tokens is not None}
    if not with_budget:
        return {}
    lengths = list_lengths(run, qrels, ranked.query_ids, next(iter(with_budget.values())))
    return {budget: _cut(qrels, ranked, lengths, budget) for budget in with_budget}


def _cut(qrels: Qrels, ranked: RankedGrades, lengths: ListLengths, budget: int) -> RankedGrades:
    ends, found = lengths.ends(budget, len(ranked)), ranked.found
    judged = [qrels.of(query_id) for query_id in ranked.query_ids]
    query = np.repeat(np.arange(len(judged)), [len(one) for one in judged])
    grades = chain.from_iterable(one.values() for one in judged)
    return replace(
        ranked,
        found=found.only(found.place <= ends[found.query]),
        retrieved=ends,
        lengths=JudgedLengths(
            query,
            grade_column([*grades]),
            lengths.judged_tokens,
            budget,
        ),
    )


def cut_run(run: Run, qrels: Qrels, metric: Metric) -> Run:
    """Return a run with the documents of the averaged queries that fit the budget of a metric.

    Raises
    ------
    InputError
        See `list_lengths`.
    """
    query_ids = qrels.answerable
    lengths = list_lengths(run, qrels, query_ids, metric)
    starts, stops = run.spans(query_ids)
    rows = np.repeat(starts, stops - starts) + np.arange(len(lengths.query)) - _first_rows(lengths.query)
    keep = np.zeros(len(run), dtype=np.bool_)
    keep[rows[lengths.used <= (metric.budget_tokens or 0)]] = True
    return run.where(keep)
