"""The result folder: its paths, its raw tables and its documents, read and written here alone."""

from evalkit.results.folder import ResultFolder

__all__ = [
    "ResultFolder",
]
