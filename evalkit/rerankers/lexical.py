"""A published reranker without a neural network: the sequential dependence model.

Metzler and Croft, "A Markov Random Field Model for Term Dependencies" (SIGIR 2005): a document
is scored by the query's terms, by its adjacent pairs as exact phrases, and by the same pairs in
any order within a window of 8 terms, each with Dirichlet-smoothed estimates (Zhai and Lafferty,
SIGIR 2001). Title terms count `title_weight` times (the pseudo-frequencies of BM25F: Robertson,
Zaragoza and Taylor, CIKM 2004).

The collection's statistics come from a bundled background table, not from the request: a pair's
score depends only on the pair, so the reranker is pointwise, and returns the same scores in process
and served.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from evalkit.config import RerankerSettings
from evalkit.config.settings import Language
from evalkit.records import RerankRequest, RerankResponse, Usage
from evalkit.registry import own_code
from evalkit.text_analysis import Analyzer

WINDOW = 8
BACKGROUND_FILE = Path(__file__).with_name("lexical_background.tsv")
_NonNegative = Annotated[float, Field(ge=0, le=1e6)]


class Lexical:
    """Sequential dependence model with title weighting (Metzler and Croft 2005); no model to load."""

    pointwise = True
    score_kind = "unbounded"

    class Settings(RerankerSettings):
        """Settings of `lexical`.

        Attributes
        ----------
        term_weight, phrase_weight, window_weight
            Weights of single terms, exact pairs and unordered pairs (defaults: Metzler and Croft, 0.85, 0.10, 0.05).
        mu
            Dirichlet smoothing parameter, in terms.
        title_weight
            How many times a term in the title counts. The title is the first line of a document
            that has more than one line.
        language
            Language of queries and documents; same choices as for ``bm25``.
        """

        spreads: ClassVar[bool] = True

        backend: Literal["lexical"] = "lexical"
        term_weight: _NonNegative = 0.85
        phrase_weight: _NonNegative = 0.10
        window_weight: _NonNegative = 0.05
        mu: Annotated[float, Field(gt=0, le=1e9)] = 1000.0
        title_weight: Annotated[int, Field(ge=1, le=1_000)] = 2
        language: Language = "english"

        def proven_by(self) -> str | None:
            """Return evalkit's version: this code and the settings decide every score."""
            return own_code()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._analyzer = Analyzer(settings.language)
        self._background = load_background()

    def score(self, request: RerankRequest) -> RerankResponse:
        """Return the mean log-likelihood ratio per query term; 0 if the query has no term."""
        terms = self._analyzer.terms(request.instructed_query)
        documents = [self._count(text) for text in request.documents]
        scores = np.array([self._score(terms, document) for document in documents], dtype=np.float64)
        return RerankResponse(scores, usage=Usage(tokens=int(sum(len(terms) + d.length for d in documents))))

    def close(self) -> None:
        """Do nothing: no resources are held."""

    def _count(self, text: str) -> Document:
        title, newline, body = text.partition("\n")
        fields = [self._analyzer.terms(title)] * self._settings.title_weight if newline else []
        return Document.from_fields([*fields, self._analyzer.terms(body if newline else text)])

    def _score(self, query: list[str], document: Document) -> float:
        if not query:
            return 0.0
        weights, background = self._settings, self._background
        total = sum(weights.term_weight * self._gain(document.terms[t], background.share(t)) for t in query)
        for pair in pairwise(query):
            rare = background.rarest
            total += weights.phrase_weight * self._gain(document.phrases[pair], rare)
            if weights.window_weight:
                total += weights.window_weight * self._gain(document.windows(pair), rare)
        pairs = max(len(query) - 1, 0) * (weights.phrase_weight + weights.window_weight)
        length_penalty = math.log(weights.mu / (document.length + weights.mu))
        return (total + (len(query) * weights.term_weight + pairs) * length_penalty) / len(query)

    def _gain(self, count: int, share: float) -> float:
        """Return the log ratio of the smoothed estimate to the background's, without the length part."""
        return math.log1p(count / (self._settings.mu * share))


@dataclass(frozen=True, slots=True)
class Document:
    """Term counts of one document.

    Attributes
    ----------
    fields
        Terms of each field, e.g. of title and body.
    terms, phrases
        Counts of terms, and of adjacent pairs of terms.
    length
        Number of terms.
    """

    fields: tuple[tuple[str, ...], ...]
    terms: Counter[str]
    phrases: Counter[tuple[str, str]]
    length: int
    _places: list[dict[str, list[int]]] = field(default_factory=list)
    _windows: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Iterable[list[str]]) -> Document:
        """Return the counts of terms and adjacent pairs; pairs do not cross the border of a field."""
        all_fields = tuple(tuple(terms) for terms in fields)
        counts = Counter(term for terms in all_fields for term in terms)
        phrases = Counter(pair for terms in all_fields for pair in pairwise(terms))
        return cls(all_fields, counts, phrases, counts.total())

    def windows(self, pair: tuple[str, str]) -> int:
        """Return how often both terms occur within `WINDOW` terms, in any order."""
        first, second = pair
        if not self.terms[first] or not self.terms[second]:
            return 0
        if pair not in self._windows:
            if not self._places:
                self._places.extend(map(_places_of, self.fields))
            self._windows[pair] = sum(
                _close_pairs(places.get(first, []), places.get(second, [])) for places in self._places
            )
        return self._windows[pair]


def _places_of(terms: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, term in enumerate(terms):
        places.setdefault(term, []).append(place)
    return places


def _close_pairs(ones: Sequence[int], others: Sequence[int]) -> int:
    """Return the number of pairs of positions less than `WINDOW` apart.

    Both sequences ascend. If they are the same object, a position is not paired with itself.
    """
    near = sum(bisect_left(others, one + WINDOW) - bisect_right(others, one - WINDOW) for one in ones)
    return near - len(ones) if ones is others else near


@dataclass(frozen=True, slots=True)
class Background:
    """Term frequencies of a background collection.

    Attributes
    ----------
    counts
        Term -> occurrences.
    total
        Occurrences of all terms.
    """

    counts: Mapping[str, int]
    total: int

    @property
    def rarest(self) -> float:
        """The share of a term that is not in the table: half an occurrence."""
        return 0.5 / self.total

    def share(self, term: str) -> float:
        """Return a term's share of all occurrences."""
        count = self.counts.get(term)
        return count / self.total if count else self.rarest


def count_background(texts: Iterable[str]) -> Background:
    """Return the term counts of texts; a test checks that the bundled table is that of the demo texts."""
    analyzer = Analyzer("english")
    counts = Counter(term for text in texts for term in analyzer.terms(text))
    return Background(counts, counts.total())


@cache
def load_background() -> Background:
    """Return the bundled table (one ``term  count`` per line), made from the demo collection's texts."""
    rows = (line.split("\t") for line in BACKGROUND_FILE.read_text(encoding="utf-8").splitlines())
    counts = {term: int(count) for term, count in rows}
    return Background(counts, sum(counts.values()))
