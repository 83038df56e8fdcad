"""The sequential dependence model: what moves a score, checked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.datasets import load_dataset
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.rerankers.lexical import BACKGROUND_FILE, WINDOW, Document, count_background, load_background


def score(query: str, *documents: str, **settings: object) -> list[float]:
    """Return the scores of documents."""
    request = RerankRequest("q", query, documents, tuple(map(str, range(len(documents)))))
    return load_reranker("lexical", **settings).score(request).scores.tolist()  # type: ignore[no-any-return]


def test_a_single_term_scores_as_the_formula_says() -> None:
    """One term is Dirichlet-smoothed query likelihood over the background's, written out here."""
    background = load_background()
    share, mu = background.share("server"), 1000.0
    wanted = 0.85 * (math.log1p(2 / (mu * share)) + math.log(mu / (3 + mu)))
    assert score("server", "server server rack") == pytest.approx([wanted])


def test_order_and_nearness_count() -> None:
    """A phrase beats the same words near each other, which beat the same words far apart."""
    far = "restart " + "filler " * 20 + "database"
    phrase = "restart database " + "filler " * 20
    near = "database restart " + "filler " * 20
    scores = score("restart database", phrase, near, far)
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


def test_the_title_counts_more() -> None:
    """The same word weighs more in the first line than in the body; without a line break there is no title."""
    titled, body = score("backup", "backup\nhow to keep data safe", "how to\nkeep backup data safe")
    assert titled > body
    assert score("backup", "backup now", title_weight=1) == score("backup", "backup now", title_weight=9)


def test_scores_do_not_depend_on_the_other_documents() -> None:
    """The reranker is pointwise: alone, in company or in another order, a document has the same score."""
    documents = ["restart the database", "a database restart", "nothing of the kind"]
    together = score("restart database", *documents)
    assert [score("restart database", d)[0] for d in documents] == together
    assert score("restart database", *documents[::-1]) == together[::-1]


def test_a_query_without_terms_scores_0() -> None:
    """A query of stop words only, or of nothing, gives every document 0."""
    assert score("the of", "some text", "") == [0.0, 0.0]


def test_windows_are_counted_within_a_field() -> None:
    """A pair counts once for each pair of places less than 8 apart, in any order, never across fields."""
    document = Document.from_fields([["a", "b"], ["b", *("x" * 8), "a"], ["b", "a"]])
    assert document.windows(("a", "b")) == 2
    assert document.windows(("a", "zz")) == 0
    assert document.phrases["a", "b"] == 1


def test_the_background_table_is_made_from_the_demo_texts() -> None:
    """The bundled table is what the documented function counts over the demo collection's documents."""
    counted = count_background(load_dataset("demo").corpus.texts)
    rows = sorted(counted.counts.items(), key=lambda item: (-item[1], item[0]))
    assert BACKGROUND_FILE.read_text(encoding="utf-8") == "".join(
        f"{term}\t{count}\n" for term, count in rows
    )


@given(
    st.lists(st.sampled_from("abc"), max_size=40),
    st.sampled_from("abc"),
    st.sampled_from("abc"),
)
def test_windows_are_counted_as_by_looking_at_every_two(terms: list[str], first: str, second: str) -> None:
    """Two places near each other, in any order, count once for each way round."""
    document = Document.from_fields([terms, terms[:5]])
    by_hand = sum(
        0 < abs(i - j) < WINDOW
        for places in (terms, terms[:5])
        for i, one in enumerate(places)
        if one == first
        for j, other in enumerate(places)
        if other == second
    )
    assert document.windows((first, second)) == by_hand


def test_a_hostile_text_takes_no_quadratic_time() -> None:
    """A word repeated a hundred thousand times, in query and document, is scored: it used to take hours."""
    text = "password " * 100_000
    request = RerankRequest("q", text, (text, "password"), ("a", "b"))
    assert np.isfinite(load_reranker("lexical").score(request).scores).all()
