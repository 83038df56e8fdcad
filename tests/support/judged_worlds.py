"""Worlds of queries with values under human grades and under those of a judge, real and made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.metrics.sweep import sweep_depths
from evalkit.stats import CorrectedMeans

Values = NDArray[np.float64]
Sample = tuple[Values, Values]
"""Values under human grades, and under those of the judge, of the same shape."""

JUDGES = ("umbrela-gpt-4", "umbrela-gpt-4o", "binary-gpt-4", "binary-gpt-4o", "binary-llama3.2")
RUNS = (
    "ada2.top100",
    "bm25.rerank-rankvicuna-7b",
    "bm25.top100",
    "bm25_rm3.top100",
    "repllama.top100",
    "splade_pp_ed.top100",
    "tasb.top100",
)
DEPTHS = (1, 2, 5, 10, 20, 50, 100)
COLUMNS = 40
"""Columns of made worlds: each is a draw of its own."""


@cache
def _dl19(folder: Path, qrels_file: Path) -> dict[str, Values]:
    """Return query -> nDCG@10 of the seven runs."""
    qrels, metrics = read_qrels(qrels_file), parse_metrics(["nDCG@10"])
    columns: dict[str, list[float]] = {}
    for name in RUNS:
        found = evaluate(read_run(folder / "runs" / f"dl19.{name}.trec", name), qrels, metrics)
        for query_id, value in zip(found.query_ids, found.of("nDCG@10").tolist(), strict=True):
            columns.setdefault(query_id, []).append(value)
    return {query_id: np.array(values) for query_id, values in columns.items()}


def dl19_systems(folder: Path, judge: str) -> Sample:
    """Return the ``(43, 7)`` values of seven runs of TREC DL 2019 under NIST's grades and under a judge's."""
    human = _dl19(folder, folder / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv")
    judged = _dl19(folder, folder / "judgments" / f"dl19.{judge}.qrels")
    return np.array(list(human.values())), np.array([judged[query_id] for query_id in human])


def dl19_pairs(folder: Path, judge: str) -> Sample:
    """Return the ``(43, 21)`` differences of all pairs of the runs."""
    pairs = list(combinations(range(len(RUNS)), 2))
    human, judged = (
        np.column_stack([values[:, b] - values[:, a] for a, b in pairs])
        for values in dl19_systems(folder, judge)
    )
    return human, judged


def dl19_depths(folder: Path, judge: str) -> Sample:
    """Return ``(43, d)`` values of a reranker of BM25's candidates at `DEPTHS`, under NIST's grades and a judge's."""
    first = read_run(folder / "runs" / "dl19.bm25.top100.trec")
    reranked = read_run(folder / "runs" / "dl19.bm25.rerank-rankvicuna-7b.trec")
    metrics, found = parse_metrics(["nDCG@10"]), []
    for file in ("collections/trec-dl19-pool/qrels/test.tsv", f"judgments/dl19.{judge}.qrels"):
        swept = sweep_depths(first, reranked, read_qrels(folder / file), metrics, DEPTHS[-1], "kept")
        values = swept.of("nDCG@10")[:, np.array(DEPTHS) - 1]
        found.append(dict(zip(swept.query_ids, values, strict=True)))
    human, judged = found
    return np.array(list(human.values())), np.array([judged[query_id] for query_id in human])


def drawn(world: Sample, rng: np.random.Generator, human: int, others: int) -> Sample:
    """Return values of queries drawn with replacement: ``(n, k)`` of people, and ``(n + N, k)`` of the judge."""
    rows = rng.integers(0, len(world[0]), human + others)
    return world[0][rows[:human]], world[1][rows]


Draw = Callable[[np.random.Generator, int], Sample]
"""Returns the values of a number of queries, in `COLUMNS` columns."""


def normal(correlation: float) -> Draw:
    """Return a world of normal differences with a mean of 0."""

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        human, noise = rng.normal(size=(2, rows, COLUMNS))
        return human, correlation * human + np.sqrt(1 - correlation**2) * noise

    return draw


