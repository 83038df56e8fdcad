"""What grades unjudged documents may have."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.comparison.comparison_set import System
from evalkit.comparison.counted_documents import CountedDocuments
from evalkit.comparison.unseen_grades import UnseenGrades
from evalkit.metrics import evaluate
from evalkit.records import Qrels, Run

LETTERS = "abcdefghij"


def unseen(grades: dict[str, float], other: str = LETTERS, highest: float = 3.0) -> UnseenGrades:
    """Return the unjudged documents of two lists, of which some documents are judged."""
    qrels = Qrels({"q": grades})
    systems = [
        System(tag, run, evaluate(run, qrels, ["nDCG@10"]))
        for tag, docs in (("a", LETTERS), ("b", other))
        for run in [Run.from_rows(tag, ["q"] * len(docs), list(docs), [-float(x) for x in range(len(docs))])]
    ]
    return UnseenGrades.of(CountedDocuments.of(systems[0], systems[1], qrels, 10), highest)


def test_each_document_counts_once_at_its_better_rank() -> None:
    """A document of both lists is one of the first ranks if it is in either."""
    found = unseen({"a": 2, "b": 0, "j": 1}, other=LETTERS[::-1])
    assert found.seen == 3
    names = [LETTERS[doc] for doc in found.pairs.doc.tolist()]
    assert names == list("cdefghi")
    assert found.band.tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert found.counts.tolist() == [[1, 1, 1, 0], [0] * 4, [0] * 4]


def test_expected_grades_are_those_of_the_band_shrunk_to_all() -> None:
    """By hand: three judged at the first ranks, one below; the prior is half a judgment for each grade."""
    found = unseen({"a": 3, "b": 3, "c": 2, "d": 0})
    common = (np.array([1, 0, 1, 2]) + 0.5) / 6
    wanted = (np.array([1, 0, 0, 0]) + 4 * common) / 5
    assert found.expected[1] == pytest.approx(wanted)
    mean = wanted @ [0, 1, 2, 3]
    assert found.means == pytest.approx(np.full(6, mean))
    assert found.spreads**2 == pytest.approx(np.full(6, wanted @ (np.arange(4) - mean) ** 2))


def test_draws_have_the_expected_shares() -> None:
    """Over many draws; a fractional grade that was seen may come again, and none that was not."""
    found = unseen({"a": 3, "b": 2.5, "c": 2.5, "d": 0})
    rng = np.random.default_rng(1)
    drawn = np.array([found.draw(rng) for _ in range(4000)])
    assert found.levels.tolist() == [0, 1, 2, 2.5, 3]
    shares = [(drawn == level).mean() for level in found.levels]
    assert shares == pytest.approx(found.expected[1], abs=0.02)
