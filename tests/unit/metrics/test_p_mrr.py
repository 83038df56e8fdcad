"""pMRR: which queries have a value, how its name is written, and where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from support.command import evalkit

from evalkit.errors import InputError, InputNote
from evalkit.metrics import check_metrics, evaluate, parse_metric
from evalkit.metrics.p_mrr import changed_documents
from evalkit.records import Qrels, Run

PAIR = Qrels({"a-og": {"0": 1, "9": 1}, "a-changed": {"0": 0, "9": 1}, "b": {"0": 1}})
UP, DOWN = {"0": 4.0, "1": 1.0, "2": 2.0, "3": 3.0}, {"0": 1.0, "1": 2.0, "2": 3.0, "3": 4.0}


def run_of(**lists: dict[str, float]) -> Run:
    """Return a run; ``_`` in a query's name is a hyphen."""
    rows = [(q.replace("_", "-"), d, s) for q, docs in lists.items() for d, s in docs.items()]
    return Run.from_rows("r", *map(list, zip(*rows, strict=True)))


def value(run: Run, qrels: Qrels = PAIR) -> dict[str, float]:
    """Return query -> value."""
    return evaluate(run, qrels, ["pMRR"]).by_query("pMRR")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(DOWN, DOWN, 0.0), (DOWN, UP, -0.75), (UP, DOWN, 0.75), (UP, {"1": 1.0, "2": 2.0}, 2 / 3)],
)
def test_the_examples_of_mteb(before: dict[str, float], after: dict[str, float], expected: float) -> None:
    """The first three are those of mteb's ``test_p_mrr``; a document that is missing has the rank after the last."""
    assert value(run_of(a_og=before, a_changed=after)) == {"a-changed": pytest.approx(expected)}


def test_only_the_changed_query_has_a_value() -> None:
    """All other queries are unknown for this metric, and for no other."""
    values = evaluate(run_of(a_og=UP, a_changed=DOWN, b=UP), PAIR, ["RR", "pMRR"])
    assert values.query_ids == ("a-og", "a-changed", "b")
    assert np.isnan(values.of("pMRR")).tolist() == [True, False, True]
    assert not np.isnan(values.of("RR")).any()


def test_a_pair_without_a_relevant_document_left_counts() -> None:
    """Means leave out a query without a relevant document, but not the change that the pair shows."""
    qrels = Qrels({"a-og": {"0": 1}, "a-changed": {"0": 0}})
    assert value(run_of(a_og=UP, a_changed=DOWN), qrels) == {"a-og": pytest.approx(0.75)}


@pytest.mark.parametrize("run", [run_of(a_og=UP), run_of(a_changed=UP), run_of(b=UP)])
def test_a_pair_that_is_not_in_the_run_is_unknown(run: Run) -> None:
    """Without both lists there is no change to measure; it is not 0."""
    assert value(run) == {}


def test_which_documents_changed() -> None:
    """Those judged for both queries with two different grades."""
    qrels = Qrels(
        {"1-og": {"a": 2, "b": 1, "c": 1, "d": 0}, "1-changed": {"a": 1, "b": 1, "e": 1, "d": 0}, "2-og": {}}
    )
    assert changed_documents(qrels) == {"1": ("a",)}


@pytest.mark.parametrize("text", ["pMRR", "p-MRR", "p_mrr", "P-MRR", "pmrr"])
def test_the_names_are_one_metric(text: str) -> None:
    """However the name is written, the metric is the same."""
    assert parse_metric(text) == parse_metric("pMRR")


@pytest.mark.parametrize("text", ["pMRR@10", "pMRR(rel=2)", "p-MRR@5"])
def test_it_has_no_cutoff(text: str) -> None:
    """The change of a rank is measured over the whole list."""
    with pytest.raises(InputError, match="has a parameter or a cutoff"):
        parse_metric(text)


@pytest.mark.parametrize(
    ("grades", "message"),
    [
        ({"a": {"0": 1}}, "needs pairs of queries X-og and X-changed, but the judgments of x have none"),
        ({"a-og": {"0": 1}}, "needs pairs of queries"),
        ({"a-og": {"0": 1}, "a-changed": {"0": 1}}, "needs documents whose grades differ"),
    ],
)
def test_judgments_without_a_change_are_refused(grades: Any, message: str) -> None:
    """Where nothing changes, the metric is undefined, and said to be so before anything is sent."""
    with pytest.raises(InputError, match=message):
        check_metrics([parse_metric("pMRR")], Qrels(grades), "the judgments of x")


def test_names_without_a_pair_are_refused() -> None:
    """In Python, too, judgments of other queries are refused and not averaged over nothing."""
    with pytest.raises(InputError, match="pairs of queries"):
        evaluate(run_of(a=UP), Qrels({"a": {"0": 1}}), ["pMRR"])


def test_a_grade_that_rises_is_noted() -> None:
    """The definition counts a document as one to be moved down; others are named."""
    qrels = Qrels({"a-og": {"0": 1, "1": 0}, "a-changed": {"0": 0, "1": 1}})
    with pytest.warns(InputNote, match="1 documents have a higher grade"):
        check_metrics([parse_metric("pMRR")], qrels, "the judgments of x")


def test_the_command_line(tmp_path: Path) -> None:
    """`evalkit evaluate -m p-MRR` prints the mean over the pairs, and refuses files without any."""
    (tmp_path / "q.txt").write_text("a-og 0 0 1\na-og 0 9 1\na-changed 0 0 0\na-changed 0 9 1\n")
    (tmp_path / "other.txt").write_text("a 0 0 1\n")
    lines = [
        f"{q} Q0 {d} 1 {s} r" for q, docs in (("a-og", UP), ("a-changed", DOWN)) for d, s in docs.items()
    ]
    (tmp_path / "r.trec").write_text("\n".join(lines) + "\n")
    done = evalkit("evaluate", "q.txt", "r.trec", "-m", "p-MRR", "--json", cwd=tmp_path)
    (row,) = orjson.loads(done.stdout)
    assert (row["metric"], row["value"]) == ("pMRR", pytest.approx(0.75)), done.stdout
    done = evalkit("evaluate", "other.txt", "r.trec", "-m", "p-MRR", cwd=tmp_path)
    assert done.returncode == 2
    assert "the judgments in other.txt have none" in done.stderr
