"""One experiment: plan, execute, record. ``execute`` is the way in."""

from evalkit.experiment.execute import execute

__all__ = [
    "execute",
]
