"""Whether the data can carry the figures: what is wrong with a dataset, what it does to values, what to do."""

from evalkit.dataset_checks.all_data_checks import LEFT_OUT, look_closely, look_quickly
from evalkit.dataset_checks.check_input import CheckInput
from evalkit.dataset_checks.findings import SEVERITIES, DataFinding, by_severity
from evalkit.dataset_checks.lengths import Reading, truncation
from evalkit.dataset_checks.text_stats import TextStats

__all__ = [
    "LEFT_OUT",
    "SEVERITIES",
    "CheckInput",
    "DataFinding",
    "Reading",
    "TextStats",
    "by_severity",
    "look_closely",
    "look_quickly",
    "truncation",
]
