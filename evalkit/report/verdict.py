"""The recommendation for each dataset: a pure function of a report's documents.

It is *adopt* only if the corrected test finds a reranker better and its simultaneous interval is above 0. Unknown
figures are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.comparison import Comparison
from evalkit.comparison.plan import INCOMPLETE, JUDGE_INCOMPLETE, JUDGE_ONLY, MIXED, SYNTHETIC
from evalkit.report.candidate_counts import most_candidates
from evalkit.report.comparison_sentences import detectable_text, gain_text, queries_text
from evalkit.report.manifest_command import PLACEHOLDER
from evalkit.report.undecided import INDICATIONS, assumption, indication_text, remedy
from evalkit.report.weighted_populations import SAMPLED, contradicting, described, opposite_text
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.results.weighted_rows import Population
from evalkit.stats import MIN_QUERIES

Kind = Literal["adopt", "keep", "undecided"]
_INDICATED: Mapping[str, str] = {
    JUDGE_ONLY: "Judge only: models gave all judgments",
    MIXED: "Judge grades included: models gave some of the judgments",
    SYNTHETIC: "A model wrote most of the queries",
}
"""Verdict that rests on grades or queries of models -> headline."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The recommendation for one dataset.

    Attributes
    ----------
    kind
        ``adopt`` a reranker, ``keep`` the baseline as no system is significantly better, or ``undecided``.
    choice
        The system to use; None if undecided.
    headline
        The finding in one short clause, without an end mark.
    detail
        The figures behind it, in one to three sentences.
    fits
        The systems that the dataset does not speak against: the choice, and those without a significant difference
        from it.
    """

    dataset: str
    kind: Kind
    choice: str | None
    headline: str
    detail: str = ""
    fits: tuple[str, ...] = ()


def verdicts(compared: Comparisons, config: str = PLACEHOLDER) -> list[Verdict]:
    """Return the verdict on each dataset.

    Parameters
    ----------
    compared
        Content of ``comparisons.json``.
    config
        The configuration, as the commands in sentences name it.
    """
    return [_verdict(entry, compared, config) for entry in compared.datasets]


def lead_comparison(entry: DatasetComparisons) -> Comparison | None:
    """Return the comparison that the verdict is about.

    It is the best contender that is better, else the first undecided one, else the one with the highest mean; None if
    nothing was compared.
    """
    measured = _measured(entry)
    best = next(filter(_is_better, measured), None)
    unsure = next((one for one in measured if one.undecided), None)
    return best or unsure or next(iter(measured), None)


def _measured(entry: DatasetComparisons) -> list[Comparison]:
    """Return the comparisons with at least one query, the highest mean first."""
    return sorted((one for one in entry.comparisons if one.n), key=lambda one: -(one.contender_mean or 0.0))


def _is_better(one: Comparison) -> bool:
    return one.verdict == "better" and (one.lower or 0.0) > 0


def _verdict(entry: DatasetComparisons, compared: Comparisons, config: str) -> Verdict:
    dataset, baseline = entry.dataset, compared.plan.baseline
    measured, lead = _measured(entry), lead_comparison(entry)
    if lead is None:
        return Verdict(dataset, "undecided", None, *_nothing_compared(entry, baseline))
    opposite = contradicting(entry, lead.contender, lead.difference)
    # A lower weighted mean does not speak against keeping the baseline.
    is_unsure = _is_better(lead) or (lead.difference or 0.0) < 0
    if opposite and is_unsure and not lead.undecided and lead.verdict != "too few queries":
        return Verdict(dataset, "undecided", None, *_opposite(lead, entry, compared, opposite))
    if _is_better(lead):
        others = tuple(tag for tag in entry.tied_with.get(lead.contender, ()) if tag != baseline)
        headline = f"{lead.contender} ranks better than {baseline}{_over(entry)}"
        gain = f"{_gain(lead, entry, compared)}{_tied(others, lead.contender)}"
        detail = f"{gain}{_also_undecided(measured)}{assumption(entry)}{described(entry, lead.contender)}"
        return Verdict(dataset, "adopt", lead.contender, headline, detail, (lead.contender, *others))
    if all(one.verdict == "too few queries" for one in measured):
        return Verdict(dataset, "undecided", None, *_too_few(lead, compared))
    if lead.undecided:
        return Verdict(dataset, "undecided", None, *_withheld(lead, entry, compared, config))
    headline, detail = _keep(measured, compared, everything=len(measured) == len(entry.comparisons))
    fits = (baseline, *entry.tied_with.get(baseline, ()))
    detail = f"{detail}{assumption(entry)}{described(entry, measured[0].contender)}"
    return Verdict(dataset, "keep", baseline, f"{headline}{_over(entry)}", detail, fits)


def _over(entry: DatasetComparisons) -> str:
    """Return what the plain mean is of, where it describes neither the traffic nor the distinct queries of a log."""
    return "" if entry.weighted is None or entry.weighted.plain_mean != "neither" else f" on {SAMPLED}"


def _opposite(
    lead: Comparison, entry: DatasetComparisons, compared: Comparisons, opposite: Sequence[Population]
) -> tuple[str, str]:
    """Return headline and detail where a weighted mean differs significantly in the other direction."""
    direction = "higher" if (lead.difference or 0.0) > 0 else "lower"
    others = opposite_text(entry, lead.contender, opposite)
    headline = f"The plain mean of {lead.contender} is {direction} than that of {compared.plan.baseline}, but {others}"
    means = f"Plain mean: {_gain(lead, entry, compared)}{described(entry, lead.contender)}"
    return headline, f"{means} Decide by the mean of the population that matters to you."


def _nothing_compared(entry: DatasetComparisons, baseline: str) -> tuple[str, str]:
    """Return headline and detail where no query has values of two systems."""
    if not entry.is_unjudged:
        return f"Nothing was compared with {baseline}", ""
    unjudged = entry.unjudged_queries
    all_are = "The only query is" if unjudged == 1 else f"All {unjudged} queries are"
    detail = f"{all_are} unjudged, so there is no quality to compare."
    return "No query is judged", detail


def _withheld(
    lead: Comparison, entry: DatasetComparisons, compared: Comparisons, config: str
) -> tuple[str, str]:
    """Return headline and detail where a claim on the leading system was withheld."""
    seen = f"{lead.contender}: {gain_text(lead, compared.plan)}, {queries_text(lead)}."
    if lead.verdict in INDICATIONS:
        return _INDICATED[lead.verdict], f"{seen} {indication_text(lead, entry)}"
    todo = remedy(lead, entry, config)
    if lead.verdict == INCOMPLETE:
        return "The human sample is incomplete", f"{todo} Until then an indication: {seen}"
    if lead.verdict == JUDGE_INCOMPLETE:
        return "The judge's grades are incomplete", f"{todo} Until then an indication: {seen}"
    why = lead.verdict.removeprefix("undecided: ")
    return f"{why.capitalize()} could change the result of {lead.contender}", todo


def _gain(best: Comparison, entry: DatasetComparisons, compared: Comparisons) -> str:
    """Return the gain of the best system with its interval, depth and number of queries."""
    candidates = entry.depth_of(best.contender)
    depth = "" if candidates is None else f" with {most_candidates(candidates, entry.candidates)} candidates"
    family = sum(row.is_tested for one in compared.datasets for row in one.comparisons)
    corrected = f", significant after correction for {family} comparisons" if family > 1 else ""
    return f"{gain_text(best, compared.plan)}{depth}, {queries_text(best)}{corrected}."


def _tied(others: Sequence[str], best: str) -> str:
    """Return a sentence on the systems without significant difference from the best one."""
    if not others:
        return ""
    verb = "shows" if len(others) == 1 else "show"
    return f" {_listed(others)} {verb} no significant difference from {best}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _also_undecided(measured: Sequence[Comparison]) -> str:
    names = [one.contender for one in measured if one.undecided]
    return f" Undecided: {', '.join(names)}." if names else ""


def _too_few(lead: Comparison, compared: Comparisons) -> tuple[str, str]:
    n = lead.clusters or lead.n
    noun, verb = ("query", "is") if n == 1 else ("queries", "are")
    clusters = "" if lead.clusters is None else " independent"
    by_people, basis = (
        ("", "") if lead.corrected is None else (" that people judged", f", {lead.corrected.text}")
    )
    of_people = "" if lead.corrected is None else " that people judged and that have a relevant document"
    largest = (
        f"{lead.contender} differs from {compared.plan.baseline} by {gain_text(lead, compared.plan)}{basis}."
    )
    if lead.corrected is not None and lead.corrected.human > lead.n:
        by_people = f" with a relevant document (people judged {lead.corrected.human})"
    return (
        f"{n}{clusters} {noun}{by_people} {verb} too few for a verdict",
        f"A verdict needs at least {MIN_QUERIES} queries{of_people}. {largest}",
    )


def _keep(measured: Sequence[Comparison], compared: Comparisons, *, everything: bool) -> tuple[str, str]:
    """Return headline and detail where no contender is better and none is undecided.

    Parameters
    ----------
    measured, compared
        The comparisons with at least one query, the highest mean first, and the document that they are part of.
    everything
        Whether these are all systems, so that a sentence may say *every* and *no*.
    """
    best, baseline = measured[0], compared.plan.baseline
    several = "system" if everything else "scored system"
    seen = f"{best.contender}: {gain_text(best, compared.plan)}, {queries_text(best)}"
    kinds = {one.verdict for one in measured}
    if kinds == {"identical"}:
        return f"No {several} differs from {baseline} on any query", f"{seen}."
    if kinds == {"worse"}:
        worse = f"Every other {several}" if len(measured) > 1 else best.contender
        return f"{worse} ranks worse than {baseline}", f"{seen}."
    if len(measured) == 1:
        headline, closest = f"{best.contender} does not rank significantly better than {baseline}", f"{seen}."
    else:
        # Nothing is closer than a system with equal values, and another one may have a higher mean.
        is_closest = best.verdict == "identical" or "identical" not in kinds
        leads = "The closest is" if is_closest else "The highest mean is that of"
        headline, closest = f"No {several} ranks significantly better than {baseline}", f"{leads} {seen}."
    if best.verdict == "better" or (best.joint_change.lower or 0.0) > 0:
        return headline, f"{closest} The sign-flip test and the interval disagree."
    return headline, f"{closest} {detectable_text(best)}" if best.detectable is not None else closest
