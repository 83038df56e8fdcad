"""The sweep of every depth: each depth evaluated again from its own run, ceilings, losses, costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import billed, cost, summary, timed
from support.systems import noisy_set, run_of, set_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.latency.billing import Billing, CostStep
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run, append_below
from evalkit.report.depth import depth_line, depth_lines, depth_table, needed_text
from evalkit.results.manifest import CandidateLists
from evalkit.results.summary_document import Summary
from evalkit.summaries.candidate_runs import best_order
from evalkit.summaries.depth_sweep import DepthQuestion, known_costs, sweep
from evalkit.tuning import Limits

PLAN = Plan("bm25", "nDCG@10", seed=1)
NOISY = noisy_set(120, 12, {"bm25": 0.5, "r": 2.0}, seed=4)
NOTHING = summary()


def at_depth(comparison_set: ComparisonSet, tag: str, depth: int) -> Run:
    """Return the reranked list of the first `depth` candidates, built document by document."""
    first, reranked = comparison_set.first_stage, comparison_set.systems[tag].run
    assert first is not None
    rows = [
        (query_id, doc_id, score)
        for query_id, docs, scores in reranked
        for doc_id, score in zip(docs, scores.tolist(), strict=True)
        if doc_id in first.docs(query_id)[:depth]
    ]
    return Run.from_rows(tag, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


@pytest.mark.parametrize("metric", ["nDCG@10", "RR", "P@3", "AP"])
def test_every_depth_equals_a_run_of_its_own(metric: str) -> None:
    """Mean, difference to the deepest depth, recall and ceiling agree with an evaluation of each depth's list."""
    found = sweep(NOISY, "r", PLAN, NOTHING, DepthQuestion(metric))
    parsed, qrels, first = parse_metrics([metric]), NOISY.qrels, NOISY.first_stage
    assert first is not None
    deepest = evaluate(at_depth(NOISY, "r", 12), qrels, parsed).of(metric)
    assert [row.depth for row in found.rows] == list(range(1, 13))
    for row in found.rows:
        values = evaluate(at_depth(NOISY, "r", row.depth), qrels, parsed).of(metric)
        shallow = first.cut(row.depth)
        recall = evaluate(shallow, qrels, parse_metrics([f"R@{row.depth}"])).values.mean()
        oracle = evaluate(best_order(shallow, qrels), qrels, parsed).of(metric).mean()
        assert row.mean.estimate == pytest.approx(values.mean())
        assert row.to_deepest.estimate == pytest.approx((values - deepest).mean())
        assert (row.recall, row.oracle) == pytest.approx((recall, oracle))
    assert found.first_stage.estimate == pytest.approx(evaluate(first, qrels, parsed).of(metric).mean())
    assert (found.metric, found.queries) == (metric, 120)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), lift=st.floats(-3, 3), depth=st.integers(2, 8))
def test_losses_add_up(seed: int, lift: float, depth: int) -> None:
    """Mean + ranking loss + retrieval loss is 1; no loss is negative; recall and ceiling never fall with the depth."""
    comparison_set = noisy_set(12, depth, {"bm25": 0.5, "r": lift}, seed=seed)
    rows = sweep(comparison_set, "r", PLAN, NOTHING, DepthQuestion()).rows
    for row in rows:
        assert row.retrieval_loss is not None
        assert row.ranking_loss is not None
        assert (row.mean.estimate or 0.0) + row.ranking_loss + row.retrieval_loss == pytest.approx(1)
        assert min(row.retrieval_loss, row.ranking_loss) >= -1e-12
    for name in ("recall", "oracle"):
        column = [getattr(row, name) for row in rows]
        assert column == sorted(column)
    # All relevant documents are candidates at the full depth.
    assert (rows[-1].recall, rows[-1].oracle) == pytest.approx((1.0, 1.0))
    assert rows[-1].to_deepest.estimate == 0.0


