"""Wire formats of rerank APIs: pure functions, one file each, shared by client and server."""

from evalkit.dialects.base import Dialect, WireError, WireReply, WireRequest

__all__ = ["Dialect", "WireError", "WireReply", "WireRequest"]
