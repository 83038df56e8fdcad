"""Documents of TREC DL 2019 are judged until a sign is settled: in the active and in random order."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from support.dl19_runs import RUN_FILES

from evalkit.comparison.settling import Settling, settling
from evalkit.formats import read_run
from evalkit.metrics import evaluate
from evalkit.records import Qrels, Run

METRIC = "nDCG@10"
HIGHEST = 3.0
AT_ONCE = 10
ORDERS = 1
"""Random orders of each pair of systems, of which the mean counts."""
Pair = tuple[str, str]
Grades = Mapping[str, Mapping[str, float]]


def first_ten(path: Path, tag: str, grades: Grades) -> Run:
    """Return the first ten documents of each judged query."""
    whole = read_run(path)
    rows = [
        (query_id, doc_id, -float(rank))
        for query_id in whole.query_ids
        if query_id in grades
        for rank, doc_id in enumerate(whole.docs(query_id)[:10])
    ]
    return Run.from_rows(tag, *map(list, zip(*rows, strict=True)))


def read_grades(collection: Path) -> dict[str, dict[str, float]]:
    """Return the grades of NIST."""
    grades: dict[str, dict[str, float]] = {}
    for line in (collection / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query_id, doc_id, grade = line.split("\t")
        grades.setdefault(query_id, {})[doc_id] = float(grade)
    return grades


def judged(pairs: Sequence[Pair], grades: Grades) -> Qrels:
    """Return the judgments of some pairs; a document that NIST did not judge is not relevant."""
    found: dict[str, dict[str, float]] = {}
    for query_id, doc_id in pairs:
        found.setdefault(query_id, {})[doc_id] = grades[query_id].get(doc_id, 0.0)
    return Qrels(found)


def difference(one: Run, other: Run, qrels: Qrels) -> float:
    """Return the mean difference."""
    values = [evaluate(system, qrels, [METRIC]).values for system in (one, other)]
    return float((values[1] - values[0]).mean())


def judge_until_settled(
    one: Run, other: Run, grades: Grades, order: Sequence[Pair] | None = None
) -> tuple[int, float]:
    """Return the number of judgments and the sign, in an order or in that of `settling`; all if it never stops."""
    pool = pool_of(one, other)
    done: list[Pair] = []
    while len(done) < len(pool):
        found: Settling = settling(one, other, judged(done, grades), METRIC, HIGHEST)
        if found.is_settled:
            return len(done), float(np.sign(found.difference))
        done += found.pairs[:AT_ONCE] if order is None else order[len(done) : len(done) + AT_ONCE]
    return len(pool), float(np.sign(difference(one, other, judged(pool, grades))))


def pool_of(one: Run, other: Run) -> list[Pair]:
    """Return the documents of both systems."""
    return sorted(
        {(query_id, doc) for run in (one, other) for query_id in run.query_ids for doc in run.docs(query_id)}
    )


@pytest.mark.long
def test_the_active_order_needs_a_third_of_the_judgments(test_data: Path) -> None:
    """All grades hidden at first, 21 pairs of systems, one stopping rule for both orders, looks after ten judgments.

    At most a third of the judgments of random order (median over pairs), and the sign of all judgments in at least 20
    pairs: of those of the two systems, and of all that NIST made.
    """
    grades = read_grades(test_data / "collections" / "trec-dl19-pool")
    runs = {tag: first_ten(test_data / "runs" / name, tag, grades) for tag, name in RUN_FILES.items()}
    rng = np.random.default_rng(11)
    ratios, met, met_nist, met_random = [], 0, 0, 0
    for one, other in combinations(runs.values(), 2):
        pool = pool_of(one, other)
        sign = np.sign(difference(one, other, judged(pool, grades)))
        active, active_sign = judge_until_settled(one, other, grades)
        orders = [[pool[row] for row in rng.permutation(len(pool))] for _ in range(ORDERS)]
        random = [judge_until_settled(one, other, grades, order) for order in orders]
        needed = float(np.mean([count for count, _ in random]))
        ratios.append(active / needed)
        met += active_sign == sign
        met_nist += active_sign == np.sign(difference(one, other, Qrels(grades)))
        met_random += sum(found == sign for _, found in random)
        sys.stdout.write(
            f"{one.tag} {other.tag}: {active} of {len(pool)}, random {needed:.0f}: {ratios[-1]:.2f}\n"
        )
    sys.stdout.write(
        f"median {np.median(ratios):.3f}; signs met {met} of {len(ratios)}, of all of NIST {met_nist};"
        f" in random order {met_random} of {ORDERS * len(ratios)}\n"
    )
    assert np.median(ratios) <= 1 / 3
    assert met >= 20
    assert met_nist >= 20
