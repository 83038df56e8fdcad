"""Warnings on timed calls say what happened and what to do."""

from __future__ import annotations

from dataclasses import replace

from support.documents import summary, timed

from evalkit.report.latency_sentences import latency_cautions
from evalkit.report.numbers import HARNESS_TOO_SLOW, quantile_text
from evalkit.results.latency_document import LatencyAnswers, MachineState
from evalkit.results.summary_document import LatencyRow

ANSWERS = LatencyAnswers(0.95, (), (), (), (), (), (), MachineState((), ()), ())


def withheld(row: LatencyRow, reason: str) -> LatencyRow:
    """Return a row whose calls measured the load generator."""
    none = replace(row.p50_s, missing="harness")
    return replace(row, p50_s=none, p90_s=none, p95_s=none, p99_s=none, concurrency=4, flags=(reason,))


def test_withheld_latencies_are_explained_once() -> None:
    """In the words of the table, with the load and the reason of the first row, and with a remedy."""
    rows = [
        timed("a", 1, 0.001),
        *(withheld(timed("a", n, 0.001), f"only {n} of 4 were in flight") for n in (2, 3)),
    ]
    assert quantile_text(rows[1].p95_s) == HARNESS_TOO_SLOW
    (caution,) = latency_cautions(summary(latency=rows), ANSWERS)
    assert f"2 of 3 rows are withheld ('{HARNESS_TOO_SLOW}')" in caution.text
    assert "a, 2 documents, 4 in flight: only 2 of 4 were in flight." in caution.text
    assert caution.remedy.startswith("Rerun on an idle or a faster machine, or time fewer calls in flight")


def test_measured_latencies_have_no_warning() -> None:
    """Nothing is said where nothing is withheld and the machine was steady."""
    assert not latency_cautions(summary(latency=[timed("a", 1, 0.001)]), ANSWERS)
