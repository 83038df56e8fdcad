"""The decision of a report: the verdict on one dataset, or what several datasets agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.comparison import AcrossDatasets
from evalkit.report.comparison_sentences import gain_text
from evalkit.report.numbers import change_text
from evalkit.report.verdict import Kind as VerdictKind
from evalkit.report.verdict import Verdict
from evalkit.results.comparison_document import Comparisons

VARIES = 0.1
"""Below this p-value of Cochran's Q the differences of the datasets are said to vary."""
Kind = VerdictKind | Literal["measured"]
LABELS: dict[Kind, str] = {
    "adopt": "Adopt",
    "keep": "Keep",
    "undecided": "Undecided",
    "measured": "Measured",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, as the first screen of a report and the first lines of a command say it.

    Attributes
    ----------
    kind
        ``adopt``, ``keep`` or ``undecided``; ``measured`` where only latency was measured.
    choice
        The system to use; None if undecided.
    headline
        The finding in one short clause, without an end mark.
    detail
        One to three sentences with the figures.
    provisional
        Whether the result is incomplete, so that the decision may change.
    """

    kind: Kind
    choice: str | None
    headline: str
    detail: str
    provisional: bool = False

    @property
    def label(self) -> str:
        """The kind in words, such as ``Adopt``."""
        return f"{LABELS[self.kind]} (provisional)" if self.provisional else LABELS[self.kind]

    @property
    def line(self) -> str:
        """Label and headline on one line."""
        return f"{self.label}: {self.headline}"


def decide(found: Sequence[Verdict], compared: Comparisons, status: str = "complete") -> Decision:
    """Return the decision over all datasets; for an incomplete result it is provisional."""
    provisional = status != "complete"
    if len(found) == 1:
        one = found[0]
        headline = f"{one.headline}{_synthetic(compared)}"
        return Decision(one.kind, one.choice, headline, one.detail, provisional)
    kind, choice, headline, detail = _over_datasets(found, compared)
    return Decision(kind, choice, f"{headline}{_synthetic(compared)}", detail, provisional)


def _synthetic(compared: Comparisons) -> str:
    """Return that a model wrote queries, for the end of a headline; empty if none is."""
    written = [entry.dataset for entry in compared.datasets if entry.synthetic_queries]
    if not written:
        return ""
    where = "" if len(compared.datasets) == 1 else f" in {', '.join(written)}"
    return f" (synthetic queries{where})"


_Parts = tuple[Kind, str | None, str, str]


def _over_datasets(found: Sequence[Verdict], compared: Comparisons) -> _Parts:
    """Return kind, choice, headline and detail of the common verdict, or of none.

    Datasets agree on a system if none of them shows another one to be better: their highest means may differ by chance.
    """
    if not found:
        return "undecided", None, "Quality was not measured", ""
    baseline, count = compared.plan.baseline, len(found)
    shared = [name for name in found[0].fits if all(name in one.fits for one in found)]
    if any(one.kind == "undecided" for one in found) or not shared:
        return _no_agreement(found)
    if all(one.kind == "keep" for one in found):
        headline = f"No system ranks significantly better than {baseline}"
        return "keep", baseline, f"{headline} on any of {count} datasets", ""
    better = {name: _better_on(name, compared) for name in shared}
    means = {one.contender: one.difference or 0.0 for one in compared.pooled}
    choice = max(shared, key=lambda name: (bool(better[name]), means.get(name, 0.0)))
    if not better[choice]:
        return _no_agreement(found)
    return "adopt", choice, *_adopt(choice, better[choice], count, compared)


def _no_agreement(found: Sequence[Verdict]) -> _Parts:
    parts = ", ".join(f"{_advice(one)} on {one.dataset}" for one in found)
    return "undecided", None, f"The {len(found)} datasets do not agree", f"Verdicts: {parts}."


def _better_on(name: str, compared: Comparisons) -> list[str]:
    """Return the datasets on which a system is significantly better than the baseline."""
    return [
        entry.dataset
        for entry in compared.datasets
        for one in entry.comparisons
        if one.contender == name and one.verdict == "better"
    ]


def _adopt(choice: str, better: Sequence[str], datasets: int, compared: Comparisons) -> tuple[str, str]:
    baseline = compared.plan.baseline
    if len(better) == datasets:
        return f"{choice} ranks better than {baseline} on all {datasets} datasets", _pooled(choice, compared)
    headline = f"{choice} ranks better than {baseline} on {len(better)} of {datasets} datasets"
    rest = f"Better on {', '.join(better)}; on the others no system is significantly better than {choice}."
    return headline, f"{rest} {_pooled(choice, compared)}".rstrip()


def _pooled(choice: str, compared: Comparisons) -> str:
    mean = next((one for one in compared.pooled if one.contender == choice), None)
    if mean is None:
        return ""
    across = next((one for one in compared.across if one.contender == choice), None)
    return f"Mean difference: {gain_text(mean, compared.plan)}.{_variation(across)}"


def _variation(across: AcrossDatasets | None) -> str:
    if across is None or across.q_p is None or across.q_p > VARIES:
        return ""
    i_squared = across.i_squared or 0.0
    spread = f"{change_text(across.lowest)} to {change_text(across.highest)}"
    return f" The datasets differ: {spread} (I² = {i_squared:.0%})."


def _advice(one: Verdict) -> str:
    return "undecided" if one.kind == "undecided" else f"{one.kind} {one.choice}"
