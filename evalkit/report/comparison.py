"""Comparisons as tables: tests, other metrics, unjudged documents and ties, query types, single queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalkit.comparison import AcrossDatasets, Comparison, Plan
from evalkit.report.comparison_sentences import VERDICT_WORDS
from evalkit.report.numbers import (
    NO_VALUE,
    change_text,
    difference_text,
    interval_text,
    level_text,
    p_text,
    short_text,
    value_text,
)
from evalkit.report.systems import OTHER_QUERIES, comparable_mean, indication_note
from evalkit.report.table import Table
from evalkit.results.comparison_document import (
    Comparisons,
    DatasetComparisons,
    MeanOnly,
)
from evalkit.stats import MIN_QUERIES, Interval

MOST_NAMED = 6
"""Number of systems without significant difference that a cell names."""


def comparison_tables(compared: Comparisons) -> list[Table]:
    """Return a table of tests for each dataset, and one for all datasets together."""
    correction = _correction(compared)
    tables = [_tests(entry, compared.plan, correction) for entry in compared.datasets]
    return [*tables, _pooled(compared)] if compared.pooled else tables


def evidence_tables(compared: Comparisons) -> list[Table]:
    """Return the tables of other metrics, and of unjudged documents and ties."""
    return _filled(compared, _exploratory) + _filled(compared, _sensitivity)


def slice_tables(compared: Comparisons) -> list[Table]:
    """Return the differences by query type."""
    return _filled(compared, _slices)


def extreme_tables(compared: Comparisons) -> list[Table]:
    """Return the tables of queries with the largest changes."""
    return _filled(compared, _extremes)


def _filled(compared: Comparisons, table_of: Callable[[DatasetComparisons, Plan], Table]) -> list[Table]:
    """Return the table of each dataset, without empty tables."""
    tables = (table_of(entry, compared.plan) for entry in compared.datasets)
    return [table for table in tables if table.rows]


def _correction(compared: Comparisons) -> str:
    """Return the correction for several comparisons, in words: maxT has none for corrected differences."""
    several = any(
        sum(one.corrected is not None for one in entry.comparisons) > 1 for entry in compared.datasets
    )
    if compared.plan.correction == "holm":
        return "Holm's correction"
    return (
        "Holm's correction (maxT needs people's grades of all queries)" if several else "the maxT correction"
    )


def _tests(entry: DatasetComparisons, plan: Plan, correction: str) -> Table:
    tied = entry.tied_with
    by_name = {one.contender: one for one in entry.comparisons}
    means = {plan.baseline: _baseline_mean(entry)}
    means |= {name: comparable_mean(entry, one) for name, one in by_name.items()}
    own_n = NO_VALUE if entry.baseline_mean is None else str(entry.baseline_mean.n)
    cells = [
        (*_row(means[name], by_name.get(name), plan.margin, own_n, name), tied_text(tied.get(name, ())))
        for name in sorted(means, key=lambda name: -(means[name] or 0.0))
    ]
    columns = (
        "system", "verdict", "mean", f"difference to {plan.baseline}", "p (adjusted)", "wins/ties/losses",
        "detectable", "queries needed", "queries", "no significant difference from",
    )  # fmt: skip
    note = (
        f"Intervals: {level_text(plan.confidence)} confidence, simultaneous for all comparisons with {plan.baseline}."
        f" p: sign-flip test with {correction} over all of them. Detectable: the smallest difference that"
        f" this test detects with 80 % power. Queries needed: to rule out a loss of more than {plan.margin:g} with 80 %"
        " power if there is no true difference (95 % range); empty where it is ruled out or shown."
    )
    if any(one.corrected is not None for one in entry.comparisons):
        note += (
            " Where people's grades of a random sample correct those of the judge, queries needed are those that people"
            " judge (empty if all are too few), p is that of Student's t test, means and differences are corrected, and"
            " wins, ties and losses are those of people's queries that have a relevant document."
        )
    if any(one.n and comparable_mean(entry, one) is None for one in entry.comparisons):
        note += f" {OTHER_QUERIES}"
    if any(one.corrected is not None and one.corrected.enlarged for one in entry.comparisons):
        note += (
            " The draw was enlarged after people had judged, which was another look: p is doubled for each such"
            " enlargement, and intervals have the confidence of the halved level."
        )
    note = f"{note} {indication_note(entry.comparisons)}".rstrip()
    return Table(
        f"{entry.dataset}: tests of {plan.primary}",
        columns,
        tuple(cells),
        note,
        left=2,
        dataset=entry.dataset,
    )


def tied_text(tied: Sequence[str]) -> str:
    """Return the names of systems, or how many they are where a cell cannot hold them."""
    return f"{len(tied)} systems" if len(tied) > MOST_NAMED else ", ".join(tied) or NO_VALUE


def _baseline_mean(entry: DatasetComparisons) -> float | None:
    """Return the baseline's mean over its own queries; older files have that over the first contender's only."""
    if entry.baseline_mean is not None:
        return entry.baseline_mean.estimate
    return next((one.baseline_mean for one in entry.comparisons), None)


def _row(
    mean: float | None, one: Comparison | None, margin: float, baseline_n: str, name: str
) -> tuple[str, ...]:
    """Return the cells of one system; of the baseline where there is no comparison."""
    if one is None:
        return (name, "baseline", value_text(mean), *[NO_VALUE] * 5, baseline_n)
    n = str(one.n) + (f" ({one.left_out} left out)" if one.left_out else "")
    if not one.n:
        return (name, "not scored", *[NO_VALUE] * 6, n)
    if not one.has_evidence:
        return (name, VERDICT_WORDS[one.verdict], value_text(mean), *[NO_VALUE] * 5, n)
    return (
        name,
        VERDICT_WORDS[one.verdict],
        value_text(mean),
        difference_text(one.joint_change),
        p_text(one.p_adjusted),
        f"{one.wins}/{one.ties}/{one.losses}",
        value_text(one.detectable),
        NO_VALUE if _ruled_out(one, margin) else _needed_text(one),
        n,
    )


def _needed_text(one: Comparison) -> str:
    if one.needed is None:
        return NO_VALUE
    if one.needed_lower is None or one.needed_upper is None:
        return str(one.needed)
    return f"{one.needed_lower} to {one.needed_upper}"


def _ruled_out(one: Comparison, margin: float) -> bool:
    """Return whether these queries rule out a loss larger than the margin."""
    return one.lower is not None and one.lower > -margin


def _pooled(compared: Comparisons) -> Table:
    across = {one.contender: one for one in compared.across}
    cells = [
        (
            one.contender,
            value_text(one.contender_mean),
            difference_text(one.joint_change) if one.has_evidence else NO_VALUE,
            p_text(one.p_adjusted),
            *_variation(across.get(one.contender)),
            str(one.n),
        )
        for one in compared.pooled
    ]
    note = (
        "Datasets have equal weights. The interval is for other queries of these datasets, not for other datasets."
        " Range: lowest and highest difference of a dataset. I²: share of the variation between datasets that is not"
        " sampling error. p of Q: a small value means that the true differences vary. Better on: at least so many"
        f" datasets ({level_text(compared.plan.confidence)} confidence for all systems)."
    )
    columns = (
        "system", "mean", f"difference to {compared.plan.baseline}", "p (adjusted)", "range", "I²", "p of Q",
        "better on", "queries",
    )  # fmt: skip
    title = f"{compared.pooled[0].dataset}: {compared.plan.primary}"
    return Table(title, columns, tuple(cells), note)


def _variation(one: AcrossDatasets | None) -> tuple[str, ...]:
    if one is None:
        return (NO_VALUE,) * 4
    return (
        f"{change_text(one.lowest)} to {change_text(one.highest)}",
        NO_VALUE if one.i_squared is None else f"{one.i_squared:.0%}",
        p_text(one.q_p),
        f"{one.better_on} of {one.datasets}",
    )


def _exploratory(entry: DatasetComparisons, plan: Plan) -> Table:
    cells = [
        (
            one.contender,
            one.metric,
            value_text(one.contender_mean),
            difference_text(one.change),
            p_text(one.p),
            str(one.n),
        )
        for one in entry.exploratory
    ]
    note = "Exploratory: p-values are not corrected for the number of tests."
    if entry.judged_by == "corrected" and any(one.lower is None and one.n for one in entry.exploratory):
        note += (
            " A difference without an interval rests on a mixture of grades of people and of the judge: people or the"
            " judge have not judged every document that its metric counts."
        )
    columns = ("system", "metric", "mean", f"difference to {plan.baseline}", "p", "queries")
    return Table(
        f"{entry.dataset}: other metrics", columns, tuple(cells), note, left=2, dataset=entry.dataset
    )


def _sensitivity(entry: DatasetComparisons, plan: Plan) -> Table:
    cells = [
        (
            one.contender,
            f"{one.judged_contender:.1%}",
            f"{one.judged_baseline:.1%}",
            f"{one.unjudged_contender_only}/{one.unjudged_both}/{one.unjudged_baseline_only}",
            difference_text(one.condensed),
            f"{NO_VALUE if one.tipping is None else one.tipping} of {one.tipping_of}",
            NO_VALUE
            if one.tied_low is None or one.tied_high is None
            else f"{change_text(one.tied_low)} to {change_text(one.tied_high)}",
        )
        for one in entry.sensitivity
    ]
    note = (
        "Judged: share of the first documents with a judgment; unjudged documents count as not relevant. Condensed:"
        " the difference without unjudged documents. Judgments to reverse: how many unjudged documents, if relevant,"
        " would reverse the sign (greedy search). Tie range: the difference with equal scores ordered against and for"
        " the system."
    )
    columns = (
        "system", "judged", f"{plan.baseline} judged", f"unjudged (only system/both/only {plan.baseline})",
        "condensed difference", "judgments to reverse", "tie range",
    )  # fmt: skip
    return Table(f"{entry.dataset}: judgments and ties", columns, tuple(cells), note, dataset=entry.dataset)


def _slices(entry: DatasetComparisons, plan: Plan) -> Table:
    cells = [
        (
            one.contender,
            one.by,
            one.level.strip(),
            _mean(one.contender_mean),
            _mean(one.baseline_mean),
            difference_text(one.difference),
            str(one.difference.n),
        )
        for one in entry.slices
    ]
    note = "Exploratory: intervals are not corrected, so about one of twenty excludes 0 by chance."
    if all(one.corrected is None for one in entry.comparisons):
        note += " The overall difference is the mean of these, weighted by the number of queries."
    else:
        note += (
            f" People's grades correct those of the judge: a difference has an interval from {MIN_QUERIES} queries"
            " judged by people on, and corrected means have none."
        )
    columns = (
        "system", "query type", "value", "mean", f"mean of {plan.baseline}", f"difference to {plan.baseline}",
        "queries",
    )  # fmt: skip
    return Table(
        f"{entry.dataset}: {plan.primary} by query type",
        columns,
        tuple(cells),
        note,
        left=3,
        dataset=entry.dataset,
    )


def _extremes(entry: DatasetComparisons, plan: Plan) -> Table:
    cells = [
        (
            name, side, row.query_id, short_text(row.text), value_text(row.baseline), value_text(row.contender),
        )
        for name, extremes in entry.extremes.items()
        for side, rows in (("worst", extremes.worst), ("best", extremes.best))
        for row in rows
    ]  # fmt: skip
    columns = (
        "system",
        "change",
        "query",
        "text",
        f"{plan.primary} of {plan.baseline}",
        f"{plan.primary} of system",
    )
    title = f"{entry.dataset}: queries with the largest changes"
    return Table(title, columns, tuple(cells), left=4, dataset=entry.dataset)


def _mean(mean: MeanOnly) -> str:
    return interval_text(Interval(mean.mean, mean.lower, mean.upper, 0))
