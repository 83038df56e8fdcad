"""Reranker backends. ``load_reranker`` is the way in; each backend is one file and one registry line."""

from evalkit.rerankers.base import Described, Preparable, Reranker, load_reranker, open_reranker

__all__ = ["Described", "Preparable", "Reranker", "load_reranker", "open_reranker"]
