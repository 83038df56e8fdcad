"""One record is all that a metric of evalkit's own needs."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest

from evalkit import metrics as package
from evalkit.errors import InputError
from evalkit.metrics import (
    Metric,
    definitions,
    evaluate,
    has_unjudged_bounds,
    parse_metric,
    parse_metrics,
    tie_bounds,
    unjudged_bounds,
)
from evalkit.metrics.counts import count_metric
from evalkit.metrics.judged_places import JudgedPlaces
from evalkit.metrics.metric import MetricDefinition, Parameter, UnjudgedEffect, Values
from evalkit.metrics.parameters import JUDGED_ONLY, REL
from evalkit.metrics.per_query import relevant_at_any_place, relevant_within_cutoff, sums
from evalkit.metrics.ranked import RankedGrades
from evalkit.metrics.sweep import can_sweep, sweep_depths
from evalkit.metrics.tie_places import sum_over_places
from evalkit.records import Qrels, Run

QRELS = Qrels({"q": {"a": 1, "c": 2, "e": 0, "far": 1}})


def base(metric: Metric) -> float:
    """Return the parameter of the made-up metric."""
    return float(str(dict(metric.params).get("base", 0.5)))


def check_base(metric: Metric) -> None:
    """Refuse an impossible parameter."""
    if not 0 < base(metric) < 1:
        raise InputError(f"{metric.label!r}: base must be between 0 and 1")


def value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the sum of ``base ** place`` over the relevant documents."""
    relevant = relevant_within_cutoff(ranked, metric)
    return sums(ranked, relevant, base(metric) ** relevant.place)


def expected_value(ranked: RankedGrades, metric: Metric) -> Values:
    """Return the mean over all orders of tied documents."""
    relevant = relevant_at_any_place(ranked, metric)
    total = sum_over_places(relevant, metric.cutoff, lambda place: base(metric) ** place)
    return sums(ranked, relevant, total / relevant.tied)


def value_at_depths(judged: JudgedPlaces, metric: Metric) -> Values:
    """Return the values of all queries at every depth."""
    relevant = judged.within(metric.cutoff, metric.rel)
    return judged.sums(base(metric) ** judged.places * relevant)


GEOMETRIC = MetricDefinition(
    "Geometric",
    aliases=("Geo",),
    parameters=(REL, JUDGED_ONLY, Parameter("base", 0.5, check_base)),
    needs_cutoff=True,
    value=value,
    expected_value=expected_value,
    value_at_depths=value_at_depths,
    unjudged=UnjudgedEffect.NEVER_LOWERS,
)


