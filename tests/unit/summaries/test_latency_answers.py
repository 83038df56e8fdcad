"""``latency.json``: fits, limits, claims, ratios, capacity and cost of timed calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.call_tables import calls_table, timed_call
from support.latency_answers import LOCAL, answers_of, calls_of, served

from evalkit.config import LatencySettings
from evalkit.latency import RoundState
from evalkit.results.recorded_config import RecordedReranker
from evalkit.results.timed_calls import cells_of
from evalkit.summaries.latency_cells import latency_rows


def test_no_timed_calls_have_empty_answers() -> None:
    """Without a latency pass all lists are empty, and the level is that of the means."""
    found = answers_of([], timed=False)
    assert (found.fits, found.limits, found.claims, found.ratios, found.capacity, found.costs) == ((),) * 6
    assert (found.confidence, found.embedding) == (0.95, ())


# Fits


def linear(sizes: tuple[int, ...], fixed: float, slope: float, **changes: Any) -> list[dict[str, Any]]:
    """Return calls whose latency is linear in the number of documents."""
    return [
        one for size in sizes for one in calls_of("a", fixed + slope * size, 12, batch_size=size, **changes)
    ]


@pytest.mark.parametrize(("fixed", "slope"), [(0.01, 1.0), (5.0, 0.001), (0.3, 0.02)])
def test_a_linear_cost_is_recovered(fixed: float, slope: float) -> None:
    """Latencies on a straight line have exactly its intercept and slope, by documents and by characters.

    Every document has 100 characters: both causes together cannot be separated, so there is no joint fit.
    """
    found = {row.fit.causes: row for row in answers_of(linear((1, 5, 10, 20), fixed, slope)).fits}
    assert set(found) == {("documents",), ("characters",)}
    for cause, units in (("documents", 1), ("characters", 100)):
        row = found[cause,]
        assert (row.dataset, row.reranker, row.straight) == ("d", "a", True)
        assert row.fit.fixed_s[0] == pytest.approx(fixed, rel=1e-3)
        assert row.fit.per_unit_s[0][0] == pytest.approx(slope / units, rel=1e-3)
        assert (row.fit.cells, row.fit.calls) == (4, 48)


def test_tokens_are_used_if_every_call_reports_them() -> None:
    """Else characters: one successful call without tokens is enough; a failed one is not."""
    calls = [
        one | {"tokens": 7 * one["batch_size"] ** 2, "document_characters": 30 * one["batch_size"] ** 2}
        for one in linear((1, 4, 8, 16, 30), 1.0, 0.1)
    ]
    assert {row.fit.causes for row in answers_of(calls).fits} >= {("documents",), ("tokens",)}
    failed = calls[0] | {"query_id": "x", "tokens": None, "status": "failed"}
    assert ("tokens",) in {row.fit.causes for row in answers_of([*calls, failed]).fits}
    found = {row.fit.causes for row in answers_of([*calls, failed | {"status": "ok"}]).fits}
    assert ("characters",) in found
    assert ("tokens",) not in found


def test_one_batch_size_carries_no_fit() -> None:
    """A slope needs cells of different sizes, with one call in flight."""
    assert answers_of(calls_of("a", 1.0)).fits == ()
    assert answers_of(linear((1, 5, 10, 20), 1.0, 0.1, concurrency=4)).fits == ()


# Claims


def claimed(**claims: str) -> dict[str, RecordedReranker]:
    """Return a remote reranker with claims; keys are numbers of documents, such as ``d10_20``."""
    by_documents = {name[1:].replace("_", "-"): text for name, text in claims.items()}
    return {"a": RecordedReranker("http", claims=by_documents, url="https://user:secret@example.org/v1?k=1")}


def test_a_claim_is_judged_for_the_median_and_for_p95() -> None:
    """Latencies of 100 ms keep 200 ms and break 50 ms, for half and for 95 % of the calls."""
    found = answers_of(calls_of("a", 0.1, 120), rerankers=claimed(d10="200 ms", d5_20="50ms")).claims
    verdicts = [(row.claim, row.quantile, row.verdict) for row in found]
    assert verdicts == [
        ("10: 200 ms", 0.5, "PASS"), ("10: 200 ms", 0.95, "PASS"),
        ("5-20: 50ms", 0.5, "FAIL"), ("5-20: 50ms", 0.95, "FAIL"),
    ]  # fmt: skip
    assert {(row.fewest, row.most) for row in found} == {(None, None)}


def test_a_claim_covers_every_batch_size_in_its_range() -> None:
    """Both ends belong to it; several calls in flight and parts of the collection do not."""
    calls = [one for size in (4, 5, 12, 20, 21) for one in calls_of("a", 0.1, batch_size=size)]
    calls += calls_of("a", 9.0, concurrency=4) + calls_of("a", 9.0, length_bucket=1)
    found = answers_of(calls, rerankers=claimed(d5_20="1s")).claims
    assert [row.batch_size for row in found] == [5, 5, 12, 12, 20, 20]


def test_a_claim_about_other_batch_sizes_is_not_measured() -> None:
    """It has no verdict and no figures, but the batch sizes that would have to be timed."""
    (row,) = answers_of(calls_of("a", 0.1), rerankers=claimed(d50_100="1s")).claims
    assert (row.verdict, row.batch_size, row.quantile) == ("NOT MEASURED", None, None)
    assert (row.fewest, row.most, row.limit_s) == (50, 100, 1.0)
    assert (row.late.estimate, row.late.n) == (None, 0)


@pytest.mark.parametrize(
    ("changes", "route"),
    [
        ({}, "in this process"),
        ({"serve": {"backend": "cross_encoder"}}, "loopback"),
        ({"url": "https://user:secret@example.org/v1?key=secret"}, "example.org"),
    ],
)
def test_the_route_has_no_secret(changes: dict[str, Any], route: str) -> None:
    """Of a URL only the host is kept."""
    reranker = replace(LOCAL, claims={"10": "1s"}, **changes)
    found = answers_of(calls_of("a", 0.1), rerankers={"a": reranker})
    assert {row.route for row in found.claims} == {route}
    assert "secret" not in str(found)


# Ratios


@settings(max_examples=10, deadline=None)
@given(base=st.floats(0.01, 5), factor=st.floats(0.1, 10))
def test_a_ratio_is_that_of_the_same_queries(base: float, factor: float) -> None:
    """Queries differ in latency by orders of magnitude; their ratios are all the same."""
    seconds = base * np.geomspace(1, 100, 60)
    calls = [
        timed_call(i, float(s) * by, reranker=tag, round=i % 6)
        for tag, by in (("a", 1.0), ("b", factor))
        for i, s in enumerate(seconds)
    ]
    (row,) = answers_of(calls).ratios
    assert (row.baseline, row.contender, row.ratio.n) == ("a", "b", 6)
    assert row.ratio.estimate == pytest.approx(factor, rel=1e-3)
    assert row.ratio.lower == pytest.approx(factor, rel=1e-3)


def test_swapping_the_baseline_inverts_the_ratio() -> None:
    """A configured baseline takes the place of the first reranker, if it was timed."""
    rng = np.random.default_rng(3)
    calls = [
        timed_call(i, float(rng.uniform(0.5, 2)), reranker=tag, round=i % 6)
        for tag in "ab"
        for i in range(60)
    ]
    one, other = (answers_of(calls, baseline=tag).ratios[0] for tag in ("a", "b"))
    assert (one.baseline, other.baseline) == ("a", "b")
    assert one.ratio.estimate == pytest.approx(1 / (other.ratio.estimate or 0))
    assert one.ratio.lower == pytest.approx(1 / (other.ratio.upper or 0))
    assert answers_of(calls, baseline="bm25").ratios[0].baseline == "a"


def test_only_the_same_load_on_the_same_dataset_is_compared() -> None:
    """A batch size that only one reranker has gives no ratio, nor do open loops and length buckets."""
    calls = [
        *calls_of("a", 1.0), *calls_of("b", 2.0), *calls_of("b", 2.0, batch_size=20),
        *calls_of("a", 1.0, concurrency=2), *calls_of("b", 3.0, concurrency=2),
        *calls_of("a", 1.0, dataset="e"),
        *calls_of("a", 1.0, length_bucket=1), *calls_of("b", 1.0, length_bucket=1),
        *calls_of("a", 1.0, rate_per_s=1.0, concurrency=None), *calls_of("b", 1.0, rate_per_s=1.0, concurrency=None),
    ]  # fmt: skip
    found = [(r.dataset, r.batch_size, r.concurrency, r.ratio.estimate) for r in answers_of(calls).ratios]
    assert found == [("d", 10, 1, pytest.approx(2.0)), ("d", 10, 2, pytest.approx(3.0))]


def test_rounds_without_a_common_query_have_no_ratio() -> None:
    """Both were timed under one load, on other queries: the row is there, its ratio unknown."""
    calls = calls_of("a", 1.0) + [one | {"query_id": f"x{i}"} for i, one in enumerate(calls_of("b", 1.0))]
    (row,) = answers_of(calls).ratios
    assert (row.ratio.estimate, row.ratio.n) == (None, 0)


# Capacity


def test_the_knee_is_where_throughput_by_latency_is_largest() -> None:
    """Up to four in flight latency stays the same, beyond that calls only wait."""
    latency = {1: 1.0, 2: 1.0, 4: 1.0, 8: 2.0, 16: 4.0}
    calls = [one for flight, seconds in latency.items() for one in served(flight, seconds)]
    (found,) = answers_of(calls).capacity
    assert [point.concurrency for point in found.points] == sorted(latency)
    rates = {point.concurrency: point.calls_per_s.estimate or 0.0 for point in found.points}
    assert rates[2] == pytest.approx(2 * rates[1], rel=0.15)
    assert found.knee == 4
    assert rates[found.most] == max(rates.values())
    assert found.at(found.knee).p50_s.estimate == pytest.approx(1.0)
    for point in found.points:
        assert point.documents_per_s.estimate == pytest.approx(10 * rates[point.concurrency])


def test_capacity_needs_two_concurrencies_and_one_batch_size() -> None:
    """A single concurrency is no curve; of two batch sizes the one with more points is shown."""
    assert answers_of(served(1, 1.0)).capacity == ()
    calls = served(1, 1.0) + served(2, 1.0) + served(4, 1.0) + served(1, 1.0, 20) + served(2, 1.0, 20)
    (found,) = answers_of(calls).capacity
    assert (found.batch_size, len(found.points)) == (10, 3)


# Cost


def test_billed_calls_cost_their_mean() -> None:
    """A thousand queries cost a thousand times the mean bill; the machine's price does not count then."""
    calls = [one | {"cost_usd": 0.001 * (i % 3)} for i, one in enumerate(calls_of("a", 1.0))]
    (row,) = answers_of(calls, usd_per_hour=5.0).costs
    assert row.source == "calls"
    assert row.usd_per_thousand_queries.estimate == pytest.approx(1.0)
    assert (row.usd_per_thousand_queries.n, row.usd_per_thousand_queries.lower) == (60, None)


