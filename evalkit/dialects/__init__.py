"""Wire formats of rerank APIs: pure functions, one file each, shared by client and server."""

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
