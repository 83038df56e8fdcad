"""Reranker backends. ``load_reranker`` is the way in; each backend is one file and one registry line."""

from evalkit.rerankers.base import Described, Pooled, Preparable, Reranker, load_reranker, open_reranker

__all__ = ["Described", "Pooled", "Preparable", "Reranker", "load_reranker", "open_reranker"]
