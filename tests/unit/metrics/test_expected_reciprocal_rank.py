"""ERR: as gdeval has it, in full precision, and its mean over the orders of ties."""

from __future__ import annotations

import math
import pkgutil
import random
import shutil
import subprocess
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import InputError
from evalkit.metrics import evaluate, has_unjudged_bounds, parse_metric, parse_metrics, tie_bounds
from evalkit.metrics.expected_reciprocal_rank import ERR
from evalkit.metrics.metric import UnjudgedEffect
from evalkit.metrics.sweep import sweep_depths
from evalkit.records import Qrels, Run


def run_of(scores: dict[str, float]) -> Run:
    """Return a run of one query."""
    return Run.from_rows("t", ["q"] * len(scores), list(scores), list(scores.values()))


def in_order(docs: list[str] | tuple[str, ...]) -> Run:
    """Return a run of one query without ties."""
    return run_of({doc: -float(place) for place, doc in enumerate(docs)})


def by_hand(grades: list[int], cutoff: int | None) -> float:
    """Return the value of a list of grades, written as in the paper."""
    total, reached = 0.0, 1.0
    for rank, grade in enumerate(grades[:cutoff], start=1):
        stop = (2 ** max(grade, 0) - 1) / 16
        total += reached * stop / rank
        reached *= 1 - stop
    return total


def test_the_value_is_that_of_the_paper() -> None:
    """A list of grades 3, 2, 4 has 7/16 + 9/16 * 3/16 / 2 + 9/16 * 13/16 * 15/16 / 3."""
    qrels = Qrels({"q": {"a": 3, "b": 2, "c": 4, "d": -2, "far": 4}})
    (value,) = evaluate(in_order(["a", "b", "c", "d"]), qrels, ["ERR"]).of("ERR")
    assert value == pytest.approx(7 / 16 + 9 / 16 * 3 / 16 / 2 + 9 / 16 * 13 / 16 * 15 / 16 / 3, abs=1e-15)


