"""What to do after reading a report: one sentence, and the command for it where there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from shlex import quote

from evalkit.comparison import MISSING, UNKNOWN, Comparison
from evalkit.comparison.correction import RERUN_EARLIER
from evalkit.comparison.plan import SYNTHETIC
from evalkit.plurals import documents_of_queries, queries_of
from evalkit.report.advice import NextStep
from evalkit.report.cards import leading
from evalkit.report.decision import Decision
from evalkit.report.judged_by import RAISE_SAMPLE, capital
from evalkit.report.manifest_command import PLACEHOLDER, config_in, repeated
from evalkit.report.run_coverage import missing_remedy
from evalkit.report.systems import Measured, SystemRow
from evalkit.report.undecided import judge_command
from evalkit.report.warnings import RESUME
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.stats import MIN_QUERIES

_REMEDIES = {
    UNKNOWN: "Compare with a primary metric that every query has a value of.",
    "undecided: failed queries": "Add the missing rankings or scores, and rerun.",
    SYNTHETIC: f"Add queries of people, at least {MIN_QUERIES} and half of all, and rerun.",
}
"""Verdict -> what would decide it, as a sentence."""
_BY_DATASET = "Decide for the dataset that is most like your traffic."
_BY_MEAN = "Decide by the mean that matters to you: that of all searches, or that of the distinct queries."


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
        return _to_judge(compared, measured) or _to_decide(compared, decision, again)
    if decision.kind == "keep":
        return NextStep(_after_keeping(compared))
    return _after_adoption(decision, rows, measured, result)


def _after_keeping(compared: Comparisons) -> str:
    """Return what to do where no system is better: more queries help only where a difference is not significant."""
    verdicts = {one.verdict for entry in compared.datasets for one in entry.comparisons}
    if "not told apart" in verdicts:
        return "Compare another reranker, or add queries to detect smaller differences."
    return "Compare another reranker."


def _to_judge(compared: Comparisons, measured: Measured | None) -> NextStep | None:
    """Return the step to judgments where there are none, or to those of people; None where people judged."""
    config = "CONFIG" if measured is None else quote(config_in(measured.manifest.command))
    if any(entry.is_unjudged for entry in compared.datasets):
        text = f"Judge documents, by a model (below) or by people (evalkit judge rate {config}), and rerun."
        return NextStep(text, f"evalkit judge run {config}")
    incomplete = [entry.to_rate for entry in compared.datasets if entry.to_rate is not None]
    if incomplete:
        documents, queries = (
            sum(getattr(one, name) for one in incomplete) for name in ("documents", "queries")
        )
        left = documents_of_queries(documents, queries)
        text = f"Let people judge {left} of the human sample, and rerun."
        return NextStep(text, f"evalkit judge rate {config} --sample-only")
    unasked = next((entry.to_ask_judge for entry in compared.datasets if entry.to_ask_judge), None)
    if unasked is not None:
        left = documents_of_queries(unasked.documents, unasked.queries)
        text = f"Ask the judge for {left}, and rerun."
        return NextStep(text, judge_command(unasked.judge, config))
    if any(_has_small_sample(entry) for entry in compared.datasets):
        return NextStep(RAISE_SAMPLE, f"evalkit judge rate {config} --sample-only")
    if any(entry.judged_by in {"mixed", "judge only"} for entry in compared.datasets):
        return _to_people(compared, measured, config)
    return None


def _has_small_sample(entry: DatasetComparisons) -> bool:
    """Return whether people have judged a whole draw, which is too small for a verdict."""
    return any(one.corrected is not None and one.verdict == "too few queries" for one in entry.comparisons)


def _to_people(compared: Comparisons, measured: Measured | None, config: str) -> NextStep:
    """Return what people are to judge where grades of models count, or that the draws of two versions differ."""
    if any(RERUN_EARLIER in (entry.withheld or "") for entry in compared.datasets):
        return NextStep(f"{capital(RERUN_EARLIER)}, and compare again.")
    rate = f"evalkit judge rate {config}"
    lacking = {entry.dataset for entry in compared.datasets if entry.judged_by in {"mixed", "judge only"}}
    measured_on = () if measured is None else measured.manifest.datasets
    facts = [one.judgments for one in measured_on if one.name in lacking]
    drawn = [one.human_sample.queries for one in facts if one is not None and one.human_sample is not None]
    if all(entry.judged_by != "judge only" for entry in compared.datasets):
        text = (
            "Let people judge the other documents, too, or remove the judge from `judgments:` to count people's"
            " judgments only, and rerun."
        )
        if facts and not drawn:
            text += (
                " Or add human_sample: {queries: 40}: people's grades of a random sample can correct those of the"
                " judge; those of queries that were not drawn at random correct nothing."
            )
        return NextStep(text, rate)
    if drawn:
        text = f"Let people judge the human sample of {' and '.join(map(str, drawn))} queries, and rerun."
        return NextStep(text, f"{rate} --sample-only")
    where = "the dataset" if len(compared.datasets) == 1 else ", ".join(sorted(lacking))
    text = f"Add human_sample: {{queries: 40}} to {where}, let people judge these queries, and rerun."
    return NextStep(text, f"{rate} --sample-only")


def _to_decide(compared: Comparisons, decision: Decision, again: str | None) -> NextStep:
    """Return what would decide an undecided comparison."""
    listed = sum(len(entry.to_judge) for entry in compared.datasets)
    if listed:
        text = f"Judge the listed documents, best rank first ({listed} in all), add the judgments, and rerun."
        return NextStep(text, again)
    lead = leading(compared, decision)
    if lead is not None and _independent(lead) < MIN_QUERIES:
        missing = MIN_QUERIES - _independent(lead)
        return NextStep(f"Add at least {queries_of(missing)} with judgments, and rerun.", again)
    if lead is not None and lead.verdict == MISSING:
        return NextStep(_complete(compared, lead), again)
    if lead is not None and lead.verdict in _REMEDIES:
        return NextStep(_REMEDIES[lead.verdict], again)
    if lead is not None and lead.verdict == "undecided: cached scores":
        return NextStep("Run the version after with --refresh, and compare again.", None)
    return NextStep(_BY_MEAN if len(compared.datasets) == 1 else _BY_DATASET)


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
        return NextStep(text, measured.timing_command(row.depth))
    return NextStep(
        "Save this result as the baseline of a regression test.",
        f"evalkit baseline save {quote(result)} NAME",
    )
