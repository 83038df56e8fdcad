"""What to do after reading a report: one sentence, and the command for it where there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from evalkit.comparison import MISSING, UNKNOWN, Comparison
from evalkit.report.cards import leading
from evalkit.report.decision import Decision
from evalkit.report.manifest_command import PLACEHOLDER, config_in, repeated
from evalkit.report.run_coverage import missing_remedy
from evalkit.report.systems import Measured, SystemRow
from evalkit.report.warnings import RESUME
from evalkit.results.comparison_document import Comparisons
from evalkit.stats import MIN_QUERIES

_REMEDIES = {
    UNKNOWN: "Compare with a primary metric that every query has a value of.",
    "undecided: failed queries": "Add the missing rankings or scores, and rerun.",
}
"""Verdict -> what would decide it, as a sentence."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next.

    Attributes
    ----------
    text
        One sentence.
    command
        The command to type; None where there is none.
    """

    text: str
    command: str | None = None


def next_step(
    compared: Comparisons,
    decision: Decision,
    rows: Sequence[SystemRow],
    measured: Measured | None,
    result: str | None,
) -> NextStep:
    """Return the next step.

    Parameters
    ----------
    result
        The result folder as a command takes it; None for runs that evalkit did not make.
    """
    command = "" if measured is None else measured.manifest.command
    if decision.provisional:
        return NextStep(RESUME, repeated(command, refreshed=True))
    again = repeated(command)
    if not compared.datasets:
        return NextStep("Run the quality pass, too.", None)
    if decision.kind == "undecided":
        return _to_decide(compared, decision, again)
    if decision.kind == "keep":
        return NextStep(_after_keeping(compared))
    return _after_adoption(decision, rows, measured, result)


def _after_keeping(compared: Comparisons) -> str:
    """Return what to do where no system is better: more queries help only where a difference is not significant."""
    verdicts = {one.verdict for entry in compared.datasets for one in entry.comparisons}
    if "not told apart" in verdicts:
        return "Compare another reranker, or add queries to detect smaller differences."
    return "Compare another reranker."


def _to_decide(compared: Comparisons, decision: Decision, again: str | None) -> NextStep:
    """Return what would decide an undecided comparison."""
    listed = sum(len(entry.to_judge) for entry in compared.datasets)
    if listed:
        text = f"Judge the listed documents, best rank first ({listed} in all), add the judgments, and rerun."
        return NextStep(text, again)
    lead = leading(compared, decision)
    if lead is not None and _independent(lead) < MIN_QUERIES:
        missing = MIN_QUERIES - _independent(lead)
        queries = "query" if missing == 1 else "queries"
        return NextStep(f"Add at least {missing} {queries} with judgments, and rerun.", again)
    if lead is not None and lead.verdict == MISSING:
        return NextStep(_complete(compared, lead), again)
    if lead is not None and lead.verdict in _REMEDIES:
        return NextStep(_REMEDIES[lead.verdict], again)
    if lead is not None and lead.verdict == "undecided: cached scores":
        return NextStep("Run the version after with --refresh, and compare again.", None)
    return NextStep("Decide for the dataset that is most like your traffic.", None)


def _complete(compared: Comparisons, lead: Comparison) -> str:
    """Return what to do about the queries that a file lacks."""
    entries = [entry for entry in compared.datasets if entry.dataset == lead.dataset] or compared.datasets
    return missing_remedy(entries[0])


def _independent(one: Comparison) -> int:
    return one.n if one.clusters is None else math.floor(one.clusters)


def _after_adoption(
    decision: Decision, rows: Sequence[SystemRow], measured: Measured | None, result: str | None
) -> NextStep:
    """Return the step before adoption: measure latency where it is unknown, else save a baseline."""
    if measured is None or result is None:
        return NextStep("Measure latency and cost before adoption.", f"evalkit bench {PLACEHOLDER}")
    row = next((one for one in rows if one.system == decision.choice), None)
    if row is not None and row.p95 == "replayed":
        text = f"{row.system} was replayed. Measure its latency before adoption: configure the model or API itself."
        return NextStep(text, "evalkit init ours.yaml")
    if row is not None and row.is_run:
        return NextStep(
            f"{row.system} is a run. Confirm its latency and cost in its own engine before adoption."
        )
    if row is not None and not row.is_timed:
        text = f"Measure the latency of {row.system} with {row.depth} candidates before adoption."
        return NextStep(text, f"evalkit bench {quote(config_in(measured.manifest.command))}")
    return NextStep(
        "Save this result as the baseline of a regression test.",
        f"evalkit baseline save {quote(result)} NAME",
    )
