"""Check datasets for problems: what is wrong, how it affects metric values, and how to fix it."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.dataset_checks.all_data_checks import LEFT_OUT, run_all_checks, run_quick_checks
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
    "run_all_checks",
    "run_quick_checks",
    "truncation",
]

__getattr__ = load_on_use(__name__)
