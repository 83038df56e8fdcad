"""Whether a sign is settled on these queries, and which document is judged next."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalkit.comparison.settling import FEWEST_JUDGED, SETTLED, settling
from evalkit.records import Qrels, Run

DEPTH = 10


def run(tag: str, lists: dict[str, list[str]]) -> Run:
    """Return a run of lists, best first."""
    rows = [(query, doc, -float(rank)) for query, docs in lists.items() for rank, doc in enumerate(docs)]
    return Run.from_rows(tag, *map(list, zip(*rows, strict=True)))


def two_runs(queries: int) -> tuple[Run, Run]:
    """Return two runs that share half of their documents."""
    first = {f"q{number:02}": [f"d{rank}" for rank in range(DEPTH)] for number in range(queries)}
    other = {query: [f"d{rank}" for rank in range(14, 4, -1)] for query in first}
    return run("a", first), run("b", other)


def world(rng: np.random.Generator, queries: int) -> dict[str, dict[str, float]]:
    """Return grades that are independent, and not better in either run."""
    return {
        f"q{number:02}": {f"d{rank}": float(rng.choice(4, p=[0.5, 0.2, 0.2, 0.1])) for rank in range(15)}
        for number in range(queries)
    }


def some_of(grades: dict[str, dict[str, float]], rng: np.random.Generator, share: float) -> Qrels:
    """Return the judgments of a random share of the documents."""
    return Qrels(
        {
            query: {doc: grade for doc, grade in docs.items() if rng.random() < share}
            for query, docs in grades.items()
        }
    )


def difference(grades: dict[str, dict[str, float]], one: Run, other: Run) -> float:
    """Return the final mean difference in nDCG@10, in which a query without a relevant document has none."""

    def dcg(values: list[float]) -> float:
        return sum(value / math.log2(rank + 2) for rank, value in enumerate(values[:DEPTH]))

    found = []
    for query, docs in grades.items():
        ideal = dcg(sorted(docs.values(), reverse=True)) or 1.0
        values = [dcg([docs[doc] for doc in system.docs(query)]) for system in (one, other)]
        found.append((values[1] - values[0]) / ideal)
    return float(np.mean(found))


@pytest.mark.long
def test_the_sign_comes_true_as_often_as_stated() -> None:
    """In 300 worlds of the model: those with a probability around p have the sign in about p of cases."""
    rng = np.random.default_rng(7)
    one, other = two_runs(4)
    stated, came = [], []
    for _ in range(300):
        grades = world(rng, 4)
        found = settling(one, other, some_of(grades, rng, 0.6), "nDCG@10", 3.0)
        if found.probability is not None:
            stated.append(found.probability)
            came.append(difference(grades, one, other) * found.difference > 0)
    assert len(stated) > 250
    assert np.mean(came) == pytest.approx(np.mean(stated), abs=0.06)
    sure = np.array(came)[np.array(stated) >= SETTLED]
    assert sure.mean() >= SETTLED - 0.03


def test_first_comes_the_document_that_reduces_the_variance_most() -> None:
    """Without judgments: those at the first rank of one run only, and last those at nearly the same rank of both."""
    one, other = two_runs(2)
    found = settling(one, other, Qrels({}), "nDCG@10", 3.0)
    assert set(found.pairs[:4]) == {("q00", "d0"), ("q00", "d14"), ("q01", "d0"), ("q01", "d14")}
    assert list(found.weights) == sorted(found.weights, reverse=True)
    assert (found.probability, found.more, found.is_settled) == (None, None, False)
    assert len(found.pairs) == 30


def test_with_all_judged_the_sign_is_certain() -> None:
    """The difference is the true one, its deviation 0, and no judgment is left."""
    rng = np.random.default_rng(1)
    one, other = two_runs(4)
    grades = world(rng, 4)
    found = settling(one, other, Qrels(grades), "nDCG@10", 3.0)
    assert found.difference == pytest.approx(difference(grades, one, other))
    assert (found.pairs, found.deviation, found.probability, found.more) == ((), 0.0, 1.0, 0)
    same = settling(one, one, Qrels(grades), "nDCG@10", 3.0)
    assert (same.probability, same.difference) == (None, 0.0)


def test_the_judgments_to_go_are_fewer_than_all() -> None:
    """With the expected difference kept, so many more in this order would settle the sign: fewer than all."""
    rng = np.random.default_rng(3)
    one, other = two_runs(10)
    found = settling(one, other, some_of(world(rng, 10), rng, 0.3), "nDCG@10", 3.0)
    assert found.probability is not None
    assert found.probability < SETTLED
    assert found.more is not None
    assert 0 < found.more < len(found.pairs)


@pytest.mark.parametrize("metric", ["P@5", "RR@10", "AP", "ERR@10", "nDCG(dcg='exp-log2')@10"])
def test_every_metric_is_settled(metric: str) -> None:
    """The probability and the order hold for metrics that are no sum of gains, too."""
    rng = np.random.default_rng(5)
    one, other = two_runs(6)
    found = settling(one, other, some_of(world(rng, 6), rng, 0.5), metric, 3.0)
    assert found.probability is not None
    assert 0.5 <= found.probability <= 1
    assert np.isfinite(found.weights).all()


def test_few_judgments_say_nothing() -> None:
    """The first probability comes with the twentieth judged document."""
    one, other = two_runs(2)
    docs = [(f"q0{number}", f"d{rank}") for number in range(2) for rank in range(15)]
    for count in (FEWEST_JUDGED - 1, FEWEST_JUDGED):
        grades: dict[str, dict[str, float]] = {}
        for place, (query, doc) in enumerate(docs[:count]):
            grades.setdefault(query, {})[doc] = float(place % 3)
        found = settling(one, other, Qrels(grades), "nDCG@10", 3.0)
        assert (found.probability is None) == (count < FEWEST_JUDGED)
