"""Whether scores depend on the query and the document: laws of the check, and what it must not blame."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.checked import Backend, exchanged
from support.faulty import hashed_score

from evalkit.backend_checks.score_dependence import (
    CALLS,
    DependenceCheck,
    ExchangedQueries,
    check_dependence,
    may_be_ranks,
)
from evalkit.records import RerankRequest

Score = Callable[[str, str], float]
TWELVE = tuple(f"document {number} " + "x" * number for number in range(12))


def found(score: Score, sample: ExchangedQueries | None = None, *, ranks: bool = False) -> DependenceCheck:
    """Return what the check finds of a function of query and document."""
    return check_dependence("r", sample or exchanged(), as_scorer(score), ranks=ranks)


def as_scorer(score: Score) -> Callable[[RerankRequest], NDArray[np.float64]]:
    """Return a function of a request."""
    return lambda one: np.array([score(one.query, text) for text in one.documents])


def in_rank(score: Score) -> Callable[[RerankRequest], NDArray[np.float64]]:
    """Return ranks from the bottom, as a reranker that sorts lists has them."""
    return lambda one: np.argsort(np.argsort(as_scorer(score)(one))) + 1.0


@pytest.mark.parametrize(
    ("score", "result", "on_query", "on_document"),
    [
        (hashed_score, "dependent", "kept", "kept"),
        (lambda _q, _d: 0.0, "constant", "broken", "broken"),
        (lambda _q, _d: 0.123456789, "constant", "broken", "broken"),
        (lambda _q, d: hashed_score("", d), "query ignored", "broken", "kept"),
        (lambda _q, d: float(len(d) % 7), "query ignored", "broken", "kept"),
        (lambda q, _d: hashed_score(q, ""), "documents ignored", "kept", "broken"),
        (lambda q, _d: round(hashed_score(q, ""), 1), "documents ignored", "kept", "broken"),
    ],
    ids=["pair", "constant 0", "constant", "document", "rounded length", "query", "rounded query"],
)
def test_what_is_ignored_is_found(score: Score, result: str, on_query: str, on_document: str) -> None:
    """Each way by its own name, with the verdict on either promise."""
    check = found(score)
    assert (check.found, check.on_query, check.on_document) == (result, on_query, on_document)
    assert (check.queries, check.documents, check.untested) == (4, 6, None)
    assert bool(check.fault()) is (result != "dependent")


def test_an_order_that_is_kept_is_named_as_such() -> None:
    """Equal scores for all queries that fall with the position: the list comes back as it was sent."""
    sample = exchanged(documents=TWELVE)
    check = check_dependence("r", sample, lambda one: 1 / (1 + np.arange(len(one.documents))), ranks=False)
    assert (check.found, check.on_query, check.on_document) == ("order kept", "broken", "not testable")
    assert check.fault().endswith("in the order of the request")
    assert check.evidence().endswith("scores fall in the order of the request")


def in_falling_order(one: RerankRequest) -> NDArray[np.float64]:
    """Return the scores of a request best first, as of a sorted list that is read without its index."""
    return -np.sort(-as_scorer(hashed_score)(one))


def test_a_sorted_list_without_its_index_is_found() -> None:
    """Scores that differ between queries, and fall with the position for every query, belong to other documents."""
    check = check_dependence("r", exchanged(documents=TWELVE), in_falling_order, ranks=False, briefly=True)
    assert (check.found, check.on_query, check.on_document) == ("sorted", "kept", "broken")
    assert check.fault().endswith("sorted by score and to be read without an index")
    assert check.evidence().endswith("scores fall in the order of the request")


def test_a_few_scores_may_fall_by_chance() -> None:
    """Six documents have 720 orders: one of them is no verdict."""
    check = check_dependence("r", exchanged(documents=TWELVE[:6]), in_falling_order, ranks=False)
    assert check.found == "dependent"


@given(
    queries=st.integers(2, 4),
    documents=st.integers(2, 12),
    digits=st.integers(2, 12),
    scale=st.sampled_from([1e-3, 1.0, 300.0]),
    seed=st.integers(0, 99),
)
def test_scores_of_pairs_are_never_blamed(
    queries: int, documents: int, digits: int, scale: float, seed: int
) -> None:
    """However few, scaled, and rounded to two digits or more: equal scores by chance are no verdict."""
    check = found(
        lambda q, d: scale * round(hashed_score(f"{q} {seed}", d), digits),
        exchanged(queries, TWELVE[:documents]),
    )
    assert "broken" not in {check.on_query, check.on_document}


@given(queries=st.integers(2, 4), documents=st.integers(1, 12), seed=st.integers(0, 99))
def test_ranks_of_pairs_are_never_blamed(queries: int, documents: int, seed: int) -> None:
    """A short list has few orders: the same one for every query is no verdict."""
    sample = exchanged(queries, TWELVE[:documents])
    check = check_dependence("r", sample, in_rank(lambda q, d: hashed_score(f"{q} {seed}", d)), ranks=True)
    assert "broken" not in {check.on_query, check.on_document}


def test_the_same_long_order_for_every_query_is_no_chance() -> None:
    """Twelve documents in one order for four queries; two documents in one order are nothing."""
    order = in_rank(lambda _q, d: hashed_score("", d))
    assert check_dependence("r", exchanged(documents=TWELVE), order, ranks=True).found == "query ignored"
    check = check_dependence("r", exchanged(documents=TWELVE[:2]), order, ranks=True)
    assert (check.found, check.untested) == (None, "8 scores are too few to tell: 2 different values")


@given(st.permutations(range(12)), st.floats(1e-3, 1e3))
def test_the_order_and_the_unit_of_the_documents_do_not_matter(order: list[int], unit: float) -> None:
    """What is found of scores is found of them in any order and times any constant."""
    documents = tuple(TWELVE[place] for place in order)
    for score in (hashed_score, lambda _q, d: hashed_score("", d), lambda q, _d: hashed_score(q, "")):
        scaled = found(lambda q, d, score=score: unit * score(q, d), exchanged(documents=documents))  # type: ignore[misc]
        assert scaled.found == found(score, exchanged(documents=TWELVE)).found


@pytest.mark.parametrize("answerable", [0, 1, 2, 4])
def test_zeros_are_no_fault_where_nothing_relevant_was_sent(answerable: int) -> None:
    """A calibrated reranker returns exactly 0 for what is irrelevant; with relevant documents sent it is a fault."""
    for score in (lambda _q, _d: 0.0, lambda _q, d: 0.01 * (d == TWELVE[3])):
        check = found(score, exchanged(documents=TWELVE, answerable=answerable))
        assert (check.found is None) is (answerable < 2)
    assert found(lambda _q, _d: 0.5, exchanged(documents=TWELVE, answerable=answerable)).found == "constant"


def test_one_document_far_away_hides_no_difference() -> None:
    """Next to a score of a million the others differ little, but they do differ."""
    far = found(lambda q, d: -1e6 if d == TWELVE[0] else hashed_score(q, d), exchanged(documents=TWELVE))
    assert far.found == "dependent"


@pytest.mark.parametrize("share", [1e-7, 1e-4])
def test_rounding_is_no_difference(share: float) -> None:
    """Scores of a document that differ by single precision or by a thousandth of the spread ignore the query."""
    check = found(lambda q, d: hashed_score("", d) + share * hashed_score(q, d), exchanged(documents=TWELVE))
    assert check.found == "query ignored"
    check = found(lambda q, d: hashed_score("", d) + 0.01 * hashed_score(q, d), exchanged(documents=TWELVE))
    assert check.found == "dependent"


def test_noise_is_no_fault() -> None:
    """Scores that are new in every call depend on neither, but that is for the check of repeated calls."""
    turn = itertools.count()
    check = found(lambda q, d: hashed_score(f"{q} {next(turn)}", d))
    assert check.found == "dependent"


def test_no_call_follows_one_that_failed() -> None:
    """What was scored before counts from the second query on; before that nothing can be said."""
    for working, result in ((0, None), (1, None), (2, "constant"), (3, "constant")):
        calls = iter(range(100))
        answers = [np.full(6, 0.123456789)] * working
        sent: list[RerankRequest] = []

        def ask(one: RerankRequest, answers=answers, calls=calls, sent=sent) -> NDArray[np.float64] | None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            sent.append(one)
            number = next(calls)
            return answers[number] if number < len(answers) else None

        check = check_dependence("r", exchanged(), ask, ranks=False)
        assert (check.found, check.queries, len(sent)) == (result, working, working + 1)
        if result is None:
            assert check.evidence() == f"a call failed after {working} of 4 queries"


def test_a_query_may_take_several_calls() -> None:
    """Where a call takes one document, the parts of a query are put together in their order."""
    whole = exchanged(queries=2, documents=TWELVE[:2])
    parts = tuple(
        replace(one, documents=(text,), doc_ids=(doc_id,))
        for one in whole.requests
        for text, doc_id in zip(one.documents, one.doc_ids, strict=True)
    )
    assert len(parts) == CALLS
    for score in (hashed_score, lambda _q, d: hashed_score("", d), lambda q, _d: hashed_score(q, "")):
        assert found(score, replace(whole, requests=parts)) == found(score, whole)


def test_without_a_sample_nothing_is_asked() -> None:
    """The reason is the evidence."""
    check = found(hashed_score, ExchangedQueries("d", (), missing="too few"))
    assert (check.queries, check.on_query, check.on_document, check.evidence()) == (
        0, "not testable", "not testable", "too few",
    )  # fmt: skip


def test_the_evidence_has_the_figures() -> None:
    """Queries, documents, the range of the scores and both differences; a constant is one figure."""
    check = DependenceCheck("r", "d", 4, 12, 0.25, 0.75, 0.0, 0.5, "query ignored")
    assert check.evidence() == (
        "4 queries with the same 12 documents: scores from 0.25 to 0.75, largest difference 0 between queries and 0.5"
        " between documents"
    )
    constant = replace(check, found="constant", lowest=0.5)
    assert constant.evidence() == "4 queries with the same 12 documents: every score is 0.5"


def test_ranks_come_from_lists() -> None:
    """A reranker that sees the list, or whose API gives an order, may return ranks; no other does."""
    assert may_be_ranks(Backend(pointwise=False))
    assert may_be_ranks(Backend(score_kind="rank"))
    assert not may_be_ranks(Backend())


@pytest.mark.parametrize(
    ("score", "asked", "result"),
    [
        (hashed_score, 2, "dependent"),
        (lambda _query, _text: 0.5, CALLS, "constant"),
        (lambda _query, text: hashed_score("", text), CALLS, "query ignored"),
        (lambda query, _text: hashed_score(query, ""), CALLS, "documents ignored"),
    ],
    ids=["pairs", "constant", "document", "query"],
)
def test_a_brief_check_ends_once_scores_depend_on_both(score: Score, asked: int, result: str) -> None:
    """Further queries cannot make different scores equal; a fault is found from all of them."""
    sent: list[RerankRequest] = []

    def ask(one: RerankRequest) -> NDArray[np.float64]:
        sent.append(one)
        return as_scorer(score)(one)

    assert check_dependence("r", exchanged(CALLS, TWELVE), ask, ranks=False, briefly=True).found == result
    assert len(sent) == asked
