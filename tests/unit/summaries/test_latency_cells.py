"""Figures of timed calls: counts, quantiles, parts of a call, throughput and warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_tables import call, calls_table, timed_call

from evalkit.config import LatencySettings, ServerSettings
from evalkit.results.summary_document import LatencyRow
from evalkit.results.timed_calls import cells_of
from evalkit.stats import quantile_interval
from evalkit.summaries.latency_cells import latency_rows

SETTINGS = LatencySettings(calls=40, confidence=0.9)


def rows_of(*calls: dict[str, Any], settings: LatencySettings | None = SETTINGS) -> tuple[LatencyRow, ...]:
    """Return the rows of a table of calls."""
    return latency_rows(cells_of(calls_table(*calls)), settings)


def row_of(*calls: dict[str, Any], settings: LatencySettings | None = SETTINGS) -> LatencyRow:
    """Return the row of calls that are all in one cell."""
    (row,) = rows_of(*calls, settings=settings)
    return row


def steady(count: int, seconds: float = 1.0, **changes: Any) -> list[dict[str, Any]]:
    """Return calls of equal latency, six rounds of them."""
    return [timed_call(i, seconds, **{"round": i % 6} | changes) for i in range(count)]


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=80))
def test_quantiles_are_those_of_the_plain_list_of_seconds(seconds: list[float]) -> None:
    """Every call has its own query: intervals at least as wide as order statistics, none with too few calls."""
    row = row_of(*[timed_call(i, s, round=i % 6) for i, s in enumerate(seconds)])
    latencies = np.array([(100.0 * i + s) - 100.0 * i for i, s in enumerate(seconds)])
    for p, name in ((0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99")):
        quantile, expected = row.quantiles[name], quantile_interval(latencies, p, 0.9)
        found = quantile.interval
        assert (found.estimate, found.n, found.confidence) == (
            expected.estimate,
            expected.n,
            expected.confidence,
        )
        assert (found == expected) == (quantile.decided_by != "rounds")
        if found.lower is not None and expected.lower is not None:
            assert found.lower <= expected.lower
            assert (found.upper or 0.0) >= (expected.upper or 0.0)
        assert (found.estimate is None) == (len(seconds) < row.quantiles[name].needs)
    assert row.max_s == pytest.approx(latencies.max())
    assert (row.calls, row.queries, row.failed) == (len(seconds), len(seconds), 0)


def test_calls_of_few_rounds_have_no_interval() -> None:
    """Three rounds do not show how much rounds differ, however many calls they have."""
    row = row_of(*[timed_call(i, 1.0, round=i % 3) for i in range(200)])
    assert {(one.estimate, one.missing, one.decided_by) for one in (row.p50_s, row.p95_s)} == {
        (None, "rounds", None)
    }
    assert row.p99_s.missing == "calls"


def test_rounds_that_differ_widen_an_interval() -> None:
    """Equal calls within rounds of 1 to 2 s have a median whose interval is that of the rounds."""
    row = row_of(*[timed_call(i, 1.0 + (i % 6) / 5, round=i % 6) for i in range(120)])
    seconds = np.array([1.0 + (i % 6) / 5 for i in range(120)])
    plain = quantile_interval(seconds, 0.5, 0.9)
    assert row.p50_s.decided_by == "rounds"
    assert (row.p50_s.interval.upper or 0) > (plain.upper or 0)


def test_failed_calls_are_counted_and_have_no_latency() -> None:
    """The slowest call failed: it is neither in the quantiles nor the maximum."""
    row = row_of(*steady(20), timed_call(20, 90.0, status="failed"))
    assert (row.calls, row.failed, row.max_s, row.queries) == (21, 1, 1.0, 20)
    assert row.p50_s.estimate == 1.0


def test_if_all_calls_fail_every_figure_is_unknown() -> None:
    """Unknown figures are None and never 0."""
    row = row_of(*steady(6, status="failed"))
    assert (row.calls, row.failed, row.queries) == (6, 6, 0)
    figures = (row.max_s, row.p50_s.estimate, row.calls_per_s.estimate, row.documents_per_s.estimate)
    assert figures == (None,) * 4
    assert (row.parts.client, row.parts.waiting, row.parts.server) == (None,) * 3


def test_no_timed_calls_have_no_rows() -> None:
    """Calls of the quality pass and of warm-ups alone are no cells."""
    assert rows_of() == ()
    assert rows_of(call(), call(**{"pass": "warmup"})) == ()


def test_retried_attempts_are_no_calls() -> None:
    """A call counts once, by its last attempt; earlier attempts are counted apart."""
    row = row_of(timed_call(0, 9.0, status="retried"), timed_call(0, 1.0, attempt=2))
    assert (row.calls, row.retried, row.max_s) == (1, 1, 1.0)


@pytest.mark.parametrize(
    ("changes", "scenario", "loop"),
    [
        ({}, "single_stream", "closed"),
        ({"concurrency": 4}, "offline", "closed"),
        ({"concurrency": None, "rate_per_s": 3.0}, "server", "open"),
    ],
)
def test_the_load_names_the_scenario(changes: dict[str, Any], scenario: str, loop: str) -> None:
    """One call in flight, several in flight, or arrivals at a rate, as in MLPerf."""
    row = row_of(*steady(6, **changes))
    assert (row.scenario, row.loop) == (scenario, loop)
    assert row.is_plain == (loop == "closed")


def test_each_load_of_each_reranker_and_dataset_is_a_row() -> None:
    """Two datasets, two batch sizes and two length buckets of one reranker are separate cells, in a fixed order."""
    loads = [
        {"dataset": dataset, "batch_size": size, "length_bucket": bucket}
        for dataset in ("b", "a")
        for size in (20, 10)
        for bucket in (2, None)
    ]
    rows = rows_of(*[timed_call(i, 1.0, **load) for i, load in enumerate(loads)])
    assert [(row.dataset, row.length_bucket, row.batch_size) for row in rows] == [
        (dataset, bucket, size) for dataset in ("a", "b") for bucket in (None, 2) for size in (10, 20)
    ]
    assert all(row.calls == 1 for row in rows)


def test_response_times_of_an_open_loop_begin_when_the_call_is_due() -> None:
    """A call that started 2 s late and took 1 s has a response time of 3 s."""
    late = [
        timed_call(i, 1.0, concurrency=None, rate_per_s=1.0, start_s=100.0 * i + 2, end_s=100.0 * i + 3)
        for i in range(8)
    ]
    assert row_of(*late).p50_s.estimate == pytest.approx(3.0)
    closed = [one | {"concurrency": 1, "rate_per_s": None, "round": i % 6} for i, one in enumerate(late)]
    assert row_of(*closed).p50_s.estimate == pytest.approx(1.0)


def over_network(number: int, **changes: Any) -> dict[str, Any]:
    """Return a call with a time for each of its stations."""
    at = 100.0 * number
    stations = {
        "encoded_s": at + 1,
        "sent_s": at + 3,
        "headers_s": at + 7,
        "body_s": at + 15,
        "end_s": at + 16,
    }
    return timed_call(number, 16.0, **stations | {"server_s": 3.0} | changes)


def test_the_parts_of_a_call_add_up() -> None:
    """Client, sending, waiting and receiving are the whole call; without the server's time the wire is left."""
    parts = row_of(*[over_network(i) for i in range(5)]).parts
    assert parts.client == pytest.approx(1 + 1)
    assert (parts.sending, parts.waiting, parts.receiving) == pytest.approx((2, 4, 8))
    assert (parts.server, parts.wire) == pytest.approx((3, 14 - 3))


