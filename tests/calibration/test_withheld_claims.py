"""Whether a claim survives judgments from one system's pool, and failures that are not random.

Each real claim of one system over another is made with judgments of the first ranks of a third one, and compared with
the difference under all judgments.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from support.promises import Promise
from support.systems import failing
from support.worlds import DRAWS, centred_differences, set_of_values

from evalkit.comparison import ComparisonSet, Plan, System, compare
from evalkit.comparison.plan import Comparison
from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Qrels, Run
from evalkit.stats import sign_flip
from evalkit.summaries.comparisons import compare_sets

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
METRIC = "nDCG@10"
CLAIMS = ("better", "worse")
SYSTEMS = ("ada2", "bm25", "bm25_rm3", "repllama", "splade_pp_ed", "tasb")


@pytest.fixture(scope="module")
def judged(test_data: Path) -> Qrels:
    """Return the judgments of the TREC Deep Learning track 2019."""
    return read_qrels(test_data / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv")


@pytest.fixture(scope="module")
def runs(test_data: Path) -> Mapping[str, Run]:
    """Return six real runs of different kinds."""
    return {name: read_run(test_data / "runs" / f"dl19.{name}.top100.trec") for name in SYSTEMS}


def pooled(judged: Qrels, run: Run, depth: int) -> Qrels:
    """Return the judgments of the first documents of one run; queries without any are left out."""
    kept = {
        query_id: {doc: grade for doc, grade in docs.items() if doc in set(run.docs(query_id)[:depth])}
        for query_id, docs in judged.grades.items()
    }
    return Qrels({query_id: docs for query_id, docs in kept.items() if docs})


def compared(
    qrels: Qrels, runs: Mapping[str, Run], baseline: str, metric: str = METRIC
) -> tuple[Comparison, ...]:
    """Return the comparisons of all runs with a baseline."""
    systems = {
        name: System(name, run, evaluate(run, qrels, parse_metrics([metric]))) for name, run in runs.items()
    }
    (entry,) = compare_sets(
        [ComparisonSet("dl19", qrels, systems)], Plan(baseline, metric, resamples=999)
    ).datasets
    return entry.comparisons


def claims(
    judged: Qrels, runs: Mapping[str, Run], depth: int, metric: str
) -> Iterator[tuple[Comparison, Comparison]]:
    """Yield each comparison under pooled judgments, with the same under all judgments."""
    for baseline, pool_of in itertools.product(("bm25", "tasb"), runs):
        whole = {one.contender: one for one in compared(judged, runs, baseline, metric)}
        for one in compared(pooled(judged, runs[pool_of], depth), runs, baseline, metric):
            yield one, whole[one.contender]


@pytest.mark.parametrize(("metric", "depth"), [("nDCG@10", 5), ("nDCG@10", 10), ("nDCG@10", 20), ("AP", 20)])
def test_pools_of_one_system_make_no_false_claim(
    judged: Qrels, runs: Mapping[str, Run], report_promise: Report, metric: str, depth: int
) -> None:
    """With the judgments of one system's first documents no claim has the wrong sign."""
    now = before = wrong = wrong_before = 0
    for one, whole in claims(judged, runs, depth, metric):
        opposite = (one.difference or 0.0) * (whole.difference or 0.0) < 0
        significant = (one.p_adjusted or 1.0) <= 0.05
        before, wrong_before = before + significant, wrong_before + (significant and opposite)
        if one.verdict in CLAIMS:
            now, wrong = now + 1, wrong + opposite
    where = f"dl19, {metric}, judgments of one run's first {depth}, {before} significant differences"
    claim = "claim has the wrong sign: at most .05"
    report_promise(Promise(where, claim, wrong_before / before, wrong / max(now, 1), before))
    assert wrong_before > 0, "the world does not contain the fault"
    assert wrong == 0


def test_full_judgments_keep_their_claims(judged: Qrels, runs: Mapping[str, Run]) -> None:
    """Under all judgments no claim is withheld, and the dense systems are better than BM25."""
    found = {one.contender: one.verdict for one in compared(judged, runs, "bm25")}
    assert {found[name] for name in ("ada2", "repllama", "splade_pp_ed", "tasb")} == {"better"}


def test_the_incumbents_pool_never_keeps_it(judged: Qrels, runs: Mapping[str, Run]) -> None:
    """With only BM25's first documents judged, every dense system is undecided, never worse."""
    for depth in (5, 10, 20):
        found = compared(pooled(judged, runs["bm25"], depth), runs, "bm25")
        dense = {one.verdict for one in found if one.contender != "bm25_rm3"}
        assert dense == {"undecided: unjudged documents"}, depth


@pytest.mark.parametrize(("share", "both"), [(0.05, False), (0.15, False), (0.3, False), (0.15, True)])
def test_failures_on_the_worst_queries_make_no_claim(
    report_promise: Report, share: float, *, both: bool
) -> None:
    """Nothing differs, and a contender, or both systems, fail on its worst queries: seldom *better*."""
    rng, world, n = np.random.default_rng(9), centred_differences(), 96
    now = before = 0
    failed = round(share * n)
    for _ in range(DRAWS):
        baseline = np.clip(rng.normal(0.5, 0.2, n), 0, 1)
        contender = np.clip(baseline + world[rng.integers(0, len(world), n)], 0, 1)
        contender += baseline.mean() - contender.mean()
        worst = np.argsort(contender - baseline)[:failed]
        kept = np.setdiff1d(np.arange(n), worst)
        found = failing(set_of_values({"a": baseline, "b": contender}), "b", worst.tolist())
        found = failing(found, "a", worst.tolist()) if both else found
        (one,) = compare(found, Plan("a", METRIC, resamples=999))
        now += one.verdict == "better"
        before += float(sign_flip((contender - baseline)[kept][:, None], 999).p[0]) <= 0.05
    where = f"demo, n = {n}, the worst {share:.0%} of the queries fail{' in both systems' if both else ''}"
    report_promise(Promise(where, "false better: at most .05", before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= 0.05