def test_the_price_of_a_machine_is_divided_by_its_throughput() -> None:
    """The highest throughput gives the lowest cost, so the bounds change sides."""
    calls = served(1, 0.5) + served(1, 2.0, 20)
    found = answers_of(calls, usd_per_hour=3.6)
    cells = cells_of(calls_table(*calls))
    rates = {row.batch_size: row.calls_per_s for row in latency_rows(cells, LatencySettings())}
    assert [row.batch_size for row in found.costs] == [10, 20]
    for row in found.costs:
        rate, cost = rates[row.batch_size], row.usd_per_thousand_queries
        assert row.source == "$3.6 per hour"
        assert cost.estimate == pytest.approx(1 / (rate.estimate or 0))
        assert (cost.lower, cost.upper) == pytest.approx((1 / (rate.upper or 0), 1 / (rate.lower or 0)))
        assert cost.n == rate.n


def test_a_bound_of_the_throughput_below_zero_leaves_the_cost_open() -> None:
    """If the lower bound of the rate is not above 0, the cost has no upper bound."""
    calls = [one for number, seconds in enumerate((0.1, 9.0)) for one in served(1, seconds, rounds=1)
             for one in [one | {"round": number, "start_s": one["start_s"] + 1e5 * number,
                                "end_s": one["end_s"] + 1e5 * number}]]  # fmt: skip
    (row,) = answers_of(calls, usd_per_hour=1.0).costs
    assert row.usd_per_thousand_queries.estimate is not None
    assert row.usd_per_thousand_queries.upper is None
    assert row.usd_per_thousand_queries.lower is not None


