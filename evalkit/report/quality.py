"""Tables of quality at the deepest depth, of the datasets, and of calls and their cost."""

from __future__ import annotations

from evalkit.report.numbers import (
    NO_VALUE,
    difference_text,
    dollars,
    interval_text,
    milliseconds,
    price_text,
)
from evalkit.report.table import Table
from evalkit.results.summary_document import CallTotals, Summary


def result_tables(summary: Summary) -> list[Table]:
    """Return the quality at the deepest depth, one table for each dataset."""
    return [_quality(summary, facts.name) for facts in summary.datasets if summary.quality]


def call_tables(summary: Summary) -> list[Table]:
    """Return the tables of attempts, of cost, and of times that servers report."""
    return [_calls(summary), *_costs(summary), *_server_times(summary)]


def _quality(summary: Summary, dataset: str) -> Table:
    depth = max(row.depth for row in summary.ceilings if row.dataset == dataset)
    at_depth = [row for row in summary.quality if (row.dataset, row.depth) == (dataset, depth)]
    metrics = list(dict.fromkeys(row.metric for row in at_depth))
    primary, first = summary.primary_metric, summary.first_stage
    cells = []
    for tag in dict.fromkeys(row.reranker for row in at_depth):
        of_tag = {row.metric: row for row in at_depth if row.reranker == tag}
        means = [interval_text(of_tag[metric].mean) for metric in metrics]
        head = of_tag[primary]
        n = f"{head.mean.n}" if not head.not_scored else f"{head.mean.n} ({head.not_scored} not scored)"
        cells.append((tag, *means, difference_text(head.difference), n))
    note = (
        f"Means with {summary.confidence:.0%} intervals over n answerable queries, {depth} candidates each;"
        f" '{primary} - {first}' is the mean paired difference with its interval."
    )
    columns = ("reranker", *metrics, f"{primary} - {first}", "n")
    return Table(f"{dataset}: quality", columns, tuple(cells), note)


def data_table(summary: Summary) -> Table:
    """Return the table of all datasets: source and counts."""
    cells = tuple(
        (
            facts.name,
            facts.location,
            str(facts.counts["documents"]),
            str(facts.counts["answerable_queries"]),
            str(facts.counts["unanswerable_queries"]),
            str(facts.empty_queries),
            str(facts.counts["judgments"]),
            f"{facts.candidates.shortest_list} to {facts.candidates.longest_list}",
        )
        for facts in summary.datasets
    )
    note = (
        "Means are over answerable queries: those with any grade above 0. Unanswerable ones were judged and"
        " nothing answers them. Empty ones found no candidate: they count as 0, and no call was made."
    )
    columns = (
        "dataset", "source", "documents", "answerable", "unanswerable", "empty", "judgments", "candidates a query",
    )  # fmt: skip
    return Table("Data", columns, cells, note, left=2)


def _calls(summary: Summary) -> Table:
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            row.pass_,
            str(row.calls),
            str(row.retried),
            str(row.throttled),
            str(row.failed),
            str(row.documents),
            _amounts(row),
            NO_VALUE if row.connections_reused is None else f"{row.connections_reused:.0%}",
        )
        for row in summary.calls
    )
    columns = (
        "dataset", "reranker", "pass", "calls", "retried", "429s", "failed", "documents", "billed",
        "connections reused",
    )  # fmt: skip
    note = (
        "A call is one attempt; a retried one failed and was followed by another. Documents are those scored."
        " Billed is what the backend said, '-' where it said nothing."
    )
    return Table("Calls", columns, cells, note, left=3)


def _amounts(row: CallTotals) -> str:
    """Return what a backend reported as billed, and how many calls did not report it."""
    amounts = (
        ("tokens", row.tokens, row.calls_without_tokens),
        ("units", row.units, row.calls_without_units),
        ("bytes", row.billed_bytes, row.calls_without_billed_bytes),
        ("characters", row.characters, row.calls_without_characters),
    )
    return (
        ", ".join(
            (f"{amount:g} {unit}" if amount != int(amount) else f"{int(amount)} {unit}")
            + (f" ({silent} calls do not say)" if silent else "")
            for unit, amount, silent in amounts
            if amount is not None
        )
        or NO_VALUE
    )


def _costs(summary: Summary) -> list[Table]:
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            price_text(row.price),
            str(row.queries),
            dollars(row.cost_usd),
            dollars(row.usd_per_thousand_queries),
        )
        for row in summary.costs
    )
    columns = ("dataset", "reranker", "price", "queries", "cost", "a thousand queries")
    note = "Cost of the quality pass, all depths it was asked for; n/a where a call did not tell the amount billed."
    return [Table("Cost", columns, cells, note, left=3)] if cells else []


def _server_times(summary: Summary) -> list[Table]:
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            row.name,
            row.of,
            row.pass_,
            str(row.median.n),
            f"n/a (has {row.median.n})"
            if row.median.estimate is None
            else interval_text(row.median, milliseconds),
        )
        for row in summary.server_times
    )
    columns = ("dataset", "reranker", "told in", "time of", "pass", "calls", "median")
    note = "Milliseconds the servers say they worked. Only 'request' may be set against a call's latency."
    return [Table("Servers' own times (ms)", columns, cells, note, left=5)] if cells else []
