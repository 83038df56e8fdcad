"""Whether the traffic mean and the distinct-query mean of sampled queries are those of the whole log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise
from support.worlds import Values

from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import SHARES, ValueRange
from evalkit.stats import DrawnWeights, mean_interval, weighted_mean
from evalkit.workflows.query_sampling import Design, DrawSettings, design_of, draw

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
DRAWS = 1000
CLAIM = "{} mean of a log, drawn by {}: 95 % interval holds it, at least .93"
CHANGES = ValueRange(-1, 1)


@dataclass(frozen=True, eq=False)
class Log:
    """A log of which every value is known."""

    frequency: Values
    values: Values
    limits: ValueRange = SHARES
    clusters: NDArray[np.int64] | None = None


def zipf(size: int, exponent: float) -> Values:
    """Return whole frequencies that fall with the rank; the last ones are 1."""
    return np.ceil(size / 8 / np.arange(1, size + 1) ** exponent)


def made(kind: str, size: int = 20_000, exponent: float = 1.0) -> Log:
    """Return a log whose values depend on frequency."""
    rng = np.random.default_rng(5)
    frequency = zipf(size, exponent)
    height = np.log(frequency) / np.log(frequency).max()
    if kind == "depends":
        return Log(frequency, np.clip(0.2 + 0.6 * height + rng.normal(0, 0.2, size), 0, 1))
    if kind == "sparse":
        return Log(frequency, (rng.random(size) < 0.05 + 0.2 * height) * rng.random(size))
    if kind == "0 or 1":
        return Log(frequency, (rng.random(size) < 0.3 + 0.4 * height).astype(float))
    if kind == "differences":
        changed = rng.random(size) < 0.4
        return Log(
            frequency, np.clip(0.25 * height - 0.1 + rng.normal(0, 0.3, size), -1, 1) * changed, CHANGES
        )
    clusters = rng.integers(0, size // 20, size)
    shared = rng.normal(0, 0.15, size // 20)[clusters]
    values = np.clip(0.5 + shared + 0.1 * height + rng.normal(0, 0.1, size), 0, 1)
    return Log(frequency, values, SHARES, clusters)


def real(folder: Path, copies: int, *, difference: bool) -> Log:
    """Return a log with the values of SciFact's queries for a real reranker, several queries for each of them.

    Frequencies are made: the first queries of the file are the most frequent ones.
    """
    qrels = read_qrels(folder / "collections" / "scifact" / "qrels" / "test.tsv")
    columns = []
    for name in ("ms-marco-MiniLM-L-6-v2", "all-MiniLM-L6-v2"):
        run = read_run(folder / "runs" / f"scifact.bm25-top100.rerank-{name}.trec", name)
        columns.append(evaluate(run, qrels, parse_metrics(["nDCG@10"])).of("nDCG@10"))
    values = np.tile(columns[0] - columns[1] if difference else columns[0], copies)
    return Log(zipf(len(values), 0.9), values, CHANGES if difference else SHARES)


def checked(world: str, log: Log, design: Design, queries: int, report: Report) -> None:
    """Draw many samples; check that both means are unbiased and that their intervals hold."""
    settings = DrawSettings(queries, design)
    probabilities, strata = design_of(log.frequency, settings)
    codes = np.unique(strata, return_inverse=True)[1]
    truths = {
        "traffic": float(log.frequency @ log.values / log.frequency.sum()),
        "distinct-query": float(log.values.mean()),
    }
    if design == "distinct":
        del truths["traffic"]  # it has no interval; see test_skewed_frequencies
    found: dict[str, list[tuple[float, bool, bool]]] = {name: [] for name in truths}
    for seed in range(DRAWS):
        rows = draw(probabilities, strata, DrawSettings(queries, design, seed))
        values, inclusion = log.values[rows], probabilities[rows]
        clusters = None if log.clusters is None else np.unique(log.clusters[rows], return_inverse=True)[1]
        plain = mean_interval(values)
        for name, truth in truths.items():
            weights = (log.frequency[rows] if name == "traffic" else 1.0) / inclusion
            stratum = np.unique(codes[rows], return_inverse=True)[1]
            one = weighted_mean(
                values, DrawnWeights(weights, inclusion, stratum, clusters), limits=log.limits
            )
            assert one.estimate is not None
            assert one.lower is not None, "the worlds have enough effective queries"
            assert one.upper is not None
            assert plain.lower is not None
            assert plain.upper is not None
            holds = one.lower <= truth <= one.upper, plain.lower <= truth <= plain.upper
            found[name].append((one.estimate, *holds))
    for name, truth in truths.items():
        estimates, held, held_plain = np.array(found[name], dtype=float).T
        bias, error = estimates.mean() - truth, estimates.std() / np.sqrt(DRAWS)
        world_with_bias = (
            f"{world}, n = {queries}: {truth:.3f}, bias {bias:+.4f} of deviation {estimates.std():.3f}"
        )
        report(
            Promise(
                world_with_bias,
                CLAIM.format(name, design),
                float(held_plain.mean()),
                float(held.mean()),
                DRAWS,
            )
        )
        # A ratio has a bias of a lower order than its error.
        assert abs(bias) <= 4 * error + 0.05 * estimates.std()
        assert held.mean() >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / DRAWS)


@pytest.mark.parametrize("design", ["frequency", "strata", "distinct"])
@pytest.mark.parametrize("kind", ["depends", "sparse", "0 or 1", "differences", "clusters"])
def test_made_logs(report_promise: Report, kind: str, design: Design) -> None:
    """20,000 queries, of which 200 are drawn; the traffic mean of "distinct" has no interval and is not drawn."""
    checked(f"values: {kind}", made(kind), design, 200, report_promise)


@pytest.mark.parametrize("exponent", [0.6, 0.8, 1.3])
@pytest.mark.parametrize("design", ["frequency", "strata"])
def test_other_exponents(report_promise: Report, exponent: float, design: Design) -> None:
    """From flat logs to logs of which a few queries have most of the traffic."""
    checked(f"Zipf {exponent:g}", made("depends", exponent=exponent), design, 200, report_promise)


@pytest.mark.parametrize("difference", [False, True])
@pytest.mark.parametrize(("copies", "queries"), [(1, 100), (20, 150)])
@pytest.mark.parametrize("design", ["frequency", "strata", "distinct"])
def test_real_values(
    report_promise: Report, test_data: Path, design: Design, copies: int, queries: int, *, difference: bool
) -> None:
    """Per-query nDCG@10 of a real reranker on SciFact, and its differences to another one."""
    world = f"SciFact x {copies}, {'differences' if difference else 'nDCG@10'}"
    checked(world, real(test_data, copies, difference=difference), design, queries, report_promise)
