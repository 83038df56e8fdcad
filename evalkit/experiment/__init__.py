"""One experiment: plan, execute, record. ``execute`` is the way in; `ResultFolder` knows every path."""

from evalkit.experiment.execute import execute
from evalkit.experiment.folder import ResultFolder

__all__ = ["ResultFolder", "execute"]
