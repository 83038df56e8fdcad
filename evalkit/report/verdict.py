"""The recommendation for each dataset, in two sentences: a pure function of a report's documents.

It is *adopt* only if the corrected test finds a reranker better and its simultaneous interval is above 0. Unknown
figures are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.comparison import Comparison
from evalkit.report.comparison import detectable_text
from evalkit.report.numbers import difference_text, dollars, milliseconds
from evalkit.report.undecided import assumption, remedy
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.results.summary_document import Summary
from evalkit.stats import MIN_QUERIES

Kind = Literal["adopt", "keep", "undecided"]
ALIKE = (0.95, 1.05)
"""Lowest and highest ratio of two latencies that count as the same."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The recommendation for one dataset.

    Attributes
    ----------
    kind
        ``adopt`` a reranker, ``keep`` the baseline as no system is significantly better, or ``undecided``.
    choice
        The system to use; None if undecided.
    text
        A few sentences.
    fits
        The systems that the dataset does not speak against: the choice, and those without a significant difference
        from it.
    """

    dataset: str
    kind: Kind
    choice: str | None
    text: str
    fits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """Latency of one call and cost of a thousand queries at the depth of a comparison; None where not known."""

    p50_s: float | None = None
    p95_s: float | None = None
    usd_per_thousand_queries: float | None = None


def verdicts(compared: Comparisons, summary: Summary) -> list[Verdict]:
    """Return the verdict on each dataset.

    Parameters
    ----------
    compared, summary
        Contents of ``comparisons.json`` and ``summary.json``.
    """
    return [_verdict(entry, compared.plan.baseline, summary) for entry in compared.datasets]


def price_of(summary: Summary, dataset: str, tag: str, depth: int | None) -> Price:
    """Return latency and cost of a call with `depth` documents and one call in flight, where they were measured."""
    timed = None if depth is None else summary.alone(dataset, tag).get(depth)
    cost = summary.cost_of(dataset, tag)
    # If each depth is a pass of its own, the cost is the sum over all depths and not that of this one.
    one_pass = cost is not None and depth is not None and cost.documents <= depth * cost.queries
    return Price(
        None if timed is None else timed.p50_s.estimate,
        None if timed is None else timed.p95_s.estimate,
        cost.usd_per_thousand_queries if cost is not None and one_pass else None,
    )


def _verdict(entry: DatasetComparisons, baseline: str, summary: Summary) -> Verdict:
    dataset = entry.dataset
    measured = sorted(
        (one for one in entry.comparisons if one.n), key=lambda one: -(one.contender_mean or 0.0)
    )
    if not measured:
        return Verdict(dataset, "undecided", None, f"No verdict: nothing was compared with {baseline}.")
    best = next((one for one in measured if one.verdict == "better" and (one.lower or 0.0) > 0), None)
    if best is not None:
        others = (tag for tag in entry.tied_with.get(best.contender, ()) if tag != baseline)
        text = f"{_adopt(best, entry, summary)}{_also_undecided(measured)}{assumption(entry)}"
        return Verdict(dataset, "adopt", best.contender, text, (best.contender, *others))
    if all(one.verdict == "too few queries" for one in measured):
        return Verdict(dataset, "undecided", None, _too_few(measured))
    unsure = next((one for one in measured if one.undecided), None)
    if unsure is not None:
        return Verdict(dataset, "undecided", None, _undecided(unsure, entry))
    text = f"{_keep(measured, entry.depth)}{assumption(entry)}"
    return Verdict(dataset, "keep", baseline, text, (baseline, *entry.tied_with.get(baseline, ())))


def _undecided(one: Comparison, entry: DatasetComparisons) -> str:
    why = one.verdict.removeprefix("undecided: ")
    return f"Undecided: {why} ({one.contender} against {one.baseline}). {remedy(one, entry)}"


def _also_undecided(measured: Sequence[Comparison]) -> str:
    names = [one.contender for one in measured if one.undecided]
    return f" Undecided: {', '.join(names)}." if names else ""


def _adopt(best: Comparison, entry: DatasetComparisons, summary: Summary) -> str:
    depth, name = entry.depth, best.contender
    price = price_of(summary, entry.dataset, name, depth)
    parts = [f"{difference_text(best.joint_change)} {best.metric} over {best.baseline} (n = {best.n})"]
    if price.p95_s is not None or price.p50_s is not None:
        quantile = "median" if price.p95_s is None else "p95"
        shown = milliseconds(price.p50_s if price.p95_s is None else price.p95_s)
        parts.append(f"{shown} ms {quantile} for {depth} documents")
    if price.usd_per_thousand_queries is not None:
        parts.append(f"{dollars(price.usd_per_thousand_queries)} per 1,000 queries")
    return f"Adopt {name}{_at(depth)}: {', '.join(parts)}.{_tied(best, entry, summary)}"


def _at(depth: int | None) -> str:
    return "" if depth is None else f" at depth {depth}"


def _tied(best: Comparison, entry: DatasetComparisons, summary: Summary) -> str:
    """Return a sentence on the rerankers without significant difference from the best, with relative latencies."""
    others = [tag for tag in entry.tied_with.get(best.contender, ()) if tag != best.baseline]
    if not others:
        return ""
    p50_s = price_of(summary, entry.dataset, best.contender, entry.depth).p50_s
    parts = [
        f"{tag}{_relative(price_of(summary, entry.dataset, tag, entry.depth).p50_s, p50_s)}" for tag in others
    ]
    verb = "is" if len(parts) == 1 else "are"
    return f" Tied with it {verb} {', '.join(parts)}."


def _relative(seconds: float | None, reference_s: float | None) -> str:
    if not seconds or not reference_s:
        return ""
    ratio = seconds / reference_s
    return " (the same latency)" if ALIKE[0] <= ratio <= ALIKE[1] else f" ({ratio:.2g} times the latency)"


def _too_few(measured: Sequence[Comparison]) -> str:
    best, n = measured[0], max(one.clusters or one.n for one in measured)
    return (
        f"No verdict: n = {n} queries are too few, {MIN_QUERIES} are the least. The highest mean is that of"
        f" {best.contender}: {difference_text(best.joint_change)} {best.metric} against {best.baseline}."
    )


def _keep(measured: Sequence[Comparison], depth: int | None) -> str:
    best = measured[0]
    seen = f"{best.contender}{_at(depth)}: {difference_text(best.joint_change)} {best.metric} (n = {best.n})"
    kinds = {one.verdict for one in measured}
    if kinds == {"identical"}:
        return f"Keep {best.baseline}: every other system has its value on each query. The first is {seen}."
    if kinds == {"worse"}:
        return f"Keep {best.baseline}: every other system is worse. The best of them is {seen}."
    text = f"Keep {best.baseline}: no system is significantly better. The closest is {seen}"
    if (best.joint_change.lower or 0.0) > 0 or best.verdict == "better":
        return f"{text}, but the sign-flip test and the interval disagree."
    return f"{text}. {detectable_text(best)}" if best.detectable is not None else f"{text}."
