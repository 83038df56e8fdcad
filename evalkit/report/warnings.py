"""Warnings of a report with their remedies, and the table of failed calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from evalkit.http_client import is_rate_refusal
from evalkit.report.cautions import Caution
from evalkit.report.dataset_findings import preflight_cautions
from evalkit.report.judged_by import judge_cautions
from evalkit.report.manifest_command import config_in, with_config
from evalkit.report.model_families import family_cautions
from evalkit.report.numbers import NO_VALUE
from evalkit.report.table import Table
from evalkit.results.failure_reasons import FailureReason, hints_of, in_words, of_system
from evalkit.results.manifest import EndpointFacts, Failure, Manifest, QualityPass
from evalkit.results.summary_document import DatasetSummary, Summary

MANY_TIES = 0.1
"""Share of queries with equal scores near the top above which a warning is given."""
MANY_FAILED = 0.05
"""Share of failed attempts above which a warning is given."""
REMEDIES = {
    "connect": "Start the server or correct its url, then rerun.",
    "timeout": "Raise timeout_s, or lower batch_size and concurrency, then rerun.",
    "lost": "Rerun with more memory per replica, or with fewer replicas.",
    "memory": "Lower batch_size or batch_tokens, then rerun.",
}
"""Kind of failure -> remedy, for errors without a hint."""
ANY_REMEDY = "Read the server's own log and the response in failures.jsonl, then rerun."
_GRADED_AGAIN = (
    "No action needed where the judge has graded them again: evalkit judge list CONFIG counts both."
)
_BY_PEOPLE = "Let people judge documents of these queries, too: evalkit judge rate CONFIG"
_JUDGE = "Judge documents with evalkit judge run or evalkit judge rate, then rerun."
RESUME = (
    "Fix the cause of failed calls, if any (see failures.jsonl), then run the same command again: it resumes."
)


def warnings(manifest: Manifest, summary: Summary) -> list[Caution]:
    """Return all warnings on a result."""
    reasons = summary.failures or ()
    found = [] if manifest.status == "complete" else [_incomplete(manifest, reasons)]
    found += preflight_cautions(manifest)
    found += _ties(summary)
    for entry in manifest.quality_passes:
        found += _failed(entry, of_system(reasons, entry.dataset, entry.reranker))
    found += _placed_last(manifest)
    for facts in summary.datasets:
        found += _without_answers(facts)
        found += _judgments(facts)
        if summary.quality or not summary.latency:  # no figure of latency rests on judgments
            found += judge_cautions(facts)
    found += family_cautions(manifest)
    found += _names(manifest)
    found += _reuse(manifest) + _drift(manifest)
    found += _unstable(manifest)
    found += _unchecked(manifest)
    for tag, endpoint in manifest.endpoints.items():
        found += _endpoint(tag, endpoint, [one for one in reasons if one.reranker == tag])
    found += _failed_attempts(summary)
    found += _execution(manifest)
    found += _unsorted(summary) + _truncated(summary)
    config = config_in(manifest.command)
    return [replace(one, remedy=with_config(one.remedy, config)) for one in found]


def _incomplete(manifest: Manifest, reasons: Sequence[FailureReason]) -> Caution:
    text = f"This result is {manifest.status}: figures cover only what was measured."
    return Caution("invalid", text, resume_with(reasons))


def _failed(entry: QualityPass, reasons: Sequence[FailureReason]) -> list[Caution]:
    if not entry.failed:
        return []
    # Those that were not asked before the run was stopped are among them.
    why = in_words(reasons)
    text = (
        f"{entry.dataset}: {entry.reranker} has no scores of {len(entry.failed)} of {entry.asked} queries"
        f"{f': {why}' if why else ''}. Its means leave these out."
    )
    return [Caution("invalid", text, resume_with(reasons))]


def resume_with(reasons: Iterable[FailureReason]) -> str:
    """Return what to change before an unfinished run is resumed, if its failures say so."""
    hints = hints_of(reasons)
    if not hints:
        return RESUME
    return f"{_sentence(hints[0])} Then run the same command again."


def _sentence(hint: str) -> str:
    return f"{hint[0].upper()}{hint[1:]}."


def _placed_last(manifest: Manifest) -> list[Caution]:
    """Return warnings on candidates without a score, and on replayed runs that are not what their files rank."""
    found = []
    # Of a reranker that is scored at every depth, the deepest pass is the last.
    for entry in {(one.dataset, one.reranker): one for one in manifest.quality_passes}.values():
        last, ignored = entry.documents_placed_last, entry.documents_ignored
        if manifest.rerankers[entry.reranker].backend == "replay" and (last or ignored):
            parts = (
                f"{last} of {entry.pairs} candidates of {manifest.first_stage} are not in the file and are ranked last"
                if last
                else "",
                f"{ignored} documents of the file are not candidates and are ignored" if ignored else "",
            )
            lacks = "; ".join(filter(None, parts))
            text = f"{entry.dataset}: {entry.reranker} is not the ranking of its file: {lacks}."
            hint = "To compare the run of the file itself, list it under `runs:` instead."
            found.append(Caution("verdict", text, hint))
        elif last:
            text = (
                f"{entry.dataset}: {entry.reranker} gave no score to {last} candidates. They are ranked last."
            )
            found.append(Caution("verdict", text, "Score these candidates too, or set `missing: fail`."))
    return found


def _judgments(facts: DatasetSummary) -> list[Caution]:
    """Return warnings on queries without judgments, and on judgments that do not count."""
    found, judged = [], facts.judgments
    unjudged, queries = facts.counts.get("unjudged_queries", 0), facts.counts["queries"]
    if 0 < unjudged < queries:
        text = f"{facts.name}: {unjudged} of {queries} queries are not judged. They are in no mean."
        by_people = judged is not None and all(rater.kind == "human" for rater in judged.raters)
        found.append(Caution("figures", text, _BY_PEOPLE if by_people else _JUDGE))
    stale = sum(rater.stale for rater in judged.raters) if judged else 0
    if stale:
        text = (
            f"{facts.name}: {stale} judgments are stale: the text of the query or of the document has changed since."
            " They do not count."
        )
        found.append(Caution("figures", text, "Judge these pairs again."))
    earlier = sum(rater.earlier or 0 for rater in judged.raters) if judged else 0
    if earlier:
        text = f"{facts.name}: {earlier} grades are of an earlier prompt or settings of a judge, not counted."
        found.append(Caution("figures", text, _GRADED_AGAIN))
    sampled = (
        facts.counts.get("judged_queries_not_sampled", 0) > 0
    )  # then files have judgments of other queries
    if judged and judged.other_queries and not sampled:
        text = (
            f"{facts.name}: {judged.other_queries} judgments are of queries that the dataset does not have."
        )
        found.append(Caution("figures", text, "Check that the files of judgments belong to this dataset."))
    return found


def _without_answers(facts: DatasetSummary) -> list[Caution]:
    unjudged, queries = facts.counts.get("unjudged_queries", 0), facts.counts["queries"]
    if unjudged == queries:
        text = f"{facts.name}: none of the {queries} queries is judged, so there is no mean."
        return [Caution("verdict", text, _JUDGE)]
    if not facts.counts["answerable_queries"]:
        text = f"{facts.name}: no query has a relevant document, so there is no mean."
        return [Caution("invalid", text, "Check that the judgments belong to these queries.")]
    if facts.empty_queries:
        text = f"{facts.name}: {facts.empty_queries} queries have no candidate and count as 0."
        return [Caution("figures", text, "Check the language of the retriever, or use another retriever.")]
    return []


def _reuse(manifest: Manifest) -> list[Caution]:
    """Return warnings on cached scores of backends that may have changed since."""
    found = []
    for row in manifest.pairs:
        tag, about = row.reranker, manifest.rerankers[row.reranker]
        if not row.reused or row.oldest_s is None or not (about.remote or about.moving_name):
            continue
        day = datetime.fromtimestamp(row.oldest_s, UTC).date().isoformat()
        text = f"{row.dataset}: reused {row.reused:,} cached scores for {tag} (oldest: {day})."
        hint = f"Check a sample with: evalkit store drift CONFIG --reranker {tag}. To call again for all: --refresh."
        found.append(Caution("verdict", text, hint))
        endpoint = manifest.endpoints.get(tag)
        now = endpoint.models if endpoint else ()
        if row.models and now and row.models != now:
            text = (
                f"{row.dataset}: cached scores of {tag} come from model {', '.join(row.models)}, new ones from"
                f" {', '.join(now)}. The figures mix both."
            )
            found.append(Caution("verdict", text, "Rerun with --refresh."))
    return found


def _drift(manifest: Manifest) -> list[Caution]:
    """Return warnings on cached scores that the backend does not return any more."""
    return [
        Caution(
            "verdict",
            f"{one.dataset}: cached scores of {one.reranker} differ from new ones ({one.evidence()}).",
            "Score everything again with --refresh.",
        )
        for one in manifest.drift_checks
        if one.verdict == "drifted"
    ]


def _names(manifest: Manifest) -> list[Caution]:
    """Return warnings on rerankers whose name may mean another model in a later run."""
    return [
        Caution(
            "figures",
            f"{tag}: {about.moving_name}. A later run may reach a different model.",
            "Name an exact model version in the configuration.",
        )
        for tag, about in manifest.rerankers.items()
        if about.moving_name
    ]


def _unstable(manifest: Manifest) -> list[Caution]:
    return [
        Caution(
            "verdict",
            f"{one.check.dataset}: {one.check.reranker} gives the same pair different scores ({one.evidence})."
            " Results vary between runs.",
            f"Measure how much results vary: evalkit aa CONFIG --reranker {one.check.reranker}",
        )
        for one in manifest.pointwise_checks
        if one.verdict == "unstable"
    ]


def _unchecked(manifest: Manifest) -> list[Caution]:
    return [
        Caution(
            "verdict",
            f"{one.reranker}: not checked whether its scores depend on the query and the document ({one.untested}).",
            f"Check it: evalkit probe CONFIG --reranker {one.reranker}",
        )
        for one in manifest.dependence_checks
        if one.failed
    ]


def _endpoint(tag: str, endpoint: EndpointFacts, reasons: Sequence[FailureReason]) -> list[Caution]:
    found = []
    if endpoint.given_up:
        found.append(Caution("invalid", f"{tag}: {endpoint.given_up.rstrip('.')}.", resume_with(reasons)))
    if len(endpoint.models) > 1:
        text = f"{tag}: responses name several models: {', '.join(endpoint.models)}."
        found.append(Caution("verdict", text, "Name an exact model version, then rerun with --refresh."))
    return found


def _execution(manifest: Manifest) -> list[Caution]:
    """Return warnings on missing and lost replicas of a cluster; they do not change scores."""
    execution = manifest.execution
    if execution is None:
        return []
    found = []
    lost = execution.replicas_lost
    remedy = "Nothing for the scores; free memory or cores for speed."
    if execution.replicas < execution.replicas_asked:
        text = f"The Ray cluster has room for {execution.replicas} of {execution.replicas_asked} replicas."
        found.append(Caution("figures", text, remedy))
    if lost:
        text = (
            f"{lost} replica{'s were' if lost > 1 else ' was'} lost on the Ray cluster. Their"
            f" {execution.tasks_repeated} unfinished tasks were repeated."
        )
        found.append(Caution("figures", text, remedy))
    return found


def _failed_attempts(summary: Summary) -> list[Caution]:
    """Return warnings on rerankers of which many attempts failed, also where a retry or a resumed run succeeded."""
    found = []
    for tag in dict.fromkeys(row.reranker for row in summary.calls):
        rows = [row for row in summary.calls if row.reranker == tag]
        attempts, failed = sum(row.calls for row in rows), sum(row.failed + row.retried for row in rows)
        if failed <= MANY_FAILED * attempts:
            continue
        error = max(rows, key=lambda row: row.failed + row.retried).frequent_error or ""
        text = f"{tag}: {failed} of {attempts} attempts failed ({failed / attempts:.0%})."
        text += f" Most frequent error: {error.partition(': ')[2].rstrip('.')}." if error else ""
        hints = hints_of(one for one in summary.failures or () if one.reranker == tag)
        # Some APIs refuse calls for the rate with status 200, 400 or 503: then the words count.
        too_fast = 2 * sum(row.throttled for row in rows) >= failed or is_rate_refusal(400, error)
        rate = "set requests_per_minute to what the API allows, " if too_fast else ""
        remedy = f"Read the table of failed calls; {rate}lower concurrency or contact the provider."
        found.append(Caution("figures", text, _sentence(hints[0]) if hints else remedy))
    return found


def _unsorted(summary: Summary) -> list[Caution]:
    """Return warnings on rerankers with responses that are not in the order of their scores."""
    counts: dict[str, int] = {}
    for row in summary.calls:
        counts[row.reranker] = counts.get(row.reranker, 0) + row.unsorted_lists
    return [
        Caution(
            "figures",
            f"{tag}: {count} responses were not sorted by their own scores. evalkit ranks by score.",
            "Sort by score in your application, too.",
        )
        for tag, count in counts.items()
        if count
    ]


def _truncated(summary: Summary) -> list[Caution]:
    """Return warnings on rerankers that truncated documents in the quality pass."""
    return [
        Caution(
            "figures",
            f"{row.dataset}: {row.reranker} truncated {row.truncated_documents} of {row.documents}"
            f" {'passages' if summary.passages_of(row.dataset) else 'documents'}"
            f" ({row.truncated_documents / row.documents:.1%}). Text past the limit was ignored.",
            "Lower passages.tokens, or raise max_length_tokens if the model allows it."
            if summary.passages_of(row.dataset)
            else "Raise max_length_tokens if the model allows it, or split long documents.",
        )
        for row in summary.calls
        if row.pass_ == "quality" and row.truncated_documents
    ]


def _ties(summary: Summary) -> list[Caution]:
    """Return one warning for each dataset on systems with many ties near the top."""
    depth = {c.dataset: c.depth for c in summary.ceilings}  # the last is the largest
    shares: dict[str, list[str]] = {}
    for row in summary.quality:
        at_depth = row.metric == summary.primary_metric and row.depth in {depth[row.dataset], None}
        if at_depth and (row.tied_queries_at_10 or 0) > MANY_TIES:
            shares.setdefault(row.dataset, []).append(f"{row.reranker} {row.tied_queries_at_10:.0%}")
    return [
        Caution(
            "figures",
            f"{dataset}: queries with equal scores within the first ten ranks: {', '.join(listed)}. Equal scores are"
            " ordered by document id.",
            "If an API gave these scores, check whether it rounds them.",
        )
        for dataset, listed in shares.items()
    ]


def failure_tables(failures: Iterable[Failure]) -> list[Table]:
    """Return the table of failed calls, grouped by kind, with remedies; no table without failures."""
    kinds: dict[tuple[object, ...], list[Failure]] = {}
    for row in failures:
        key = (row.dataset, row.reranker, row.pass_, row.status, row.kind, row.http_status)
        kinds.setdefault(key, []).append(row)
    cells = tuple(_failure_cells(rows[0], len(rows)) for rows in kinds.values())
    columns = ("dataset", "reranker", "pass", "status", "error", "remedy", "example query", "attempts")
    note = (
        "One row per kind of failed attempt. Retried ones were followed by another attempt. The same command resumes"
        " the run and keeps all scores."
    )
    return [Table("Failed calls", columns, cells, note, left=7)] if cells else []


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
