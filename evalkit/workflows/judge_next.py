"""``evalkit judge next``: the documents whose judgment can still change the verdict on two systems."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.comparison.next_judgments import NextJudgments, next_judgments
from evalkit.config import Config
from evalkit.datasets.sample_judge import correcting_judge
from evalkit.errors import InputError, UnknownNameError
from evalkit.judges import Judge
from evalkit.judging.judged_pairs import JudgedPairs, Pair
from evalkit.judging.pools import RankedSystem
from evalkit.metrics import evaluate, parse_metric
from evalkit.store import JudgmentFile
from evalkit.workflows.judge_plan import judge_settings
from evalkit.workflows.judge_run import JudgeRun, judge_chosen
from evalkit.workflows.judging_input import JudgingInput
from evalkit.workflows.pairs_to_judge import PairsToJudge
from evalkit.workflows.pooled_dataset import PooledDataset

_HIGHEST = 3.0
"""The highest grade where no judgment shows one: that of the default scale."""
_GRADE = re.compile(r"^(\d+):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NextOfDataset:
    """What to judge next on one dataset.

    Attributes
    ----------
    dataset
        Its name.
    found
        The documents.
    judge_alone
        Whether all grades are of models, and no person has judged.
    is_drawn
        Whether queries are drawn for people.
    """

    dataset: str
    found: NextJudgments
    judge_alone: bool = False
    is_drawn: bool = False


def find_next(
    opened: JudgingInput, baseline: str | None = None, contender: str | None = None
) -> list[NextOfDataset]:
    """Return the documents of each dataset whose judgment can change the difference of two systems.

    Parameters
    ----------
    opened
        What is judged.
    baseline, contender
        Tags of the systems, at their deepest depth; by default the baseline of the configuration and the best
        of the others.

    Raises
    ------
    UnknownNameError
        If there is no such system.
    InputError
        If there is only one system.
    """
    found = []
    for pooled in opened.datasets:
        first, second = compared_pair(pooled, opened.config, baseline, contender)
        qrels, excluded = pooled.dataset.qrels.without_excluded()
        one, other = (system.run.without(excluded) for system in (first, second))
        metric = opened.config.primary
        ahead = next_judgments(one, other, qrels, metric, highest_grade(pooled, opened.config))
        alone = pooled.has_judgments("model") and not pooled.has_judgments("human")
        found.append(NextOfDataset(pooled.name, ahead, alone, pooled.is_corrected))
    return found


def judge_next(
    opened: JudgingInput, found: Sequence[NextOfDataset], count: int, tag: str, command: str
) -> JudgeRun:
    """Send the first documents of each dataset that a judge has not judged to it; see `judge_chosen`.

    Raises
    ------
    InputError
        If the judge is an ensemble, which makes no calls, or people's grades of a dataset correct those of one of
        several judges, and none is named.
    """
    for pooled in opened.datasets:
        correcting_judge(pooled.settings)
    if judge_settings(opened.config, tag).derived:
        raise InputError(
            f"judges.{tag} combines judgments of other judges and makes no calls",
            "name one of its judges, then run: evalkit judge run CONFIG --judge " + tag,
        )
    of_dataset = {one.dataset: one.found for one in found}

    def choose(pooled: PooledDataset, judge: Judge) -> PairsToJudge:
        pairs: list[Pair] = [
            (one.query_id, one.doc_id)
            for one in of_dataset[pooled.name].judgments
            if one.doc_id in pooled.dataset.corpus
        ]
        file = JudgmentFile(pooled.file_of(tag))
        state = JudgedPairs.of(file.read(), judge.known_rater, pooled.query_sha256, pooled.doc_sha256)
        remaining = state.remaining(pairs, retry_failed=False)[:count]
        return PairsToJudge(
            pooled=pooled,
            file=file,
            chosen=len(remaining),
            counted=0,
            graded=0,
            failed=0,
            stale=sum(pair in state.stale for pair in remaining),
            remaining=tuple(remaining),
            retry_failed=False,
        )

    return judge_chosen(opened, tag, choose, command)


def compared_pair(
    pooled: PooledDataset, config: Config, baseline: str | None, contender: str | None
) -> tuple[RankedSystem, RankedSystem]:
    """Return two systems of a dataset, each at its deepest depth; see `find_next`."""
    first = baseline or config.compare.baseline or config.retriever.label
    systems = deepest(pooled.systems)
    if first not in systems:
        raise UnknownNameError("system", first, systems)
    second = contender or _best_other(pooled, systems, first, config.primary)
    if second not in systems:
        raise UnknownNameError("system", second, systems)
    return systems[first], systems[second]


def known_pair(
    pooled: PooledDataset, config: Config, baseline: str | None = None, contender: str | None = None
) -> tuple[RankedSystem, RankedSystem] | None:
    """Return the systems whose differences are known; None with one system, or as long as lengths are unknown.

    Raises
    ------
    UnknownNameError
        If there is no such system.
    """
    if len(deepest(pooled.systems)) < 2 and contender is None:
        return None
    at_budget = parse_metric(config.primary).budget_tokens is not None
    if at_budget and pooled.dataset.qrels.tokens is None:
        return None  # a run counts the lengths of documents
    return compared_pair(pooled, config, baseline, contender)


def deepest(systems: Sequence[RankedSystem]) -> dict[str, RankedSystem]:
    """Return tag -> the system at its deepest depth."""
    return {one.name: one for one in sorted(systems, key=lambda one: one.depth or 0)}


def _best_other(pooled: PooledDataset, systems: dict[str, RankedSystem], first: str, metric: str) -> str:
    others = [name for name in systems if name != first]
    if not others:
        raise InputError(
            f"{pooled.name}: {first!r} is the only system", "name a result with rerankers or runs"
        )
    qrels = pooled.dataset.qrels.without_excluded()[0]
    values = {name: evaluate(systems[name].run, qrels, [parse_metric(metric)]).values for name in others}
    return max(others, key=lambda name: _mean_of_known(values[name]))


def _mean_of_known(values: NDArray[np.float64]) -> float:
    """Return the mean of the values that are known; a system without any is the last choice."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else -math.inf


def highest_grade(pooled: PooledDataset, config: Config) -> float:
    """Return the highest grade that a document may get: of the scales of judges and raters, and of those seen.

    A verdict is settled only if no grade of any scale reverses it, so an unseen highest grade counts, too.
    """
    scales = [len(judge.scale) - 1 for judge in config.judges.values()]
    raters = {one.rater for source in pooled.sources for one in source.judgments}
    scales += [_top_of_scale(rater.scale) for rater in raters if rater.scale is not None]
    seen = (grade for docs in pooled.dataset.qrels.grades.values() for grade in docs.values())
    highest = max(*scales, math.ceil(max(seen, default=0)), 0)
    return float(highest) if highest > 0 else _HIGHEST


def _top_of_scale(scale: str) -> int:
    """Return the highest grade of a scale as text: ``grade: words`` in each line; 0 if it has another form."""
    return max((int(found[1]) for found in _GRADE.finditer(scale)), default=0)
