"""``evalkit judge run``."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from evalkit.cli.judge_showing import finish, show_plan
from evalkit.cli.options import DETAILS, JSON, SET, WholeNumber, purpose_option, remember_config

if TYPE_CHECKING:
    from evalkit.workflows.pooled_dataset import Purpose

INPUTS = click.argument(
    "inputs", metavar="CONFIG|RESULT...", nargs=-1, required=True, callback=remember_config
)
JUDGE = click.option(
    "--judge", "tag", metavar="TAG", help="Judge of the configuration [default: the only one]."
)


class Options(TypedDict):
    """The flags of the command."""

    tag: str | None
    overrides: tuple[str, ...]
    plan: bool
    sample: int | None
    cutoff: int | None
    purpose: Purpose
    all_pairs: bool
    retry_failed: bool
    keep_going: bool
    details: bool
    as_json: bool


@click.command()
@INPUTS
@JUDGE
@SET
@click.option(
    "--plan", is_flag=True, help="Print pairs, calls, tokens, time and cost, without calling a judge."
)
@click.option(
    "--sample",
    type=WholeNumber(min=1),
    metavar="N",
    help="Judge N queries only, drawn at random and recorded.",
)
@click.option(
    "--cutoff",
    type=WholeNumber(min=1),
    metavar="K",
    help="Judge the first K documents of each system [default: the cutoff of the primary metric].",
)
@purpose_option(
    "depth: judge what any number of candidates ranks within the cutoff, for 'evalkit tune depth'. threshold:"
    " judge a random sample of all candidates by score, in a file of its own that no metric reads.",
)
@click.option("--all", "all_pairs", is_flag=True, help="Judge documents that other raters have judged, too.")
@click.option("--retry-failed", is_flag=True, help="Judge pairs again that the judge could not grade.")
@click.option(
    "--keep-going", is_flag=True, help="Judge all pairs, although the first 20 answers have no grade."
)
@DETAILS
@JSON
def run(inputs: tuple[str, ...], **options: Unpack[Options]) -> None:
    """Grade the documents that systems rank, with a configured judge.

    A document is judged if a system ranks it within the cutoff and no other rater that counts has judged it; with a
    human_sample, every document that a system ranks within the cutoff. Answers are appended to
    judgments/<dataset>.<judge>.jsonl; the same command again sends only what is missing.
    """
    from evalkit.config.secrets_check import KeysOfJudge
    from evalkit.workflows.draw_text import tell_of_draws
    from evalkit.workflows.judge_costs import spent_usd
    from evalkit.workflows.judge_plan import judge_tag, plan_judge
    from evalkit.workflows.judge_run import run_judge
    from evalkit.workflows.judging_input import open_judging_input
    from evalkit.workflows.pairs_to_judge import JudgeOptions

    chosen = JudgeOptions(
        options["sample"],
        options["purpose"],
        options["retry_failed"],
        options["all_pairs"],
        options["keep_going"],
    )
    is_plan = options["plan"]
    opened = open_judging_input(
        inputs,
        options["overrides"],
        cutoff=options["cutoff"],
        keys="ignored" if is_plan else KeysOfJudge(options["tag"]),
        draws=not is_plan,
    )
    tag = judge_tag(opened.config, options["tag"])
    tell_of_draws(opened, tag)
    if is_plan:
        spent = spent_usd(opened) if opened.config.budget else 0.0
        show_plan(plan_judge(opened, tag, chosen), opened, spent, as_json=options["as_json"])
        return
    done = run_judge(opened, tag, chosen, shlex.join(["evalkit", *sys.argv[1:]]))
    finish(done, opened, as_json=options["as_json"], details=options["details"], sample=options["sample"])
