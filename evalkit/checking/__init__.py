"""Whether a backend keeps its promises: the runner asks a sample, ``evalkit probe`` asks everything."""

from evalkit.checking.drift import DriftCheck, check_drift
from evalkit.checking.findings import Finding
from evalkit.checking.pointwise import PointwiseCheck, check_pointwise
from evalkit.checking.precision import PrecisionCheck, compare_precisions
from evalkit.checking.probe import probe

__all__ = [
    "DriftCheck",
    "Finding",
    "PointwiseCheck",
    "PrecisionCheck",
    "check_drift",
    "check_pointwise",
    "compare_precisions",
    "probe",
]
