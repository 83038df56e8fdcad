"""What a reader must know before believing the figures, and what went wrong, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from evalkit.report.preflights import preflight_lines
from evalkit.report.tables import NO_VALUE, Table

MANY_TIES = 0.1
"""Share of queries with equal scores near the top from which a reader is told."""
REMEDIES = {
    "connect": "start the server or mend its url, then run again",
    "timeout": "raise timeout_s, or lower batch_size and concurrency, then run again",
    "lost": "run again with more memory a replica, or fewer replicas",
    "memory": "lower batch_size or batch_tokens, then run again",
}
"""Kind of failure -> what to do where the error itself does not say."""
ANY_REMEDY = "look into the server's own log and at the reply in failures.jsonl, then run again"


def warnings(manifest: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """Return what a reader must know before believing the numbers."""
    said = []
    if manifest["status"] != "complete":
        said.append(f"This result is {manifest['status']}: figures cover only what was measured.")
    said += preflight_lines(manifest)
    said += _ties(summary)
    for entry in manifest.get("quality_passes", []):
        if entry["failed"]:
            said.append(
                f"{entry['dataset']}: {entry['reranker']} failed on {len(entry['failed'])} of {entry['asked']}"
                " queries; they are in none of its means (see failures.jsonl)."
            )
        if entry["documents_placed_last"]:
            said.append(
                f"{entry['dataset']}: {entry['reranker']} had no score for {entry['documents_placed_last']}"
                " candidates and placed them last."
            )
    for entry in summary["datasets"]:
        if not entry["counts"]["answerable_queries"]:
            said.append(f"{entry['name']}: nothing answers any of its queries, so there is no mean.")
        if entry["empty_queries"]:
            said.append(
                f"{entry['name']}: queries that found no candidate and count as 0: {entry['empty_queries']}."
            )
    said += _of_names(manifest)
    said += _of_reuse(manifest)
    said += _of_checks(manifest)
    said += _of_endpoints(manifest)
    said += _of_execution(manifest)
    return said + _unsorted(summary) + _truncated(summary)


def _of_reuse(manifest: Mapping[str, Any]) -> list[str]:
    """Say which scores are older than the experiment, where the backend may have changed unseen."""
    said = []
    for row in manifest.get("pairs", []):
        tag, about = row["reranker"], manifest["rerankers"][row["reranker"]]
        if not row["reused"] or not (about["remote"] or about["moving_name"]):
            continue
        day = datetime.fromtimestamp(row["oldest_s"], UTC).date().isoformat()
        said.append(
            f"{row['dataset']}: {row['reused']} scores of {tag} were not asked for but found in the score store,"
            f" the oldest of {day}. A sample tells whether they still hold: evalkit store drift CONFIG"
            f" --reranker {tag}. To ask for all again: --refresh."
        )
        now = manifest.get("endpoints", {}).get(tag, {}).get("models", [])
        if row["models"] and now and row["models"] != now:
            said.append(
                f"{row['dataset']}: the stored scores of {tag} came from model {', '.join(row['models'])}, those asked"
                f" for now from {', '.join(now)}: the figures mix them."
            )
    return said


def _of_names(manifest: Mapping[str, Any]) -> list[str]:
    """Say whose name does not say which model it is."""
    return [
        f"{tag}: {about['moving_name']}: another run may measure another model."
        for tag, about in manifest["rerankers"].items()
        if about["moving_name"]
    ]


def _of_checks(manifest: Mapping[str, Any]) -> list[str]:
    return [
        f"{check['dataset']}: {check['reranker']} gives the same pair another score when asked again"
        f" ({check['evidence']}): its figures move from run to run."
        for check in manifest.get("pointwise_checks", [])
        if check["verdict"] == "unstable"
    ]


def _of_endpoints(manifest: Mapping[str, Any]) -> list[str]:
    said = []
    for tag, told in manifest.get("endpoints", {}).items():
        if told["given_up"]:
            said.append(f"{tag}: {told['given_up']}.")
        if len(told["models"]) > 1:
            said.append(f"{tag}: answered as several models: {', '.join(told['models'])}.")
    return said


def _of_execution(manifest: Mapping[str, Any]) -> list[str]:
    """Say where a cluster was not what was asked for, and what was done twice; no score hangs on it."""
    execution = manifest.get("execution")
    if execution is None:
        return []
    said = []
    asked, there, lost = (execution[name] for name in ("replicas_asked", "replicas", "replicas_lost"))
    if there < asked:
        said.append(f"The Ray cluster has room for {there} of {asked} replicas.")
    if lost:
        said.append(
            f"{lost} replica{'s were' if lost > 1 else ' was'} lost on the Ray cluster;"
            f" {execution['tasks_repeated']} pieces of work that they had not answered were done again, and none that"
            " they had."
        )
    return said


def _unsorted(summary: Mapping[str, Any]) -> list[str]:
    """Name the rerankers whose lists contradict their own scores."""
    counts: dict[str, int] = {}
    for row in summary["calls"]:
        counts[row["reranker"]] = counts.get(row["reranker"], 0) + row["unsorted_lists"]
    return [
        f"{tag}: {count} replies were not in the order of their own scores; documents are ranked by score."
        for tag, count in counts.items()
        if count
    ]


def _truncated(summary: Mapping[str, Any]) -> list[str]:
    """Say how many pairs a model did not read to their end."""
    return [
        f"{row['dataset']}: {row['reranker']} read {row['truncated_documents']} of {row['documents']} pairs only up to"
        f" its limit ({row['truncated_documents'] / row['documents']:.1%}): what stands behind counts for"
        " nothing."
        for row in summary["calls"]
        if row["pass"] == "quality" and row.get("truncated_documents")
    ]


def _ties(summary: Mapping[str, Any]) -> list[str]:
    """Name the rerankers whose order near the top is often the tie rule's work and not their own."""
    depth = {c["dataset"]: c["depth"] for c in summary["ceilings"]}  # the last is the largest
    return [
        f"{r['dataset']}: {r['reranker']} gives equal scores within the first ten ranks of"
        f" {r['tied_queries_at_10']:.0%} of its queries; such documents are ordered by their ids."
        for r in summary["quality"]
        if r["metric"] == summary["primary_metric"]
        and r["depth"] == depth[r["dataset"]]
        and (r["tied_queries_at_10"] or 0) > MANY_TIES
    ]


def failure_tables(failures: Iterable[Mapping[str, Any]]) -> list[Table]:
    """Return the table of calls that failed, those of one kind together, with what to do."""
    kinds: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in failures:
        key = tuple(row[name] for name in ("dataset", "reranker", "pass", "status", "kind", "http_status"))
        kinds.setdefault(key, []).append(row)
    cells = tuple(
        (
            *(NO_VALUE if part is None else str(part) for part in key[:4]),
            rows[0]["message"],
            rows[0].get("hint") or REMEDIES.get(key[4], ANY_REMEDY),
            rows[0]["query_id"],
            str(len(rows)),
        )
        for key, rows in kinds.items()
    )
    columns = ("dataset", "reranker", "pass", "status", "what", "remedy", "for example", "attempts")
    note = (
        "Attempts that failed, the first of each kind. Retried ones were followed by another. The same command takes up"
        " the run where it is: what was scored is kept."
    )
    return [Table("What failed", columns, cells, note, left=7)] if cells else []
