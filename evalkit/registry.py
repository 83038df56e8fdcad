"""Kind and name -> class, without importing any of them before it is asked for.

A built-in is one line in `BUILTIN`. Values are ``module:Class``, so that listing names costs
nothing and a heavy backend is imported only where it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from evalkit.errors import UnknownNameError

BUILTIN: Mapping[str, Mapping[str, str]] = {
    "dataset source": {
        "beir_folder": "evalkit.datasets.beir_folder:BeirFolder",
        "demo": "evalkit.datasets.demo:Demo",
        "hub": "evalkit.datasets.hub:Hub",
        "trec_files": "evalkit.datasets.trec_files:TrecFiles",
    },
    "retriever kind": {
        "bm25": "evalkit.retrievers.bm25:Bm25",
    },
    "reranker backend": {
        "bi_encoder": "evalkit.rerankers.bi_encoder:BiEncoder",
        "http": "evalkit.rerankers.http:Http",
        "identity": "evalkit.rerankers.identity:Identity",
        "lexical": "evalkit.rerankers.lexical:Lexical",
        "replay": "evalkit.rerankers.replay:Replay",
    },
    "dialect": {
        "assisters": "evalkit.dialects.assisters:Assisters",
    },
}


def names(kind: str) -> tuple[str, ...]:
    """Return the names registered under a kind, sorted."""
    return tuple(sorted(BUILTIN[kind]))


def lookup(kind: str, name: str) -> Any:
    """Return the class registered under a kind and a name.

    Raises
    ------
    UnknownNameError
        If no such name is registered; the hint holds the nearest one.
    """
    try:
        target = BUILTIN[kind][name]
    except KeyError:
        raise UnknownNameError(kind, name, BUILTIN[kind]) from None
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
