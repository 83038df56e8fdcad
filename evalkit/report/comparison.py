"""Comparisons as sentences and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalkit.comparison import AcrossDatasets, Comparison, Plan
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.comparison.unjudged_documents import SHARES_APART
from evalkit.report.numbers import NO_VALUE, difference_text, interval_text, p_text, value_text
from evalkit.report.table import Table, as_markdown
from evalkit.report.undecided import reason, to_judge_tables
from evalkit.results.comparison_document import (
    Comparisons,
    DatasetComparisons,
    MeanOnly,
    VersionComparisons,
)
from evalkit.stats import MIN_QUERIES, Interval

MOST_NAMED = 6
"""Number of tied systems that a cell names."""
FEW_JUDGED = 0.8
"""Share of judged documents below which a warning is given."""
_VERDICTS = {
    "better": "is better than {baseline}",
    "worse": "is worse than {baseline}",
    "not told apart": "has no significant difference from {baseline}",
    "identical": "equals {baseline} on every query",
    "too few queries": "against {baseline}, too few queries for a verdict (fewer than "
    + str(MIN_QUERIES)
    + "),",
    "undecided: failed queries": "against {baseline} is undecided because of failed queries",
    "undecided: unjudged documents": "against {baseline} is undecided because of unjudged documents",
}


def findings(compared: Comparisons) -> list[str]:
    """Return one sentence for each dataset and contender, and one for all datasets together."""
    sentences = []
    for entry in compared.datasets:
        sentences += [
            _sentence(one, compared, entry.depth) + (f" {reason(one, entry)}" if one.undecided else "")
            for one in entry.comparisons
            if one.n
        ]
    return sentences + [_sentence(one, compared, None) for one in compared.pooled]


def _sentence(one: Comparison, compared: Comparisons, depth: int | None) -> str:
    verdict = _VERDICTS[one.verdict].format(baseline=one.baseline)
    several = sum(len(entry.comparisons) for entry in compared.datasets) > 1
    adjusted = f", p = {p_text(one.p_adjusted)}{' adjusted' if several else ''}"
    if one.undecided or one.verdict in {"identical", "too few queries"}:
        adjusted = ""
    deep = f", depth {depth}" if depth else ""
    sentence = (
        f"{one.dataset}: {one.contender} {verdict} on {one.metric}: {difference_text(one.change)},"
        f" n = {_queries(one)}{deep}{adjusted}."
    )
    if one.verdict == "not told apart" and one.detectable is not None:
        sentence += f" {detectable_text(one)}"
    if one.fragile:
        sentence += " Fragile: the t test and the randomisation test disagree."
    return sentence


def _queries(one: Comparison) -> str:
    clusters = "" if one.clusters is None else f" in {one.clusters} clusters"
    return f"{one.n} queries{clusters}"


def detectable_text(one: Comparison) -> str:
    """Return a sentence on the power of the test."""
    return f"With {_queries(one)} this test detects a difference of {one.detectable:.3f} with 80 % power."


def cautions(compared: Comparisons) -> list[str]:
    """Return warnings on unjudged documents and on ties."""
    lines = []
    margin = compared.plan.margin
    for entry in compared.datasets:
        if entry.relevant_only:
            lines.append(
                f"{entry.dataset}: the judgments list relevant documents only. Verdicts hold if every other document is"
                " not relevant."
            )
        lines += [
            f"{entry.dataset}: {one.unranked} queries have a ranking from only one of {one.contender} and"
            f" {one.baseline}; they count as 0 for the other."
            for one in entry.comparisons
            if one.unranked
        ]
        for one in entry.sensitivity:
            systems = f"{entry.dataset}: {one.contender} and {one.baseline}"
            shares = one.judged_baseline, one.judged_contender
            few = abs(shares[0] - shares[1]) > SHARES_APART or min(shares) < FEW_JUDGED
            if few and entry.unjudged == "unknown":
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
            f"; the ranking would not reverse if all {one.tipping_of} unjudged documents that only the lower system"
            " ranks there were relevant"
        )
    return (
        f"; the ranking would reverse if {one.tipping} of {one.tipping_of} unjudged documents that only the lower"
        " system ranks there were relevant"
    )


def comparison_tables(compared: Comparisons, *, details: bool = True) -> list[Table]:
    """Return a table of verdicts for each dataset and for all, with `details` also the evidence tables."""
    tables = [_verdicts(entry, compared.plan) for entry in compared.datasets]
    if compared.pooled:
        tables.append(_pooled(compared))
    if not details:
        return tables
    return [
        *tables,
        *to_judge_tables(compared),
        *evidence_tables(compared),
        *slice_tables(compared),
        *extreme_tables(compared),
    ]


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
    means = {plan.baseline: _baseline_mean(entry)}
    means |= {name: one.contender_mean for name, one in by_name.items()}
    own_n = NO_VALUE if entry.baseline_mean is None else str(entry.baseline_mean.n)
    cells = [
        _row(name, means[name], by_name[name], tied_text(tied[name]), plan.margin)
        if name in by_name
        else (
            name,
            tied_text(tied[name]),
            value_text(means[name]),
            "baseline",
            *[NO_VALUE] * 6,
            own_n,
        )
        for name in sorted(means, key=lambda name: -(means[name] or 0.0))
    ]
    columns = (
        "system", "tied with", "mean", "difference", "p", "adjusted p", "win/tie/loss", "effect", "detectable",
        "queries needed", "n",
    )  # fmt: skip
    level = f"{plan.confidence:.0%}"
    correction = "Holm's" if plan.correction == "holm" else "the maxT"
    note = (
        f"Differences to {plan.baseline} with {level} intervals, each alone (Student t; Tango for values of 0 and 1)."
        f" p: sign-flip test; adjusted: {correction} correction over all comparisons with {plan.baseline}. Tied with:"
        f" no significant difference; pairs without {plan.baseline} are corrected as a family of their own. Effect:"
        " difference by its standard deviation. Detectable: the difference that the corrected test detects with 80 %"
        f" power. Queries needed: to rule out a loss of more than {plan.margin:g} with 80 % power if there is no true"
        " difference; a 95 % range, empty where it is ruled out or the loss is shown."
    )
    return Table(f"{entry.dataset}: {plan.primary}", columns, tuple(cells), note, left=2)


def tied_text(tied: Sequence[str]) -> str:
    """Return the names of tied systems, or how many they are where a cell cannot hold them."""
    return f"{len(tied)} systems" if len(tied) > MOST_NAMED else ", ".join(tied) or NO_VALUE


def _baseline_mean(entry: DatasetComparisons) -> float | None:
    """Return the baseline's mean over its own queries; older files have that over the first contender's only."""
    if entry.baseline_mean is not None:
        return entry.baseline_mean.estimate
    return next((one.baseline_mean for one in entry.comparisons), None)


def _row(name: str, mean: float | None, one: Comparison, tied: str, margin: float) -> tuple[str, ...]:
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
            difference_text(one.change),
            p_text(one.p_adjusted),
            *_variation(across.get(one.contender)),
            str(one.n),
        )
        for one in compared.pooled
    ]
    note = (
        "Every dataset weighs the same; the interval is for other queries of these datasets, not for other datasets."
        " Range: lowest and highest difference of a dataset. I²: share of the variation between datasets that is not"
        " sampling error; p of Q: small if the true differences are not all equal, so that the mean describes none."
        f" Better on: at least so many datasets, with {compared.plan.confidence:.0%} confidence for all systems."
    )
    columns = (
        "system", "mean", f"difference to {compared.plan.baseline}", "adjusted p", "range", "I²", "p of Q", "better on",
        "n",
    )  # fmt: skip
    title = f"{compared.pooled[0].dataset}: {compared.plan.primary}"
    return Table(title, columns, tuple(cells), note)


def _variation(one: AcrossDatasets | None) -> tuple[str, ...]:
    if one is None:
        return (NO_VALUE,) * 4
    return (
        f"{one.lowest:+.4f} to {one.highest:+.4f}",
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
