"""Output of the commands that send pairs to a judge."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from evalkit.cli.output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from evalkit.workflows.judge_plan import JudgePlan
    from evalkit.workflows.judge_run import JudgedDataset, JudgeRun
    from evalkit.workflows.judging_input import JudgingInput


_ANSWERS = 10
"""Answers of a test that are shown."""
_CELL = 28
"""Characters of a text in a table of answers: three texts and a grade fit a line."""


def show_plan(planned: Sequence[JudgePlan], opened: JudgingInput, spent_usd: float, *, as_json: bool) -> None:
    """Print what a judge would be sent, and the command to send it.

    Parameters
    ----------
    planned
        Of each dataset.
    opened
        What is judged.
    spent_usd
        What all judges of the configuration have cost so far.
    as_json
        Whether the plan is printed as JSON.
    """
    if as_json:
        echo_json(_as_json([asdict(one) for one in planned]))
        return
    from evalkit.report.numbers import cost_text, dollars
    from evalkit.report.table import Table, as_text
    from evalkit.reranking.token_estimates import TOKENS_PER_CHARACTER

    columns = ("dataset", "pairs", "other raters", "judged", "failed", "cached", "calls", "tokens", "cost")
    cells = tuple(
        (
            one.dataset,
            *map(str, (one.pairs, one.counted, one.graded, one.failed, one.stored, one.calls, one.tokens)),
            cost_text(one.cost_usd),
        )
        for one in planned
    )
    sends_all = any(one.whole_pool for one in planned)
    raters = "this judge has" if sends_all else "other raters or this judge have"
    note = (
        f"One call for each pair. Pairs that {raters} judged, that this judge could not grade and"
        f" that are cached are not sent. Tokens are estimated at {1 / TOKENS_PER_CHARACTER:g} characters each."
    )
    echo_text(as_text(Table(f"Plan of {planned[0].judge}", columns, cells, note, left=1)))
    _show_whole_pools(planned)
    stale = sum(one.stale for one in planned)
    if stale:
        echo(f"{stale} pairs are judged again, as their texts have changed")
    echo(f"total: {sum(one.calls for one in planned)} calls; time: {_time(planned)}")
    costs = [one.cost_usd for one in planned if one.cost_usd is not None]
    _show_missing_price(planned, opened)
    budget = opened.config.budget
    if budget is not None:
        cost = spent_usd + sum(costs)
        small = "; it is too small, and the run would stop early" if cost > budget.usd else ""
        echo(
            f"the budget is {dollars(budget.usd)}: {dollars(spent_usd)} spent + {dollars(sum(costs))} planned ="
            f" {dollars(cost)}{small}"
        )
    again = shlex.join(["evalkit", *(word for word in sys.argv[1:] if word != "--plan")])
    if any(one.left for one in planned):
        echo(f"next: {_run_first(opened)}{again}")
        return
    failed = sum(one.failed for one in planned)
    retry = f"; to ask again for {failed} pairs without a grade: {again} --retry-failed" if failed else ""
    echo(f"nothing is left to judge{retry}")
    _show_next(planned, opened)


def _run_first(opened: JudgingInput) -> str:
    """Return the command that ranks what rerankers would; empty where a result has their rankings."""
    unranked = bool(opened.config.rerankers) and not opened.results
    return f"evalkit run {shlex.quote(str(opened.file))}; then " if unranked else ""


def _show_missing_price(planned: Sequence[JudgePlan], opened: JudgingInput) -> None:
    """Print where a price is set, if the cost of calls is unknown for want of one."""
    traffic = opened.config.judges[planned[0].judge].traffic()
    if traffic.billed and traffic.price is None and any(one.calls for one in planned):
        block = f"judges.{planned[0].judge}"
        echo(f"cost: unknown, as {block} has no price; if its calls are billed, add price: to this block")


def _show_whole_pools(planned: Sequence[JudgePlan]) -> None:
    """Print for which datasets other raters' pairs are sent, too."""
    for one in planned:
        if one.whole_pool:
            echo(
                f"{one.dataset}: with human_sample, pairs that other raters have judged are sent, too: people's grades"
                " correct those of a judge only where it has answered for every document of all queries"
            )


def _time(planned: Sequence[JudgePlan]) -> str:
    """Return the time that a plan takes, as far as it is known."""
    expected = [one.expected_s for one in planned if one.expected_s is not None]
    least = [one.least_s for one in planned if one.least_s is not None]
    texts = []
    if len(expected) == len(planned):
        texts.append(f"about {_duration(sum(expected))} at the pace of earlier answers")
    if least:
        texts.append(f"at least {_duration(sum(least))} at the configured rate limits")
    return ", ".join(texts) or "unknown, as this judge has no earlier answers and no rate limit"


