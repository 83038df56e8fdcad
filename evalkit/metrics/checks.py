"""Whether metrics can be computed on judgments: asked before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.errors import InputError
from evalkit.metrics import providers
from evalkit.metrics.metric import Metric
from evalkit.metrics.names import parse_metric
from evalkit.records import Qrels


def check_metrics(metrics: Sequence[Metric | str], qrels: Qrels, where: str = "") -> None:
    """Check that metrics can be computed on judgments.

    Parameters
    ----------
    metrics
        Names, or what `parse_metric` returns.
    qrels
        The judgments.
    where
        What the judgments are, for the message: ``dataset 'demo'``.

    Raises
    ------
    InputError
        If one cannot: a grade that it does not know, or judgments without subtopics.
    """
    parsed = [parse_metric(one) if isinstance(one, str) else one for one in metrics]
    for metric in parsed:
        if metric.run_metric is not None and where:  # without a name they may be those of some queries
            metric.run_metric.check(qrels, where)
    try:
        for metric in parsed:
            if metric.run_metric is not None:
                continue
            if metric.definition is None:
                providers.check_judgments(metric, qrels)
            elif metric.definition.check_judgments is not None:
                metric.definition.check_judgments(metric, qrels)
    except InputError as error:
        raise InputError(f"{where}: {error.message}" if where else error.message, error.hint) from None
