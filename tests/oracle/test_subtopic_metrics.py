"""Metrics of judgments by subtopic: our values and those of pyndeval, called directly."""

from __future__ import annotations

import numpy as np
import pytest
from support.judged_runs import qrels_of, random_judgments, random_lists, run_of

from evalkit.metrics import evaluate
from evalkit.metrics.provided import PROVIDED

pyndeval = pytest.importorskip("pyndeval")

NAMES = {
    "alpha_DCG": "alpha-DCG",
    "alpha_nDCG": "alpha-nDCG",
    "ERR_IA": "ERR-IA",
    "nERR_IA": "nERR-IA",
    "NRBP": "NRBP",
    "nNRBP": "nNRBP",
    "AP_IA": "MAP-IA",
    "P_IA": "P-IA",
    "StRecall": "strec",
}
"""Our names -> pyndeval's."""


def test_every_subtopic_metric_is_compared() -> None:
    """The list is that of the records."""
    assert set(NAMES) == {one.name for one in PROVIDED if one.by_subtopic}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rel", [1, 2])
def test_values_are_those_of_pyndeval(name: str, seed: int, rel: int) -> None:
    """On every query to 1e-9, at several cutoffs, with unjudged documents and grades of several levels."""
    rows, lists = random_judgments(seed, queries=20), random_lists(seed, queries=20)
    rows += [(f"q{q}", "s1", "always", 3) for q in range(20)]
    rows = sorted(set(rows), key=lambda row: (row[0], row[2], row[1]))  # pyndeval breaks ties by name
    rows = list({row[:3]: row for row in rows}.values())
    cutoffs = [""] if name in {"NRBP", "nNRBP", "AP_IA"} else ["@1", "@5", "@20"]
    run = [(q, doc, -float(place)) for q, docs in lists.items() for place, doc in enumerate(docs)]
    theirs = pyndeval.RelevanceEvaluator(
        rows, [f"{NAMES[name]}{cutoff}" for cutoff in cutoffs], relevance_level=rel
    ).evaluate(run)
    for cutoff in cutoffs:
        label = f"{name}(rel={rel}){cutoff}"
        ours = evaluate(run_of(lists), qrels_of(rows), [label]).by_query(label)
        assert ours == pytest.approx({q: theirs[q][f"{NAMES[name]}{cutoff}"] for q in ours}, abs=1e-9)
        assert len(ours) == 20
        assert np.ptp(list(ours.values())) > 0


def test_parameters_are_passed_on() -> None:
    """``alpha`` and ``beta`` are those of pyndeval; ``judged_only`` shortens the lists before."""
    rows, lists = random_judgments(7), random_lists(7)
    rows = sorted(rows, key=lambda row: (row[0], row[2], row[1]))
    run = [(q, doc, -float(place)) for q, docs in lists.items() for place, doc in enumerate(docs)]
    judged = {(q, doc) for q, _, doc, _ in rows}
    for label, theirs, scored, settings in (
        ("alpha_nDCG(alpha=0.2)@10", "alpha-nDCG@10", run, {"alpha": 0.2}),
        ("NRBP(alpha=0.3,beta=0.7)", "NRBP", run, {"alpha": 0.3, "beta": 0.7}),
        ("ERR_IA(judged_only=True)@5", "ERR-IA@5", [row for row in run if row[:2] in judged], {}),
    ):
        found = pyndeval.RelevanceEvaluator(rows, [theirs], **settings).evaluate(scored)
        ours = evaluate(run_of(lists), qrels_of(rows), [label]).by_query(label)
        assert ours == pytest.approx({q: found[q][theirs] if q in found else 0.0 for q in ours}, abs=1e-9)
