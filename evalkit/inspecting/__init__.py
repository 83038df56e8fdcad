"""Whether the data can carry the figures: what is wrong with a dataset, what it does to values, what to do."""

from evalkit.inspecting.census import Census
from evalkit.inspecting.findings import SEVERITIES, DataFinding, by_severity
from evalkit.inspecting.inspect import LEFT_OUT, look_closely, look_quickly
from evalkit.inspecting.lengths import Reading, truncation
from evalkit.inspecting.material import Material

__all__ = [
    "LEFT_OUT",
    "SEVERITIES",
    "Census",
    "DataFinding",
    "Material",
    "Reading",
    "by_severity",
    "look_closely",
    "look_quickly",
    "truncation",
]