@pytest.fixture
def _listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the made-up metric to the list."""
    monkeypatch.setattr(definitions, "DEFINITIONS", (*definitions.DEFINITIONS, GEOMETRIC))


def run_of(scores: dict[str, float]) -> Run:
    """Return a run of one query."""
    return Run.from_rows("t", ["q"] * len(scores), list(scores), list(scores.values()))


def in_order(docs: tuple[str, ...] | list[str]) -> Run:
    """Return a run of one query without ties."""
    return run_of({doc: -float(place) for place, doc in enumerate(docs)})


@pytest.mark.usefixtures("_listed")
def test_a_made_up_metric_is_parsed() -> None:
    """Name, aliases, parameters, defaults and the need of a cutoff come from the record."""
    metric = parse_metric("Geo(base=0.25,rel=2)@3")
    assert metric == parse_metric("Geometric(rel=2,base=0.25,judged_only=False)@3")
    assert (metric.name, metric.rel, metric.definition) == ("Geometric", 2, GEOMETRIC)
    assert parse_metric("Geometric(base=0.5)@3").params == ()
    for text, message in (
        ("Geometric", "needs a cutoff"),
        ("Geometric(base=2)@3", "base must be between 0 and 1"),
        ("Geometric(rel=0)@3", "rel must be a whole number"),
        ("Geometric(gains={1:2})@3", "has no parameter 'gains'"),
    ):
        with pytest.raises(InputError, match=message):
            parse_metric(text)


@pytest.mark.usefixtures("_listed")
def test_a_made_up_metric_is_evaluated() -> None:
    """Its values are those of its function, with the shared parameters applied before."""
    run = in_order(["x", "a", "c", "y"])
    texts = ["Geometric@9", "Geometric@2", "Geometric(rel=2)@9", "Geo(judged_only=True)@9", "nDCG@10"]
    found = evaluate(run, QRELS, parse_metrics(texts))
    assert found.values[0, :4].tolist() == [0.25 + 0.125, 0.25, 0.125, 0.5 + 0.25]
    assert found.metrics == tuple(texts)


@pytest.mark.usefixtures("_listed")
def test_a_made_up_metric_has_tie_bounds() -> None:
    """Best, expected and worst are maximum, mean and minimum over all orders of the tied documents."""
    metrics = parse_metrics(["Geometric@2"])
    orders = [("x", *order) for order in permutations("ace")]
    values = [evaluate(in_order(order), QRELS, metrics).values[0, 0] for order in orders]
    bounds = tie_bounds(run_of({"x": 2.0, "a": 1.0, "c": 1.0, "e": 1.0}), QRELS, metrics)
    assert bounds.best.values[0, 0] == max(values)
    assert bounds.worst.values[0, 0] == min(values)
    assert bounds.expected.values[0, 0] == pytest.approx(np.mean(values))


@pytest.mark.usefixtures("_listed")
def test_a_made_up_metric_is_swept() -> None:
    """At every depth the swept value is the one of its own evaluation."""
    first_stage, reranked = in_order(["x", "a", "c", "e"]), in_order(["c", "x", "e", "a"])
    metrics = parse_metrics(["Geometric@3", "Geometric(judged_only=True)@3"])
    assert all(map(can_sweep, metrics))
    swept = sweep_depths(first_stage, reranked, QRELS, metrics, 4, "dropped")
    for depth in range(1, 5):
        reached = set(first_stage.docs("q")[:depth])
        alone = evaluate(in_order([doc for doc in reranked.docs("q") if doc in reached]), QRELS, metrics)
        assert swept.values[:, 0, depth - 1].tolist() == alone.values[0].tolist()


@pytest.mark.usefixtures("_listed")
def test_a_made_up_metric_has_unjudged_bounds() -> None:
    """Least and most are minimum and maximum over all possible judgments of unjudged documents."""
    run, metrics = in_order(["x", "a", "y", "z"]), parse_metrics(["Geometric@3"])
    assert has_unjudged_bounds(metrics[0])
    choices = [chosen for n in range(3) for chosen in combinations("xy", n)]
    values = [
        evaluate(run, Qrels({"q": {**QRELS.grades["q"], **dict.fromkeys(chosen, 1)}}), metrics).values[0, 0]
        for chosen in choices
    ]
    bounds = unjudged_bounds(run, QRELS, metrics)
    assert (bounds.least.values[0, 0], bounds.most.values[0, 0]) == (min(values), max(values))


@pytest.mark.usefixtures("_listed")
def test_a_made_up_metric_is_in_hints() -> None:
    """Messages that list the metrics list it, too."""
    bpref, run = parse_metrics(["Bpref"]), in_order(["a"])
    for call in (
        lambda: tie_bounds(run, QRELS, bpref),
        lambda: unjudged_bounds(run, QRELS, bpref),
        lambda: sweep_depths(run, run, QRELS, bpref, 1, "dropped"),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert "Geometric" in str(caught.value.hint)


def test_a_name_occurs_once() -> None:
    """Names and aliases are strings in their own record, and nowhere else in the package."""
    names = {name for one in definitions.DEFINITIONS for name in (one.name, *one.aliases)}
    strings: Counter[str] = Counter()
    in_records: Counter[str] = Counter()
    for path in Path(package.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        records = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {MetricDefinition.__name__, count_metric.__name__}
        ]
        assert len(records) <= 1, path
        strings.update(names_in(tree, names))
        in_records.update(name for record in records for name in names_in(record, names))
    assert strings == in_records == Counter(names)


def names_in(tree: ast.AST, names: set[str]) -> list[str]:
    """Return the strings of a piece of code that are names of metrics."""
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [value for value in constants if isinstance(value, str) and value in names]
