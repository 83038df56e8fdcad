"""Random worlds of systems, some identical and some with missing queries: one output never contradicts itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.systems import run_of

from evalkit.comparison import ComparisonSet, Plan, System, order_systems
from evalkit.comparison.missing_queries import is_cut_off
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Coverage, Qrels, Run
from evalkit.results.comparison_document import DatasetComparisons
from evalkit.summaries.comparisons import compare_sets

N = 60
QRELS = Qrels({f"q{i:02}": {"r": 1, **{f"n{k}": 0 for k in range(4)}} for i in range(N)})
PLAN = Plan("s0", "nDCG@10", resamples=999)


def world(seed: int, systems: int) -> ComparisonSet:
    """Return systems of different quality; some repeat the one before, some lack a few or many queries."""
    rng = np.random.default_rng(seed)
    found: list[Run] = []
    for number in range(systems):
        tag = f"s{number}"
        if found and rng.random() < 0.25:
            run = replace(found[-1], tag=tag)
        else:
            best = rng.random(N) < rng.uniform(0.1, 0.9)
            run = run_of(
                tag,
                {
                    q: {
                        "r": 9.0 if first else float(rng.integers(0, 4)),
                        **{f"n{k}": k + 0.5 for k in range(4)},
                    }
                    for q, first in zip(QRELS.grades, best, strict=True)
                },
            )
        lost = int(rng.choice([0, 0, 0, 2, 30]))
        found.append(run.restricted_to(rng.permutation(list(QRELS.grades))[lost:].tolist()))
    metrics = parse_metrics(["nDCG@10"])
    entries = {
        run.tag: System(run.tag, run, evaluate(run, QRELS, metrics), coverage=Coverage.of(run, QRELS))
        for run in found
    }
    return ComparisonSet("d", QRELS, entries)


def check_verdicts(one: ComparisonSet, entry: DatasetComparisons) -> None:
    """Check that ties agree with the verdicts against the baseline, both ways."""
    verdicts = {row.contender: row.verdict for row in entry.comparisons}
    for name, others in entry.tied_with.items():
        assert name not in others
        assert all(name in entry.tied_with[other] for other in others), "ties are mutual"
        if is_cut_off(one, name):
            assert others == (), "nothing is known of a system whose file lacks too much"
        for other in others:
            assert {verdicts.get(name), verdicts.get(other)} != {"better", "worse"}
    for name, verdict in verdicts.items():
        tied = PLAN.baseline in entry.tied_with[name]
        assert tied == (verdict in {"not told apart", "identical"}), (name, verdict)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 12))
def test_verdicts_and_ties_agree(seed: int, systems: int) -> None:
    """No system is better than the baseline and tied with it, and no tie joins a better and a worse system."""
    one = world(seed, systems)
    (entry,) = compare_sets([one], PLAN).datasets
    check_verdicts(one, entry)
    for row in entry.comparisons:
        if row.verdict == "better":
            assert (row.p_adjusted or 0.0) <= PLAN.alpha
            assert row.baseline_mean is not None
            assert row.contender_mean is not None
            assert row.contender_mean > row.baseline_mean


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 12))
def test_an_order_has_no_cycles_and_no_claim_of_a_cut_off_file(seed: int, systems: int) -> None:
    """Who is better has the higher mean and an earlier place, and no one is both better and tied."""
    one = world(seed, systems)
    found = order_systems(one, PLAN)
    places = {name: place for place, name in enumerate(found.tied)}
    means = {name: float(system.values.of("nDCG@10").mean()) for name, system in one.systems.items()}
    for name, better in found.better.items():
        assert not set(better) & set(found.tied[name])
        for other in better:
            assert places[other] < places[name]
            assert means[other] > means[name]
            assert not {name, other} & found.unknown
