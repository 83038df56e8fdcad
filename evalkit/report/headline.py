"""The first sentences of a report: the verdict on one dataset, or what several datasets agree on."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.comparison import AcrossDatasets
from evalkit.report.numbers import difference_text
from evalkit.report.verdict import Verdict
from evalkit.results.comparison_document import Comparisons

VARIES = 0.1
"""Below this p-value of Cochran's Q the differences of the datasets are said to vary."""


def headline(found: Sequence[Verdict], compared: Comparisons, status: str) -> str:
    """Return the first sentences of a report; for an incomplete result they are provisional."""
    text = found[0].text if len(found) == 1 else _agreement(found, compared)
    return text if status == "complete" else f"Provisional, as this result is {status}. {text}"


def _agreement(found: Sequence[Verdict], compared: Comparisons) -> str:
    """Return the common verdict of several datasets, or the verdict of each if they differ.

    Datasets agree on a system if none of them shows another one to be better: their highest means may differ by chance.
    """
    if not found:
        return "No verdict: quality was not measured."
    shared = [name for name in found[0].fits if all(name in one.fits for one in found)]
    if any(one.kind == "undecided" for one in found) or not shared:
        parts = ", ".join(f"{_advice(one)} on {one.dataset}" for one in found)
        return f"The {len(found)} datasets do not agree: {parts}."
    if all(one.kind == "keep" for one in found):
        return f"Keep {compared.plan.baseline}: the {len(found)} datasets agree."
    better = {name: _better_on(name, compared) for name in shared}
    means = {one.contender: one.difference or 0.0 for one in compared.pooled}
    choice = max(shared, key=lambda name: (bool(better[name]), means.get(name, 0.0)))
    if not better[choice]:
        parts = ", ".join(f"{_advice(one)} on {one.dataset}" for one in found)
        return f"The {len(found)} datasets do not agree: {parts}."
    return f"{_adopt(choice, better[choice], len(found), compared.plan.baseline)}{_pooled(choice, compared)}"


def _better_on(name: str, compared: Comparisons) -> list[str]:
    """Return the datasets on which a system is significantly better than the baseline."""
    return [
        entry.dataset
        for entry in compared.datasets
        for one in entry.comparisons
        if one.contender == name and one.verdict == "better"
    ]


def _adopt(choice: str, better: Sequence[str], datasets: int, baseline: str) -> str:
    if len(better) == datasets:
        return f"Adopt {choice}: the {datasets} datasets agree."
    return (
        f"Adopt {choice}: significantly better than {baseline} on {len(better)} of {datasets} datasets"
        f" ({', '.join(better)}), and no significant difference from the best on the others."
    )


def _pooled(choice: str, compared: Comparisons) -> str:
    mean = next((one for one in compared.pooled if one.contender == choice), None)
    if mean is None:
        return ""
    text = f" The mean difference to {mean.baseline} is {difference_text(mean.joint_change)} {mean.metric}"
    across = next((one for one in compared.across if one.contender == choice), None)
    return f"{text}{_variation(across)}."


def _variation(across: AcrossDatasets | None) -> str:
    if across is None or across.q_p is None or across.q_p > VARIES:
        return ""
    i_squared = across.i_squared or 0.0
    return f", but the datasets differ: {across.lowest:+.4f} to {across.highest:+.4f} (I² = {i_squared:.0%})"


def _advice(one: Verdict) -> str:
    return "no verdict" if one.kind == "undecided" else f"{one.kind} {one.choice}"
