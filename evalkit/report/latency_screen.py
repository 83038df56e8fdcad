"""The first screen of a result without quality: the latency of each reranker."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.report.cards import Card, call_time
from evalkit.report.decision import Decision
from evalkit.report.latency_sentences import capacity_lines, limit_lines
from evalkit.report.numbers import Figure, milliseconds
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.summary_document import LatencyRow, Summary

MOST_CARDS = 6


def latency_decision(summary: Summary, *, provisional: bool) -> Decision:
    """Return the median latency of each reranker at the largest batch size that all have."""
    rows = _rows_at_common_size(summary)
    if not rows:
        return Decision("measured", None, "No call was timed", "", provisional)
    size = rows[0].batch_size
    parts = ", ".join(f"{row.reranker} {milliseconds(row.p50_s.estimate)} ms" for row in rows)
    headline = f"{parts} (median, {size} document{'s' * (size > 1)})"
    return Decision("measured", None, headline, f"One call at a time on {rows[0].dataset}.", provisional)


def _rows_at_common_size(summary: Summary) -> list[LatencyRow]:
    """Return the rows of one call at a time on the first dataset, the fastest first."""
    if not summary.latency:
        return []
    dataset = summary.latency[0].dataset
    tags = dict.fromkeys(row.reranker for row in summary.latency if row.dataset == dataset)
    timed = {tag: summary.quantiles_alone(dataset, tag, "p50") for tag in tags}
    common = set.intersection(*(set(sizes) for sizes in timed.values()))
    if not common:
        return []
    rows = [summary.alone(dataset, tag)[max(common)] for tag in tags]
    return sorted(rows, key=lambda row: row.p50_s.estimate or 0.0)


def latency_cards(summary: Summary, latency: LatencyAnswers) -> tuple[Card, ...]:
    """Return one card for each reranker on the first dataset: p95 at the largest batch size, cost of a call, limits."""
    rows = _rows_at_common_size(summary)
    return tuple(_card(row, latency) for row in rows[:MOST_CARDS])


def _card(row: LatencyRow, latency: LatencyAnswers) -> Card:
    p95 = milliseconds(row.p95_s.estimate)
    figure = f"{p95} ms p95" if isinstance(p95, Figure) else f"{milliseconds(row.p50_s.estimate)} ms median"
    lines = [f"One call with {row.batch_size} documents.", *_sentences(row, latency)]
    return Card(row.reranker, figure, tuple(lines))


def _sentences(row: LatencyRow, latency: LatencyAnswers) -> Iterator[str]:
    """Yield the cost of a call, the largest load within a limit, and the capacity."""

    def of_row(rows: list[str]) -> Iterator[str]:
        return (f"{line[:1].upper()}{line[1:]}" for line in rows)

    key = (row.dataset, row.reranker)
    for fit in latency.fits:
        if (fit.dataset, fit.reranker) == key and (text := call_time(fit)):
            yield text
    limits = [one for one in latency.limits if (one.dataset, one.reranker) == key]
    capacity = [one for one in latency.capacity if (one.dataset, one.reranker) == key]
    yield from of_row([*limit_lines(limits), *capacity_lines(capacity)])
