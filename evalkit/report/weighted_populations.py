"""Means over the traffic and over the distinct queries of a log: sentences, table, and what they mean for a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.comparison import Plan
from evalkit.plurals import queries_of
from evalkit.report.numbers import NO_VALUE, Figure, difference_text, interval_text, level_text
from evalkit.report.table import Table
from evalkit.results.comparison_document import Comparisons, DatasetComparisons
from evalkit.results.weighted_rows import Population, PopulationMeans, WeightedMeans
from evalkit.stats import MIN_QUERIES, Interval

SAMPLED = "the queries sampled from the log"
"""The name of the queries that were taken from a log; the *human sample* is what people judge of them."""
NAMES: dict[Population, str] = {"traffic": "traffic mean", "distinct queries": "distinct-query mean"}
"""Population -> the name of its mean."""


def weighted_lines(compared: Comparisons) -> list[str]:
    """Return, for each dataset whose queries were sampled from a log, what each mean describes."""
    return [
        f"{entry.dataset}: {text}"
        for entry in compared.datasets
        if entry.weighted is not None
        for text in (
            f"{plain_mean_text(entry.weighted)}{_counts(entry.weighted)}",
            *_indicated(entry.weighted),
            *_withheld_texts(entry.weighted),
        )
    ]


def plain_mean_text(weighted: WeightedMeans) -> str:
    """Return a sentence on the population that the plain mean over the queries describes."""
    if weighted.plain_mean == "both":
        return "the plain mean is both the traffic mean and the distinct-query mean, because all weights are equal."
    if weighted.plain_mean == "neither":
        others = "not the" if weighted.traffic_mean is None else "neither the traffic nor the"
        return f"the plain mean describes {SAMPLED} alone, and {others} distinct queries of the log."
    nearly = "nearly " if weighted.nearly else ""
    return f"with this sample of the log the plain mean is {nearly}the {NAMES[weighted.plain_mean]}."


def _counts(weighted: WeightedMeans) -> str:
    """Return how many queries have a value, and of how many the sampling was certain."""
    if weighted.plain_mean != "neither":
        return ""
    certain = f", of which {weighted.certain} had to be sampled (probability 1)" if weighted.certain else ""
    return f" They are {queries_of(weighted.queries)} with a value{certain}."


def _indicated(weighted: WeightedMeans) -> Iterator[str]:
    """Yield that weighted means are an indication where models graded, too."""
    if weighted.is_indication:
        yield (
            "means with unequal weights are an indication: they rest on grades of models, too, which people's grades of"
            " the human sample do not correct."
        )


def _withheld_texts(weighted: WeightedMeans) -> Iterator[str]:
    """Yield why means have no interval, or one without a width."""
    for population, means in weighted.populations.items():
        is_corrected = any(
            row.corrected for row in means.rows
        )  # by people's grades of a sample: that has an error
        if means.effective_by_chance is None and means.withheld is None and not is_corrected:
            yield f"the {NAMES[population]} has no sampling error: every query of the log was sampled."
        if means.withheld == "few queries":
            yield (
                f"the {NAMES[population]} has no confidence interval: its weights leave"
                f" {means.effective_by_chance or 0:.0f} effective queries that were sampled by chance, and an interval"
                f" needs {MIN_QUERIES}."
            )
        elif means.withheld == "unjudged queries":
            yield (
                f"the {NAMES[population]} has no confidence interval: some of {SAMPLED} are not judged, and"
                " they may have much of the traffic. Judge them, too."
            )
        elif means.withheld == "skewed frequencies":
            why = (
                "inclusion_field is not set, so that their probabilities are not known"
                if weighted.certain is None
                else "the queries were not sampled in proportion to their frequency, and may lack frequent ones"
            )
            yield (
                f"the {NAMES[population]} has no confidence interval: {why}. Sample queries with"
                " `evalkit queries sample --by frequency`."
            )


def weighted_tables(compared: Comparisons) -> list[Table]:
    """Return the two means of every system, for each dataset whose queries were sampled from a log."""
    return [
        _table(entry, entry.weighted, compared.plan)
        for entry in compared.datasets
        if entry.weighted is not None
    ]


def _table(entry: DatasetComparisons, weighted: WeightedMeans, plan: Plan) -> Table:
    rows = tuple(
        (
            row.system,
            NAMES[population],
            interval_text(row.mean),
            NO_VALUE if row.difference is None else difference_text(row.difference),
            f"{means.effective_queries:.0f}",
            f"{means.largest_weight:.1%}",
        )
        for population, means in weighted.populations.items()
        for row in means.rows
    )
    note = (
        "Traffic mean: every search of the log counts equally. Distinct-query mean: every different query of the log"
        f" counts equally. Intervals: {level_text(plan.confidence)} confidence for the log that the queries were"
        " sampled from, not corrected for the number of comparisons. Effective queries: equally weighted queries that"
        " would be as informative."
    )
    if weighted.is_indication:
        note += " An indication: the grades are those of models, too, which nothing corrects here"
        corrected = any(row.corrected for means in weighted.populations.values() for row in means.rows)
        note += ", except for means that are the plain ones." if corrected else "."
    columns = (
        "system", "mean of", f"mean {plan.primary}", f"difference to {plan.baseline}", "effective queries",
        "largest weight",
    )  # fmt: skip
    return Table(
        f"{entry.dataset}: {plan.primary} weighted by traffic",
        columns,
        rows,
        note,
        left=2,
        dataset=entry.dataset,
    )


def contradicting(entry: DatasetComparisons, system: str, difference: float | None) -> list[Population]:
    """Return the populations in which a system differs from the baseline in the other direction.

    None where grades of models count: an indication contradicts no verdict.

    Parameters
    ----------
    entry
        The comparisons of a dataset.
    system
        A contender.
    difference
        Its plain mean difference to the baseline.
    """
    if entry.weighted is None or entry.weighted.is_indication or not difference:
        return []
    return [
        population
        for population, means in entry.weighted.populations.items()
        if _excludes(means.change_of(system), upwards=difference < 0)
    ]


def _excludes(change: Interval | None, *, upwards: bool) -> bool:
    """Return whether the interval of a difference is above 0, or below 0."""
    if change is None or change.lower is None or change.upper is None:
        return False
    return change.lower > 0 if upwards else change.upper < 0


def described(entry: DatasetComparisons, system: str) -> str:
    """Return sentences on the population of the plain mean, with the weighted differences; empty without weights.

    A weighted difference that is an indication, as people's grades do not correct it, is in the table alone.
    """
    weighted = entry.weighted
    if weighted is None:
        return ""
    sentence = plain_mean_text(weighted)
    # A corrected difference is the plain one, which the sentence before has.
    shown = [
        (population, means)
        for population, means in weighted.populations.items()
        if not weighted.is_indication
        and (row := means.row_of(system))
        and row.difference
        and not row.corrected
    ]
    changes = "; ".join(f"{NAMES[name]}: {change_with_bounds(means, system)}" for name, means in shown)
    differences = f" For this log alone, difference of the {changes}." if changes else ""
    return f" {sentence[0].upper()}{sentence[1:]}{differences}"


def opposite_text(entry: DatasetComparisons, system: str, populations: Sequence[Population]) -> str:
    """Return which means differ in the other direction than the plain mean, such as ``the traffic mean is lower``."""
    weighted = entry.weighted
    change = None if weighted is None else weighted.populations[populations[0]].change_of(system)
    is_higher = change is not None and (change.estimate or 0.0) > 0
    names = " and the ".join(NAMES[population] for population in populations)
    return f"the {names} {'is' if len(populations) == 1 else 'are'} {'higher' if is_higher else 'lower'}"


def change_with_bounds(means: PopulationMeans, system: str) -> str:
    """Return the weighted difference of a system with its interval, such as ``+0.02 (0.01 to 0.03)``."""
    text = difference_text(means.change_of(system))
    return f"{text.alone} ({text.bounds})" if isinstance(text, Figure) and text.bounds else str(text)
