"""The result folder: paths, raw tables and documents. Only this package reads and writes them."""

from evalkit.results.folder import ResultFolder

__all__ = [
    "ResultFolder",
]
