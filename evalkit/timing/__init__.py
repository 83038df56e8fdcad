"""Latency: which batches under which load, in which order, and what may be said of the calls."""

from evalkit.timing.fitting import Fit, Sample, fit_cost
from evalkit.timing.holding import Held, Limit, judge_limit
from evalkit.timing.measuring import Keeper, measure, measure_arrivals
from evalkit.timing.planning import Cell, Loads, Timed, Workload, plan_arrivals, plan_cells, timed_as, without
from evalkit.timing.ratios import latency_ratio
from evalkit.timing.summarising import QUANTILES, LatencySummary, summarise_calls
from evalkit.timing.throughput import Spans, rates_by_round, throughput
from evalkit.timing.watching import RoundState, Watch

__all__ = [
    "QUANTILES",
    "Cell",
    "Fit",
    "Held",
    "Keeper",
    "LatencySummary",
    "Limit",
    "Loads",
    "RoundState",
    "Sample",
    "Spans",
    "Timed",
    "Watch",
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
