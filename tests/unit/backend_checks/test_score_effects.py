"""Planted effects of known size are recovered within their intervals, and none is reported where none is planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.backend_checks.check_calls import CheckResult
from evalkit.backend_checks.list_variations import COPIED, ORDERS, ListSample, with_unrelated
from evalkit.backend_checks.pointwise import check_pointwise
from evalkit.backend_checks.score_effects import (
    COPY_ITSELF,
    COPY_OTHERS,
    NEIGHBOUR,
    PLACE,
    Scale,
    calls_of,
    list_effects,
    score_lists,
)
from evalkit.backend_checks.wording_effect import METRIC, WORDING, wording_effect
from evalkit.records import Qrels, RerankRequest

DOCUMENTS, QUERIES = 10, 12


@dataclass(frozen=True)
class Planted:
    """What moves a score, and by how much.

    Attributes
    ----------
    per_place, in_middle
        For each place, and in the middle place against both ends.
    unrelated, copied, others_of_copy, worded
        Where a document of another query is in the list, for a document that is in it twice and for the others of its
        list, and with the other wording.
    noise
        Standard deviation of a random change of every score.
    """

    per_place: float = 0.0
    in_middle: float = 0.0
    unrelated: float = 0.0
    copied: float = 0.0
    others_of_copy: float = 0.0
    worded: float = 0.0
    noise: float = 0.0


def samples(queries: int = QUERIES, documents: int = DOCUMENTS) -> list[ListSample]:
    """Return lists of documents that name their query."""
    requests = [
        RerankRequest(
            f"q{number}",
            f"query {number}",
            tuple(f"q{number} text {place}" for place in range(documents)),
            tuple(f"q{number}-{place}" for place in range(documents)),
        )
        for number in range(queries)
    ]
    return list(with_unrelated(requests))


def scorer(
    planted: Planted, rng: np.random.Generator, *, worded: bool = False
) -> Callable[[RerankRequest], NDArray[np.float64]]:
    """Return a reranker that scores documents by their text, and is moved by what is planted."""

    def score(request: RerankRequest) -> NDArray[np.float64]:
        texts = request.documents
        own = np.array([int(f"0{text}"[-1].replace(".", "0")) * 7 % 10 / 10 for text in texts])
        twice = np.array([texts.count(text) > 1 for text in texts])
        foreign = not all(text.startswith(f"{request.query_id} ") for text in texts)
        place = np.arange(len(texts))
        share = place / (DOCUMENTS - 1)
        moved = planted.per_place * place + planted.in_middle * (1 - np.abs(2 * share - 1))
        moved += planted.unrelated * foreign + planted.worded * worded
        moved += np.where(twice, planted.copied, planted.others_of_copy * twice.any())
        return np.asarray(own + moved + rng.normal(0, planted.noise, len(texts)))

    return score


def probed(planted: Planted, seed: int = 0) -> dict[str, CheckResult]:
    """Return the findings on a reranker."""
    rng = np.random.default_rng(seed)
    found = score_lists(samples(), seed, scorer(planted, rng), scorer(planted, rng, worded=True), ranks=False)
    scale = Scale.of(found, ranks=False)
    return {one.promise: one for one in (*list_effects(found, scale), wording_effect(found, scale, None))}


PROMISES = {PLACE, NEIGHBOUR, COPY_ITSELF, COPY_OTHERS, WORDING}
CASES: list[tuple[Planted, dict[str, dict[str, float]]]] = [
    (Planted(per_place=-0.01), {PLACE: {"from first to last place": -0.09}}),
    (Planted(in_middle=-0.1), {PLACE: {"in the middle, against both ends": -0.1}}),
    (Planted(unrelated=0.05), {NEIGHBOUR: {"mean change": 0.05, "change with its sign": 0.05}}),
    (
        Planted(copied=-0.2, others_of_copy=0.03),
        {
            COPY_ITSELF: {"mean change": 0.2, "change with its sign": -0.2, "copy minus document": 0.0},
            COPY_OTHERS: {"mean change": 0.03, "change with its sign": 0.03},
        },
    ),
    (Planted(worded=0.04), {WORDING: {"change with its sign": 0.04, "Kendall's tau of the rankings": 1.0}}),
    (Planted(), {}),
]


@pytest.mark.parametrize(("planted", "amounts"), CASES)
def test_what_is_planted_is_recovered_and_nothing_else(
    planted: Planted, amounts: dict[str, dict[str, float]]
) -> None:
    """Without noise the figures are the planted amounts, and all other properties are kept."""
    found = probed(planted)
    assert set(found) == PROMISES
    assert {name for name, one in found.items() if one.verdict == "not met"} == set(amounts)
    kept = {name for name, one in found.items() if one.verdict == "kept"}
    assert kept == PROMISES - set(amounts)
    for promise, figures in amounts.items():
        for name, amount in figures.items():
            figure = found[promise].figures[name]
            assert figure.estimate == pytest.approx(amount, abs=1e-9)
            assert figure.n == QUERIES


def test_intervals_contain_what_is_planted() -> None:
    """With noise, 95 % intervals have the planted amount, and effects without one are almost never reported."""
    planted = Planted(per_place=-0.004, others_of_copy=0.03, noise=0.03)
    inside, alarms, draws = {"place": 0, "copy": 0}, 0, 150
    for seed in range(draws):
        found = probed(planted, seed)
        for key, (promise, name, amount) in {
            "place": (PLACE, "from first to last place", -0.036),
            "copy": (COPY_OTHERS, "change with its sign", 0.03),
        }.items():
            figure = found[promise].figures[name]
            assert figure.lower is not None
            assert figure.upper is not None
            inside[key] += figure.lower <= amount <= figure.upper
        alarms += any(found[name].verdict == "not met" for name in (NEIGHBOUR, COPY_ITSELF, WORDING))
    assert min(inside.values()) >= 0.90 * draws, inside
    assert alarms <= 0.03 * draws


def test_the_plan_is_what_is_sent() -> None:
    """The calls that are planned are those that are made, in the same order."""
    sent: list[RerankRequest] = []
    inner = scorer(Planted(), np.random.default_rng(0))

    def score(request: RerankRequest) -> NDArray[np.float64]:
        sent.append(request)
        return inner(request)

    score_lists(samples(), 5, score, None, ranks=False)
    assert sent == [variation.request for _, variation in calls_of(samples(), 5)]
    assert len(sent) == QUERIES * (2 + len(ORDERS) + 2)


@pytest.mark.parametrize("failing", [{"again"}, {"reversed"}, {"original"}, {"copy", "unrelated"}])
def test_a_failed_call_leaves_out_its_query_and_moves_no_score(failing: set[str]) -> None:
    """Effects that need the call have one query fewer, which the evidence says; the amounts are the same."""
    planted = Planted(per_place=-0.01, unrelated=0.05, others_of_copy=0.03)
    inner = scorer(planted, np.random.default_rng(0))
    lists = samples()
    texts = [
        variation.request.documents for name, variation in lists[3].variations(3).items() if name in failing
    ]
    seen: list[tuple[str, ...]] = []

    def score(request: RerankRequest) -> NDArray[np.float64] | None:
        seen.append(request.documents)
        if failing == {"again"}:
            return (
                None if seen.count(request.documents) == 2 and request.documents in texts else inner(request)
            )
        return None if request.documents in texts else inner(request)

    found = score_lists(lists, 0, score, None, ranks=False)
    results = {one.promise: one for one in list_effects(found, Scale.of(found, ranks=False))}
    counts = {name: one.figures["mean change"].n for name, one in results.items()}
    assert min(counts.values()) == QUERIES - 1
    assert results[NEIGHBOUR].figures["change with its sign"].estimate == pytest.approx(0.05)
    assert results[COPY_OTHERS].figures["change with its sign"].estimate == pytest.approx(0.03)
    for name, one in results.items():
        assert (f"1 of {QUERIES} queries left out" in one.evidence) == (counts[name] < QUERIES)


def test_few_queries_give_no_verdict() -> None:
    """One query has no interval, and two noisy ones have a wide one: neither is called kept or moved."""
    rng = np.random.default_rng(1)
    for count, noise in ((1, 0.0), (2, 0.1)):
        found = score_lists(samples(count), 0, scorer(Planted(noise=noise), rng), None, ranks=False)
        verdicts = {one.verdict for one in list_effects(found, Scale.of(found, ranks=False))}
        assert verdicts == {"not testable"}


def test_equal_scores_show_nothing() -> None:
    """Without a spread no change is large or small."""
    found = score_lists(samples(), 0, lambda request: np.ones(len(request.documents)), None, ranks=False)
    results = list(list_effects(found, Scale.of(found, ranks=False)))
    assert {one.verdict for one in results} == {"not testable"}
    assert "all scores of a list are equal" in results[0].evidence


def test_where_calls_fail_the_first_failure_is_named() -> None:
    """Queries that are left out have a reason."""
    found = score_lists(samples(), 0, lambda _request: None, None, ranks=False)
    scale = Scale.of(found, ranks=False, failure="it returned 400: no")
    for one in list_effects(found, scale):
        assert (
            "12 of 12 queries left out, as a call failed; the first failure: it returned 400: no"
            in one.evidence
        )


@pytest.mark.parametrize("level", [0.99, 1e-9, -40.0])
def test_scores_that_differ_by_rounding_show_nothing(level: float) -> None:
    """Scores of a list that are equal but for the last digits of single precision are no scale for a change."""
    rng = np.random.default_rng(2)

    def score(request: RerankRequest) -> NDArray[np.float64]:
        return level * (1 + 1e-7 * rng.normal(size=len(request.documents)))

    found = score_lists(samples(), 0, score, None, ranks=False)
    results = list(list_effects(found, Scale.of(found, ranks=False)))
    assert {one.verdict for one in results} == {"not testable"}
    check = check_pointwise("r", "d", [one.request for one in samples(3)], score)
    assert (check.spread, check.verdict) == (0.0, "not testable")


def test_ranks_are_compared_among_the_documents_of_the_list() -> None:
    """An added document takes a rank; that alone is no change of the others. A change of order is one, in ranks."""

    def ranks(request: RerankRequest) -> NDArray[np.float64]:
        own = scorer(Planted(), np.random.default_rng(0))(request)
        return np.asarray(1 / (1 + np.argsort(np.argsort(-own, kind="stable"), kind="stable")))

    def by_place(request: RerankRequest) -> NDArray[np.float64]:
        return np.asarray(1 / np.arange(1.0, len(request.documents) + 1))

    for score, verdict in ((ranks, "kept"), (by_place, "not met")):
        found = score_lists(samples(), 0, score, None, ranks=True)
        results = {one.promise: one for one in list_effects(found, Scale.of(found, ranks=True))}
        assert results[NEIGHBOUR].verdict == results[COPY_OTHERS].verdict == "kept"
        assert results[PLACE].verdict == verdict
    assert results[PLACE].figures["from first to last place"].estimate == pytest.approx(DOCUMENTS - 1)
    assert "ranks" in results[PLACE].evidence


def test_the_quality_of_two_wordings_is_compared() -> None:
    """A wording that turns the ranking around is worse where the judged documents were first."""
    lists = samples()
    grades = {one.request.query_id: {one.request.doc_ids[7]: 1} for one in lists}  # 7 * 7 % 10 = 9: the best
    straight = scorer(Planted(), np.random.default_rng(0))
    for is_rank in (False, True):

        def score(request: RerankRequest, sign: int = 1) -> NDArray[np.float64]:
            own = sign * straight(request)
            return np.asarray(1 / (1 + np.argsort(np.argsort(-own)))) if is_rank else own  # noqa: B023

        found = score_lists(lists, 0, score, lambda request: score(request, -1), ranks=is_rank)
        result = wording_effect(found, Scale.of(found, ranks=is_rank), Qrels(grades))
        assert result.verdict == "not met"
        assert result.figures[f"change of {METRIC}"].estimate == pytest.approx(1 / np.log2(11) - 1)
        assert result.figures["Kendall's tau of the rankings"].estimate == pytest.approx(-1)


def test_the_copied_document_is_the_first() -> None:
    """The copy is at the end, so that no other document has another place."""
    copy = samples()[0].variations(0)["copy"]
    assert copy.request.documents[-1] == copy.request.documents[COPIED]
    assert copy.places.tolist() == list(range(DOCUMENTS))


def orders(seed: int) -> Sequence[tuple[str, ...]]:
    """Return the orders that are sent for a query."""
    found = samples()[0].variations(seed)
    return [found[name].request.documents for name in ORDERS]


def test_orders_are_those_of_the_seed() -> None:
    """A probe can be repeated; each order has all documents, and the places lead back to the original list."""
    assert orders(1) == orders(1) != orders(2)
    for one in samples()[0].variations(1).values():
        assert [one.request.documents[place] for place in one.places] == list(samples()[0].request.documents)
