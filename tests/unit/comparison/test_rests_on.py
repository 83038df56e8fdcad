"""What the comparisons of a dataset rest on is read from them, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from support.documents import comparison

from evalkit.comparison.indications import for_people
from evalkit.comparison.plan import INCOMPLETE, JUDGE_ONLY, MIXED, SYNTHETIC, Corrected
from evalkit.comparison.rests_on import is_withheld, rests_on

BASIS = {"corrected": Corrected("luna", 40, 80, 0.5)}
NONE = {"n": 0}


@pytest.mark.parametrize(
    ("judged_by", "rows", "expected"),
    [
        ("human", [("better", {})], "human"),
        ("judge only", [(JUDGE_ONLY, {})], "judge only"),
        ("judge only", [("too few queries", {})], "judge only"),
        ("mixed", [(MIXED, {})], "mixed judgments"),
        ("corrected", [("better", BASIS), ("not told apart", BASIS)], "corrected"),
        ("corrected", [("too few queries", BASIS)], "corrected"),
        ("corrected", [(SYNTHETIC, BASIS)], "corrected"),
        ("corrected", [("better", BASIS), ("too few queries", NONE)], "corrected"),
        ("corrected", [("better", BASIS), (INCOMPLETE, {})], "corrected in part"),
        ("corrected", [(INCOMPLETE, {}), (MIXED, {})], "human sample incomplete"),
        ("corrected", [("undecided: judge incomplete", {})], "judge incomplete"),
        ("corrected", [(MIXED, {})], "mixed judgments"),
        ("corrected", [("undecided: failed queries", {})], "mixed judgments"),
        ("corrected", [], "mixed judgments"),
    ],
)
def test_a_correction_counts_only_where_it_took_place(
    judged_by: Any, rows: list[tuple[str, dict[str, Any]]], expected: str
) -> None:
    """Whatever was drawn and graded: contenders without queries say nothing."""
    found = [comparison(f"x{n}", verdict, **fields) for n, (verdict, fields) in enumerate(rows)]
    assert rests_on(judged_by, found) == expected


@pytest.mark.parametrize("verdict", ["better", "worse", "not told apart", "identical"])
def test_queries_of_a_model_carry_no_claim(verdict: str) -> None:
    """Neither for nor against a system; what is withheld for another reason keeps it."""
    assert for_people(comparison("x", verdict), synthetic=True).verdict == SYNTHETIC
    assert is_withheld(for_people(comparison("x", verdict), synthetic=True))
    assert for_people(comparison("x", verdict), synthetic=False).verdict == verdict
    for kept in ("too few queries", "undecided: failed queries", JUDGE_ONLY):
        assert for_people(comparison("x", kept), synthetic=True).verdict == kept
    assert not is_withheld(comparison("x", verdict))
