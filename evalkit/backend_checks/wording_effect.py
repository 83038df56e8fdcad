"""Whether another wording of the question changes scores, rankings and their quality: two wordings, paired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.backend_checks.check_calls import CheckResult
from evalkit.backend_checks.list_variations import ORIGINAL
from evalkit.backend_checks.score_effects import REWORDED, QueryScores, Scale, over_queries, reworded_change
from evalkit.metrics import evaluate
from evalkit.records import Qrels, Run
from evalkit.stats import Interval, mean_interval

WORDING = "another wording does not move scores"
METRIC = "nDCG@10"


def wording_effect(found: Sequence[QueryScores], scale: Scale, qrels: Qrels | None) -> CheckResult:
    """Return by how much scores, the order of documents and its quality differ between two wordings.

    Parameters
    ----------
    found
        Scores of the same lists with both wordings.
    scale
        The unit of scores.
    qrels
        Judgments of the documents of the lists; None where the lists hold something else, such as passages.
    """
    moved, signed = reworded_change(found)
    figures = {"change with its sign": signed, "Kendall's tau of the rankings": over_queries(found, _tau)}
    if qrels is not None and (quality := _quality_change(found, qrels, -1 if scale.unit else 1)) is not None:
        figures[f"change of {METRIC}"] = quality
    return scale.result(WORDING, moved, figures, len(found))


def _tau(one: QueryScores) -> float | None:
    """Return the rank correlation of the scores of two wordings; None if it is not defined."""
    from scipy.stats import kendalltau

    before, after = one.scores.get(ORIGINAL), one.scores.get(REWORDED)
    if before is None or after is None:
        return None
    tau = float(kendalltau(before, after).statistic)
    return None if np.isnan(tau) else tau


def _quality_change(found: Sequence[QueryScores], qrels: Qrels, sign: int) -> Interval | None:
    """Return the mean difference of a metric between both wordings over queries with a judged relevant document.

    `sign` is -1 for ranks, the lowest of which is the best.
    """
    both = [one for one in found if {ORIGINAL, REWORDED} <= one.scores.keys()]
    judged = Qrels({one.sample.request.query_id: qrels.of(one.sample.request.query_id) for one in both})
    if not any(grade > 0 for grades in judged.grades.values() for grade in grades.values()):
        return None
    before, after = (
        evaluate(_run(both, name, sign), judged, [METRIC]).values[:, 0] for name in (ORIGINAL, REWORDED)
    )
    return mean_interval(after - before)


def _run(found: Sequence[QueryScores], name: str, sign: int) -> Run:
    rows = [
        (one.sample.request.query_id, doc_id, sign * score)
        for one in found
        for doc_id, score in zip(one.sample.request.doc_ids, one.scores[name], strict=True)
    ]
    query_ids, doc_ids, scores = zip(*rows, strict=True)
    return Run.from_rows(name, query_ids, doc_ids, scores)
