"""Measure latency: plan and time the calls, and compute percentiles, throughput, cost fits and flags."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.latency.cost_fit import Fit, Sample, fit_cost
    from evalkit.latency.machine import MachineMonitor, RoundState
    from evalkit.latency.measurement import MeasurementSink, measure, measure_arrivals
    from evalkit.latency.percentiles import QUANTILES, Basis, LatencyQuantile, LatencySummary, summarise_calls
    from evalkit.latency.ratios import latency_ratio
    from evalkit.latency.round_effects import (
        MIN_GROUPS,
        OPEN_PARTS,
        Blocks,
        calls_per_group,
        consecutive_parts,
    )
    from evalkit.latency.slo import (
        CALLS_NEAR_CAPACITY,
        Limit,
        SloResult,
        judge_limit,
        passed_in_order,
        without_pass_near_capacity,
    )
    from evalkit.latency.throughput import Spans, rates_by_round
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
    "CALLS_NEAR_CAPACITY",
    "MIN_GROUPS",
    "OPEN_PARTS",
    "QUANTILES",
    "Basis",
    "Blocks",
    "CallKey",
    "Fit",
    "LatencyCell",
    "LatencyQuantile",
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
    "calls_per_group",
    "consecutive_parts",
    "fit_cost",
    "judge_limit",
    "latency_ratio",
    "measure",
    "measure_arrivals",
    "passed_in_order",
    "plan_arrivals",
    "plan_cells",
    "rates_by_round",
    "summarise_calls",
    "without_finished",
    "without_pass_near_capacity",
]

__getattr__ = load_on_use(__name__)
