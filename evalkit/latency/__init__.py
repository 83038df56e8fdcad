"""Latency: which batches under which load, in which order, and what may be said of the calls."""

from evalkit.latency.cost_fit import Fit, Sample, fit_cost
from evalkit.latency.machine import MachineMonitor, RoundState
from evalkit.latency.measurement import Keeper, measure, measure_arrivals
from evalkit.latency.percentiles import QUANTILES, LatencySummary, summarise_calls
from evalkit.latency.ratios import latency_ratio
from evalkit.latency.slo import Limit, SloResult, judge_limit
from evalkit.latency.throughput import Spans, rates_by_round, throughput
from evalkit.latency.workloads import (
    LatencyCell,
    Loads,
    Timed,
    Workload,
    plan_arrivals,
    plan_cells,
    timed_as,
    without,
)

__all__ = [
    "QUANTILES",
    "Fit",
    "Keeper",
    "LatencyCell",
    "LatencySummary",
    "Limit",
    "Loads",
    "MachineMonitor",
    "RoundState",
    "Sample",
    "SloResult",
    "Spans",
    "Timed",
    "Workload",
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
    "timed_as",
    "without",
]
