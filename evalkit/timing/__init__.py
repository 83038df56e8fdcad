"""Latency: which batches, in which order, and what may be said of the calls."""

from evalkit.timing.measuring import measure
from evalkit.timing.planning import Cell, Timed, plan_cells, without
from evalkit.timing.summarising import LatencySummary, summarise_calls

__all__ = ["Cell", "LatencySummary", "Timed", "measure", "plan_cells", "summarise_calls", "without"]
