"""Runs of other engines in a report: the tables of their files and latencies, and warnings on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.report.cautions import Caution
from evalkit.report.numbers import NO_VALUE, level_text, quantile_text
from evalkit.report.run_coverage import lacking
from evalkit.report.table import Table
from evalkit.results.comparison_document import Comparisons
from evalkit.results.manifest import Manifest
from evalkit.results.run_facts import RunFacts
from evalkit.results.summary_document import DatasetSummary, Summary

NAMED = 5
"""Number of queries that a warning names."""
_HASH_DIGITS = 12


def run_tables(manifest: Manifest) -> list[Table]:
    """Return the table of the compared runs; no table without runs."""
    cells = tuple(
        (
            one.tag,
            one.dataset,
            one.path,
            one.sha256[:_HASH_DIGITS],
            str(one.queries),
            str(len(one.missing_queries)),
            str(one.documents),
            f"{one.shortest_list} to {one.longest_list}",
            str(one.documents_not_in_corpus),
        )
        for one in manifest.runs
    )
    columns = (
        "system", "dataset", "file", "sha256", "queries", "queries without documents", "ranked documents",
        "documents per query", "documents not in the corpus",
    )  # fmt: skip
    note = (
        "Runs are compared as they are: with candidates of their own, without a depth, and without a call. Queries"
        " without documents count as 0. manifest.json lists them, and the whole sha256 of each file."
    )
    return [Table("Runs", columns, cells, note, left=4)] if cells else []


def run_latency_tables(summary: Summary) -> list[Table]:
    """Return the latencies that the files of runs state; no table without any."""
    cells = tuple(
        (
            row.dataset,
            row.reranker,
            quantile_text(row.p50_s),
            quantile_text(row.p95_s),
            str(row.queries),
            str(row.queries_unknown) if row.queries_unknown else NO_VALUE,
        )
        for row in summary.run_latencies
    )
    note = (
        "As the latency files of the runs state them; evalkit made no call. Compare them with measured latencies only"
        f" if machine and load were the same. Intervals: {level_text(summary.confidence)} confidence, queries taken as"
        " independent."
    )
    columns = ("dataset", "system", "p50", "p95", "queries", "queries without latency")
    return [Table("Latency of runs (ms)", columns, cells, note, left=2)] if cells else []


def missing_names(manifest: Manifest) -> dict[tuple[str, str], str]:
    """Return dataset and tag of each run that lacks queries -> the first of these queries."""
    return {(one.dataset, one.tag): _first_names(one) for one in manifest.runs if one.missing_queries}


def _first_names(one: RunFacts) -> str:
    rest = len(one.missing_queries) - NAMED
    return ", ".join(one.missing_queries[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def run_cautions(
    manifest: Manifest, datasets: Sequence[DatasetSummary], compared: Comparisons | None = None
) -> Iterator[Caution]:
    """Yield warnings on queries that a run lacks, and on documents that are not in the corpus or were removed.

    A run with missing queries of which the comparison warns, because they could change its verdict, has no second
    warning on them.
    """
    warned = lacking(compared) if compared else ()
    counts = {facts.name: facts.counts for facts in datasets}
    for one in manifest.runs:
        if (one.dataset, one.tag) not in warned:
            yield from _missing(one, counts[one.dataset]["queries"])
        if one.documents_not_in_corpus:
            text = (
                f"{one.dataset}: {one.documents_not_in_corpus} of {one.distinct_documents} documents of {one.tag} are"
                " not in the corpus. They keep their ranks, and count as not relevant where they are not judged."
            )
            yield Caution("figures", text, "Use a run of this version of the corpus.")
        if one.same_id_left_out:
            text = (
                f"{one.dataset}: {one.same_id_left_out} documents of {one.tag} have the id of their query and are left"
                " out, as for the candidates."
            )
            yield Caution("figures", text, "Set `exclude_same_id: false` on the dataset to keep them.")
        if one.excluded_left_out:
            text = (
                f"{one.dataset}: {one.excluded_left_out} documents of {one.tag} are excluded for their query by the"
                " dataset and are left out, as for the candidates."
            )
            yield Caution("figures", text, "Exclude them in the engine, so that its lists keep their length.")


def _missing(one: RunFacts, queries: int) -> Iterator[Caution]:
    count = len(one.missing_queries)
    if not count:
        return
    text = f"{one.dataset}: {one.tag} has no document for {count} of {queries} queries ({_first_names(one)})."
    text += " They count as 0."
    yield Caution("figures", text, "Add the missing rankings if the engine failed on these queries.")