def skewed(rng: np.random.Generator, rows: int) -> Sample:
    """Return log-normal values, and a judge that is off by a factor; the mean is `SKEWED_MEAN`."""
    human = np.exp(rng.normal(size=(rows, COLUMNS)))
    return human, human * np.exp(0.5 * rng.normal(size=human.shape))


SKEWED_MEAN = float(np.exp(0.5))


def unchanged_lists(share: float) -> Draw:
    """Return losses at a share of queries, and none where lists are the same; the mean is -.4 times the share."""

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        changed, loss = rng.random((rows, COLUMNS)) < share, rng.beta(2, 3, (rows, COLUMNS))
        judged = np.clip(loss + 0.15 * rng.normal(size=loss.shape), 0, 1)
        return -1.0 * changed * loss, -1.0 * changed * judged

    return draw


def blind_judge(share: float, noise: float, varied: float = 1.0) -> Draw:
    """Return a judge that sees none of the large losses at a share of queries, and is nearly right at all others.

    The mean is -.6 times the share; other queries differ with the probability `varied`.
    """

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        shape = (rows, COLUMNS)
        usual = 0.2 * rng.normal(size=shape) * (rng.random(shape) < varied)
        judged = usual + noise * rng.normal(size=shape)
        return np.where(rng.random(shape) < share, -0.6, usual), judged

    return draw


def missed_losses(share: float, loss: float, noise: float, spread: float = 0.2) -> Draw:
    """Return a judge with small errors everywhere that sees none of the large losses at a share of queries.

    The mean is 0; `noise` and `spread` are the standard deviations of its errors and of the other differences.
    """

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        usual = rng.normal(0, spread, (rows, COLUMNS))
        judged = usual + rng.normal(0, noise, usual.shape)
        return usual - loss * (rng.random(usual.shape) < share) + loss * share, judged

    return draw


def few_changes(share: float, gain: float, sees: float) -> Draw:
    """Return losses of 1 and gains at a share of queries, with a mean of 0, else the same lists.

    The judge is nearly right, and sees `sees` of the losses alone.
    """

    def draw(rng: np.random.Generator, rows: int) -> Sample:
        shape = (rows, COLUMNS)
        is_loss, changed = rng.random(shape) < gain / (1 + gain), rng.random(shape) < share
        human = np.where(is_loss, -1.0, gain) * changed
        seen = np.where(is_loss & (rng.random(shape) >= sees), 0.0, human)
        return human, seen + changed * rng.normal(0, 0.1, shape)

    return draw


def blundering(
    share: float, sign: int, noise: float | None
) -> Callable[[np.random.Generator, Sample], Values]:
    """Return what makes a judge of drawn values: near those of people, and very wrong at a share of queries.

    Parameters
    ----------
    share
        Share of the queries at which it gives one system's documents the best or the worst grade.
    sign
        Whom that favours: 1 always the same system, 0 one or the other by chance.
    noise
        Standard deviation of its other errors, by that of the human values; None for the judge of the sample.
    """

    def judge(rng: np.random.Generator, values: Sample) -> Values:
        human, judged = values
        if noise is not None:
            judged = human + noise * human.std(axis=0) * rng.normal(size=human.shape)
        signs = sign or np.where(rng.random(human.shape) < 0.5, 1, -1)
        return np.where(rng.random(human.shape) < share, 0.9 * signs, judged)

    return judge


def gates_pass(found: CorrectedMeans, margin: Values | float, alpha: float = 0.05) -> NDArray[np.bool_]:
    """Return for each column whether a gate passes; it does not without a spread.

    The bounds of `CorrectedMeans.for_gate`, of all columns at once.
    """
    t = float(stdtrit(found.degrees, 1 - alpha))
    errors = np.where(found.errors > 0, np.maximum(found.errors, np.sqrt(found.guarded)), np.nan)
    shifts = found.third_cumulants * (1 + 2 * t**2) / (6 * errors**2)
    passed: NDArray[np.bool_] = found.means - t * errors + np.minimum(shifts, 0.0) > -margin
    return passed
