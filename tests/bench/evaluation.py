"""One evaluation of 7,000 lists of 1,000 beside pytrec_eval, ir_measures and ranx: equal values, and how long it takes.

``make bench``, or ``python tests/bench/evaluation.py [QUERIES] [ROUNDS]``. A library that is not installed is skipped,
and named. ranx wants numba: run this file with the Python of an environment that holds it, evalkit on PYTHONPATH.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import Metric, evaluate, parse_metrics, tie_bounds
from evalkit.records import Qrels, Run

DEPTH, JUDGED, POOL = 1_000, 40, 20_000
METRICS = parse_metrics(["nDCG@10", "RR@10", "AP@100", "R@100"])
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Data:
    """Rows as a file has them, and judgments.

    Attributes
    ----------
    query_ids, doc_ids, scores
        ``(r,)``.
    grades
        Query id -> document id -> grade.
    """

    query_ids: list[str]
    doc_ids: list[str]
    scores: list[float]
    grades: dict[str, dict[str, int]]

    def as_dicts(self) -> dict[str, dict[str, float]]:
        """Return the run as most libraries want it."""
        run: dict[str, dict[str, float]] = {}
        for query_id, doc_id, score in zip(self.query_ids, self.doc_ids, self.scores, strict=True):
            run.setdefault(query_id, {})[doc_id] = score
        return run

    def as_run(self) -> Run:
        """Return the run as evalkit wants it."""
        return Run.from_rows("bench", self.query_ids, self.doc_ids, self.scores)


@dataclass(frozen=True, slots=True)
class Peer:
    """A library: how it takes the data, and what it makes of that.

    Attributes
    ----------
    build
        Rows to whatever it evaluates.
    values
        What was built, to ``(q, m)`` values in the order of queries and metrics.
    """

    build: Callable[[Data], Any]
    values: Callable[[Any], Values]


def make_data(queries: int, *, ties: bool) -> Data:
    """Return lists whose scores are all apart in float32, too, or in a hundred steps; half the judged are in them."""
    rng = np.random.default_rng(3)
    names = [f"d{number:06}" for number in range(POOL)]
    query_ids, doc_ids, scores, grades = [], [], [], {}
    for number in range(queries):
        listed = rng.choice(POOL, DEPTH, replace=False)
        placed = np.arange(DEPTH, 0, -1) // (10 if ties else 1)
        judged = np.concatenate(
            (rng.choice(listed, JUDGED // 2, replace=False), rng.choice(POOL, JUDGED // 2))
        )
        query_ids += [f"q{number:05}"] * DEPTH
        doc_ids += [names[i] for i in listed.tolist()]
        scores += placed.astype(float).tolist()
        grades[f"q{number:05}"] = {names[i]: int(rng.integers(0, 4)) for i in judged.tolist()} | {"best": 3}
    return Data(query_ids, doc_ids, scores, grades)


def _table(found: Mapping[str, Mapping[str, float]], columns: list[str], data: Data) -> Values:
    return np.array([[found[q][column] for column in columns] for q in data.grades])


def _evalkit(data: Data) -> Peer:
    qrels = Qrels(data.grades)
    return Peer(Data.as_run, lambda run: evaluate(run, qrels, METRICS).values)


def _pytrec_eval(data: Data) -> Peer:
    import pytrec_eval

    columns = ["ndcg_cut_10", "recip_rank", "map_cut_100", "recall_100"]
    evaluator = pytrec_eval.RelevanceEvaluator(
        data.grades, ["ndcg_cut.10", "recip_rank", "map_cut.100", "recall.100"]
    )

    def values(run: Any) -> Values:
        table = _table(evaluator.evaluate(run), columns, data)
        table[table[:, 1] < 0.1 - 1e-9, 1] = 0.0  # it has no RR@10
        return table

    return Peer(Data.as_dicts, values)


def _ir_measures(data: Data) -> Peer:
    import ir_measures

    measures = [ir_measures.parse_measure(metric.label) for metric in METRICS]

    def values(run: Any) -> Values:
        found: dict[str, dict[str, float]] = {query_id: {} for query_id in data.grades}
        for one in ir_measures.iter_calc(measures, data.grades, run):
            found[one.query_id][str(one.measure)] = one.value
        return _table(found, [str(measure) for measure in measures], data)

    return Peer(Data.as_dicts, values)


def _ranx(data: Data) -> Peer:
    import ranx

    qrels = ranx.Qrels(data.grades)
    columns = ["ndcg@10", "mrr@10", "map@100", "recall@100"]

    def values(run: Any) -> Values:
        found = ranx.evaluate(qrels, run, columns, return_mean=False)
        row = {query_id: number for number, query_id in enumerate(run.keys())}
        return np.column_stack([found[column] for column in columns])[[row[q] for q in data.grades]]

    return Peer(lambda held: ranx.Run(held.as_dicts()), values)


PEERS = {"evalkit": _evalkit, "pytrec_eval": _pytrec_eval, "ir_measures": _ir_measures, "ranx": _ranx}


def main(queries: int = 7_000, rounds: int = 3) -> None:
    """Print two tables."""
    installed = {name: of for name, of in PEERS.items() if importlib.util.find_spec(name)}
    for name in PEERS.keys() - installed.keys():
        sys.stdout.write(f"skipped: {name} is not installed\n")
    few = make_data(20, ties=False)
    for of in installed.values():  # whatever compiles or loads does so now
        warm = of(few)
        warm.values(warm.build(few))
    for ties in (False, True):
        data = make_data(queries, ties=ties)
        gc.collect()
        gc.freeze()  # these rows are the bench's own: no library shall pay for walking over them
        sys.stdout.write(
            f"\n{queries} queries x {DEPTH} documents, {'every ten of a score' if ties else 'no ties'}\n"
        )
        _show(data, *_measured(data, {name: of(data) for name, of in installed.items()}, rounds))


def _measured(
    data: Data, peers: Mapping[str, Peer], rounds: int
) -> tuple[dict[str, Values], dict[str, list[float]], dict[str, list[float]]]:
    """Return values, seconds of building and seconds of evaluating; in every round each library has its turn."""
    built, values = {}, {}
    building: dict[str, list[float]] = {name: [] for name in peers}
    evaluating: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, peer in peers.items():
            built.pop(name, None)
            start = time.perf_counter()
            built[name] = peer.build(data)
            middle = time.perf_counter()
            values[name] = peer.values(built[name])
            building[name].append(middle - start)
            evaluating[name].append(time.perf_counter() - middle)
    return values, building, evaluating


def _show(
    data: Data,
    values: Mapping[str, Values],
    building: Mapping[str, list[float]],
    evaluating: Mapping[str, list[float]],
) -> None:
    bounds = tie_bounds(data.as_run(), Qrels(data.grades), METRICS)
    means = "  ".join(f"{mean:.4f}" for mean in values["evalkit"].mean(axis=0))
    own = min(evaluating["evalkit"])
    both = min(map(sum, zip(building["evalkit"], evaluating["evalkit"], strict=True)))
    sys.stdout.write(
        f"means of {', '.join(metric.label for metric in METRICS)}: {means}\n"
        "library       evaluate s  ratio   with building s  ratio   largest difference of a query, by metric\n"
    )
    for name, found in values.items():
        alone = min(evaluating[name])
        whole = min(map(sum, zip(building[name], evaluating[name], strict=True)))
        apart = np.abs(found - values["evalkit"]).max(axis=0)
        inside = (found <= bounds.best.values + 1e-9) & (found >= bounds.worst.values - 1e-9)
        sys.stdout.write(
            f"{name:<12}  {alone:10.3f}  {alone / own:5.1f}   {whole:15.2f}  {whole / both:5.1f}   "
            + "  ".join(
                _told(metric, gap, ok)
                for metric, gap, ok in zip(METRICS, apart, inside.all(axis=0), strict=True)
            )
            + "\n"
        )


def _told(metric: Metric, apart: float, inside: bool) -> str:
    note = "" if apart <= 1e-9 else " (another order of ties)" if inside else " (another value)"
    return f"{metric.label} {apart:.0e}{note}"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
