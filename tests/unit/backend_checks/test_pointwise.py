"""Whether scores move with their company: laws of the check, and what it says."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.checked import by_pair, request

from evalkit.backend_checks.pointwise import CALLS, NOISE_FACTOR, TOLERANCE, PointwiseCheck, check_pointwise
from evalkit.records import RerankRequest

TEXTS = st.lists(st.text(max_size=6), min_size=2, max_size=7, unique=True).map(tuple)
SIZES = st.floats(0.0, 10.0) | st.none()


def scores(request: RerankRequest) -> NDArray[np.float64]:
    """Score every pair by its hash."""
    return np.array(by_pair(request))


def found(ask, *requests: RerankRequest) -> PointwiseCheck:  # type: ignore[no-untyped-def]  # noqa: ANN001 - any Ask
    """Return what the check finds."""
    return check_pointwise("r", "d", requests or (request(0), request(1)), ask)


def noisy(amount: float):  # type: ignore[no-untyped-def]  # noqa: ANN201 - an Ask
    """Return a backend that adds 0 and this amount by turns."""
    turn = itertools.cycle([0.0, amount])
    return lambda request: scores(request) + next(turn)


@given(documents=st.lists(TEXTS, min_size=1, max_size=4))
def test_a_function_of_the_pair_is_pointwise(documents: list[tuple[str, ...]]) -> None:
    """Whatever the texts, nothing moves, and every pair of every query was compared."""
    asked = [request(number, texts) for number, texts in enumerate(documents)]
    check = found(scores, *asked)
    assert (check.again, check.order, check.batch, check.drift) == (0.0, 0.0, 0.0, 0.0)
    assert (check.queries, check.pairs) == (len(documents), sum(map(len, documents)))
    assert check.verdict == "kept"


def test_four_lists_of_each_query_are_sent() -> None:
    """The list twice, then reversed, then its second half; ids stay with their texts."""
    sent: list[RerankRequest] = []

    def ask(one: RerankRequest) -> NDArray[np.float64]:
        sent.append(one)
        return scores(one)

    first = request(0)
    found(ask, first)
    assert len(sent) == CALLS
    assert [one.documents for one in sent] == [
        first.documents, first.documents, first.documents[::-1], first.documents[3:],
    ]  # fmt: skip
    for one in sent:
        assert (
            dict(zip(one.doc_ids, one.documents, strict=True)).items()
            <= dict(zip(first.doc_ids, first.documents, strict=True)).items()
        )


@pytest.mark.parametrize(
    ("ask", "order", "batch"),
    [
        (lambda one: scores(one) + np.arange(len(one.documents)), True, True),
        (lambda one: scores(one) + len(one.documents), False, True),
        (lambda one: scores(one) + (one.documents[0] == "a long tail"), True, False),
    ],
    ids=["by place", "by length of the list", "by the first document"],
)
def test_what_looks_at_the_list_is_broken(ask, order: bool, batch: bool) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - any Ask
    """A score that depends on the place, the list's length or its first document is found, and by which list."""
    check = found(ask)
    assert check.verdict == "broken"
    assert (check.order is not None and check.order > 0.5) is order
    assert (check.batch is not None and check.batch > 0.5) is batch
    assert check.again == 0


def test_noise_is_not_blamed_on_the_list() -> None:
    """A backend that gives two answers to one question is unstable: nothing is said of its lists."""
    check = found(noisy(1.0))
    assert check.verdict == "unstable"
    assert check.again == pytest.approx(1.0)


def test_noise_far_below_the_spread_is_rounding() -> None:
    """Scores that move by a thousandth of their spread, however often they are asked for, keep the promise."""
    assert found(noisy(1e-4)).verdict == "kept"


def test_calls_that_fail_take_no_part() -> None:
    """A first call that fails costs its query; one of the others costs one comparison."""
    half = found(lambda one: None if one.query == "query 0" else scores(one))
    assert (half.queries, half.pairs) == (1, 6)
    no_half = found(lambda one: None if len(one.documents) == 3 else scores(one))
    assert (no_half.queries, no_half.batch, no_half.order) == (2, None, 0.0)
    assert no_half.verdict == "kept"
    assert "- in half the list" in no_half.evidence()
    twice = iter([True, False, True, True])
    never_again = found(lambda one: scores(one) if next(twice) else None, request(0))
    assert never_again.again is None
    assert never_again.verdict == "not testable"


def test_nothing_compared_is_no_verdict() -> None:
    """Where every call fails, or all scores are one, nothing can be said."""
    nothing = found(lambda _one: None)
    assert (nothing.queries, nothing.pairs, nothing.spread, nothing.drift) == (0, 0, None, None)
    assert nothing.verdict == "not testable"
    assert nothing.evidence() == "no pair was scored twice"
    assert found(lambda one: np.full(len(one.documents), 0.5)).verdict == "not testable"


def test_the_largest_difference_of_all_queries_counts() -> None:
    """One query that moves is enough, in whichever place it is asked."""

    def ask(one: RerankRequest) -> NDArray[np.float64]:
        return scores(one) + (one.query == "query 1") * np.arange(len(one.documents))

    for requests in ((request(0), request(1)), (request(1), request(0))):
        check = found(ask, *requests)
        assert check.verdict == "broken"
        assert check.order == pytest.approx(5.0)


def test_the_evidence_holds_every_figure() -> None:
    """Pairs, queries, the three differences and the spread, in one sentence."""
    check = PointwiseCheck("r", "d", 2, 12, spread=0.25, again=0.0, order=0.031, batch=0.5)
    assert check.evidence() == (
        "largest score change of 12 pairs of 2 queries: 0 in a repeated call, 0.031 in reverse order, 0.5 in half"
        " the list (standard deviation of the scores: 0.25)"
    )


@given(spread=SIZES, again=SIZES, order=SIZES, batch=SIZES, scale=st.sampled_from([0.001, 0.5, 64.0]))
def test_the_unit_of_the_scores_does_not_matter(
    spread: float | None, again: float | None, order: float | None, batch: float | None, scale: float
) -> None:
    """Logits times a constant are as pointwise as the logits."""
    check = PointwiseCheck("r", "d", 1, 5, spread, again, order, batch)
    scaled = replace(
        check,
        **{
            name: None if value is None else value * scale
            for name, value in (("spread", spread), ("again", again), ("order", order), ("batch", batch))
        },
    )
    near = any(
        a is not None and b is not None and a == pytest.approx(b * factor, rel=1e-9, abs=0)
        for a, b, factor in (
            (again, spread, TOLERANCE), (check.drift, spread, TOLERANCE), (check.drift, again, NOISE_FACTOR),
        )
    )  # fmt: skip
    tiny = any(value is not None and 0 < value < 1e-300 for value in (spread, again, order, batch))
    assert near or tiny or scaled.verdict == check.verdict


@given(again=st.floats(0, 1), low=st.floats(0, 5), more=st.floats(0, 5))
def test_more_drift_is_never_less_broken(again: float, low: float, more: float) -> None:
    """A difference that breaks the promise breaks it when it is larger, too."""
    small = PointwiseCheck("r", "d", 1, 5, 1.0, again, low, None)
    large = replace(small, batch=low + more)
    assert small.verdict != "broken" or large.verdict == "broken"
    assert (small.verdict == "unstable") == (large.verdict == "unstable") == (again > TOLERANCE)
