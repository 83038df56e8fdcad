"""Stop words of the languages that have a list in bm25s."""

from __future__ import annotations

from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_LISTS = {
    "english": "STOPWORDS_EN",
    "danish": "STOPWORDS_DANISH",
    "dutch": "STOPWORDS_DUTCH",
    "french": "STOPWORDS_FRENCH",
    "german": "STOPWORDS_GERMAN",
    "italian": "STOPWORDS_ITALIAN",
    "norwegian": "STOPWORDS_NORWEGIAN",
    "portuguese": "STOPWORDS_PORTUGUESE",
    "russian": "STOPWORDS_RUSSIAN",
    "spanish": "STOPWORDS_SPANISH",
    "swedish": "STOPWORDS_SWEDISH",
    "turkish": "STOPWORDS_TURKISH",
}
"""Language -> name of its list; the English one is Lucene's."""


def stop_words(language: str) -> frozenset[str]:
    """Return the stop words of a language; none for one without a list."""
    name = _LISTS.get(language)
    return frozenset(getattr(_all_lists(), name)) if name else frozenset()


def all_stop_words() -> frozenset[str]:
    """Return the stop words of all languages that have a list."""
    return frozenset[str]().union(*map(stop_words, _LISTS))


@cache
def _all_lists() -> ModuleType:
    """Return the module of bm25s with the lists, without bm25s: its import of scipy.sparse takes 0.1 s."""
    package = find_spec("bm25s")
    spec = PathFinder.find_spec("stopwords", package.submodule_search_locations) if package else None
    if spec is None or spec.loader is None:
        raise ImportError("bm25s.stopwords is missing: install bm25s again")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
