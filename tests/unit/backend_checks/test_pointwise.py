"""Whether scores move with their company: laws of the check, and what it says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.checked import by_pair, request

from evalkit.backend_checks.pointwise import (
    CALLS,
    FURTHER_CALLS,
    PointwiseCheck,
    check_pointwise,
    check_pointwise_briefly,
    second_half,
)
from evalkit.backend_checks.score_scale import NOISE_FACTOR, TOLERANCE
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


def test_one_other_list_is_enough_where_nothing_moves() -> None:
    """Each list as it is, then its second half in reverse order: a start is found from two calls per query."""
    sent: list[RerankRequest] = []

    def ask(one: RerankRequest) -> NDArray[np.float64]:
        sent.append(one)
        return scores(one)

    first, second = request(0), request(1)
    check = check_pointwise_briefly("r", "d", [first, second], ask)
    assert [one.documents for one in sent] == [
        first.documents, second.documents, first.documents[:2:-1], second.documents[:2:-1],
    ]  # fmt: skip
    assert second_half(first) == sent[2]
    assert (check.verdict, check.again, check.order, check.batch) == ("kept", None, None, 0.0)
    assert check.evidence().startswith(
        "largest score change of 12 pairs of 2 queries: 0 in the second half of the list in reverse order (standard"
    )


def test_all_other_lists_follow_where_a_score_moves() -> None:
    """Of every query: only an identical request distinguishes noise from a dependence."""
    sent: list[RerankRequest] = []

    def ask(one: RerankRequest) -> NDArray[np.float64]:
        sent.append(one)
        return scores(one) + (one.query == "query 1") * len(one.documents)

    check = check_pointwise_briefly("r", "d", [request(0), request(1)], ask)
    assert len(sent) == 2 * (2 + FURTHER_CALLS)
    assert (check.verdict, check.again, check.order) == ("broken", 0.0, 0.0)


def softmax(one: RerankRequest) -> NDArray[np.float64]:
    """Return scores that sum to 1 over the list."""
    powers = np.exp(scores(one))
    return powers / powers.sum()


def scaled(one: RerankRequest) -> NDArray[np.float64]:
    """Return scores from 0 to 1 in each list."""
    found = scores(one)
    return (found - found.min()) / np.ptp(found)


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: scores(one) + 0.1 * np.arange(len(one.documents)),
        lambda one: scores(one) + (np.arange(len(one.documents)) < 1),
        lambda one: scores(one) + 0.1 * len(one.documents),
        lambda one: scores(one) + (one.documents[0] == "a long tail"),
        lambda one: scores(one) * (1 + (request(0).documents[0] in one.documents)),
        softmax,
        scaled,
    ],
    ids=["place", "first place", "length", "first document", "another document", "softmax", "scaled"],
)
def test_the_brief_check_finds_what_looks_at_the_list(ask) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - any Ask
    """Each kind of dependence, with the further lists that show it."""
    found_briefly = check_pointwise_briefly("r", "d", [request(0), request(1), request(2)], ask)
    assert found_briefly.verdict == "broken"
    assert found_briefly.again == 0.0


@pytest.mark.parametrize(("amount", "verdict"), [(1.0, "unstable"), (1e-4, "kept")])
def test_the_brief_check_knows_noise(amount: float, verdict: str) -> None:
    """Two answers to one question are not blamed on the list, and rounding is no noise."""
    rng = np.random.default_rng(1)

    def ask(one: RerankRequest) -> NDArray[np.float64]:
        return scores(one) + amount * rng.normal(size=len(one.documents))

    assert check_pointwise_briefly("r", "d", [request(n) for n in range(3)], ask).verdict == verdict


def rates(check, noise: float, effect: float, worlds: int = 300) -> dict[str, float]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - either check
    """Return how often each verdict is found, of scores with noise and an effect of the place and the length."""
    verdicts: dict[str, float] = {}
    for world in range(worlds):
        rng = np.random.default_rng(world)
        texts = tuple(f"text {n}" for n in range(20))
        truth = {text: float(rng.normal()) for text in texts}

        def ask(one: RerankRequest, rng=rng, truth=truth) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - bound now
            place = np.arange(len(one.documents)) / 20 + len(one.documents) / 20
            exact = np.array([truth[text] for text in one.documents])
            return exact + effect * place + noise * rng.normal(size=len(one.documents))

        verdict = check("r", "d", [request(n, texts) for n in range(3)], ask).verdict
        verdicts[verdict] = verdicts.get(verdict, 0.0) + 1 / worlds
    return verdicts


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.008, 0.02, 0.1])
def test_the_brief_check_gives_no_more_false_alarms(noise: float) -> None:
    """Scores of pairs with any amount of noise are as rarely called dependent as by all lists."""
    brief, thorough = (rates(check, noise, 0.0) for check in (check_pointwise_briefly, check_pointwise))
    assert brief.get("broken", 0.0) <= thorough.get("broken", 0.0) + 0.01


@pytest.mark.parametrize("effect", [0.06, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_the_brief_check_finds_no_fewer_dependences(effect: float, noise: float) -> None:
    """An effect of the place and the length is found as often as by all lists, whatever its size."""
    brief, thorough = (rates(check, noise, effect) for check in (check_pointwise_briefly, check_pointwise))
    assert brief.get("broken", 0.0) >= thorough.get("broken", 0.0) - 0.01


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


@pytest.mark.parametrize("checked", [check_pointwise, check_pointwise_briefly])
def test_equal_scores_that_move_together_are_broken(checked: Callable[..., PointwiseCheck]) -> None:
    """They follow the length of the list, though all documents have the same score; rounding alone is no movement."""
    asked = [request(0), request(1)]

    def by_length(one: RerankRequest) -> NDArray[np.float64]:
        return np.full(len(one.documents), 1 / len(one.documents))

    check = checked("r", "d", asked, by_length)
    assert (check.spread, check.verdict) == (0.0, "broken")
    rounded = checked("r", "d", asked, lambda one: 0.5 + 1e-9 * by_length(one))
    assert (rounded.spread, rounded.verdict) == (0.0, "not testable")
    assert rounded.drift is not None
    assert 0 < rounded.drift < rounded.rounding


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
