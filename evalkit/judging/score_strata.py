"""A random sample of all candidates by their scores, from which thresholds can be chosen.

A pool within a cutoff holds the documents with the highest scores only, so it says nothing of a threshold that lower
scores pass. Here each system's candidates of all queries, down to the deepest rank, are put in strata of about equal
size by score, and a fixed number of pairs is drawn at random from each. The draws of several systems are independent.
A pair that is drawn with probability p stands for 1 / p pairs (Horvitz and Thompson, JASA 1952). The unit is the pair,
but pairs of one query are not independent: variances need clusters of queries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.judging.judged_pairs import Pair
from evalkit.records import Corpus, Run

STRATA = 10
PER_STRATUM = 20


@dataclass(frozen=True, slots=True)
class Stratum:
    """Candidates of one system with scores in a range.

    Attributes
    ----------
    lowest, highest
        Their lowest and highest score.
    size, drawn
        Number of its pairs, and of those that were drawn.
    """

    lowest: float
    highest: float
    size: int
    drawn: int

    @property
    def probability(self) -> float:
        """The probability that a pair of it is drawn."""
        return self.drawn / self.size


@dataclass(frozen=True, slots=True)
class SystemStrata:
    """The strata of one system, from the lowest scores to the highest.

    Attributes
    ----------
    system
        Its tag.
    seed
        Seed of the draws.
    strata
        Without pairs that have no text.
    """

    system: str
    seed: int
    strata: tuple[Stratum, ...]


@dataclass(frozen=True, slots=True)
class DrawnPair:
    """A pair that was drawn for at least one system.

    Attributes
    ----------
    probability
        The probability that any system draws it: 1 - the product of (1 - the probability of each system).
    strata
        Tag -> number of its stratum, from 0, for each system that has the pair, drawn for it or not.
    drawn_for
        Tags of the systems that drew it.
    """

    query_id: str
    doc_id: str
    probability: float
    strata: dict[str, int]
    drawn_for: tuple[str, ...]

    @property
    def pair(self) -> Pair:
        """The query and the document."""
        return self.query_id, self.doc_id


@dataclass(frozen=True, slots=True)
class StratifiedDraw:
    """The draws of all systems."""

    systems: tuple[SystemStrata, ...]
    pairs: tuple[DrawnPair, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Strata:
    """The pairs of one system, their strata, and which were drawn."""

    facts: SystemStrata
    stratum_of: dict[Pair, int]
    drawn: frozenset[Pair]

    def probability(self, pair: Pair) -> float:
        number = self.stratum_of.get(pair)
        return 0.0 if number is None else self.facts.strata[number].probability


def draw_by_score(
    runs: Iterable[Run],
    corpus: Corpus,
    seed: int,
    strata: int = STRATA,
    per_stratum: int = PER_STRATUM,
) -> StratifiedDraw:
    """Return a random sample of the candidates of each system, stratified by score.

    Parameters
    ----------
    runs
        The scores of each system, whose tags differ.
    corpus
        The texts: a pair without one is in no stratum.
    seed
        Seed of all draws.
    strata
        Number of strata of a system; fewer if scores are equal, as equal scores are never in two strata.
    per_stratum
        Pairs drawn from each stratum, or all of a smaller one.
    """
    found = [_draw(run, corpus, seed, strata, per_stratum) for run in runs]
    drawn = sorted(frozenset[Pair]().union(*(one.drawn for one in found)))
    pairs = tuple(
        DrawnPair(
            *pair,
            probability=1 - float(np.prod([1 - one.probability(pair) for one in found])),
            strata={one.facts.system: one.stratum_of[pair] for one in found if pair in one.stratum_of},
            drawn_for=tuple(one.facts.system for one in found if pair in one.drawn),
        )
        for pair in drawn
    )
    return StratifiedDraw(tuple(one.facts for one in found), pairs)


def _draw(run: Run, corpus: Corpus, seed: int, strata: int, per_stratum: int) -> _Strata:
    rows = [
        (query_id, doc_id, score)
        for query_id, docs, scores in run
        for doc_id, score in zip(docs, scores, strict=True)
        if doc_id in corpus
    ]
    pairs: list[Pair] = [(query_id, doc_id) for query_id, doc_id, _ in rows]
    scores = np.array([score for *_, score in rows], dtype=np.float64)
    number = _strata_of(scores, strata)
    name = int.from_bytes(hashlib.sha256(run.tag.encode("utf-8", "surrogatepass")).digest()[:8])
    rng = np.random.default_rng([seed, name])
    order = sorted(range(len(pairs)), key=pairs.__getitem__)  # the draw does not depend on the order of rows
    facts: list[Stratum] = []
    drawn: set[Pair] = set()
    for stratum in range(int(number.max(initial=-1)) + 1):
        inside = [row for row in order if number[row] == stratum]
        taken = rng.choice(len(inside), min(per_stratum, len(inside)), replace=False)
        drawn.update(pairs[inside[place]] for place in taken.tolist())
        of_stratum = scores[inside]
        facts.append(Stratum(float(of_stratum.min()), float(of_stratum.max()), len(inside), len(taken)))
    of_pair = dict(zip(pairs, number.tolist(), strict=True))
    return _Strata(SystemStrata(run.tag, seed, tuple(facts)), of_pair, frozenset(drawn))


def _strata_of(scores: NDArray[np.float64], strata: int) -> NDArray[np.int64]:
    """Return the ``(n,)`` number of each score's stratum; numbers without a score are not used."""
    if not len(scores):
        return np.zeros(0, dtype=np.int64)
    ordered = np.sort(scores)
    starts: Sequence[float] = ordered[[len(scores) * part // strata for part in range(1, strata)]].tolist()
    edges = np.unique(np.array(starts, dtype=np.float64))
    _, numbers = np.unique(np.searchsorted(edges, scores, side="right"), return_inverse=True)
    return np.asarray(numbers, dtype=np.int64)
