"""The depth at which scores are tuned, the candidates at that depth, and the halves of the queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalkit.comparison import ComparisonSet, Plan
from evalkit.errors import InputError
from evalkit.metrics.candidate_ranks import ranks_in
from evalkit.records import Run
from evalkit.results.tuning_document import DepthSweep, TunedDepth
from evalkit.stats import count_clusters
from evalkit.tuning import split_queries
from evalkit.tuning.depth_bands import band_of
from evalkit.tuning.depth_check import ALPHA, queries_for_margin


@dataclass(frozen=True, slots=True)
class QueryHalves:
    """The queries that choose, and those that check.

    Attributes
    ----------
    tuning, held_out
        Query ids, disjoint.
    """

    tuning: frozenset[str]
    held_out: frozenset[str]

    @classmethod
    def of(cls, comparison_set: ComparisonSet, plan: Plan) -> QueryHalves:
        """Return the halves of all judged queries; those of a cluster are in one half.

        The answerable queries are split as `evalkit.summaries.depth_sweep` splits them, whatever the others are.
        """
        answerable = comparison_set.qrels.answerable
        known = set(answerable)
        others = [query_id for query_id in comparison_set.qrels.grades if query_id not in known]
        found = cls.split(comparison_set, answerable, plan.seed)
        labels = comparison_set.query_clusters.labels
        halves = []
        for half in (found.tuning, found.held_out):
            joined = {labels[query_id] for query_id in half if query_id in labels}
            halves.append(half | {query_id for query_id in others if labels.get(query_id) in joined})
        free = [query_id for query_id in others if query_id not in halves[0] | halves[1]]
        more = cls.split(comparison_set, free, plan.seed)
        return cls(halves[0] | more.tuning, halves[1] | more.held_out)

    @classmethod
    def split(cls, comparison_set: ComparisonSet, query_ids: Sequence[str], seed: int) -> QueryHalves:
        """Return the halves of some queries; those of a cluster are in one half."""
        rows = split_queries(len(query_ids), seed, comparison_set.clusters_of(query_ids))
        tuning, held_out = (
            frozenset(query_ids[row] for row in half) for half in (rows.tuning, rows.held_out)
        )
        return cls(tuning, held_out)


def cut_to(comparison_set: ComparisonSet, tag: str, depth: int) -> ComparisonSet:
    """Return the comparison set of one reranker with only the first `depth` candidates of each query.

    Candidates after them have no score of the reranker, so a threshold drops them, and no ranking here has them.
    """
    system = comparison_set.systems[tag]
    if comparison_set.first_stage is None:
        return replace(comparison_set, systems={tag: system})
    candidates = comparison_set.first_stage.cut(depth)
    shallow = replace(system, run=among(system.scores, candidates), reranked=None)
    return replace(comparison_set, systems={tag: shallow}, first_stage=candidates, depth=depth)


def among(run: Run, candidates: Run) -> Run:
    """Return a run without the documents that are no candidates."""
    return run.where(ranks_in(candidates, run) > 0)


def depth_to_tune(
    comparison_set: ComparisonSet, sweep: DepthSweep | None, asked: int | None = None
) -> TunedDepth:
    """Return the depth at which to tune the scores of a pointwise reranker, or of one at the depth that was run.

    Parameters
    ----------
    comparison_set
        The dataset at the deepest depth.
    sweep
        Every depth; None where there is no sweep, as for listwise rerankers.
    asked
        The depth that the user gives; None for the recommended one, or the deepest if none is recommended.

    Raises
    ------
    InputError
        If the depth that is asked for is deeper than the candidates.
    """
    deepest = comparison_set.deepest or 1
    if asked is not None and not 1 <= asked <= deepest:
        raise InputError(
            f"depth {asked} is not one of the depths of {comparison_set.dataset}: 1 to {deepest}",
            f"give a depth up to {deepest}, or run with a greater retriever.depth",
        )
    if sweep is None:
        why = "its depths cannot be derived from one pass"
        return TunedDepth(asked or deepest, *(("given",) if asked else ("deepest", why)))
    choice = sweep.choice
    recommended = choice.recommended or choice.deepest or deepest
    # A number that the user took over from the sweep of these queries is chosen on them, too.
    chosen_here = asked in {None, recommended} and _may_choose(comparison_set, sweep)
    band = band_of(recommended, deepest) if chosen_here else None
    if asked is not None:
        return TunedDepth(asked, "given", None, band)
    if choice.recommended is None:
        return TunedDepth(recommended, "deepest", choice.why_not, band)
    return TunedDepth(recommended, "recommended", None, band)


def _may_choose(comparison_set: ComparisonSet, sweep: DepthSweep) -> bool:
    """Return whether the values of the queries can change the recommended depth.

    With fewer queries than the margin requires no smaller depth is ever confirmed, so the deepest is used whatever the
    queries are.
    """
    query_ids = comparison_set.qrels.answerable
    independent = count_clusters(comparison_set.clusters_of(query_ids), len(query_ids))
    if sweep.corrected is not None or sweep.rests_on is not None:
        independent = sweep.queries  # those of people, whatever other queries the dataset has
    return sweep.limits.quality is not None or independent >= queries_for_margin(sweep.margin, ALPHA)
