"""``evalkit tune``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from evalkit.cli.options import DETAILS, JSON, FiniteNumber, NumberInRange, WholeNumber
from evalkit.cli.output import echo
from evalkit.cli.tune_passages import passages
from evalkit.cli.tuning_view import View, show_findings

if TYPE_CHECKING:
    from evalkit.results.tuning_document import CalibrationResult

POSITIVE = NumberInRange(min=0, min_open=True)
DEPTH = click.option(
    "--depth",
    metavar="N",
    type=WholeNumber(min=1, max=100_000_000),
    help="Candidates per query [default: as 'tune depth' recommends, else all].",
)
MARGIN = click.option(
    "--margin",
    metavar="LOSS",
    type=POSITIVE,
    help="Largest acceptable loss [default: the margin of the result].",
)
MAX_P95 = click.option(
    "--max-p95-ms",
    metavar="MS",
    type=POSITIVE,
    help="Maximum p95 latency of a call (upper bound of its confidence interval).",
)
MAX_COST = click.option(
    "--max-cost-per-1k", metavar="USD", type=POSITIVE, help="Maximum cost of 1,000 queries."
)
GOAL = click.option(
    "--goal",
    metavar="GOAL",
    default="recall>=0.9",
    show_default=True,
    help="Target: recall>=R, precision>=P or max_f1.",
)
CONFIDENCE = click.option(
    "--confidence",
    metavar="C",
    type=NumberInRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Confidence level of the recall guarantee.",
)


@click.group()
def tune() -> None:
    """Tune depth, threshold and calibration from stored scores."""


class DepthOptions(TypedDict):
    """The flags of ``evalkit tune depth``."""

    reranker: str | None
    metric: str | None
    margin: float | None
    max_p95_ms: float | None
    max_cost_per_1k: float | None
    min_quality: float | None
    details: bool
    as_json: bool


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Tag of the reranker [default: all that can be tuned].")
@click.option(
    "--metric", metavar="METRIC", help="Quality metric [default: the primary metric of the result]."
)
@MARGIN
@MAX_P95
@MAX_COST
@click.option("--min-quality", metavar="MEAN", type=FiniteNumber(), help="Minimum mean quality.")
@DETAILS
@JSON
def depth(result: Path, **options: Unpack[DepthOptions]) -> None:
    """Choose the depth: the smallest number of candidates within the margin of the deepest depth.

    Every depth is evaluated, not only the configured ones. The depth is chosen on one half of the queries and
    compared with the deepest allowed depth on the held-out half. If it is not confirmed, the deepest depth is
    recommended.
    """
    from evalkit.report.advice import NextStep
    from evalkit.report.depth import depth_line, depth_lines, depth_table, without_depth
    from evalkit.report.tuning_tables import depths_table
    from evalkit.summaries.depth_sweep import DepthQuestion
    from evalkit.tuning import Limits
    from evalkit.workflows.tune import sweep_result

    max_ms = options["max_p95_ms"]
    limits = Limits(max_ms / 1000 if max_ms else None, options["max_cost_per_1k"], options["min_quality"])
    question = DepthQuestion(options["metric"], options["margin"], limits)
    found = sweep_result(result, options["reranker"], question)
    chosen = next((one for one in found if one.choice.recommended), None)
    if chosen is None:
        next_step = NextStep(without_depth(found))
    else:
        text = "Set retriever.depth to the candidates needed, then choose a threshold."
        command = f"evalkit tune threshold {quote(str(result))}"
        # Without --depth, a threshold is chosen at the depth that is recommended with the margin of the result.
        if question != DepthQuestion(None, None, Limits()):
            command += f" --reranker {quote(chosen.reranker)} --depth {chosen.choice.recommended}"
        next_step = NextStep(text, command)
    view = View(depth_line, depth_lines, depths_table, depth_table, next_step)
    show_findings(found, view, details=options["details"], as_json=options["as_json"])


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Tag of the reranker [default: all].")
@DEPTH
@GOAL
@CONFIDENCE
@click.option(
    "--expected",
    is_flag=True,
    help="Guarantee the recall only in expectation: drops more documents, weaker guarantee.",
)
@DETAILS
@JSON
def threshold(
    result: Path,
    reranker: str | None,
    depth: int | None,
    goal: str,
    confidence: float,
    *,
    expected: bool,
    details: bool,
    as_json: bool,
) -> None:
    """Choose a score threshold, with a guarantee that is checked on held-out queries.

    Recall is guaranteed with a confidence level (Learn-then-Test) or in expectation (conformal risk control).
    Precision and F1 are values on the tuning queries. Held-out values are printed with confidence intervals.
    """
    from evalkit.report.advice import NextStep
    from evalkit.report.judged_by import without_people
    from evalkit.report.thresholds import threshold_line, threshold_lines, threshold_table
    from evalkit.report.tuning_tables import thresholds_table
    from evalkit.summaries.threshold_curves import read_goal
    from evalkit.workflows.tune import choose_thresholds

    found = choose_thresholds(
        result, reranker, read_goal(goal, None if expected else confidence), depth=depth
    )
    chosen = any(one.threshold is not None for one in found)
    drop = "Drop documents with a lower score in your application. Choose again for each version."
    next_step = NextStep(
        drop if chosen else without_people(found) or "Add judged queries, or lower the goal."
    )
    view = View(threshold_line, threshold_lines, thresholds_table, threshold_table, next_step)
    show_findings(found, view, details=details, as_json=as_json)


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Tag of the reranker [default: all].")
@DEPTH
@click.option(
    "--save", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Write the fitted functions (JSON) and reliability diagrams to this folder.",
)  # fmt: skip
@DETAILS
@JSON
def calibration(
    result: Path, reranker: str | None, depth: int | None, save: Path | None, *, details: bool, as_json: bool
) -> None:
    """Calibrate scores as probabilities, fitted on one part of the queries and evaluated on the other."""
    from evalkit.report.advice import NextStep
    from evalkit.report.calibration import calibration_line, calibration_table
    from evalkit.report.judged_by import without_people
    from evalkit.report.tuning_tables import calibrations_table
    from evalkit.workflows.tune import calibrate_result

    found = calibrate_result(result, reranker, depth=depth)
    if save is not None:
        _save(save, found)
    view = View(
        calibration_line,
        lambda one: [calibration_line(one)],
        calibrations_table,
        lambda one: calibration_table(one) if one.functions else None,
        NextStep(
            without_people(found)
            or (
                "Write the functions as JSON with --save DIR."
                if save is None
                else f"Apply the functions in {save}."
            )
        ),
    )
    show_findings(found, view, details=details, as_json=as_json)


def _save(into: Path, found: Sequence[CalibrationResult]) -> None:
    """Write the fitted functions and their charts into a folder; see `updating_folder`."""
    from evalkit.errors import StorageError
    from evalkit.file_names import system_part
    from evalkit.files import updating_folder, write_file
    from evalkit.report.calibration import reliability_charts
    from evalkit.report.chart_files import write_charts
    from evalkit.results.json_shapes import to_json
    from evalkit.summaries.calibrations import portable

    try:
        with updating_folder(into, last="*.json") as unfinished:
            for one in found:
                for name, fitted in one.functions.items():
                    if fitted.function is not None:
                        file = unfinished / f"{system_part(one.dataset, one.reranker)}.{name}.json"
                        write_file(file, to_json(portable(one, name)), inside=unfinished)
            write_charts(unfinished, reliability_charts(found))
    except OSError as error:
        raise StorageError(f"cannot write into {into.absolute()}: {error}") from None
    echo(f"written to {into}", err=True)


@tune.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Tag of the reranker [default: all that can be tuned].")
@DEPTH
@click.option(
    "--save",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a plot of the front to this folder.",
)
@DETAILS
@JSON
def search(
    result: Path, reranker: str | None, depth: int | None, save: Path | None, *, details: bool, as_json: bool
) -> None:
    """Search depth up to --depth, fusion with the first stage, and threshold together.

    Tests first whether the reranker alone beats its best fusion with the first stage, which is chosen on one half of
    the queries and tested on the other. Prints the Pareto-optimal configurations for quality, documents kept, latency
    and cost, with their values on held-out queries. For a cascade, compares margins from which the later stages are
    skipped.
    """
    from evalkit.errors import StorageError
    from evalkit.files import updating_folder
    from evalkit.report.advice import NextStep
    from evalkit.report.chart_files import write_charts
    from evalkit.report.judged_by import without_people
    from evalkit.report.search import front_charts, search_lines, search_table
    from evalkit.report.tuning_tables import searches_table
    from evalkit.workflows.tune import search_result

    found = search_result(result, reranker, depth=depth)
    if save is not None:
        try:
            with updating_folder(save, last="*.svg") as unfinished:
                write_charts(unfinished, front_charts(found))
        except OSError as error:
            raise StorageError(f"cannot write into {save.absolute()}: {error}") from None
    view = View(
        search_lines,
        search_lines,
        searches_table,
        search_table,
        NextStep(without_people(found) or "Print all configurations with --details."),
    )
    show_findings(found, view, details=details, as_json=as_json)


class AllOptions(TypedDict):
    """The flags of ``evalkit tune all``."""

    reranker: str | None
    dataset: str | None
    goal: str
    confidence: float
    margin: float | None
    max_p95_ms: float | None
    max_cost_per_1k: float | None
    save: Path | None
    details: bool
    as_json: bool


@tune.command("all")
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Tag of the reranker [default: all].")
@click.option("--dataset", metavar="NAME", help="Name of the dataset [default: all].")
@GOAL
@CONFIDENCE
@MARGIN
@MAX_P95
@MAX_COST
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The JSON file to write [default: production.json in the result folder].",
)
@DETAILS
@JSON
def everything(result: Path, **options: Unpack[AllOptions]) -> None:
    """Choose depth, threshold and probabilities together, and check them on held-out queries.

    Each step uses the depth of the first: depth, threshold and probability function are chosen on one half of the
    queries. The other half compares depth and threshold with the full depth without threshold. Prints the settings for
    production and writes them as JSON, which 'evalkit serve --apply' reads.
    """
    from evalkit.report.advice import NextStep
    from evalkit.report.judged_by import without_people
    from evalkit.report.production_block import decision_line, decision_lines, production_block, rules_table
    from evalkit.summaries.depth_sweep import DepthQuestion
    from evalkit.summaries.threshold_curves import read_goal
    from evalkit.tuning import Limits
    from evalkit.workflows.tune import production_result

    max_ms = options["max_p95_ms"]
    limits = Limits(max_ms / 1000 if max_ms else None, options["max_cost_per_1k"])
    question = DepthQuestion(margin=options["margin"], limits=limits)
    goal = read_goal(options["goal"], options["confidence"])
    found, file = production_result(
        result, options["reranker"], goal, question, dataset=options["dataset"], save=options["save"]
    )
    usable = [one for one in found.rerankers if one.why_not is None]
    blocks = [production_block(one) for one in usable]
    step = (
        NextStep("Apply these settings.", _serve(result, usable[0].reranker, file))
        if usable
        else NextStep(without_people(found.rerankers) or "Measure latency or cost, or raise the limits.")
    )
    view = View(decision_line, decision_lines, rules_table, lambda _: None, step)
    show_findings(
        found.rerankers, view, details=options["details"], as_json=options["as_json"], blocks=blocks
    )
    text = f"written to {file}" if found.is_usable else f"no settings found; usable ones in {file} are kept"
    echo(text, err=True)


def _serve(result: Path, tag: str, file: Path) -> str:
    """Return the command that serves a reranker of a result with the settings of a file."""
    from evalkit.report.manifest_command import config_in
    from evalkit.results import ResultFolder
    from evalkit.results.locate import locate_result

    config = config_in(ResultFolder(locate_result(result)).read_manifest().command)
    return f"evalkit serve {quote(config)} --reranker {quote(tag)} --apply {quote(str(file))}"


tune.add_command(passages)
