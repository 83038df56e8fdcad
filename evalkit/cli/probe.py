"""``evalkit probe``."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import CONFIG, JSON, SET, WholeNumber
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.backend_checks import CheckResult
    from evalkit.reranking.token_estimates import PlannedPass


@click.command()
@CONFIG
@click.option("--reranker", metavar="TAG", required=True, help="Tag of the reranker in CONFIG.")
@SET
@click.option(
    "--plan", is_flag=True, help="Print calls, requests, tokens and cost, without calling the reranker."
)
@click.option(
    "--queries",
    type=WholeNumber(min=2),
    default=10,
    show_default=True,
    metavar="N",
    help="Queries on which effects of the list and of the wording are measured.",
)
@click.option(
    "--wording",
    metavar="TEXT",
    help="Second wording of the question or definition that a model is asked with [default: an equivalent one].",
)
@JSON
def probe(
    config: str,
    reranker: str,
    overrides: tuple[str, ...],
    queries: int,
    wording: str | None,
    *,
    plan: bool,
    as_json: bool,
) -> None:
    """Test whether a backend behaves as its API documents.

    Exits with code 3 if a promise is broken. Makes several dozen calls, one of them with the documented maximum
    number of documents. For chat, listwise, decisions and rerankers that are not pointwise it also measures by how
    much scores change with the place in the list, an unrelated document, a copy and the wording, and whether
    probabilities are calibrated.
    """
    from evalkit.config import load_config
    from evalkit.progress import progress_bar
    from evalkit.workflows.probe import prepare_probe

    settings = load_config(config, overrides, keys="ignored" if plan else "required")
    prepared = prepare_probe(settings, reranker, queries, wording)
    planned = prepared.plan()
    if plan:
        _show_plan(planned, as_json=as_json)
        return
    echo(f"planned: {_requests(planned)}", err=True)
    findings = list(progress_bar(prepared.run(), desc=f"probing {reranker}", unit="promise"))
    _show(findings, reranker, as_json=as_json)
    conclusion = _conclude(findings, reranker)
    if not as_json:
        echo(conclusion)
        echo(f"next: evalkit run {quote(str(config))}")


def _show(findings: list[CheckResult], reranker: str, *, as_json: bool) -> None:
    """Print the results, as JSON or as tables."""
    from dataclasses import asdict

    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json

    if as_json:
        echo_json(to_json([asdict(finding) for finding in findings]))
        return
    rows = tuple((f.promise, f.verdict, f.evidence) for f in findings)
    echo_text(as_text(Table(f"promises of {reranker}", ("promise", "verdict", "evidence"), rows, left=3)))
    for finding in findings:
        if finding.bins:
            cells = tuple((str(n), f"{stated:.3f}", f"{seen:.3f}") for n, stated, seen in finding.bins)
            columns = ("pairs", "stated probability", "relevant share")
            echo_text(as_text(Table(f"reliability of {reranker}", columns, cells)))


def _conclude(findings: list[CheckResult], reranker: str) -> str:
    """Return how many promises are kept, and how many other properties are absent.

    Raises
    ------
    IncompleteError
        If a promise is broken.
    """
    from evalkit.errors import IncompleteError
    from evalkit.plurals import number_of

    kept, broken, absent = (
        sum(one.verdict == name for one in findings) for name in ("kept", "broken", "not met")
    )
    if broken:
        raise IncompleteError(
            f"{reranker!r} breaks {broken} of {number_of(kept + broken, 'promise')} that could be tested",
            "read the evidence and decide whether the differences matter to you",
        )
    verb = "is" if absent == 1 else "are"
    others = number_of(absent, "property", "properties")
    more = f"; {others} that it does not promise {verb} not met" if absent else ""
    return f"{reranker!r} keeps {'all ' * (kept != 1)}{number_of(kept, 'promise')} that could be tested{more}"


def _show_plan(planned: list[PlannedPass], *, as_json: bool) -> None:
    """Print the calls of each part of a probe."""
    from evalkit.report.call_plan import plan_rows
    from evalkit.report.numbers import cost_text
    from evalkit.report.table import Table, as_text
    from evalkit.results.json_shapes import to_json

    if as_json:
        echo_json(to_json(plan_rows(planned)))
        return
    cells = tuple(
        (one.pass_, *(_most(one) + str(count) for count in (one.calls, one.requests, one.pairs, one.tokens)),
         cost_text(one.cost_usd))
        for one in planned
    )  # fmt: skip
    note = (
        "Assumes that every call succeeds at once; a call that fails is retried as configured. The pass 'promises'"
        " tests the API; 'lists' and 'wording' measure what moves a score."
    )
    columns = ("pass", "calls", "requests", "pairs", "tokens", "cost")
    echo_text(as_text(Table(f"Plan of a probe of {planned[0].reranker}", columns, cells, note, left=1)))
    echo(f"total: {_requests(planned)}")


def _most(one: PlannedPass) -> str:
    return "at most " if one.at_most else ""


def _requests(planned: list[PlannedPass]) -> str:
    """Return the requests of all passes, in words."""
    return " + ".join(f"{_most(one)}{one.requests} requests ({one.pass_})" for one in planned)