def test_without_price_and_bills_there_is_no_cost() -> None:
    """Neither a local model without a price, nor a reranker of which one call is not billed, costs 0 dollars."""
    calls = calls_of("a", 1.0)
    assert answers_of(calls).costs == ()
    assert answers_of([calls[0] | {"cost_usd": 1.0}, *calls[1:]]).costs == ()
    assert answers_of(calls_of("a", 1.0, status="failed"), usd_per_hour=1.0).costs == ()


def test_open_loops_and_parts_of_the_collection_have_no_cost() -> None:
    """At a fixed rate the machine idles; a length bucket is no mix that queries have."""
    calls = calls_of("a", 1.0, rate_per_s=1.0, concurrency=None) + calls_of("a", 1.0, length_bucket=2)
    assert answers_of([one | {"cost_usd": 1.0} for one in calls]).costs == ()


# Machine


def test_the_machine_keeps_its_rounds_and_warnings() -> None:
    """A speed that varied and stolen time are reported; embedding backends are named, also behind ``serve:``."""
    speeds = tuple(
        RoundState("d", i, seconds, stolen, None, None)
        for i, (seconds, stolen) in enumerate([(0.1, 0.0), (0.2, None), (0.1, 0.5)])
    )
    rerankers = {
        "a": RecordedReranker("bi_encoder"),
        "b": LOCAL,
        "c": RecordedReranker("http", serve={"backend": "late_interaction"}),
    }
    found = answers_of(calls_of("a", 1.0), rerankers=rerankers, rounds=speeds)
    assert found.machine.rounds == speeds
    assert len(found.machine.flags) == 2
    assert found.embedding == ("a", "c")
    assert answers_of(calls_of("a", 1.0)).machine.flags == ()
