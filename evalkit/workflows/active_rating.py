"""The systems whose difference decides on the order in which people rate documents, and people's grades so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.judging.judged_pairs import Pair
from evalkit.records import QRELS, Qrels
from evalkit.web.active_order import ComparedSystems
from evalkit.web.rating_task import RatingTask
from evalkit.workflows.judge_next import compared_pair, highest_grade
from evalkit.workflows.judging_input import JudgingInput
from evalkit.workflows.pooled_dataset import PooledDataset


@dataclass(frozen=True, slots=True)
class ActiveOrderOf:
    """Tags of the two systems; None for those that ``evalkit judge next`` compares."""

    baseline: str | None = None
    contender: str | None = None


def compared_systems(
    opened: JudgingInput, tasks: Iterable[RatingTask], asked: ActiveOrderOf
) -> dict[str, ComparedSystems]:
    """Return dataset -> the two systems with people's judgments, for the datasets that have pairs.

    Raises
    ------
    UnknownNameError
        If there is no such system.
    InputError
        If a dataset has only one system.
    """
    pairs: dict[str, set[Pair]] = {}
    for task in tasks:
        pairs.setdefault(task.dataset, set()).add((task.query_id, task.doc_id))
    found = {}
    for pooled in opened.datasets:
        if pooled.name not in pairs:
            continue
        chosen = compared_pair(pooled, opened.config, asked.baseline, asked.contender)
        qrels, excluded = pooled.dataset.qrels.without_excluded()
        one, other = (system.run.without(excluded) for system in chosen)
        found[pooled.name] = ComparedSystems(
            baseline=one,
            contender=other,
            metric=opened.config.primary,
            highest=highest_grade(pooled, opened.config),
            judged=_by_people(pooled, qrels, pairs[pooled.name]),
            people=pooled.counted_people or None,
        )
    return found


def _by_people(pooled: PooledDataset, counted: Qrels, pairs: set[Pair]) -> Qrels:
    """Return the grades of people that count; of the pairs to rate, those that count without the file of the page."""
    chosen, others = pooled.dataset.chosen, pooled.counted_without_people
    grades: dict[str, dict[str, float]] = {}
    for judged, of_pairs in ((counted.grades, False), (others.grades, True)):
        raters = others if of_pairs else chosen
        for query_id, docs in judged.items():
            for doc_id, grade in docs.items():
                rater = QRELS if raters is None else raters.rater_of(query_id, doc_id)
                if rater is not None and rater.kind == "human" and ((query_id, doc_id) in pairs) == of_pairs:
                    grades.setdefault(query_id, {})[doc_id] = grade
    return Qrels(grades, counted.subtopics, counted.tokens)
