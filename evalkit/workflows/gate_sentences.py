"""What a finding of a gate says of the rankings, and of further looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.comparison.gate_verdicts import RuleFinding
from evalkit.workflows.gate_case import Case


def by_rankings(found: RuleFinding, case: Case, query_ids: Sequence[str]) -> RuleFinding:
    """Return `IDENTICAL` if all rankings are those of the baseline too, else `PASS`: equal values are not enough."""
    mine, theirs = (side.rankings.get((case.dataset, case.tag)) for side in (case.new, case.old))
    if mine is None or theirs is None:
        side = case.new if mine is None else case.old
        return replace(
            found, status="PASS", sentence=f"{found.sentence}; {side.name} has no rankings to compare"
        )
    differing = sum(mine.get(query_id) != theirs.get(query_id) for query_id in query_ids)
    if differing:
        return replace(found, status="PASS", sentence=f"{found.sentence}; {differing} rankings differ")
    return replace(found, sentence=f"{found.sentence}, and all rankings are equal")


def with_looks(case: Case, expected: str) -> str:
    """Return what more queries would show, with how this gate may look again; `expected` says what they would show."""
    if case.terms.look == "first":
        return f"{expected}. Test all queries, old and new, with `look: 2`"
    return f"{expected}. To gate again with more queries, set `looks: 2` before the first gate"
