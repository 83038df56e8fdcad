"""Check whether a backend keeps its promises: a run checks a few, ``evalkit probe`` checks all of them."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.backend_checks.all_checks import probe
    from evalkit.backend_checks.check_calls import CheckResult
    from evalkit.backend_checks.pointwise import PointwiseCheck, check_pointwise, check_pointwise_briefly
    from evalkit.backend_checks.precision_loss import PrecisionCheck, compare_precisions
    from evalkit.backend_checks.score_dependence import DependenceCheck, ExchangedQueries, check_dependence
    from evalkit.backend_checks.score_drift import DriftCheck, check_drift

__all__ = [
    "CheckResult",
    "DependenceCheck",
    "DriftCheck",
    "ExchangedQueries",
    "PointwiseCheck",
    "PrecisionCheck",
    "check_dependence",
    "check_drift",
    "check_pointwise",
    "check_pointwise_briefly",
    "compare_precisions",
    "probe",
]

__getattr__ = load_on_use(__name__)