def test_at_depth_one_a_reranker_is_the_first_stage() -> None:
    """One candidate has one order."""
    rows = sweep(NOISY, "r", PLAN, NOTHING, DepthQuestion()).rows
    first = NOISY.first_stage
    assert first is not None
    values = evaluate(first.cut(1), NOISY.qrels, parse_metrics(["nDCG@10"])).values
    assert rows[0].mean.estimate == pytest.approx(values.mean())
    assert rows[0].ranking_loss == pytest.approx(0)


def test_the_recommended_depth_is_checked_on_the_other_half() -> None:
    """Both halves together are all queries; figures of the choice are rows' means on each half."""
    choice = sweep(NOISY, "r", PLAN, NOTHING, DepthQuestion(margin=0.05)).choice
    assert choice.tuned is not None
    assert choice.held_out is not None
    assert choice.recommended is not None
    assert choice.best is not None
    assert choice.tuned.n + choice.held_out.n == 120
    assert choice.chosen is not None
    assert choice.chosen <= choice.best
    mean = (
        (choice.tuned.estimate or 0) * choice.tuned.n + (choice.held_out.estimate or 0) * choice.held_out.n
    ) / 120
    rows = sweep(NOISY, "r", PLAN, NOTHING, DepthQuestion()).rows
    assert mean == pytest.approx(rows[choice.recommended - 1].mean.estimate)


@pytest.mark.parametrize(("asked", "margin"), [(None, 0.01), (0.2, 0.2)])
def test_a_question_overrides_the_plan(asked: float | None, margin: float) -> None:
    """Margin and metric of the configuration are defaults."""
    found = sweep(NOISY, "r", PLAN, NOTHING, DepthQuestion(margin=asked, limits=Limits(p95_s=1.0)))
    assert (found.margin, found.metric, found.limits) == (margin, "nDCG@10", Limits(p95_s=1.0))


def test_an_unknown_latency_keeps_no_limit() -> None:
    """Without timed calls no depth is known to be fast enough, so none is recommended."""
    choice = sweep(NOISY, "r", PLAN, NOTHING, DepthQuestion(limits=Limits(p95_s=10.0))).choice
    assert (choice.allowed, choice.recommended) == (0, None)
    assert choice.why_not is not None


def test_without_queries_every_figure_is_unknown() -> None:
    """No judged query: rows of unknown figures, none of them 0, and a reason instead of a choice."""
    comparison_set = set_of({}, run_of("bm25", {"q": {"a": 1.0}}), run_of("r", {"q": {"a": 1.0}}), depth=2)
    found = sweep(comparison_set, "r", PLAN, NOTHING, DepthQuestion())
    assert (found.queries, found.first_stage.estimate) == (0, None)
    for row in found.rows:
        figures = (row.mean.estimate, row.recall, row.oracle, row.retrieval_loss, row.ranking_loss)
        assert figures == (None,) * 5
    assert "too few" in (found.choice.why_not or "")


def test_few_queries_have_figures_and_no_choice() -> None:
    """Ten queries carry means but no choice that could be checked."""
    found = sweep(noisy_set(10, 4, {"bm25": 0.0, "r": 1.0}), "r", PLAN, NOTHING, DepthQuestion())
    assert all(row.mean.estimate is not None for row in found.rows)
    assert found.choice.recommended is None


LATENCIES = summary(latency=[timed("r", 3, 0.1, 0.3), timed("r", 9, 0.1, 0.9), timed("x", 5, 0.1, 9.0)])


def test_latencies_are_measured_or_interpolated_between_measured_batch_sizes() -> None:
    """Linear between batch sizes 3 and 9, unknown outside of them; calls of other rerankers do not count."""
    rows = sweep(NOISY, "r", PLAN, LATENCIES, DepthQuestion()).rows
    expected = [None, None, *np.linspace(0.3, 0.9, 7).tolist(), None, None, None]
    assert [row.p95_s is None for row in rows] == [value is None for value in expected]
    assert [row.p95_s for row in rows if row.p95_s is not None] == pytest.approx(expected[2:9])
    assert [row.depth for row in rows if row.p95_measured] == [3, 9]


