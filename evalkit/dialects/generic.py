"""Any API without a dialect of its own: the configuration names its keys."""

from __future__ import annotations

from evalkit.dialects.base import Dialect
from evalkit.dialects.shape import Shape


class Generic(Dialect):
    """Any other rerank API: name its keys under ``shape:``.

    Parameters
    ----------
    shape
        Where the API keeps its parts; the names that most APIs use where None.
    key_header, key_prefix
        How it takes its key.
    is_sorted
        Whether its list comes best first.
    """

    served_under_name = False

    def __init__(
        self,
        shape: Shape | None = None,
        key_header: str = "Authorization",
        key_prefix: str = "Bearer ",
        *,
        is_sorted: bool = True,
    ) -> None:
        self.shape = shape or Shape()
        self.key_header = key_header
        self.key_prefix = key_prefix
        self.sorted = is_sorted
