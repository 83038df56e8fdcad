"""``evalkit tune passages``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import JSON
from evalkit.cli.output import echo_json, echo_text


@click.command()
@click.argument("result", metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--reranker", metavar="TAG", help="Tag of the reranker [default: all].")
@JSON
def passages(result: Path, reranker: str | None, *, as_json: bool) -> None:
    """Compare the rules that combine the scores of a document's passages: max, first and mean_top3.

    Prints the primary metric under each rule, with the paired difference to the configured one, from the stored scores
    of passages.
    """
    from evalkit.cli.showing import show_next, text_width
    from evalkit.report.advice import NextStep
    from evalkit.report.judged_by import without_people
    from evalkit.report.passage_tables import rules_table
    from evalkit.report.table import as_text
    from evalkit.results.json_shapes import to_json, to_plain
    from evalkit.summaries.latency_cells import CONFIDENCE
    from evalkit.workflows.combination_rules import compare_rules

    found = compare_rules(result, reranker)
    if as_json:
        echo_json(to_json([to_plain(one) for one in found]))
        return
    echo_text(as_text(rules_table(found, CONFIDENCE), text_width(), heading=False))
    usual = "Set passages.combine in the dataset's block and rerun: no reranker is called again."
    show_next(NextStep(without_people(found) or usual))
