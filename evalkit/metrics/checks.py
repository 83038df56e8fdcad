"""Whether metrics can be computed on judgments."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.errors import InputError
from evalkit.metrics import providers
from evalkit.metrics.metric import Metric
from evalkit.metrics.names import parse_metric
from evalkit.records import Qrels, grade_text


def check_metrics(metrics: Sequence[Metric | str], qrels: Qrels, where: str) -> None:
    """Check that metrics can be computed on all judgments of a dataset, before anything is spent.

    Parameters
    ----------
    metrics
        Names, or what `parse_metric` returns.
    qrels
        The judgments of all queries.
    where
        What the judgments are, for the message: ``the judgments of 'demo'``.

    Raises
    ------
    InputError
        If one cannot: a grade that it does not know, judgments without subtopics, or without pairs of queries.
    """
    parsed = [parse_metric(one) if isinstance(one, str) else one for one in metrics]
    for metric in parsed:
        if metric.run_metric is not None:
            metric.run_metric.check(qrels, where)
    try:
        check_list_metrics(parsed, qrels)
    except InputError as error:
        raise InputError(f"{where}: {error.message}", error.hint) from None


def check_list_metrics(metrics: Sequence[Metric], qrels: Qrels) -> None:
    """Check that metrics of single lists can be computed on judgments, which may be those of some queries.

    A metric over several lists is not checked: some of the queries need not hold a pair.

    Raises
    ------
    InputError
        If one cannot: a grade that it does not know, a fractional grade without a gain, or judgments without
        subtopics.
    """
    for metric in metrics:
        if metric.gains:
            _check_has_gains(metric, qrels)
        if metric.definition is not None:
            if metric.definition.check_judgments is not None:
                metric.definition.check_judgments(metric, qrels)
        elif metric.run_metric is None:
            providers.check_judgments(metric, qrels)


def _check_has_gains(metric: Metric, qrels: Qrels) -> None:
    """Raise `InputError` if a metric has gains of whole grades, and a grade is fractional."""
    if qrels.columns.grades.dtype.kind != "f":
        return
    rows = ((q, d, grade) for q, docs in qrels.grades.items() for d, grade in docs.items())
    query_id, doc_id, grade = next(row for row in rows if row[2] != int(row[2]))
    raise InputError(
        f"{metric.label!r} has gains for whole grades only; query {query_id!r}, document {doc_id!r} has the grade"
        f" {grade_text(grade)}",
        "use nDCG without gains, whose gain is the grade, or dcg='exp-log2', whose gain is 2**grade - 1",
    )
