"""Judges: backends that grade one document for one query. Each is one file and one line in the registry."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.judges.base import Judge, open_judge

__all__ = ["Judge", "open_judge"]

__getattr__ = load_on_use(__name__)
