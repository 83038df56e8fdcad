"""Metrics that ir_measures computes: check that it can, hand judgments and runs over, and read the values."""

from __future__ import annotations

import subprocess

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError, UnknownNameError
from evalkit.metrics import definitions
from evalkit.metrics.metric import Metric
from evalkit.records import Qrels, Run


def check(metric: Metric) -> None:
    """Check that ir_measures can compute a metric.

    Raises
    ------
    UnknownNameError
        If it does not know the name.
    InputError
        If parameters are wrong, or no installed package computes it.
    """
    import ir_measures

    own = {name for one in definitions.DEFINITIONS for name in (one.name, *one.aliases)}
    own |= {one.name for one in definitions.RUN_METRICS}
    known = set(ir_measures.measures.registry) | own
    if metric.name not in known:
        raise UnknownNameError("metric", metric.name, known)
    try:
        measure = ir_measures.parse_measure(ir_measures_notation(metric))
        able = [
            provider for provider in ir_measures.providers.registry.values() if provider.supports(measure)
        ]
    except (ValueError, AssertionError, NameError, TypeError) as error:
        raise InputError(f"{metric.label!r} is not a valid metric: {error}") from None
    if not any(provider.is_available() for provider in able):
        raise InputError(
            f"{metric.label!r} cannot be computed: no installed package of ir_measures supports it",
            "install the package that ir_measures requires for it, or use another metric",
        )


def values(run: Run, qrels: Qrels, metric: Metric, query_ids: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the ``(q,)`` values of a metric.

    Raises
    ------
    InputError
        If ir_measures fails on this data.
    """
    import ir_measures

    # Scores are replaced by descending whole numbers: ir_measures' providers would otherwise break
    # ties in their own ways, some after rounding scores to float32.
    ranking = {q: {d: float(len(docs) - i) for i, d in enumerate(docs)} for q, docs, _ in run}
    grades = {q: dict(qrels.of(q)) for q in query_ids}
    measure = ir_measures.parse_measure(ir_measures_notation(metric))
    try:
        found = {m.query_id: m.value for m in ir_measures.iter_calc([measure], grades, ranking)}
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        # Some providers run external programs, which reject some judgments.
        own = definitions.join_names(definitions.DEFINITIONS, "and")
        raise InputError(
            f"{metric.label!r} cannot be computed on this data: ir_measures failed ({error})",
            f"use another metric; built-in metrics: {own}",
        ) from None
    return np.array([found.get(q, 0.0) for q in query_ids], dtype=np.float64)


def ir_measures_notation(metric: Metric) -> str:
    """Return the notation that ir_measures parses."""
    params = ",".join(f"{key}={dict(v) if isinstance(v, tuple) else v!r}" for key, v in metric.params)
    cutoff = f"@{metric.cutoff}" if metric.cutoff else ""
    return f"{metric.name}{f'({params})' if params else ''}{cutoff}"