@pytest.mark.skipif(shutil.which("perl") is None, reason="gdeval is a Perl script")
@pytest.mark.parametrize("cutoff", [1, 5, 20])
def test_values_are_those_of_gdeval(tmp_path: Path, cutoff: int) -> None:
    """To the five digits that it prints; its topics are whole numbers."""
    chance = random.Random(cutoff)  # noqa: S311 - test data
    judged = {
        str(q): {f"d{n}": chance.choice([-2, 0, 0, 0, 1, 2, 3, 4]) for n in range(60)} for q in range(1, 31)
    }
    lists = {q: [f"d{n}" for n in chance.sample(range(90), chance.randint(1, 80))] for q in judged}
    script, qrels_file, run_file = tmp_path / "gdeval.pl", tmp_path / "qrels", tmp_path / "run"
    script.write_bytes(pkgutil.get_data("ir_measures", "bin/gdeval.pl") or b"")
    qrels_file.write_text("".join(f"{q} 0 {d} {g}\n" for q, docs in judged.items() for d, g in docs.items()))
    rows = [(q, d, 1000.0 - place) for q, docs in lists.items() for place, d in enumerate(docs)]
    run_file.write_text("".join(f"{q} Q0 {d} 1 {score} t\n" for q, d, score in rows))
    command = ["perl", str(script), str(qrels_file), str(run_file), str(cutoff)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    theirs = {line.split(",")[1]: float(line.split(",")[3]) for line in lines}
    run = Run.from_rows("t", *([row[i] for row in rows] for i in range(3)))  # type: ignore[arg-type]
    ours = evaluate(run, Qrels(judged), [f"ERR@{cutoff}"]).by_query(f"ERR@{cutoff}")
    assert ours == pytest.approx(theirs, abs=5.1e-6)
    assert len(ours) == 30


@pytest.mark.parametrize("cutoff", [None, 1, 3, 4, 7])
def test_the_expected_value_is_the_mean_over_all_orders(cutoff: int | None) -> None:
    """Two ties of 5 and 2, with grades of all kinds in both, and unjudged documents."""
    grades = {"a": 4, "b": 1, "c": 0, "e": 2, "f": 3, "g": 4, "absent": 2}
    scores = {"top": 9.0, **dict.fromkeys("abcde", 5.0), **dict.fromkeys("fx", 3.0), "g": 1.0}
    metrics = parse_metrics(["ERR" if cutoff is None else f"ERR@{cutoff}"])
    values = [
        by_hand([grades.get(doc, 0) for doc in ("top", *upper, *lower, "g")], cutoff)
        for upper in permutations("abcde")
        for lower in permutations("fx")
    ]
    bounds = tie_bounds(run_of(scores), Qrels({"q": grades}), metrics)
    assert bounds.expected.values[0, 0] == pytest.approx(np.mean(values), abs=1e-14)
    assert bounds.best.values[0, 0] == pytest.approx(max(values), abs=1e-15)
    assert bounds.worst.values[0, 0] == pytest.approx(min(values), abs=1e-15)


def test_large_ties_are_exact() -> None:
    """A thousand tied documents: with one that is relevant the mean is its stop probability times H(1000)/1000."""
    docs = [f"d{n}" for n in range(1000)]
    metrics = parse_metrics(["ERR", "ERR@10"])
    one = tie_bounds(run_of(dict.fromkeys(docs, 1.0)), Qrels({"q": {"d500": 2}}), metrics)
    harmonic = [sum(1 / rank for rank in range(1, last + 1)) for last in (1000, 10)]
    assert one.expected.values[0] == pytest.approx([3 / 16 * h / 1000 for h in harmonic], rel=1e-11)
    same = tie_bounds(run_of(dict.fromkeys(docs, 1.0)), Qrels({"q": dict.fromkeys(docs, 3)}), metrics)
    np.testing.assert_allclose(same.expected.values, same.best.values, rtol=1e-13)
    np.testing.assert_allclose(same.worst.values, same.best.values, rtol=1e-13)


def test_large_mixed_ties_have_the_mean_of_a_sample() -> None:
    """Hundreds of documents of every grade: the mean over 4,000 drawn orders is within five standard errors."""
    chance = random.Random(5)  # noqa: S311 - test data
    docs = [f"d{n}" for n in range(300)]
    grades = {doc: chance.choice([0, 0, 0, 1, 2, 4]) for doc in docs}
    values = []
    for _ in range(4000):
        chance.shuffle(docs)
        values.append(by_hand([grades[doc] for doc in docs], 20))
    metrics = parse_metrics(["ERR@20"])
    bounds = tie_bounds(run_of(dict.fromkeys(docs, 1.0)), Qrels({"q": grades}), metrics)
    error = np.std(values) / math.sqrt(len(values))
    assert abs(bounds.expected.values[0, 0] - np.mean(values)) < 5 * error


def test_values_at_depths_are_those_of_each_depth() -> None:
    """A sweep equals the evaluation of the lists at every depth."""
    first, again = list("abcdefgh"), list("hcagbfde")
    qrels = Qrels({"q": {"a": 1, "c": 4, "e": 2, "h": 3, "f": -1}})
    metrics = parse_metrics(["ERR", "ERR@3"])
    swept = sweep_depths(in_order(first), in_order(again), qrels, metrics, 8, "dropped")
    for depth in range(1, 9):
        docs = [doc for doc in again if doc in first[:depth]]
        alone = evaluate(in_order(docs), qrels, metrics).values[0]
        assert swept.values[:, 0, depth - 1] == pytest.approx(alone, abs=1e-15)


def test_one_more_relevant_document_never_lowers_the_value() -> None:
    """Whatever its grade and place: so the bounds over unjudged documents need no look at all choices."""
    chance = random.Random(3)  # noqa: S311 - test data
    assert ERR.unjudged is UnjudgedEffect.NEVER_LOWERS
    assert has_unjudged_bounds(parse_metric("ERR@10"))
    for _ in range(500):
        grades = [chance.choice([0, 0, 1, 2, 3, 4]) for _ in range(8)]
        place, grade = chance.randrange(8), chance.randint(1, 4)
        more = [*grades[:place], max(grade, grades[place]), *grades[place + 1 :]]
        for cutoff in (None, 3):
            assert by_hand(more, cutoff) >= by_hand(grades, cutoff) - 1e-15


def test_grades_above_four_are_refused() -> None:
    """With query, document and grade: the probabilities of another scale would be others."""
    with pytest.raises(InputError) as caught:
        evaluate(in_order(["a"]), Qrels({"q": {"a": 1, "b": 5}}), ["ERR@20"])
    assert str(caught.value) == "'ERR@20' knows grades up to 4; query 'q', document 'b' has the grade 5"
    assert "map the grades to 0 to 4" in str(caught.value.hint)
