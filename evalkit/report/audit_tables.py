"""The audit of a judge as sentences and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.judging.agreement import Estimate
from evalkit.judging.audit import Audit
from evalkit.judging.judge_bias import BiasRow
from evalkit.judging.system_agreement import SystemAgreement
from evalkit.report.numbers import difference_text, interval_text, value_text
from evalkit.report.table import Table
from evalkit.stats import FEWEST_CLUSTERS, Interval

LIMITS = (
    "Agreement does not remove bias: a judge that agrees well with people can still favour one system. Its"
    " judgments alone are an indication; a verdict needs people's judgments of a random sample of queries."
)
"""What an audit can and cannot show."""


def audit_lines(audit: Audit) -> list[str]:
    """Return the sentences of an audit: what was compared, and how far systems are ranked alike."""
    found = audit.agreement
    names = f"{audit.judge} against {audit.reference}"
    where = f"{audit.dataset}: " if audit.dataset else ""
    binary = f", with grades of {audit.binary:g} and more as relevant" if audit.binary is not None else ""
    compared = f"{where}{names}: {found.pairs} pairs of {found.queries} queries judged by both{binary}."
    left_out = [
        f"{count} judged only by {name}"
        for count, name in ((audit.only_reference, audit.reference), (audit.only_judge, audit.judge))
        if count
    ]
    lines = [compared]
    if not found.pairs:
        only = f" ({', '.join(left_out)})" if left_out else ""
        return [f"{where}{names}: no document was judged by both{only}, so that there is nothing to compare."]
    if left_out:
        lines.append(f"Left out: {', '.join(left_out)}.")
    if audit.without_text:
        lines.append(f"The text of the document is not known for {audit.without_text} of the pairs.")
    if _is_two_valued(audit):
        lines.append(
            f"{audit.judge} gives 0 and 1 alone: compare with {audit.reference} from a grade on: --binary LEVEL."
        )
    if audit.systems is not None:
        lines += _system_lines(audit.systems)
    return lines


def _is_two_valued(audit: Audit) -> bool:
    """Return whether the judge has two levels and the reference more, so that their levels do not correspond."""
    levels, matrix = audit.agreement.levels, audit.agreement.matrix
    used = {level for level, row in zip(levels, matrix, strict=True) if any(row)}
    return audit.binary is None and used == {0, 1} and max(levels) > 1


def _system_lines(found: SystemAgreement) -> list[str]:
    if not found.systems:
        return [f"Systems were not compared: {found.reason}."]
    ranking = f"Ranking of {len(found.systems)} systems by {found.metric} over {found.queries} queries: "
    if found.tau is None:
        lines = [f"{ranking}no Kendall's tau ({found.reason})."]
    else:
        top = "" if found.top_tau is None else f"; among the best {len(found.top)}: {found.top_tau:.3f}"
        lines = [f"{ranking}Kendall's tau {found.tau:.3f}{top}."]
    if found.pairs:
        lines.append(
            f"{found.reversed_pairs} of {found.pairs} differences between systems have the other sign under the judge."
        )
    if found.largest is not None:
        one = found.largest
        bias = difference_text(Interval(one.bias, one.lower, one.upper, found.queries))
        lines.append(
            f"Largest bias of a difference: {bias}, of {one.first} minus {one.second}: {one.judge:+.3f} under the"
            f" judge, {one.reference:+.3f} under the reference."
        )
    return lines


def audit_tables(audit: Audit) -> list[Table]:
    """Return the tables of an audit; none where no pair was judged by both."""
    if not audit.agreement.pairs:
        return []
    prefix = f"{audit.dataset}: " if audit.dataset else ""
    tables = [_agreement_table(audit, prefix), _matrix_table(audit, prefix), _bias_table(audit, prefix)]
    if audit.systems is not None and audit.systems.systems:
        tables.append(_systems_table(audit, audit.systems, prefix))
    return [table for table in tables if table.rows]


def _agreement_table(audit: Audit, prefix: str) -> Table:
    found = audit.agreement
    rows = [
        ("same level", found.raw),
        ("Cohen's kappa", found.kappa),
        ("Cohen's kappa, linear weights", found.linear_kappa),
        ("Cohen's kappa, quadratic weights", found.quadratic_kappa),
        ("Krippendorff's alpha, interval scale", found.alpha),
    ]
    if len(found.levels) == 2:  # weights change nothing
        rows = [row for row in rows if "weights" not in row[0]]
    cells: tuple[tuple[str, ...], ...] = tuple(
        (name, _estimate(one), str(found.queries), one.reason or "") for name, one in rows
    )
    columns: tuple[str, ...] = ("statistic", "value", "queries", "why there is none")
    if not any(row[3] for row in cells):
        columns, cells = columns[:3], tuple(row[:3] for row in cells)
    return Table(
        f"{prefix}agreement of {audit.judge} with {audit.reference}",
        columns,
        cells,
        f"95 % confidence intervals over queries, from {FEWEST_CLUSTERS} queries on. Levels are grades rounded to whole"
        " numbers, a half up; alpha uses the grades as they are. 0 is agreement by chance, 1 full agreement.",
        dataset=audit.dataset,
    )


def _estimate(one: Estimate) -> str:
    if one.lower is None and one.estimate is not None:
        return value_text(one.estimate, ".3f")
    return interval_text(Interval(one.estimate, one.lower, one.upper, 0), ".3f")


def _matrix_table(audit: Audit, prefix: str) -> Table:
    found = audit.agreement
    return Table(
        f"{prefix}grades of {audit.judge} (rows) by grades of {audit.reference} (columns)",
        ("judge", *map(str, found.levels)),
        tuple((str(level), *map(str, row)) for level, row in zip(found.levels, found.matrix, strict=True)),
        "Pairs judged by both.",
        dataset=audit.dataset,
    )


def _bias_table(audit: Audit, prefix: str) -> Table:
    rows = tuple(map(_bias_cells, audit.bias))
    systems = (
        f" A system brings the documents within rank {audit.cutoff}; a document may be of several systems."
        if any(row.by == "system" for row in audit.bias)
        else ""
    )
    words = (
        " Query words: share of the query's words, without stop words, in the document."
        if any(row.by == "query words" for row in audit.bias)
        else ""
    )
    return Table(
        f"{prefix}bias of {audit.judge}",
        ("pairs by", "group", "pairs", "queries", "mean difference"),
        rows,
        f"Mean difference of grades, {audit.judge} minus {audit.reference}, with 95 % confidence intervals over"
        " queries. At the lowest grade a difference cannot be negative, at the highest not positive: compare groups of"
        f" the other properties.{words}{systems}",
        left=2,
        keys=2,
        dataset=audit.dataset,
    )


def _bias_cells(row: BiasRow) -> tuple[str, ...]:
    mean = difference_text(Interval(row.mean, row.lower, row.upper, row.queries))
    return row.by, row.group, str(row.pairs), str(row.queries), mean


def _systems_table(audit: Audit, found: SystemAgreement, prefix: str) -> Table:
    rows = tuple(
        (one.system, value_text(one.reference), value_text(one.judge), f"{one.judge - one.reference:+.3f}")
        for one in found.systems
    )
    return Table(
        f"{prefix}systems under both raters",
        ("system", f"{found.metric}, {audit.reference}", f"{found.metric}, {audit.judge}", "difference"),
        rows,
        f"Means over the {found.queries} queries that have a relevant document under both raters. Only the pairs that"
        " both judged count.",
        dataset=audit.dataset,
    )


def audit_sentences(audits: Sequence[Audit]) -> list[str]:
    """Return the sentences of several audits, the limits first; none without an audit."""
    return [LIMITS, *(line for one in audits for line in audit_lines(one))] if audits else []


def all_audit_tables(audits: Iterable[Audit]) -> list[Table]:
    """Return the tables of several audits."""
    return [table for one in audits for table in audit_tables(one)]


def audits_json(audits: Iterable[Audit]) -> bytes:
    """Return audits as a JSON array of objects."""
    from evalkit.results.json_shapes import to_json, to_plain

    return to_json([to_plain(one) for one in audits])
