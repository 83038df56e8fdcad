"""Check candidate lists: whether they are complete, and how many candidates are judged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import DataFinding, first
from evalkit.metrics import evaluate, parse_metric
from evalkit.plurals import number_of
from evalkit.records import RELEVANT_GRADE

WELL_JUDGED = 0.9
"""Below this share of judged documents in the top ranks, pooled judgments are assumed to bias metric values."""


def short_lists(data: CheckInput) -> Iterator[DataFinding]:
    """Find queries with fewer candidates than requested, or none."""
    run = data.candidates
    if run is None:
        return
    requested = min(data.depth, len(data.dataset.corpus))
    lengths = {query.query_id: len(run.docs(query.query_id)) for query in data.dataset.queries}
    none = [query for query, length in lengths.items() if length == 0]
    allowed = {query_id: _allowed(data, query_id) for query_id in lengths}
    short = [q for q, n in lengths.items() if 0 < n < min(requested, allowed[q])]
    if none:
        answerable = len(set(none) & set(data.qrels.answerable))
        yield DataFinding(
            data.name,
            "no_candidates",
            "error" if len(none) == len(lengths) else "warning",
            f"{number_of(len(none), 'query', 'queries')} of {len(lengths)} without candidates",
            {"queries": len(none), "answerable": answerable},
            first(none),
            f"{number_of(answerable, 'of them is', 'of them are')} included in every mean, with value"
            " 0 for every system",
            "check the language and tokenizer of the retriever, or use a dense retriever",
        )
    if short:
        found = [lengths[query] for query in short]
        yield DataFinding(
            data.name,
            "short_lists",
            "note",
            f"{number_of(len(short), 'query', 'queries')} of {len(lengths)} with fewer than"
            f" {requested} candidates (minimum {min(found)}, median {int(np.median(found))})",
            {"queries": len(short), "asked": requested, "shortest": min(found)},
            first(short),
            "for these queries the actual depth is lower and the calls are smaller",
            "no action needed; if there are many, a dense retriever finds more candidates",
        )
    if data.depth >= len(data.dataset.corpus):
        yield DataFinding(
            data.name,
            "depth_beyond_corpus",
            "note",
            f"the depth is {data.depth}, the corpus has {number_of(len(data.dataset.corpus), 'document')}",
            {"depth": data.depth, "documents": len(data.dataset.corpus)},
            (),
            "the retriever selects nothing, so the results do not transfer to a large corpus",
            "lower retriever.depth, or use a larger corpus",
        )


def _allowed(data: CheckInput, query_id: str) -> int:
    """Return the number of documents that may be candidates of a query; in a small corpus it limits the list."""
    dataset = data.dataset
    excluded = {doc_id for doc_id in dataset.excluded.get(query_id, ()) if doc_id in dataset.corpus}
    if dataset.origin.exclude_same_id and query_id in dataset.corpus:
        excluded.add(query_id)
    return len(dataset.corpus) - len(excluded)


def judged_share(data: CheckInput) -> Iterator[DataFinding]:
    """Report the share of judged candidates at every cutoff and at the depth, or at the longest list."""
    if data.candidates is None or not data.qrels.answerable:
        return
    longest = int(np.diff(data.candidates.offsets).max(initial=0))
    deepest = min(data.depth, longest or data.depth)
    cutoffs = {metric.cutoff for metric in data.metrics if metric.cutoff} | {10, deepest}
    ranks = sorted(cutoff for cutoff in cutoffs if cutoff <= deepest)
    labels = [f"Judged@{rank}" for rank in ranks]
    values = evaluate(data.candidates, data.qrels, [parse_metric(label) for label in labels])
    shares = {label: float(values.of(label).mean()) for label in labels}
    pooled = any(grade < RELEVANT_GRADE for docs in data.qrels.grades.values() for grade in docs.values())
    at_ten = shares[f"Judged@{min(10, deepest)}"]
    yield DataFinding(
        data.name,
        "judged_share",
        "warning" if pooled and at_ten < WELL_JUDGED else "note",
        "share of judged candidates: "
        + ", ".join(f"{share:.1%} ({label})" for label, share in shares.items()),
        dict(shares),
        (),
        "unjudged documents count as not relevant, so systems that retrieve them are penalised",
        "compare each difference with its condensed value in the report, and judge the documents that"
        " the contenders retrieve",
    )
