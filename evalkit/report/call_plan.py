"""A plan of calls as a table and as JSON rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from evalkit.backend_checks.pointwise import FURTHER_CALLS, SAMPLED_QUERIES
from evalkit.backend_checks.score_dependence import CALLS
from evalkit.config import Config
from evalkit.config.traffic import Traffic
from evalkit.report.numbers import cost_text, dollars
from evalkit.report.table import Table, as_text
from evalkit.reranking.token_estimates import TOKENS_PER_CHARACTER, PlannedPass


def plan_rows(planned: Sequence[PlannedPass]) -> list[dict[str, Any]]:
    """Return one object for each pass."""
    return [
        {("pass" if key == "pass_" else key): value for key, value in asdict(one).items()} for one in planned
    ]


def plan_lines(planned: Sequence[PlannedPass], config: Config) -> list[str]:
    """Return the table, the total, and remarks on parts of lists, missing prices and the budget."""
    cells = [
        (
            one.dataset,
            one.reranker,
            one.pass_,
            str(one.calls),
            str(one.pairs),
            str(one.known),
            str(one.tokens),
            cost_text(one.cost_usd),
        )
        for one in planned
    ]
    note = (
        "Assumes that every call succeeds at once and that the warm-up is as short as possible. Cached pairs are not"
        f" sent. Tokens are estimated at {1 / TOKENS_PER_CHARACTER:g} characters each, with the query counted once per"
        " document; cost follows from the configured price. The pass 'check' sends one test call, at most a second one"
        f" if the text of the first is refused, and up to {CALLS} calls that test whether scores depend on the query"
        " and the document; with several depths or split lists, it also tests on a few pairs whether scores depend on"
        f" the rest of the list, with at most {SAMPLED_QUERIES * FURTHER_CALLS} more calls for each dataset if a score"
        " moves."
    )
    columns = ("dataset", "reranker", "pass", "calls", "pairs", "cached", "tokens", "cost")
    lines = [as_text(Table(f"Plan of {config.name}", columns, tuple(cells), note, left=3)), _total(planned)]
    lines += _in_parts(planned)
    unpriced = [tag for tag, settings in config.rerankers.items() if _unpriced(settings.traffic())]
    if unpriced:
        lines.append(f"not in the total, as no price is configured: {', '.join(unpriced)}")
    if config.budget is not None:
        lines.append(_against_budget(planned, config.budget.usd))
    return lines


def _in_parts(planned: Sequence[PlannedPass]) -> list[str]:
    """Return a sentence for each reranker that sends more requests than it has calls."""
    requests: dict[str, int] = {}
    calls: dict[str, int] = {}
    bounded = {one.reranker for one in planned if one.at_most}
    for one in planned:
        requests[one.reranker] = requests.get(one.reranker, 0) + one.requests
        calls[one.reranker] = calls.get(one.reranker, 0) + one.calls
    return [
        f"{tag} sends its lists in parts: {'at most ' if tag in bounded else ''}{count} requests."
        " Prompts and answers are counted, reasoning tokens are not."
        for tag, count in requests.items()
        if count > calls[tag]
    ]


def _unpriced(traffic: Traffic) -> bool:
    """Return whether calls are billed at an unknown price."""
    return traffic.billed and traffic.price is None


def _total(planned: Sequence[PlannedPass]) -> str:
    costs = [one.cost_usd for one in planned if one.cost_usd is not None]
    cost = f", {dollars(sum(costs))}" if costs else ""
    return f"total: {sum(p.calls for p in planned)} calls, {sum(p.pairs for p in planned)} pairs{cost}"


def _against_budget(planned: Sequence[PlannedPass], usd: float) -> str:
    cost = sum(one.cost_usd or 0.0 for one in planned)
    if cost > usd:
        return f"warning: the budget of {dollars(usd)} is too small: the experiment would stop early"
    return f"the budget is {dollars(usd)}"
