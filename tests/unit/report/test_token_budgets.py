"""Budgets of tokens in a report."""

from __future__ import annotations

from dataclasses import replace

from support.documents import quality, summary
from support.result_folders import MANIFEST

from evalkit.metrics.budget_use import BudgetUse
from evalkit.report.token_budgets import token_budget_cautions, token_budget_lines, token_budget_tables
from evalkit.results.manifest import TokenizerFacts
from evalkit.results.summary_document import Ceiling, Summary
from evalkit.results.token_budget_rows import TokenBudgetRow
from evalkit.stats import Interval

USE = BudgetUse("nDCG@2000t", 10, 9, 400, 4.25, 1800.4, 0, 0)


def of(*rows: TokenBudgetRow) -> Summary:
    """Return a summary with rows, whose deepest depth is 50."""
    ceilings = tuple(Ceiling("d", depth, Interval(0.5, 0.4, 0.6, 10), {}, None) for depth in (10, 50))
    found = summary((quality("bm25", 50, 0.4),), datasets=["d"])
    return replace(found, ceilings=ceilings, token_budgets=rows or None)


def test_every_list_at_a_budget_is_a_row() -> None:
    """With the documents and tokens that fit; a run has no depth, and without a budget there is no table."""
    (table,) = token_budget_tables(
        of(TokenBudgetRow("d", "bm25", 50, USE), TokenBudgetRow("d", "es", None, USE))
    )
    assert [row[:4] for row in table.rows] == [
        ("d", "bm25", "50", "nDCG@2000t"),
        ("d", "es", "-", "nDCG@2000t"),
    ]
    assert table.rows[0][4:] == ("4.2", "1800", "400", "9 of 10", "0", "0")
    assert token_budget_tables(of()) == []


def test_the_tokenizer_is_named() -> None:
    """With the beginning of its hash; without a budget there is no sentence."""
    (line,) = token_budget_lines(replace(MANIFEST, tokenizer=TokenizerFacts("bert", "ab" * 32)))
    assert "counted with bert (sha256 abababababab)" in line
    assert token_budget_lines(MANIFEST) == []


def test_values_that_are_not_exact_are_warned_of_at_the_deepest_depth() -> None:
    """A first document that is too long, and an ideal list that is a bound; elsewhere there is no warning."""
    odd = replace(USE, queries_without_documents=2, queries_with_bound=3)
    too_long, bound = token_budget_cautions(
        of(TokenBudgetRow("d", "bm25", 10, odd), TokenBudgetRow("d", "bm25", 50, odd))
    )
    assert too_long.text == (
        "d: the first document alone is longer than the budget of nDCG@2000t for 2 of 10 queries of bm25. These queries"
        " count as 0."
    )
    assert "an upper bound for 3 of 10 queries" in bound.text
    assert token_budget_cautions(of(TokenBudgetRow("d", "bm25", 50, USE))) == []


def test_first_documents_that_are_too_long_are_one_warning_for_a_budget() -> None:
    """Metrics at the same budget and all systems share it; another budget has a warning of its own."""
    odd = replace(USE, queries_without_documents=2)
    uses = [
        odd,
        replace(odd, metric="R@2000t"),
        replace(odd, metric="nDCG@500t", queries_without_documents=7),
    ]
    rows = [
        TokenBudgetRow("d", system, depth, use)
        for system, depth in (("bm25", 50), ("es", None))
        for use in uses
    ]
    wide, narrow = token_budget_cautions(of(*rows))
    assert (
        "the budget of nDCG@2000t and R@2000t for 2 of 10 queries of bm25, 2 of 10 queries of es."
        in wide.text
    )
    assert "the budget of nDCG@500t for 7 of 10 queries of bm25, 7 of 10 queries of es." in narrow.text
