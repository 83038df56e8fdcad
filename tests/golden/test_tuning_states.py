"""The sentences of each state of a depth, a threshold and a calibration, read and approved by a person."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from support.command import ROOT
from support.documents import sweep
from support.systems import noisy_set, run_of, set_of

from evalkit.comparison import ComparisonSet, Plan
from evalkit.records import Query
from evalkit.report.calibration import calibration_line
from evalkit.report.depth import depth_lines
from evalkit.report.thresholds import threshold_lines
from evalkit.summaries.calibrations import calibrate
from evalkit.summaries.threshold_curves import Goal, find_threshold
from evalkit.tuning import Limits, choose_depth, split_queries
from evalkit.tuning.depth_choice import Costs

FILE = ROOT / "tests" / "golden" / "outputs" / "tuning-states.txt"
PLAN = Plan("bm25", "nDCG@10", seed=3)
DEPTHS = 20
BASE = noisy_set(200, 12, {"bm25": 0.5, "r": 3.0}, seed=6)


def curve(queries: int, *bends: tuple[int, float]) -> NDArray[np.float64]:
    """Return values whose mean goes through some points, straight in between."""
    rng = np.random.default_rng(11)
    means = np.interp(np.arange(1, DEPTHS + 1), [d for d, _ in bends], [m for _, m in bends])
    return np.asarray(means + rng.normal(0, 0.1, (queries, 1)) + rng.normal(0, 0.01, (queries, DEPTHS)))


def depth_states() -> Iterator[tuple[str, Iterable[str]]]:
    """Yield each state of a depth with its sentences."""
    flat, steep = ((1, 0.2), (8, 0.5), (20, 0.5)), ((1, 0.2), (20, 0.9))
    held_out_loses = curve(400, (1, 0.2), (20, 0.5))
    tuning = split_queries(400, 1).tuning
    held_out_loses[tuning] = held_out_loses[tuning, -1:]
    better, equal = -0.2, 0.3
    for name, values, gain, limits in (
        ("confirmed", curve(400, *flat), better, Limits()),
        ("confirmed within a limit", curve(400, *flat), better, Limits(p95_s=0.15)),
        ("not confirmed: too few queries for a rare loss", curve(200, *flat), better, Limits()),
        ("not confirmed: held-out queries lose", held_out_loses, better, Limits()),
        ("not confirmed: every smaller depth loses", curve(400, *steep), better, Limits()),
        ("not better than no reranking", curve(400, *flat), equal, Limits()),
        ("too few queries", curve(50, *flat), better, Limits()),
        ("no depth within the limits", curve(400, *flat), better, Limits(p95_s=0.001)),
    ):
        times = np.linspace(0.01, 0.2, DEPTHS)
        costs = Costs(times, np.full(DEPTHS, np.nan), 1.1 * times)
        split, first = split_queries(len(values), 1), values[:, 0] + gain
        choice = choose_depth(values, first, split, costs, limits, 0.01)
        yield f"depth, {name}", depth_lines(sweep("r", [None] * DEPTHS, choice))


def repeated() -> ComparisonSet:
    """Return the queries three times over, with equal texts."""
    ids = [(q, f"{q}.{copy}") for q in BASE.qrels.grades for copy in range(3)]
    runs = []
    for name, system in BASE.systems.items():
        lists = {q: dict(zip(docs, scores.tolist(), strict=True)) for q, docs, scores in system.run}
        runs.append(run_of(name, {new: lists[q] for q, new in ids}))
    grades = {new: BASE.qrels.of(q) for q, new in ids}
    return set_of(grades, *runs, depth=12, queries={new: Query(new, q) for q, new in ids})


def with_last(last: dict[str, frozenset[str]] | None) -> ComparisonSet:
    """Return the queries with documents that have no score of their own."""
    return replace(BASE, systems={**BASE.systems, "r": replace(BASE.systems["r"], placed_last=last)})


def score_states() -> Iterator[tuple[str, Iterable[str]]]:
    """Yield each state of a threshold and of a calibration with its sentences."""
    last = {q: frozenset(docs[-2:]) for q, docs, _ in BASE.systems["r"].run}
    for name, found in (
        ("plain", BASE),
        ("repeated queries", repeated()),
        ("made-up scores left out", with_last(last)),
        ("made-up scores unknown", with_last(None)),
    ):
        yield f"threshold, {name}", threshold_lines(find_threshold(found, "r", PLAN, Goal()))
    for name, found in (("plain", BASE), ("left out", with_last(last)), ("unknown", with_last(None))):
        yield f"calibration, {name}", [calibration_line(calibrate(found, "r", "unknown", PLAN))]
    rng = np.random.default_rng(3)
    stated = {f"q{i}": {f"d{d}": float(p) for d, p in enumerate(rng.random(30))} for i in range(200)}
    grades = {q: {d: int(rng.random() < p**4) for d, p in docs.items()} for q, docs in stated.items()}
    scores = {q: {d: float(logit(p)) for d, p in docs.items()} for q, docs in stated.items()}
    wrong = calibrate(set_of(grades, run_of("r", scores), depth=30), "r", "logit", PLAN)
    alone = replace(wrong, functions={"as it is": wrong.functions["as it is"]})
    yield "calibration, significantly wrong", [calibration_line(alone)]


def test_the_sentences_of_each_state() -> None:
    """The whole text of every state that a user can see."""
    text = (
        "\n\n".join("\n".join((f"# {name}", *lines)) for name, lines in (*depth_states(), *score_states()))
        + "\n"
    )
    if os.environ.get("EVALKIT_REWRITE_GOLDEN"):
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text
