"""Measure latency: plan and time the calls, and compute percentiles, throughput, cost fits and flags."""

from evalkit.latency.cost_fit import Fit, Sample, fit_cost
from evalkit.latency.machine import MachineMonitor, RoundState
from evalkit.latency.measurement import MeasurementSink, measure, measure_arrivals
from evalkit.latency.percentiles import QUANTILES, LatencySummary, summarise_calls
from evalkit.latency.ratios import latency_ratio
from evalkit.latency.slo import Limit, SloResult, judge_limit
from evalkit.latency.throughput import Spans, rates_by_round, throughput
from evalkit.latency.workloads import (
    CallKey,
    LatencyCell,
    Loads,
    Workload,
    call_key,
    plan_arrivals,
    plan_cells,
    without_finished,
)

__all__ = [
    "QUANTILES",
    "CallKey",
    "Fit",
    "LatencyCell",
    "LatencySummary",
    "Limit",
    "Loads",
    "MachineMonitor",
    "MeasurementSink",
    "RoundState",
    "Sample",
    "SloResult",
    "Spans",
    "Workload",
    "call_key",
    "fit_cost",
    "judge_limit",
    "latency_ratio",
    "measure",
    "measure_arrivals",
    "plan_arrivals",
    "plan_cells",
    "rates_by_round",
    "summarise_calls",
    "throughput",
    "without_finished",
]
