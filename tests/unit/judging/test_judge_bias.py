"""Where a judge grades higher: groups of pairs and their mean differences."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.judging.common_grades import CommonGrades, common_grades
from evalkit.judging.judge_bias import BiasRow, bias_rows, pair_texts
from evalkit.records import Qrels, Run

QUERIES = [f"q{n}" for n in range(10)]


def grades(of: dict[str, float]) -> Qrels:
    """Return the same grades for every query."""
    return Qrels({query_id: dict(of) for query_id in QUERIES})


def pairs() -> CommonGrades:
    """Return a judge who gives the long document one grade more."""
    return common_grades(grades({"short": 1, "long": 2}), grades({"short": 1, "long": 1}))


def rows_by(found: tuple[BiasRow, ...], by: str) -> dict[str, BiasRow]:
    """Return group -> row of one property."""
    return {row.group: row for row in found if row.by == by}


def test_bias_by_length_and_words() -> None:
    """The difference is where it was made: at the long document, which has all the words of the query."""
    texts = {"short": "red", "long": "red and blue shoes"}
    known = pair_texts(
        pairs(), dict.fromkeys(QUERIES, "red shoes"), texts.get, lambda text: [*{*text.split()} - {"and"}]
    )
    found = bias_rows(pairs(), known, (), 10)
    lengths = rows_by(found, "document length")
    assert {group: row.mean for group, row in lengths.items()} == {
        "3 to 3 characters": 0.0,
        "4 to 18 characters": 1.0,
    }
    words = rows_by(found, "query words")
    assert {group: (row.mean, row.pairs) for group, row in words.items()} == {
        "a third to two thirds": (0.0, 10),
        "all": (1.0, 10),
    }
    assert found[0] == BiasRow("all", "all pairs", 20, 10, 0.5, 0.5, 0.5, 0.95)


def test_unknown_texts_are_in_no_group() -> None:
    """A document without text has no length: it is not one of length 0."""
    known = pair_texts(pairs(), {}, {"long": "red"}.get, str.split)
    assert np.isnan(known.lengths).sum() == 10
    assert np.isnan(known.overlaps).all()
    found = bias_rows(pairs(), known, (), 10)
    assert sum(row.pairs for row in found if row.by == "document length") == 10
    assert not rows_by(found, "query words")


def test_bias_by_system() -> None:
    """A pair belongs to each system that ranks it within the cutoff, and else to none of them."""
    runs = [
        Run.from_rows(tag, QUERIES, [doc] * len(QUERIES), [1.0] * len(QUERIES))
        for tag, doc in (("one", "long"), ("two", "long"))
    ]
    found = rows_by(bias_rows(pairs(), None, runs, 1), "system")
    assert {group: (row.mean, row.pairs) for group, row in found.items()} == {
        "one": (1.0, 10),
        "two": (1.0, 10),
        "none of them": (0.0, 10),
    }


def test_few_queries_have_no_interval() -> None:
    """A group with fewer than ten queries has a mean and no bounds."""
    judge, people = (Qrels({q: {"a": n} for q in QUERIES[:9]}) for n in (1, 0))
    row = bias_rows(common_grades(judge, people), None, (), 10)[0]
    assert (row.mean, row.lower, row.queries) == (1.0, None, 9)


@pytest.mark.parametrize("judge", [{"a": 1}, {}])
def test_no_pairs_no_rows(judge: dict[str, int]) -> None:
    """Without common pairs there is no mean, and no row that looks like one."""
    assert bias_rows(common_grades(Qrels({"q": judge}), Qrels({"q": {"b": 1}})), None, (), 10) == ()
