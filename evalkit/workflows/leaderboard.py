"""Rank the systems of many result folders: one table for each set of comparable systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalkit.comparison import ComparisonSet, Plan, order_systems
from evalkit.comparison.corrected_pairs import corrected_mean, unrated_of
from evalkit.comparison.dominance import Rounds, dominated_by
from evalkit.comparison.missing_queries import count_missing
from evalkit.errors import InputError, tell
from evalkit.metrics import find_spelling
from evalkit.metrics.names import same_metric
from evalkit.records import Run, fewest_people
from evalkit.results.leaderboard_document import Leaderboard, LeaderboardRow
from evalkit.results.locate import has_only_latencies, locate_results
from evalkit.summaries.candidate_runs import candidate_lists
from evalkit.summaries.comparisons import plan_of
from evalkit.summaries.gate_evidence import evidence_of
from evalkit.summaries.opened_results import (
    OpenedResult,
    mismatch,
    open_results,
    share_correction,
    with_metrics,
)
from evalkit.summaries.system_means import mean_of_system
from evalkit.summaries.system_names import shortest_paths
from evalkit.summaries.tokenizers import tokenizer_mismatch


@dataclass(frozen=True, slots=True)
class _Source:
    """A result, and its name among the results: the shortest end of its path that no other one has."""

    result: OpenedResult
    name: str


@dataclass(slots=True)
class _Group:
    """Systems that were measured on the same queries, judgments, candidates and depth.

    Attributes
    ----------
    sources
        Name of a system -> where it is from, and its tag there.
    why
        Why the systems are not in an earlier group of the dataset; None for the first group.
    run_files
        Tag and file hash of its runs: the same run in several results is one system.
    first_stages
        The rankings of its first stages: the same one in several results is one system.
    """

    comparison_set: ComparisonSet
    sources: dict[str, tuple[_Source, str]]
    why: str | None = None
    run_files: set[tuple[str, str]] = field(default_factory=set)
    first_stages: list[Run] = field(default_factory=list)


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
        if not any(same_metric(plan.primary, label) for label in result.config.metrics):
            raise InputError(
                f"{result.folder.path} contains no values of {plan.primary!r}",
                f"use one of: {', '.join(result.config.metrics)}",
            )
    once = {result.folder.path.resolve(): result for result in reversed(results)}
    return [_table(group, plan) for group in _grouped(list(reversed(once.values())), plan.primary)]


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
    names = shortest_paths([result.folder.path for result in results])
    groups: list[_Group] = []
    for result, name in zip(results, names, strict=True):
        for comparison_set in result.comparison_sets:
            systems = {
                tag: replace(entry, values=with_metrics(entry.values, [metric]))
                for tag, entry in comparison_set.systems.items()
            }
            compared = replace(comparison_set, systems=systems)
            _place(groups, _Source(result, name), compared, repeated, metric)
    return groups


def _identities(result: OpenedResult) -> Iterator[tuple[str, str]]:
    """Yield each tag with what identifies its system: the result of a reranker, the files of a run.

    First stages of one tag are the same system where they rank the same candidates in the same order.
    """
    yield result.manifest.first_stage, "first stage"
    yield from ((tag, str(result.folder.path.resolve())) for tag in result.rerankers)
    for tag in result.manifest.run_tags:
        yield tag, " ".join(facts.sha256 for facts in result.manifest.runs if facts.tag == tag)


def _place(
    groups: list[_Group],
    source: _Source,
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
                _add(group, source, comparison_set, repeated)
                return
            why = why or f"{source.name}: {difference}"
    groups.append(_Group(replace(comparison_set, systems={}), {}, why))
    _add(groups[-1], source, comparison_set, repeated)


def _add(group: _Group, source: _Source, comparison_set: ComparisonSet, repeated: AbstractSet[str]) -> None:
    systems, manifest = dict(group.comparison_set.systems), source.result.manifest
    files = {facts.tag: facts.sha256 for facts in manifest.runs if facts.dataset == comparison_set.dataset}
    for tag, entry in comparison_set.systems.items():
        if tag == manifest.first_stage:
            if any(_same_order(entry.run, other) for other in group.first_stages if other.tag == tag):
                continue  # the group already has these candidates in this order
            group.first_stages.append(entry.run)
        if (tag, files.get(tag)) in group.run_files:
            continue
        name = f"{tag} ({source.name})" if tag in repeated or tag in systems else tag
        systems[name] = replace(entry, name=name)
        group.sources[name] = (source, tag)
    group.run_files |= files.items()
    judged_by = fewest_people(group.comparison_set.judged_by, comparison_set.judged_by)
    if judged_by == "corrected" and not share_correction(group.comparison_set, comparison_set):
        judged_by = "mixed"  # people judged other queries, or the judge gave other grades
    correction = group.comparison_set.correction if judged_by == "corrected" else None
    group.comparison_set = replace(
        group.comparison_set, systems=systems, judged_by=judged_by, correction=correction
    )


def _same_order(run: Run, other: Run) -> bool:
    return set(run.query_ids) == set(other.query_ids) and all(
        docs == other.docs(query_id) for query_id, docs, _ in run
    )


def _table(group: _Group, plan: Plan) -> Leaderboard:
    ordered = order_systems(group.comparison_set, plan)
    names = list(ordered.tied)  # best first
    dataset, depth = group.comparison_set.dataset, group.comparison_set.depth
    results = {source.name: source.result for source, _ in group.sources.values()}
    summaries = {name: result.folder.read_summary() for name, result in results.items()}
    timed = {
        name: summaries[source.name].quantiles_alone(dataset, tag, "p50")
        for name, (source, tag) in group.sources.items()
    }
    lists = candidate_lists(group.comparison_set)
    batch = _shared_batch([timed[name] for name in names], lists.longest_list if lists else depth)
    unrated = unrated_of(group.comparison_set, names, plan.primary)
    is_sure = group.comparison_set.judged_by in {"human", "corrected"}
    dominated = _dominated(group, plan, batch, ordered.better) if is_sure else dict.fromkeys(names)
    rows = []
    for place, name in enumerate(names, start=1):
        source, tag = group.sources[name]
        cost = summaries[source.name].cost_of(dataset, tag)
        system = group.comparison_set.systems[name]
        rows.append(
            LeaderboardRow(
                rank=None if name in ordered.unknown else place,
                system=name,
                result=source.name,
                mean=mean_of_system(group.comparison_set, name, plan.primary, plan.confidence),
                tied_with=ordered.tied[name],
                p50_s=None if batch is None else timed[name].get(batch),
                usd_per_thousand_queries=cost.usd_per_thousand_queries if cost else None,
                dominated_by=dominated[name],
                is_run=system.own_candidates,
                averaged=None if system.coverage is None else system.coverage.averaged,
                missing=count_missing(group.comparison_set, name, names),
                indication=_is_uncorrected(group.comparison_set, name, plan.primary) or None,
            )
        )
    judged_by = group.comparison_set.judged_by
    return Leaderboard(
        dataset,
        depth,
        plan.primary,
        plan.confidence,
        batch,
        group.why,
        tuple(rows),
        lists,
        None if judged_by == "human" else judged_by,
        len({query_id for query_id, _ in unrated}) or None,
    )


def _is_uncorrected(comparison_set: ComparisonSet, name: str, metric: str) -> bool:
    """Return whether a system has the mean of a mixture of grades where people's correct those of other systems."""
    return comparison_set.judged_by == "corrected" and corrected_mean(comparison_set, name, metric) is None


def _dominated(
    group: _Group, plan: Plan, batch: int | None, better: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...] | None]:
    """Return system -> the systems that are significantly better and faster; None where it was not timed.

    Latency is compared within one run only, as only systems of one run share rounds.
    """
    names = list(better)
    dominators: dict[str, tuple[str, ...] | None] = dict.fromkeys(names)
    for result in {source.name: source.result for source, _ in group.sources.values()}.values():
        of_run = [name for name in names if group.sources[name][0].result is result]
        within = {name: [other for other in better[name] if other in of_run] for name in of_run}
        dominated = dominated_by(within, _rounds(group, result, of_run, batch), plan.confidence)
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
