"""The result folder: paths, raw tables and documents. Only this package reads and writes them."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.results.folder import ResultFolder

__all__ = [
    "ResultFolder",
]

__getattr__ = load_on_use(__name__)
