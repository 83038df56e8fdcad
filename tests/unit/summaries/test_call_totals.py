"""Totals of calls: sums that a data frame gives another way, costs, and times that servers report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import call, calls_table
from support.result_folders import manifest_of, reranker_facts

from evalkit.results.manifest import Manifest, PairCounts
from evalkit.stats import quantile_interval
from evalkit.summaries.call_totals import cost_rows, count_calls, server_times

AMOUNTS = ("tokens", "units", "billed_bytes", "characters", "cost_usd")
PRICE = {"usd_per_million_tokens": 0.05, "as_of": "2026-01-01"}
STATUSES = st.sampled_from(["ok", "failed", "retried"])


def priced(price: dict[str, Any] | None = PRICE, reused: int = 0) -> Manifest:
    """Return the manifest of a reranker with a price, and with some scores from the store."""
    pairs = (PairCounts("d", "r", 10, 10 - reused, 0, reused, 0, None, ()),)
    return replace(manifest_of(["d"], []), rerankers={"r": reranker_facts(price=price)}, pairs=pairs)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["d1", "d2"]), st.sampled_from(["quality", "latency", "warmup"]), STATUSES,
            st.none() | st.integers(0, 1000), st.integers(1, 20), st.sampled_from([None, 200, 429, 500]),
        ),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_totals_are_sums_over_the_rows_of_a_group(rows: list[tuple[Any, ...]]) -> None:
    """Every total equals a count over plain tuples; each call belongs to exactly one group."""
    table = calls_table(
        *[
            call(**{"dataset": d, "pass": p, "status": s, "tokens": t, "batch_size": b, "http_status": h})
            for d, p, s, t, b, h in rows
        ]
    )
    totals = count_calls(table)
    assert sum(row.calls for row in totals) == len(rows)
    assert len({(row.dataset, row.reranker, row.pass_) for row in totals}) == len(totals)
    for row in totals:
        part = [one for one in rows if one[:2] == (row.dataset, row.pass_)]
        good = [one for one in part if one[2] == "ok"]
        reported = [one[3] for one in good if one[3] is not None]
        assert row.calls == len(part)
        assert row.failed == sum(one[2] == "failed" for one in part)
        assert row.retried == sum(one[2] == "retried" for one in part)
        assert row.throttled == sum(one[5] == 429 for one in part)
        assert row.documents == sum(one[4] for one in good)
        assert row.tokens == (sum(reported) if reported else None)
        assert row.calls_without_tokens == len(good) - len(reported)


@pytest.mark.parametrize("name", AMOUNTS)
def test_an_amount_that_no_call_reports_is_unknown(name: str) -> None:
    """Unknown amounts are None and never 0; an amount that is reported as 0 is 0."""
    (unknown,) = count_calls(calls_table(call(), call()))
    assert getattr(unknown, name) is None
    assert getattr(unknown, f"calls_without_{name}") == 2
    (zero,) = count_calls(calls_table(call(**{name: 0}), call()))
    assert getattr(zero, name) == 0
    assert getattr(zero, f"calls_without_{name}") == 1


@pytest.mark.parametrize("name", AMOUNTS)
def test_amounts_of_failed_attempts_do_not_count(name: str) -> None:
    """A failed or retried attempt adds neither to the sum nor to the calls without the amount."""
    rows = [call(**{name: 5}), call(status="failed", **{name: 7}), call(status="retried")]
    (totals,) = count_calls(calls_table(*rows))
    assert getattr(totals, name) == 5
    assert getattr(totals, f"calls_without_{name}") == 0


def test_the_most_frequent_error_is_that_of_most_attempts() -> None:
    """Retried and failed attempts count alike; without an error there is none."""
    rows = [call(status="retried", error=error) for error in ("http: a", "http: b", "http: b")]
    assert count_calls(calls_table(*rows, call()))[0].frequent_error == "http: b"
    assert count_calls(calls_table(call()))[0].frequent_error is None


def test_a_whole_sum_is_an_integer_and_another_one_is_not() -> None:
    """Units can be fractions: 0.25 + 0.25 stays a float, 0.5 + 0.5 is the integer 1."""
    (half,) = count_calls(calls_table(call(units=0.25), call(units=0.25)))
    (one,) = count_calls(calls_table(call(units=0.5), call(units=0.5)))
    assert (half.units, type(half.units)) == (0.5, float)
    assert (one.units, type(one.units)) == (1, int)


@pytest.mark.parametrize(
    ("reused", "share"), [([], None), ([None, None], None), ([True, False, None], 0.5), ([True, True], 1.0)]
)
def test_the_share_of_reused_connections_ignores_calls_without_one(
    reused: Sequence[bool | None], share: float | None
) -> None:
    """Calls within the process have no connection; without any connection the share is unknown."""
    (totals,) = count_calls(calls_table(*[call(conn_reused=value) for value in [*reused, None]]))
    assert totals.connections_reused == share


def test_only_lists_that_are_known_to_be_unsorted_count() -> None:
    """A response without an order of its own is not unsorted."""
    rows = [call(list_sorted=value) for value in (True, False, None, False)]
    (totals,) = count_calls(calls_table(*rows))
    assert totals.unsorted_lists == 2


def test_groups_keep_the_order_of_their_first_call() -> None:
    """Reports list datasets and rerankers as they were run, not by name."""
    rows = [call(dataset=d, reranker=r) for d, r in [("z", "b"), ("a", "b"), ("z", "a"), ("z", "b")]]
    totals = count_calls(calls_table(*rows))
    assert [(row.dataset, row.reranker) for row in totals] == [("z", "b"), ("a", "b"), ("z", "a")]


def test_no_calls_have_no_totals() -> None:
    """A result whose scores all came from the store has an empty table of calls."""
    empty = calls_table()
    assert count_calls(empty) == ()
    assert cost_rows(priced(), empty) == ()
    assert server_times(empty, 0.95) == ()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10)), min_size=1, max_size=20))
def test_cost_is_the_sum_of_the_quality_pass_per_thousand_queries(bills: list[tuple[str, float]]) -> None:
    """A query may take several calls; calls of the latency pass are not part of the cost."""
    rows = [call(query_id=query_id, cost_usd=usd) for query_id, usd in bills]
    timed = call(**{"pass": "latency", "cost_usd": 100.0})
    (cost,) = cost_rows(priced(), calls_table(*rows, timed))
    total, queries = sum(usd for _, usd in bills), len({query_id for query_id, _ in bills})
    assert cost.queries == queries
    assert cost.documents == 10 * len(bills)
    assert cost.cost_usd == pytest.approx(total)
    assert cost.usd_per_thousand_queries == pytest.approx(1000 * total / queries)
    assert cost.calls_without_cost == 0


def test_a_cost_is_unknown_if_one_call_does_not_report_it() -> None:
    """The sum over the other calls would be too low, so no cost is given."""
    (cost,) = cost_rows(priced(), calls_table(call(cost_usd=1.0), call(query_id="q2")))
    assert (cost.cost_usd, cost.usd_per_thousand_queries, cost.calls_without_cost) == (None, None, 1)


def test_a_cost_is_unknown_if_scores_came_from_the_store() -> None:
    """The calls of this run paid only for some of the scores."""
    (cost,) = cost_rows(priced(reused=3), calls_table(call(cost_usd=1.0)))
    assert (cost.cost_usd, cost.usd_per_thousand_queries, cost.calls_without_cost) == (None, None, 0)


def test_a_reranker_without_price_and_bill_has_no_cost_row() -> None:
    """A local model is not free at 0 dollars: it has no row; a reported cost needs no configured price."""
    assert cost_rows(priced(price=None), calls_table(call())) == ()
    (cost,) = cost_rows(priced(price=None), calls_table(call(cost_usd=0.5)))
    assert (cost.price, cost.cost_usd) == (None, 0.5)


def reports(seconds: float, name: str = "x-time", of: str = "request") -> str:
    """Return a time as a call records it."""
    return orjson.dumps({name: {"seconds": seconds, "of": of}}).decode()


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=30))
def test_the_servers_time_is_the_median_with_its_interval(seconds: list[float]) -> None:
    """The same interval as of the plain list of seconds."""
    (row,) = server_times(calls_table(*[call(server_times=reports(s)) for s in seconds]), 0.9)
    assert row.median == quantile_interval(np.array(seconds), 0.5, 0.9)
    assert (row.name, row.of, row.pass_) == ("x-time", "request", "quality")


def test_timed_calls_take_precedence_over_the_quality_pass() -> None:
    """Calls of the quality pass run side by side; where there are timed calls, only these count."""
    quality = [call(server_times=reports(9.0)) for _ in range(10)]
    timed = [call(**{"pass": "latency", "server_times": reports(1.0)}) for _ in range(10)]
    (row,) = server_times(calls_table(*quality, *timed), 0.95)
    assert (row.pass_, row.median.estimate, row.median.n) == ("latency", 1.0, 10)


def test_each_reported_part_has_its_own_row() -> None:
    """The time of the request and that of inference are different times, even under one name."""
    both = orjson.dumps(
        {"total": {"seconds": 2.0, "of": "request"}, "model": {"seconds": 1.0, "of": "inference"}}
    ).decode()
    rows = server_times(
        calls_table(call(server_times=both), call(server_times=reports(3.0, "total", "queue"))), 0.95
    )
    found = [(row.name, row.of, row.median.n) for row in rows]
    assert found == [("total", "request", 1), ("model", "inference", 1), ("total", "queue", 1)]


def test_failed_calls_and_calls_without_report_have_no_server_time() -> None:
    """Only successful calls that report a time count."""
    rows = [call(server_times=reports(1.0), status="failed"), call()]
    assert server_times(calls_table(*rows), 0.95) == ()
