"""Rank the systems of many result folders: one table for each set of comparable systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalkit.comparison import ComparisonSet, Plan, tied_with
from evalkit.comparison.dominance import Rounds, dominated_by
from evalkit.errors import InputError, tell
from evalkit.metrics import find_spelling
from evalkit.results.leaderboard_document import Leaderboard, LeaderboardRow
from evalkit.results.locate import has_only_latencies, locate_results
from evalkit.summaries.candidate_runs import candidate_lists
from evalkit.summaries.comparisons import plan_of
from evalkit.summaries.gate_evidence import evidence_of
from evalkit.summaries.opened_results import OpenedResult, mismatch, open_results
from evalkit.summaries.system_means import system_mean
from evalkit.summaries.tokenizers import tokenizer_mismatch


@dataclass(slots=True)
class _Group:
    """Systems that were measured on the same queries, judgments, candidates and depth.

    Attributes
    ----------
    sources
        Name of a system -> its result and its tag there.
    why
        Why the systems are not in an earlier group of the dataset; None for the first group.
    run_files
        Tag and file hash of its runs: the same run in several results is one system.
    """

    comparison_set: ComparisonSet
    sources: dict[str, tuple[OpenedResult, str]]
    why: str | None = None
    run_files: set[tuple[str, str]] = field(default_factory=set)


def leaderboard(
    paths: Sequence[str | Path], metric: str | None = None, *, allow_incomplete: bool = False
) -> list[Leaderboard]:
    """Rank the systems of some result folders.

    Parameters
    ----------
    paths
        Results; see `locate_result`. Those that contain only latencies are skipped, with a note.
    metric
        The metric to rank by; the first folder's primary metric where None.
    allow_incomplete
        Accept folders with queries that have no scores: each mean then has its own n.

    Returns
    -------
    One table for each group that was measured on the same queries, judgments, candidates and depth.

    Raises
    ------
    InputError
        If a folder cannot be read, or lacks the metric.
    """
    results = open_results(
        _with_scores(paths, allow_incomplete=allow_incomplete), allow_incomplete=allow_incomplete
    )
    first = plan_of(results[0].config, results[0].manifest.first_stage)
    wanted = metric or first.primary
    plan = replace(first, primary=find_spelling(wanted, results[0].config.metrics) or wanted)
    for result in results:
        if plan.primary not in result.config.metrics:
            raise InputError(
                f"{result.folder.path} contains no values of {plan.primary!r}",
                f"use one of: {', '.join(result.config.metrics)}",
            )
    return [_table(group, plan) for group in _grouped(results, plan.primary)]


def _with_scores(named: Sequence[str | Path], *, allow_incomplete: bool) -> list[Path]:
    """Return the results without those that contain only latencies, with a note; all of them if none has scores."""
    paths = locate_results(named, allow_incomplete=allow_incomplete, scores=True)
    kept = [path for path in paths if not has_only_latencies(path)]
    if kept and len(kept) < len(paths):
        skipped = ", ".join(str(path) for path in paths if path not in kept)
        tell(f"skipped results that contain only latencies and no scores: {skipped}")
    return kept or paths


def _grouped(results: Sequence[OpenedResult], metric: str) -> list[_Group]:
    counts = Counter(tag for tag, _ in {one for result in results for one in _identities(result)})
    repeated = {tag for tag, count in counts.items() if count > 1}
    groups: list[_Group] = []
    for result in results:
        for comparison_set in result.comparison_sets:
            _place(groups, result, comparison_set, repeated, metric)
    return groups


def _identities(result: OpenedResult) -> Iterator[tuple[str, str]]:
    """Yield each tag with what identifies its system: the result of a reranker, the files of a run."""
    yield from ((tag, str(result.folder.path)) for tag in result.rerankers)
    for tag in result.manifest.run_tags:
        yield tag, " ".join(facts.sha256 for facts in result.manifest.runs if facts.tag == tag)


def _place(
    groups: list[_Group],
    result: OpenedResult,
    comparison_set: ComparisonSet,
    repeated: AbstractSet[str],
    metric: str,
) -> None:
    """Add the systems of a comparison set to the group that they are comparable with, or to a new group."""
    why = None
    for group in groups:
        if group.comparison_set.dataset == comparison_set.dataset:
            difference = mismatch(group.comparison_set, comparison_set) or tokenizer_mismatch(
                group.comparison_set, comparison_set, metric
            )
            if difference is None:
                _add(group, result, comparison_set, repeated)
                return
            why = why or f"{result.folder.path.name}: {difference}"
    groups.append(_Group(replace(comparison_set, systems={}), {}, why))
    _add(groups[-1], result, comparison_set, repeated)


def _add(
    group: _Group, result: OpenedResult, comparison_set: ComparisonSet, repeated: AbstractSet[str]
) -> None:
    systems = dict(group.comparison_set.systems)
    runs = result.manifest.runs
    files = {facts.tag: facts.sha256 for facts in runs if facts.dataset == comparison_set.dataset}
    for tag, entry in comparison_set.systems.items():
        if tag == result.manifest.first_stage and tag in systems:
            continue  # the group already has these candidates in this order
        if (tag, files.get(tag)) in group.run_files:
            continue
        name = f"{tag} ({result.folder.path.name})" if tag in repeated else tag
        systems[name] = replace(entry, name=name)
        group.sources[name] = (result, tag)
    group.run_files |= files.items()
    group.comparison_set = replace(group.comparison_set, systems=systems)


def _table(group: _Group, plan: Plan) -> Leaderboard:
    tied = tied_with(group.comparison_set, plan)
    names = list(tied)  # best first
    dataset, depth = group.comparison_set.dataset, group.comparison_set.depth
    summaries = {id(result): result.folder.read_summary() for result, _ in group.sources.values()}
    timed = {
        name: summaries[id(result)].quantiles_alone(dataset, tag, "p50")
        for name, (result, tag) in group.sources.items()
    }
    lists = candidate_lists(group.comparison_set)
    batch = _shared_batch([timed[name] for name in names], lists.longest_list if lists else depth)
    dominated = _dominated(group, plan, batch, tied)
    clusters = group.comparison_set.query_clusters
    rows = []
    for place, name in enumerate(names, start=1):
        result, tag = group.sources[name]
        cost = summaries[id(result)].cost_of(dataset, tag)
        values = group.comparison_set.systems[name].values
        rows.append(
            LeaderboardRow(
                rank=place,
                system=name,
                result=result.folder.path.name,
                mean=system_mean(values, plan.primary, clusters, plan.confidence),
                tied_with=tied[name],
                p50_s=None if batch is None else timed[name].get(batch),
                usd_per_thousand_queries=cost.usd_per_thousand_queries if cost else None,
                dominated_by=dominated[name],
                is_run=group.comparison_set.systems[name].own_candidates,
            )
        )
    return Leaderboard(dataset, depth, plan.primary, plan.confidence, batch, group.why, tuple(rows), lists)


def _dominated(
    group: _Group, plan: Plan, batch: int | None, tied: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...] | None]:
    """Return system -> the systems that are significantly better and faster; None where it was not timed.

    Latency is compared within one run only, as only systems of one run share rounds.
    """
    names = list(tied)
    dominators: dict[str, tuple[str, ...] | None] = dict.fromkeys(names)
    for result in {id(source[0]): source[0] for source in group.sources.values()}.values():
        of_run = [name for name in names if group.sources[name][0] is result]
        better = {
            name: [other for other in of_run[:place] if other not in tied[name]]
            for place, name in enumerate(of_run)
        }
        dominated = dominated_by(better, _rounds(group, result, of_run, batch), plan.confidence)
        dominators |= {name: None if by is None else tuple(by) for name, by in dominated.items()}
    return dominators


def _rounds(
    group: _Group, result: OpenedResult, names: Iterable[str], batch: int | None
) -> dict[str, Rounds]:
    rounds = evidence_of(result).rounds if batch is not None else {}
    keys = {name: (group.comparison_set.dataset, group.sources[name][1], batch or 0, 1) for name in names}
    return {name: rounds[key] for name, key in keys.items() if key in rounds}


def _shared_batch(timed: Iterable[Mapping[int, float]], depth: int | None) -> int | None:
    """Return the largest batch size that every timed system was timed with, up to the depth."""
    sizes = [set(medians) for medians in timed if medians]
    shared = set.intersection(*sizes) if sizes else set()
    return max((size for size in shared if depth is None or size <= depth), default=None)