def test_parts_are_medians_of_the_calls_that_report_them() -> None:
    """Calls without a server time do not count as 0; calls within the process have no parts at all."""
    rows = [over_network(0, server_s=1.0), over_network(1, server_s=5.0), over_network(2, server_s=None)]
    assert row_of(*rows).parts.server == 3.0
    inside = row_of(*steady(6)).parts
    assert (inside.client, inside.sending, inside.waiting, inside.wire) == (None,) * 4


def test_throughput_counts_calls_documents_and_tokens_between_replies() -> None:
    """Replies one second apart: one call, ten documents and fifty tokens a second, n counts rounds."""
    calls = [
        timed_call(10 * r + i, 1.0, round=r, start_s=1000.0 * r + i, end_s=1000.0 * r + i + 1, tokens=50)
        for r in range(6)
        for i in range(10)
    ]
    row = row_of(*calls)
    assert row.tokens_per_s is not None
    rates = (row.calls_per_s, row.documents_per_s, row.tokens_per_s)
    assert [rate.estimate for rate in rates] == pytest.approx([1, 10, 50])
    assert {rate.n for rate in rates} == {6}


def test_tokens_per_second_need_the_tokens_of_every_call() -> None:
    """If one successful call does not report its tokens the rate is unknown; a failed call does not matter."""
    calls = steady(12, tokens=50)
    assert row_of(*calls, timed_call(12, 1.0, status="failed")).tokens_per_s is not None
    assert row_of(*calls, timed_call(12, 1.0)).tokens_per_s is None


def test_connections_and_filled_batches_are_counted() -> None:
    """New connections count where connections are known; filled batches have documents of the collection."""
    row = row_of(
        timed_call(0, 1.0, conn_reused=False),
        timed_call(1, 1.0, conn_reused=True, filled=3),
        timed_call(2, 1.0),
    )
    assert (row.connections_opened, row.filled_calls) == (1, 1)
    assert row_of(timed_call(0, 1.0)).connections_opened is None


def test_characters_are_per_document() -> None:
    """The median over calls of characters divided by the batch size; unknown where no call counts them."""
    rows = [timed_call(i, 1.0, document_characters=count) for i, count in enumerate((1000, 2000, 9000))]
    assert row_of(*rows).characters_per_document == 200
    assert row_of(*steady(3, document_characters=None)).characters_per_document is None


