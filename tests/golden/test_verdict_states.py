"""The words of every state of a verdict: headline, sentences and the table of one small comparison each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.golden import approve
from support.systems import failing, noisy_set, run_of, set_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.records import Query
from evalkit.report.comparison import comparison_tables
from evalkit.report.comparison_page import comparison_screen
from evalkit.report.comparison_sentences import cautions, findings
from evalkit.report.table import as_text
from evalkit.report.terminal import next_lines, screen_lines, warning_lines
from evalkit.report.undecided import to_judge_tables
from evalkit.summaries.comparisons import compare_sets

PLAN = Plan("bm25", "nDCG@10", resamples=999)
QUERIES = 40


def page(*sets: ComparisonSet) -> str:
    """Return what `evalkit compare --details` prints; long lists of documents are cut."""
    compared = compare_sets(sets, PLAN)
    screen = comparison_screen(compared)
    tables = [*comparison_tables(compared), *to_judge_tables(compared)]
    return "\n".join(
        [
            screen.decision.line,
            *screen_lines(screen),
            *(as_text(replace(table, rows=table.rows[:8])) for table in tables),
            *findings(compared),
            *warning_lines(cautions(compared), details=True),
            *next_lines(screen.next_step),
            "",
        ]
    )


def failing_on_the_worst(one: ComparisonSet, name: str, count: int) -> ComparisonSet:
    """Return a comparison set in which a system has no scores for the queries on which it is worst."""
    values, base = (one.systems[tag].values.of("nDCG@10") for tag in (name, "bm25"))
    return failing(one, name, np.argsort(values - base, kind="stable")[:count].tolist())


def pooled(*, negatives: bool) -> ComparisonSet:
    """Return a contender whose first documents are unjudged; with or without documents judged not relevant."""
    judged = {"r": 1, "n": 0, "x": 0} if negatives else {"r": 1}
    grades = {f"q{i:02}": judged for i in range(QUERIES)}
    orders = {"bm25": ["r", "n", "x"], "new": ["y", "z", "r"]}
    runs = [
        run_of(name, {q: {d: 9.0 - place for place, d in enumerate(order)} for q in grades})
        for name, order in orders.items()
    ]
    return set_of(grades, *runs)


def equally_judged() -> ComparisonSet:
    """Return two systems with as many judged documents, below unjudged ones."""
    grades = {f"q{i:02}": {"r": int(i % 5 < 3), "n": int(i % 5 == 3), "s": 1} for i in range(QUERIES)}
    runs = [
        run_of("bm25", {q: {"t": 9.0, "u": 8.0, "v": 7.0, "r": 6.0} for q in grades}),
        run_of("new", {q: {"w": 9.0, "x": 8.0, "y": 7.0, "n": 6.0} for q in grades}),
    ]
    return set_of(grades, *runs)


def clustered() -> ComparisonSet:
    """Return twice as many queries as texts."""
    one = noisy_set(2 * QUERIES, 8, {"bm25": 0.0, "new": 2.0}, seed=1)
    queries = {q: Query(q, f"text {number // 2}") for number, q in enumerate(one.qrels.grades)}
    return replace(one, queries=queries)


def two_equal_winners(seed: int, lift: float = 2.0) -> ComparisonSet:
    """Return two contenders that are equally better than the baseline."""
    return replace(noisy_set(60, 8, {"bm25": 0.0, "x": lift, "y": lift}, seed=seed), dataset=f"d{seed}")


@pytest.mark.parametrize(
    ("state", "sets"),
    [
        ("adopt", [two_equal_winners(1)]),
        ("keep", [noisy_set(QUERIES, 8, {"bm25": 1.0, "x": 1.1, "y": -2.0}, seed=3)]),
        ("keep-relevant-only", [pooled(negatives=False)]),
        ("undecided-unjudged", [pooled(negatives=True)]),
        ("undecided-unjudged-equal-shares", [equally_judged()]),
        (
            "undecided-failed",
            [failing_on_the_worst(noisy_set(60, 8, {"bm25": 0.0, "x": 1.0}, seed=1), "x", 20)],
        ),
        ("clusters", [clustered()]),
        (
            "not-scored",
            [
                failing_on_the_worst(
                    noisy_set(60, 8, {"bm25": 0.0, "x": 1.0, "lost": 1.0}, seed=1), "lost", 60
                )
            ],
        ),
        ("datasets-agree", [two_equal_winners(seed) for seed in (1, 2, 3)]),
        (
            "datasets-differ",
            [two_equal_winners(1, 4.0), two_equal_winners(2, 0.2), two_equal_winners(3, 4.0)],
        ),
    ],
)
def test_a_state_of_a_verdict(state: str, sets: list[ComparisonSet]) -> None:
    """What is decided, why, from how many queries, and what to do where nothing is."""
    approve(f"verdict-{state}.txt", page(*sets))
