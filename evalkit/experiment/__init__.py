"""One experiment: plan, execute, record. The entry point is `execute`."""

from evalkit.experiment.execute import execute

__all__ = [
    "execute",
]