@pytest.mark.parametrize(
    ("settings", "changes", "asked"),
    [
        (None, {}, None),
        (SETTINGS, {}, 40),
        (SETTINGS.model_copy(update={"server": ServerSettings(calls=7)}), {}, 40),
        (
            SETTINGS.model_copy(update={"server": ServerSettings(calls=7)}),
            {"rate_per_s": 1.0, "concurrency": None},
            7,
        ),
        (
            SETTINGS.model_copy(update={"server": ServerSettings()}),
            {"rate_per_s": 1.0, "concurrency": None},
            40,
        ),
    ],
)
def test_the_configuration_says_how_many_calls_there_should_be(
    settings: LatencySettings | None, changes: dict[str, Any], asked: int | None
) -> None:
    """An open loop may have a number of its own; without a configuration it is unknown."""
    row = row_of(*steady(6, **changes), settings=settings)
    assert row.asked == asked
    assert row.confidence == (0.95 if settings is None else 0.9)


def warm(number: int, seconds: float, **changes: Any) -> dict[str, Any]:
    """Return a warm-up call of a cell, before the timed ones."""
    at = -1000.0 + number
    row = {"pass": "warmup", "round": None, "scheduled_s": at, "start_s": at, "end_s": at + seconds}
    return timed_call(0, seconds, **row | changes)


def test_warm_up_calls_are_counted_and_not_timed() -> None:
    """The first one shows a cold start; calls that keep up a round's load are no warm-up of the cell."""
    row = row_of(*steady(6), warm(0, 5.0), warm(1, 1.0), warm(2, 1.0, round=3), warm(3, 1.0, status="failed"))
    assert (row.calls, row.warmup_calls, row.first_call_s) == (6, 2, 5.0)
    assert row.flags == ("cold start: the first call took 5.0 times the median",)
    assert row_of(*steady(6)).first_call_s is None


def flags_of(*calls: dict[str, Any]) -> str:
    """Return the first words of all warnings."""
    return " ".join(flag.partition(":")[0] for flag in row_of(*calls).flags)


def test_steady_calls_have_no_warning() -> None:
    """Equal latencies on time: nothing to report, in a closed and in an open loop."""
    assert row_of(*steady(30)).flags == ()
    assert row_of(*steady(30, rate_per_s=1.0, concurrency=None)).flags == ()


def test_each_kind_of_trouble_has_its_warning() -> None:
    """Drift, noise between rounds, queueing, overload and outliers; overload in an open loop only."""
    rising = [timed_call(i, 1.0 + 0.02 * i, round=0) for i in range(40)]
    assert flags_of(*rising) == "drift"
    assert flags_of(*[one | {"rate_per_s": 1.0, "concurrency": None} for one in rising]) == "overloaded"
    noisy = [timed_call(i, [1.0, 1.5, 0.8, 1.3][i % 4], round=i % 4) for i in range(24)]
    assert flags_of(*noisy) == "noisy"
    waited = [timed_call(i, 1.0, start_s=100.0 * i + 0.5, end_s=100.0 * i + 1.5, round=0) for i in range(12)]
    assert flags_of(*waited) == "queueing"
    assert flags_of(*steady(30), timed_call(30, 50.0, round=0)) == "1 outlier"


def test_a_second_attempt_is_not_queueing() -> None:
    """It starts late because the first one failed, not because this process was busy."""
    again = [timed_call(i, 1.0, start_s=100.0 * i + 5, end_s=100.0 * i + 6, attempt=2) for i in range(12)]
    assert row_of(*again).flags == ()


def test_figures_of_the_load_generator_are_withheld() -> None:
    """Counts, failures and the time spent in this process remain; the flag names the cause; nothing is a failure."""
    remote = {"harness_delay_s": 0.02, "harness_cpu": 0.5}
    calls = [
        timed_call(i, 0.1, round=i % 6, **remote, **dict.fromkeys(("encoded_s",), 100.0 * i))
        for i in range(40)
    ]
    row = row_of(*calls)
    assert {quantile.missing for quantile in row.quantiles.values()} == {"harness"}
    assert {quantile.estimate for quantile in row.quantiles.values()} == {None}
    assert (row.max_s, row.calls_per_s.estimate, row.documents_per_s.estimate) == (None, None, None)
    assert (row.calls, row.failed) == (40, 0)
    assert row.flags[0].startswith("the load generator was the bottleneck: its threads resumed 20 ms late")
    in_process = [one | {"encoded_s": None} for one in calls]
    assert row_of(*in_process).p50_s.estimate is not None


def test_a_load_that_was_not_there_is_withheld() -> None:
    """Calls that are half of their time with the server are four of eight in flight; the wait before a retry, or for
    the rate, is before the start of a call.
    """
    calls = [
        timed_call(
            i,
            0.2,
            round=i % 6,
            concurrency=8,
            attempt=1 + i % 2,
            scheduled_s=100.0 * i - 50,
            encoded_s=100.0 * i + 0.05,
            body_s=100.0 * i + 0.15,
            harness_delay_s=0.0,
            harness_cpu=0.5,
        )
        for i in range(40)
    ]
    row = row_of(*calls)
    assert row.p50_s.missing == "harness"
    assert "only 4.0 of 8 calls were in flight" in row.flags[0]
    full = [one | {"encoded_s": one["start_s"], "body_s": one["end_s"]} for one in calls]
    assert row_of(*full).p50_s.estimate is not None
