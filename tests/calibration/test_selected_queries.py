"""Whether verdicts, orders and minimums ever follow from which queries have a value, and not from the values.

Nothing differs between the systems, or the truth is known; queries are lost or unknown where a system does badly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.gates import evidence, only, rule
from support.promises import Promise
from support.worlds import DRAWS, centred_differences

from evalkit.comparison import ComparisonSet, Plan, System, compare, order_systems
from evalkit.comparison.gate_verdicts import judge_minimum
from evalkit.comparison.missing_queries import MOST_MISSING
from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Coverage, MetricValues, Qrels, Run
from evalkit.stats import holm, sign_flip

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
Values = NDArray[np.float64]
METRIC = "nDCG@10"
PLAN = Plan("a", METRIC, resamples=999)


def lossy(name: str, column: Values, lost: NDArray[np.int64]) -> System:
    """Return a system whose file lacks some queries, which count as 0."""
    ids = tuple(f"q{number}" for number in range(len(column)))
    kept = [ids[row] for row in np.setdiff1d(np.arange(len(ids)), lost)]
    values = column.copy()
    values[lost] = 0
    run = Run.from_rows(name, kept, ["d"] * len(kept), [1.0] * len(kept))
    coverage = Coverage(name, len(ids), tuple(ids[row] for row in lost), (), ())
    return System(name, run, MetricValues(name, (METRIC,), ids, values[:, None]), coverage=coverage)


@pytest.mark.parametrize(("systems", "n"), [(2, 100), (4, 100), (4, 300)])
def test_an_order_with_few_missing_queries_is_not_made_by_them(
    report_promise: Report, systems: int, n: int
) -> None:
    """No system differs; the files of some lack 5 % of the queries, those with the highest values: seldom *better*."""
    rng, world = np.random.default_rng(41), centred_differences()
    names, lost = [chr(97 + number) for number in range(systems)], int(MOST_MISSING * n)
    before = now = 0
    for _ in range(DRAWS):
        base = np.clip(rng.normal(0.6, 0.2, n), 0, 1)
        columns = [base + world[rng.integers(0, len(world), n)] / 3 for _ in names]
        gone = [np.argsort(-c)[: lost if place % 2 else 0] for place, c in enumerate(columns)]
        found = [lossy(name, c, out) for name, c, out in zip(names, columns, gone, strict=True)]
        ordered = order_systems(ComparisonSet("d", Qrels({}), {one.name: one for one in found}), PLAN)
        now += any(ordered.better.values())
        filled = [one.values.of(METRIC) for one in found]
        tested = [
            float(sign_flip((x - y)[:, None], 999).p[0]) for k, x in enumerate(filled) for y in filled[:k]
        ]
        before += bool((holm(np.array(tested)) <= PLAN.alpha).any())
    where = f"demo, {systems} systems, n = {n}, half of the files lack the best 5 %"
    report_promise(Promise(where, "false order: at most .05", before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / DRAWS)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.4])
def test_values_that_are_unknown_where_a_system_is_bad_make_no_claim(
    report_promise: Report, share: float
) -> None:
    """Nothing differs, and the contender's value is unknown on its worst queries: seldom *better*."""
    rng, world, n = np.random.default_rng(42), centred_differences(), 100
    before = now = 0
    for _ in range(DRAWS):
        baseline = np.clip(rng.normal(0.5, 0.2, n), 0, 1)
        contender = np.clip(baseline + world[rng.integers(0, len(world), n)], 0, 1)
        contender += baseline.mean() - contender.mean()
        contender[np.argsort(contender - baseline)[: round(share * n)]] = np.nan
        whole = [lossy(name, c, np.array([], int)) for name, c in (("a", baseline), ("b", contender))]
        (one,) = compare(ComparisonSet("d", Qrels({}), {each.name: each for each in whole}), PLAN)
        now += one.verdict == "better"
        known = ~np.isnan(contender)
        before += float(sign_flip((contender - baseline)[known][:, None], 999).p[0]) <= PLAN.alpha
    where = f"demo, n = {n}, unknown on the worst {share:.0%} of the queries"
    report_promise(Promise(where, "false better: at most .05", before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= 0.05


@pytest.mark.parametrize(("share", "bad"), [(0.1, 0.0), (0.3, 0.0), (0.3, 0.3)])
def test_a_minimum_is_not_passed_by_unknown_values(report_promise: Report, share: float, bad: float) -> None:
    """The mean over all queries is below the minimum, and unknown where it is bad: seldom a PASS."""
    rng, n, least = np.random.default_rng(43), 100, 0.55
    before = now = 0
    for _ in range(DRAWS):
        column = np.clip(rng.normal(0.62, 0.1, n), 0, 1)
        column[: round(share * n)] = np.nan  # where the truth is `bad`, so that the mean of all is below
        new = evidence(
            "new", {"a": MetricValues("t", (METRIC,), tuple(f"q{k}" for k in range(n)), column[:, None])}
        )
        now += only(rule(min=least), new, evidence("old", {"a": new.values["d", "a"]})).status == "PASS"
        before += judge_minimum(column[~np.isnan(column)], METRIC, least, 0.05).status == "PASS"
    assert 0.62 * (1 - share) + bad * share < least + 0.01
    where = f"n = {n}, minimum {least}, unknown on {share:.0%} with a true value of {bad:g}"
    report_promise(Promise(where, "false PASS: at most .05", before / DRAWS, now / DRAWS, DRAWS))
    assert now / DRAWS <= 0.05


@pytest.mark.parametrize("share", [0.04, 0.08, 0.3, 0.7])
def test_a_cut_off_file_of_candidates_claims_nothing_against_a_run(
    test_data: Path, report_promise: Report, share: float
) -> None:
    """Rerankers of a file that lost queries are never *worse* or *better* than a run if whole files do not say so."""
    qrels = read_qrels(test_data / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv")
    runs = {
        name: read_run(test_data / "runs" / f"dl19.{name}.top100.trec")
        for name in ("bm25", "bm25_rm3", "tasb", "ada2", "repllama", "splade_pp_ed")
    }
    rng, made, before, now, claims = np.random.default_rng(44), 0, 0, 0, 0
    for _ in range(max(60, DRAWS // 4)):
        reranked, engine = (str(name) for name in rng.permutation(list(runs))[:2])
        whole = verdict(qrels, runs[reranked], runs[engine], runs["bm25"], informed=True)
        kept = rng.permutation(list(runs["bm25"].query_ids))[round(share * 43) :].tolist()
        parts = (runs[reranked].restricted_to(kept), runs[engine], runs["bm25"].restricted_to(kept))
        found = [verdict(qrels, *parts, informed=informed) for informed in (False, True)]
        made, claims = made + 1, claims + (found[1] in {"better", "worse"})
        before += found[0] in {"better", "worse"} and found[0] != whole
        now += found[1] in {"better", "worse"} and found[1] != whole
    where = f"dl19, candidates lack {share:.0%} of the queries, against a whole run ({claims} claims)"
    claim = "claim that whole files do not make: none"
    report_promise(Promise(where, claim, before / made, now / made, made))
    assert now == 0


def verdict(qrels: Qrels, reranked: Run, engine: Run, first: Run, *, informed: bool) -> str:
    """Return the verdict on a run against a reranker; `informed` of what the file of candidates lacks."""
    metrics = parse_metrics([METRIC])
    coverage = Coverage.of(first, qrels) if informed else None
    mine = System("a", reranked, evaluate(reranked, qrels, metrics), coverage=coverage)
    theirs = System(
        "b",
        engine,
        evaluate(engine, qrels, metrics),
        own_candidates=True,
        coverage=Coverage.of(engine, qrels),
    )
    systems = {"a": mine, "b": replace(theirs)}
    (one,) = compare(ComparisonSet("d", qrels, systems, first_stage=first, depth=100), PLAN)
    return one.verdict
