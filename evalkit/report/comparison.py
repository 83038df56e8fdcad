"""Comparisons as sentences and tables."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.comparison import Comparison, Plan
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.report.numbers import NO_VALUE, difference_text, interval_text, p_text, value_text
from evalkit.report.table import Table, as_markdown
from evalkit.results.comparison_document import (
    Comparisons,
    DatasetComparisons,
    MeanOnly,
    VersionComparisons,
)
from evalkit.stats import MIN_QUERIES, Interval

HOLES_APART = 0.05
"""Difference of two shares of judged documents above which a warning is given: the less judged run may be better."""
HOLES_MANY = 0.8
"""Share of judged documents below which a warning is given."""
_VERDICTS = {
    "better": "is better than {baseline}",
    "worse": "is worse than {baseline}",
    "not told apart": "cannot be told apart from {baseline}",
    "identical": "equals {baseline} on every query",
    "too few queries": "against {baseline}, too few queries for a verdict (fewer than "
    + str(MIN_QUERIES)
    + "),",
}


def findings(compared: Comparisons) -> list[str]:
    """Return one sentence for each dataset and contender, and one for all datasets together."""
    sentences = []
    for entry in compared.datasets:
        sentences += [_sentence(one, compared, entry.depth) for one in entry.comparisons if one.n]
    return sentences + [_sentence(one, compared, None) for one in compared.pooled]


def _sentence(one: Comparison, compared: Comparisons, depth: int | None) -> str:
    verdict = _VERDICTS[one.verdict].format(baseline=one.baseline)
    several = sum(len(entry.comparisons) for entry in compared.datasets[:1]) > 1
    adjusted = f", p = {p_text(one.p_adjusted)}{' adjusted' if several else ''}"
    if one.verdict in {"identical", "too few queries"}:
        adjusted = ""
    deep = f", depth {depth}" if depth else ""
    sentence = (
        f"{one.dataset}: {one.contender} {verdict} on {one.metric}: {difference_text(one.change)},"
        f" n = {one.n} queries{deep}{adjusted}."
    )
    if one.verdict == "not told apart" and one.detectable is not None:
        sentence += f" With so many queries a true difference of {one.detectable:.4f} shows 4 times in 5."
    if one.fragile:
        sentence += " Fragile: the t test and the randomisation test disagree."
    return sentence


def cautions(compared: Comparisons) -> list[str]:
    """Return warnings on unjudged documents and on ties."""
    lines = []
    margin = compared.plan.margin
    for entry in compared.datasets:
        for one in entry.sensitivity:
            systems = f"{entry.dataset}: {one.contender} and {one.baseline}"
            shares = one.judged_baseline, one.judged_contender
            if abs(shares[0] - shares[1]) > HOLES_APART or min(shares) < HOLES_MANY:
                lines.append(
                    f"{systems}: {shares[1]:.0%} and {shares[0]:.0%} of their first {one.cutoff} documents are judged"
                    f"{_tipping(one)}."
                )
            if (
                one.tied_low is not None
                and one.tied_high is not None
                and one.tied_high - one.tied_low > margin / 2
            ):
                lines.append(
                    f"{systems}: the way ties are broken moves the difference from {one.tied_low:+.4f} to"
                    f" {one.tied_high:+.4f}."
                )
    return lines


def _tipping(one: Sensitivity) -> str:
    if not one.tipping_of:
        return ""
    if one.tipping is None:
        return (
            f"; the order would stand even if all {one.tipping_of} unjudged documents that only the loser ranks"
            " there were relevant"
        )
    return (
        f"; the order would flip if {one.tipping} of the {one.tipping_of} unjudged documents that only the loser"
        " ranks there were relevant"
    )


def comparison_tables(compared: Comparisons, *, details: bool = True) -> list[Table]:
    """Return a table of verdicts for each dataset and for all, with `details` also the evidence tables."""
    tables = [_verdicts(entry, compared.plan) for entry in compared.datasets]
    if compared.pooled:
        tables.append(_pooled(compared))
    if not details:
        return tables
    return [*tables, *evidence_tables(compared), *slice_tables(compared), *extreme_tables(compared)]


def as_page(compared: Comparisons) -> str:
    """Return findings and tables as Markdown."""
    names = version_names(compared) if isinstance(compared, VersionComparisons) else "systems"
    lines = [f"# Comparison of {names}", ""]
    lines += [f"- {line}" for line in findings(compared)] + [""]
    lines += [f"> **Note:** {line}\n" for line in cautions(compared)]
    for table in comparison_tables(compared):
        lines += [f"## {table.title}", "", as_markdown(table), "", table.note, ""]
    return "\n".join(lines)


def version_names(compared: VersionComparisons) -> str:
    """Return the tags of both versions, or the tag that they share."""
    return " -> ".join(dict.fromkeys((compared.reranker.before, compared.reranker.after)))


def evidence_tables(compared: Comparisons) -> list[Table]:
    """Return the tables of other metrics, and of unjudged documents and ties."""
    return _filled(compared, _exploratory) + _filled(compared, _sensitivity)


def slice_tables(compared: Comparisons) -> list[Table]:
    """Return the differences by kind of query."""
    return _filled(compared, _slices)


def extreme_tables(compared: Comparisons) -> list[Table]:
    """Return the tables of queries with the largest changes."""
    return _filled(compared, _extremes)


def _filled(compared: Comparisons, table_of: Callable[[DatasetComparisons, Plan], Table]) -> list[Table]:
    """Return the table of each dataset, without empty tables."""
    tables = (table_of(entry, compared.plan) for entry in compared.datasets)
    return [table for table in tables if table.rows]


def _verdicts(entry: DatasetComparisons, plan: Plan) -> Table:
    tied = entry.tied_with
    by_name = {one.contender: one for one in entry.comparisons}
    means = {plan.baseline: next((one.baseline_mean for one in by_name.values()), None)}
    means |= {name: one.contender_mean for name, one in by_name.items()}
    cells = [
        _row(name, means[name], by_name.get(name), ", ".join(tied[name]) or NO_VALUE, plan.margin)
        for name in sorted(means, key=lambda name: -(means[name] or 0.0))
    ]
    columns = (
        "system", "tied with", "mean", "difference", "p", "adjusted p", "win/tie/loss", "effect", "finds",
        "needs", "n",
    )  # fmt: skip
    level = f"{plan.confidence:.0%}"
    correction = "Holm's" if plan.correction == "holm" else "the maxT"
    note = (
        f"Differences to {plan.baseline} with {level} t intervals; p by sign-flip randomisation, adjusted with"
        f" {correction} correction. Effect: difference by its standard deviation. Finds: the smallest difference that"
        f" these queries show 80 % of the time. Needs: queries to rule out a loss of more than {plan.margin:g},"
        " where these do not."
        " Tied: not told apart, all pairs tested."
    )
    return Table(f"{entry.dataset}: {plan.primary}", columns, tuple(cells), note, left=2)


def _row(name: str, mean: float | None, one: Comparison | None, tied: str, margin: float) -> tuple[str, ...]:
    if one is None:
        return (name, tied, value_text(mean), "baseline", *[NO_VALUE] * 7)
    n = str(one.n) + (f" ({one.left_out} left out)" if one.left_out else "")
    return (
        name,
        tied,
        value_text(mean),
        difference_text(one.change),
        p_text(one.p),
        p_text(one.p_adjusted),
        f"{one.wins}/{one.ties}/{one.losses}",
        NO_VALUE if one.effect is None else f"{one.effect:+.2f}",
        value_text(one.detectable),
        NO_VALUE if one.needed is None or _ruled_out(one, margin) else str(one.needed),
        n,
    )


def _ruled_out(one: Comparison, margin: float) -> bool:
    """Return whether these queries rule out a loss larger than the margin."""
    return one.lower is not None and one.lower > -margin


def _pooled(compared: Comparisons) -> Table:
    cells = [
        (
            one.contender,
            value_text(one.contender_mean),
            difference_text(one.change),
            p_text(one.p_adjusted),
            str(one.n),
        )
        for one in compared.pooled
    ]
    note = (
        "Every dataset weighs the same. The interval speaks of other queries for these datasets, not of other"
        " datasets: so few of them cannot."
    )
    columns = ("system", "mean", f"difference to {compared.plan.baseline}", "adjusted p", "n")
    title = f"{compared.pooled[0].dataset}: {compared.plan.primary}"
    return Table(title, columns, tuple(cells), note)


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
    note = "Exploratory: unadjusted, a place to look and not a finding."
    columns = ("system", "metric", "mean", f"difference to {plan.baseline}", "p", "n")
    return Table(f"{entry.dataset}: other metrics", columns, tuple(cells), note, left=2)


def _sensitivity(entry: DatasetComparisons, plan: Plan) -> Table:
    cells = [
        (
            one.contender,
            f"{one.judged_contender:.1%}",
            f"{one.judged_baseline:.1%}",
            f"{one.unjudged_contender_only}/{one.unjudged_both}/{one.unjudged_baseline_only}",
            difference_text(one.condensed),
            f"{NO_VALUE if one.tipping is None else one.tipping} of {one.tipping_of}",
            NO_VALUE if one.tied_low is None else f"{one.tied_low:+.4f} to {one.tied_high:+.4f}",
        )
        for one in entry.sensitivity
    ]
    note = (
        "Judged: share of the first ranks that somebody judged; unjudged counts as not relevant. Condensed: the"
        " difference with unjudged documents taken out. Tipping: how many of the loser's own unjudged documents would"
        " turn the sign if they were relevant, by a greedy search. Ties: the difference with ties broken against and"
        " for the contender."
    )
    columns = (
        "system", "judged", f"{plan.baseline} judged", "unjudged own/both/other", "condensed", "tipping",
        "ties",
    )  # fmt: skip
    return Table(f"{entry.dataset}: judgments and ties", columns, tuple(cells), note)


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
    note = (
        "Exploratory: small slices have wide intervals, and one of twenty excludes 0 by chance. Both systems answer the"
        " same queries, so the difference over all is the mean of the slices', weighted by n: slices cannot all say"
        " the opposite of it."
    )
    columns = (
        "system", "queries by", "of", "mean", f"{plan.baseline}'s mean", f"difference to {plan.baseline}", "n",
    )  # fmt: skip
    return Table(f"{entry.dataset}: {plan.primary} by kind of query", columns, tuple(cells), note, left=3)


def _extremes(entry: DatasetComparisons, plan: Plan) -> Table:
    cells = [
        (
            name, side, row.query_id, _short(row.text), value_text(row.baseline), value_text(row.contender),
        )
        for name, extremes in entry.extremes.items()
        for side, rows in (("worst", extremes.worst), ("best", extremes.best))
        for row in rows
    ]  # fmt: skip
    columns = ("system", "", "query", "text", plan.baseline, "system's")
    title = f"{entry.dataset}: queries that moved most"
    return Table(title, columns, tuple(cells), left=4)


def _mean(mean: MeanOnly) -> str:
    return interval_text(Interval(mean.mean, mean.lower, mean.upper, 0))


def _short(text: str | None, width: int = 60) -> str:
    if text is None:
        return NO_VALUE
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 3] + "..."
