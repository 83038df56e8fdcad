"""``evalkit tune``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from evalkit.cli.options import JSON

if TYPE_CHECKING:
    from evalkit.report.table import Table
    from evalkit.results.tuning_document import CalibrationResult

FoundT = TypeVar("FoundT")
POSITIVE = click.FloatRange(min=0, min_open=True)


@click.group()
def tune() -> None:
    """Tune what is sent to a reranker, from stored scores; calls nothing."""


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Only this one [default: all that can be tuned].")
@click.option("--metric", metavar="METRIC", help="What quality is [default: the result's primary metric].")
@click.option(
    "--margin", metavar="LOSS", type=POSITIVE, help="A loss that does not matter [default: the result's]."
)
@click.option(
    "--max-p95-ms",
    metavar="MS",
    type=POSITIVE,
    help="p95 of a call, at most; the upper bound of its interval counts.",
)
@click.option("--max-cost-per-1k", metavar="USD", type=POSITIVE, help="Cost of a thousand queries, at most.")
@click.option("--min-quality", metavar="MEAN", type=float, help="Mean quality, at least.")
@JSON
def depth(
    result: Path,
    reranker: str | None,
    metric: str | None,
    margin: float | None,
    max_p95_ms: float | None,
    max_cost_per_1k: float | None,
    min_quality: float | None,
    *,
    as_json: bool,
) -> None:
    """Find how many candidates to rerank: the smallest depth within the margin of the deepest.

    Every depth is evaluated, not only the configured ones. The choice is made on one half of the
    queries and checked on the other against the deepest allowed depth. Without confirmation the
    deepest depth is recommended.
    """
    from evalkit.report.depth import depth_lines, depth_table
    from evalkit.summaries.depth_sweep import DepthQuestion
    from evalkit.tuning import Limits
    from evalkit.workflows.tune import sweep_result

    limits = Limits(max_p95_ms / 1000 if max_p95_ms else None, max_cost_per_1k, min_quality)
    found = sweep_result(result, reranker, DepthQuestion(metric, margin, limits))
    _show(found, depth_table, depth_lines, as_json=as_json)


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Only this one [default: all].")
@click.option(
    "--goal",
    metavar="GOAL",
    default="recall>=0.9",
    show_default=True,
    help="recall>=R, precision>=P or max_f1.",
)
@click.option(
    "--confidence", metavar="C", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.95,
    show_default=True, help="Confidence level of the recall guarantee.",
)  # fmt: skip
@click.option(
    "--expected", is_flag=True, help="Keep a recall in expectation alone: cuts more, promises less."
)
@JSON
def threshold(
    result: Path, reranker: str | None, goal: str, confidence: float, *, expected: bool, as_json: bool
) -> None:
    """Find a score threshold, with a guarantee that is checked on held-out queries.

    A recall is guaranteed (Learn-then-Test) or kept in expectation (conformal risk control);
    precision and F1 are those of the tuning queries. Held-out figures are printed with intervals.
    """
    from evalkit.report.thresholds import threshold_lines, threshold_table
    from evalkit.summaries.threshold_curves import read_goal
    from evalkit.workflows.tune import choose_thresholds

    found = choose_thresholds(result, reranker, read_goal(goal, None if expected else confidence))
    _show(found, threshold_table, threshold_lines, as_json=as_json)


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Only this one [default: all].")
@click.option(
    "--save", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Write each fitted function as a small JSON there, and a reliability diagram.",
)  # fmt: skip
@JSON
def calibration(result: Path, reranker: str | None, save: Path | None, *, as_json: bool) -> None:
    """Turn scores into probabilities, fitted on some queries and judged on others."""
    from evalkit.report.calibration import calibration_line, calibration_table
    from evalkit.workflows.tune import calibrate_result

    found = calibrate_result(result, reranker)
    if save is not None:
        _save(save, found)
    _show(
        found,
        lambda one: calibration_table(one) if one.functions else None,
        lambda one: [calibration_line(one)],
        as_json=as_json,
    )


def _save(into: Path, found: Sequence[CalibrationResult]) -> None:
    from evalkit.errors import StorageError
    from evalkit.report.calibration import reliability_charts
    from evalkit.report.chart_files import write_charts
    from evalkit.results.folder import slug
    from evalkit.results.json_shapes import to_json
    from evalkit.summaries.calibrations import portable

    try:
        into.mkdir(parents=True, exist_ok=True)
        for one in found:
            for name, fitted in one.functions.items():
                if fitted.function is not None:
                    file = into / f"{slug(one.dataset)}.{slug(one.reranker)}.{name}.json"
                    file.write_bytes(to_json(portable(one, name)))
        write_charts(into, reliability_charts(found))
    except OSError as error:
        raise StorageError(f"cannot write into {into.absolute()}: {error}") from None
    click.echo(f"written to {into}", err=True)


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Only this one [default: all that can be tuned].")
@click.option(
    "--save", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Draw the front there."
)
@JSON
def search(result: Path, reranker: str | None, save: Path | None, *, as_json: bool) -> None:
    """Search depth, fusion with the first stage, and threshold at once.

    Prints the configurations that nothing beats on quality, documents kept, latency and cost, each
    with what it was worth on queries that the search did not see.
    """
    from evalkit.errors import StorageError
    from evalkit.report.chart_files import write_charts
    from evalkit.report.search import front_charts, search_line, search_table
    from evalkit.workflows.tune import search_result

    found = search_result(result, reranker)
    if save is not None:
        try:
            write_charts(save, front_charts(found))
        except OSError as error:
            raise StorageError(f"cannot write into {save.absolute()}: {error}") from None
    _show(
        found,
        lambda one: search_table(one) if one.rows else None,
        lambda one: [search_line(one)],
        as_json=as_json,
    )


def _show(
    found: Sequence[FoundT],
    table: Callable[[FoundT], Table | None],
    lines: Callable[[FoundT], Iterable[str]],
    *,
    as_json: bool,
) -> None:
    """Print the table, if there is one, and the sentences of every reranker; or all as JSON."""
    from evalkit.report.table import as_text
    from evalkit.results.json_shapes import to_json, to_plain

    if as_json:
        click.echo(to_json([to_plain(one) for one in found]), nl=False)
        return
    for one in found:
        shown = table(one)
        if shown is not None:
            click.echo(as_text(shown))
        for line in lines(one):
            click.echo(line)
        click.echo()
