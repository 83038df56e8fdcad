"""What each rule of combining the scores of passages gives, from the recorded scores; nothing is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison import ComparisonSet, System, pair
from evalkit.comparison.contenders import difference_interval
from evalkit.comparison.families import joint_confidence
from evalkit.config import PassageRule
from evalkit.errors import DataFormatError, InputError
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import MetricValues, Run, append_below
from evalkit.reranking.passage_combination import combine_scores
from evalkit.results.folder import ResultFolder
from evalkit.results.manifest import Manifest
from evalkit.results.passage_rows import PassageFacts, PassageRuleRow, PassageSummary
from evalkit.results.passage_table import PassageScores, read_passage_scores
from evalkit.results.table_columns import DAMAGED
from evalkit.summaries.latency_cells import CONFIDENCE
from evalkit.summaries.system_means import system_mean
from evalkit.summaries.tuning_labels import candidate_labels

RULES: tuple[PassageRule, ...] = get_args(PassageRule)


def with_passages(
    comparison_sets: Sequence[ComparisonSet], folder: ResultFolder, manifest: Manifest
) -> list[ComparisonSet]:
    """Return comparison sets at the deepest depth with the number of passages of every candidate, where there are any.

    Raises
    ------
    InputError
        If ``passages.parquet`` is missing or damaged.
    """
    facts = passage_facts(manifest)
    return [
        replace(one, sent=_counts(one, folder, manifest)) if one.dataset in facts else one
        for one in comparison_sets
    ]


def passage_facts(manifest: Manifest) -> dict[str, PassageFacts]:
    """Return dataset -> how its passages were made, without the datasets whose documents were scored."""
    return {facts.name: facts.passages for facts in manifest.datasets if facts.passages is not None}


def passage_summaries(
    comparison_sets: Sequence[ComparisonSet], folder: ResultFolder, manifest: Manifest, primary: str
) -> tuple[PassageSummary, ...] | None:
    """Return the passages of each dataset, and the primary metric under each rule; None without passages.

    The rule with the highest mean is chosen after its values are seen: the intervals of all differences, over rules,
    rerankers and datasets, hold together, so that one that excludes 0 is a difference however it was found.

    Parameters
    ----------
    comparison_sets
        The result of `with_passages`.
    folder, manifest
        The result.
    primary
        The primary metric.

    Raises
    ------
    InputError
        If ``passages.parquet`` is damaged, or its scores do not give those of ``scores.parquet``.
    """
    facts = passage_facts(manifest)
    found = []
    compared = [one for one in comparison_sets if one.dataset in facts]
    size = (len(RULES) - 1) * sum(len(_scored(one, manifest)) for one in compared)
    confidence = joint_confidence(CONFIDENCE, size)
    for one in compared:
        labels = candidate_labels(one, one.deepest or 1)
        judged = labels.comparison_set
        rows = (
            row
            for tag in _scored(one, manifest)
            for row in _rules(judged, judged.systems[tag], folder, facts[one.dataset], primary, confidence)
        )
        counts = one.sent_at_depths(one.depth or 1)
        means = tuple(float(mean) for mean in counts.mean(axis=0)) if len(counts) else ()
        pairs = int(counts[:, -1].sum()) if len(counts) else 0
        found.append(
            PassageSummary(
                one.dataset, facts[one.dataset], means, pairs, tuple(rows), labels.why_not, labels.rests_on
            )
        )
    return tuple(found) or None


def _scored(comparison_set: ComparisonSet, manifest: Manifest) -> list[str]:
    """Return the rerankers that have scored a query."""
    return [tag for tag in manifest.rerankers if len(comparison_set.systems[tag].scores)]


def _counts(
    comparison_set: ComparisonSet, folder: ResultFolder, manifest: Manifest
) -> dict[str, NDArray[np.int64]]:
    """Return query id -> ``(n,)`` passages of each candidate, of the queries that a reranker has scored."""
    depth, found = comparison_set.depth or 1, dict[tuple[str, str], int]()
    for tag in _scored(comparison_set, manifest):
        found |= read_passage_scores(folder, comparison_set.dataset, tag, depth).counts()
    lists = [] if comparison_set.first_stage is None else list(comparison_set.first_stage)
    counts = {}
    for query_id, docs, _ in lists:
        known = [found.get((query_id, doc_id)) for doc_id in docs[:depth]]
        if None not in known:
            counts[query_id] = np.array(known, dtype=np.int64)
    return counts


def _rules(
    comparison_set: ComparisonSet,
    system: System,
    folder: ResultFolder,
    facts: PassageFacts,
    primary: str,
    confidence: float,
) -> Iterator[PassageRuleRow]:
    """Yield one row for each rule, the configured one first; `confidence` is that of the differences."""
    depth = comparison_set.depth or 1
    scores = read_passage_scores(folder, comparison_set.dataset, system.name, depth)
    runs = {rule: _run(folder, system, scores, rule) for rule in RULES}
    _check_same(folder, runs[facts.combine], system)
    values = {rule: _values(comparison_set, system, run, primary) for rule, run in runs.items()}
    configured = values[facts.combine]
    for rule in sorted(RULES, key=lambda rule: rule != facts.combine):
        paired = pair(configured, values[rule], primary)
        paired = replace(paired, clusters=comparison_set.clusters_of(paired.query_ids))
        yield PassageRuleRow(
            dataset=comparison_set.dataset,
            reranker=system.name,
            depth=depth,
            metric=primary,
            rule=rule,
            configured=rule == facts.combine,
            mean=system_mean(values[rule], primary, comparison_set.query_clusters, CONFIDENCE),
            difference=None if rule == facts.combine else difference_interval(paired, confidence),
        )


def _run(folder: ResultFolder, system: System, scores: PassageScores, rule: PassageRule) -> Run:
    combined = combine_scores(scores.scores, scores.starts, rule)
    try:
        return Run.from_rows(system.name, scores.query_ids, scores.doc_ids, combined)
    except DataFormatError as error:
        raise InputError(f"{folder.passages_file.resolve()} is damaged: {error}", DAMAGED) from None


def _check_same(folder: ResultFolder, run: Run, system: System) -> None:
    """Check that the configured rule gives the recorded scores of documents."""
    own = system.scores
    if (
        run.query_ids != own.query_ids
        or run.doc_ids != own.doc_ids
        or not np.array_equal(run.scores, own.scores)
    ):
        raise InputError(
            f"{folder.passages_file.resolve()} is damaged: its scores of {system.name!r} do not give those in"
            f" {folder.scores_file.name}",
            DAMAGED,
        )


def _values(comparison_set: ComparisonSet, system: System, run: Run, primary: str) -> MetricValues:
    """Return the values of a run over the queries that the reranker has values of."""
    lost = set(system.unscored)
    judged = comparison_set.qrels.restricted_to(q for q in comparison_set.qrels.grades if q not in lost)
    first_stage = comparison_set.first_stage
    whole = run if first_stage is None else append_below(run, first_stage, comparison_set.depth or 1)
    return evaluate(whole, judged, parse_metrics([primary]))
