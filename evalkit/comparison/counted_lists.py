"""The documents that a metric counts: those that raters have to judge for a value that rests on their grades alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.metrics import parse_metric
from evalkit.metrics.token_budget import list_lengths
from evalkit.records import DocumentTokens, Qrels, Run


def counted_lists(
    run: Run, query_ids: Sequence[str], metric: str, tokens: DocumentTokens | None = None
) -> Iterator[tuple[str, ...]]:
    """Yield the part of each ranked list that a metric counts.

    It ends at the cutoff of the metric, or where the next document exceeds its budget of tokens. A metric without both
    counts the whole list.

    Parameters
    ----------
    run, query_ids
        The ranked lists, and which of them; a query that the run lacks has an empty list.
    metric
        The metric.
    tokens
        Lengths of documents, for a metric at a budget of tokens.

    Raises
    ------
    InputError
        If the metric has a budget of tokens, and the length of a ranked document is unknown.
    """
    parsed = parse_metric(metric)
    ends: list[int | None] = [parsed.cutoff] * len(query_ids)
    if parsed.budget_tokens is not None:
        lengths = list_lengths(run, Qrels({}, tokens=tokens), query_ids, parsed)
        ends = [*lengths.ends(parsed.budget_tokens, len(query_ids)).tolist()]
    for query_id, end in zip(query_ids, ends, strict=True):
        yield tuple(run.docs(query_id)[:end])


def counted_pool(
    runs: Sequence[Run], query_ids: Sequence[str], metric: str, tokens: DocumentTokens | None = None
) -> dict[str, dict[str, None]]:
    """Return query id -> the documents that a metric counts in any of some runs, each once; see `counted_lists`."""
    pools: dict[str, dict[str, None]] = {query_id: {} for query_id in query_ids}
    for run in runs:
        for query_id, docs in zip(query_ids, counted_lists(run, query_ids, metric, tokens), strict=True):
            pools[query_id].update(dict.fromkeys(docs))
    return pools


def counted_depth(run: Run, metric: str, tokens: DocumentTokens | None = None) -> int:
    """Return how many documents a metric counts of the longest list; see `counted_lists`."""
    return max(map(len, counted_lists(run, run.query_ids, metric, tokens)), default=0)