def test_a_percentile_that_is_unknown_is_not_measured() -> None:
    """Too few calls for a 95th percentile leave the latency of the batch size open."""
    rows = sweep(NOISY, "r", PLAN, summary(latency=[timed("r", 3, 0.1, None)]), DepthQuestion()).rows
    assert {(row.p95_s, row.p95_measured) for row in rows} == {(None, False)}


PER_CALL = Billing(None, (CostStep(1, 12, 0.002),))
FULL_LISTS = Billing(None, (CostStep(12, 12, 0.006),))


def paid(billing: Billing, usd: float | None = 6.0, most: int | None = None) -> Summary:
    """Return the cost of a quality pass, and how its calls are billed; no cost where all scores were cached."""
    costs = [] if usd is None else [replace(cost("r", 120, 1440), usd_per_thousand_queries=usd)]
    return summary(costs=costs, billing=[billed("r", billing, most)])


@pytest.mark.parametrize(("lengths", "count"), [([50] * 60, "all 50"), ([12, 50] * 30, "all (up to 50)")])
def test_no_depth_is_greater_than_the_longest_list(lengths: list[int], count: str) -> None:
    """At depth 100 with lists of 50, the sweep, its sentences and its table end at 50."""
    lists = {f"q{i}": {f"d{j}": -float(j) for j in range(n)} for i, n in enumerate(lengths)}
    grades = {q: {f"d{len(docs) - 1}": 1} for q, docs in lists.items()}
    turned = {q: {d: -score for d, score in docs.items()} for q, docs in lists.items()}
    comparison_set = set_of(grades, run_of("bm25", lists), run_of("r", turned), depth=100)
    found = sweep(comparison_set, "r", PLAN, NOTHING, DepthQuestion())
    assert [row.depth for row in found.rows] == list(range(1, 51))
    assert (found.choice.deepest, found.candidates) == (50, CandidateLists.of_lengths(lengths))
    assert needed_text(found) == count
    assert "100 candidates" not in "".join([*depth_lines(found), depth_table(found).note])


@pytest.mark.parametrize("metric", ["nDCG@10", "AP", "R@12"])
def test_kept_candidates_count_at_every_depth(metric: str) -> None:
    """A sweep equals rankings of which the others follow; its recall is still that of the first d candidates."""
    kept = replace(NOISY, below_depth="kept")
    found = sweep(kept, "r", PLAN, NOTHING, DepthQuestion(metric))
    parsed, first = parse_metrics([metric]), NOISY.first_stage
    assert first is not None
    for row, dropped in zip(
        found.rows, sweep(NOISY, "r", PLAN, NOTHING, DepthQuestion(metric)).rows, strict=True
    ):
        ranking = append_below(at_depth(NOISY, "r", row.depth), first, row.depth)
        best = append_below(best_order(first.cut(row.depth), NOISY.qrels), first, row.depth)
        means = [evaluate(run, NOISY.qrels, parsed).of(metric).mean() for run in (ranking, best)]
        assert (row.mean.estimate, row.oracle) == pytest.approx(means)
        assert row.recall == dropped.recall
        assert row.ranking_loss is not None
        assert row.ranking_loss >= -1e-12
    assert found.rows[0].mean.estimate == pytest.approx(found.first_stage.estimate)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_short_lists_stop_to_cost_more(lengths: list[int]) -> None:
    """A price per document counts the candidates that exist; the longest list is the deepest depth."""
    lists = {f"q{i}": {f"d{j}": -float(j) for j in range(n)} for i, n in enumerate(lengths)}
    comparison_set = set_of({q: {"d0": 1} for q in lists}, run_of("bm25", lists), run_of("r", lists), depth=6)
    costs = known_costs(paid(Billing(0.001)), comparison_set, "r").usd_per_thousand_queries
    pairs = [sum(min(n, depth) for n in lengths) for depth in range(1, max(lengths) + 1)]
    assert costs == pytest.approx(6.0 * np.array(pairs) / sum(lengths))
    assert costs[-1] == pytest.approx(6.0)


