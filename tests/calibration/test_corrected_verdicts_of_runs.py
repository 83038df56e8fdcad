"""Whether corrected verdicts on real runs are false no more often than those of people alone, whatever the judge is.

Queries of TREC DL 2019 are drawn with replacement, each copy as a query of its own with its lists and both kinds of
grades; people judge the first ones. So verdicts pass through everything that a report's comparisons pass through.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.judged_worlds import RUNS
from support.promises import Promise

from evalkit.comparison import ComparisonSet, Plan, System, compare_all
from evalkit.comparison.correction import Correction
from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate
from evalkit.records import Qrels, Run

pytestmark = pytest.mark.long

DRAWS = int(os.environ.get("EVALKIT_RESAMPLES", "100"))
HUMAN, OTHERS = 40, 200
PLAN = Plan(baseline="base", primary="nDCG@10", resamples=500)
Lists = list[tuple[str, ...]]
Grades = list[dict[str, float]]


def swapped(
    first: Run, second: Run, query_ids: Sequence[str], rng: np.random.Generator
) -> tuple[Lists, Lists]:
    """Return the lists of two systems that do not differ: each query gives its two lists in random order."""
    both = [(first.docs(q), second.docs(q)) for q in query_ids]
    turned = rng.random(len(both)) < 0.5
    pairs = [(b, a) if flip else (a, b) for (a, b), flip in zip(both, turned, strict=True)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def as_run(name: str, lists: Lists) -> Run:
    """Return lists as a run of new queries."""
    rows = [
        (f"q{n}", doc, -float(rank)) for n, docs in enumerate(lists) for rank, doc in enumerate(docs[:10])
    ]
    return Run.from_rows(name, *map(list, zip(*rows, strict=True)))  # type: ignore[arg-type]


def favouring(judged: dict[str, float], docs: tuple[str, ...], other: tuple[str, ...]) -> dict[str, float]:
    """Return the grades of a judge that gives the documents of one system alone the best grade."""
    return judged | {doc: 3.0 for doc in docs[:10] if doc not in other[:10]}


def world(base: Lists, new: Lists, people: Grades, judge: Grades) -> ComparisonSet:
    """Return two systems whose queries all have the judge's grades, and the first ones people's, too."""
    ids = [f"q{n}" for n in range(len(base))]
    by_people = Qrels(dict(zip(ids[:HUMAN], people, strict=False)))
    by_judge = Qrels(dict(zip(ids, judge, strict=True)))
    mixed = Qrels(by_judge.grades | by_people.grades)
    systems = {}
    for name, lists in (("base", base), ("new", new)):
        run = as_run(name, lists)
        systems[name] = System(name, run, evaluate(run, mixed, ["nDCG@10"]))
    correction = Correction("judge", tuple(ids[:HUMAN]), tuple(ids[HUMAN:]), by_people, by_judge)
    return ComparisonSet("d", mixed, systems, judged_by="corrected", correction=correction)


@pytest.mark.parametrize("judge", ["umbrela-gpt-4o", "binary-llama3.2", "favours one system"])
def test_no_judge_makes_false_verdicts_more_often(
    test_data: Path, report_promise: Callable[[Promise], None], judge: str
) -> None:
    """Two systems without a true difference: a verdict is false as rarely as that of people alone."""
    human = read_qrels(test_data / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv").grades
    file = judge if judge != "favours one system" else "umbrela-gpt-4o"
    machine = read_qrels(test_data / "judgments" / f"dl19.{file}.qrels").grades
    first, second = (read_run(test_data / "runs" / f"dl19.{name}.trec", name) for name in (RUNS[2], RUNS[4]))
    query_ids = [q for q in human if q in machine]
    rng = np.random.default_rng(7)
    corrected = alone = by_judge = 0
    for _ in range(DRAWS):
        chosen = [query_ids[row] for row in rng.integers(0, len(query_ids), HUMAN + OTHERS)]
        base, new = swapped(first, second, chosen, rng)
        # What no one graded has the grade 0, and a drawn query is judged completely by the judge and by people.
        unjudged = [dict.fromkeys((*a[:10], *b[:10]), 0.0) for a, b in zip(base, new, strict=True)]
        grades = [zeros | dict(machine[q]) for q, zeros in zip(chosen, unjudged, strict=True)]
        if judge == "favours one system":
            grades = [favouring(*one) for one in zip(grades, new, base, strict=True)]
        people = [zeros | dict(human[q]) for q, zeros in zip(chosen[:HUMAN], unjudged, strict=False)]
        found = world(base, new, people, grades)
        ((one,),) = compare_all([found], PLAN)
        assert one.corrected is not None
        corrected += one.verdict in {"better", "worse"}
        kept = found.correction.people if found.correction else Qrels({})
        ((plain,),) = compare_all([under(found, kept)], PLAN)
        alone += plain.verdict in {"better", "worse"}
        ((only,),) = compare_all([under(found, found.correction.judged if found.correction else kept)], PLAN)
        by_judge += only.verdict in {"better", "worse"}
    where = f"dl19 lists in random order, {judge}, {HUMAN} human, {OTHERS} others; by the judge alone"
    claim = "false verdicts of corrected comparisons (before: of the judge alone): at most .05"
    report_promise(Promise(where, claim, by_judge / DRAWS, corrected / DRAWS, DRAWS))
    slack = 2 * float(np.sqrt(2 * 0.05 * 0.95 / DRAWS))
    assert corrected <= alone + DRAWS * slack
    assert corrected / DRAWS <= 0.05 + 2 * float(np.sqrt(0.05 * 0.95 / DRAWS))


def under(found: ComparisonSet, qrels: Qrels) -> ComparisonSet:
    """Return the systems under other grades, as if these were people's."""
    systems = {
        name: replace(one, values=evaluate(one.run, qrels, ["nDCG@10"]))
        for name, one in found.systems.items()
    }
    return replace(found, qrels=qrels, systems=systems, judged_by="human", correction=None)
