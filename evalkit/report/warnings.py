"""Warnings of a report, and the table of failed calls with remedies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from evalkit.report.dataset_findings import preflight_lines
from evalkit.report.numbers import NO_VALUE
from evalkit.report.table import Table
from evalkit.results.manifest import Failure, Manifest
from evalkit.results.summary_document import Summary

MANY_TIES = 0.1
"""Share of queries with equal scores near the top above which a warning is given."""
REMEDIES = {
    "connect": "start the server or mend its url, then run again",
    "timeout": "raise timeout_s, or lower batch_size and concurrency, then run again",
    "lost": "run again with more memory a replica, or fewer replicas",
    "memory": "lower batch_size or batch_tokens, then run again",
}
"""Kind of failure -> remedy, for errors without a hint."""
ANY_REMEDY = "look into the server's own log and at the reply in failures.jsonl, then run again"


def warnings(manifest: Manifest, summary: Summary) -> list[str]:
    """Return all warnings on a result, one sentence each."""
    lines = []
    if manifest.status != "complete":
        lines.append(f"This result is {manifest.status}: figures cover only what was measured.")
    lines += preflight_lines(manifest)
    lines += _ties(summary)
    for entry in manifest.quality_passes:
        if entry.failed:
            lines.append(
                f"{entry.dataset}: {entry.reranker} failed on {len(entry.failed)} of {entry.asked}"
                " queries; they are in none of its means (see failures.jsonl)."
            )
        if entry.documents_placed_last:
            lines.append(
                f"{entry.dataset}: {entry.reranker} had no score for {entry.documents_placed_last}"
                " candidates and placed them last."
            )
    for facts in summary.datasets:
        if not facts.counts["answerable_queries"]:
            lines.append(f"{facts.name}: nothing answers any of its queries, so there is no mean.")
        if facts.empty_queries:
            lines.append(
                f"{facts.name}: queries that found no candidate and count as 0: {facts.empty_queries}."
            )
    lines += _of_names(manifest)
    lines += _of_reuse(manifest)
    lines += _of_checks(manifest)
    lines += _of_endpoints(manifest)
    lines += _of_execution(manifest)
    return lines + _unsorted(summary) + _truncated(summary)


def _of_reuse(manifest: Manifest) -> list[str]:
    """Return warnings on reused scores of backends that may have changed since."""
    lines = []
    for row in manifest.pairs:
        tag, about = row.reranker, manifest.rerankers[row.reranker]
        if row.oldest_s is None or not (about.remote or about.moving_name):
            continue
        day = datetime.fromtimestamp(row.oldest_s, UTC).date().isoformat()
        lines.append(
            f"{row.dataset}: {row.reused} scores of {tag} were not asked for but found in the score store,"
            f" the oldest of {day}. A sample tells whether they still hold: evalkit store drift CONFIG"
            f" --reranker {tag}. To ask for all again: --refresh."
        )
        endpoint = manifest.endpoints.get(tag)
        now = endpoint.models if endpoint else ()
        if row.models and now and row.models != now:
            lines.append(
                f"{row.dataset}: the stored scores of {tag} came from model {', '.join(row.models)}, those asked"
                f" for now from {', '.join(now)}: the figures mix them."
            )
    return lines


def _of_names(manifest: Manifest) -> list[str]:
    """Return warnings on rerankers whose name may denote another model in a later run."""
    return [
        f"{tag}: {about.moving_name}: another run may measure another model."
        for tag, about in manifest.rerankers.items()
        if about.moving_name
    ]


def _of_checks(manifest: Manifest) -> list[str]:
    return [
        f"{one.check.dataset}: {one.check.reranker} gives the same pair another score when asked again"
        f" ({one.evidence}): its figures move from run to run."
        for one in manifest.pointwise_checks
        if one.verdict == "unstable"
    ]


def _of_endpoints(manifest: Manifest) -> list[str]:
    lines = []
    for tag, endpoint in manifest.endpoints.items():
        if endpoint.given_up:
            lines.append(f"{tag}: {endpoint.given_up}.")
        if len(endpoint.models) > 1:
            lines.append(f"{tag}: answered as several models: {', '.join(endpoint.models)}.")
    return lines


def _of_execution(manifest: Manifest) -> list[str]:
    """Return warnings on missing and lost replicas of a cluster; they do not change scores."""
    execution = manifest.execution
    if execution is None:
        return []
    lines = []
    lost = execution.replicas_lost
    if execution.replicas < execution.replicas_asked:
        lines.append(
            f"The Ray cluster has room for {execution.replicas} of {execution.replicas_asked} replicas."
        )
    if lost:
        lines.append(
            f"{lost} replica{'s were' if lost > 1 else ' was'} lost on the Ray cluster;"
            f" {execution.tasks_repeated} pieces of work that they had not answered were done again, and none that"
            " they had."
        )
    return lines


def _unsorted(summary: Summary) -> list[str]:
    """Return warnings on rerankers with responses that are not in the order of their scores."""
    counts: dict[str, int] = {}
    for row in summary.calls:
        counts[row.reranker] = counts.get(row.reranker, 0) + row.unsorted_lists
    return [
        f"{tag}: {count} replies were not in the order of their own scores; documents are ranked by score."
        for tag, count in counts.items()
        if count
    ]


def _truncated(summary: Summary) -> list[str]:
    """Return warnings on rerankers that truncated documents in the quality pass."""
    return [
        f"{row.dataset}: {row.reranker} read {row.truncated_documents} of {row.documents} pairs only up to"
        f" its limit ({row.truncated_documents / row.documents:.1%}): what stands behind counts for"
        " nothing."
        for row in summary.calls
        if row.pass_ == "quality" and row.truncated_documents
    ]


def _ties(summary: Summary) -> list[str]:
    """Return warnings on rerankers with many ties near the top."""
    depth = {c.dataset: c.depth for c in summary.ceilings}  # the last is the largest
    return [
        f"{r.dataset}: {r.reranker} gives equal scores within the first ten ranks of"
        f" {r.tied_queries_at_10:.0%} of its queries; such documents are ordered by their ids."
        for r in summary.quality
        if r.metric == summary.primary_metric
        and r.depth == depth[r.dataset]
        and (r.tied_queries_at_10 or 0) > MANY_TIES
    ]


def failure_tables(failures: Iterable[Failure]) -> list[Table]:
    """Return the table of failed calls, grouped by kind, with remedies; no table without failures."""
    kinds: dict[tuple[object, ...], list[Failure]] = {}
    for row in failures:
        key = (row.dataset, row.reranker, row.pass_, row.status, row.kind, row.http_status)
        kinds.setdefault(key, []).append(row)
    cells = tuple(_failure_cells(rows[0], len(rows)) for rows in kinds.values())
    columns = ("dataset", "reranker", "pass", "status", "what", "remedy", "for example", "attempts")
    note = (
        "Attempts that failed, the first of each kind. Retried ones were followed by another. The same command takes up"
        " the run where it is: what was scored is kept."
    )
    return [Table("What failed", columns, cells, note, left=7)] if cells else []


def _failure_cells(first: Failure, attempts: int) -> tuple[str, ...]:
    return (
        first.dataset or NO_VALUE,
        first.reranker or NO_VALUE,
        first.pass_ or NO_VALUE,
        first.status,
        first.message,
        first.hint or REMEDIES.get(first.kind, ANY_REMEDY),
        first.query_id,
        str(attempts),
    )