def finish(
    done: JudgeRun, opened: JudgingInput, *, as_json: bool, details: bool, sample: int | None = None
) -> None:
    """Print what a judge graded, and the next step; of a test with a sample of queries, some answers, too.

    Raises
    ------
    IncompleteError
        If pairs have no answer.
    """
    from evalkit.errors import IncompleteError

    if as_json:
        echo_json(_as_json([asdict(one) for one in done.datasets]))
    else:
        for one in done.datasets:
            _show(one, details=details)
    left = sum(one.left for one in done.datasets)
    again = f"run the same command again: {shlex.join(['evalkit', *sys.argv[1:]])}"
    if done.stopped is not None:
        hint = done.stopped.hint
        raise IncompleteError(
            f"{left} pairs are not judged: {done.stopped.message}", f"{hint}; then {again}" if hint else again
        )
    if left:
        kinds = ", ".join(
            f"{count} {kind}" for one in done.datasets for kind, count in one.unanswered.items()
        )
        raise IncompleteError(f"{left} pairs have no answer ({kinds})", again)
    _check_grades(done, opened)
    if as_json:
        return
    if sample is not None:
        _show_answers(opened, done.datasets[0].judge, sample)
        files = ", ".join(str(one.file) for one in done.datasets)
        echo(
            f"next: check these answers (all are in {files}), then judge all queries: evalkit judge run"
            f" {shlex.quote(str(opened.file))} --judge {shlex.quote(done.datasets[0].judge)}"
        )
    else:
        _show_next(done.datasets, opened)


def _show_answers(opened: JudgingInput, tag: str, sample: int) -> None:
    """Print a table of the first answers for a sample of queries."""
    from evalkit.report.numbers import NO_VALUE, short_text
    from evalkit.report.table import Table, as_text
    from evalkit.workflows.sample_answers import sample_answers

    cells = tuple(
        (
            short_text(one.query, _CELL),
            short_text(one.document, _CELL),
            short_text(one.raw, _CELL),
            NO_VALUE if one.grade is None else f"{one.grade:g}",
        )
        for one in sample_answers(opened, tag, sample, _ANSWERS)
    )
    columns = ("query", "document", "answer", "grade")
    if cells:
        echo_text(as_text(Table(f"Answers of {tag}", columns, cells, left=3)))


def _check_grades(done: JudgeRun, opened: JudgingInput) -> None:
    """Raise an error if all answers are without a grade, and name the failed pairs if some are."""
    from evalkit.errors import IncompleteError, tell

    failed = [one for one in done.datasets if one.ungraded]
    if not failed or opened.config.judges[failed[0].judge].derived:
        return
    example = next((one.example for one in failed if one.example is not None), None)
    such = "" if example is None else f", the first one because {example}"
    words = [word for word in sys.argv[1:] if word != "--retry-failed"]
    if words[:2] != ["judge", "run"]:
        words = ["judge", "run", str(opened.file), "--judge", failed[0].judge]
    again = shlex.join(["evalkit", *words, "--retry-failed"])
    count = sum(one.ungraded for one in failed)
    if any(one.has_grades for one in done.datasets):
        tell(f"{count} pairs have no grade{such}; ask for them again with: {again}")
        return
    raise IncompleteError(
        f"the judge graded none of {count} pairs{such}",
        f"read the answers (raw) in {failed[0].file} and change the judge, then run: {again}",
    )


def _show_next(datasets: Sequence[JudgePlan | JudgedDataset], opened: JudgingInput) -> None:
    """Print how the judgments of these datasets count, and what to do with them."""
    tag = datasets[0].judge
    for one in datasets:
        if not _is_counted(opened, one):
            echo(
                f"{one.dataset}: these judgments do not count; to use them, add to its block:"
                f" judgments: [{{judge: {tag}}}]"
            )
    file = shlex.quote(str(opened.file))
    if opened.has_people:
        echo(f"next: evalkit judge audit {file} --judge {tag}; evalkit run {file}")
    elif any(one.human_sample is not None for one in opened.datasets):
        echo(
            f"next: evalkit run {file}; let people judge the sample: evalkit judge rate {file} --sample-only"
        )
    else:
        echo(f"next: evalkit run {file}; let people judge, too: evalkit judge rate {file}")


def _is_counted(opened: JudgingInput, one: JudgePlan | JudgedDataset) -> bool:
    pooled = next(pooled for pooled in opened.datasets if pooled.name == one.dataset)
    return any(source.judge == one.judge for source in pooled.settings.judgments)


def _show(one: JudgedDataset, *, details: bool) -> None:
    from evalkit.report.numbers import dollars

    failed = "".join(f", {count} without a grade ({kind})" for kind, count in sorted(one.failed.items()))
    copied = f", {one.copied} with the texts of a graded pair" if one.copied else ""
    cost = "" if one.cost_usd is None else f", {dollars(one.cost_usd)}"
    graded_before = one.already - one.ungraded_before
    before = f", {graded_before} judged before" if graded_before else ""
    if one.ungraded_before:
        before += f", {one.ungraded_before} without a grade before"
    echo(
        f"{one.dataset}: {one.graded} graded{failed}, {one.stored} from the store{copied}{before}{cost} -> {one.file}"
    )
    if details:
        tokens = "unknown" if one.tokens is None else str(one.tokens)
        echo(
            f"{one.dataset}: {one.pairs} pairs, {one.counted} judged by other raters, {one.already} already judged by"
            f" {one.judge}; tokens now: {tokens}"
        )


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def _as_json(rows: list[dict[str, object]]) -> bytes:
    from evalkit.results.json_shapes import to_json

    return to_json(rows)
