"""Metrics of other packages: identifiers are only names, unknown is not 0, and a failure is one line."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import ir_measures
import numpy as np
import pytest
from support.judged_runs import qrels_of, random_judgments, random_lists, run_of

from evalkit.errors import InputError
from evalkit.metrics import definitions, evaluate, parse_metric
from evalkit.metrics.provided import PROVIDED, ProvidedMetric
from evalkit.metrics.provider_checks import installed
from evalkit.records import Qrels, Run

ODD = (
    "2024-127266", "31_1", "Q0", "-7", "7", "07", "2024-7", "é", "文書", "a,b", "a'b", '"', "{}", "%s", "#", "GX-1",
    "1e5", "nan", "None", "0", "\N{GRINNING FACE}", "a/b", "x" * 200,
)  # fmt: skip
EXAMPLES = [one.example for one in PROVIDED] + [
    "P(judged_only=True)@5", "nDCG@10", "nDCG(dcg='exp-log2')@10", "ERR@10", "ERR", "AP", "RR", "R@5", "Success@1",
    "Judged@5", "NumQ", "NumRel", "NumRet", "NumRelRet", "AP_IA(judged_only=True)", "alpha_nDCG(judged_only=True)@5",
    "SetF(beta=2)", "Accuracy@5", "Compat(normalize=False)", "IPrec(rel=2)@0.5", "Rprec(judged_only=True)",
]  # fmt: skip
SEED = 11
"""Of lists that all hold a relevant and another document."""
ONE_LIST = Run.from_rows("r", ["q", "q"], ["a", "b"], [2.0, 1.0])


def need(metric: str) -> str:
    """Skip the test if the package that computes a metric is missing; return the metric."""
    for one in PROVIDED:
        if metric.startswith((f"{one.name}(", f"{one.name}@")) or metric == one.name:
            if not installed(one):
                pytest.skip(f"{one.package} is not installed")
            break
    return metric


def odd_name(seed: int) -> dict[str, str]:
    """Return other identifiers for those of the generated collections, in another order of names."""
    names = [
        "always",
        *(f"d{n:02d}" for n in range(18)),
        *(f"q{n}" for n in range(5)),
        *(f"s{n}" for n in range(4)),
    ]
    odd = [*ODD, *(f"id-{n}" for n in range(len(names)))]
    order = np.random.default_rng(seed).permutation(len(names))
    return {name: odd[order[place]] for place, name in enumerate(names)}


@pytest.mark.parametrize("metric", EXAMPLES)
def test_other_identifiers_change_no_value(metric: str) -> None:
    """Hyphens, ``Q0``, letters of other scripts or digits in identifiers mean nothing."""
    need(metric)
    for seed in range(1, 5):
        rows, lists = random_judgments(seed), random_lists(seed)
        lists.pop("q3")
        plain = evaluate(run_of(lists), qrels_of(rows), [metric])
        renamed = odd_name(seed)
        odd = evaluate(run_of(lists, renamed.__getitem__), qrels_of(rows, renamed.__getitem__), [metric])
        assert odd.query_ids == tuple(map(renamed.__getitem__, plain.query_ids))
        np.testing.assert_array_equal(odd.values, plain.values)
        assert np.nanmax(np.abs(plain.values)) > 0


@pytest.mark.parametrize("record", PROVIDED, ids=lambda one: one.name)
def test_values_are_those_of_the_package(record: ProvidedMetric) -> None:
    """The numbers that replace identifiers change nothing that ir_measures computes for plain ones."""
    need(record.name)
    rows, lists = random_judgments(SEED), random_lists(SEED)
    ours = evaluate(run_of(lists), qrels_of(rows), [record.example]).by_query(record.example)
    judged = qrels_of(rows)
    judgments = (
        [ir_measures.Qrel(q, d, grade, s) for q, s, d, grade in rows]
        if record.by_subtopic
        else [ir_measures.Qrel(q, d, grade) for q, docs in judged.grades.items() for d, grade in docs.items()]
    )
    scored = [
        ir_measures.ScoredDoc(q, d, float(100 - n)) for q, docs in lists.items() for n, d in enumerate(docs)
    ]
    found = ir_measures.iter_calc([ir_measures.parse_measure(record.example)], judgments, scored)
    theirs = {one.query_id: one.value for one in found}
    assert ours == pytest.approx({query: theirs[query] for query in ours}, abs=1e-9)
    assert len(ours) >= 4


@pytest.mark.parametrize("record", PROVIDED, ids=lambda one: one.name)
def test_a_query_that_the_run_lacks_has_the_value_of_an_empty_list(record: ProvidedMetric) -> None:
    """It is 0, and the other values are the same with and without the query."""
    need(record.name)
    rows, lists = random_judgments(2), random_lists(2)
    whole = evaluate(run_of(lists), qrels_of(rows), [record.example])
    del lists["q2"]
    without = evaluate(run_of(lists), qrels_of(rows), [record.example])
    assert without.values[2, 0] == 0.0
    kept = [0, 1, 3, 4]
    np.testing.assert_array_equal(without.values[kept], whole.values[kept])
    assert evaluate(run_of({"other": ["x"]}), qrels_of(rows), [record.example]).values.tolist() == [[0.0]] * 5


def test_accuracy_is_unknown_where_it_compares_nothing() -> None:
    """A list without a relevant document, or with no other, has no pair to compare: the value is unknown, not 0."""
    qrels = Qrels({"none": {"r": 1}, "only": {"r": 1}, "both": {"r": 1}, "lacking": {"r": 1}})
    run = run_of({"none": ["x", "y"], "only": ["r"], "both": ["r", "x"]})
    values = evaluate(run, qrels, ["Accuracy"]).of("Accuracy")
    assert np.isnan(values[:2]).all()
    assert values[2:].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("record", PROVIDED, ids=lambda one: one.name)
def test_only_accuracy_leaves_a_present_query_without_a_value(record: ProvidedMetric) -> None:
    """Lists without a judged, a relevant or another document have a value in every other metric."""
    need(record.name)
    lists = {"q0": ["x", "y"], "q1": ["n"], "q2": ["r"], "q3": ["r", "n"], "q4": ["n", "x", "r"]}
    rows = [
        (q, s, d, grade) for q in lists for s, d, grade in (("1", "r", 1), ("1", "n", 0), ("2", "other", 2))
    ]
    values = evaluate(run_of(lists), qrels_of(rows), [record.example]).values
    assert np.isnan(values).any() == (record.name == "Accuracy")


class _Broken:
    """A provider that writes everywhere, and then fails or returns what it is given."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome

    def iter_calc(self, measures: list[Any], _: object, run: dict[str, Any]) -> Iterator[Any]:
        """Write to both outputs from Python, from C and from a child; then do what was asked."""
        print("from Python")  # noqa: T201
        os.write(1, b"from C")
        os.write(2, b"from C")
        subprocess.run("echo child; echo child >&2", shell=True, check=True)  # noqa: S602
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        for query in run:
            yield ir_measures.Metric(query, measures[0], self.outcome)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (RuntimeError("two\nlines"), "'Rprec' cannot be computed on this data: pytrec-eval-terrier fails (two lines)"),
        (AssertionError(), "'Rprec' cannot be computed on this data: pytrec-eval-terrier fails (AssertionError)"),
        (SystemExit(1), "'Rprec' cannot be computed on this data: pytrec-eval-terrier fails (1)"),
        (KeyError("x"), "'Rprec' cannot be computed on this data: pytrec-eval-terrier fails ('x')"),
        (math.inf, "'Rprec' has the value inf for query 'q': pytrec-eval-terrier computes no finite number"),
        (np.float64("nan"), "'Rprec' has the value nan for query 'q': pytrec-eval-terrier computes no finite number"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], outcome: object, message: str
) -> None:
    """An exception of any kind, or a number that is not finite, is an error; nothing else is printed."""
    monkeypatch.setitem(ir_measures.providers.registry, "pytrec_eval", _Broken(outcome))
    with pytest.raises(InputError) as caught:
        evaluate(ONE_LIST, Qrels({"q": {"a": 1}}), ["Rprec"])
    assert str(caught.value) == message
    assert capfd.readouterr() == ("", "")


