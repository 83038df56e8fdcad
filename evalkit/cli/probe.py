"""``evalkit probe``."""

from __future__ import annotations

from shlex import quote

import click

from evalkit.cli.options import CONFIG, JSON, SET
from evalkit.cli.output import echo, echo_json, echo_text


@click.command()
@CONFIG
@click.option("--reranker", metavar="TAG", required=True, help="Tag of the reranker in CONFIG.")
@SET
@JSON
def probe(config: str, reranker: str, overrides: tuple[str, ...], *, as_json: bool) -> None:
    """Test whether a backend behaves as its API documents.

    Exits with code 3 if a promise is broken. Makes several dozen calls, one of them with the documented maximum
    number of documents.
    """
    from dataclasses import asdict

    from evalkit.config import load_config
    from evalkit.errors import IncompleteError
    from evalkit.progress import progress_bar
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.probe import probe_reranker

    settings = load_config(config, overrides)
    found = probe_reranker(settings, reranker)
    findings = list(progress_bar(found, desc=f"probing {reranker}", unit="promise"))
    if as_json:
        echo_json(to_json([asdict(finding) for finding in findings]))
    else:
        rows = tuple((f.promise, f.verdict, f.evidence) for f in findings)
        echo_text(as_text(Table(f"promises of {reranker}", ("promise", "verdict", "evidence"), rows, left=3)))
    broken = [finding for finding in findings if finding.verdict == "broken"]
    kept = sum(finding.verdict == "kept" for finding in findings)
    if broken:
        raise IncompleteError(
            f"{reranker!r} breaks {len(broken)} of {kept + len(broken)} promises that could be tested",
            "read the evidence and decide whether the differences matter to you",
        )
    if not as_json:
        echo(f"{reranker!r} keeps all {kept} promises that could be tested")
        echo(f"next: evalkit run {quote(str(config))}")
