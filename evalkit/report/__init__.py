"""Everything derived from raw: values, summary, runs, tables, plots, pages. ``rebuild`` is the way in."""

from evalkit.report.rebuild import rebuild

__all__ = ["rebuild"]
