"""Wire formats of rerank APIs: pure functions, one file each, shared by client and server."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.dialects.base import Dialect
    from evalkit.dialects.error_reading import read_error_message
    from evalkit.dialects.shape import Shape
    from evalkit.dialects.wire import ANY_MODEL, WireError, WireReply, WireRequest

__all__ = [
    "ANY_MODEL",
    "Dialect",
    "Shape",
    "WireError",
    "WireReply",
    "WireRequest",
    "read_error_message",
]

__getattr__ = load_on_use(__name__)
