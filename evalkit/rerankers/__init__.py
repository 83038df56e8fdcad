"""Reranker backends. ``load_reranker`` is the way in; each backend is one file and one registry line."""

from evalkit.rerankers.base import Preparable, Reranker, load_reranker, open_reranker

__all__ = ["Preparable", "Reranker", "load_reranker", "open_reranker"]
