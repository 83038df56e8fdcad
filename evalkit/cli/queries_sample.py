"""``evalkit queries sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from evalkit.cli.options import JSON, WholeNumber
from evalkit.cli.output import echo, echo_json, echo_text


@click.command()
@click.argument("log", metavar="LOG", type=click.Path(path_type=Path))
@click.option(
    "--into",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="Write to FILE (.csv, .jsonl).",
)
@click.option("-n", "--queries", type=WholeNumber(1), required=True, help="Number of queries to draw.")
@click.option(
    "--by",
    type=click.Choice(["frequency", "strata", "distinct"]),
    default="frequency",
    show_default=True,
    help="Draw in proportion to frequency, equally many from head, torso and tail, or all with equal probability.",
)
@click.option("--seed", type=WholeNumber(0), default=0, show_default=True, help="Seed of the draw.")
@click.option("--query", metavar="COLUMN", help="Column with the queries.  [default: one with a usual name]")
@click.option(
    "--count",
    metavar="COLUMN",
    help="Column with how often a query was searched for.  [default: a usual name]",
)
@JSON
def sample(
    log: Path,
    into: Path,
    queries: int,
    by: Literal["frequency", "strata", "distinct"],
    seed: int,
    query: str | None,
    count: str | None,
    *,
    as_json: bool,
) -> None:
    """Draw queries from a log of searches, with known probabilities.

    LOG is a table (CSV, TSV, JSON Lines, Parquet, Excel) or a text file with one query per line. Without a column of
    counts each row is one search. Queries that differ only in case or white space are one query.

    FILE gets the columns query_id, text, frequency, inclusion_probability and stratum; FILE.draw.json records the draw.
    """
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.query_sampling import DrawSettings, sample_queries

    found = sample_queries(log, into, DrawSettings(queries, by, seed, query, count))
    record = found.record
    if as_json:
        echo_json(to_json(list(found.rows)))
        return
    strata = record["strata"]
    traffic = record["population"]["traffic"]
    rows = tuple(
        (
            one["stratum"],
            f"{one['queries']}",
            f"{one['traffic'] / traffic:.1%}",
            f"{one['lowest_frequency']:g} to {one['highest_frequency']:g}",
            f"{one['drawn']}",
        )
        for one in strata
    )
    columns = ("stratum", "queries", "traffic", "frequency", "drawn")
    echo_text(as_text(Table(f"{log.name}: draw by {by}", columns, rows)))
    counted = record["log"]["count_column"]
    source = "one search per row" if counted is None else f"counts from column {counted!r}"
    echo(
        f"{len(found.rows)} of {record['population']['distinct_queries']} different queries"
        f" ({traffic:,} searches, {source}) written to {into}, the record of the draw to {into}.draw.json"
    )
    if left_out := record["log"]["blank_rows"] + record["log"]["rows_with_count_0"]:
        echo(f"{left_out} rows without a query or with a count of 0 were left out")
    echo(
        "for means by traffic, the block of the dataset needs frequency_field: frequency,"
        " inclusion_field: inclusion_probability, stratum_field: stratum"
    )
    echo(f"next: evalkit init --for judging writes such a block; there, set the path of queries: to {into}")
