"""Tables of quality at the deepest depth, of the datasets, and of calls and their cost."""

from __future__ import annotations

from collections.abc import Collection

from evalkit.report.candidate_counts import candidate_count
from evalkit.report.numbers import (
    NO_VALUE,
    difference_text,
    dollars,
    interval_text,
    level_text,
    milliseconds_text,
    price_text,
)
from evalkit.report.table import Table
from evalkit.results.call_totals_row import CallTotals
from evalkit.results.summary_document import DatasetSummary, Summary


def result_tables(summary: Summary, lacking: Collection[tuple[str, str]] = ()) -> list[Table]:
    """Return the quality at the deepest depth, one table for each dataset.

    `lacking` has dataset and name of each system whose file lacks queries: it has no difference.
    """
    return [
        _quality(summary, facts, {name for dataset, name in lacking if dataset == facts.name})
        for facts in summary.datasets
        if summary.quality
    ]


def call_tables(summary: Summary) -> list[Table]:
    """Return the tables of attempts, of cost, and of times that servers report."""
    calls = [_calls(summary)] if summary.calls else []
    return [*calls, *_costs(summary), *_server_times(summary)]


def _quality(summary: Summary, facts: DatasetSummary, lacking: Collection[str]) -> Table:
    dataset = facts.name
    depth = max(row.depth for row in summary.ceilings if row.dataset == dataset)
    at_depth = [row for row in summary.quality if row.dataset == dataset and row.depth in {depth, None}]
    metrics = list(dict.fromkeys(row.metric for row in at_depth))
    primary, first = summary.primary_metric, summary.first_stage
    cells = []
    for tag in dict.fromkeys(row.reranker for row in at_depth):
        of_tag = {row.metric: row for row in at_depth if row.reranker == tag}
        means = [interval_text(of_tag[metric].mean) for metric in metrics]
        head = of_tag[primary]
        n = f"{head.mean.n}" if not head.not_scored else f"{head.mean.n} ({head.not_scored} not scored)"
        cells.append((tag, *means, NO_VALUE if tag in lacking else difference_text(head.difference), n))
    note = (
        f"Means over queries with {candidate_count(depth, facts.candidates)} candidates, with"
        f" {level_text(summary.confidence)} intervals. Difference: paired, each interval alone."
    )
    if any(row.depth is None for row in at_depth):
        note += " Runs are evaluated with all their documents."
    if lacking:
        note += " A run that lacks judged queries has no difference: each of these queries counts as 0."
    if facts.has_indications:
        note += " They rest on grades of models, too, which nothing corrects here: an indication."
    columns = ("system", *metrics, f"{primary}: difference to {first}", "queries")
    return Table(f"{dataset}: quality", columns, tuple(cells), note, dataset=dataset)


_OCCASIONAL_COUNTS = {
    "excluded_documents": "excluded documents",
    "judged_queries_without_text": "judged queries without text",
    "judgments_without_grade": "judgments without a grade",
    "failed_judgments": "failed judgments",
    "unjudged_queries": "unjudged queries",
    "synthetic_queries": "synthetic queries",
}
"""Count -> heading of a column that the table of datasets has if a dataset has the count."""


def data_table(summary: Summary) -> Table:
    """Return the table of all datasets: source and counts."""
    occasional = [
        name for name in _OCCASIONAL_COUNTS if any(name in facts.counts for facts in summary.datasets)
    ]
    cells = tuple(
        (
            facts.name,
            facts.location,
            str(facts.counts["documents"]),
            str(facts.counts["answerable_queries"]),
            str(facts.counts["unanswerable_queries"]),
            str(facts.empty_queries),
            str(facts.counts["judgments"]),
            candidate_count(facts.candidates.longest_list, facts.candidates)
            if facts.candidates.longest_list
            else "0",
            *(str(facts.counts.get(name, 0)) for name in occasional),
        )
        for facts in summary.datasets
    )
    note = (
        "Means are over answerable queries, those with a grade above 0. Unanswerable: judged, without any relevant"
        " document. Without candidates: counted as 0, no call was made."
    )
    if "excluded_documents" in occasional:
        note += (
            " Excluded documents are never candidates of their query; each pair of query and document counts."
        )
    if "judged_queries_without_text" in occasional:
        note += " Judged queries without text are in no mean."
    if "unjudged_queries" in occasional:
        note += " Unjudged queries are scored, and are in no mean."
    if "judgments_without_grade" in occasional:
        note += " Judgments without a grade count as relevant (grade 1)."
    if "failed_judgments" in occasional:
        note += " Failed judgments: pairs that a rater could not grade; they are unjudged."
    columns = (
        "dataset", "source", "documents", "answerable queries", "unanswerable queries", "queries without candidates",
        "judgments", "candidates per query", *(_OCCASIONAL_COUNTS[name] for name in occasional),
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
    note = "A call is one attempt. Retried: it failed and another attempt followed. Billed: as the backend reports it."
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
            + (f" ({silent} calls do not report it)" if silent else "")
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
    columns = ("dataset", "reranker", "price", "queries", "cost", "$ per 1,000 queries")
    note = "Cost of the quality pass over all depths; n/a where a call did not report the billed amount."
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
            f"n/a (has {row.median.n})" if row.median.estimate is None else milliseconds_text(row.median),
        )
        for row in summary.server_times
    )
    columns = ("dataset", "reranker", "reported in", "time of", "pass", "calls", "median")
    note = "As servers report it. Only the time of a 'request' is comparable with the latency of a call."
    return [Table("Server times (ms)", columns, cells, note, left=5)] if cells else []