def test_output_of_a_package_is_discarded(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The values are returned, nothing is printed, and both outputs work afterwards."""
    monkeypatch.setitem(ir_measures.providers.registry, "pytrec_eval", _Broken(0.25))
    assert evaluate(ONE_LIST, Qrels({"q": {"a": 1}}), ["Rprec"]).values.tolist() == [[0.25]]
    os.write(1, b"out")
    os.write(2, b"err")
    assert capfd.readouterr() == ("out", "err")


def test_grades_above_max_rel_are_refused() -> None:
    """They would count as max_rel: the scale is not the one of the judgments."""
    metric = parse_metric(need("INST(max_rel=2)"))
    with pytest.raises(InputError, match=r"takes grades up to 2; query 'q', document 'a' has the grade 3"):
        evaluate(ONE_LIST, Qrels({"q": {"a": 3}}), [metric])


@pytest.mark.parametrize("record", [one for one in PROVIDED if one.by_subtopic], ids=lambda one: one.name)
def test_subtopic_metrics_need_subtopics(record: ProvidedMetric) -> None:
    """Ordinary judgments are refused, because all values would be those of one subtopic."""
    need(record.name)
    with pytest.raises(InputError, match="needs judgments by subtopic") as caught:
        evaluate(ONE_LIST, Qrels({"q": {"a": 1}}), [record.example])
    assert "iteration column" in str(caught.value.hint)


def test_the_metrics_of_ir_measures_are_all_known() -> None:
    """Each name and alias that ir_measures registers is in one of the two lists, and in one only."""
    known = [n for one in (*definitions.DEFINITIONS, *PROVIDED) for n in (one.name, *one.aliases)]
    assert len(known) == len(set(known))
    assert set(ir_measures.measures.registry) <= set(known)
