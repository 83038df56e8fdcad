"""A stratified random sample by score, and the probabilities with which it is drawn."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from evalkit.judging.score_strata import draw_by_score
from evalkit.records import Corpus, Run

DOCS = tuple(f"d{number}" for number in range(40))
CORPUS = Corpus(DOCS, DOCS)


def run(tag: str, scores: list[float], docs: tuple[str, ...] = DOCS) -> Run:
    """Return a run of two queries with the scores of documents."""
    rows = [(f"q{q}", doc, score + q) for q in range(2) for doc, score in zip(docs, scores, strict=False)]
    queries, documents, values = zip(*rows, strict=True)
    return Run.from_rows(tag, queries, documents, values)


LINEAR = run("a", [float(number) for number in range(40)])
MIXED = run("b", [float(number * 7 % 40) for number in range(40)])


def test_the_weights_of_each_stratum_sum_to_its_size() -> None:
    """Pairs that are drawn for a system stand for all pairs of their stratum; strata have about equal sizes."""
    drawn = draw_by_score([LINEAR], CORPUS, 0, strata=5, per_stratum=4)
    (facts,) = drawn.systems
    sizes = Counter(one.strata["a"] for one in drawn.pairs)
    for number, stratum in enumerate(facts.strata):
        assert sizes[number] * (1 / stratum.probability) == pytest.approx(stratum.size)
    assert sum(stratum.size for stratum in facts.strata) == 80
    assert all(12 <= stratum.size <= 20 for stratum in facts.strata)
    ends = [(stratum.lowest, stratum.highest) for stratum in facts.strata]
    assert all(one[1] < other[0] for one, other in itertools.pairwise(ends))


def test_equal_scores_are_in_one_stratum() -> None:
    """A system with two scores has two strata at most, and all its pairs are in one of them."""
    drawn = draw_by_score([run("a", [0.0] * 30 + [5.0] * 10)], CORPUS, 0, per_stratum=3)
    assert [(one.lowest, one.highest) for one in drawn.systems[0].strata] == [(0, 0), (1, 1), (5, 5), (6, 6)]


def test_the_probabilities_are_those_of_many_draws() -> None:
    """Over seeds a pair is drawn as often as its probability says, for two systems with independent draws."""
    seeds, counts, probability = 3000, Counter[tuple[str, str]](), dict[tuple[str, str], float]()
    for seed in range(seeds):
        for one in draw_by_score([LINEAR, MIXED], CORPUS, seed, strata=4, per_stratum=3).pairs:
            counts[one.pair] += 1
            probability[one.pair] = one.probability
    assert len(probability) == 80
    z = [(counts[pair] - seeds * p) / np.sqrt(seeds * p * (1 - p)) for pair, p in probability.items()]
    assert max(map(abs, z)) < 5
    assert np.std(z) == pytest.approx(1, abs=0.35)


def test_the_draw_depends_on_seed_system_and_pairs_alone() -> None:
    """Other systems, and the order of rows, do not change it; a pair without a text is never drawn."""
    alone = draw_by_score([LINEAR], CORPUS, 3, per_stratum=2)
    both = draw_by_score([MIXED, LINEAR], CORPUS, 3, per_stratum=2)
    assert [one.pair for one in alone.pairs] == [one.pair for one in both.pairs if "a" in one.drawn_for]
    few = Corpus(DOCS[:10], DOCS[:10])
    drawn = draw_by_score([LINEAR], few, 3)
    assert {one.doc_id for one in drawn.pairs} <= set(DOCS[:10])
    assert sum(stratum.size for stratum in drawn.systems[0].strata) == 20


def test_a_system_without_scores_has_no_strata() -> None:
    """Nothing is drawn for it."""
    drawn = draw_by_score([Run.from_rows("a", [], [], [])], CORPUS, 0)
    assert drawn.systems[0].strata == ()
    assert drawn.pairs == ()
