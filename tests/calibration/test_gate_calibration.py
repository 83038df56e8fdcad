"""Whether the gate errs as often as it says, on differences as real queries give them.

The differences of real pairs of systems are taken for the whole world of queries: centred, then shifted to
a true mean, and drawn from with replacement. ``pytest -s`` prints the table that the documents quote;
``EVALKIT_RESAMPLES`` draws more than the 2,000 of a usual run.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from evalkit.comparison import pair
from evalkit.comparison.gate_verdicts import decide_drop
from evalkit.config import RetrieverSettings, validate_block
from evalkit.datasets import load_dataset
from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Run
from evalkit.retrievers import open_retriever, retrieve_candidates
from evalkit.stats import mean_interval, quantile_interval, sample_size_for_quantile

RESAMPLES = int(os.environ.get("EVALKIT_RESAMPLES", "2000"))
ALPHA = 0.05
METRIC = "nDCG@10"
ROOT = Path(__file__).parents[2]


def _differences(baseline: Run, contender: Run, qrels_file: Path) -> NDArray[np.float64]:
    qrels = read_qrels(qrels_file)
    values = [evaluate(run, qrels, parse_metrics([METRIC])) for run in (baseline, contender)]
    return pair(values[0], values[1], METRIC).differences


def _demo() -> NDArray[np.float64]:
    """Return the differences of BM25 and a dense bi-encoder on the bundled collection."""
    dataset = load_dataset("demo")
    settings = validate_block("retriever kind", {"kind": "bm25"})
    assert isinstance(settings, RetrieverSettings)
    baseline = retrieve_candidates(open_retriever(settings, dataset), dataset, 100)
    contender = read_run(next((ROOT / "configs").glob("quickstart*.trec.gz")))
    values = [evaluate(run, dataset.qrels, parse_metrics([METRIC])) for run in (baseline, contender)]
    return pair(values[0], values[1], METRIC).differences


def _worlds(test_data: Path) -> Iterator[tuple[str, NDArray[np.float64]]]:
    runs = test_data / "runs"
    scifact = test_data / "collections" / "scifact" / "qrels" / "test.tsv"
    dl19 = test_data / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv"
    minilm = read_run(runs / "scifact.bm25-top100.rerank-ms-marco-MiniLM-L-6-v2.trec")
    yield (
        "scifact: two MiniLMs",
        _differences(read_run(runs / "scifact.bm25-top100.rerank-all-MiniLM-L6-v2.trec"), minilm, scifact),
    )
    yield (
        "dl19: SPLADE and TAS-B",
        _differences(
            read_run(runs / "dl19.splade_pp_ed.top100.trec"), read_run(runs / "dl19.tasb.top100.trec"), dl19
        ),
    )
    yield (
        "dl19: BM25 and RankVicuna",
        _differences(
            read_run(runs / "dl19.bm25.top100.trec"),
            read_run(runs / "dl19.bm25.rerank-rankvicuna-7b.trec"),
            dl19,
        ),
    )


def _verdicts(world: NDArray[np.float64], true: float, margin: float, n: int, seed: int) -> Counter[str]:
    """Judge many samples of `n` queries from a world whose mean difference is `true`."""
    rng = np.random.default_rng(seed)
    centred = world - world.mean() + true
    return Counter(
        decide_drop(centred[rng.integers(0, len(centred), n)], margin, ALPHA)[0] for _ in range(RESAMPLES)
    )


def _errors(rate: float) -> float:
    """Return two standard errors of a share of the resamples."""
    return 2 * float(np.sqrt(rate * (1 - rate) / RESAMPLES))


def _expected_fail(world: NDArray[np.float64], n: int, margin: float) -> float:
    """Return how often a loss of twice the margin fails if means were normal."""
    shift = margin / (float(world.std()) / np.sqrt(n))
    return float(stats.nct.sf(stats.t.ppf(1 - ALPHA, n - 1), n - 1, shift))


def _table(name: str, world: NDArray[np.float64], n: int) -> list[str]:
    """Judge one world at three true differences, and check the promises."""
    margin = 2.5 * float(world.std()) / np.sqrt(n)  # so that there is something to find
    shares = {}
    for place, true in enumerate((-margin, 0.0, -2 * margin)):
        counts = _verdicts(world, true, margin, n, place)
        shares[place] = {status: counts[status] / RESAMPLES for status in ("PASS", "FAIL", "CANNOT TELL")}
    at_margin, at_zero, at_twice = shares[0], shares[1], shares[2]
    expected = _expected_fail(world, n, margin)
    line = (
        f"{name:28} n={n:4}  margin {margin:.3f}  at -margin PASS {at_margin['PASS']:.3f}"
        f"  at 0 FAIL {at_zero['FAIL']:.3f} PASS {at_zero['PASS']:.3f}"
        f"  at -2 margin FAIL {at_twice['FAIL']:.3f} (expected {expected:.3f})"
    )
    assert at_zero["FAIL"] <= ALPHA + _errors(ALPHA), line
    assert at_margin["PASS"] <= ALPHA + _errors(ALPHA), line
    assert at_twice["FAIL"] == pytest.approx(expected, abs=_errors(expected) + 0.03), line
    return [line]


def test_the_gate_errs_as_often_as_it_says_on_the_bundled_collection() -> None:
    """A loss of just the margin passes, and an equal version fails, in at most one of twenty cases."""
    sys.stdout.write("\n" + "\n".join(_table("demo: BM25 and MiniLM", _demo(), 96)) + "\n")


def test_the_gate_errs_as_often_as_it_says_on_real_rankings(test_data: Path) -> None:
    """The same for real pairs of systems, over as many queries as they have, and over more."""
    lines = [
        line
        for name, world in _worlds(test_data)
        for n in (len(world), 1000)
        for line in _table(name, world, n)
    ]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


def test_intervals_of_means_cover_what_they_promise() -> None:
    """95 % intervals of mean differences hold the true mean in 93 to 97 % of the samples."""
    world = _demo()
    rng = np.random.default_rng(1)
    for n in (50, 96, 300):
        held = 0
        for _ in range(RESAMPLES):
            interval = mean_interval(world[rng.integers(0, len(world), n)])
            assert interval.lower is not None
            assert interval.upper is not None
            held += interval.lower <= world.mean() <= interval.upper
        sys.stdout.write(f"\nmeans, n={n}: {held / RESAMPLES:.3f} of the 95 % intervals hold the mean")
        assert 0.93 <= held / RESAMPLES <= 0.97


@pytest.mark.parametrize("p", [0.5, 0.9, 0.95])
def test_intervals_of_quantiles_have_their_exact_coverage(p: float) -> None:
    """Order statistics cover by a binomial distribution, whatever the latencies are."""
    n = max(120, sample_size_for_quantile(p))
    rng = np.random.default_rng(2)
    true = float(stats.lognorm.ppf(p, 0.7))
    sample = np.sort(rng.lognormal(sigma=0.7, size=n))
    one = quantile_interval(sample, p)
    assert one.lower is not None
    assert one.upper is not None
    low, high = (int(np.searchsorted(sample, bound)) + 1 for bound in (one.lower, one.upper))
    exact = float(stats.binom.cdf(high - 1, n, p) - stats.binom.cdf(low - 1, n, p))
    held = 0
    for _ in range(RESAMPLES):
        interval = quantile_interval(rng.lognormal(sigma=0.7, size=n), p)
        held += (interval.lower or 0.0) <= true <= (interval.upper or 0.0)
    sys.stdout.write(f"\np{p * 100:g}, n={n}: {held / RESAMPLES:.3f} hold, exactly {exact:.3f}")
    assert held / RESAMPLES == pytest.approx(exact, abs=_errors(exact))
    assert exact >= 0.95