def test_a_price_per_call_is_the_same_at_every_depth() -> None:
    """One call has all candidates, whatever their number."""
    costs = known_costs(paid(PER_CALL, 2.0), NOISY, "r").usd_per_thousand_queries
    assert costs.tolist() == [2.0] * 12


def test_lists_that_are_split_pay_for_each_call() -> None:
    """With at most 5 documents in a call, 12 candidates are three calls, 6 are two and 5 one."""
    costs = known_costs(paid(PER_CALL, 6.0, most=5), NOISY, "r").usd_per_thousand_queries
    assert costs == pytest.approx(np.repeat([2.0, 4.0, 6.0], [5, 5, 2]))


def test_cached_scores_cost_what_billed_calls_show() -> None:
    """Without a bill of the quality pass the price of timed calls counts."""
    assert known_costs(paid(PER_CALL, None), NOISY, "r").usd_per_thousand_queries == pytest.approx([2.0] * 12)
    each = known_costs(paid(Billing(0.001), None), NOISY, "r").usd_per_thousand_queries
    assert each == pytest.approx(np.arange(1.0, 13.0))


def test_a_cost_that_the_calls_do_not_show_is_unknown_and_keeps_to_no_limit() -> None:
    """Only full lists were billed: no other depth has a cost or is allowed, and the sweep says why."""
    limits = Limits(usd_per_thousand_queries=10.0)
    found = sweep(NOISY, "r", PLAN, paid(FULL_LISTS), DepthQuestion(limits=limits))
    assert [row.usd_per_thousand_queries for row in found.rows] == [None] * 11 + [6.0]
    assert found.choice.allowed == 1
    assert "unknown at 11 of 12 depths" in (found.cost_unknown or "")
    assert "unknown at 11 of 12 depths" in depth_line(found)
    assert "unknown at 11 of 12 depths" in depth_table(found).note


def test_a_limit_that_equals_the_price_allows_it() -> None:
    """Rounding errors of a sum do not decide; a higher price does."""
    for usd, allowed in ((2.0 + 4e-16, 12), (2.0001, 0)):
        limits = Limits(usd_per_thousand_queries=2.0)
        found = sweep(NOISY, "r", PLAN, paid(PER_CALL, usd), DepthQuestion(limits=limits))
        assert found.choice.allowed == allowed
        assert found.cost_unknown is None


@pytest.mark.parametrize(
    ("found", "tag"),
    [(summary(), "r"), (summary(costs=[cost("r", 120, 1440)]), "x"), (paid(PER_CALL), "other")],
)
def test_an_unknown_cost_is_unknown_at_every_depth(found: Summary, tag: str) -> None:
    """Neither a missing bill nor the bill of another reranker becomes 0 dollars; a limit has its reason."""
    assert np.isnan(known_costs(found, NOISY, tag).usd_per_thousand_queries).all()
    rows = sweep(NOISY, "r", PLAN, summary(), DepthQuestion()).rows
    assert {row.usd_per_thousand_queries for row in rows} == {None}
    limited = DepthQuestion(limits=Limits(usd_per_thousand_queries=1.0))
    assert "no call has a recorded cost" in (sweep(NOISY, "r", PLAN, summary(), limited).cost_unknown or "")


def test_without_a_first_stage_costs_are_unknown() -> None:
    """The number of pairs at a depth is only known from the candidates."""
    costs = known_costs(paid(PER_CALL), replace(NOISY, first_stage=None), "r")
    assert np.isnan(costs.usd_per_thousand_queries).all()
