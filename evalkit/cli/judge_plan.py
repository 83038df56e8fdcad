"""``evalkit judge plan``."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from evalkit.cli.options import JSON, SET, NumberInRange, remember_config
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalkit.datasets.human_sample import DrawState
    from evalkit.workflows.judge_planning import HumanPlan
    from evalkit.workflows.judging_input import JudgingInput


class Options(TypedDict):
    """The flags of the command."""

    overrides: tuple[str, ...]
    margin: float | None
    correlation: float | None
    power: float
    seconds: float | None
    tag: str | None
    baseline: str | None
    contender: str | None
    as_json: bool


@click.command()
@click.argument("inputs", metavar="CONFIG|RESULT...", nargs=-1, required=True, callback=remember_config)
@SET
@click.option(
    "--margin",
    type=NumberInRange(min=0, min_open=True),
    metavar="M",
    help="Largest acceptable loss [default: compare.margin of the configuration].",
)
@click.option(
    "--correlation",
    type=NumberInRange(min=-1, max=1),
    metavar="R",
    help="Correlation of the judge's paired differences with people's [default: that of a pilot, else 0.7].",
)
@click.option(
    "--power",
    type=NumberInRange(min=0, max=1, min_open=True, max_open=True),
    metavar="P",
    default=0.8,
    show_default=True,
    help="Probability that a system without a loss passes.",
)
@click.option(
    "--seconds-per-judgment",
    "seconds",
    type=NumberInRange(min=0, min_open=True),
    metavar="S",
    help="Seconds for a judgment by a person [default: people's pace so far, else 30].",
)
@click.option("--judge", "tag", metavar="TAG", help="Judge of the configuration [default: the only one].")
@click.option("--baseline", metavar="TAG", help="System that the other is compared with.")
@click.option("--contender", metavar="TAG", help="The other system [default: the best of the others].")
@JSON
def plan(inputs: tuple[str, ...], **options: Unpack[Options]) -> None:
    """Print how many queries people have to judge, where a judge grades all of them.

    Nothing is sent, drawn or written. A pilot is the queries that both people and the judge have judged completely;
    without one, the correlation and the standard deviation are assumptions, and named as such.
    """
    from evalkit.workflows.draw_text import draw_text, without_text
    from evalkit.workflows.judge_planning import HumanPlanOptions, plan_people
    from evalkit.workflows.judging_input import open_judging_input

    opened = open_judging_input(inputs, options["overrides"], draws=False)
    wanted = HumanPlanOptions(
        margin=options["margin"],
        power=options["power"],
        correlation=options["correlation"],
        seconds=options["seconds"],
        judge=options["tag"],
        baseline=options["baseline"],
        contender=options["contender"],
    )
    planned = plan_people(opened, wanted)
    if options["as_json"]:
        from evalkit.results.json_shapes import to_json

        echo_json(to_json([asdict(one) for one in planned]))
        return
    for one in planned:
        _show(one)
    for pooled in opened.datasets:
        if pooled.draw is not None:
            echo(draw_text(pooled.name, pooled.draw))
        if (lacking := without_text(pooled.name, pooled.drawn_without_text)) is not None:
            echo(lacking)
    echo(f"next: {_next(opened, planned)}")


def _next(opened: JudgingInput, planned: Sequence[HumanPlan]) -> str:
    """Return the next step: to a draw, to judgments of people, or to a run."""
    file = shlex.quote(str(opened.file))
    needed = max((one.human or 0 for one in planned), default=0)
    drawn = [one.human_sample for one in opened.datasets]
    if not needed:
        return "add queries, or plan with a larger --margin"
    if None in drawn:
        return f"add human_sample: {{queries: {needed}}} to the dataset in {file}"
    short = [
        (one, pooled.draw)
        for one, pooled in zip(planned, opened.datasets, strict=True)
        if pooled.draw is not None and (one.human or 0) > len(pooled.draw.sample.query_ids)
    ]
    free = next(((one, draw) for one, draw in short if not draw.judged), None)
    if free is not None:
        more = _enlargement(free[0], free[1], file, free[0].human or 0)
        return f"{more} now: it costs nothing before people judge; then evalkit judge rate {file}"
    if any(one.left_for_people for one in opened.datasets):
        return f"evalkit judge rate {file}"
    if short:
        return _paid_enlargement(*short[0], file)
    return f"evalkit run {file}"


def _enlargement(one: HumanPlan, draw: DrawState, file: str, queries: int) -> str:
    """Return how to enlarge a draw, of which the drawn queries stay."""
    if draw.sample.is_declared:
        return (
            f"append queries of {one.dataset} that are drawn at random to its file of ids, {queries} in all,"
        )
    return (
        f"raise human_sample to {{queries: {queries}}} for {one.dataset} in {file} (the drawn queries stay)"
    )


def _paid_enlargement(one: HumanPlan, draw: DrawState, file: str) -> str:
    """Return how to enlarge a draw that people have judged, and what that costs."""
    queries = one.human_enlarged or one.queries
    level = f"1/{2 ** (draw.sample.enlarged + 1)} of the level"
    price = f"at a price, as people have judged: corrected verdicts are then tested at {level}"
    needs = (
        f"; without an enlargement {one.human} would be enough"
        if one.human_enlarged is not None
        else ", at which all queries are too few for this margin"
    )
    return f"{_enlargement(one, draw, file, queries)} {price}{needs}"


def _show(one: HumanPlan) -> None:
    from evalkit.report.numbers import dollars
    from evalkit.report.table import Table, as_text

    echo(f"{one.dataset}: {_sentence(one)}")
    bounds = (
        ""
        if one.correlation_lower is None
        else f" [{one.correlation_lower:.2f}, {one.correlation_upper:.2f}]"
    )
    echo(
        f"correlation of the judge's differences with people's: {one.correlation:.2f}{bounds} ({one.correlation_from})"
    )
    pair = "" if one.baseline is None else f", {one.contender} minus {one.baseline}"
    echo(f"standard deviation of the differences{pair}: {one.deviation:.3f} ({one.deviation_from})")
    pace = f"{one.seconds_each:.{0 if one.seconds_each >= 1 else 1}f} s each ({one.pace_from})"
    echo(f"people rate {one.documents_each:.1f} documents a query, {pace}")
    if one.judge is None:
        echo("no judge is configured: its calls and cost are unknown")
    else:
        cost = "of unknown cost" if one.judge_cost_usd is None else f"for {dollars(one.judge_cost_usd)}"
        echo(f"judge {one.judge}: {one.judge_calls} calls left, {cost}")
    cells = tuple(
        (
            str(at.human),
            f"±{at.half_width:.4f}",
            f"±{at.alone:.4f}",
            f"{at.power:.2f}",
            str(at.documents),
            f"{at.hours:.1f}",
        )
        for at in one.curve
    )
    note = (
        "Width: expected half of the 95 % interval of the difference, with the judge's grades of all queries, and of"
        " people alone. Passes: probability that a system without a loss passes at the margin. The queries that people"
        " judge are drawn at random."
    )
    columns = ("queries by people", "width", "people alone", "passes", "documents", "hours")
    if cells:
        echo_text(as_text(Table(f"{one.dataset}: width by queries that people judge", columns, cells, note)))


def _sentence(one: HumanPlan) -> str:
    """Return the answer: how many queries people judge."""
    from evalkit.report.narrower_intervals import TOO_ALIKE
    from evalkit.stats import MIN_QUERIES, CorrectionPlan
    from evalkit.stats.unseen_errors import UNSEEN_BY_GATES

    aim = (
        f"at a margin of {one.margin:g} in {one.metric}, a system without a loss passes with a probability of"
        f" {one.power:g}"
    )
    if one.queries < MIN_QUERIES:
        return f"{one.queries} queries are too few: a verdict needs {MIN_QUERIES} that people judged"
    alone = "" if one.human_alone is None else f"; people alone would need {one.human_alone}"
    if one.human is None:
        return f"all {one.queries} queries are too few for this aim: {aim}{alone}"
    least = " (the fewest for a verdict)" if one.human == MIN_QUERIES else ""
    spread = ""
    if one.correlation_lower is not None:
        low, high = (
            "more than all" if number is None else str(number)
            for number in (one.human_lower, one.human_upper)
        )
        spread = f", {low} to {high} within the interval of the correlation"
    plan = CorrectionPlan(one.queries, one.deviation, one.correlation)
    no_help = (
        f". The judge does not help: {TOO_ALIKE}" if plan.differs_little(one.human, UNSEEN_BY_GATES) else ""
    )
    return (
        f"people judge {one.human} of {one.queries} queries{least}{spread}, and the judge all of them, so that"
        f" {aim}{alone}{no_help}"
    )
