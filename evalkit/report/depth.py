"""Depth sweeps and configured depths as sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.comparison.looks import confidence_at, level
from evalkit.report.candidate_counts import candidate_count, most_candidates
from evalkit.report.chart_parts import by_reranker
from evalkit.report.judged_by import rests_on_text, without_people
from evalkit.report.numbers import (
    NO_VALUE,
    Figure,
    cost_text,
    difference_text,
    interval_text,
    level_text,
    milliseconds,
    value_text,
)
from evalkit.report.table import Table
from evalkit.results.summary_document import BEST_ORDER, Ceiling, QualityRow, Summary
from evalkit.results.tuning_document import DepthRow, DepthSweep
from evalkit.stats import Interval
from evalkit.tuning import Choice
from evalkit.tuning.depth_check import ALPHA, CONFIDENCE

_SHOWN = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
_BELOW = {"kept": "kept below, in first-stage order", "dropped": "dropped"}
_RECALL = "recall of the candidates"


def depth_line(sweep: DepthSweep) -> str:
    """Return the recommended depth in a few sentences, whether it is confirmed first, and which costs are unknown."""
    limited = sweep.limits.usd_per_thousand_queries is not None
    unknown = f" {sweep.cost_unknown} An unknown cost is not within the limit." if sweep.cost_unknown else ""
    return _recommendation(sweep) + _basis(sweep) + (unknown if limited else "")


def _basis(sweep: DepthSweep) -> str:
    """Return a sentence on what the recommendation rests on; empty where all grades count alike, or there is none."""
    if sweep.choice.held_out is None or sweep.choice.recommended is None:
        return ""
    if sweep.corrected is None:
        return rests_on_text(sweep.rests_on)
    return f" It rests on: {sweep.corrected.text}; numbers of queries are those of people."


def _recommendation(sweep: DepthSweep) -> str:
    system = f"{sweep.dataset}: {sweep.reranker}"
    choice = sweep.choice
    if choice.recommended is None or choice.held_out is None:
        return f"{system}: no number of candidates is recommended: {choice.why_not}{_gain(choice)}."
    deepest = choice.deepest or sweep.deepest.depth
    limits = " within the limits" if choice.allowed < sweep.deepest.depth else ""
    mean = f"Mean on {choice.held_out.n} held-out queries: {interval_text(choice.held_out)}."
    if choice.is_confirmed:
        return (
            f"{system}: use {choice.recommended} candidates. Held-out queries confirm a loss of at most"
            f" {sweep.margin:g} {sweep.metric} compared with {deepest}, the most{limits}: {_loss(sweep)}. {mean}"
        )
    number = f"all {choice.recommended} candidates"
    if deepest == sweep.deepest.depth and not (count := candidate_count(deepest, sweep.candidates)).isdigit():
        number = f"all candidates ({count} per query)"
    return (
        f"{system}: use {number}{limits}. On held-out queries no smaller number is confirmed"
        f" to lose at most {sweep.margin:g} {sweep.metric}. {mean}"
    )


def depth_lines(sweep: DepthSweep) -> Iterator[str]:
    """Yield the sentence of `depth_line`, and sentences on the evidence for it and on the bottleneck."""
    yield depth_line(sweep)
    choice = sweep.choice
    if choice.chosen is not None and choice.checked is not None and not choice.is_confirmed:
        yield f"  {_tried(sweep)}"
    if choice.recommended is None or choice.best is None or choice.tuned is None:
        return
    depth, deepest = choice.recommended, sweep.deepest.depth
    optimistic = " (optimistic: the number was chosen on them)" if choice.is_confirmed else ""
    yield f"  Mean on the {choice.tuned.n} tuning queries: {interval_text(choice.tuned)}{optimistic}."
    against = choice.against_first_stage
    if against is not None:
        yield f"  Difference to the first stage alone on held-out queries: {difference_text(against)}."
    beyond = choice.beyond
    if choice.best < deepest and beyond is not None and beyond.upper is not None and beyond.upper < 0:
        yield (
            f"  More candidates are worse: {difference_text(beyond)} with {deepest} instead of {choice.best} on"
            " held-out queries."
        )
    row = sweep.rows[depth - 1]
    if row.retrieval_loss is None or row.ranking_loss is None:
        return
    bottleneck = "first stage" if row.retrieval_loss > row.ranking_loss else "reranker"
    yield (
        f"  The bottleneck is the {bottleneck}: with {depth} candidates the best possible order reaches"
        f" {value_text(row.oracle)}. Relevant documents that are not among them cost {value_text(row.retrieval_loss)},"
        f" the order of the candidates {value_text(row.ranking_loss)}."
    )


def _loss(sweep: DepthSweep) -> str:
    """Return the held-out difference of the chosen depth to the deepest one, and the level of its interval."""
    checked = sweep.choice.checked
    if checked is None or checked.estimate is None or checked.lower is None or checked.upper is None:
        return "difference unknown"
    found = Interval(checked.estimate, checked.lower, checked.upper, checked.n or 0)
    two_sided = 1 - 2 * level(ALPHA, sweep.enlarged)
    return f"{difference_text(found)} ({level_text(two_sided)} CI)"


def _tried(sweep: DepthSweep) -> str:
    """Return what the held-out queries say of the depth that the tuning queries suggest."""
    choice, checked = sweep.choice, sweep.choice.checked
    if checked is None or choice.chosen == choice.deepest:
        return "The tuning queries suggest no smaller number."
    verdict = "show a larger loss" if checked.status == "FAIL" else "do not confirm it"
    return (
        f"The tuning queries suggest {choice.chosen} candidate{'s' * (choice.chosen != 1)}, but {checked.n} held-out"
        f" queries {verdict}:"
        f" {_loss(sweep)} ({checked.sentence})."
    )


def _gain(choice: Choice) -> str:
    """Return the difference to the first stage in parentheses; empty where it is not known."""
    against = choice.against_first_stage
    return "" if against is None else f" ({difference_text(against)} on {against.n} held-out queries)"


def depth_table(sweep: DepthSweep) -> Table:
    """Return the sweep at selected depths: round numbers, the best, the recommended and the deepest."""
    choice, deepest = sweep.choice, sweep.deepest
    shown = {*_SHOWN, choice.best, choice.recommended, deepest.depth}
    cells = tuple(_depth_cells(row, sweep) for row in sweep.rows if row.depth in shown)
    columns = (
        "candidates", sweep.metric, f"difference to {deepest.depth}", "recall", "best order",
        "retrieval loss", "ranking loss", "p95 (ms)", "$ per 1,000 queries",
    )  # fmt: skip
    marks = " * recommended, + best on the tuning queries."
    if sweep.limits.p95_s is not None:
        marks += " The limit applies to the upper bound of p95's interval."
    over = f"{sweep.queries} queries" if sweep.corrected is None else f"queries, {sweep.corrected.text},"
    level_of_means = level_text(confidence_at(CONFIDENCE, sweep.enlarged))
    note = (
        f"Means over {over} with {level_of_means} intervals. Candidates below a depth are"
        f" {_BELOW[sweep.below_depth]}. First stage alone:"
        f" {interval_text(sweep.first_stage)}.{'' if choice.best is None else marks} Recall: share of the relevant"
        " documents among these candidates. Best order: the most that reranking them can reach. ~ interpolated between"
        f" batch sizes.{_lengths_text(sweep)}"
        f"{f' {sweep.cost_unknown}' if sweep.cost_unknown else ''}"
    )
    return Table(
        f"{sweep.dataset}: {sweep.reranker} by depth",
        columns,
        cells,
        note,
        dataset=sweep.dataset,
        system=sweep.reranker,
    ).without_empty_columns()


def _lengths_text(sweep: DepthSweep) -> str:
    """Return a sentence on lists that are shorter than the deepest depth; empty without any."""
    count = candidate_count(sweep.deepest.depth, sweep.candidates)
    return f" The lists have {count} candidates." if sweep.candidates and not count.isdigit() else ""


def _depth_cells(row: DepthRow, sweep: DepthSweep) -> tuple[str, ...]:
    choice = sweep.choice
    mark = ("*" if row.depth == choice.recommended else "") + ("+" if row.depth == choice.best else "")
    return (
        f"{row.depth}{mark}",
        interval_text(row.mean),
        NO_VALUE if row is sweep.deepest else difference_text(row.to_deepest),
        value_text(row.recall),
        value_text(row.oracle),
        value_text(row.retrieval_loss),
        value_text(row.ranking_loss),
        interpolated_text(row),
        cost_text(row.usd_per_thousand_queries),
    )


def needed_text(sweep: DepthSweep) -> str:
    """Return the candidates needed: the recommended depth, with ``all`` where it is not confirmed."""
    choice = sweep.choice
    if choice.recommended is None:
        return NO_VALUE
    if choice.is_confirmed:
        return str(choice.recommended)
    count = most_candidates(choice.recommended, sweep.candidates)
    return f"all {count}" if count.isdigit() else f"all ({count})"


def interpolated_text(row: DepthRow) -> str:
    """Return p95 in milliseconds, marked where it is interpolated between batch sizes."""
    if row.p95_s is None or row.p95_measured:
        return milliseconds(row.p95_s)
    return Figure(row.p95_s * 1000, f"~{milliseconds(row.p95_s)}")


def depth_tables(summary: Summary) -> list[Table]:
    """Return the quality at the configured depths, for datasets with several of them."""
    tables = []
    for facts in summary.datasets:
        ceilings = [row for row in summary.ceilings if row.dataset == facts.name]
        if len(ceilings) > 1:
            tables.append(_by_depth(summary, facts.name, ceilings))
    return tables


def _by_depth(summary: Summary, dataset: str, ceilings: Sequence[Ceiling]) -> Table:
    metric = summary.primary_metric
    cells = [
        (tag, *(interval_text(row.mean) for row in sorted(rows, key=lambda row: row.depth or 0)))
        for tag, rows in by_reranker(_primary_rows(summary, dataset))
    ]
    cells.append((BEST_ORDER, *(value_text(row.best_order[metric]) for row in ceilings)))
    cells.append((_RECALL, *(value_text(row.recall.estimate) for row in ceilings)))
    note = (
        "Best order: the most that a reranker can reach at this depth. Recall: share of the relevant documents among"
        " the candidates that are reranked. Both depend on the first stage alone."
    )
    facts = next(facts for facts in summary.datasets if facts.name == dataset)
    if facts.candidates.shortest_list < ceilings[-1].depth:
        count = candidate_count(ceilings[-1].depth, facts.candidates)
        note += f" The lists have {count} candidates: a greater depth reranks no more."
    columns = ("reranker", *(str(row.depth) for row in ceilings))
    return Table(f"{dataset}: {metric} by depth", columns, tuple(cells), note, dataset=dataset)


def _primary_rows(summary: Summary, dataset: str) -> list[QualityRow]:
    """Return the means of the primary metric at each depth; runs have no depth."""
    where = (dataset, summary.primary_metric)
    return [row for row in summary.quality if (row.dataset, row.metric) == where and row.depth is not None]


def without_depth(found: Sequence[DepthSweep]) -> str:
    """Return what to do if no number of candidates is recommended."""
    if (remedy := without_people([one.choice for one in found])) is not None:
        return remedy
    limited = [one for one in found if one.limits.p95_s is not None]
    untimed = [one.reranker for one in limited if all(row.p95_s is None for row in one.rows)]
    if untimed and len(untimed) == len(limited):
        return "Add a `latency:` block to the configuration and run it: this result has no latencies."
    if untimed:
        return f"Measure the latency of {', '.join(untimed)}: without it no depth is known to be within the limits."
    return "Use the first stage alone, or add queries to detect a smaller gain."
