"""evalkit: compare, regression-test and tune rerankers on your own data, with error bars.

Importing this package is cheap; every name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.config import load_config
    from evalkit.datasets import load_dataset
    from evalkit.errors import EvalkitError, EvalkitWarning
    from evalkit.metrics import evaluate
    from evalkit.records import Qrels, Run
    from evalkit.rerankers import load_reranker
    from evalkit.workflows.compare import compare
    from evalkit.workflows.gate import gate
    from evalkit.workflows.result import Result, load_result
    from evalkit.workflows.run import run
    from evalkit.workflows.tune import tune_all, tune_calibration, tune_depth, tune_threshold

__version__ = "0.1.0"
IMPORTED_NS = time.time_ns()
"""When this process imported evalkit, in nanoseconds since 1970: files that change later are not what it runs."""

_HOMES = {
    "EvalkitError": "evalkit.errors",
    "EvalkitWarning": "evalkit.errors",
    "Qrels": "evalkit.records",
    "Result": "evalkit.workflows.result",
    "Run": "evalkit.records",
    "compare": "evalkit.workflows.compare",
    "evaluate": "evalkit.metrics",
    "gate": "evalkit.workflows.gate",
    "load_config": "evalkit.config",
    "load_dataset": "evalkit.datasets",
    "load_reranker": "evalkit.rerankers",
    "load_result": "evalkit.workflows.result",
    "run": "evalkit.workflows.run",
    "tune_all": "evalkit.workflows.tune",
    "tune_calibration": "evalkit.workflows.tune",
    "tune_depth": "evalkit.workflows.tune",
    "tune_threshold": "evalkit.workflows.tune",
}

__all__ = [
    "EvalkitError",
    "EvalkitWarning",
    "Qrels",
    "Result",
    "Run",
    "__version__",
    "compare",
    "evaluate",
    "gate",
    "load_config",
    "load_dataset",
    "load_reranker",
    "load_result",
    "run",
    "tune_all",
    "tune_calibration",
    "tune_depth",
    "tune_threshold",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home the first time it is used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'evalkit' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
