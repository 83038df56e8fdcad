"""``evalkit judge next``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from evalkit.cli.judge_showing import finish
from evalkit.cli.options import DETAILS, JSON, SET, WholeNumber, remember_config
from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.comparison.next_judgments import NextJudgments
    from evalkit.workflows.judge_next import NextOfDataset


class Options(TypedDict):
    """The flags of the command."""

    overrides: tuple[str, ...]
    baseline: str | None
    contender: str | None
    count: int
    tag: str | None
    details: bool
    as_json: bool


@click.command("next")
@click.argument("inputs", metavar="CONFIG|RESULT...", nargs=-1, required=True, callback=remember_config)
@SET
@click.option("--baseline", metavar="TAG", help="System that the other is compared with.")
@click.option("--contender", metavar="TAG", help="The other system [default: the best of the others].")
@click.option(
    "-n",
    "count",
    type=WholeNumber(min=1),
    metavar="N",
    default=20,
    show_default=True,
    help="Number of documents.",
)
@click.option("--judge", "tag", metavar="TAG", help="Send these documents to a judge of the configuration.")
@DETAILS
@JSON
def next_(inputs: tuple[str, ...], **options: Unpack[Options]) -> None:
    """Print the documents whose judgment can still change a verdict.

    The verdict is that on two systems. Judgments in this order settle the comparison on these queries only: they are no
    random sample, so that no mean and no agreement of raters can be estimated from them.
    """
    from evalkit.config.secrets_check import KeysOfJudge
    from evalkit.datasets.sample_judge import correcting_judge
    from evalkit.errors import tell
    from evalkit.workflows.judge_next import find_next, judge_next
    from evalkit.workflows.judging_input import open_judging_input

    tag, count, as_json = options["tag"], options["count"], options["as_json"]
    opened = open_judging_input(
        inputs,
        options["overrides"],
        keys="ignored" if tag is None else KeysOfJudge(tag),
        draws=tag is not None,
    )
    found = find_next(opened, options["baseline"], options["contender"])
    if tag is not None:
        done = judge_next(opened, found, count, tag, shlex.join(["evalkit", *sys.argv[1:]]))
        finish(done, opened, as_json=as_json, details=options["details"])
        for pooled in opened.datasets:
            if correcting_judge(pooled.settings) == tag:
                tell(
                    f"{pooled.name}: these grades count in a correction by people once the judge has answered for all"
                    f" documents, in any order: evalkit judge run {shlex.quote(str(opened.file))} --judge {tag}"
                )
        return
    if as_json:
        _print_json(found, count)
        return
    for one in found:
        _show(one, count)
    file = shlex.quote(str(opened.file))
    alone = [one for one in found if one.judge_alone]
    if alone:
        drawn = any(one.is_drawn for one in alone)
        what = "no person has judged the drawn queries" if drawn else "no person has judged"
        only = " --sample-only" if drawn else ""
        echo(f"next: evalkit judge rate {file}{only}; {what}, and a judge's grades alone decide nothing")
    elif any(one.found.judgments for one in found):
        pair = "".join(
            f" --{name} {shlex.quote(tag)}"
            for name in ("baseline", "contender")
            if (tag := options[name]) is not None
        )
        echo(
            f"next: evalkit judge rate {file} --order active{pair}; or add --judge TAG to let a judge grade these"
            " documents"
        )
    else:
        echo(f"next: evalkit run {file}")


def _print_json(found: Sequence[NextOfDataset], count: int) -> None:
    from evalkit.results.json_shapes import to_json

    rows = []
    for one in found:
        row = {"dataset": one.dataset, "judge_alone": one.judge_alone, **asdict(one.found)}
        row["unjudged"] = len(one.found.judgments)
        row["judgments"] = row["judgments"][:count]
        rows.append(row)
    echo_json(to_json(rows))


def _show(one: NextOfDataset, count: int) -> None:
    from evalkit.report.numbers import NO_VALUE
    from evalkit.report.table import Table, as_text

    found = one.found
    cells = tuple(
        (
            judgment.query_id,
            judgment.doc_id,
            *(
                NO_VALUE if rank is None else str(rank)
                for rank in (judgment.rank_baseline, judgment.rank_contender)
            ),
            f"{judgment.change:+.4f}",
        )
        for judgment in found.judgments[:count]
    )
    note = (
        f"change: of the mean difference in {found.metric}, {found.contender} minus {found.baseline}, if the document"
        " has the highest grade. First come those on whose grade the final difference depends most. Judgments in this"
        " order settle these queries only; they are no random sample."
    )
    columns = ("query", "document", f"rank in {found.baseline}", f"rank in {found.contender}", "change")
    if cells:
        echo_text(as_text(Table(f"{one.dataset}: what to judge next", columns, cells, note, left=2)))
    changing = len(found.judgments) or "no"
    documents = "document" if changing == 1 else "documents"
    difference = (
        "unknown" if found.difference is None else f"{found.difference:+.4f} on {found.queries} queries"
    )
    by = ", by the judge's grades alone" if one.judge_alone else ""
    echo(
        f"{one.dataset}: {found.contender} minus {found.baseline} in {found.metric}: {difference}{by};"
        f" {changing} unjudged {documents} can change it"
    )
    if not found.judgments:
        return
    if found.settled:
        limit = "; people's grades of the judged documents can" if one.judge_alone else ""
        echo(f"{one.dataset}: settled{by}: no judgment of them can reverse the sign{limit}")
    elif found.to_reverse is not None:
        echo(f"{one.dataset}: the sign{by} reverses if {found.to_reverse} of them have the highest grade")
    if not found.settled:
        echo(f"{one.dataset}: {_settling(found)}{by}")


def _settling(found: NextJudgments) -> str:
    """Return with which probability the sign is settled, and how many judgments settle it."""
    from evalkit.comparison.settling import FEWEST_JUDGED, SETTLED

    if found.probability is None or found.more is None:
        return f"with fewer than {FEWEST_JUDGED} judged documents, there is no probability of the sign"
    ahead = found.contender if found.expected > 0 else found.baseline
    sure = f"{ahead} is ahead with a probability of {found.probability:.2f} once all are judged"
    if found.probability >= SETTLED:
        return (
            f"{sure}: the sign is settled on these queries only; whether it holds for other queries is what an interval"
            " shows"
        )
    return f"{sure}; about {found.more} more judgments in this order settle it ({SETTLED:g} or more)"
