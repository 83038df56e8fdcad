"""``evalkit tune``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import JSON

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
@click.option("--max-p95-ms", metavar="MS", type=POSITIVE, help="Latency of a call, at most.")
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
    """Find how many candidates to send: the fewest that lose nothing that matters.

    Every depth is looked at, not only the configured ones. The choice is made on one half of the
    queries, and checked on the other.
    """
    from evalkit.deciding.tuning_depth import tune_depth
    from evalkit.experiment.folder import to_json
    from evalkit.report.depth_pages import depth_lines, depth_table
    from evalkit.report.depths import DepthQuestion
    from evalkit.report.tables import as_text
    from evalkit.tuning import Limits

    limits = Limits(max_p95_ms / 1000 if max_p95_ms else None, max_cost_per_1k, min_quality)
    found = tune_depth(result, reranker, DepthQuestion(metric, margin, limits))
    if as_json:
        click.echo(to_json(found), nl=False)
        return
    for one in found:
        click.echo(as_text(depth_table(one)))
        for line in depth_lines(one):
            click.echo(line)
        click.echo()
